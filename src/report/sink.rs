//! Where a report goes. Opened before the first request, so that a path that cannot be written is known in time;
//! what was there stays until the new report is complete. Must not know what a report contains.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ReportError;

/// One place to write one report to.
#[derive(Debug)]
pub struct Sink {
    path: String,
    target: Target,
    /// Who may read it, where no file is there yet whose rights it keeps.
    readers: Readers,
    /// Folders made for it, the outermost first; taken away again if nothing is written.
    made: Vec<PathBuf>,
    written: bool,
}

/// Who may read a file that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the system lets by default (the umask).
    Default,
    /// Its owner alone: parts of requests and answers are in it.
    Owner,
}

#[derive(Debug)]
enum Target {
    Stdout,
    /// A device or pipe, and files in a folder where no other can be made: written as they are, at the end.
    InPlace(PathBuf),
    /// A file beside it, renamed when it is complete.
    Beside(PathBuf),
}

impl Sink {
    /// A sink for `path`; `-` and `/dev/stdout` are standard output. Makes missing folders. A file that is there keeps its
    /// rights, a new one is for `readers`.
    ///
    /// # Errors
    /// [`ReportError::Write`] if `path` is a folder or cannot be written.
    pub fn open(path: impl AsRef<Path>, readers: Readers) -> Result<Self, ReportError> {
        let shown = path.as_ref().display().to_string();
        let mut made = Vec::new();
        match target(path.as_ref(), &mut made) {
            Ok(target) => Ok(Self { path: shown, target, readers, made, written: false }),
            Err(error) => {
                remove_folders(&made);
                Err(failed(&shown, &error))
            }
        }
    }

    /// Whether this is standard output, so that nothing else may be written there.
    pub fn is_stdout(&self) -> bool {
        matches!(self.target, Target::Stdout)
    }

    /// Whether this is a file that is replaced as a whole, and may be written again.
    pub fn is_file(&self) -> bool {
        matches!(self.target, Target::Beside(_))
    }

    /// The path as given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Writes the whole report and puts it in its place.
    ///
    /// # Errors
    /// [`ReportError::Write`]; what was there before is kept then, as far as the system allows.
    pub fn write(&mut self, text: &str) -> Result<(), ReportError> {
        let written = match &self.target {
            Target::Stdout => to_stdout(text),
            Target::InPlace(path) => in_place(path, text),
            Target::Beside(path) => {
                // A folder that somebody removed during the run is made again.
                make_folders(folder_of(path), &mut self.made)
                    .and_then(|()| beside(path, text, self.readers, true))
            }
        };
        written.map_err(|error| failed(&self.path, &error))?;
        self.written = true;
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if !self.written {
            remove_folders(&self.made);
        }
    }
}

/// A place that is written to bit by bit.
pub struct Stream {
    /// Where to write to.
    pub out: Box<dyn Write + Send>,
    /// Whether this is standard output.
    pub is_stdout: bool,
}

/// Opens `path` to be written to bit by bit, from its beginning; what was there is gone. Makes missing folders.
///
/// # Errors
/// [`ReportError::Write`] if `path` is a folder or cannot be written.
pub fn stream(path: &Path) -> Result<Stream, ReportError> {
    if is_stdout(&path.to_string_lossy()) {
        return Ok(Stream { out: Box::new(io::stdout()), is_stdout: true });
    }
    let mut made = vec![];
    let opened = make_folders(folder_of(path), &mut made).and_then(|()| {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(path.is_file()).open(path)
    });
    match opened {
        Ok(file) => Ok(Stream { out: Box::new(file), is_stdout: false }),
        Err(error) => {
            remove_folders(&made);
            Err(unwritten(path, &error))
        }
    }
}

/// That `path` cannot be written, in words.
pub fn unwritten(path: &Path, error: &io::Error) -> ReportError {
    failed(&path.display().to_string(), error)
}

fn is_stdout(path: &str) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].contains(&path)
}

/// Replaces the file at `path` as a whole; a new one is for its owner alone. It outlives the process, however that ends,
/// but not the machine.
///
/// # Errors
/// [`ReportError::Write`]; what was there before is kept then.
pub fn replace(path: &Path, text: &str) -> Result<(), ReportError> {
    beside(path, text, Readers::Owner, false).map_err(|error| failed(&path.display().to_string(), &error))
}

fn target(path: &Path, made: &mut Vec<PathBuf>) -> io::Result<Target> {
    let text = path.to_string_lossy();
    if text.is_empty() {
        return Err(io::Error::other("the path is empty"));
    }
    if is_stdout(&text) {
        return Ok(Target::Stdout);
    }
    // A link is followed: the file it leads to is replaced, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&path) {
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => return Ok(Target::InPlace(path)),
        Ok(_) => drop(OpenOptions::new().write(true).open(&path)?),
        Err(_) if text.ends_with('/') => return Err(io::ErrorKind::IsADirectory.into()),
        Err(_) => {}
    }
    make_folders(folder_of(&path), made)?;
    // Made and removed again: nothing is left behind by a process that is killed.
    match Temporary::beside(&path, Readers::Owner) {
        Ok(_) => Ok(Target::Beside(path)),
        Err(_) if path.is_file() => Ok(Target::InPlace(path)),
        Err(error) => Err(error),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn make_folders(folder: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().filter(|f| !f.as_os_str().is_empty()).take_while(|f| !f.exists()).collect();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Ok(()) => made.push(folder.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Only empty folders go.
pub(super) fn remove_folders(made: &[PathBuf]) {
    for folder in made.iter().rev() {
        let _ = fs::remove_dir(folder);
    }
}

/// A file beside another, to be renamed to it; removed if it is not.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl Temporary {
    fn beside(path: &Path, readers: Readers) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_string_lossy();
        let short: String = name.chars().take(40).collect();
        for attempt in 0..100 {
            let temporary = folder_of(path).join(format!(".{short}.{}-{attempt}.tmp", std::process::id()));
            match new_file(readers).open(&temporary) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    if let Ok(found) = fs::metadata(path) {
                        let _ = fs::set_permissions(&temporary, found.permissions());
                    }
                    return Ok(Self { path: temporary, file });
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// How a file is made that is not there.
fn new_file(readers: Readers) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        // From the first moment: what is changed later was readable before.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = readers;
    options
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // there only if it could not be renamed
    }
}

/// Writes a file beside `path` and renames it. `sync` waits until it is on the disk.
fn beside(path: &Path, text: &str, readers: Readers, sync: bool) -> io::Result<()> {
    let mut temporary = Temporary::beside(path, readers)?;
    temporary.file.write_all(text.as_bytes())?;
    if sync {
        temporary.file.sync_all()?;
    }
    match fs::rename(&temporary.path, path) {
        Ok(()) => Ok(()),
        // A file mounted on its own cannot be replaced, only written.
        Err(_) if path.is_file() => in_place(path, text),
        Err(error) => Err(error),
    }
}

fn in_place(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(path.is_file()).open(path)?;
    file.write_all(text.as_bytes())
}

/// A reader that has seen enough (`| head`) is no failure.
fn to_stdout(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

pub(super) fn failed(path: &str, error: &io::Error) -> ReportError {
    let cause = match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is not a directory".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::AlreadyExists => "another file is in the way".to_owned(),
        io::ErrorKind::StorageFull => "no space left".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_lowercase()
        }
    };
    ReportError::Write { path: super::text::clean(path), cause }
}

#[cfg(test)]
mod tests;
