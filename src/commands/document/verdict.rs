//! Thresholds judged, the verdict, and why in one sentence.

use std::time::Duration;

use super::Loads;
use super::lateness::{Lateness, Undecided};
use crate::commands::baseline::Baseline;
use crate::commands::by_hand;
use crate::compile::CompiledPlan;
use crate::compile::model::ScopedThreshold;
use crate::engine::{Change, Outcome, Stopped};
use crate::exit::Exit;
use crate::metric::{ArrivalCounts, ScenarioCounts, SeriesKind, SeriesTotal, Totals};
use crate::report::model::{BaselineValue, Generator, Level, Place, ThresholdResult, Verdict, WorstWindow};
use crate::report::{number, verdict};
use crate::threshold::{self, Broken, Evaluation, Finding, Relative, Standing, View};

/// What a run came to.
#[derive(Debug)]
pub struct Judgement {
    pub verdict: Verdict,
    pub exit: Exit,
    pub reason: String,
    /// Why the run is invalid, when it was judged all the same.
    pub allowed_invalid: Option<String>,
}

/// What the command line says about grading.
#[derive(Debug, Clone, Default)]
pub struct Grading {
    /// A warning exits 1.
    pub strict: bool,
    /// An invalid run is judged by its thresholds.
    pub allow_invalid: bool,
    /// The earlier run that thresholds are relative to.
    pub baseline: Option<Baseline>,
}

pub fn thresholds(
    plan: &CompiledPlan,
    outcome: &Outcome,
    loads: Loads<'_>,
    lateness: &Lateness,
    allow_invalid: bool,
) -> Vec<ThresholdResult> {
    let totals = &outcome.totals;
    let judged = plan.thresholds.iter().enumerate().map(|(index, scoped)| {
        let finding = outcome.findings.get(index).cloned().unwrap_or_default();
        let seen = finding.evaluation.clone().unwrap_or_else(|| so_far(plan, totals, scoped, loads));
        let lacks = scoped.threshold.relative().and_then(Relative::lack);
        let seen = match lacks {
            // Of windows too, whatever they lack.
            Some(words) => Evaluation { note: Some(words.to_owned()), ..seen },
            None => seen,
        };
        let aborted_at_s = match outcome.stopped {
            Stopped::Aborted(Broken { threshold, at_s }) if threshold == index => Some(at_s),
            _ => None,
        };
        let undecided = lateness.undecided(&scoped.threshold, plan.tolerance, &seen, finding.worst);
        let judged = result(scoped, seen, &finding, aborted_at_s);
        match undecided {
            Some(undecided) => not_judged(judged, undecided, allow_invalid),
            None => judged,
        }
    });
    judged.collect()
}

/// How a threshold stands on all that was measured.
pub fn so_far(
    plan: &CompiledPlan,
    totals: &Totals,
    scoped: &ScopedThreshold,
    loads: Loads<'_>,
) -> Evaluation {
    let total = totals.merged(scoped.scope.series(&plan.series));
    let scenarios = scoped.scope.iterations_of(&plan.series, totals.scenarios.len());
    let mut counts = ScenarioCounts::default();
    scenarios.into_iter().for_each(|index| counts.add(&totals.scenarios[index]));
    scoped
        .threshold
        .evaluate(View { total: &total, counts, load_s: loads.of_scope(&scoped.scope) }, plan.tolerance)
}

fn result(
    scoped: &ScopedThreshold,
    seen: Evaluation,
    finding: &Finding,
    aborted_at_s: Option<u64>,
) -> ThresholdResult {
    let threshold = &scoped.threshold;
    let aborted = aborted_at_s.map(|at_s| format!("ended the run at {}", number::moment(at_s as f64)));
    let notes: Vec<_> = aborted.into_iter().chain(seen.note).collect();
    ThresholdResult {
        scope: scoped.scope.name().to_owned(),
        expression: threshold.expression.clone(),
        place: Some(Place { file: scoped.place.file.clone(), line: scoped.place.line }),
        level: if scoped.warn_only { Level::Warn } else { Level::Fail },
        observed: seen.observed,
        target: threshold.limit(),
        baseline: threshold.relative().map(baseline_value),
        unit: threshold.metric.unit().to_owned(),
        verdict: match seen.standing {
            Standing::Met => Verdict::Pass,
            Standing::Near => Verdict::Warn,
            Standing::Missed if scoped.warn_only => Verdict::Warn,
            Standing::Missed => Verdict::Fail,
            Standing::NoData => Verdict::NoData,
        },
        samples: seen.samples,
        interval: finding.interval,
        over_s: threshold.over_s,
        for_s: threshold.for_s,
        worst_window: finding.worst.zip(seen.observed).map(|(span, observed)| WorstWindow {
            from_s: span.from_s,
            to_s: span.to_s,
            observed,
        }),
        lateness_s: None,
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    }
}

/// The generator could have decided it: neither met nor missed, unless the user wants it judged.
fn not_judged(threshold: ThresholdResult, undecided: Undecided, allow_invalid: bool) -> ThresholdResult {
    let notes: Vec<_> = [undecided.words].into_iter().chain(threshold.note).collect();
    ThresholdResult {
        verdict: if allow_invalid { threshold.verdict } else { Verdict::Invalid },
        lateness_s: Some(undecided.lateness_s),
        note: Some(notes.join("; ")),
        ..threshold
    }
}

fn baseline_value(relative: &Relative) -> BaselineValue {
    let value = match relative.baseline {
        threshold::Baseline::Is { value, .. } => Some(value),
        threshold::Baseline::Unread | threshold::Baseline::Lacks(_) => None,
    };
    BaselineValue { value, lacks: relative.lack().map(str::to_owned) }
}

/// Requests of endpoints.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    /// All after the warm-up together.
    pub whole: &'a SeriesTotal,
    /// How many there were in the warm-up.
    pub in_warmup: u64,
}

/// Source of the order: the verdict table of `docs/guide/numbers.md`.
pub fn judge(
    outcome: &Outcome,
    thresholds: &[ThresholdResult],
    generator: &Generator,
    sent: Sent<'_>,
    grading: &Grading,
) -> Judgement {
    match &outcome.stopped {
        Stopped::Failed(why) | Stopped::Refused(why) => {
            return judgement(Verdict::Fail, Exit::CouldNotRun, format!("the run could not be done: {why}"));
        }
        Stopped::Interrupted => {
            let after = number::span(outcome.duration.as_secs_f64());
            let ended = outcome.by_hand.iter().any(|changed| changed.change == Change::End);
            let how = if ended { "by hand" } else { "by a signal" };
            let reason = format!("ended {how} after {after}; the numbers are complete for what ran");
            return judgement(Verdict::Interrupted, Exit::Interrupted, reason);
        }
        // It may have been killed, and must not look like a pass, whatever it had met by then.
        Stopped::Unfinished => {
            return judgement(Verdict::Interrupted, Exit::Interrupted, unfinished(outcome.duration));
        }
        Stopped::Completed | Stopped::Aborted(_) => {}
    }
    match generator.reasons.first() {
        None => by_thresholds(outcome, thresholds, sent, grading.strict),
        Some(reason) if grading.allow_invalid => {
            let judged = by_thresholds(outcome, thresholds, sent, grading.strict);
            let why = format!("{}; but the run is INVALID: {}", judged.reason, reason.detail);
            Judgement { reason: why, allowed_invalid: Some(reason.detail.clone()), ..judged }
        }
        Some(reason) => judgement(Verdict::Invalid, Exit::Invalid, reason.detail.clone()),
    }
}

fn judgement(verdict: Verdict, exit: Exit, reason: String) -> Judgement {
    Judgement { verdict, exit, reason, allowed_invalid: None }
}

fn by_thresholds(
    outcome: &Outcome,
    thresholds: &[ThresholdResult],
    sent: Sent<'_>,
    strict: bool,
) -> Judgement {
    let whole = sent.whole;
    if let Stopped::Aborted(Broken { threshold, at_s }) = outcome.stopped
        && let Some(broken) = thresholds.get(threshold).filter(|broken| broken.level == Level::Fail)
    {
        let after = number::moment(at_s as f64);
        let reason = format!("{}; it ended the run at {after}", missed(broken, 1, 1));
        return match broken.verdict {
            Verdict::Invalid => judgement(Verdict::Invalid, Exit::Invalid, reason),
            _ => judgement(Verdict::Fail, Exit::Fail, reason),
        };
    }
    if whole.requests() == 0 {
        let reason = match sent.in_warmup {
            0 => "not one request was sent".into(),
            count => format!("not one request was sent after the warm-up, in which there were {count}"),
        };
        return judgement(Verdict::Fail, Exit::Fail, reason);
    }
    if whole.ok.count() == 0 {
        // A refused connection is fast: latency thresholds alone would call a dead target a pass.
        let reason = format!("not one of {} requests succeeded", whole.requests());
        return judgement(Verdict::Fail, Exit::Fail, reason);
    }
    let fails =
        |t: &&ThresholdResult| t.level == Level::Fail && matches!(t.verdict, Verdict::Fail | Verdict::NoData);
    let failed: Vec<_> = thresholds.iter().filter(fails).collect();
    if let Some(first) = failed.first() {
        let reason = missed(first, failed.len(), thresholds.len());
        return judgement(Verdict::Fail, Exit::Fail, reason);
    }
    // A clear miss stays one, whatever else cannot be said.
    let undecided = |t: &&ThresholdResult| t.level == Level::Fail && t.verdict == Verdict::Invalid;
    let undecided: Vec<_> = thresholds.iter().filter(undecided).collect();
    if let Some(first) = undecided.first() {
        let reason = missed(first, undecided.len(), thresholds.len());
        return judgement(Verdict::Invalid, Exit::Invalid, reason);
    }
    let warned: Vec<_> = thresholds.iter().filter(|t| t.verdict != Verdict::Pass).collect();
    let changed = by_hand::changed(&outcome.by_hand);
    let warning = match warned.first() {
        Some(first) => Some(missed(first, warned.len(), thresholds.len())),
        None if changed.is_some() => changed
            .map(|how| format!("{}, but the load was not the plan's: {how}, by hand", met(thresholds.len()))),
        None if thresholds.is_empty() && whole.failures() > 0 => {
            let load = not_the_load(outcome, thresholds).map_or_else(String::new, |words| words + "; ");
            Some(format!("{load}the plan has no thresholds, and {}", without_success(whole)))
        }
        None => not_the_load(outcome, thresholds),
    };
    match warning {
        Some(reason) => judgement(Verdict::Warn, if strict { Exit::Fail } else { Exit::Pass }, reason),
        None => judgement(Verdict::Pass, Exit::Pass, passed(thresholds.len(), whole)),
    }
}

/// How many requests did not succeed, and why.
fn without_success(whole: &SeriesTotal) -> String {
    let (failed, interrupted, all) = (whole.failed.count(), whole.interrupted.count(), whole.requests());
    match (failed, interrupted) {
        (_, 0) => format!("{failed} of {all} requests failed"),
        (0, _) => format!("{interrupted} of {all} requests were cut off at its end"),
        _ => format!("{failed} of {all} requests failed, and {interrupted} were cut off at its end"),
    }
}

/// A load of which more than a hundredth did not begin is not the one the plan describes, however well the rest did;
/// no remark where a threshold about it says what is allowed.
fn not_the_load(outcome: &Outcome, thresholds: &[ThresholdResult]) -> Option<String> {
    let mut arrivals = ArrivalCounts::default();
    outcome.totals.scenarios.iter().for_each(|counts| arrivals.add(&counts.arrivals));
    // Those that came when the data was used up were not to begin: that is how the plan ends.
    let ArrivalCounts { without_rows, dropped, .. } = arrivals;
    let due = arrivals.due.saturating_sub(without_rows);
    let not_started = arrivals.not_started.saturating_sub(without_rows);
    let is_allowed = thresholds.iter().any(|t| t.expression.starts_with("dropped"));
    let tolerated = (dropped + not_started) * 100 <= due || is_allowed && not_started * 100 <= due;
    let rest = if thresholds.is_empty() { "" } else { "; the thresholds saw only the rest" };
    (!tolerated).then(|| {
        format!(
            "{dropped} of {due} arrivals were dropped and {not_started} not started: they found no free user, or their \
             user could not log in{rest}"
        )
    })
}

fn unfinished(after: Duration) -> String {
    let when = match after {
        Duration::ZERO => "before the load began".to_owned(),
        // Of its end nothing is known but that this was written before.
        after => format!("some time after {} (the last checkpoint)", number::span(after.as_secs_f64())),
    };
    format!("killed {when}, or still running; requests that were running then are not counted")
}

fn met(thresholds: usize) -> String {
    match thresholds {
        0 => "the plan has no thresholds".to_owned(),
        1 => "the threshold is met".to_owned(),
        n => format!("all {n} thresholds are met"),
    }
}

fn passed(thresholds: usize, whole: &SeriesTotal) -> String {
    let met = met(thresholds);
    format!("{met}; {} requests, {} failed", whole.requests(), whole.failures())
}

/// `p95 of "execute agent" was 4.61 s, target < 2 s (1 of 6 thresholds missed)`.
fn missed(first: &ThresholdResult, count: usize, of: usize) -> String {
    let metric = first.expression.split(['<', '>', '=']).next().unwrap_or_default().trim();
    let what = match first.scope.split_once(':') {
        Some((_, name)) => format!("{metric} of \"{name}\""),
        None => metric.to_owned(),
    };
    let rest = &first.expression[metric.len()..];
    let sign: String = rest.trim_start().chars().take_while(|c| "<>=".contains(*c)).collect();
    let target = match (first.target, &first.baseline) {
        (Some(target), Some(BaselineValue { value: Some(baseline), .. })) => {
            let baseline = number::value(*baseline, &first.unit);
            format!("target {sign} {} (baseline {baseline})", verdict::goal(first, target))
        }
        (Some(target), _) => format!("target {sign} {}", number::target(target, &first.unit)),
        (None, _) => format!("target {}", rest.trim_start()),
    };
    let lacks = first.baseline.as_ref().and_then(|baseline| baseline.lacks.as_ref());
    let how = if first.verdict == Verdict::Invalid { "not judged" } else { "missed" };
    let tally = if of == 1 { String::new() } else { format!(" ({count} of {of} thresholds {how})") };
    if let Some(lacks) = lacks {
        return format!("{what}, {target}: no data ({lacks}){tally}");
    }
    match (first.verdict, first.observed) {
        (Verdict::NoData, _) | (_, None) => {
            let note = first.note.as_deref().unwrap_or("no samples");
            format!("{what}, {target}: no data ({note}, has {}){tally}", first.samples)
        }
        (_, Some(observed)) => {
            let late = first.lateness_s.filter(|_| first.verdict == Verdict::Invalid);
            let late = late.map_or_else(String::new, |late_s| {
                format!(
                    "; the generator was up to {} late (p99), so nothing can be said",
                    number::seconds(late_s)
                )
            });
            format!(
                "{what} was {}{}, {target}{late}{tally}",
                verdict::beside_target(first, observed),
                first.worst_window.as_ref().map(verdict::during).unwrap_or_default()
            )
        }
    }
}

/// Which data ended the run, and what that kept from being started.
fn end_of_data(plan: &CompiledPlan, outcome: &Outcome) -> Option<String> {
    let end = outcome.data_end?;
    let name = &plan.feeds.get(end.feed)?.name;
    let at = number::span(end.at.as_secs_f64());
    let counts = outcome.totals.scenarios.iter();
    let without_rows: u64 =
        counts.map(|counts| counts.arrivals.without_rows + counts.warmup_arrivals.without_rows).sum();
    let arrivals = match without_rows {
        0 => String::new(),
        1 => "; 1 arrival that came then was not started".to_owned(),
        n => format!("; {n} arrivals that came then were not started"),
    };
    Some(format!("the data `{name}` was used up after {at}, which ended the run (`on_end: stop`){arrivals}"))
}

/// What a reader must see beside the verdict.
pub fn notes(plan: &CompiledPlan, outcome: &Outcome, judged: &Judgement) -> Vec<String> {
    let totals = &outcome.totals;
    let mut notes = vec![];
    if let Some(how) = by_hand::changed(&outcome.by_hand) {
        notes.push(format!("THE LOAD WAS CHANGED BY HAND: {how}; the numbers are not those of the plan"));
    }
    if let Some(why) = &judged.allowed_invalid {
        notes.push(format!(
            "THE RUN IS INVALID ({why}); verdict and exit code are those of the thresholds because of --allow-invalid"
        ));
    }
    notes.extend(end_of_data(plan, outcome));
    if plan.tls.insecure && plan.targets.iter().any(|target| target.tls) {
        notes.push(
            "certificates of targets were not checked, because the plan says `insecure: true`".to_owned(),
        );
    }
    let failed_logins: u64 = of_kind(plan, totals, SeriesKind::Auth).map(|total| total.failures()).sum();
    if failed_logins > 0 {
        notes.push(format!("{failed_logins} requests of the auth flow failed; they count in no threshold"));
    }
    let failures: u64 = of_kind(plan, totals, SeriesKind::Endpoint).map(|total| total.failures()).sum();
    let judged = plan.thresholds.iter().any(|t| t.threshold.metric.is_about_failures());
    if failures > 0 && !plan.thresholds.is_empty() && !judged {
        notes.push(format!(
            "{failures} requests failed and no threshold is about failures; `errors < 1%` is one"
        ));
    }
    if totals.reauthenticated > 0 {
        let times = totals.reauthenticated;
        notes.push(format!(
            "{times} requests met a status that asks for a new login, and were sent again after it"
        ));
    }
    if totals.redirected > 0 {
        let times = totals.redirected;
        notes.push(format!("{times} redirects were followed; each answer counts as a request of its row"));
    }
    notes
}

fn of_kind<'a>(
    plan: &'a CompiledPlan,
    totals: &'a Totals,
    kind: SeriesKind,
) -> impl Iterator<Item = &'a SeriesTotal> {
    plan.series.iter().zip(&totals.series).filter(move |(info, _)| info.kind == kind).map(|(_, total)| total)
}

#[cfg(test)]
mod tests;
