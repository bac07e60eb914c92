//! A run's place in the folder of its plan's runs: made before the first request; the link to the latest run and the index
//! are made anew at its end. Must not know what a report holds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::report::folder::{RESULT, RunFolder};
use crate::report::sink::Sink;
use crate::report::{ReportError, html};

use super::terminal::complain;

/// Times that the index is waited for while another run writes it, and the pause between two.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// The place of one run.
pub struct Kept {
    // The index before the folder: what was made for it goes first.
    index: Sink,
    folder: RunFolder,
    /// Whether somebody asked for it: what nobody asked for costs no run its exit code.
    pub is_asked: bool,
}

impl Kept {
    /// Makes the run's folder below `folder`.
    ///
    /// # Errors
    /// [`ReportError::Write`] if that folder, or the index, cannot be written.
    pub fn open(folder: &Path, plan_name: &str, is_asked: bool) -> Result<Self, ReportError> {
        let folder = RunFolder::claim(folder, plan_name, jiff::Timestamp::now())?;
        Ok(Self { index: Sink::open(folder.index())?, folder, is_asked })
    }

    /// The folder of the run.
    pub fn path(&self) -> PathBuf {
        self.folder.path()
    }

    /// The index of all runs.
    pub fn index(&self) -> &str {
        self.index.path()
    }

    /// Makes the index and the link anew, once the run's own files are there.
    ///
    /// # Errors
    /// [`ReportError`] when the index cannot be written. A link that cannot be made is only told of.
    pub fn finish(&mut self) -> Result<(), ReportError> {
        // Where nothing could be written the link stays as it is.
        let is_there = self.folder.path().join(RESULT).is_file();
        if is_there && let Err(error) = self.folder.link() {
            let words = error.to_string();
            let words = words.split(" (os error").next().unwrap_or_default().to_lowercase();
            complain(&format!("no link to the latest run: {words}"));
        }
        let held = (0..TRIES).find_map(|_| match self.folder.lock() {
            Ok(held) => Some(held),
            Err(_) => {
                std::thread::sleep(PAUSE);
                None
            }
        });
        let page = html::render_index(&self.folder.runs())?;
        let written = self.index.write(&page);
        drop(held);
        written
    }
}
