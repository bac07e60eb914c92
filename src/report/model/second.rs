//! The rows of one second: sorted pairs that share their names with all other seconds, a third of what a map of its own
//! names takes. A run of hours has millions.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::SeriesInterval;

thread_local! {
    /// Names that were seen; until [`forget_names`].
    static NAMES: RefCell<HashSet<Arc<str>>> = RefCell::default();
}

/// Lets go of the names that seconds share; those that are in use stay.
pub fn forget_names() {
    NAMES.with(|names| names.borrow_mut().retain(|name| Arc::strong_count(name) > 1));
}

fn shared(name: &str) -> Arc<str> {
    NAMES.with(|names| {
        let mut names = names.borrow_mut();
        names.get(name).cloned().unwrap_or_else(|| {
            let name: Arc<str> = name.into();
            names.insert(name.clone());
            name
        })
    })
}

/// What each row did in one second, by name.
#[derive(Clone, Default, PartialEq)]
pub struct SecondRows(Box<[(Arc<str>, SeriesInterval)]>);

impl SecondRows {
    /// The row of that name.
    pub fn get(&self, name: &str) -> Option<&SeriesInterval> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.0.get(at).map(|(_, row)| row)
    }

    /// All rows in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SeriesInterval)> {
        self.0.iter().map(|(name, row)| (&**name, row))
    }

    /// Of two rows of one name the later counts.
    fn of(mut all: Vec<(Arc<str>, SeriesInterval)>) -> Self {
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all.dedup_by(|later, kept| {
            later.0 == kept.0 && {
                std::mem::swap(later, kept);
                true
            }
        });
        Self(all.into())
    }
}

impl<N: AsRef<str>> FromIterator<(N, SeriesInterval)> for SecondRows {
    fn from_iter<I: IntoIterator<Item = (N, SeriesInterval)>>(rows: I) -> Self {
        Self::of(rows.into_iter().map(|(name, row)| (shared(name.as_ref()), row)).collect())
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
                let mut all = vec![];
                while let Some(name) = map.next_key::<Cow<'_, str>>()? {
                    all.push((shared(&name), map.next_value()?));
                }
                Ok(SecondRows::of(all))
            }
        }
        deserializer.deserialize_map(Rows)
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
        assert_eq!((rows.get("b"), rows.get("c")), (Some(&row(3)), None));
        let again: SecondRows =
            serde_json::from_str(&serde_json::to_string(&rows).expect("JSON")).expect("rows");
        assert_eq!(again, rows);
        assert!(Arc::ptr_eq(&again.0[0].0, &rows.0[0].0));
        forget_names();
        assert!(Arc::ptr_eq(&shared("a"), &rows.0[0].0), "in use");
        drop((rows, again));
        forget_names();
        assert_eq!(Arc::strong_count(&shared("a")), 2, "made anew");
    }
}
