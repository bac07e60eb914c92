//! Reads a plan's text: regular files only, bounded, UTF-8. Must not parse.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::Failure;
use crate::encoding::{NotText, text_with_mark};
use crate::plan::codes;
use crate::plan::parse::MOST_BYTES;

/// The text of a plan file. Devices, pipes and folders are refused before they are opened, because opening a
/// pipe can wait for ever.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let name = path.display();
    let io = |error: std::io::Error| {
        failure(format!("`{name}` cannot be read: {error}"), "check the path and the rights")
    };
    let kind = fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            failure(format!("`{name}` does not exist"), "check the path of the plan")
        }
        _ => io(error),
    })?;
    if kind.is_dir() {
        return Err(failure(format!("`{name}` is a folder"), "name the plan file inside it"));
    }
    if !kind.is_file() {
        return Err(failure(
            format!("`{name}` is not a regular file"),
            "a plan is read from a regular file only",
        ));
    }
    if kind.len() > MOST_BYTES as u64 {
        return Err(too_large(path));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > MOST_BYTES {
        return Err(too_large(path));
    }
    // With a byte order mark: places are those in the file.
    text_with_mark(bytes).map_err(|error| match error {
        NotText::Utf16 => failure(format!("`{name}` is UTF-16"), "save the file as UTF-8"),
        NotText::NotUtf8 { line } => {
            failure(format!("`{name}` is not UTF-8 text, see line {line}"), "save the file as UTF-8")
        }
    })
}

fn too_large(path: &Path) -> Failure {
    Failure {
        code: codes::LIMIT,
        message: format!("`{}` is larger than {} MiB", path.display(), MOST_BYTES >> 20),
        help: "move large bodies and data to files of their own".to_owned(),
    }
}

fn failure(message: String, help: &str) -> Failure {
    Failure { code: codes::UNREADABLE, message, help: help.to_owned() }
}
