//! A row as templates see it: a map that shares its column names with all other rows and keeps the order of the
//! file. Must not know file formats.

use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use std::collections::HashMap;
use std::sync::Arc;

/// The columns of a file in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Columns {
    names: Vec<String>,
    /// The same names as template values, made once.
    keys: Vec<Value>,
    index: HashMap<String, u32>,
}

impl Columns {
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    fn find(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }
}

/// (column, value), by column; a JSON row holds only the columns it has.
type Cells = Box<[(u32, Value)]>;

/// One row.
#[derive(Debug)]
struct Row {
    columns: Arc<Columns>,
    cells: Cells,
}

impl Object for Row {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let column = self.columns.find(key.as_str()?)?;
        let at = self.cells.binary_search_by_key(&column, |(column, _)| *column).ok()?;
        Some(self.cells[at].1.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.cells.iter().map(|(at, _)| self.columns.keys[*at as usize].clone()).collect())
    }
}

/// Rows in the making.
#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Columns,
    rows: Vec<Cells>,
}

impl Table {
    /// The number of a column, which is new when its name is.
    pub(super) fn column(&mut self, name: &str) -> u32 {
        if let Some(known) = self.columns.find(name) {
            return known;
        }
        // Each column comes from at least one byte of a file of 2^28 bytes at most.
        let number = self.columns.names.len() as u32;
        self.columns.index.insert(name.to_owned(), number);
        self.columns.keys.push(Value::from(name));
        self.columns.names.push(name.to_owned());
        number
    }

    /// Adds a row of (column, value) in any order, each column at most once.
    pub(super) fn push(&mut self, mut cells: Vec<(u32, Value)>) {
        cells.sort_by_key(|(column, _)| *column);
        self.rows.push(cells.into_boxed_slice());
    }

    /// The columns, and each row as a template value.
    pub(super) fn finish(self) -> (Arc<Columns>, Arc<[Value]>) {
        let columns = Arc::new(self.columns);
        let wrap = |cells| Value::from_object(Row { columns: Arc::clone(&columns), cells });
        let rows = self.rows.into_iter().map(wrap).collect();
        (columns, rows)
    }
}
