//! The earlier run that thresholds are relative to: read before the first request, its values bound to the thresholds;
//! after the run, whether the two can be compared at all.

use std::sync::Arc;

use crate::cli::RunFlags;
use crate::compare::baseline::{Key, Scope, value};
use crate::compare::{Run, after_the_run, not_a_baseline, unfit};
use crate::compile::CompiledPlan;
use crate::compile::model::{Place, ScopedThreshold, TagScope, ThresholdScope};
use crate::exit::Exit;
use crate::metric::SeriesKind as Kind;
use crate::plan::root::is_same_place;
use crate::report::model::{BaselineInfo, ResultDocument, SeriesKind, ThresholdResult, Verdict};
use crate::report::text::{clean, harmless};
use crate::threshold::Baseline as Value;

use super::stored;
use super::terminal::complain;

/// What a run that makes its own baseline says of thresholds relative to it.
const MADE_NOW: &str = "this run makes the baseline; the next one is judged by it";

/// An earlier run, as far as this one has to do with it.
#[derive(Debug, Clone)]
pub struct Baseline {
    file: String,
    /// `None` when this run makes it.
    run: Option<Arc<Run>>,
    /// Why it cannot be compared, as far as that is known before the run.
    not_comparable: Option<String>,
    /// Why its numbers are not to be believed, when they are used all the same.
    doubt: Option<String>,
}

/// Reads the baseline that a flag or the plan names, and binds it to the thresholds.
///
/// # Errors
/// The exit code, with the reason told, when there is none or it is no result.
pub fn bind(plan: &mut CompiledPlan, flags: &RunFlags) -> Result<Option<Baseline>, Exit> {
    let baseline = open(plan, flags).map_err(|words| {
        complain(&format!("error: {words}\nnothing was sent"));
        Exit::Usage
    })?;
    let Some(baseline) = baseline else { return Ok(None) };
    let model = super::document::model(plan);
    let masker = plan.masker.clone();
    let unfit = baseline.run.as_ref().and_then(|run| unfit(&run.doc));
    let (doubt, unfit) = if flags.allow_invalid { (unfit, None) } else { (None, unfit) };
    let other = || baseline.run.as_ref().and_then(|run| not_a_baseline(run, model, &plan.info.effective));
    let not_comparable = unfit.or_else(other).map(|words| masker.mask(&words).into_owned());
    let is_needed = plan.thresholds.iter().any(|scoped| scoped.threshold.relative().is_some());
    if let Some(words) = not_comparable.as_ref().filter(|_| is_needed) {
        complain(&format!("warning: {}", unlike(&baseline.file, words)));
    }
    let bound: Vec<_> =
        plan.thresholds.iter().map(|scoped| of(&baseline, &not_comparable, plan, scoped)).collect();
    for (scoped, value) in plan.thresholds.iter_mut().zip(bound) {
        // What cannot be told fails a run, but not the one that makes it possible.
        scoped.warn_only |= baseline.run.is_none() && scoped.threshold.relative().is_some();
        scoped.threshold.bind(value);
    }
    Ok(Some(Baseline { not_comparable, doubt, ..baseline }))
}

fn unlike(file: &str, words: &str) -> String {
    format!("the baseline {} cannot be compared with this run: {words}", clean(file))
}

fn of(
    baseline: &Baseline,
    not_comparable: &Option<String>,
    plan: &CompiledPlan,
    scoped: &ScopedThreshold,
) -> Value {
    let Some(run) = &baseline.run else { return Value::Lacks(MADE_NOW.to_owned()) };
    if let Some(words) = not_comparable {
        return Value::Lacks(unlike(&baseline.file, words));
    }
    if scoped.threshold.relative().is_none() {
        return Value::Unread;
    }
    value(&run.doc, &scope(plan, &scoped.scope), &scoped.threshold)
        .map_or_else(Value::Lacks, |(value, samples)| Value::Is { value, samples })
}

fn open(plan: &CompiledPlan, flags: &RunFlags) -> Result<Option<Baseline>, String> {
    let (path, place) = match (&flags.baseline, &plan.baseline) {
        (Some(path), _) => (path, None),
        (None, Some(named)) => (&named.path, Some(&named.place)),
        (None, None) => return relative_to_nothing(plan),
    };
    let file = path.to_string_lossy().into_owned();
    if !path.exists() {
        return match flags.json.as_deref().is_some_and(|json| is_same_place(json, path)) {
            true => Ok(Some(Baseline { file, run: None, not_comparable: None, doubt: None })),
            false => Err(missing(&file, place, plan)),
        };
    }
    let run = stored::read_regular(path)?.ok_or_else(|| stored::not_a_result(path))?;
    Ok(Some(Baseline { file, run: Some(Arc::new(run)), not_comparable: None, doubt: None }))
}

fn missing(file: &str, place: Option<&Place>, plan: &CompiledPlan) -> String {
    let place = place.map_or_else(String::new, |place| format!("{}:{}: ", clean(&place.file), place.line));
    format!(
        "{place}there is no baseline {}\n  make it with a run that is as it should be: plimsoll run {} --json {}\n  or name another: --baseline PATH",
        clean(file),
        clean(&plan.info.file),
        clean(file),
    )
}

fn relative_to_nothing(plan: &CompiledPlan) -> Result<Option<Baseline>, String> {
    let Some(scoped) = plan.thresholds.iter().find(|scoped| scoped.threshold.relative().is_some()) else {
        return Ok(None);
    };
    Err(format!(
        "{}:{}: `{}` is relative to a baseline, and there is none\n  make one with a run that is as it should be: plimsoll run {} --json baseline.json --baseline baseline.json\n  then write `baseline: baseline.json` in the plan, or give --baseline PATH",
        clean(&scoped.place.file),
        scoped.place.line,
        clean(&scoped.threshold.expression),
        clean(&plan.info.file),
    ))
}

/// What a threshold is about, as results call it.
fn scope(plan: &CompiledPlan, scope: &ThresholdScope) -> Scope {
    let named = |scenario: &usize| {
        plan.scenarios.get(*scenario).map(|scenario| harmless(&scenario.name).into_owned())
    };
    let scenario = match scope {
        ThresholdScope::Scenario(scenario, _)
        | ThresholdScope::Tags(TagScope { scenario: Some(scenario), .. }, _) => named(scenario),
        ThresholdScope::Plan | ThresholdScope::Series(..) | ThresholdScope::Tags(..) => None,
    };
    let rows = scope.series(&plan.series).into_iter().filter_map(|index| {
        let row = plan.series.get(index)?;
        let kind = match row.kind {
            Kind::Endpoint | Kind::WarmUp => SeriesKind::Endpoint,
            Kind::Auth => SeriesKind::Auth,
            Kind::Ready => SeriesKind::Ready,
            Kind::Flow => SeriesKind::Flow,
        };
        // As the names of a stored result are read.
        let name = harmless(&row.name).into_owned();
        Some(Key { name, kind, scenario: named(&row.scenario)? })
    });
    let rows = match scope {
        ThresholdScope::Plan => None,
        _ => Some(rows.collect()),
    };
    Scope { rows, scenario }
}

impl Baseline {
    /// Which run it is, in one line.
    pub fn introduction(&self) -> String {
        let file = clean(&self.file);
        match &self.run {
            Some(run) => {
                let run = &run.doc.run;
                format!("baseline {file}: run {} of {}", clean(&run.id), clean(&run.started_at))
            }
            None => format!("this run makes the baseline {file}"),
        }
    }

    /// The earlier run, when there is one.
    pub fn run(&self) -> Option<&Arc<Run>> {
        self.run.as_ref()
    }

    /// Writes into the result of the run that is over what its baseline was, and takes back what was judged by one that
    /// cannot be compared with it. The threshold that ended the run stays as it was when it did.
    pub fn settle(&self, doc: &mut ResultDocument, ended_by: Option<usize>) {
        let (unlike_now, remark) = match &self.run {
            Some(run) => after_the_run(run, doc),
            None => (None, None),
        };
        let not_comparable = self.not_comparable.clone().or(unlike_now);
        if let Some(words) = &not_comparable {
            let words = unlike(&self.file, words);
            let judged = doc.thresholds.iter_mut().enumerate().filter(|(index, _)| Some(*index) != ended_by);
            judged.for_each(|(_, threshold)| take_back(threshold, &words));
        }
        let is_used = doc.thresholds.iter().any(|threshold| threshold.baseline.is_some());
        let doubt = self.doubt.as_ref().map(|words| format!("{words}; used because of --allow-invalid"));
        let remarks = remark.into_iter().chain(doubt).filter(|_| is_used);
        // What made it is told before the next run is refused for it.
        let unfit = unfit(doc).filter(|_| self.run.is_none());
        let unfit = unfit.map(|words| format!("this run cannot become a baseline: {words}"));
        doc.notes.extend(remarks.map(|words| format!("baseline {}: {words}", clean(&self.file))));
        doc.notes.extend(unfit);
        let earlier = self.run.as_ref().map(|run| &run.doc.run);
        doc.baseline = Some(BaselineInfo {
            file: self.file.clone(),
            run_id: earlier.map(|run| run.id.clone()),
            started_at: earlier.map(|run| run.started_at.clone()),
            not_comparable,
        });
    }
}

fn take_back(threshold: &mut ThresholdResult, words: &str) {
    let Some(baseline) = &mut threshold.baseline else { return };
    baseline.lacks = Some(words.to_owned());
    threshold.target = None;
    threshold.verdict = Verdict::NoData;
    threshold.note = Some(words.to_owned());
}
