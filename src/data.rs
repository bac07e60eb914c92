//! Data feeds: rows from a file or from the plan, and the rule that decides which row a position of the run gets.
//! Must not know what a row is used for; hands out rows by position and leaves the counting to the engine.

mod error;
mod from_csv;
mod from_json;
mod gather;
mod on_disk;
mod open;
mod order;
mod row;
mod strict_csv;
#[cfg(test)]
mod tests;

pub use error::{DataError, NoRow};
pub use open::Format;
pub use order::{OnEnd, Order, feed_seed};

use gather::Gathered;
use minijinja::Value;
use on_disk::OnDisk;
use row::Columns;
use std::path::Path;
use std::sync::Arc;

/// What bounds the reading of a data file, and what of it is kept in memory.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// The largest file, bytes.
    file: u64,
    /// The largest `.json` file, bytes: a list has no lines to find its rows by, so it is read whole.
    whole: u64,
    /// The longest row, bytes.
    row: u64,
    /// Rows of larger files stay on disk, bytes.
    kept: u64,
    /// Rows of files with more values stay on disk.
    kept_values: usize,
    /// The most values of a file that is read whole.
    whole_values: usize,
    /// The most columns.
    columns: usize,
}

const LIMITS: Limits = Limits {
    file: 16 << 30,
    whole: 256 << 20,
    row: 16 << 20,
    kept: 64 << 20,
    kept_values: 2_000_000,
    whole_values: 20_000_000,
    columns: 10_000,
};

/// The format of a file by its name.
pub fn format_of(path: &Path) -> Option<Format> {
    open::kind_of(path).0
}

/// The rows of one feed: one copy for all workers, cheap to clone. The rows of a large file stay where they are, and
/// each is read when it is needed; what is kept of such a file is less than a hundredth of its size.
#[derive(Debug, Clone)]
pub struct Feed {
    columns: Arc<Columns>,
    rows: Rows,
}

#[derive(Debug, Clone)]
enum Rows {
    Kept(Arc<[Value]>),
    OnDisk(Arc<OnDisk>),
}

impl Feed {
    /// Reads a file of rows and checks every one: CSV (header row; every value a string), JSON (a list of objects)
    /// or JSON lines (one object a line); in JSON, values keep their types. Without `format` the name's ending
    /// says which; `delimiter` is for CSV, `,` when absent. `path` is used as it stands and shown in errors; the
    /// file must lie inside `root`, symbolic links followed.
    ///
    /// # Errors
    /// Whatever keeps the file from being read, or its rows from being rows; see [`DataError`].
    pub fn open(
        path: &Path,
        root: &Path,
        format: Option<Format>,
        delimiter: Option<u8>,
    ) -> Result<Self, DataError> {
        Self::open_within(path, root, (format, delimiter), &LIMITS)
    }

    fn open_within(
        path: &Path,
        root: &Path,
        (format, delimiter): (Option<Format>, Option<u8>),
        limits: &Limits,
    ) -> Result<Self, DataError> {
        let (found, tabs) = open::kind_of(path);
        let format = format.or(found).ok_or_else(|| DataError::UnknownKind { path: path.into() })?;
        let (file, length) = open::file(path, root, limits.file)?;
        let mut gathered = Gathered::new(path, length, limits);
        let delimiter = delimiter.unwrap_or(if tabs { b'\t' } else { b',' });
        match format {
            Format::Csv => from_csv::scan(&file, delimiter, &mut gathered)?,
            Format::JsonLines => from_json::scan_lines(&file, &mut gathered)?,
            Format::Json => {
                let text = open::whole(path, &file, limits.whole)?;
                from_json::parse_list(&text, &mut gathered)?;
            }
        }
        if gathered.len() == 0 {
            return Err(DataError::Empty { path: path.into() });
        }
        let (columns, kept, places) = gathered.finish();
        let rows = match kept {
            Some(rows) => Rows::Kept(rows),
            None => {
                let columns = Arc::clone(&columns);
                Rows::OnDisk(Arc::new(OnDisk { file, path: path.into(), format, delimiter, columns, places }))
            }
        };
        Ok(Self { columns, rows })
    }

    /// Rows that stand in the plan, each a list of names and values; a row may lack columns.
    pub fn inline(rows: Vec<Vec<(String, Value)>>) -> Self {
        let mut columns = Columns::default();
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let mut cells: Vec<_> =
                row.into_iter().map(|(name, value)| (columns.add(&name), value)).collect();
            cells.sort_by_key(|(column, _)| *column);
            all.push(cells);
        }
        let columns = Arc::new(columns);
        let rows = all.into_iter().map(|cells| row::value(&columns, cells)).collect();
        Self { columns, rows: Rows::Kept(rows) }
    }

    /// The names a row can have, in the order of the file; for JSON the union over all rows.
    pub fn columns(&self) -> &[String] {
        self.columns.names()
    }

    /// How many rows; at least one, unless the plan wrote none.
    pub fn len(&self) -> u64 {
        match &self.rows {
            Rows::Kept(rows) => rows.len() as u64,
            Rows::OnDisk(rows) => rows.places.rows(),
        }
    }

    /// Whether there is no row; never true of a file.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether its rows are read when they are needed.
    pub fn is_on_disk(&self) -> bool {
        matches!(self.rows, Rows::OnDisk(_))
    }

    /// A row by its place in the file, from 0: a map from column to value.
    ///
    /// # Errors
    /// [`NoRow::UsedUp`] past the last row, [`NoRow::Changed`] when the file is not what it was.
    pub fn row(&self, index: u64) -> Result<Value, NoRow> {
        let used_up = || NoRow::UsedUp { rows: self.len() };
        match &self.rows {
            Rows::Kept(rows) => {
                let row = usize::try_from(index).ok().and_then(|index| rows.get(index));
                row.cloned().ok_or_else(used_up)
            }
            Rows::OnDisk(rows) if index < rows.places.rows() => {
                rows.row(index).ok_or_else(|| NoRow::Changed { path: rows.path.clone() })
            }
            Rows::OnDisk(_) => Err(used_up()),
        }
    }

    /// The row at a position of the run: 0 for the first row asked for, 1 for the next, whoever asks. The same
    /// (`position`, `seed`) gives the same row however many workers there are.
    ///
    /// # Errors
    /// [`NoRow`], when an order that ends has ended and `on_end` does not begin again.
    pub fn row_at(&self, position: u64, seed: u64, order: Order, on_end: OnEnd) -> Result<Value, NoRow> {
        let used_up = NoRow::UsedUp { rows: self.len() };
        self.row(order::index_at(self.len(), position, seed, order, on_end).ok_or(used_up)?)
    }
}
