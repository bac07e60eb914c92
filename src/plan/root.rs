//! The folder below which all files of a plan must lie, symbolic links followed. Must not read any of them.

use std::path::{Component, Path, PathBuf};

use crate::diagnostic::nearest;

/// A file of this name marks the root of a plan's files, as `.git` does.
pub const ROOT_MARK: &str = ".plimsoll";

/// The folder all files of a plan must lie below: the nearest folder above the plan with a `.git` or a
/// `.plimsoll`, else the working directory when the plan lies below it and it is not the whole machine, else the plan's own
/// folder.
pub fn root_of(plan: &Path) -> PathBuf {
    let own = plan.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(own) = own.canonicalize() else { return own.to_owned() };
    if let Some(repository) = own.ancestors().find(|folder| is_marked(folder)) {
        return repository.to_owned();
    }
    match std::env::current_dir().and_then(|here| here.canonicalize()) {
        Ok(here) if own.starts_with(&here) && here.parent().is_some() => here,
        _ => own,
    }
}

/// The same for the plan of a stranger, who may have made a folder below the working directory a link to another: none is
/// followed; and the whole machine is never the root.
pub fn strict_root_of(plan: &Path) -> PathBuf {
    let own = folder_by_name(plan);
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    let is_whole = |real: &Path| real.parent().is_none();
    let is_below_here = |folder: &Path| !here.as_os_str().is_empty() && folder.starts_with(&here);
    let marked = own.ancestors().filter(|folder| is_marked(folder)).find_map(|folder| {
        let real = folder.canonicalize().ok()?;
        let is_link = is_below_here(folder) && real != folder;
        (!is_link && !is_whole(&real)).then_some(real)
    });
    match marked {
        Some(repository) => repository,
        None if is_below_here(&own) && !is_whole(&here) => here,
        None => own.canonicalize().unwrap_or(own),
    }
}

/// The folder of a plan as its path names it, from the root of the file system; links are not followed.
pub fn folder_by_name(plan: &Path) -> PathBuf {
    let whole = std::path::absolute(plan).unwrap_or_else(|_| plan.to_owned());
    let mut folder = PathBuf::new();
    for part in whole.parent().unwrap_or(Path::new(".")).components() {
        match part {
            Component::ParentDir => drop(folder.pop()),
            part => folder.push(part),
        }
    }
    folder
}

fn is_marked(folder: &Path) -> bool {
    folder.join(".git").exists() || folder.join(ROOT_MARK).exists()
}

/// The nearest folder named `templates` beside the plan or above it, not above `root`.
pub(crate) fn templates_of(plan: &Path, root: &Path) -> Option<PathBuf> {
    let own = plan.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let own = own.canonicalize().ok().filter(|own| own.starts_with(root))?;
    let found = own.ancestors().take_while(|folder| folder.starts_with(root)).find_map(|folder| {
        let templates = folder.join("templates");
        templates.is_dir().then_some(templates)
    })?;
    // As people see it.
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).ok();
    let short = here.and_then(|here| found.strip_prefix(here).map(Path::to_owned).ok());
    Some(short.unwrap_or(found))
}

/// A path without the detours that lead nowhere else.
pub(crate) fn tidy(path: PathBuf) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    // `a/..` is not nothing where `a` is a symbolic link.
    match (tidy.canonicalize(), path.canonicalize()) {
        (Ok(short), Ok(long)) if short != long => path,
        _ => tidy,
    }
}

/// Where a file would be written that need not be there yet, symbolic links followed; `None` when that cannot be told: a
/// link that leads nowhere, or `..` after a folder that is not there.
pub fn real_place(path: &Path) -> Option<PathBuf> {
    let mut missing = vec![];
    for known in path.ancestors() {
        let here = if known.as_os_str().is_empty() { Path::new(".") } else { known };
        if here.symlink_metadata().is_ok() || known.as_os_str().is_empty() {
            let real = here.canonicalize().ok()?;
            return Some(missing.iter().rev().fold(real, |real, name| real.join(name)));
        }
        missing.push(known.file_name()?);
    }
    None
}

/// Whether two paths name one file, which need not be there yet.
pub fn is_same_place(a: &Path, b: &Path) -> bool {
    a == b || real_place(a).is_some_and(|a| real_place(b) == Some(a))
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
