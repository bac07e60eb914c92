//! Rows from CSV (RFC 4180): a header row, then rows of the same width; every value is a string. Must not guess
//! types.

use super::DataError;
use super::gather::Gathered;
use super::on_disk::read_at;
use super::row::Cells;
use super::strict_csv::{Fault, Kind, Strict};
use crate::encoding::check_start;
use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use minijinja::Value;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes read at once.
const BUFFER: usize = 64 << 10;

/// Reads the whole file once.
pub(super) fn scan(file: &File, delimiter: u8, into: &mut Gathered<'_>) -> Result<(), DataError> {
    let path = into.path;
    let limit = into.limits.row;
    let source = Allowed { file, left: 0, strict: Strict::new(delimiter), first: None };
    let mut records = Records::new(source, delimiter, limit);
    if !records.next(path, into)? {
        return Ok(());
    }
    let columns = header_columns(path, &records.record, delimiter, into)?;
    into.check_columns(records.line)?;
    while records.next(path, into)? {
        let record = &records.record;
        let byte = record.position().map_or(0, csv::Position::byte);
        into.add(byte, columns.len(), || {
            columns.iter().copied().zip(record.iter().map(Value::from)).collect()
        });
    }
    Ok(())
}

/// One row of a piece of the file that has been checked, the first of which begins at its start.
pub(super) fn nth(bytes: &[u8], before: usize, delimiter: u8, width: usize) -> Option<Cells> {
    let builder = || {
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(bytes.len().max(1));
        builder
    };
    let mut reader = builder().from_reader(bytes);
    let mut record = StringRecord::new();
    for _ in 0..=before {
        if !reader.read_record(&mut record).ok()? {
            return None;
        }
    }
    (record.len() == width).then(|| (0..).zip(record.iter().map(Value::from)).collect())
}

/// The records of a file, none longer than allowed.
struct Records<'a> {
    reader: Reader<Allowed<'a>>,
    limit: u64,
    record: StringRecord,
    /// Where the record begins, from 1.
    line: u64,
}

impl<'a> Records<'a> {
    fn new(file: Allowed<'a>, delimiter: u8, limit: u64) -> Self {
        let mut builder = ReaderBuilder::new();
        let reader =
            builder.has_headers(false).delimiter(delimiter).buffer_capacity(BUFFER).from_reader(file);
        Self { reader, limit, record: StringRecord::new(), line: 1 }
    }

    /// The next record; false at the end.
    fn next(&mut self, path: &Path, of: &Gathered<'_>) -> Result<bool, DataError> {
        self.line = self.reader.position().line();
        self.reader.get_mut().left = self.limit;
        let read = self.reader.read_record(&mut self.record);
        let source = self.reader.get_ref();
        if source.is_utf16() {
            return Err(DataError::Utf16 { path: path.into() });
        }
        let reached = self.reader.position().byte();
        match (source.strict.fault(), read) {
            // What follows from it is not what is wrong.
            (Some(fault), read) if fault.byte <= reached || !matches!(read, Ok(true)) => {
                Err(fault_of(path, fault, of))
            }
            (_, Ok(false)) => Ok(false),
            (_, Ok(true)) => {
                self.line = self.record.position().map_or(self.line, csv::Position::line);
                if self.record.as_slice().contains('\0') {
                    let byte = self.record.position().map_or(0, csv::Position::byte);
                    let line = self.line + self.blank_lines_at(byte);
                    return Err(DataError::Nul { path: path.into(), line });
                }
                Ok(true)
            }
            (_, Err(error)) => Err(self.problem(path, error)),
        }
    }

    /// Blank lines at a place, which the reader takes for the beginning of the record that follows.
    fn blank_lines_at(&self, byte: u64) -> u64 {
        const MOST: u64 = 4096;
        let file = self.reader.get_ref().file;
        let length = file.metadata().map_or(0, |about| about.len()).saturating_sub(byte).min(MOST);
        let mut bytes = vec![0; length as usize];
        if read_at(file, &mut bytes, byte).is_err() {
            return 0;
        }
        bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count()
            as u64
    }

    fn problem(&self, path: &Path, error: csv::Error) -> DataError {
        let path = path.to_owned();
        let line = match error.position() {
            Some(at) => at.line() + self.blank_lines_at(at.byte()),
            None => self.line,
        };
        match error.into_kind() {
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                DataError::Ragged { path, line, found: len, expected: expected_len }
            }
            ErrorKind::Utf8 { .. } => DataError::NotUtf8 { path, line },
            ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                DataError::LongRow { path, line, limit: self.limit }
            }
            ErrorKind::Io(source) => DataError::Read { path, source },
            other => DataError::Read { path, source: std::io::Error::other(format!("{other:?}")) },
        }
    }
}

/// A file that gives so many bytes and no more, and each to the one who watches.
struct Allowed<'a> {
    file: &'a File,
    left: u64,
    strict: Strict,
    /// The first two bytes of the file.
    first: Option<[u8; 2]>,
}

impl Allowed<'_> {
    fn is_utf16(&self) -> bool {
        self.first.is_some_and(|first| check_start(&first).is_err())
    }
}

impl Read for Allowed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let read = self.file.read(buffer)?;
        if self.first.is_none() {
            self.first = buffer.get(..2).filter(|_| read >= 2).and_then(|first| first.try_into().ok());
        }
        match read {
            0 => self.strict.end(),
            read => self.strict.feed(&buffer[..read]),
        }
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

fn fault_of(path: &Path, fault: Fault, of: &Gathered<'_>) -> DataError {
    let (path, line) = (path.to_owned(), fault.line);
    let column = match of.columns.names().get(fault.column) {
        Some(name) => format!("column `{name}`"),
        None => format!("column {}", fault.column + 1),
    };
    match (fault.kind.words(), fault.kind) {
        (Some(what), _) => DataError::Cell { path, line, column, what },
        (None, Kind::LoneReturn) => DataError::LoneReturn { path, line },
        (None, _) => DataError::OpenQuote { path, line },
    }
}

/// The columns the header names; refuses what is no header.
fn header_columns(
    path: &Path,
    header: &StringRecord,
    delimiter: u8,
    into: &mut Gathered<'_>,
) -> Result<Vec<u32>, DataError> {
    let line = header.position().map_or(1, csv::Position::line);
    let wrong = |reason: String| DataError::Header { path: path.into(), line, reason };
    let mut columns = Vec::with_capacity(header.len());
    for name in header {
        if name.trim().is_empty() {
            return Err(wrong(format!("column {} has no name", columns.len() + 1)));
        }
        if name.trim() != name {
            return Err(wrong(format!("spaces stand around the name `{}`; remove them", name.trim())));
        }
        if name.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(wrong(format!("`{name}` is a number")));
        }
        let column = into.columns.add(name);
        if (column as usize) < columns.len() {
            return Err(wrong(format!("two columns are named `{name}`")));
        }
        columns.push(column);
    }
    let other = |sign: &char| matches!(sign, ';' | '\t' | '|' | ',') && *sign as u32 != u32::from(delimiter);
    if let (1, Some(sign)) = (header.len(), header[0].chars().find(other)) {
        let (path, used) = (path.into(), shown(delimiter as char));
        return Err(DataError::Delimiter {
            path,
            line,
            used,
            seen: shown(sign),
            written: sign.escape_default().to_string(),
        });
    }
    Ok(columns)
}

/// A sign between columns in words.
fn shown(sign: char) -> String {
    match sign {
        '\t' => "tabs".to_owned(),
        sign => format!("`{sign}`"),
    }
}
