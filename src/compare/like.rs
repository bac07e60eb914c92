//! Whether runs can be compared at all: whole, valid, of the same plan but for what does not change the load, under the
//! same load. Must not look at latencies.

mod plan;

use serde_json::Value;

use crate::report::model::{ByHand, ByHandKind, Ended, ResultDocument};
use crate::report::number::{moment, plural};
use crate::report::text::clean;

use super::Run;
use super::disturbed::disturbed;
use super::rows::load_s;

/// Durations, users and rates that differ by less than this are the same.
const SMALL: f64 = 0.1;

/// The runs to compare, or why not.
#[derive(Debug)]
pub(super) struct Like<'a> {
    /// Those of the base that can be used.
    pub base: Vec<&'a Run>,
    /// Those of the new side.
    pub new: Vec<&'a Run>,
    /// Why they cannot be compared.
    pub reason: Option<String>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// Leaves out runs that are no measure, then compares all with the first. With `force` nothing is left out, and reasons become remarks.
pub(super) fn look<'a>(base: &'a [Run], new: &'a [Run], force: bool) -> Like<'a> {
    let mut like = Like { base: vec![], new: vec![], reason: None, notes: vec![] };
    let mut reasons = vec![];
    for (side, runs, used) in [("base", base, &mut like.base), ("new", new, &mut like.new)] {
        let unfit: Vec<_> = runs.iter().filter_map(|run| Some((run, Unfit::of(&run.doc)?))).collect();
        let is_fit = |run: &&Run| !unfit.iter().any(|(other, _)| std::ptr::eq(*other, *run));
        *used = runs.iter().filter(|run| force || is_fit(run)).collect();
        let Some((first, Unfit { is_invalid, words })) = unfit.first() else { continue };
        let words = format!("{}: {words}", clean(&first.name));
        let what = if *is_invalid { "invalid" } else { "disturbed" };
        if used.is_empty() {
            let whose = if runs.len() == 1 { "run is" } else { "runs are all" };
            let limit = if *is_invalid { ", the generator was the limit" } else { "" };
            reasons.push(format!("the {side} {whose} {what}{limit} ({words})"));
        } else {
            let what = if force { what.to_owned() } else { format!("left out as {what}") };
            let (all, number) = (plural(runs.len() as u64, &format!("{side} run")), unfit.len());
            like.notes.push(format!("{what}: {number} of {all}, the first is {words}"));
        }
    }
    let all: Vec<&Run> = like.base.iter().chain(&like.new).copied().collect();
    reasons.extend(all.iter().filter_map(|run| unfinished(run)));
    reasons.extend(all.iter().filter_map(|run| by_hand(run)));
    if let Some((first, others)) = all.split_first() {
        reasons.extend(others.iter().find_map(|other| difference(first, other)));
        like.notes.extend(others.iter().find_map(|other| remark(&first.doc, &other.doc)));
    }
    let twice = like.base.iter().find(|run| like.new.iter().any(|new| new.doc.run.id == run.doc.run.id));
    like.notes.extend(twice.map(|run| format!("{} is on both sides", clean(&run.name))));
    match force {
        true => {
            like.notes.extend(reasons.into_iter().map(|reason| format!("compared all the same: {reason}")))
        }
        false => like.reason = reasons.into_iter().next(),
    }
    like
}

fn why_invalid(doc: &ResultDocument) -> String {
    let first = doc.generator.reasons.first();
    first.map_or_else(
        || clean(&doc.reason),
        |reason| format!("{}, {}", clean(&reason.kind), clean(&reason.detail)),
    )
}

fn unfinished(run: &Run) -> Option<String> {
    let how = match run.doc.run.ended {
        Ended::Completed => return None,
        Ended::Aborted => "was aborted",
        Ended::Interrupted => "was interrupted",
        Ended::Failed => "could not go on",
        Ended::Unfinished => "was killed, or still goes on",
    };
    let after = moment(run.doc.run.duration_s);
    Some(format!("{} {how} after {after}: {}", clean(&run.name), clean(&run.doc.reason)))
}

/// A load that somebody changed is not that of another run, even where both changed alike.
fn by_hand(run: &Run) -> Option<String> {
    changed_by_hand(&clean(&run.name), &run.doc)
}

fn changed_by_hand(name: &str, doc: &ResultDocument) -> Option<String> {
    let is_load = |change: &&ByHand| matches!(change.kind, ByHandKind::Users | ByHandKind::Pause);
    let first = doc.run.by_hand.iter().find(is_load)?;
    Some(format!("the load of {name} was changed by hand, first at {}", moment(first.at_s)))
}

/// What makes the load of two runs another.
fn difference(first: &Run, other: &Run) -> Option<String> {
    let planned = |doc: &ResultDocument| (doc.run.model.clone(), doc.plan.effective.clone());
    let words = difference_of_plans(&planned(&first.doc), &planned(&other.doc))
        .or_else(|| difference_of_runs(&first.doc, &other.doc))?;
    Some(format!("{words} ({}, {})", clean(&first.name), clean(&other.name)))
}

/// Why an earlier run cannot be the baseline of a plan that is to run: known before it runs.
pub fn not_a_baseline(base: &Run, model: &str, effective: &Value) -> Option<String> {
    let earlier = || (base.doc.run.model.clone(), base.doc.plan.effective.clone());
    unfinished(base)
        .or_else(|| by_hand(base))
        .or_else(|| difference_of_plans(&earlier(), &(model.to_owned(), effective.clone())))
}

/// Why the numbers of a run are no measure for another, when they are not: its generator was the limit, or was disturbed.
pub fn unfit(doc: &ResultDocument) -> Option<String> {
    let Unfit { is_invalid, words } = Unfit::of(doc)?;
    Some(match is_invalid {
        true => format!("it is invalid, the generator was the limit: {words}"),
        false => format!("it was disturbed: {words}"),
    })
}

struct Unfit {
    is_invalid: bool,
    words: String,
}

impl Unfit {
    fn of(doc: &ResultDocument) -> Option<Self> {
        match doc.generator.valid {
            false => Some(Self { is_invalid: true, words: why_invalid(doc) }),
            true => Some(Self { is_invalid: false, words: disturbed(doc)? }),
        }
    }
}

/// Why a run that is over cannot be compared with its baseline, and what may explain a difference.
pub fn after_the_run(base: &Run, new: &ResultDocument) -> (Option<String>, Option<String>) {
    let ended = (new.run.ended != Ended::Completed).then(|| {
        let after = moment(new.run.duration_s);
        format!("this run ended after {after}, before its load did")
    });
    let other =
        ended.or_else(|| changed_by_hand("this run", new)).or_else(|| difference_of_runs(&base.doc, new));
    (other, remark(&base.doc, new))
}

/// Of two plans, each with its load model.
fn difference_of_plans(a: &(String, Value), b: &(String, Value)) -> Option<String> {
    if a.0 != b.0 {
        return Some(format!("another load model: {} → {}", clean(&a.0), clean(&b.0)));
    }
    let found = plan::differences(&a.1, &b.1);
    let shown = found.first()?;
    let what = if shown.is_load { "another load" } else { "another plan" };
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!(", and {}", plural(more as u64, "more difference")),
    };
    Some(format!("{what}: {}{more}", shown.words))
}

/// Of what was done.
fn difference_of_runs(a: &ResultDocument, b: &ResultDocument) -> Option<String> {
    // What the plan leaves open, such as numbers from the environment, shows in what was done.
    if plan::is_timed(&a.plan.effective) && differ(load_s(a), load_s(b)) {
        let [a, b] = [a, b].map(|doc| moment(load_s(doc)));
        return Some(format!("another duration: {a} → {b}"));
    }
    let users = |doc: &ResultDocument| doc.timeline.iter().map(|second| second.users).max().unwrap_or(0);
    if a.run.model == "closed"
        && plan::is_timed(&a.plan.effective)
        && differ(users(a) as f64, users(b) as f64)
    {
        return Some(format!("another number of users: {} → {}", users(a), users(b)));
    }
    let rate = |doc: &ResultDocument| {
        doc.accounting.arrivals.map_or(0.0, |arrivals| arrivals.scheduled as f64 / load_s(doc).max(1e-3))
    };
    let noise = 4.0 * (1.0 / (rate(a) * load_s(a)).max(1.0)).sqrt();
    if differ(rate(a), rate(b)) && (rate(b) / rate(a)).ln().abs() > noise {
        return Some(format!("another rate: {:.1}/s → {:.1}/s", rate(a), rate(b)));
    }
    None
}

fn differ(a: f64, b: f64) -> bool {
    (a - b).abs() > SMALL * a.max(b)
}

/// What may explain a difference, but need not.
fn remark(a: &ResultDocument, b: &ResultDocument) -> Option<String> {
    let machine = |doc: &ResultDocument| {
        let cores = plural(doc.run.host.cores as u64, "core");
        format!("{} with {cores}, plimsoll {}", clean(&doc.run.host.os), clean(&doc.plimsoll))
    };
    (machine(a) != machine(b)).then(|| format!("not the same generator: {} → {}", machine(a), machine(b)))
}
