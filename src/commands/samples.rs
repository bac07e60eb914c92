//! `--samples`: a line of JSON for every single request, written on a thread of its own while the run goes on. It never
//! holds up a worker and is bounded in size; what is not in it is counted. No text of a request or an answer is in it.

mod line;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};

use crate::compile::CompiledPlan;
use crate::engine::{Batch, LogState, SampleLog, ToLog};
use crate::report::ReportError;
use crate::report::number::{bytes, plural};
use crate::report::sink::{Stream, stream, unwritten};

use line::Lines;

/// Batches that may wait to be written, for each worker: 64 000 requests, about 7 MB.
const ROOM: usize = 64;
/// What the closing line may take of the limit.
const CLOSING: u64 = 200;
/// How long the writer may go on after the run.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same after a run that was told to end.
const LITTLE_PATIENCE: Duration = Duration::from_millis(500);
/// Pause between two looks at a writer that has no room.
const PAUSE: Duration = Duration::from_millis(5);

/// The log of one run.
pub struct Samples {
    log: SampleLog,
    path: PathBuf,
    is_stdout: bool,
    /// Whether the file was there before.
    was_there: bool,
    limit: u64,
    /// How many were written, once the writer has ended.
    written: Receiver<io::Result<u64>>,
}

impl Samples {
    /// Opens the log; what was there is gone.
    ///
    /// # Errors
    /// [`ReportError::Write`].
    pub fn open(
        path: &Path,
        limit: u64,
        plan: &CompiledPlan,
        run_id: &str,
        workers: usize,
    ) -> Result<Self, ReportError> {
        let was_there = path.symlink_metadata().is_ok();
        let Stream { out, is_stdout } = stream(path)?;
        let (to, from) = sync_channel(ROOM * workers.max(1));
        let state = Arc::new(LogState::default());
        let (tell, written) = channel();
        let writer = Writer { out, lines: Lines::new(plan, run_id), limit, bytes: 0, state: state.clone() };
        let thread = std::thread::Builder::new().name("samples".into());
        let started = thread.spawn(move || drop(tell.send(writer.follow(&from))));
        started.map_err(|error| unwritten(path, &error))?;
        Ok(Self { log: SampleLog { to, state }, path: path.to_owned(), is_stdout, was_there, limit, written })
    }

    /// Where the engine sends requests to.
    pub fn log(&self) -> SampleLog {
        self.log.clone()
    }

    /// The path as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this is standard output, so that nothing else may be written there.
    pub fn is_stdout(&self) -> bool {
        self.is_stdout
    }

    /// Gives it up, since nothing ran: a new file without a line goes.
    pub fn discard(self) {
        if !self.was_there && self.path.metadata().is_ok_and(|found| found.is_file() && found.len() == 0) {
            let _ = std::fs::remove_file(&self.path); // it says nothing
        }
    }

    /// Waits until all is written: how many lines, and what a reader must know.
    ///
    /// # Errors
    /// [`ReportError::Write`] when not all could be written, or not soon enough.
    pub fn finish(self, is_hurried: bool) -> Result<(u64, Vec<String>), ReportError> {
        let until = Instant::now() + if is_hurried { LITTLE_PATIENCE } else { PATIENCE };
        while let Err(TrySendError::Full(_)) = self.log.to.try_send(ToLog::End) {
            if Instant::now() >= until {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        let left = until.saturating_duration_since(Instant::now());
        let too_late = || Err(io::Error::other("it takes too long"));
        let written = self.written.recv_timeout(left).unwrap_or_else(|_| too_late());
        let written = written.map_err(|error| unwritten(&self.path, &error))?;
        Ok((written, self.remarks()))
    }

    fn remarks(&self) -> Vec<String> {
        let count = |count: u64| plural(count, "request");
        let path = crate::report::text::shown_path(&self.path);
        let (lost, beyond) = counts(&self.log.state);
        let lost = (lost > 0).then(|| {
            format!(
                "{} not in {path}: it could not be written as fast as they ended",
                are(&count(lost), lost)
            )
        });
        let beyond = (beyond > 0).then(|| {
            format!("{path} was full at {}: {} not in it", bytes(self.limit), are(&count(beyond), beyond))
        });
        lost.into_iter().chain(beyond).collect()
    }
}

fn are(words: &str, count: u64) -> String {
    format!("{words} {}", if count == 1 { "is" } else { "are" })
}

/// Requests that found no room, and that came when the log was full.
fn counts(state: &LogState) -> (u64, u64) {
    (state.lost.load(Ordering::Relaxed), state.beyond.load(Ordering::Relaxed))
}

struct Writer {
    out: Box<dyn Write + Send>,
    lines: Lines,
    limit: u64,
    /// Written so far.
    bytes: u64,
    state: Arc<LogState>,
}

impl Writer {
    /// Writes what comes until the end; how many requests.
    fn follow(mut self, from: &Receiver<ToLog>) -> io::Result<u64> {
        let mut written = Ok(0);
        let mut text = self.lines.first();
        while let Ok(ToLog::Batch(batch)) = from.recv() {
            // After a failure nothing is written any more, but what was sent before workers knew still comes.
            let Ok(so_far) = written else { continue };
            let taken = self.add(&batch, &mut text);
            written = self.put(&mut text).map(|()| so_far + taken);
        }
        let written = written?;
        let (lost, beyond) = counts(&self.state);
        self.lines.last(&mut text, written, lost, beyond);
        self.put(&mut text)?;
        self.out.flush().or_else(nobody_reads)?;
        Ok(written)
    }

    /// Adds the lines of a batch to `text`, as many as the limit lets; how many.
    fn add(&mut self, batch: &Batch, text: &mut Vec<u8>) -> u64 {
        let mut taken = 0;
        for request in &batch.requests {
            let before = text.len();
            if !self.state.is_closed.load(Ordering::Relaxed) {
                self.lines.add(text, batch.start, request);
            }
            if self.bytes + text.len() as u64 + CLOSING > self.limit {
                text.truncate(before);
                self.state.is_closed.store(true, Ordering::Relaxed);
            }
            if text.len() == before {
                break;
            }
            taken += 1;
        }
        self.state.beyond.fetch_add(batch.requests.len() as u64 - taken, Ordering::Relaxed);
        taken
    }

    fn put(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        self.bytes += text.len() as u64;
        let put = self.out.write_all(text).or_else(nobody_reads);
        text.clear();
        put.inspect_err(|_| self.state.is_closed.store(true, Ordering::Relaxed))
    }
}

/// A reader that has seen enough is no failure.
fn nobody_reads(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests;
