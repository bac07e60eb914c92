//! What a run tells the GitHub Actions workflow it runs in: annotations, and a page in the job's summary. Elsewhere
//! nothing.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use crate::report::model::ResultDocument;
use crate::report::{github, markdown};

use super::terminal::{command, complain};

/// Set to `true` by the runner.
const RUNS_IN_WORKFLOW: &str = "GITHUB_ACTIONS";
/// The file whose text the runner shows with the job.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Tells the workflow, where there is one, how the run went. A summary that cannot be written costs nothing but itself.
pub fn tell(result: &ResultDocument) {
    if std::env::var_os(RUNS_IN_WORKFLOW).is_none_or(|value| value != "true") {
        return;
    }
    // Commands are read from both outputs; standard output may be a report.
    let annotations = github::annotations(result);
    if !annotations.is_empty() {
        command(annotations.trim_end());
    }
    let Some(path) = std::env::var_os(SUMMARY).filter(|path| !path.is_empty()) else { return };
    if let Err(error) = append(Path::new(&path), &markdown::render(result)) {
        complain(&format!("the job's summary is not written: {error}"));
    }
}

/// The file may hold what other steps wrote.
fn append(path: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(format!("{text}\n").as_bytes())
}
