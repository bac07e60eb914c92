//! Rows from CSV (RFC 4180): a header row, then rows of the same width; every value is a string. Must not guess
//! types.

use super::DataError;
use super::row::Table;
use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use minijinja::Value;
use std::path::Path;

pub(super) fn parse(path: &Path, text: &str, max_values: usize) -> Result<Table, DataError> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let mut table = Table::default();
    let header = reader.headers().map_err(|error| problem(path, &error))?.clone();
    let columns = header_columns(path, &header, &mut table)?;
    let mut values = 0_usize;
    let mut record = StringRecord::new();
    let mut last_start = None;
    while read(path, &mut reader, &mut record)? {
        values += columns.len();
        if values > max_values {
            return Err(DataError::TooManyValues {
                path: path.into(),
                line: line(&record),
                limit: max_values,
            });
        }
        last_start = record.position().map(|at| (at.byte(), at.line()));
        table.push(columns.iter().copied().zip(record.iter().map(Value::from)).collect());
    }
    let (byte, line) = last_start.unwrap_or_default();
    match text.get(usize::try_from(byte).unwrap_or(0)..) {
        Some(last) if ends_in_quotes(last) => {
            Err(DataError::OpenQuote { path: path.into(), line: line.max(1) })
        }
        _ => Ok(table),
    }
}

/// The columns the header names; refuses what is no header.
fn header_columns(path: &Path, header: &StringRecord, table: &mut Table) -> Result<Vec<u32>, DataError> {
    if header.is_empty() {
        return Err(DataError::Empty { path: path.into() });
    }
    let wrong = |reason: String| DataError::Header { path: path.into(), line: line(header), reason };
    let mut columns = Vec::with_capacity(header.len());
    for name in header.iter().map(str::trim) {
        if name.is_empty() {
            return Err(wrong(format!("column {} has no name", columns.len() + 1)));
        }
        if name.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(wrong(format!("`{name}` is a number")));
        }
        let column = table.column(name);
        if (column as usize) < columns.len() {
            return Err(wrong(format!("two columns are named `{name}`")));
        }
        columns.push(column);
    }
    if let (1, Some(sign)) = (header.len(), header[0].chars().find(|c| matches!(c, ';' | '\t'))) {
        let sign = if sign == ';' { "`;`" } else { "tabs" };
        return Err(wrong(format!("the columns seem to be separated by {sign}, not by commas")));
    }
    Ok(columns)
}

/// The next record; false at the end.
fn read(path: &Path, reader: &mut Reader<&[u8]>, record: &mut StringRecord) -> Result<bool, DataError> {
    reader.read_record(record).map_err(|error| problem(path, &error))
}

/// Whether a quote is still open at the end of the last record: then a line added to it is no new record.
fn ends_in_quotes(last: &str) -> bool {
    let longer = format!("{last}\nx");
    let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(longer.as_bytes());
    last.contains('"') && reader.into_records().count() < 2
}

fn problem(path: &Path, error: &csv::Error) -> DataError {
    let path = path.to_owned();
    let line = error.position().map_or(1, csv::Position::line);
    match *error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            DataError::Ragged { path, line, found: len, expected: expected_len }
        }
        ErrorKind::Utf8 { .. } => DataError::NotUtf8 { path, line },
        _ => DataError::Read { path, source: std::io::Error::other(error.to_string()) },
    }
}

fn line(record: &StringRecord) -> u64 {
    record.position().map_or(1, csv::Position::line)
}
