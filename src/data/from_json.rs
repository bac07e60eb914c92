//! Rows from JSON: a list of objects, or one object a line; values keep their types. Read straight into template
//! values, counting them, so that no small file becomes a large heap. Must not look for files.

use super::DataError;
use super::gather::Gathered;
use super::row::{Cells, Columns};
use crate::encoding::{check_start, without_mark};
use crate::template::{Document, compact, has_written_number};
use minijinja::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

/// Bytes read at once.
const BUFFER: usize = 64 << 10;

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
    let mut wrong = None;
    let rows = Rows { into, left: &mut left, wrong: &mut wrong };
    let parsed = json.deserialize_seq(rows).and_then(|()| json.end());
    match (parsed, wrong) {
        (Ok(()), None) => into.check_columns(1),
        (_, Some((row, error))) => Err(problem(into.path, before(text, row), &error, limit)),
        (Err(error), None) => Err(problem(into.path, (0, 0), &error, limit)),
    }
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
        if byte == 0 && check_start(&bytes).is_err() {
            return Err(DataError::Utf16 { path: path.into() });
        }
        let begins = if byte == 0 { without_mark(&bytes) } else { &bytes };
        let text = std::str::from_utf8(begins).map_err(|_| DataError::NotUtf8 { path: path.into(), line })?;
        if !text.trim().is_empty() {
            let (values, cells) =
                line_of(text, into).map_err(|error| problem(path, (line - 1, 0), &error, 0))?;
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
    let mut names = vec![];
    let mut named = |name: &str| {
        let column = column(name)?;
        names.push((column, name.to_owned()));
        Some(column)
    };
    let is_written = has_written_number(text);
    let column: ColumnOf<'_> = if is_written { &mut named } else { column };
    let mut cells = Object { column, left }.deserialize(&mut json)?;
    json.end()?;
    if is_written && let Ok(document) = Document::parse_copy(text.as_bytes(), usize::MAX) {
        let row = document.value();
        for (column, value) in &mut cells {
            let name = names.iter().find(|(known, _)| known == column).map(|(_, name)| name);
            if let Some(written) = name.and_then(|name| row.get_attr(name).ok()) {
                *value = compact(written);
            }
        }
    }
    Ok(cells)
}

/// Lines before a part of a text, and characters before it on its line.
fn before(text: &str, part: &str) -> (u64, u64) {
    let length = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.get(..length).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() as u64, (before.len() - line) as u64)
}

/// An error in a part of a file, before which there are so many lines and characters.
fn problem(path: &Path, before: (u64, u64), error: &serde_json::Error, limit: usize) -> DataError {
    let path = path.to_owned();
    let line = before.0 + (error.line() as u64).max(1);
    let said = error.to_string();
    let reason = said.split(" at line ").next().unwrap_or(&said).to_owned();
    if reason == TOO_MANY {
        return DataError::TooManyValues { path, line, limit };
    }
    let on_first_line = if error.line() <= 1 { before.1 } else { 0 };
    DataError::Json { path, line, column: on_first_line + (error.column() as u64).max(1), reason }
}

/// The number of a column by its name; `None` when a row must not have it.
type ColumnOf<'a> = &'a mut dyn FnMut(&str) -> Option<u32>;

fn count<E: Error>(left: &mut usize) -> Result<(), E> {
    *left = left.checked_sub(1).ok_or_else(|| E::custom(TOO_MANY))?;
    Ok(())
}

/// The whole list, and how many more values it may have.
struct Rows<'a, 'g, 'de> {
    into: &'a mut Gathered<'g>,
    left: &'a mut usize,
    /// The row that is wrong, and why.
    wrong: &'a mut Option<(&'de str, serde_json::Error)>,
}

impl<'de> Visitor<'de> for Rows<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of objects, such as [{\"id\": 1}, {\"id\": 2}]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { into, left, wrong } = self;
        while let Some(row) = seq.next_element::<&'de RawValue>()? {
            let columns = &mut into.columns;
            match object(row.get(), &mut |name| Some(columns.add(name)), left) {
                Ok(cells) => into.keep(cells),
                Err(error) => {
                    *wrong = Some((row.get(), error));
                    return Err(A::Error::custom("a row is wrong"));
                }
            }
        }
        Ok(())
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
