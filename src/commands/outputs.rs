//! The reports a run writes: opened before the first request, written at its end, each whatever became of the
//! others; then the summary, so that the verdict is the last line. Must not know how a report looks.

use std::path::{Path, PathBuf};

use crate::cli::{ReportFlags, RunFlags};
use crate::compile::CompiledPlan;
use crate::exit::Exit;
use crate::plan::root::real_place;
use crate::report::folder::{self, PAGE, RESULT};
use crate::report::model::ResultDocument;
use crate::report::sink::Sink;
use crate::report::{ReportError, console, csv, hdr, html, json, junit, markdown};

use super::checkpoint::{Build, Checkpoint};
use super::kept::Kept;
use super::terminal::{complain, complain_of, out, style};
use super::workflow;

/// Reports to write.
pub struct Outputs {
    reports: Vec<Report>,
    /// The run's place in the folder of all runs.
    kept: Option<Kept>,
    quiet: bool,
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
    fn render(self, result: &ResultDocument) -> Result<String, ReportError> {
        match self {
            Self::Html => html::render(result),
            Self::Json => json::to_string(result),
            Self::Junit => junit::render(result),
            Self::Markdown => Ok(markdown::render(result)),
            Self::Csv(render) => render(result),
            Self::Hdr(form) => hdr::render(result, form),
        }
    }
}

/// A report that was asked for.
struct Asked {
    /// By which flag or key.
    by: String,
    /// Where it goes.
    path: PathBuf,
    kind: Kind,
    /// What it must lie below, when a plan asked for it.
    root: Option<PathBuf>,
}

impl Asked {
    /// What a flag asks for.
    fn by_flag(flag: &str, path: &Path, kind: Kind) -> Self {
        Self { by: flag.to_owned(), path: path.to_owned(), kind, root: None }
    }

    /// The place of the report, tried out.
    fn open(self) -> Result<Report, ReportError> {
        stay_below(self.root.as_deref(), &self.path)?;
        let sink = Sink::open(&self.path)?;
        Ok(Report {
            sink,
            path: self.path,
            kind: self.kind,
            written: false,
            checkpoint: None,
            is_kept: false,
        })
    }
}

/// # Errors
/// When a path that a plan names leads elsewhere by now, or by what was added to it.
fn stay_below(root: Option<&Path>, path: &Path) -> Result<(), ReportError> {
    let leads_out = |root: &Path| !real_place(path).is_some_and(|real| real.starts_with(root));
    match root.is_some_and(leads_out) {
        false => Ok(()),
        true => Err(ReportError::Write {
            path: crate::report::text::clean(&path.display().to_string()),
            cause: "it leads out of the folder that the plan may write to".to_owned(),
        }),
    }
}

/// Every report that the flags ask for.
///
/// # Errors
/// In words, when a name says too little.
fn of_flags(flags: &ReportFlags, json: Option<&Path>) -> Result<Vec<Asked>, String> {
    let mut all = vec![];
    let named = [
        ("--html", flags.html.as_deref(), Kind::Html),
        ("--json", json, Kind::Json),
        ("--junit", flags.junit.as_deref(), Kind::Junit),
        ("--markdown", flags.markdown.as_deref(), Kind::Markdown),
    ];
    for (flag, path, kind) in named {
        all.extend(path.map(|path| Asked::by_flag(flag, path, kind)));
    }
    for (suffix, render) in flags.csv.iter().flat_map(|_| csv::FILES) {
        let path = flags.csv.as_deref().map(|prefix| with_suffix(prefix, suffix));
        all.extend(path.map(|path| Asked::by_flag("--csv", &path, Kind::Csv(render))));
    }
    for path in &flags.hdr {
        let form = hdr::Form::of_path(path).ok_or_else(|| {
            format!("--hdr {}: name it .hgrm (percentiles of all) or .hlog (every row)", path.display())
        })?;
        all.push(Asked::by_flag("--hdr", path, Kind::Hdr(form)));
    }
    Ok(all)
}

/// Every report that the plan asks for and no flag takes the place of.
fn of_plan(plan: &CompiledPlan, flags: &RunFlags) -> Vec<Asked> {
    let (wanted, given) = (&plan.reports, &flags.reports);
    let mut all = vec![];
    let named = [
        ("html", &wanted.html, given.html.is_some(), Kind::Html),
        ("json", &wanted.json, flags.json.is_some(), Kind::Json),
        ("junit", &wanted.junit, given.junit.is_some(), Kind::Junit),
        ("markdown", &wanted.markdown, given.markdown.is_some(), Kind::Markdown),
    ];
    for (key, place, is_given, kind) in named {
        let place = place.iter().filter(|_| !is_given);
        all.extend(place.map(|place| (key, place.path.clone(), kind, place.root.clone())));
    }
    for place in wanted.csv.iter().filter(|_| given.csv.is_none()) {
        let file = |(suffix, render)| {
            ("csv", with_suffix(&place.path, suffix), Kind::Csv(render), place.root.clone())
        };
        all.extend(csv::FILES.map(file));
    }
    for place in wanted.hdr.iter().filter(|_| given.hdr.is_empty()) {
        // Any other ending is an error of the plan.
        let form = hdr::Form::of_path(&place.path);
        all.extend(form.map(|form| ("hdr", place.path.clone(), Kind::Hdr(form), place.root.clone())));
    }
    let asked = |(key, path, kind, root)| Asked { by: format!("`reports.{key}`"), path, kind, root };
    all.into_iter().map(asked).collect()
}

fn with_suffix(prefix: &Path, suffix: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// The reports in the folder of a run.
const KEPT: [(&str, Kind); 4] =
    [(PAGE, Kind::Html), (RESULT, Kind::Json), ("junit.xml", Kind::Junit), ("summary.md", Kind::Markdown)];

struct Report {
    sink: Sink,
    path: PathBuf,
    kind: Kind,
    written: bool,
    /// What stands in for it while the run goes on.
    checkpoint: Option<Checkpoint>,
    /// Whether it lies in the folder of the run.
    is_kept: bool,
}

impl Outputs {
    /// Opens what the flags and the plan ask for.
    ///
    /// # Errors
    /// The exit code, with the reason told, when two reports name one file or one cannot be written.
    pub fn open(plan: &CompiledPlan, flags: &RunFlags) -> Result<Self, Exit> {
        let mut asked = of_flags(&flags.reports, flags.json.as_deref()).map_err(usage)?;
        asked.extend(of_plan(plan, flags));
        let mut reports = opened(asked)?;
        let kept = kept(plan, flags).map_err(could_not)?;
        for (name, kind) in kept.iter().flat_map(|_| KEPT) {
            let Some(path) = kept.as_ref().map(|kept| kept.path().join(name)) else { continue };
            let report = Asked { by: String::new(), path, kind, root: None }.open().map_err(could_not)?;
            reports.push(Report { is_kept: true, ..report });
        }
        // What goes into a pipe cannot be taken back, and may wait for its reader.
        reports.sort_by_key(|report| !report.sink.is_file());
        Ok(Self { reports, kept, quiet: flags.quiet })
    }

    /// Keeps a checkpoint beside the JSON report, if that is a file.
    pub fn keep_checkpoint(&mut self, build: Build) {
        let is_json = |report: &&mut Report| matches!(report.kind, Kind::Json) && report.sink.is_file();
        let Some(report) = self.reports.iter_mut().find(is_json) else { return };
        match Checkpoint::start(&report.path, build) {
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
    pub fn write_again(flags: &ReportFlags, result: &ResultDocument) -> Result<bool, Exit> {
        let mut to_stdout = false;
        for mut report in opened(of_flags(flags, None).map_err(usage)?)? {
            let written = report.kind.render(result).and_then(|text| report.sink.write(&text));
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
        loop {
            // Whatever fails is left out, and the others are written again: they say so.
            let error = match self.write_all(&result) {
                Err((index, error)) => {
                    let failed = self.reports.remove(index);
                    complain_of(&error);
                    if let Some(path) = failed.checkpoint.and_then(Checkpoint::keep) {
                        complain(&format!("the last checkpoint of the run stands at {}", path.display()));
                    }
                    error
                }
                Ok(()) => match self.kept.as_mut().map_or(Ok(()), Kept::finish) {
                    Ok(()) => break,
                    Err(error) => {
                        complain_of(&error);
                        self.kept = None;
                        error
                    }
                },
            };
            note(&mut result, &error);
        }
        let to_stdout = self.reports.iter().any(|report| report.sink.is_stdout());
        if !self.quiet {
            self.tell();
        }
        workflow::tell(&result);
        show(&result, self.quiet, to_stdout);
        exit_of(&result)
    }

    /// Says where the reports are.
    fn tell(&self) {
        let single = |report: &&Report| !(report.sink.is_stdout() || report.is_kept && self.kept.is_some());
        let shown = self.reports.iter().filter(single);
        shown.for_each(|report| complain(&format!("wrote {}", report.sink.path())));
        if let Some(kept) = &self.kept {
            let names: Vec<_> = self.reports.iter().filter(|report| report.is_kept).collect();
            let names: Vec<_> = names
                .iter()
                .filter_map(|report| Some(report.path.file_name()?.to_string_lossy().into_owned()))
                .collect();
            let folder = crate::report::text::clean(&kept.path().display().to_string());
            complain(&format!("wrote {folder}: {}", names.join(", ")));
            complain(&format!("wrote {}", kept.index()));
        }
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

/// The run's place in the folder that the flag or the plan names.
fn kept(plan: &CompiledPlan, flags: &RunFlags) -> Result<Option<Kept>, ReportError> {
    let name = &plan.info.name;
    match (&flags.reports_folder, &plan.reports.folder) {
        (Some(folder), _) => Kept::open(folder, name).map(Some),
        (None, Some(place)) => {
            // The plan's own folder in it may be a link by now.
            stay_below(place.root.as_deref(), &place.path.join(folder::slug(name)).join(folder::INDEX))?;
            Kept::open(&place.path, name).map(Some)
        }
        (None, None) => Ok(None),
    }
}

fn opened(asked: Vec<Asked>) -> Result<Vec<Report>, Exit> {
    for (at, one) in asked.iter().enumerate() {
        if let Some(other) = asked[..at].iter().find(|other| other.path == one.path) {
            return Err(usage(format!("{} and {} name the same file", other.by, one.by)));
        }
    }
    asked.into_iter().map(|asked| asked.open().map_err(could_not)).collect()
}

fn usage(words: String) -> Exit {
    complain(&format!("error: {words}"));
    Exit::Usage
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn could_not(error: ReportError) -> Exit {
    complain_of(&error);
    Exit::CouldNotRun
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
