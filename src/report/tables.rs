//! The two tables every report shows, as cells of text: the same numbers on the console and in HTML.
//! Must not lay anything out.

use super::model::{Distribution, ResultDocument, Series, SeriesKind};
use super::number::{NONE, ms, rate};
use super::text::clean;

/// Columns of the first table after the name.
pub const COUNTS: [&str; 8] = ["# reqs", "# fails", "Avg", "Min", "Max", "Median", "req/s", "failures/s"];
/// Columns of the second table after type and name.
pub const PERCENTILES: [&str; 11] =
    ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"];

/// One row of both tables.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Row {
    /// Method and name, as the first table shows it.
    pub label: String,
    /// Method, or what the row is; empty for the aggregate.
    pub method: String,
    /// The name alone.
    pub name: String,
    /// Its tags, `team: search, kind: read`; empty without any.
    pub tags: String,
    /// Whether anything failed.
    pub failing: bool,
    /// Cells under [`COUNTS`]; times in ms.
    pub counts: [String; 8],
    /// Cells under [`PERCENTILES`], ms.
    pub percentiles: [String; 11],
}

/// Rows that are not in the aggregate.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Group {
    /// What they have in common.
    pub title: &'static str,
    /// The rows, in the order of the document.
    pub rows: Vec<Row>,
}

/// Both tables.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Tables {
    /// Endpoints and requests of flows.
    pub rows: Vec<Row>,
    /// All of them together.
    pub aggregated: Row,
    /// Everything else, never empty groups.
    pub groups: Vec<Group>,
}

/// The tables of `doc`.
pub fn tables(doc: &ResultDocument) -> Tables {
    let of = |kinds: &[SeriesKind]| -> Vec<Row> {
        doc.series.iter().filter(|s| kinds.contains(&s.kind)).map(row).collect()
    };
    let groups = [
        (
            "Whole flows, groups and waits (not in Aggregated)",
            of(&[SeriesKind::Flow, SeriesKind::Group, SeriesKind::Poll]),
        ),
        ("Readiness and auth (not in Aggregated)", of(&[SeriesKind::Ready, SeriesKind::Auth])),
        ("Warm-up (not in Aggregated)", doc.warmup.iter().map(row).collect()),
    ];
    Tables {
        rows: of(&[SeriesKind::Endpoint]),
        aggregated: Row { label: "Aggregated".into(), name: "Aggregated".into(), ..row(&doc.totals) },
        groups: groups
            .into_iter()
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(title, rows)| Group { title, rows })
            .collect(),
    }
}

/// A row of both tables.
pub fn row(series: &Series) -> Row {
    let method = match (&series.method, series.kind) {
        (Some(method), _) => clean(method),
        (None, SeriesKind::Flow) => "flow".into(),
        (None, SeriesKind::Group) => "group".into(),
        (None, SeriesKind::Poll) => "poll".into(),
        (None, _) => String::new(),
    };
    let full = clean(&series.name);
    let name = full.strip_prefix(&format!("{method} ")).unwrap_or(&full).to_owned();
    let latency = series.latency_us.as_ref().filter(|d| d.count > 0);
    Row {
        label: format!("{method} {name}").trim_start().to_owned(),
        method,
        name,
        tags: series
            .tags
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .map(|tag| clean(&tag))
            .collect::<Vec<_>>()
            .join(", "),
        failing: series.failures > 0,
        counts: counts(series, latency),
        percentiles: latency.map_or_else(|| [NONE; 11].map(String::from), percentiles),
    }
}

fn counts(series: &Series, latency: Option<&Distribution>) -> [String; 8] {
    let time = |pick: fn(&Distribution) -> f64| latency.map_or_else(|| NONE.to_owned(), |d| ms(pick(d)));
    [
        series.requests.to_string(),
        series.failures.to_string(),
        time(|d| d.mean),
        time(|d| d.min as f64),
        time(|d| d.max as f64),
        time(|d| d.p50 as f64),
        rate(series.rps),
        rate(series.failures_per_s),
    ]
}

fn percentiles(d: &Distribution) -> [String; 11] {
    [d.p50, d.p66, d.p75, d.p80, d.p90, d.p95, d.p98, d.p99, d.p99_9, d.p99_99, d.max].map(|us| ms(us as f64))
}
