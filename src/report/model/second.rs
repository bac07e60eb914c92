//! The rows of one second: 28 bytes each, beside a list of names that most seconds share. A run of hours has millions.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::SeriesInterval;

thread_local! {
    /// What seconds share; until [`forget_names`].
    static SHARED: RefCell<Shared> = RefCell::default();
}

/// Most names of rows that are read, of all results that are in memory.
const MOST_NAMES: usize = 20_000;

/// Names that were seen, and the last list of them: most seconds have the same rows.
#[derive(Default)]
struct Shared {
    names: HashSet<Arc<str>>,
    last: Names,
    /// Of the second that is being read.
    read: Vec<Arc<str>>,
}

/// The names of a second's rows, sorted.
type Names = Arc<[Arc<str>]>;

/// Lets go of the names that seconds share; those that are in use stay.
pub fn forget_names() {
    SHARED.with(|shared| {
        let mut shared = shared.borrow_mut();
        shared.last = Names::default();
        shared.names.retain(|name| Arc::strong_count(name) > 1);
    });
}

fn shared(name: &str) -> Arc<str> {
    SHARED.with(|shared| {
        let names = &mut shared.borrow_mut().names;
        names.get(name).cloned().unwrap_or_else(|| {
            let name: Arc<str> = name.into();
            names.insert(name.clone());
            name
        })
    })
}

/// The list of these names that the second before has too, if they are the same.
fn shared_list(names: Vec<Arc<str>>) -> Names {
    SHARED.with(|shared| {
        let last = &mut shared.borrow_mut().last;
        if **last != *names {
            *last = names.into();
        }
        last.clone()
    })
}

/// What each row did in one second, by name.
#[derive(Clone, Default, PartialEq)]
pub struct SecondRows {
    names: Names,
    rows: Box<[Row]>,
}

/// A row as it is kept, 28 bytes: the fields of [`SeriesInterval`] in their order. Larger values are cut to what fits; an
/// hour is 3.6 × 10⁹ µs, and no time is longer.
#[derive(Clone, Copy, PartialEq)]
struct Row([u32; 7]);

impl From<SeriesInterval> for Row {
    fn from(row: SeriesInterval) -> Self {
        let SeriesInterval { requests, failures, p50_us, p95_us, p99_us, in_drain, failures_in_drain } = row;
        let [requests, failures, p50_us, p95_us, p99_us] = [requests, failures, p50_us, p95_us, p99_us]
            .map(|value| u32::try_from(value).unwrap_or(u32::MAX));
        Self([requests, failures, p50_us, p95_us, p99_us, in_drain, failures_in_drain])
    }
}

impl From<Row> for SeriesInterval {
    fn from(Row(row): Row) -> Self {
        let [requests, failures, p50_us, p95_us, p99_us, in_drain, failures_in_drain] = row;
        let [requests, failures, p50_us, p95_us, p99_us] =
            [requests, failures, p50_us, p95_us, p99_us].map(u64::from);
        Self { requests, failures, p50_us, p95_us, p99_us, in_drain, failures_in_drain }
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SeriesInterval::deserialize(deserializer).map(Self::from)
    }
}

impl SecondRows {
    /// The row of that name.
    pub fn get(&self, name: &str) -> Option<SeriesInterval> {
        let at = self.names.binary_search_by(|known| (**known).cmp(name)).ok()?;
        self.rows.get(at).map(|row| (*row).into())
    }

    /// All rows in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, SeriesInterval)> {
        self.names.iter().zip(&self.rows).map(|(name, row)| (&**name, (*row).into()))
    }

    /// Of two rows of one name the later counts.
    fn of(mut all: Vec<(Arc<str>, Row)>) -> Self {
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all.dedup_by(|later, kept| {
            later.0 == kept.0 && {
                std::mem::swap(later, kept);
                true
            }
        });
        let (names, rows): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        Self { names: shared_list(names), rows: rows.into() }
    }
}

impl<N: AsRef<str>> FromIterator<(N, SeriesInterval)> for SecondRows {
    fn from_iter<I: IntoIterator<Item = (N, SeriesInterval)>>(rows: I) -> Self {
        Self::of(rows.into_iter().map(|(name, row)| (shared(name.as_ref()), row.into())).collect())
    }
}

impl fmt::Debug for SecondRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for SecondRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for SecondRows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;
        impl<'de> Visitor<'de> for Rows {
            type Value = SecondRows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of rows")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecondRows, A::Error> {
                SHARED.with(|shared| shared.borrow_mut().read.clear());
                let mut rows = vec![];
                while let Some(Name) = map.next_key()? {
                    rows.push(map.next_value()?);
                }
                let names = SHARED.with(|shared| std::mem::take(&mut shared.borrow_mut().read));
                Ok(SecondRows::of(names.into_iter().zip(rows).collect()))
            }
        }
        deserializer.deserialize_map(Rows)
    }
}

/// That a row's name was read. It holds nothing, so that the budget of a result is not charged for what seconds share: the
/// name is with the others of its second.
struct Name;

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shares;
        impl Visitor<'_> for Shares {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
                let count = SHARED.with(|shared| shared.borrow().names.len());
                if count > MOST_NAMES {
                    return Err(E::custom(format_args!("more than {MOST_NAMES} names of rows")));
                }
                let name = shared(name);
                SHARED.with(|shared| shared.borrow_mut().read.push(name));
                Ok(Name)
            }
        }
        deserializer.deserialize_str(Shares)
    }
}

impl JsonSchema for SecondRows {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        BTreeMap::<String, SeriesInterval>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, SeriesInterval>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(requests: u64) -> SeriesInterval {
        SeriesInterval { requests, ..SeriesInterval::default() }
    }

    #[test]
    fn rows_are_found_by_name_and_share_it() {
        let rows: SecondRows = [("b", row(1)), ("a", row(2)), ("b", row(3))].into_iter().collect();
        assert_eq!(
            rows.iter().map(|(name, row)| (name, row.requests)).collect::<Vec<_>>(),
            [("a", 2), ("b", 3)]
        );
        assert_eq!((rows.get("b"), rows.get("c")), (Some(row(3)), None));
        let again: SecondRows =
            serde_json::from_str(&serde_json::to_string(&rows).expect("JSON")).expect("rows");
        assert_eq!(again, rows);
        assert!(Arc::ptr_eq(&again.names, &rows.names));
        forget_names();
        assert!(Arc::ptr_eq(&shared("a"), &rows.names[0]), "in use");
        drop((rows, again));
        forget_names();
        assert_eq!(Arc::strong_count(&shared("a")), 2, "made anew");
    }
}
