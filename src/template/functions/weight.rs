//! How large a value may be that leaves an expression. Lists can be repeated and nested without taking
//! memory, and would fill it when they are written. Must not change a value.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

use super::super::flat;
use super::invalid;

/// Most values in a value.
pub(in crate::template) const MOST_PARTS: usize = 1_000_000;
/// Most bytes of text in it.
const MOST_BYTES: usize = 32 << 20;
/// Most levels: what writes a value descends once for each.
const MOST_LEVELS: usize = 128;

/// Refuses a value that cannot be written in bounded time and memory.
///
/// # Errors
/// With the limit that it breaks.
pub(in crate::template) fn check(value: &Value) -> Result<(), Error> {
    of(value, MOST_PARTS).map(drop)
}

/// What a value consists of; not more than so many parts.
///
/// # Errors
/// As [`check`].
pub(in crate::template) fn of(value: &Value, most_parts: usize) -> Result<Weight, Error> {
    let mut weight = Weight { parts: 0, bytes: 0, has_views: false, most_parts };
    weight.add(value, 0)?;
    Ok(weight)
}

/// How much there is to walk through.
pub(in crate::template) struct Weight {
    /// Values, with those in lists and maps.
    pub parts: usize,
    /// Bytes of text.
    pub bytes: usize,
    /// Whether a part is a view of others (see `flat`).
    pub has_views: bool,
    most_parts: usize,
}

impl Weight {
    fn add(&mut self, value: &Value, level: usize) -> Result<(), Error> {
        self.parts += 1;
        self.has_views |= flat::is_view(value);
        self.bytes += value.as_str().map_or(0, str::len);
        if self.parts > self.most_parts {
            // There is no fuel for more.
            return Err(match self.most_parts < MOST_PARTS {
                true => ErrorKind::OutOfFuel.into(),
                false => invalid(format!("makes a list or map of more than {MOST_PARTS} values")),
            });
        }
        if self.bytes > MOST_BYTES {
            return Err(invalid(format!("makes a list or map of more than {} MiB", MOST_BYTES >> 20)));
        }
        if level > MOST_LEVELS {
            return Err(invalid(format!("makes a list or map of more than {MOST_LEVELS} levels")));
        }
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                for item in value.try_iter()? {
                    self.add(&item, level + 1)?;
                }
            }
            ValueKind::Map => {
                // Not every map can be listed, and one that cannot is written as `null` or `{}`.
                for key in value.try_iter().into_iter().flatten() {
                    self.add(&key, level + 1)?;
                    self.add(&value.get_item(&key)?, level + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
