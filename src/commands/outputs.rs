//! The reports a run writes: opened before the first request, written at its end, each whatever became of the
//! others; then the summary, so that the verdict is the last line. Must not know how a report looks.

mod asked;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::{ReportFlags, RunFlags};
use crate::compare::Run;
use crate::compile::CompiledPlan;
use crate::engine::{RunOptions, SampleLog};
use crate::exit::Exit;
use crate::plan::bounds::Bounds;
use crate::plan::root::is_same_place;
use crate::report::model::{Ended, ResultDocument};
use crate::report::number::plural;
use crate::report::sink::{Sink, unwritten};
use crate::report::text::shown_path;
use crate::report::{ReportError, console, folder};

use super::checkpoint::{Build, Checkpoint};
use super::kept::Kept;
use super::samples::Samples;
use super::terminal::{complain, complain_of, out, style, with_causes};
use super::workflow;
use asked::{Asked, KEPT, Kind, check_full_history, of_flags, of_plan};
pub(super) use asked::{keep_inputs, stay_inside};

/// Reports to write.
pub struct Outputs {
    reports: Vec<Report>,
    /// The run's place in the folder of all runs.
    kept: Option<Kept>,
    /// Every single request.
    samples: Option<Samples>,
    quiet: bool,
    /// The earlier run that is shown beside this one.
    baseline: Option<Arc<Run>>,
}

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
    pub fn open(
        plan: &CompiledPlan,
        flags: &RunFlags,
        options: &RunOptions,
        baseline: Option<Arc<Run>>,
    ) -> Result<Self, Exit> {
        let mut asked = of_flags(&flags.reports, flags.json.as_deref()).map_err(usage)?;
        asked.extend(of_plan(plan, flags));
        check_full_history(&flags.reports, &asked).map_err(usage)?;
        let is_default = asked.is_empty() && is_unsaid(plan, flags);
        let mut reports = opened(asked, &plan.info.inputs)?;
        let place = match is_default {
            true => by_default(plan),
            false => kept(plan, flags).map_err(could_not)?,
        };
        let (kept, inside) = place.unzip();
        reports.extend(inside.into_iter().flatten());
        // What goes into a pipe cannot be taken back, and may wait for its reader.
        reports.sort_by_key(|report| !report.sink.is_file());
        // The last, since it is there from now on.
        let samples = samples(plan, flags, options, &reports)?;
        Ok(Self { reports, kept, samples, quiet: flags.quiet, baseline })
    }

    /// Where single requests are logged to.
    pub fn sample_log(&self) -> Option<SampleLog> {
        self.samples.as_ref().map(Samples::log)
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
        self.samples.into_iter().for_each(Samples::discard);
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
        inputs: &[PathBuf],
    ) -> Result<bool, Exit> {
        let mut to_stdout = false;
        let asked = of_flags(flags, None).map_err(usage)?;
        check_full_history(flags, &asked).map_err(usage)?;
        for mut report in opened(asked, inputs)? {
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

    /// Writes all reports. The exit code becomes another when one could not be written. Says nothing: nobody may read it.
    pub fn write(mut self, mut result: ResultDocument) -> Written {
        // Also when nothing comes there: what is read as a report is no place for the summary.
        let to_stdout = self.samples.as_ref().is_some_and(Samples::is_stdout)
            || self.reports.iter().any(|report| report.sink.is_stdout());
        let mut said = vec![];
        let log = self.finish_samples(&mut result, &mut said);
        // What nobody asked for costs no run its exit code.
        let is_asked = self.kept.as_ref().is_none_or(|kept| kept.is_asked);
        let mut trouble = self.leave_a_place_that_moved();
        loop {
            // Whatever fails is left out. Where the others are to say so, they are written again.
            if let Some(error) = trouble {
                said.push(told(&error));
                if is_asked {
                    note(&mut result, &error);
                    let files = self.reports.iter_mut().filter(|report| report.sink.is_file());
                    files.for_each(|report| report.written = false);
                }
            }
            trouble = match self.write_all(&result) {
                Err((index, error)) => {
                    let failed = self.reports.remove(index);
                    if let Some(path) = failed.checkpoint.and_then(Checkpoint::keep) {
                        said.push(format!("the last checkpoint of the run stands at {}", shown_path(&path)));
                    }
                    Some(error)
                }
                Ok(()) => match self.kept.as_mut().map_or(Ok(None), Kept::finish) {
                    Ok(remark) => {
                        said.extend(remark);
                        break;
                    }
                    Err(error) => {
                        self.kept = None;
                        Some(error)
                    }
                },
            };
        }
        Written { outputs: self, result, said, log, to_stdout }
    }

    /// Gives up the run's folder when it leads out of where it must lie by now.
    fn leave_a_place_that_moved(&mut self) -> Option<ReportError> {
        let error = self.kept.as_ref().and_then(|kept| kept.check().err())?;
        self.kept = None;
        let (moved, left) = std::mem::take(&mut self.reports).into_iter().partition(|report| report.is_kept);
        self.reports = left;
        moved.into_iter().filter_map(|report: Report| report.checkpoint).for_each(Checkpoint::discard);
        Some(error)
    }

    /// Ends the log of single requests, and what there is to say of it; the result tells what is not in it.
    fn finish_samples(&mut self, result: &mut ResultDocument, said: &mut Vec<String>) -> Option<String> {
        let samples = self.samples.take()?;
        let (path, is_stdout) = (shown_path(samples.path()), samples.is_stdout());
        // A run that was told to end has little time left: what told it may kill it next.
        let is_hurried = result.run.ended == Ended::Interrupted;
        match samples.finish(is_hurried) {
            Ok((written, remarks)) => {
                result.notes.extend(remarks);
                (!is_stdout).then(|| format!("wrote {path}: {}", plural(written, "request")))
            }
            Err(error) => {
                said.push(told(&error));
                note(result, &error);
                None
            }
        }
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
                .filter_map(|report| Some(shown_path(Path::new(report.path.file_name()?))))
                .collect();
            let folder = shown_path(&kept.path());
            complain(&format!("wrote {folder}: {}", names.join(", ")));
            complain(&format!("wrote {}", kept.index()));
        }
    }

    /// Writes the reports that are not, up to the first that fails; which one, and why.
    fn write_all(&mut self, result: &ResultDocument) -> Result<(), (usize, ReportError)> {
        for (index, report) in self.reports.iter_mut().enumerate() {
            if report.written {
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

/// Reports that are written, as far as they could be.
pub struct Written {
    outputs: Outputs,
    result: ResultDocument,
    /// What went wrong.
    said: Vec<String>,
    /// Of the log of single requests.
    log: Option<String>,
    to_stdout: bool,
}

impl Written {
    /// What the process ends with.
    pub fn exit(&self) -> Exit {
        exit_of(&self.result)
    }

    /// Says what came of the run, where the reports are, and the verdict.
    pub fn tell(self) {
        let Self { outputs, result, said, log, to_stdout } = self;
        said.iter().for_each(|words| complain(words));
        workflow::tell(&result);
        let wrote = || {
            log.iter().for_each(|words| complain(words));
            outputs.tell();
        };
        show(&result, outputs.quiet, to_stdout, wrote);
    }
}

/// Shows the summary, with what is to be said `before` its last line; or the verdict alone.
pub fn show(result: &ResultDocument, quiet: bool, to_stdout: bool, before: impl FnOnce()) {
    // Standard output may be a report's.
    let say = |text: String| match to_stdout {
        true => complain(text.strip_suffix('\n').unwrap_or(&text)),
        false => out(&text),
    };
    if quiet {
        return say(format!("{}\n", console::verdict_line(result)));
    }
    say(console::details(result, style()));
    before();
    say(console::verdict(result, style()));
}

/// A run's place in the folder of all runs, and the reports in it.
type Place = (Kept, Vec<Report>);

/// Whether neither the flags nor the plan say where the run is kept.
fn is_unsaid(plan: &CompiledPlan, flags: &RunFlags) -> bool {
    plan.reports.is_none() && flags.reports_folder.is_none() && !flags.no_reports
}

/// The run's place in the folder that the flag or the plan names.
fn kept(plan: &CompiledPlan, flags: &RunFlags) -> Result<Option<Place>, ReportError> {
    let of_plan = plan.reports.as_ref().and_then(|reports| reports.folder.as_ref());
    match (&flags.reports_folder, of_plan.filter(|_| !flags.no_reports)) {
        (Some(folder), _) => place(folder, None, plan, true).map(Some),
        (None, Some(named)) => place(&named.path, named.bounds.clone(), plan, true).map(Some),
        (None, None) => Ok(None),
    }
}

/// The run's place when nobody said where it is kept; without one the run goes on.
fn by_default(plan: &CompiledPlan) -> Option<Place> {
    let opened = working_directory().and_then(|root| {
        let folder = Path::new(folder::RUNS);
        folder::check_free(&folder.join(folder::slug(&plan.info.name)))?;
        // Whoever made the working directory may have put a link there.
        place(folder, Some(Bounds::folder(root)), plan, false)
    });
    opened.map_err(|error| complain(&format!("the run is not kept: {}", with_causes(&error)))).ok()
}

fn working_directory() -> Result<PathBuf, ReportError> {
    let real = std::env::current_dir().and_then(std::fs::canonicalize);
    real.map_err(|error| unwritten(Path::new(folder::RUNS), &error))
}

/// Makes the run's place in `folder`, which must lie inside `bounds`, and opens the reports in it.
fn place(
    folder: &Path,
    bounds: Option<Bounds>,
    plan: &CompiledPlan,
    is_asked: bool,
) -> Result<Place, ReportError> {
    let kept = Kept::open(folder, bounds, &plan.info.name, is_asked)?;
    let open = |(name, kind)| {
        let asked = Asked { by: String::new(), path: kept.path().join(name), kind, bounds: None };
        asked.open().map(|report| Report { is_kept: true, ..report })
    };
    let inside = KEPT.into_iter().map(open).collect::<Result<_, _>>()?;
    Ok((kept, inside))
}

/// The log of single requests, if one is asked for.
fn samples(
    plan: &CompiledPlan,
    flags: &RunFlags,
    options: &RunOptions,
    reports: &[Report],
) -> Result<Option<Samples>, Exit> {
    let Some(path) = &flags.samples else { return Ok(None) };
    keep_inputs("--samples", path, &plan.info.inputs).map_err(usage)?;
    if reports.iter().any(|report| is_same_place(&report.path, path)) {
        return Err(usage("--samples and a report name the same file".to_owned()));
    }
    let limit = flags.samples_limit.0;
    let opened = Samples::open(path, limit, plan, &options.run_id, options.workers);
    opened.map(Some).map_err(could_not)
}

/// Opens reports made from `inputs`, none of which they may replace, nor each other.
fn opened(asked: Vec<Asked>, inputs: &[PathBuf]) -> Result<Vec<Report>, Exit> {
    for (at, one) in asked.iter().enumerate() {
        keep_inputs(&one.by, &one.path, inputs).map_err(usage)?;
        if let Some(other) = asked[..at].iter().find(|other| is_same_place(&other.path, &one.path)) {
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

fn told(error: &ReportError) -> String {
    format!("error: {}", with_causes(error))
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
