//! The folder below which all files of a plan must lie, symbolic links followed. Must not read any of them.

use std::path::{Path, PathBuf};

use crate::diagnostic::nearest;

/// A file of this name marks the root of a plan's files, as `.git` does.
pub const ROOT_MARK: &str = ".plimsoll";

/// The folder all files of a plan must lie below: the nearest folder above the plan with a `.git` or a
/// `.plimsoll`, else the working directory when the plan lies below it, else the plan's own folder.
pub fn root_of(plan: &Path) -> PathBuf {
    let own = plan.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(own) = own.canonicalize() else { return own.to_owned() };
    if let Some(repository) =
        own.ancestors().find(|folder| folder.join(".git").exists() || folder.join(ROOT_MARK).exists())
    {
        return repository.to_owned();
    }
    match std::env::current_dir().and_then(|here| here.canonicalize()) {
        Ok(here) if own.starts_with(&here) => here,
        _ => own,
    }
}

/// The name in a path's folder that is most like it; folders outside `root` are not listed.
pub(crate) fn similar(path: &Path, root: &Path) -> Option<String> {
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
