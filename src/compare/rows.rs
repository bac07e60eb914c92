//! Rows that both sides have, with the values of each run. Must not judge.

use std::ops::Range;

use crate::report::model::{MarkKind, ResultDocument, Series, SeriesKind};
use crate::report::{number, tables};

use super::{Metric, Run};

/// In the order shown.
pub(super) const METRICS: [Metric; 6] =
    [Metric::P50, Metric::P95, Metric::P99, Metric::Mean, Metric::ErrorRatio, Metric::Rps];
/// Samples beyond a percentile that both sides need.
const IN_TAIL: f64 = 10.0;
/// Requests that a mean, an error ratio and a rate need.
const FEWEST: u64 = 20;

/// The runs of both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides<'a> {
    pub base: &'a [&'a Run],
    pub new: &'a [&'a Run],
}

impl Sides<'_> {
    /// Runs of the side that has fewer.
    pub(super) fn fewest(&self) -> usize {
        self.base.len().min(self.new.len())
    }
}

/// A row of both sides.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub name: String,
    pub label: String,
    pub kind: SeriesKind,
    pub scenario: String,
    /// The row of each run; empty, with a note, when a run lacks it.
    pub base: Vec<&'a Series>,
    pub new: Vec<&'a Series>,
    pub note: Option<String>,
    pub values: Vec<Values>,
}

/// One value of a row in all runs, and what was found out about it.
#[derive(Debug, Clone)]
pub(super) struct Values {
    pub metric: Metric,
    /// By run; empty where there is too little.
    pub base: Vec<f64>,
    pub new: Vec<f64>,
    /// What is too little.
    pub lacks: Option<String>,
    pub told: Option<Told>,
}

/// What chance has to say about a change; on the scale of [`Values::scaled`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// 95 % interval of the change.
    pub interval: [f64; 2],
    /// Probability of such a change by chance, corrected for all values.
    pub p_value: f64,
    /// Whether that is rare enough.
    pub is_significant: bool,
}

impl Values {
    /// Both sides on the scale on which a change is a difference: logarithms, but of error ratios the ratio itself.
    pub(super) fn scaled(&self) -> [Vec<f64>; 2] {
        let scale =
            |value: &f64| if self.metric == Metric::ErrorRatio { *value } else { value.max(1e-9).ln() };
        [&self.base, &self.new].map(|values| values.iter().map(scale).collect())
    }
}

/// From the end of a run's warm-up to the end of its load, s. An older result tells the end of the load by a mark, where that
/// was a second or more before the end of the run.
pub(super) fn measured(doc: &ResultDocument) -> Range<f64> {
    doc.run.measured_s().unwrap_or_else(|| {
        let end_s = doc.run.duration_s;
        let with_drain = doc.totals.requests as f64 / doc.totals.rps;
        let with_drain = if with_drain.is_finite() { with_drain.min(end_s) } else { end_s };
        end_s - with_drain..end_s - older_drain_s(doc)
    })
}

/// Seconds of a run in which load was made after its warm-up.
pub(super) fn load_s(doc: &ResultDocument) -> f64 {
    let measured = measured(doc);
    doc.run.load_s.filter(|seconds| seconds.is_finite()).unwrap_or(measured.end - measured.start)
}

/// Seconds after the load that an older result divided its rates by too.
fn older_drain_s(doc: &ResultDocument) -> f64 {
    if doc.run.load_s.is_some() {
        return 0.0;
    }
    let ends = doc.run.marks.iter().filter(|mark| mark.kind == MarkKind::LoadEnd).map(|mark| mark.at_s);
    ends.reduce(f64::max).map_or(0.0, |end_s| (doc.run.duration_s - end_s).clamp(0.0, doc.run.duration_s))
}

/// Why the rates of a run cannot be set beside those of others, when they cannot.
pub(super) fn doubtful_rates(doc: &ResultDocument) -> Option<String> {
    let drain_s = older_drain_s(doc);
    (drain_s > 0.0).then(|| {
        format!(
            "the result of an older plimsoll divides rates by {} after the load too",
            number::span(drain_s)
        )
    })
}

/// The totals, then the endpoints, then whole flows, groups and waits. Logins and readiness checks are left out.
pub(super) fn pairs<'a>(sides: &Sides<'a>) -> Vec<Pair<'a>> {
    let docs = || sides.base.iter().chain(sides.new).map(|run| &run.doc);
    let mut keys: Vec<(&str, SeriesKind, &str)> = vec![];
    for doc in docs() {
        for row in &doc.series {
            let key = (row.name.as_str(), row.kind, row.scenario.as_str());
            if !matches!(row.kind, SeriesKind::Auth | SeriesKind::Ready) && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys.sort_by_key(|(_, kind, _)| *kind != SeriesKind::Endpoint);
    let totals = |runs: &[&'a Run]| runs.iter().map(|run| Some(&run.doc.totals)).collect();
    let mut pairs = vec![pair(("", SeriesKind::Total, ""), totals(sides.base), totals(sides.new))];
    for key in keys {
        let of = |run: &&'a Run| {
            run.doc.series.iter().find(|s| (s.name.as_str(), s.kind, s.scenario.as_str()) == key)
        };
        pairs.push(pair(key, sides.base.iter().map(of).collect(), sides.new.iter().map(of).collect()));
    }
    let labels: Vec<String> = pairs.iter().map(|pair| pair.label.clone()).collect();
    for pair in &mut pairs {
        if labels.iter().filter(|label| **label == pair.label).count() > 1 {
            pair.label = format!("{} ({})", pair.label, crate::report::text::clean(&pair.scenario));
        }
    }
    if let Some(words) = docs().find_map(doubtful_rates) {
        let rates = pairs.iter_mut().flat_map(|pair| &mut pair.values);
        for values in rates.filter(|values| values.metric == Metric::Rps) {
            (values.base, values.new) = (vec![], vec![]);
            values.lacks.get_or_insert_with(|| words.clone());
        }
    }
    pairs
}

fn pair<'a>(
    (name, kind, scenario): (&str, SeriesKind, &str),
    base: Vec<Option<&'a Series>>,
    new: Vec<Option<&'a Series>>,
) -> Pair<'a> {
    let any = base.iter().chain(&new).copied().flatten().next();
    let note = match (base.iter().flatten().next(), new.iter().flatten().next()) {
        (None, _) => Some("only in the new runs".to_owned()),
        (_, None) => Some("only in the base runs".to_owned()),
        _ if base.iter().chain(&new).any(Option::is_none) => Some("not in all runs".to_owned()),
        _ => None,
    };
    let [base, new] = [base, new].map(|rows| match note {
        None => rows.into_iter().flatten().collect(),
        Some(_) => vec![],
    });
    let values =
        if note.is_none() { METRICS.map(|metric| values(metric, &base, &new)).into() } else { vec![] };
    let label = match kind {
        SeriesKind::Total => "All requests".to_owned(),
        _ => any.map(|series| tables::row(series).label).unwrap_or_default(),
    };
    Pair { name: name.to_owned(), label, kind, scenario: scenario.to_owned(), base, new, note, values }
}

fn values(metric: Metric, base: &[&Series], new: &[&Series]) -> Values {
    let mut values = Values { metric, base: vec![], new: vec![], lacks: None, told: None };
    let of = |rows: &[&Series]| rows.iter().map(|row| value(metric, row)).collect::<Option<Vec<_>>>();
    if let (Some(base), Some(new)) = (of(base), of(new)) {
        (values.base, values.new) = (base, new);
    }
    let needed = needed(metric);
    let count = |rows: &[&Series]| rows.iter().map(|row| row.requests).sum::<u64>();
    let (side, has) =
        [("base", count(base)), ("new", count(new))].into_iter().min_by_key(|(_, n)| *n).unwrap_or_default();
    if values.base.is_empty() || has < needed {
        values.lacks = Some(format!("needs {needed} samples a side; {side} has {has}"));
    }
    values
}

/// The share a percentile stands for.
pub(super) fn quantile(metric: Metric) -> Option<f64> {
    match metric {
        Metric::P50 => Some(0.5),
        Metric::P95 => Some(0.95),
        Metric::P99 => Some(0.99),
        Metric::Mean | Metric::ErrorRatio | Metric::Rps => None,
    }
}

fn needed(metric: Metric) -> u64 {
    quantile(metric).map_or(FEWEST, |q| (IN_TAIL / (1.0 - q)).round() as u64)
}

fn value(metric: Metric, row: &Series) -> Option<f64> {
    let latency = row.latency_us.as_ref().filter(|latency| latency.count > 0);
    match metric {
        Metric::P50 => latency.map(|latency| latency.p50 as f64),
        Metric::P95 => latency.map(|latency| latency.p95 as f64),
        Metric::P99 => latency.map(|latency| latency.p99 as f64),
        Metric::Mean => latency.map(|latency| latency.mean),
        Metric::ErrorRatio => row.error_ratio,
        Metric::Rps => (row.requests > 0).then_some(row.rps),
    }
}
