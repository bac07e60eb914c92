//! While a run goes on: its result so far, in a file beside the JSON report, so that a process that is killed
//! leaves what it measured. Built and written on a thread of its own. Must not decide what a result says.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::engine::Outcome;
use crate::report::ReportError;
use crate::report::sink;

/// Added to the path of the JSON report.
pub const SUFFIX: &str = ".partial";
/// Least time from one checkpoint to the next: what is merged comes once a second, and must not come a moment
/// too early for its turn.
const SHORTEST: Duration = Duration::from_millis(900);
/// A checkpoint may take one part in so many of the time, on one core: 2 %.
const SHARE: u32 = 50;
/// Pause after one that could not be written.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Keeps the checkpoint of one run.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    state: Arc<Mutex<State>>,
    work: Sender<Job>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
struct Job {
    outcome: Outcome,
    /// When it was begun to be taken.
    begun: Instant,
}

#[derive(Debug)]
struct State {
    /// When the next one may be taken; `None` while one is made.
    due: Option<Instant>,
    /// What is wrong, until it has been told.
    trouble: Option<String>,
    has_failed: bool,
}

/// Makes the text of a checkpoint.
pub type Build = Box<dyn Fn(&Outcome) -> Result<String, ReportError> + Send>;

impl Checkpoint {
    /// Begins with the next outcome offered; what an earlier run left at the path is removed.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(report: &Path, build: Build) -> std::io::Result<Self> {
        let path = path_of(report);
        let _ = std::fs::remove_file(&path); // absent, as a rule
        let state =
            Arc::new(Mutex::new(State { due: Some(Instant::now()), trouble: None, has_failed: false }));
        let (work, jobs) = channel();
        let writer = Writer { path: path.clone(), state: state.clone(), build };
        let thread =
            std::thread::Builder::new().name("checkpoint".into()).spawn(move || writer.follow(&jobs))?;
        Ok(Self { path, state, work, thread })
    }

    /// Takes a checkpoint if it is time to; what is wrong with the last one, told once.
    pub fn offer(&mut self, take: &dyn Fn() -> Outcome) -> Option<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        if state.due.is_some_and(|due| begun >= due) {
            state.due = None;
            // The writer wants the state only when it has a job, and it has none.
            let _ = self.work.send(Job { outcome: take(), begun });
        }
        state.trouble.take()
    }

    /// The real result stands: removes the file.
    pub fn discard(self) {
        let path = self.end();
        let _ = std::fs::remove_file(path); // absent if it could never be written
    }

    /// There is no real result: the path, if a checkpoint stands there.
    pub fn keep(self) -> Option<PathBuf> {
        Some(self.end()).filter(|path| path.is_file())
    }

    fn end(self) -> PathBuf {
        drop(self.work);
        // A writer that panicked writes nothing more either.
        let _ = self.thread.join();
        self.path
    }
}

/// Where the checkpoint of a run with this JSON report stands.
pub fn path_of(report: &Path) -> PathBuf {
    let mut path = OsString::from(report);
    path.push(SUFFIX);
    path.into()
}

struct Writer {
    path: PathBuf,
    state: Arc<Mutex<State>>,
    build: Build,
}

impl Writer {
    fn follow(&self, jobs: &Receiver<Job>) {
        for Job { outcome, begun } in jobs {
            let written = (self.build)(&outcome).and_then(|text| sink::replace(&self.path, &text));
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let pause = pause(begun.elapsed(), written.is_ok());
            state.due = begun.checked_add(pause);
            if let Err(error) = written
                && !state.has_failed
            {
                state.has_failed = true;
                state.trouble = Some(format!(
                    "no checkpoint: {error}; the run goes on, but if it is killed nothing is left of it"
                ));
            }
        }
    }
}

/// From the beginning of a checkpoint that took so long to the beginning of the next.
fn pause(took: Duration, is_written: bool) -> Duration {
    let least = if is_written { SHORTEST } else { AFTER_FAILURE };
    took.saturating_mul(SHARE).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costly_checkpoints_are_rare() {
        let ms = Duration::from_millis;
        assert_eq!(pause(ms(2), true), SHORTEST);
        assert_eq!(pause(ms(200), true), Duration::from_secs(10));
        assert_eq!(pause(ms(2), false), AFTER_FAILURE);
        assert_eq!(pause(Duration::from_secs(1), false), Duration::from_secs(50));
        assert_eq!(pause(Duration::MAX, true), Duration::MAX);
    }

    #[test]
    fn the_path_is_the_reports_with_a_suffix() {
        assert_eq!(path_of(Path::new("a/result.json")), PathBuf::from("a/result.json.partial"));
    }
}
