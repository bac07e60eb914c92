//! Files a plan names: found relative to it, read safely, never outside the plan's root.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Located, Sources};
use crate::encoding;
use crate::plan::bounds::Bounds;
use crate::plan::root::similar;

use super::Compiler;
use super::refusal::Use;

/// Largest body template.
const LARGEST: u64 = 4 << 20;

/// A path the plan names, relative to the file that says it.
pub(super) fn path_of(file: &Located<String>, sources: &Sources) -> PathBuf {
    let path = sources.get(file.span.file).dir.join(&file.value);
    path.strip_prefix(".").map_or_else(|_| path.clone(), Path::to_owned)
}

impl Compiler<'_> {
    /// The path of a file that is read for the run, which no report may replace; `None` when the plan may not read it,
    /// which is said.
    pub(super) fn input(&mut self, file: &Located<String>, used: Use) -> Option<PathBuf> {
        let path = path_of(file, self.sources);
        if self.is_hidden(&path, used, file.span) {
            return None;
        }
        self.inputs.insert(path.clone());
        Some(path)
    }
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
    utf8(read(path, root, LARGEST)?, path)
}

/// The bytes of a regular file below `root` that is not larger than `largest`.
///
/// # Errors
/// In words: what is wrong and what to do.
pub(super) fn read(path: &Path, root: &Path, largest: u64) -> Result<Vec<u8>, String> {
    read_regular(path, &real_path(path, root)?, largest)
}

/// The bytes of a file that is known to lie where it may.
fn read_regular(path: &Path, real: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let metadata = std::fs::metadata(real).map_err(|_| format!("{shown}: cannot be read"))?;
    if !metadata.is_file() {
        return Err(format!("{shown}: is not a regular file"));
    }
    let mut bytes = vec![];
    let file = std::fs::File::open(real).map_err(|_| format!("{shown}: cannot be read"))?;
    file.take(largest + 1).read_to_end(&mut bytes).map_err(|_| format!("{shown}: cannot be read"))?;
    if bytes.len() as u64 > largest {
        return Err(match largest >> 20 {
            0 => format!("{shown}: is larger than {} KiB", largest >> 10),
            mib => format!("{shown}: is larger than {mib} MiB"),
        });
    }
    Ok(bytes)
}

fn utf8(bytes: Vec<u8>, path: &Path) -> Result<String, String> {
    encoding::text(bytes).map_err(|error| format!("{}: {error}", path.display()))
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

/// Why a secret's file gives no value.
#[derive(Debug)]
pub(super) enum NoSecret {
    /// There is none.
    Absent,
    /// It is not to be read, in words.
    Unusable(String),
}

/// Largest file of a secret.
const LARGEST_SECRET: u64 = 64 << 10;
/// Where container platforms put secrets meant for this process; the same folder on most systems.
const SECRET_FOLDERS: [&str; 2] = ["/run/secrets", "/var/run/secrets"];
/// Where systemd's `LoadCredential=` puts them.
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// The text of a secret's file, without its last line break: below `root`, or in a folder that holds nothing
/// but secrets given to this process, and of no stranger's plan. Anywhere else a plan could read a key of its user and send it away.
///
/// # Errors
/// Why there is none.
pub(super) fn read_secret(path: &Path, bounds: &Bounds) -> Result<String, NoSecret> {
    let text = read_given(path, bounds, LARGEST_SECRET)?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if value.is_empty() {
        return Err(NoSecret::Unusable(format!("{}: is empty", path.display())));
    }
    Ok(value.to_owned())
}

/// The text of a file of certificates or of a key, which may lie where secrets may.
///
/// # Errors
/// Why there is none.
pub(super) fn read_pem(path: &Path, bounds: &Bounds) -> Result<String, NoSecret> {
    read_given(path, bounds, LARGEST)
}

fn read_given(path: &Path, bounds: &Bounds, largest: u64) -> Result<String, NoSecret> {
    let shown = path.display();
    let real = path.canonicalize().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => NoSecret::Absent,
        _ => NoSecret::Unusable(format!("{shown}: cannot be read")),
    })?;
    // Of the process alone: an `.env` file comes with the plan.
    let named = std::env::var_os(CREDENTIALS_VARIABLE).map(PathBuf::from);
    let folders = SECRET_FOLDERS.iter().map(PathBuf::from).chain(named).filter(|_| !bounds.is_strict());
    let mut allowed = folders.filter_map(|folder| folder.canonicalize().ok());
    if !real.starts_with(bounds.root()) && !allowed.any(|folder| real.starts_with(folder)) {
        let help = match bounds.is_strict() {
            true => "with `--untrusted` a plan reads no other folder".to_owned(),
            false => format!(
                "put it there or below /run/secrets, or name its folder in the environment as {CREDENTIALS_VARIABLE}"
            ),
        };
        return Err(NoSecret::Unusable(format!("{shown}: lies outside {}; {help}", bounds.root().display())));
    }
    read_regular(path, &real, largest).and_then(|bytes| utf8(bytes, path)).map_err(NoSecret::Unusable)
}
