//! The folder that keeps a plan's runs: a folder for each, a link to the latest, and what the index of all of them is made
//! of. What lies there may come from anyone: names are checked, files are bounded, links are not followed. Must not know
//! how the index looks.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::ReportError;
use super::brief::Brief;
use super::sink::{failed, make_folders, remove_folders};
use crate::encoding::skip_mark;

/// The folder of all plans' runs, in the working directory, when nobody names one.
pub const RUNS: &str = "reports";
/// The page that lists the runs.
pub const INDEX: &str = "index.html";
/// The link to the latest run.
pub const LATEST: &str = "latest";
/// The page of one run.
pub const PAGE: &str = "report.html";
/// The result of one run.
pub const RESULT: &str = "result.json";
/// The result of a run that goes on, or was killed.
pub const PARTIAL: &str = "result.json.partial";

/// Most runs in the index.
pub const MOST_RUNS: usize = 200;
/// Most names looked at in the folder.
const MOST_NAMES: usize = 100_000;
/// Most bytes read of a result: what comes before its end of totals is seldom more than some KiB.
const MOST_OF_ONE: u64 = 16 << 20;
/// Most bytes of results read for one index.
const MOST_BYTES: u64 = 256 << 20;
/// Most runs that begin in the same second.
const MOST_A_SECOND: usize = 99;
/// Longest name of a plan's folder, in characters: every file system takes it, whatever the script.
const LONGEST_SLUG: usize = 60;

/// That nothing of others lies where the index of this plan's runs goes.
///
/// # Errors
/// [`ReportError::Write`] when it would take the place of something else.
pub fn check_free(plan: &Path) -> Result<(), ReportError> {
    let index = plan.join(INDEX);
    let Ok(found) = index.symlink_metadata() else { return Ok(()) };
    match found.is_file() && run_names(plan).next().is_some() {
        true => Ok(()),
        false => Err(failed(&index.display().to_string(), &io::ErrorKind::AlreadyExists.into())),
    }
}

/// The folder of one run, which no other run has.
#[derive(Debug)]
pub struct RunFolder {
    /// Of the plan.
    plan: PathBuf,
    /// Of the run, in that of the plan.
    name: String,
    /// Folders made for it, the outermost first; the empty ones are taken away again.
    made: Vec<PathBuf>,
}

impl RunFolder {
    /// Makes the folder of a run of this plan that begins at `at`.
    ///
    /// # Errors
    /// [`ReportError::Write`] if it cannot be made.
    pub fn claim(folder: &Path, plan_name: &str, at: jiff::Timestamp) -> Result<Self, ReportError> {
        let plan = folder.join(slug(plan_name));
        let mut made = vec![];
        let claimed = make_folders(&plan, &mut made).and_then(|()| claim(&plan, at));
        match claimed {
            Ok(name) => {
                made.push(plan.join(&name));
                Ok(Self { plan, name, made })
            }
            Err(error) => {
                remove_folders(&made);
                Err(failed(&plan.display().to_string(), &error))
            }
        }
    }

    /// Where the run's own files go.
    pub fn path(&self) -> PathBuf {
        self.plan.join(&self.name)
    }

    /// Where the index goes.
    pub fn index(&self) -> PathBuf {
        self.plan.join(INDEX)
    }

    /// Makes `latest` lead to this run, in one step: whoever looks finds the old one or the new one.
    ///
    /// # Errors
    /// When the system has no such links, or something else is called so.
    pub fn link(&self) -> io::Result<()> {
        let latest = self.plan.join(LATEST);
        if latest.symlink_metadata().is_ok_and(|found| !found.is_symlink()) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let temporary = self.plan.join(format!(".{LATEST}.{}.{}.tmp", self.name, std::process::id()));
        let _ = fs::remove_file(&temporary); // left there by a process of the same number, if at all
        symlink(&self.name, &temporary)?;
        fs::rename(&temporary, latest).inspect_err(|_| drop(fs::remove_file(&temporary)))
    }

    /// Keeps runs that end at the same moment from writing the index at once, for as long as the file is held; `None`
    /// where there are no such locks.
    ///
    /// # Errors
    /// [`Busy`] while another run holds it.
    pub fn lock(&self) -> Result<Option<File>, Busy> {
        let Ok(folder) = File::open(&self.plan) else { return Ok(None) };
        match folder.try_lock() {
            Ok(()) => Ok(Some(folder)),
            Err(TryLockError::WouldBlock) => Err(Busy),
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }

    /// What is known of the latest runs.
    pub fn runs(&self) -> Runs {
        runs(&self.plan)
    }
}

/// Another run writes the index.
#[derive(Debug, Clone, Copy)]
pub struct Busy;

impl Drop for RunFolder {
    fn drop(&mut self) {
        remove_folders(&self.made); // only those without anything in them
    }
}

fn claim(plan: &Path, at: jiff::Timestamp) -> io::Result<String> {
    let stamp = at.strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
    for attempt in 1..=MOST_A_SECOND {
        let name = if attempt == 1 { stamp.clone() } else { format!("{stamp}-{attempt:02}") };
        match fs::create_dir(plan.join(&name)) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(unix)]
fn symlink(to: &str, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(not(unix))]
fn symlink(_: &str, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The name of a plan as the name of a folder: letters and digits of any script in small letters, `-` for all between.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c.is_alphanumeric() || c == '_' {
            true => slug.push(c),
            false if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            false => {}
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        return "plan".to_owned();
    }
    if slug.chars().count() > LONGEST_SLUG || slug.len() > 3 * LONGEST_SLUG {
        // Long names that begin alike are still two.
        let digest = Sha256::digest(name);
        let mark: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let mut short = String::new();
        for c in slug.chars().take(LONGEST_SLUG - mark.len() - 1) {
            if short.len() + c.len_utf8() > 3 * LONGEST_SLUG - mark.len() - 1 {
                break;
            }
            short.push(c);
        }
        return format!("{}-{mark}", short.trim_end_matches('-'));
    }
    match is_device(slug) {
        true => format!("{slug}-plan"),
        false => slug.to_owned(),
    }
}

/// Names that Windows keeps for itself.
fn is_device(name: &str) -> bool {
    let numbered = |stem| name.strip_prefix(stem).is_some_and(|rest: &str| rest.chars().count() == 1);
    ["con", "prn", "aux", "nul"].contains(&name) || numbered("com") || numbered("lpt")
}

/// Whether a folder of this name is one of ours.
fn is_run(name: &str) -> bool {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd-dd-ddZ";
    let fits = |text: &str, shape: &[u8]| {
        text.len() == shape.len()
            && text.bytes().zip(shape).all(|(c, s)| if *s == b'd' { c.is_ascii_digit() } else { c == *s })
    };
    match name.split_at_checked(SHAPE.len()) {
        Some((stamp, rest)) => fits(stamp, SHAPE) && (rest.is_empty() || fits(rest, b"-dd")),
        None => false,
    }
}

/// One run that is kept.
#[derive(Debug, Clone)]
pub struct KeptRun {
    /// The name of its folder.
    pub folder: String,
    /// Whether its page is there.
    pub has_page: bool,
    /// What its result says.
    pub brief: Brief,
}

/// The runs that are kept.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// Those that could be read, the newest first.
    pub runs: Vec<KeptRun>,
    /// Those that could not: folder and reason.
    pub skipped: Vec<(String, String)>,
    /// How many older ones there are.
    pub older: usize,
}

/// What in a plan's folder is called as a run is; nothing where there is no folder.
fn run_names(plan: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(plan).into_iter().flatten().take(MOST_NAMES).flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| is_run(name))
}

fn runs(plan: &Path) -> Runs {
    let mut names: Vec<String> = run_names(plan).collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    let mut found = Runs { older: names.len().saturating_sub(MOST_RUNS), ..Runs::default() };
    let mut left = MOST_BYTES;
    for name in names.into_iter().take(MOST_RUNS) {
        let folder = plan.join(&name);
        // A link may lead anywhere.
        if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            continue;
        }
        match read(&folder, &mut left) {
            Ok(brief) => {
                let has_page = is_file(&folder.join(PAGE));
                found.runs.push(KeptRun { folder: name, has_page, brief });
            }
            Err(words) => found.skipped.push((name, words)),
        }
    }
    found
}

/// Whether a regular file is there; a link is none.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}

fn read(folder: &Path, left: &mut u64) -> Result<Brief, String> {
    let names = [RESULT, PARTIAL].into_iter().map(|name| folder.join(name));
    let path = names.into_iter().find(|path| is_file(path)).ok_or("no result")?;
    let mut file = File::open(path).map_err(|_| "its result cannot be read")?;
    if !is_closed(&mut file).unwrap_or(false) {
        return Err("its result is cut off".to_owned());
    }
    if *left == 0 {
        return Err("the results of newer runs were too large to go on".to_owned());
    }
    skip_mark(&mut file).map_err(|_| "its result cannot be read")?;
    let most = MOST_OF_ONE.min(*left);
    let mut head = file.take(most);
    let brief = Brief::read(BufReader::with_capacity(1 << 14, &mut head));
    *left -= most - head.limit();
    brief.map_err(|words| format!("its result is {words}"))
}

/// Whether a result ends as one does; leaves the file at its beginning.
fn is_closed(file: &mut File) -> io::Result<bool> {
    const END: i64 = 16;
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::End(-END.min(i64::try_from(bytes).unwrap_or(END))))?;
    let mut end = vec![];
    file.by_ref().take(END.unsigned_abs()).read_to_end(&mut end)?;
    file.rewind()?;
    Ok(end.trim_ascii_end().ends_with(b"}"))
}

#[cfg(test)]
mod tests;
