//! One part of the page for each row: its numbers, charts, phases and answers. Must not contain markup.

use std::collections::HashMap;

use serde::Serialize;

use super::chart;
use super::frame::Frame;
use super::phases::{Phases, phases};
use super::plot::Plot;
use super::points::{self, RowPoints};
use super::spread::spread;
use super::top::failed;
use super::view::{Chip, Fact, chips, of_status, row_of, scope_of};
use crate::report::model::{ResultDocument, Series, SeriesKind, ThresholdResult, Verdict};
use crate::report::number::{NONE, bytes, ms, rate};
use crate::report::text::clean;
use crate::report::verdict::{self, judged};

/// Points of all rows' lines together, about; and of one line.
const ALL_POINTS: u64 = 160_000;
const FEWEST: u64 = 40;
const MOST: u64 = 400;
/// Lines of a row.
const LINES: u64 = 5;
/// Rows with trouble that are open when the page is.
const OPEN: usize = 3;

/// Where on the page a row is.
pub(super) struct Anchors(HashMap<String, String>);

impl Anchors {
    pub(super) fn new(doc: &ResultDocument) -> Self {
        let mut all = HashMap::new();
        for (index, row) in shown(doc) {
            all.entry(row.name.clone()).or_insert_with(|| id(index));
        }
        Self(all)
    }

    /// Of a row by its name; empty when it has no part of the page.
    pub(super) fn of_row(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Of what a threshold is about.
    pub(super) fn of_scope(&self, scope: &str) -> String {
        row_of(scope).map_or_else(String::new, |name| self.of_row(name))
    }
}

fn id(index: usize) -> String {
    format!("row-{index}")
}

/// Rows that have something to show, with their places in the document: endpoints, what is made of them, then the rest.
fn shown(doc: &ResultDocument) -> Vec<(usize, &Series)> {
    let mut rows: Vec<_> = doc.series.iter().enumerate().filter(|(_, row)| row.requests > 0).collect();
    rows.sort_by_key(|(_, row)| match row.kind {
        SeriesKind::Endpoint | SeriesKind::Total => 0,
        SeriesKind::Flow | SeriesKind::Group | SeriesKind::Poll => 1,
        SeriesKind::Auth | SeriesKind::Ready => 2,
    });
    rows
}

/// What the page says about one row.
#[derive(Serialize)]
pub(super) struct RowView {
    id: String,
    method: String,
    name: String,
    /// What it is, where it is no endpoint.
    kind: &'static str,
    /// The worst verdict of its thresholds, else of its failures.
    class: &'static str,
    mark: &'static str,
    is_open: bool,
    facts: Vec<Fact>,
    /// Its thresholds: class, mark, words.
    thresholds: Vec<(&'static str, &'static str, String)>,
    plots: Vec<Plot>,
    phases: Option<Phases>,
    statuses: Vec<Chip>,
    kinds: Vec<Chip>,
}

/// The rows, and the chart that compares them.
pub(super) fn rows(doc: &ResultDocument, frame: &Frame) -> (Vec<RowView>, Option<Plot>) {
    let all = shown(doc);
    let series: Vec<_> = all.iter().map(|(_, row)| *row).collect();
    let most = (ALL_POINTS / LINES / (all.len() as u64).max(1)).clamp(FEWEST, MOST);
    let points = points::rows(doc, &series, most);
    let pairs: Vec<_> = all.iter().map(|(_, row)| *row).zip(&points).collect();
    let endpoints: Vec<_> = pairs.into_iter().filter(|(row, _)| row.kind == SeriesKind::Endpoint).collect();
    let compared = chart::by_row(frame, &endpoints);
    let mut points = points.into_iter();
    let mut views: Vec<_> =
        all.iter().map(|(index, row)| view(doc, frame, id(*index), row, points.next())).collect();
    let mut troubled: Vec<_> = views.iter_mut().filter(|view| view.class != "pass").collect();
    troubled.sort_by_key(|view| view.class != "fail");
    troubled.into_iter().take(OPEN).for_each(|view| view.is_open = true);
    if views.len() <= OPEN {
        views.iter_mut().for_each(|view| view.is_open = true);
    }
    (views, compared)
}

fn view(doc: &ResultDocument, frame: &Frame, id: String, row: &Series, points: Option<RowPoints>) -> RowView {
    let scope = scope_of(row);
    let mine: Vec<_> = doc.thresholds.iter().filter(|t| t.scope == scope).collect();
    let worst = mine.iter().map(|t| t.verdict).filter(|v| *v != Verdict::Pass);
    let worst = worst.max_by_key(|v| {
        [Verdict::Warn, Verdict::Invalid, Verdict::NoData, Verdict::Fail].iter().position(|w| w == v)
    });
    let (class, mark) = match worst {
        Some(verdict) => (verdict::class(verdict), verdict::mark(verdict)),
        None if row.failures > 0 => ("warn", "⚠"),
        None => ("pass", "✓"),
    };
    let method = row.method.as_deref().map(clean).unwrap_or_default();
    let name = clean(&row.name);
    let own = (doc.run.loads.len() > 1).then(|| Frame::of_scenario(doc, &row.scenario));
    let frame = own.as_ref().unwrap_or(frame);
    let mut plots = points.map(|points| chart::of_row(doc, frame, &id, row, points)).unwrap_or_default();
    plots.extend(spread(doc, &id, row, name.clone()));
    RowView {
        name: name.strip_prefix(&format!("{method} ")).unwrap_or(&name).to_owned(),
        method,
        kind: match row.kind {
            SeriesKind::Endpoint | SeriesKind::Total => "",
            SeriesKind::Auth => "auth",
            SeriesKind::Ready => "readiness",
            SeriesKind::Group => "group",
            SeriesKind::Poll => "poll",
            SeriesKind::Flow => "flow",
        },
        class,
        mark,
        is_open: false,
        facts: facts(row),
        thresholds: mine.iter().map(|t| threshold(t)).collect(),
        plots,
        phases: phases(row),
        statuses: chips(&row.status, of_status),
        kinds: chips(&row.failure_kinds, |_| "fail"),
        id,
    }
}

fn threshold(threshold: &ThresholdResult) -> (&'static str, &'static str, String) {
    let cells = judged(threshold);
    (cells.class, cells.mark, format!("{}: {}", cells.expression, cells.observed))
}

fn facts(row: &Series) -> Vec<Fact> {
    let latency = row.latency_us.as_ref().filter(|d| d.count > 0);
    let time = |us: Option<u64>| match us {
        Some(us) => format!("{} ms", ms(us as f64)),
        None => NONE.to_owned(),
    };
    let mut facts = vec![
        Fact { name: "Requests", value: row.requests.to_string() },
        Fact { name: "Failures", value: failed(row.failures, row.requests) },
        Fact { name: "Requests/s", value: rate(row.rps) },
        Fact { name: "Median", value: time(latency.map(|d| d.p50)) },
        Fact { name: "p95", value: time(latency.map(|d| d.p95)) },
        Fact { name: "p99", value: time(latency.map(|d| d.p99)) },
    ];
    if !matches!(row.kind, SeriesKind::Flow | SeriesKind::Group | SeriesKind::Poll) {
        facts.extend([
            Fact { name: "Received", value: bytes(row.bytes_in) },
            Fact { name: "Sent", value: bytes(row.bytes_out) },
            Fact { name: "Connections", value: row.new_connections.to_string() },
        ]);
    }
    facts
}
