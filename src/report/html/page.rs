//! What the page shows, as plain values for the template. Must not contain markup: the template escapes everything.

use std::collections::BTreeMap;

use serde::Serialize;

use super::chart::{self, Chart};
use crate::report::model::{Ended, FailureGroup, ResultDocument, Series, SeriesKind};
use crate::report::number::{self, bytes, moment, percent, plural, span};
use crate::report::tables::{self, Tables};
use crate::report::text::{clean, clean_block};
use crate::report::verdict::{self, Judged, judged};

#[derive(Serialize)]
pub(super) struct Page {
    title: String,
    summary: String,
    description: String,
    verdict: Banner,
    tiles: Vec<Fact>,
    run_facts: Vec<Fact>,
    generator: GeneratorView,
    notes: Vec<String>,
    accounting: Vec<Fact>,
    thresholds: Vec<Judged>,
    count_headers: [&'static str; 8],
    percentile_headers: [&'static str; 11],
    tables: Tables,
    charts: Vec<Chart>,
    statuses: Vec<StatusRow>,
    failures: Vec<FailureView>,
    plan: String,
    command: String,
    plimsoll: String,
}

#[derive(Serialize)]
struct Banner {
    class: &'static str,
    mark: &'static str,
    word: &'static str,
    reason: String,
    exit_code: u8,
}

#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
struct GeneratorView {
    valid: bool,
    facts: String,
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct StatusRow {
    name: String,
    statuses: Vec<Chip>,
    kinds: Vec<Chip>,
    bytes_in: String,
    bytes_out: String,
    connections: u64,
}

#[derive(Serialize)]
struct Chip {
    class: &'static str,
    label: String,
    count: u64,
}

#[derive(Serialize)]
struct FailureView {
    count: u64,
    kind: String,
    series: String,
    when: String,
    message: String,
    request: String,
    response: String,
}

/// The page of `doc`.
pub(super) fn page(doc: &ResultDocument) -> Page {
    let tables = tables::tables(doc);
    Page {
        title: clean(&doc.plan.name),
        description: doc.plan.description.as_deref().map(clean).unwrap_or_default(),
        summary: summary(doc),
        verdict: banner(doc),
        tiles: tiles(doc, &tables),
        run_facts: facts(doc),
        generator: generator(doc),
        notes: doc.notes.iter().map(|n| clean(n)).collect(),
        accounting: accounting(doc),
        thresholds: doc.thresholds.iter().map(judged).collect(),
        count_headers: tables::COUNTS,
        percentile_headers: tables::PERCENTILES,
        charts: chart::charts(doc),
        statuses: doc.series.iter().filter(|s| s.requests > 0 && is_request(s)).map(status_row).collect(),
        failures: failures(doc),
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

fn banner(doc: &ResultDocument) -> Banner {
    Banner {
        class: verdict::class(doc.verdict),
        mark: verdict::mark(doc.verdict),
        word: verdict::word(doc.verdict),
        reason: clean(&doc.reason),
        exit_code: doc.exit_code,
    }
}

/// The few numbers to see first; the same cells as in the tables.
fn tiles(doc: &ResultDocument, tables: &Tables) -> Vec<Fact> {
    let total = &tables.aggregated;
    let in_ms = |cell: &String| if cell == number::NONE { cell.clone() } else { format!("{cell} ms") };
    let failed = match doc.totals.requests {
        0 => total.counts[1].clone(),
        all => format!("{} ({})", total.counts[1], percent(doc.totals.failures, all)),
    };
    vec![
        Fact { name: "Requests", value: total.counts[0].clone() },
        Fact { name: "Failures", value: failed },
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
    let ended = match run.ended {
        Ended::Completed => "as planned",
        Ended::Aborted => "aborted by a threshold",
        Ended::Interrupted => "interrupted",
        Ended::Failed => "it could not go on",
        Ended::Unfinished => "not when this was written: killed, or still running",
    };
    let mut facts = vec![
        Fact { name: "Started", value: clean(&run.started_at) },
        Fact { name: "Duration", value: span(run.duration_s) },
        Fact { name: "Ended", value: ended.into() },
        Fact { name: "Users, peak", value: users.map_or_else(|| number::NONE.into(), |u| u.to_string()) },
        Fact { name: "Model", value: clean(&run.model) },
        Fact { name: "Seed", value: run.seed.to_string() },
        Fact { name: "Machine", value: host },
        Fact { name: "plimsoll", value: clean(&doc.plimsoll) },
        Fact { name: "Plan", value: clean(&doc.plan.file) },
        Fact { name: "Run", value: clean(&run.id) },
        Fact { name: "SHA-256 of the plan", value: clean(&doc.plan.sha256) },
    ];
    if let Some(profile) = &doc.plan.profile {
        facts.insert(9, Fact { name: "Profile", value: clean(profile) });
    }
    facts
}

fn generator(doc: &ResultDocument) -> GeneratorView {
    let g = &doc.generator;
    let mut facts = vec![plural(g.workers as u64, "worker")];
    if let Some(cpu_s) = g.cpu_s {
        let allowed = doc.run.duration_s * g.allowed_cores.unwrap_or(doc.run.host.cores as f64);
        let share = if allowed > 0.0 { cpu_s / allowed } else { f64::NAN };
        facts.push(format!(
            "{} of CPU time ({} of the cores allowed)",
            span(cpu_s),
            number::value(share, "ratio")
        ));
    }
    let late = |us: u64| number::seconds(us as f64 / 1e6);
    if let Some(lag) = &g.lag_us {
        facts.push(format!("event loop late by {} at p99, {} at most", late(lag.p99), late(lag.max)));
    }
    if let Some(pacing) = &g.pacing_us {
        facts.push(format!("pacing late by {} at p99, {} at most", late(pacing.p99), late(pacing.max)));
    }
    if let Some(fds) = g.max_fds {
        facts.push(format!("{} at most", plural(fds, "file descriptor")));
    }
    if let Some(rss) = g.max_rss_bytes {
        facts.push(format!("{} of memory at most", bytes(rss)));
    }
    let reason = |r: &crate::report::model::InvalidReason| {
        format!("{}, {} – {}: {}", clean(&r.kind), moment(r.from_s), moment(r.to_s), clean(&r.detail))
    };
    GeneratorView { valid: g.valid, facts: facts.join(", "), reasons: g.reasons.iter().map(reason).collect() }
}

fn accounting(doc: &ResultDocument) -> Vec<Fact> {
    let a = &doc.accounting;
    let fact = |name, value: u64| Fact { name, value: value.to_string() };
    vec![
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
    ]
}

fn is_request(series: &Series) -> bool {
    matches!(series.kind, SeriesKind::Endpoint | SeriesKind::Auth | SeriesKind::Ready)
}

fn status_class(status: &str) -> &'static str {
    match status.as_bytes().first() {
        Some(b'1'..=b'3') => "pass",
        Some(b'4') => "warn",
        _ => "fail",
    }
}

fn status_row(series: &Series) -> StatusRow {
    let chips = |counts: &BTreeMap<String, u64>, class: fn(&str) -> &'static str| -> Vec<Chip> {
        let seen = counts.iter().filter(|(_, n)| **n > 0);
        seen.map(|(name, n)| Chip { class: class(name), label: clean(name), count: *n }).collect()
    };
    let method = series.method.as_deref().unwrap_or_default();
    let name = match series.name.starts_with(&format!("{method} ")) {
        true => clean(&series.name),
        false => clean(format!("{method} {}", series.name).trim_start()),
    };
    StatusRow {
        name,
        statuses: chips(&series.status, status_class),
        kinds: chips(&series.failure_kinds, |_| "fail"),
        bytes_in: bytes(series.bytes_in),
        bytes_out: bytes(series.bytes_out),
        connections: series.new_connections,
    }
}

fn failures(doc: &ResultDocument) -> Vec<FailureView> {
    let mut groups: Vec<&FailureGroup> = doc.failures.iter().collect();
    groups.sort_by_key(|g| std::cmp::Reverse(g.count));
    let view = |g: &&FailureGroup| {
        let (first, last) = (moment(g.first_s), moment(g.last_s));
        let example = g.example.as_ref();
        FailureView {
            count: g.count,
            kind: clean(&g.kind),
            series: clean(&g.series),
            when: if first == last { format!("at {first}") } else { format!("{first} – {last}") },
            message: clean_block(&g.message),
            request: example.map(|e| clean_block(&e.request)).unwrap_or_default(),
            response: example.and_then(|e| e.response.as_deref()).map(clean_block).unwrap_or_default(),
        }
    };
    groups.iter().map(view).collect()
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
