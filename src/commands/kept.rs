//! A run's place in the folder of its plan's runs: made before the first request; the link to the latest run and the index
//! are made anew at its end. Must not know what a report holds.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::plan::bounds::Bounds;
use crate::report::folder::{INDEX, RESULT, RunFolder, slug};
use crate::report::sink::{Readers, Sink};
use crate::report::{ReportError, html};

use super::outputs::stay_inside;

/// Times that the index is waited for while another run writes it, and the pause between two.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// The place of one run.
pub struct Kept {
    // The index before the folder: what was made for it goes first.
    index: Sink,
    folder: RunFolder,
    /// Where it must lie, symbolic links followed, when a plan named it or nobody did.
    bounds: Option<Bounds>,
    /// Whether somebody asked for it: what nobody asked for costs no run its exit code.
    pub is_asked: bool,
    /// The folder of all plans' runs, when it was made for this one without being asked for.
    made: Option<PathBuf>,
}

impl Kept {
    /// Makes the run's folder below `folder`, which must lie inside `bounds`.
    ///
    /// # Errors
    /// [`ReportError::Write`] if it does not, or that folder, or the index, cannot be written.
    pub fn open(
        folder: &Path,
        bounds: Option<Bounds>,
        plan_name: &str,
        is_asked: bool,
    ) -> Result<Self, ReportError> {
        // The plan's own folder in it may be a link by now.
        stay_inside(bounds.as_ref(), &folder.join(slug(plan_name)).join(INDEX))?;
        let made = (!is_asked && !folder.exists()).then(|| folder.to_owned());
        let folder = RunFolder::claim(folder, plan_name, jiff::Timestamp::now())?;
        Ok(Self { index: Sink::open(folder.index(), Readers::Owner)?, folder, bounds, is_asked, made })
    }

    /// # Errors
    /// When it leads out of where it must lie by now.
    pub fn check(&self) -> Result<(), ReportError> {
        stay_inside(self.bounds.as_ref(), &self.folder.index())
    }

    /// The folder of the run.
    pub fn path(&self) -> PathBuf {
        self.folder.path()
    }

    /// The index of all runs.
    pub fn index(&self) -> &str {
        self.index.path()
    }

    /// Makes the index and the link anew, once the run's own files are there. A remark when there can be no link.
    ///
    /// # Errors
    /// [`ReportError`] when the index cannot be written.
    pub fn finish(&mut self) -> Result<Option<String>, ReportError> {
        let mut remark = None;
        // Where nothing could be written the link stays as it is.
        let is_there = self.folder.path().join(RESULT).is_file();
        if is_there && let Err(error) = self.folder.link() {
            let words = error.to_string();
            let words = words.split(" (os error").next().unwrap_or_default().to_lowercase();
            remark = Some(format!("no link to the latest run: {words}"));
        }
        if is_there && let Some(made) = self.made.take() {
            // Answers of the target are in there. Where it cannot be said, the folder is as good.
            let _ = keep_out_of_git(&made);
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
        written.map(|()| remark)
    }
}

/// What nobody asked for is not to be committed by accident either.
fn keep_out_of_git(folder: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(folder.join(".gitignore"))?;
    file.write_all(b"*\n")
}
