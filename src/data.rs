//! Data feeds: a file of rows, read whole before the run, and the rule that decides which row an iteration gets.
//! Must not know what a row is used for; hands out rows by position and leaves the counting to the engine.

mod error;
mod from_csv;
mod from_json;
mod open;
mod order;
mod row;
#[cfg(test)]
mod tests;

pub use error::DataError;
pub use order::{Cursor, Exhausted, OnEnd, Order, feed_seed, position_of};

use minijinja::Value;
use row::Columns;
use std::path::Path;
use std::sync::Arc;

/// The largest data file, in bytes.
pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The most values in one data file, all rows together: what keeps a small file of tiny values from filling the
/// memory.
pub const MAX_VALUES: usize = 20_000_000;

/// The rows of one data file: one copy in memory, cheap to clone, the same for every worker.
#[derive(Debug, Clone)]
pub struct Feed {
    columns: Arc<Columns>,
    rows: Arc<[Value]>,
}

impl Feed {
    /// Reads a file of rows: `.csv` (header row; every value a string), `.json` (an array of objects), `.jsonl`
    /// or `.ndjson` (one object a line; values keep their types). `path` is used as it stands and shown in
    /// errors; the file must lie inside `root`, symbolic links followed.
    ///
    /// # Errors
    /// Whatever keeps the file from being read, or its rows from being rows; see [`DataError`].
    pub fn open(path: &Path, root: &Path) -> Result<Self, DataError> {
        let kind = open::Kind::of(path)?;
        let text = open::read(path, root)?;
        Self::parse(kind, path, &text, MAX_VALUES)
    }

    fn parse(kind: open::Kind, path: &Path, text: &str, max_values: usize) -> Result<Self, DataError> {
        let table = match kind {
            open::Kind::Csv => from_csv::parse(path, text, max_values),
            open::Kind::Json => from_json::parse_array(path, text, max_values),
            open::Kind::JsonLines => from_json::parse_lines(path, text, max_values),
        }?;
        let (columns, rows) = table.finish();
        if rows.is_empty() {
            return Err(DataError::Empty { path: path.into() });
        }
        Ok(Self { columns, rows })
    }

    /// The names a row can have, in the order of the file; for JSON the union over all rows.
    pub fn columns(&self) -> &[String] {
        self.columns.names()
    }

    /// All rows, each a map from column to value; a JSON row may lack columns.
    pub fn rows(&self) -> &[Value] {
        &self.rows
    }

    /// How many rows; at least one.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never true: a file without rows is not opened.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row at a position of the run: 0 for the first row asked for, 1 for the next, whoever asks. The same
    /// (`position`, `seed`) gives the same row however many workers there are.
    ///
    /// # Errors
    /// [`Exhausted`] when an order that ends has ended and `on_end` does not begin again.
    pub fn row_at(&self, position: u64, seed: u64, order: Order, on_end: OnEnd) -> Result<&Value, Exhausted> {
        let index = order::index_at(self.rows.len() as u64, position, seed, order, on_end)?;
        let ended = Exhausted::Fail { rows: self.rows.len() };
        self.rows.get(index as usize).ok_or(ended)
    }
}
