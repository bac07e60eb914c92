//! The reports a run writes: opened before the first request, written at its end, each whatever became of the
//! others; then the summary, so that the verdict is the last line. Must not know how a report looks.

use std::path::Path;

use crate::cli::RunFlags;
use crate::exit::Exit;
use crate::report::model::ResultDocument;
use crate::report::sink::Sink;
use crate::report::{ReportError, console, html, json};

use super::checkpoint::{Build, Checkpoint};
use super::terminal::{complain, complain_of, out, style};

/// Reports to write.
pub struct Outputs {
    reports: Vec<Report>,
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Html,
    Json,
}

impl Kind {
    fn render(self, result: &ResultDocument) -> Result<String, ReportError> {
        match self {
            Self::Html => html::render(result),
            Self::Json => json::to_string(result),
        }
    }
}

struct Report {
    sink: Sink,
    kind: Kind,
    written: bool,
    /// What stands in for it while the run goes on.
    checkpoint: Option<Checkpoint>,
}

impl Outputs {
    /// Opens what the flags ask for.
    ///
    /// # Errors
    /// The exit code, with the reason told, when two reports name one file or one cannot be written.
    pub fn open(flags: &RunFlags) -> Result<Self, Exit> {
        if flags.html.is_some() && flags.html == flags.json {
            complain("error: --html and --json name the same file");
            return Err(Exit::Usage);
        }
        let mut reports = vec![];
        reports.extend(opened(flags.html.as_deref(), Kind::Html)?);
        reports.extend(opened(flags.json.as_deref(), Kind::Json)?);
        // What goes into a pipe cannot be taken back, and may wait for its reader.
        reports.sort_by_key(|report| !report.sink.is_file());
        Ok(Self { reports, quiet: flags.quiet })
    }

    /// Keeps a checkpoint beside the JSON report, if that is a file.
    pub fn keep_checkpoint(&mut self, flags: &RunFlags, build: Build) {
        let Some(path) = &flags.json else { return };
        let is_json = |report: &&mut Report| report.kind == Kind::Json && report.sink.is_file();
        let Some(report) = self.reports.iter_mut().find(is_json) else { return };
        match Checkpoint::start(path, build) {
            Ok(checkpoint) => report.checkpoint = Some(checkpoint),
            Err(error) => complain(&format!("no checkpoint is kept: {error}")),
        }
    }

    /// The checkpoint that is kept, if one is.
    pub fn checkpoint(&mut self) -> Option<&mut Checkpoint> {
        self.reports.iter_mut().find_map(|report| report.checkpoint.as_mut())
    }

    /// Gives all up, since nothing ran.
    pub fn discard(self) {
        self.reports.into_iter().filter_map(|report| report.checkpoint).for_each(Checkpoint::discard);
    }

    /// Writes all reports and the summary; the exit code is the result's unless a report could not be written.
    pub fn write(mut self, mut result: ResultDocument) -> Exit {
        while let Err((index, error)) = self.write_all(&result) {
            let failed = self.reports.remove(index);
            complain_of(&error);
            if let Some(path) = failed.checkpoint.and_then(Checkpoint::keep) {
                complain(&format!("the last checkpoint of the run stands at {}", path.display()));
            }
            note(&mut result, &error);
        }
        let to_stdout = self.reports.iter().any(|report| report.sink.is_stdout());
        let shown = self.reports.iter().filter(|report| !self.quiet && !report.sink.is_stdout());
        shown.for_each(|report| complain(&format!("wrote {}", report.sink.path())));
        let text = if self.quiet {
            format!("{}\n", console::verdict_line(&result))
        } else {
            console::summary(&result, style())
        };
        if to_stdout {
            // Standard output is the report's then.
            complain(text.trim_end());
        } else {
            out(&text);
        }
        exit_of(&result)
    }

    /// Writes the reports up to the first that fails; which one, and why. Files are written again by the next
    /// call: what they say of the exit code may have changed.
    fn write_all(&mut self, result: &ResultDocument) -> Result<(), (usize, ReportError)> {
        for (index, report) in self.reports.iter_mut().enumerate() {
            if report.written && !report.sink.is_file() {
                continue;
            }
            let rendered = report.kind.render(result);
            rendered.and_then(|text| report.sink.write(&text)).map_err(|error| (index, error))?;
            report.written = true;
            if let Some(checkpoint) = report.checkpoint.take() {
                checkpoint.discard();
            }
        }
        Ok(())
    }
}

fn opened(path: Option<&Path>, kind: Kind) -> Result<Option<Report>, Exit> {
    match path.map(Sink::open).transpose() {
        Ok(sink) => Ok(sink.map(|sink| Report { sink, kind, written: false, checkpoint: None })),
        Err(error) => {
            complain_of(&error);
            Err(Exit::CouldNotRun)
        }
    }
}

/// The verdict stays what the run came to; the exit code says that something is missing.
fn note(result: &mut ResultDocument, error: &ReportError) {
    result.exit_code = Exit::CouldNotRun as u8;
    result.reason = format!("{}; {error}", result.reason.trim_end_matches('.'));
}

fn exit_of(result: &ResultDocument) -> Exit {
    [Exit::Pass, Exit::Fail, Exit::Usage, Exit::CouldNotRun, Exit::Invalid, Exit::Interrupted]
        .into_iter()
        .find(|exit| *exit as u8 == result.exit_code)
        .unwrap_or(Exit::CouldNotRun)
}
