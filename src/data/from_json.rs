//! Rows from JSON: a list of objects, or one object a line; values keep their types. Read straight into template
//! values, counting them, so that no small file becomes a large heap. Must not look for files.

use super::DataError;
use super::gather::Gathered;
use super::row::{Cells, Columns};
use minijinja::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

/// Bytes read at once.
const BUFFER: usize = 64 << 10;
/// A mark some editors put at the start of a file.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Said through serde's errors, which carry only text.
const TOO_MANY: &str = "more values than are kept in memory";

/// Reads a whole list of objects.
pub(super) fn parse_list(text: &str, into: &mut Gathered<'_>) -> Result<(), DataError> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let limit = into.limits.whole_values;
    let mut left = limit;
    let mut json = serde_json::Deserializer::from_str(text);
    let rows = Rows { into, left: &mut left };
    let parsed = json.deserialize_seq(rows).and_then(|()| json.end());
    parsed.map_err(|error| problem(into.path, 0, &error, limit))?;
    into.check_columns(1)
}

/// Reads a file of one object a line once.
pub(super) fn scan_lines(file: &File, into: &mut Gathered<'_>) -> Result<(), DataError> {
    let path = into.path;
    let longest = into.limits.row;
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let (mut line, mut bytes, mut byte) = (0, vec![], 0);
    loop {
        bytes.clear();
        let read = reader.by_ref().take(longest + 1).read_until(b'\n', &mut bytes);
        let read = read.map_err(|source| DataError::Read { path: path.into(), source })? as u64;
        if read == 0 {
            return Ok(());
        }
        line += 1;
        if read > longest {
            return Err(DataError::LongRow { path: path.into(), line, limit: longest });
        }
        let begins = if byte == 0 { bytes.strip_prefix(BOM).unwrap_or(&bytes) } else { &bytes };
        let text = std::str::from_utf8(begins).map_err(|_| DataError::NotUtf8 { path: path.into(), line })?;
        if !text.trim().is_empty() {
            let (values, cells) = line_of(text, into).map_err(|error| problem(path, line - 1, &error, 0))?;
            into.check_columns(line)?;
            into.add(byte + read - begins.len() as u64, values, || cells);
        }
        byte += read;
    }
}

/// How many values an object has, and its cells.
fn line_of(text: &str, into: &mut Gathered<'_>) -> Result<(usize, Cells), serde_json::Error> {
    // No row is long enough to have more.
    let mut left = usize::MAX;
    let columns = &mut into.columns;
    let cells = object(text, &mut |name| Some(columns.add(name)), &mut left)?;
    Ok((usize::MAX - left, cells))
}

/// One row of a piece of a file of lines that has been checked, the first of which begins at its start.
pub(super) fn nth(bytes: &[u8], before: usize, columns: &Columns) -> Option<Cells> {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let text = std::str::from_utf8(lines.nth(before)?).ok()?;
    let mut left = usize::MAX;
    object(text, &mut |name| columns.find(name), &mut left).ok()
}

fn object(text: &str, column: ColumnOf<'_>, left: &mut usize) -> Result<Cells, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let cells = Object { column, left }.deserialize(&mut json)?;
    json.end()?;
    Ok(cells)
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

/// The number of a column by its name; `None` when a row must not have it.
type ColumnOf<'a> = &'a mut dyn FnMut(&str) -> Option<u32>;

fn count<E: Error>(left: &mut usize) -> Result<(), E> {
    *left = left.checked_sub(1).ok_or_else(|| E::custom(TOO_MANY))?;
    Ok(())
}

/// The whole list, and how many more values it may have.
struct Rows<'a, 'g> {
    into: &'a mut Gathered<'g>,
    left: &'a mut usize,
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of objects, such as [{\"id\": 1}, {\"id\": 2}]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { into, left } = self;
        loop {
            let columns = &mut into.columns;
            let mut column = |name: &str| Some(columns.add(name));
            match seq.next_element_seed(Object { column: &mut column, left: &mut *left })? {
                Some(cells) => into.keep(cells),
                None => return Ok(()),
            }
        }
    }
}

/// One row.
struct Object<'a> {
    column: ColumnOf<'a>,
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Cells;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Cells, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Cells;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object for each row, such as {\"id\": 1}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cells, A::Error> {
        count(self.left)?;
        let mut cells = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if name.is_empty() {
                return Err(A::Error::custom("a name is empty; a template could not say it"));
            }
            let column = (self.column)(&name).ok_or_else(|| A::Error::custom("no such column"))?;
            if cells.insert(column, map.next_value_seed(Cell(self.left))?).is_some() {
                return Err(A::Error::custom(format!("`{name}` stands twice in one row; keep one")));
            }
        }
        Ok(cells.into_iter().collect())
    }
}

/// One value of any type.
struct Cell<'a>(&'a mut usize);

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        count(self.0)?;
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
