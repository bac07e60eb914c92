//! Rows from JSON: an array of objects, or one object a line; values keep their types. Read straight into
//! template values, counting them, so that no small file becomes a large heap. Must not touch the file system.

use super::DataError;
use super::row::Table;
use minijinja::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Said through serde's errors, which carry only text.
const TOO_MANY: &str = "more values than are kept in memory";

pub(super) fn parse_array(path: &Path, text: &str, max_values: usize) -> Result<Table, DataError> {
    let mut filling = Filling { table: Table::default(), left: max_values };
    if text.trim().is_empty() {
        return Ok(filling.table);
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = json.deserialize_seq(Rows(&mut filling)).and_then(|()| json.end());
    parsed.map_err(|error| problem(path, 0, &error, max_values))?;
    Ok(filling.table)
}

pub(super) fn parse_lines(path: &Path, text: &str, max_values: usize) -> Result<Table, DataError> {
    let mut filling = Filling { table: Table::default(), left: max_values };
    for (before, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut json = serde_json::Deserializer::from_str(line);
        let parsed = Object(&mut filling).deserialize(&mut json).and_then(|()| json.end());
        parsed.map_err(|error| problem(path, before as u64, &error, max_values))?;
    }
    Ok(filling.table)
}

fn problem(path: &Path, lines_before: u64, error: &serde_json::Error, limit: usize) -> DataError {
    let path = path.to_owned();
    let line = lines_before + (error.line() as u64).max(1);
    let said = error.to_string();
    let reason = said.split(" at line ").next().unwrap_or(&said).to_owned();
    if reason == TOO_MANY {
        return DataError::TooManyValues { path, line, limit };
    }
    DataError::Json { path, line, column: (error.column() as u64).max(1), reason }
}

/// The table, and how many more values it may take.
struct Filling {
    table: Table,
    left: usize,
}

impl Filling {
    fn count<E: Error>(&mut self) -> Result<(), E> {
        self.left = self.left.checked_sub(1).ok_or_else(|| E::custom(TOO_MANY))?;
        Ok(())
    }
}

/// The whole array.
struct Rows<'a>(&'a mut Filling);

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of objects, such as [{\"id\": 1}, {\"id\": 2}]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Object(self.0))?.is_some() {}
        Ok(())
    }
}

/// One row.
struct Object<'a>(&'a mut Filling);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object for each row, such as {\"id\": 1}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.count()?;
        let mut cells = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let column = self.0.table.column(&name);
            if cells.insert(column, map.next_value_seed(Cell(self.0))?).is_some() {
                return Err(A::Error::custom(format!("`{name}` stands twice in one row; keep one")));
            }
        }
        self.0.table.push(cells.into_iter().collect());
        Ok(())
    }
}

/// One value of any type.
struct Cell<'a>(&'a mut Filling);

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        self.0.count()?;
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::from(()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = vec![];
        while let Some(value) = seq.next_element_seed(Cell(self.0))? {
            values.push(value);
        }
        Ok(Value::from(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Cell(self.0))?;
            if values.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format!("`{name}` stands twice in one object; keep one")));
            }
        }
        Ok(Value::from(values))
    }
}
