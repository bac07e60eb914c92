//! What is learnt of a file while it is read once: its columns, how many rows it has, and either the rows themselves
//! or, when those are too many, the places where they are found again. Must not know file formats.

use super::row::{self, Cells, Columns};
use super::{DataError, Limits};
use minijinja::Value;
use std::path::Path;
use std::sync::Arc;

/// Bytes between two places that are remembered; finding a row means reading on from the last one before it.
const STEP: u64 = 4096;

/// Where rows begin: one place every few rows.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// (byte of the file, number of the row that begins there).
    starts: Vec<(u64, u64)>,
    rows: u64,
    /// The end of the file.
    end: u64,
}

impl Places {
    fn add(&mut self, byte: u64) {
        if self.starts.last().is_none_or(|(last, _)| byte >= last + STEP) {
            self.starts.push((byte, self.rows));
        }
        self.rows += 1;
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of the file that hold the row, and how many rows come before it there.
    pub(super) fn find(&self, row: u64) -> Option<(std::ops::Range<u64>, usize)> {
        let after = self.starts.partition_point(|(_, first)| *first <= row);
        let (from, first) = *self.starts.get(after.checked_sub(1)?)?;
        let until = self.starts.get(after).map_or(self.end, |(byte, _)| *byte);
        Some((from..until, usize::try_from(row - first).ok()?))
    }
}

/// A file while it is read.
#[derive(Debug)]
pub(super) struct Gathered<'a> {
    pub path: &'a Path,
    pub limits: &'a Limits,
    pub columns: Columns,
    places: Places,
    /// `None` once there are too many.
    kept: Option<Vec<Cells>>,
    values: usize,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(path: &'a Path, length: u64, limits: &'a Limits) -> Self {
        let places = Places { end: length, ..Places::default() };
        let kept = (length <= limits.kept).then(Vec::new);
        Self { path, limits, columns: Columns::default(), places, kept, values: 0 }
    }

    /// Adds a row that begins at `byte` and has so many values; `cells` is called when it is kept.
    pub(super) fn add(&mut self, byte: u64, values: usize, cells: impl FnOnce() -> Cells) {
        self.places.add(byte);
        self.values = self.values.saturating_add(values);
        if self.values > self.limits.kept_values {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(cells());
        }
    }

    /// Adds a row that is kept in any case.
    pub(super) fn keep(&mut self, cells: Cells) {
        self.places.add(0);
        self.kept.get_or_insert_default().push(cells);
    }

    /// Refuses a file with more columns than anyone means.
    pub(super) fn check_columns(&self, line: u64) -> Result<(), DataError> {
        let limit = self.limits.columns;
        if self.columns.names().len() > limit {
            return Err(DataError::TooManyColumns { path: self.path.into(), line, limit });
        }
        Ok(())
    }

    pub(super) fn len(&self) -> u64 {
        self.places.rows
    }

    /// The columns, the rows as template values when they are kept, and where they are found.
    pub(super) fn finish(self) -> (Arc<Columns>, Option<Arc<[Value]>>, Places) {
        let columns = Arc::new(self.columns);
        let rows = self.kept.map(|kept| kept.into_iter().map(|cells| row::value(&columns, cells)).collect());
        let mut places = self.places;
        places.starts.shrink_to_fit();
        (columns, rows, places)
    }
}
