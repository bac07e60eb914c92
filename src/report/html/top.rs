//! What a reader must know in the first ten seconds: the verdict, what broke, and whether to believe it. Must not
//! contain markup.

use serde::Serialize;

use super::rows::Anchors;
use super::since::since;
use super::view::Fact;
use crate::report::model::{
    ByHandKind, Ended, FailureGroup, Generator, InvalidReason, ResultDocument, ThresholdResult, Verdict,
};
use crate::report::number::{self, bytes, moment, percent, plural, seconds, span};
use crate::report::text::{clean, cut};
use crate::report::verdict::{self, judged};

/// Most lines about what broke; the rest is in its sections.
const MOST_FINDINGS: usize = 8;
/// Most groups of failures among them.
const MOST_FAILURES: usize = 3;

/// The verdict in one line.
#[derive(Serialize)]
pub(super) struct Banner {
    class: &'static str,
    mark: &'static str,
    word: &'static str,
    /// How the run ended, and after how long.
    ended: String,
    reason: String,
    exit_code: u8,
}

pub(super) fn banner(doc: &ResultDocument) -> Banner {
    let after = span(doc.run.duration_s);
    let ended = match doc.run.ended {
        Ended::Completed => format!("ran to its end, {after}"),
        Ended::Aborted => format!("aborted by a threshold, after {after}"),
        Ended::Interrupted if doc.run.by_hand.iter().any(|changed| changed.kind == ByHandKind::End) => {
            format!("ended by hand, after {after}")
        }
        Ended::Interrupted => format!("stopped by a signal, after {after}"),
        Ended::Failed => format!("could not go on, after {after}"),
        Ended::Unfinished => format!("no end recorded: a checkpoint after {after}"),
    };
    Banner {
        class: verdict::class(doc.verdict),
        mark: verdict::mark(doc.verdict),
        word: verdict::word(doc.verdict),
        ended,
        reason: clean(&doc.reason),
        exit_code: doc.exit_code,
    }
}

/// One thing that broke.
#[derive(Serialize)]
pub(super) struct Finding {
    class: &'static str,
    mark: &'static str,
    /// The row, or what else it is about.
    name: String,
    /// Where more is said about it; empty when nowhere.
    anchor: String,
    what: String,
    /// When it was; empty when that is not known.
    since: String,
}

/// What broke, the worst first, and how much more there is.
#[derive(Serialize)]
pub(super) struct Findings {
    list: Vec<Finding>,
    more: String,
    /// What to say when nothing broke.
    nothing: String,
}

pub(super) fn findings(doc: &ResultDocument, anchors: &Anchors) -> Findings {
    let mut missed: Vec<_> = doc.thresholds.iter().filter(|t| t.verdict != Verdict::Pass).collect();
    missed.sort_by_key(|t| severity(t.verdict));
    let mut groups: Vec<_> = doc.failures.iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    let shown = groups.len().min(MOST_FAILURES);
    let room = MOST_FINDINGS.saturating_sub(shown);
    let mut list: Vec<Finding> = doc.generator.reasons.iter().take(room).map(of_generator).collect();
    let room = room - list.len();
    list.extend(missed.iter().take(room).map(|t| of_threshold(doc, t, anchors)));
    list.extend(groups[..shown].iter().map(|group| of_failures(group, anchors)));
    let mut more = vec![];
    if missed.len() > room {
        more.push(format!("{} under Thresholds", missed.len() - room));
    }
    if groups.len() > shown {
        more.push(format!("{} under Failures", plural((groups.len() - shown) as u64, "group")));
    }
    Findings { list, more: more.join(", "), nothing: nothing(doc) }
}

/// The worst comes first.
pub(super) fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 0,
        Verdict::NoData => 1,
        Verdict::Invalid => 2,
        Verdict::Warn => 3,
        Verdict::Interrupted | Verdict::Pass => 4,
    }
}

fn nothing(doc: &ResultDocument) -> String {
    match (doc.totals.requests, doc.thresholds.len()) {
        (0, _) => "Not one request was sent after the warm-up.".into(),
        (_, 0) => "No request failed. The plan has no thresholds, so nothing was judged.".into(),
        _ => "Every threshold was met, and no request failed.".into(),
    }
}

fn of_generator(reason: &InvalidReason) -> Finding {
    Finding {
        class: "void",
        mark: "✗",
        name: "the generator".into(),
        anchor: "trust".into(),
        what: format!("was the limit for a time ({}): how, stands beside this", clean(&reason.kind)),
        since: between(reason.from_s, reason.to_s),
    }
}

fn of_threshold(doc: &ResultDocument, threshold: &ThresholdResult, anchors: &Anchors) -> Finding {
    let cells = judged(threshold);
    let what = match (threshold.verdict, cells.margin.as_str()) {
        (Verdict::NoData, _) => {
            let has = plural(threshold.samples, "sample");
            format!("{}: no data, it has {has}", cells.expression)
        }
        (Verdict::Invalid, _) => {
            format!("{}: it was {}, and the generator too late to say", cells.expression, cells.observed)
        }
        (_, "") => format!("{}: it was {}", cells.expression, cells.observed),
        (_, margin) => format!("{}: it was {}, {margin}", cells.expression, cells.observed),
    };
    let window = threshold
        .worst_window
        .as_ref()
        .map(|w| format!("worst from {} to {}", moment(w.from_s), moment(w.to_s)));
    let times: Vec<_> = window.into_iter().chain(since(doc, threshold)).collect();
    Finding {
        class: cells.class,
        mark: cells.mark,
        name: if threshold.scope == "plan" { "all endpoints".into() } else { cells.scope },
        anchor: anchors.of_scope(&threshold.scope),
        what,
        since: times.join("; "),
    }
}

fn of_failures(group: &FailureGroup, anchors: &Anchors) -> Finding {
    Finding {
        class: "fail",
        mark: "✗",
        name: clean(&group.series),
        anchor: anchors.of_row(&group.series),
        what: format!("{} × {}: {}", group.count, clean(&group.kind), cut(&clean(&group.message), 120)),
        since: between(group.first_s, group.last_s),
    }
}

pub(super) fn between(from_s: f64, to_s: f64) -> String {
    let (from, to) = (moment(from_s), moment(to_s));
    if from == to { format!("at {from}") } else { format!("from {from} to {to}") }
}

/// Whether to believe the numbers.
#[derive(Serialize)]
pub(super) struct Trust {
    class: &'static str,
    mark: &'static str,
    word: &'static str,
    what: &'static str,
    /// What speaks against it, or should be known.
    remarks: Vec<String>,
    facts: Vec<Fact>,
}

pub(super) fn trust(doc: &ResultDocument) -> Trust {
    let (class, mark, word, what) = match (doc.generator.valid, doc.run.ended) {
        (false, _) => (
            "void",
            "✗",
            "No",
            "The generator was the limit for a time, so the numbers are not only the target's.",
        ),
        (true, Ended::Unfinished) => {
            ("warn", "⚠", "In part", "The generator kept up, but this is only a part of a run.")
        }
        (true, Ended::Interrupted | Ended::Failed | Ended::Aborted) => (
            "warn",
            "⚠",
            "As far as it ran",
            "The generator kept up; the numbers are of a run that was cut short.",
        ),
        (true, Ended::Completed) if doc.verdict == Verdict::Invalid => (
            "void",
            "✗",
            "In part",
            "The generator kept up, but not so well that every threshold can be judged.",
        ),
        (true, Ended::Completed) => ("pass", "✓", "Yes", "The generator kept up; it was not the limit."),
    };
    Trust { class, mark, word, what, remarks: remarks(doc), facts: facts(doc) }
}

fn remarks(doc: &ResultDocument) -> Vec<String> {
    let reason = |r: &InvalidReason| {
        format!("{}, {}: {}", clean(&r.kind), between(r.from_s, r.to_s), clean(&r.detail))
    };
    let mut remarks: Vec<_> = doc.generator.reasons.iter().map(reason).collect();
    let invalid = doc.timeline.iter().filter(|i| i.invalid).count() as u64;
    if invalid > 0 {
        remarks.push(format!(
            "{} of {} are shaded in the charts",
            plural(invalid, "second"),
            doc.timeline.len()
        ));
    }
    remarks.extend(doc.notes.iter().map(|note| clean(note)));
    let without_data = doc.thresholds.iter().filter(|t| t.verdict == Verdict::NoData).count() as u64;
    if without_data > 0 {
        remarks.push(format!("{} had too few samples to be judged", plural(without_data, "threshold")));
    }
    let undecided = doc.thresholds.iter().filter(|t| t.verdict == Verdict::Invalid).count() as u64;
    if undecided > 0 {
        let late = doc
            .generator
            .lateness_us
            .map_or_else(String::new, |us| format!(" (up to {}, p99)", number::seconds(us as f64 / 1e6)));
        remarks.push(format!(
            "{} not judged: nearer to the limit than the generator was late{late}",
            plural(undecided, "threshold")
        ));
    }
    let a = &doc.accounting;
    let sums =
        [[a.scheduled, a.started, a.dropped, a.not_started], [a.started, a.ok, a.failed, a.interrupted]];
    if sums
        .iter()
        .any(|[whole, parts @ ..]| parts.iter().fold(0u64, |sum, n| sum.saturating_add(*n)) != *whole)
    {
        remarks.push("the sums do not add up: see the accounting".into());
    }
    let lost =
        [(a.interrupted, "still running at the end"), (a.dropped, "dropped"), (a.not_started, "not started")];
    let lost = lost.iter().filter(|(count, _)| *count > 0);
    remarks.extend(lost.map(|(count, what)| format!("{} {what}", plural(*count, "request"))));
    remarks
}

fn facts(doc: &ResultDocument) -> Vec<Fact> {
    let g = &doc.generator;
    let times = |d: &crate::report::model::Distribution| {
        let [p99, max] = [d.p99, d.max].map(|us| seconds(us as f64 / 1e6));
        format!("p99 {p99}, at most {max}")
    };
    let share = |share: f64| number::value(share, "ratio");
    let facts = [
        ("Workers", Some(g.workers.to_string())),
        ("Arrivals started", g.achieved_ratio.map(share)),
        ("Pacing error", g.pacing_us.as_ref().map(times)),
        ("Event loop lag", g.lag_us.as_ref().map(times)),
        ("CPU", cpu(doc, g)),
        ("Waited for a core", g.queued_share.map(share)),
        ("Held back by a quota", g.throttled_us.filter(|us| *us > 0).map(|us| seconds(us as f64 / 1e6))),
        ("Memory, at most", g.max_rss_bytes.map(bytes)),
        ("File descriptors, at most", g.max_fds.map(|n| n.to_string())),
        ("TCP sockets, at most", g.max_tcp_sockets.map(|n| n.to_string())),
    ];
    facts.into_iter().filter_map(|(name, value)| Some(Fact { name, value: value? })).collect()
}

/// `34 % of 2 cores, at most 61 %`.
fn cpu(doc: &ResultDocument, g: &Generator) -> Option<String> {
    let cores = g.allowed_cores.unwrap_or(doc.run.host.cores as f64);
    let allowed_s = doc.run.duration_s * cores;
    // What the process used before the load, and after it, is not the generator's.
    let seconds =
        (!g.cpu_share.is_empty()).then(|| g.cpu_share.iter().sum::<f64>() / g.cpu_share.len() as f64);
    let mean = seconds.or(g.cpu_s.filter(|_| allowed_s > 0.0).map(|used_s| used_s / allowed_s))?;
    let cores = number::value(cores, "").trim_end().to_owned();
    let most = g.cpu_share.iter().copied().reduce(f64::max);
    let most = most.map_or_else(String::new, |most| format!(", at most {}", number::value(most, "ratio")));
    let cores = if cores == "1" { "1 core".into() } else { format!("{cores} cores") };
    Some(format!("{} of {cores}{most}", number::value(mean, "ratio")))
}

/// Requests that failed, and their share.
pub(super) fn failed(failures: u64, requests: u64) -> String {
    match requests {
        0 => failures.to_string(),
        all => format!("{failures} ({})", percent(failures, all)),
    }
}
