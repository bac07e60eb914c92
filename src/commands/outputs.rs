//! The reports a run writes: opened before the first request, written at its end, each whatever became of the
//! others; then the summary, so that the verdict is the last line. Must not know how a report looks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::{ReportFlags, RunFlags};
use crate::compare::page::beside;
use crate::compare::{Options, Run, Verdict, compare};
use crate::exit::Exit;
use crate::report::model::ResultDocument;
use crate::report::sink::Sink;
use crate::report::{ReportError, console, csv, hdr, html, json, junit, markdown};

use super::checkpoint::{Build, Checkpoint};
use super::terminal::{complain, complain_of, out, style};
use super::workflow;

/// Reports to write.
pub struct Outputs {
    reports: Vec<Report>,
    quiet: bool,
    /// The earlier run that is shown beside this one.
    baseline: Option<Arc<Run>>,
}

/// What a report holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Html,
    Json,
    Junit,
    Markdown,
    Csv(fn(&ResultDocument) -> Result<String, ReportError>),
    Hdr(hdr::Form),
}

impl Kind {
    fn render(self, result: &ResultDocument, baseline: Option<&Run>) -> Result<String, ReportError> {
        match self {
            Self::Html => page(result, baseline),
            Self::Json => json::to_string(result),
            Self::Junit => junit::render(result),
            Self::Markdown => Ok(markdown::render(result)),
            Self::Csv(render) => render(result),
            Self::Hdr(form) => hdr::render(result, form),
        }
    }
}

/// The page of a run, beside its baseline if there is one.
fn page(result: &ResultDocument, baseline: Option<&Run>) -> Result<String, ReportError> {
    let Some(baseline) = baseline else { return html::render(result) };
    let base = [baseline.clone()];
    let new = [Run { name: "this run".to_owned(), doc: result.clone() }];
    let mut comparison = compare(&base, &new, Options::default());
    let judged_by = result.baseline.as_ref().and_then(|judged| judged.run_id.as_ref());
    let is_same = judged_by == Some(&baseline.doc.run.id);
    if judged_by.is_some() && !is_same {
        comparison.notes.push("the thresholds were judged by another baseline than this one".to_owned());
    }
    // Said already, and there without the secrets of this run.
    let said = result.baseline.as_ref().and_then(|judged| judged.not_comparable.as_ref());
    if let Some(words) = said.filter(|_| is_same && comparison.verdict == Verdict::NotComparable) {
        comparison.reason = words.clone();
    }
    html::render_beside(result, Some(&beside(&comparison, &base, &new, false)))
}

/// A report that was asked for: by which flag, where it goes, and what it holds.
struct Asked {
    flag: &'static str,
    path: PathBuf,
    kind: Kind,
}

/// Every report the flags ask for.
///
/// # Errors
/// In words, when a name says too little, or two reports name one file.
fn asked(flags: &ReportFlags, json: Option<&Path>) -> Result<Vec<Asked>, String> {
    let mut all = vec![];
    let named = [
        ("--html", flags.html.as_deref(), Kind::Html),
        ("--json", json, Kind::Json),
        ("--junit", flags.junit.as_deref(), Kind::Junit),
        ("--markdown", flags.markdown.as_deref(), Kind::Markdown),
    ];
    for (flag, path, kind) in named {
        all.extend(path.map(|path| Asked { flag, path: path.to_owned(), kind }));
    }
    if let Some(prefix) = &flags.csv {
        for (suffix, render) in csv::FILES {
            let mut path = prefix.clone().into_os_string();
            path.push(suffix);
            all.push(Asked { flag: "--csv", path: path.into(), kind: Kind::Csv(render) });
        }
    }
    for path in &flags.hdr {
        let form = hdr::Form::of_path(path).ok_or_else(|| {
            format!("--hdr {}: name it .hgrm (percentiles of all) or .hlog (every row)", path.display())
        })?;
        all.push(Asked { flag: "--hdr", path: path.clone(), kind: Kind::Hdr(form) });
    }
    for (at, one) in all.iter().enumerate() {
        if let Some(other) = all[..at].iter().find(|other| other.path == one.path) {
            return Err(format!("{} and {} name the same file", other.flag, one.flag));
        }
    }
    Ok(all)
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
    pub fn open(flags: &RunFlags, baseline: Option<Arc<Run>>) -> Result<Self, Exit> {
        let mut reports = opened(&flags.reports, flags.json.as_deref())?;
        // What goes into a pipe cannot be taken back, and may wait for its reader.
        reports.sort_by_key(|report| !report.sink.is_file());
        Ok(Self { reports, quiet: flags.quiet, baseline })
    }

    /// Keeps a checkpoint beside the JSON report, if that is a file.
    pub fn keep_checkpoint(&mut self, flags: &RunFlags, build: Build) {
        let Some(path) = &flags.json else { return };
        let is_json = |report: &&mut Report| matches!(report.kind, Kind::Json) && report.sink.is_file();
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

    /// Writes what the flags ask for of a result that is there already; whether standard output was one of the places.
    ///
    /// # Errors
    /// The exit code, with the reason told.
    pub fn write_again(
        flags: &ReportFlags,
        result: &ResultDocument,
        baseline: Option<&Run>,
    ) -> Result<bool, Exit> {
        let mut to_stdout = false;
        for mut report in opened(flags, None)? {
            let written = report.kind.render(result, baseline).and_then(|text| report.sink.write(&text));
            if let Err(error) = written {
                complain_of(&error);
                return Err(Exit::CouldNotRun);
            }
            match report.sink.is_stdout() {
                true => to_stdout = true,
                false => complain(&format!("wrote {}", report.sink.path())),
            }
        }
        Ok(to_stdout)
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
        workflow::tell(&result);
        show(&result, self.quiet, to_stdout);
        exit_of(&result)
    }

    /// Writes the reports up to the first that fails; which one, and why. Files are written again by the next
    /// call: what they say of the exit code may have changed.
    fn write_all(&mut self, result: &ResultDocument) -> Result<(), (usize, ReportError)> {
        for (index, report) in self.reports.iter_mut().enumerate() {
            if report.written && !report.sink.is_file() {
                continue;
            }
            let rendered = report.kind.render(result, self.baseline.as_deref());
            rendered.and_then(|text| report.sink.write(&text)).map_err(|error| (index, error))?;
            report.written = true;
            if let Some(checkpoint) = report.checkpoint.take() {
                checkpoint.discard();
            }
        }
        Ok(())
    }
}

/// Shows the summary, or the verdict alone.
pub fn show(result: &ResultDocument, quiet: bool, to_stdout: bool) {
    let text = match quiet {
        true => format!("{}\n", console::verdict_line(result)),
        false => console::summary(result, style()),
    };
    if to_stdout {
        // Standard output is the report's then.
        complain(text.trim_end());
    } else {
        out(&text);
    }
}

fn opened(flags: &ReportFlags, json: Option<&Path>) -> Result<Vec<Report>, Exit> {
    let asked = asked(flags, json).map_err(|words| {
        complain(&format!("error: {words}"));
        Exit::Usage
    })?;
    let open = |Asked { path, kind, .. }: Asked| match Sink::open(path) {
        Ok(sink) => Ok(Report { sink, kind, written: false, checkpoint: None }),
        Err(error) => {
            complain_of(&error);
            Err(Exit::CouldNotRun)
        }
    };
    asked.into_iter().map(open).collect()
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
