//! Results of earlier runs, read from files. A file is data that anybody may have written: no more is read than a result
//! can be long, it takes no more memory than a result may, and what a plan names must be a regular file.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::compare::Run;
use crate::report::folder::{PARTIAL, RESULT};
use crate::report::model::ResultDocument;
use crate::report::text::shown_path;
use crate::report::{ReportError, json};

/// Longest file: as long as that of four hours with a hundred rows. It is parsed as it is read.
const MOST_BYTES: u64 = 256 << 20;
/// Most that is read from a pipe, which is kept in memory until it is understood.
const MOST_PIPED_BYTES: u64 = 64 << 20;

/// The result in the folder of a run that was kept, or its checkpoint; any other path as it is.
pub fn in_folder(path: &Path) -> PathBuf {
    let names = [RESULT, PARTIAL].map(|name| path.join(name));
    names.into_iter().find(|found| found.is_file()).unwrap_or_else(|| path.to_owned())
}

/// The result in a file; `None` when it holds something else.
///
/// # Errors
/// In words, when it cannot be read, is too long, of a later version, or damaged.
pub fn read(path: &Path) -> Result<Option<Run>, String> {
    let name = path.to_string_lossy().into_owned();
    match document(path).map_err(|words| format!("cannot read {}: {words}", shown_path(path)))? {
        Ok(doc) => Ok(Some(Run { name, doc })),
        Err(ReportError::NotJson(_) | ReportError::NotResult) => Ok(None),
        Err(error) => Err(format!("{}: {}", shown_path(path), super::terminal::with_causes(&error))),
    }
}

/// The same of a file that must be a regular one: another may have no end, or wait for somebody to write.
///
/// # Errors
/// As [`read`].
pub fn read_regular(path: &Path) -> Result<Option<Run>, String> {
    let kind =
        std::fs::metadata(path).map_err(|error| format!("cannot read {}: {error}", shown_path(path)))?;
    match kind.is_file() {
        true => read(path),
        false => Err(format!("cannot read {}: it is not a regular file", shown_path(path))),
    }
}

/// The document in a result's file, or from a pipe; or what is wrong with it.
///
/// # Errors
/// Why there is nothing to judge, in words without the path.
pub fn document(path: &Path) -> Result<Result<ResultDocument, ReportError>, String> {
    let words = |error: std::io::Error| error.to_string();
    let too_large = |most: u64, how: &str| format!("it is larger than {} MiB{how}", most >> 20);
    let file = File::open(path).map_err(words)?;
    let about = file.metadata().map_err(words)?;
    if about.is_file() {
        let file = file.take(MOST_BYTES + 1);
        return match about.len() > MOST_BYTES {
            true => Err(too_large(MOST_BYTES, "")),
            false => Ok(json::from_reader(file)),
        };
    }
    let mut bytes = vec![];
    file.take(MOST_PIPED_BYTES + 1).read_to_end(&mut bytes).map_err(words)?;
    if bytes.len() as u64 > MOST_PIPED_BYTES {
        return Err(too_large(MOST_PIPED_BYTES, ", too large for a pipe; write it to a file first"));
    }
    Ok(json::from_reader(std::io::Cursor::new(bytes)))
}

/// Says so of a file that holds no result.
pub fn not_a_result(path: &Path) -> String {
    format!("{}: {}; `plimsoll run --json PATH` writes one", shown_path(path), ReportError::NotResult)
}
