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

    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.index.get(name).copied()
    }

    /// The number of a column, which is new when its name is.
    pub(super) fn add(&mut self, name: &str) -> u32 {
        if let Some(known) = self.find(name) {
            return known;
        }
        let number = self.names.len() as u32;
        self.index.insert(name.to_owned(), number);
        self.keys.push(Value::from(name));
        self.names.push(name.to_owned());
        number
    }
}

/// (column, value), by column, each at most once; a JSON row holds only the columns it has.
pub(super) type Cells = Vec<(u32, Value)>;

/// A row as a template value.
pub(super) fn value(columns: &Arc<Columns>, cells: Cells) -> Value {
    Value::from_object(Row { columns: Arc::clone(columns), cells: cells.into_boxed_slice() })
}

/// One row.
#[derive(Debug)]
struct Row {
    columns: Arc<Columns>,
    cells: Box<[(u32, Value)]>,
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
