//! From a path to an open file, safely: regular files inside the plan's root, bounded in size. Must not know
//! rows.

use super::DataError;
use crate::diagnostic::nearest;
use crate::encoding::{self, NotText};
use std::fs::{File, FileType};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Rows of values with a header.
    Csv,
    /// A list of objects.
    Json,
    /// One object a line.
    JsonLines,
}

/// The format by the file's extension, and whether its columns are separated by tabs.
pub(super) fn kind_of(path: &Path) -> (Option<Format>, bool) {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv") => (Some(Format::Csv), false),
        Some("tsv") => (Some(Format::Csv), true),
        Some("json") => (Some(Format::Json), false),
        Some("jsonl" | "ndjson") => (Some(Format::JsonLines), false),
        _ => (None, false),
    }
}

/// The file, open, with its length in bytes.
pub(super) fn file(path: &Path, root: &Path, limit: u64) -> Result<(File, u64), DataError> {
    let failed = |source| DataError::Read { path: path.into(), source };
    let root_real = root.canonicalize().map_err(|source| DataError::Read { path: root.into(), source })?;
    let real = path.canonicalize().map_err(|source| not_found(path, &root_real, source))?;
    if !real.starts_with(&root_real) {
        return Err(DataError::Outside { path: path.into(), root: root.into() });
    }
    // Looked at before it is opened, because opening a pipe waits for its writer; and again afterwards, because
    // the name may lead elsewhere by then.
    must_be_regular(path, real.symlink_metadata().map_err(failed)?.file_type())?;
    let file = File::open(&real).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    must_be_regular(path, about.file_type())?;
    if about.len() > limit {
        return Err(DataError::TooLarge { path: path.into(), limit });
    }
    Ok((file, about.len()))
}

/// The text of the file, without a byte order mark.
pub(super) fn whole(path: &Path, file: &File, limit: u64) -> Result<String, DataError> {
    let mut bytes = vec![];
    // The file may grow while it is read.
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|source| DataError::Read { path: path.into(), source })?;
    if bytes.len() as u64 > limit {
        return Err(DataError::LargeList { path: path.into(), limit });
    }
    utf8(path, bytes)
}

fn must_be_regular(path: &Path, kind: FileType) -> Result<(), DataError> {
    if kind.is_file() {
        return Ok(());
    }
    let what = if kind.is_dir() { "a directory" } else { "a device, pipe or socket" };
    Err(DataError::NotAFile { path: path.into(), what })
}

fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String, DataError> {
    encoding::text(bytes).map_err(|error| match error {
        NotText::Utf16 => DataError::Utf16 { path: path.into() },
        NotText::NotUtf8 { line } => DataError::NotUtf8 { path: path.into(), line },
    })
}

/// A missing file, with the most similar name beside it; folders outside the root are not listed.
fn not_found(path: &Path, root_real: &Path, source: std::io::Error) -> DataError {
    if source.kind() != ErrorKind::NotFound {
        return DataError::Read { path: path.into(), source };
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let inside = folder.canonicalize().ok().filter(|real| real.starts_with(root_real));
    let entries = inside.and_then(|real| real.read_dir().ok());
    let names: Vec<String> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| kind_of(Path::new(name)).0.is_some())
        .take(1000)
        .collect();
    let written = path.file_name().unwrap_or_default().to_string_lossy();
    let near = nearest(&written, names.iter().map(String::as_str)).map(str::to_owned);
    DataError::Missing { path: path.into(), near }
}
