//! Rows that stay in their file: each is read when it is needed, from the nearest place that is remembered. Must not
//! keep what it has read; the system's page cache does that better.

use super::gather::Places;
use super::row::{self, Cells, Columns};
use super::{Format, from_csv, from_json};
use minijinja::Value;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// A file that has been checked once.
#[derive(Debug)]
pub(super) struct OnDisk {
    pub file: File,
    pub path: PathBuf,
    pub format: Format,
    pub delimiter: u8,
    pub columns: Arc<Columns>,
    pub places: Places,
}

impl OnDisk {
    /// A row; `None` when the file is not what it was.
    pub(super) fn row(&self, index: u64) -> Option<Value> {
        let (range, before) = self.places.find(index)?;
        let mut bytes = vec![0; usize::try_from(range.end - range.start).ok()?];
        read_at(&self.file, &mut bytes, range.start).ok()?;
        let cells: Cells = match self.format {
            Format::Csv => from_csv::nth(&bytes, before, self.delimiter, self.columns.names().len())?,
            Format::Json | Format::JsonLines => from_json::nth(&bytes, before, &self.columns)?,
        };
        Some(row::value(&self.columns, cells))
    }
}

/// Fills `bytes` from a place of the file, whoever else reads it.
#[cfg(unix)]
pub(super) fn read_at(file: &File, bytes: &mut [u8], from: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, from)
}

/// Fills `bytes` from a place of the file, whoever else reads it.
#[cfg(windows)]
pub(super) fn read_at(file: &File, mut bytes: &mut [u8], mut from: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, from)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        (bytes, from) = (&mut bytes[read..], from + read as u64);
    }
    Ok(())
}
