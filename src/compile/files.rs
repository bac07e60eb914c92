//! Files a plan names: found relative to it, read safely, never outside the plan's root.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Located, Sources};
use crate::plan::root::similar;

/// Largest body template.
const LARGEST: u64 = 4 << 20;

/// A path the plan names, relative to the file that says it.
pub(super) fn path_of(file: &Located<String>, sources: &Sources) -> PathBuf {
    let path = sources.get(file.span.file).dir.join(&file.value);
    path.strip_prefix(".").map_or_else(|_| path.clone(), Path::to_owned)
}

/// An error with what caused it, on one line.
pub(super) fn words_of(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", words_of(source)),
        None => error.to_string(),
    }
}

/// The text of a small regular file below `root`.
///
/// # Errors
/// In words: what is wrong and what to do.
pub(super) fn read_text(path: &Path, root: &Path) -> Result<String, String> {
    let shown = path.display();
    let real = path.canonicalize().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => match similar(path, root) {
            Some(near) => format!("{shown}: no such file; did you mean `{near}`?"),
            None => format!("{shown}: no such file; a path starts at the plan's own folder"),
        },
        _ => format!("{shown}: cannot be read"),
    })?;
    if !real.starts_with(root) {
        return Err(format!("{shown}: lies outside {}; copy it into that folder", root.display()));
    }
    let metadata = std::fs::metadata(&real).map_err(|_| format!("{shown}: cannot be read"))?;
    if !metadata.is_file() {
        return Err(format!("{shown}: is not a regular file"));
    }
    let mut text = String::new();
    let file = std::fs::File::open(&real).map_err(|_| format!("{shown}: cannot be read"))?;
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(|_| format!("{shown}: is not UTF-8 text"))?;
    if text.len() as u64 > LARGEST {
        return Err(format!("{shown}: is larger than {} MiB", LARGEST >> 20));
    }
    Ok(text)
}
