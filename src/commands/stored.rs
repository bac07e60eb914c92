//! Results of earlier runs, read from files. A file is data that anybody may have written: no more is read than a result
//! can be long, and what a plan names must be a regular file.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::compare::Run;
use crate::encoding;
use crate::report::folder::{PARTIAL, RESULT};
use crate::report::model::ResultDocument;
use crate::report::{ReportError, json};

/// Longest file: four hours with a hundred rows take a quarter of it.
const MOST_BYTES: u64 = 1 << 30;

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
    let name = path.display().to_string();
    match document(path).map_err(|words| format!("cannot read {name}: {words}"))? {
        Ok(doc) => Ok(Some(Run { name, doc })),
        Err(ReportError::NotJson(_) | ReportError::NotResult) => Ok(None),
        Err(error) => Err(format!("{name}: {}", super::terminal::with_causes(&error))),
    }
}

/// The same of a file that must be a regular one: another may have no end, or wait for somebody to write.
///
/// # Errors
/// As [`read`].
pub fn read_regular(path: &Path) -> Result<Option<Run>, String> {
    let kind = std::fs::metadata(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    match kind.is_file() {
        true => read(path),
        false => Err(format!("cannot read {}: it is not a regular file", path.display())),
    }
}

/// The document in a result's file, or from a pipe; or what is wrong with it.
///
/// # Errors
/// Why there is nothing to judge, in words without the path.
pub fn document(path: &Path) -> Result<Result<ResultDocument, ReportError>, String> {
    let words = |error: std::io::Error| error.to_string();
    let too_large = || format!("it is larger than {} GiB", MOST_BYTES >> 30);
    let file = File::open(path).map_err(words)?;
    let about = file.metadata().map_err(words)?;
    let mut file = file.take(MOST_BYTES + 1);
    if about.is_file() {
        return if about.len() > MOST_BYTES { Err(too_large()) } else { Ok(json::from_reader(file)) };
    }
    let mut bytes = vec![];
    file.read_to_end(&mut bytes).map_err(words)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(too_large());
    }
    let text = encoding::text(bytes).map_err(|error| format!("it {error}"))?;
    Ok(json::from_str(&text))
}

/// Says so of a file that holds no result.
pub fn not_a_result(path: &Path) -> String {
    format!("{}: {}; `plimsoll run --json PATH` writes one", path.display(), ReportError::NotResult)
}
