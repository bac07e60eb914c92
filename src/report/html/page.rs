//! What the page shows, as plain values for the template. Must not contain markup: the template escapes everything.

use serde::Serialize;

use super::beside::BesideView;
use super::chart;
use super::frame::Frame;
use super::hints::hint;
use super::phases;
use super::plot::Plot;
use super::rows::{self, Anchors, RowView};
use super::spread::spread;
use super::top::{self, Banner, Findings, Trust, between, failed};
use super::view::Fact;
use crate::report::connections;
use crate::report::model::{
    BaselineInfo, FailureGroup, Level, ResultDocument, SeriesKind, TargetInfo, ThresholdResult,
};
use crate::report::number::{self, moment, plural, span};
use crate::report::tables::{self, Tables};
use crate::report::text::{clean, clean_block};
use crate::report::verdict::{self, Judged, judged};

/// Most groups of failures shown: a page is to be opened, mailed and attached.
const MOST_FAILURES: usize = 500;
/// Most of them with an example.
const MOST_EXAMPLES: usize = 200;

#[derive(Serialize)]
pub(super) struct Page {
    title: String,
    summary: String,
    description: String,
    verdict: Banner,
    findings: Findings,
    trust: Trust,
    headline: Vec<Fact>,
    run_facts: Vec<Fact>,
    accounting: Vec<Fact>,
    thresholds: Vec<ThresholdView>,
    /// Whether any is relative to a baseline.
    has_baseline: bool,
    /// Which run that is; empty without one.
    baseline: String,
    /// This run beside its baseline.
    pub beside: Option<BesideView>,
    count_headers: [&'static str; 8],
    percentile_headers: [&'static str; 11],
    tables: Tables,
    /// Of the rows of the tables, in their order.
    anchors: Vec<String>,
    plots: Vec<Plot>,
    /// Marks of the time axis, in words.
    moments: Vec<String>,
    phase_names: [(&'static str, &'static str); 7],
    rows: Vec<RowView>,
    failures: Vec<FailureView>,
    /// How many are not shown; empty when all are.
    failures_left: String,
    plan: String,
    command: String,
    plimsoll: String,
}

#[derive(Serialize)]
struct ThresholdView {
    judged: Judged,
    anchor: String,
    /// `warn` where a miss only warns.
    level: &'static str,
    interval: String,
    window: String,
    samples: u64,
    remark: String,
}

#[derive(Serialize)]
struct FailureView {
    count: u64,
    kind: String,
    series: String,
    anchor: String,
    when: String,
    message: String,
    hint: &'static str,
    request: String,
    response: String,
}

/// The page of `doc`.
pub(super) fn page(doc: &ResultDocument) -> Page {
    let tables = tables::tables(doc);
    let anchors = Anchors::new(doc);
    let frame = Frame::new(doc);
    let (rows, compared) = rows::rows(doc, &frame);
    let mut plots = chart::charts(doc, &frame);
    // What is the target's comes before what is the generator's.
    let at = plots.len().saturating_sub(usize::from(plots.last().is_some_and(|plot| plot.id == "lateness")));
    let target = compared.into_iter().chain(spread(doc, "all", &doc.totals, String::new()));
    plots.splice(at..at, target);
    let endpoints = doc.series.iter().filter(|row| row.kind == SeriesKind::Endpoint);
    Page {
        title: clean(&doc.plan.name),
        description: doc.plan.description.as_deref().map(clean).unwrap_or_default(),
        summary: summary(doc),
        verdict: top::banner(doc),
        findings: top::findings(doc, &anchors),
        trust: top::trust(doc),
        headline: headline(doc, &tables),
        run_facts: facts(doc),
        accounting: accounting(doc),
        thresholds: worst_first(doc).iter().map(|t| threshold(t, &anchors)).collect(),
        has_baseline: doc.thresholds.iter().any(|t| t.baseline.is_some()),
        baseline: doc.baseline.as_ref().map(baseline).unwrap_or_default(),
        beside: None,
        count_headers: tables::COUNTS,
        percentile_headers: tables::PERCENTILES,
        anchors: endpoints.map(|row| anchors.of_row(&row.name)).collect(),
        plots,
        moments: frame.moments.into_iter().map(|moment| moment.label).collect(),
        phase_names: phases::NAMES,
        rows,
        failures: failures(doc, &anchors),
        failures_left: match doc.failures.len().saturating_sub(MOST_FAILURES) {
            0 => String::new(),
            left => format!("{left} more, rarer kinds of failure are in the JSON report."),
        },
        plan: clean_block(&serde_json::to_string_pretty(&doc.plan.effective).unwrap_or_default()),
        command: command(doc),
        plimsoll: clean(&doc.plimsoll),
        tables,
    }
}

/// When, how long and how, in one line.
fn summary(doc: &ResultDocument) -> String {
    let users = doc.timeline.iter().map(|i| i.users).max();
    let mut parts = vec![clean(&doc.run.started_at), span(doc.run.duration_s)];
    parts.extend(users.map(|u| format!("up to {}", plural(u, "user"))));
    parts.extend([clean(&doc.run.model), format!("seed {}", doc.run.seed)]);
    parts.join(" · ")
}

/// The few numbers to see first; the same cells as in the tables.
fn headline(doc: &ResultDocument, tables: &Tables) -> Vec<Fact> {
    let total = &tables.aggregated;
    let in_ms = |cell: &String| if cell == number::NONE { cell.clone() } else { format!("{cell} ms") };
    vec![
        Fact { name: "Requests", value: total.counts[0].clone() },
        Fact { name: "Failures", value: failed(doc.totals.failures, doc.totals.requests) },
        Fact { name: "Requests/s", value: total.counts[6].clone() },
        Fact { name: "Median", value: in_ms(&total.percentiles[0]) },
        Fact { name: "p95", value: in_ms(&total.percentiles[5]) },
        Fact { name: "p99", value: in_ms(&total.percentiles[7]) },
    ]
}

fn facts(doc: &ResultDocument) -> Vec<Fact> {
    let run = &doc.run;
    let users = doc.timeline.iter().map(|i| i.users).max();
    let host = format!("{}, {}", plural(run.host.cores as u64, "core"), clean(&run.host.os));
    let mut facts = vec![
        Fact { name: "Started", value: clean(&run.started_at) },
        Fact { name: "Duration", value: duration(doc) },
        Fact { name: "Users, peak", value: users.map_or_else(|| number::NONE.into(), |u| u.to_string()) },
        Fact { name: "Model", value: clean(&run.model) },
        Fact { name: "Seed", value: run.seed.to_string() },
        Fact { name: "Machine", value: host },
        Fact { name: "plimsoll", value: clean(&doc.plimsoll) },
        Fact { name: "Run", value: clean(&run.id) },
        Fact { name: "Plan", value: clean(&doc.plan.file) },
    ];
    facts.extend(doc.plan.profile.iter().map(|profile| Fact { name: "Profile", value: clean(profile) }));
    facts.push(Fact { name: "SHA-256 of the plan", value: clean(&doc.plan.sha256) });
    facts.extend(run.targets.iter().map(target));
    facts
}

/// `14 s, load 6 s`: rates divide by the load alone.
fn duration(doc: &ResultDocument) -> String {
    let whole = span(doc.run.duration_s);
    match doc.run.load_s.map(span) {
        Some(load) if load != whole => format!("{whole}, load {load}"),
        _ => whole,
    }
}

fn target(target: &TargetInfo) -> Fact {
    let at = format!("{}: {}", clean(&target.name), clean(&target.url));
    let parts = [at, connections::words(target)];
    let said: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Fact { name: "Target", value: said.join("; ") }
}

fn accounting(doc: &ResultDocument) -> Vec<Fact> {
    let a = &doc.accounting;
    let fact = |name, value: u64| Fact { name, value: value.to_string() };
    let mut facts = vec![
        fact("Scheduled", a.scheduled),
        fact("Started", a.started),
        fact("Dropped", a.dropped),
        fact("Not started", a.not_started),
        fact("Ok", a.ok),
        fact("Failed", a.failed),
        fact("Interrupted", a.interrupted),
        fact("Iterations", a.iterations),
        fact("Warm-up", a.warmup_requests),
        fact("Sent again", a.resent),
    ];
    if let Some(arrivals) = a.arrivals {
        facts.extend([
            fact("Arrivals scheduled", arrivals.scheduled),
            fact("Arrivals started", arrivals.started),
            fact("Arrivals dropped", arrivals.dropped),
            fact("Arrivals not started", arrivals.not_started),
        ]);
    }
    facts
}

/// In the order of the plan where they came to the same.
fn worst_first(doc: &ResultDocument) -> Vec<&ThresholdResult> {
    let mut thresholds: Vec<_> = doc.thresholds.iter().collect();
    thresholds.sort_by_key(|t| top::severity(t.verdict));
    thresholds
}

fn threshold(threshold: &ThresholdResult, anchors: &Anchors) -> ThresholdView {
    let window = threshold.worst_window.as_ref();
    ThresholdView {
        judged: judged(threshold),
        anchor: anchors.of_scope(&threshold.scope),
        level: if threshold.level == Level::Warn { "warn" } else { "" },
        interval: verdict::interval(threshold).unwrap_or_default(),
        window: window.map(|w| format!("{} – {}", moment(w.from_s), moment(w.to_s))).unwrap_or_default(),
        samples: threshold.samples,
        remark: threshold.note.as_deref().map(clean).unwrap_or_default(),
    }
}

fn baseline(baseline: &BaselineInfo) -> String {
    let file = clean(&baseline.file);
    match (&baseline.run_id, &baseline.started_at) {
        (Some(id), Some(at)) => format!("The baseline is {file}: run {} of {}.", clean(id), clean(at)),
        _ => format!("This run makes the baseline {file}."),
    }
}

fn failures(doc: &ResultDocument, anchors: &Anchors) -> Vec<FailureView> {
    let mut groups: Vec<&FailureGroup> = doc.failures.iter().collect();
    groups.sort_by_key(|g| std::cmp::Reverse(g.count));
    let view = |(place, g): (usize, &&FailureGroup)| {
        let example = g.example.as_ref().filter(|_| place < MOST_EXAMPLES);
        FailureView {
            count: g.count,
            kind: clean(&g.kind),
            series: clean(&g.series),
            anchor: anchors.of_row(&g.series),
            when: between(g.first_s, g.last_s),
            message: clean_block(&g.message),
            hint: hint(&g.kind).unwrap_or_default(),
            request: example.map(|e| clean_block(&e.request)).unwrap_or_default(),
            response: example.and_then(|e| e.response.as_deref()).map(clean_block).unwrap_or_default(),
        }
    };
    groups.iter().take(MOST_FAILURES).enumerate().map(view).collect()
}

/// The command that runs the same plan with the same random values.
fn command(doc: &ResultDocument) -> String {
    let profile =
        doc.plan.profile.as_deref().map(|p| format!(" --profile {}", quoted(p))).unwrap_or_default();
    clean(&format!("plimsoll run {}{profile} --seed {}", quoted(&doc.plan.file), doc.run.seed))
}

/// `word` as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let word = if word.starts_with('-') { format!("./{word}") } else { word.to_owned() };
    let plain = |c: char| c.is_alphanumeric() || "_./:@%+=-,".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
