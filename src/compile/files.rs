//! Files a plan names: found relative to it, read safely, never outside the plan's root.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Located, Sources, nearest};

/// Largest body template.
const LARGEST: u64 = 4 << 20;

/// The folder all files of a plan must lie below: the nearest folder above the plan with a `.git` or a
/// `.plimsoll`, else the working directory when the plan lies below it, else the plan's own folder.
pub(super) fn root_of(plan: &Path) -> PathBuf {
    let own = plan.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(own) = own.canonicalize() else { return own.to_owned() };
    if let Some(repository) =
        own.ancestors().find(|folder| folder.join(".git").exists() || folder.join(super::ROOT_MARK).exists())
    {
        return repository.to_owned();
    }
    match std::env::current_dir().and_then(|here| here.canonicalize()) {
        Ok(here) if own.starts_with(&here) => here,
        _ => own,
    }
}

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

/// The name in a path's folder that is most like it; folders outside `root` are not listed.
fn similar(path: &Path, root: &Path) -> Option<String> {
    const MOST: usize = 1_000;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let inside = folder.canonicalize().ok().filter(|real| real.starts_with(root))?;
    let entries = inside.read_dir().ok()?.take(MOST);
    let names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let written = path.file_name()?.to_string_lossy();
    nearest(&written, names.iter().map(String::as_str)).map(str::to_owned)
}

/// The text of a small regular file below `root`.
///
/// # Errors
/// In words: what is wrong and what to do.
pub(super) fn read_text(path: &Path, root: &Path) -> Result<String, String> {
    let bytes = read(path, root, LARGEST)?;
    String::from_utf8(bytes).map_err(|_| format!("{}: is not UTF-8 text", path.display()))
}

/// The bytes of a regular file below `root` that is not larger than `largest`.
///
/// # Errors
/// In words: what is wrong and what to do.
pub(super) fn read(path: &Path, root: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let real = real_path(path, root)?;
    let metadata = std::fs::metadata(&real).map_err(|_| format!("{shown}: cannot be read"))?;
    if !metadata.is_file() {
        return Err(format!("{shown}: is not a regular file"));
    }
    let mut bytes = vec![];
    let file = std::fs::File::open(&real).map_err(|_| format!("{shown}: cannot be read"))?;
    file.take(largest + 1).read_to_end(&mut bytes).map_err(|_| format!("{shown}: cannot be read"))?;
    if bytes.len() as u64 > largest {
        return Err(format!("{shown}: is larger than {} MiB", largest >> 20));
    }
    Ok(bytes)
}

/// Where a path leads; below `root`, symbolic links followed.
///
/// # Errors
/// In words: what is wrong and what to do.
pub(super) fn real_path(path: &Path, root: &Path) -> Result<PathBuf, String> {
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
    Ok(real)
}
