//! What an earlier run says about the metric of a threshold: the value that `baseline` stands for. Computed as the
//! threshold itself is, of the rows it is about. Must not judge.

use hdrhistogram::Histogram;

use crate::metric::Phase;
use crate::report::hdr::decoded;
use crate::report::model::{Distribution, ResultDocument, Series, SeriesKind};
use crate::report::number::plural;
use crate::report::text::clean;
use crate::threshold::{Metric, Stat, Threshold};

use super::rows::doubtful_rates;

/// What a threshold is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Its rows; all endpoints together when absent.
    pub rows: Option<Vec<Key>>,
    /// The scenario whose iterations and arrivals count; of all when absent.
    pub scenario: Option<String>,
}

/// A row of the result.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Key {
    pub name: String,
    pub kind: SeriesKind,
    pub scenario: String,
}

/// The value of the threshold's metric in an earlier run, in the metric's unit, and the samples behind it.
///
/// # Errors
/// In words, when the run has no such row, or too few samples for a value.
pub fn value(doc: &ResultDocument, scope: &Scope, threshold: &Threshold) -> Result<(f64, u64), String> {
    let rows = rows(doc, scope)?;
    let (value, samples) = observe(doc, scope, &rows, threshold.metric)?;
    let needed = threshold.min_samples.unwrap_or(threshold.metric.min_samples());
    match value {
        Some(value) if samples >= needed && value.is_finite() => Ok((value, samples)),
        _ => Err(format!(
            "the baseline has {}, and this needs {needed}: make it with a longer run",
            plural(samples, "sample")
        )),
    }
}

fn rows<'d>(doc: &'d ResultDocument, scope: &Scope) -> Result<Vec<&'d Series>, String> {
    let Some(keys) = &scope.rows else { return Ok(vec![&doc.totals]) };
    let of = |key: &Key| {
        let is_it =
            |row: &&Series| row.name == key.name && row.kind == key.kind && row.scenario == key.scenario;
        let lacks = || format!("the baseline has no row \"{}\"; make a new one", clean(&key.name));
        doc.series.iter().find(is_it).ok_or_else(lacks)
    };
    keys.iter().map(of).collect()
}

/// The value and its samples.
fn observe(
    doc: &ResultDocument,
    scope: &Scope,
    rows: &[&Series],
    metric: Metric,
) -> Result<(Option<f64>, u64), String> {
    let sum = |of: fn(&Series) -> u64| total(rows.iter().map(|row| of(row)));
    let requests = sum(|row| row.requests);
    let share = |part: u64| (requests > 0).then(|| part as f64 / requests as f64);
    Ok(match metric {
        Metric::Time { phase, stat } => {
            let all: Vec<_> = rows.iter().filter_map(|row| times(row, phase)).collect();
            let count = total(all.iter().map(|times| times.count));
            (statistic(&all, stat)?.map(|us| us / 1e6), count)
        }
        Metric::Requests => (Some(requests as f64), requests),
        Metric::Failures => (Some(sum(|row| row.failures) as f64), requests),
        Metric::Errors => (share(sum(|row| row.failures)), requests),
        Metric::Status(from, to) => {
            let is_it = |status: &str| status.parse().is_ok_and(|status: u16| (from..=to).contains(&status));
            let seen = rows.iter().flat_map(|row| &row.status).filter(|(status, _)| is_it(status));
            (share(total(seen.map(|(_, count)| *count))), requests)
        }
        Metric::Rps => (Some(rate(doc, rows)?), requests),
        Metric::Checks => {
            let counts: Vec<_> = rows.iter().filter_map(|row| row.checks).collect();
            let held = total(counts.iter().map(|row| row.held));
            let all = total(counts.iter().map(|row| row.failed).chain([held]));
            ((all > 0).then(|| held as f64 / all as f64), all)
        }
        Metric::Iterations => (Some(counted(doc, scope, Counted::Iterations)? as f64), requests),
        Metric::Dropped => (Some(counted(doc, scope, Counted::Dropped)? as f64), requests),
    })
}

/// Requests a second of all rows together, over the load of their scenarios: not simply the sum of their rates, which divide
/// by loads of other lengths where there are several scenarios.
fn rate(doc: &ResultDocument, rows: &[&Series]) -> Result<f64, String> {
    if let Some(words) = doubtful_rates(doc) {
        return Err(format!("{words}; make a new baseline"));
    }
    if let [only] = rows {
        return Ok(only.rps);
    }
    let whole_s = doc.run.load_s_of(|scenario| rows.iter().any(|row| row.scenario == scenario));
    let share = |row: &&Series| {
        let own_s = doc.run.load_s_of(|scenario| scenario == row.scenario);
        own_s.zip(whole_s).map_or(1.0, |(own_s, whole_s)| own_s / whole_s)
    };
    Ok(rows.iter().map(|row| row.rps * share(row)).sum())
}

/// A sum that a hostile file cannot overflow.
fn total(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

enum Counted {
    Iterations,
    Dropped,
}

/// What is counted by scenario; a plan of one scenario counts it for the whole.
fn counted(doc: &ResultDocument, scope: &Scope, what: Counted) -> Result<u64, String> {
    let all = &doc.accounting;
    let lacks = || "the baseline does not count this; make a new one".to_owned();
    let (iterations, arrivals) = match &scope.scenario {
        Some(name) if !all.scenarios.is_empty() => {
            let of = all.scenarios.get(name).ok_or_else(lacks)?;
            (of.iterations, of.arrivals)
        }
        _ => (all.iterations, all.arrivals),
    };
    match what {
        Counted::Iterations => Ok(iterations),
        Counted::Dropped => arrivals.map(|arrivals| arrivals.dropped).ok_or_else(lacks),
    }
}

/// Times of a row: latency, or a phase.
fn times(row: &Series, phase: Option<Phase>) -> Option<&Distribution> {
    let times = match phase {
        None => &row.latency_us,
        Some(Phase::Wait) => &row.wait_us,
        Some(Phase::Dns) => &row.dns_us,
        Some(Phase::Connect) => &row.connect_us,
        Some(Phase::Tls) => &row.tls_us,
        Some(Phase::Send) => &row.send_us,
        Some(Phase::Ttfb) => &row.ttfb_us,
        Some(Phase::Receive) => &row.receive_us,
        Some(Phase::Service) => &row.service_us,
    };
    times.as_ref().filter(|times| times.count > 0)
}

/// Of several rows together, µs; `None` without times.
fn statistic(all: &[&Distribution], stat: Stat) -> Result<Option<f64>, String> {
    if all.is_empty() {
        return Ok(None);
    }
    let count = all.iter().map(|times| times.count as f64).sum::<f64>();
    let mean = all.iter().map(|times| times.mean * times.count as f64).sum::<f64>() / count;
    let min = all.iter().map(|times| times.min).min().unwrap_or_default();
    let max = all.iter().map(|times| times.max).max().unwrap_or_default();
    Ok(Some(match stat {
        Stat::Avg => mean,
        Stat::Min => min as f64,
        Stat::Max => max as f64,
        Stat::Stddev => {
            let square = |times: &&Distribution| times.stddev.powi(2) + (times.mean - mean).powi(2);
            let squares = all.iter().map(|times| square(times) * times.count as f64).sum::<f64>();
            (squares / count).sqrt()
        }
        Stat::Percentile(q) => {
            let merged = merged(all).ok_or("a histogram of the baseline is damaged; make a new one")?;
            merged.value_at_quantile(q).clamp(min, max.max(min)) as f64
        }
    }))
}

fn merged(all: &[&Distribution]) -> Option<Histogram<u64>> {
    let mut histograms = all.iter().map(|times| decoded(times));
    let mut merged = histograms.next()??;
    merged.auto(true);
    for histogram in histograms {
        merged.add(histogram?).ok()?;
    }
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::threshold::parse;

    fn scope(name: &str) -> Scope {
        let key = Key { name: name.into(), kind: SeriesKind::Endpoint, scenario: "default".into() };
        Scope { rows: Some(vec![key]), scenario: None }
    }

    const WHOLE: Scope = Scope { rows: None, scenario: None };

    #[test]
    fn what_the_run_does_not_say_is_told() {
        let doc = fixture::failing();
        let told = |scope: &Scope, text: &str| value(&doc, scope, &parse(text).unwrap());
        assert_eq!(told(&WHOLE, "requests > baseline"), Ok((4558.0, 4558)));
        assert!(told(&scope("health"), "max < baseline").is_ok());
        for (scope, text, words) in [
            (scope("nobody"), "avg < baseline", "the baseline has no row \"nobody\""),
            (scope("health"), "p95 < baseline", "a histogram of the baseline is damaged"),
            (scope("health"), "tls.p95 < baseline", "the baseline has 0 samples, and this needs 72"),
            (WHOLE, "checks > baseline", "the baseline has 0 samples, and this needs 1:"),
            (WHOLE, "dropped <= baseline", "the baseline does not count this"),
        ] {
            let error = told(&scope, text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn hostile_numbers_break_nothing() {
        let mut doc = fixture::failing();
        for row in &mut doc.series {
            (row.requests, row.failures, row.rps) = (u64::MAX, u64::MAX, f64::MAX);
            row.status.insert("200".into(), u64::MAX);
            row.status.insert("999999".into(), u64::MAX);
            if let Some(times) = &mut row.latency_us {
                (times.count, times.min, times.max, times.mean) = (u64::MAX, u64::MAX, 0, f64::MAX);
            }
        }
        let keys = doc.series.iter().map(|row| Key {
            name: row.name.clone(),
            kind: row.kind,
            scenario: row.scenario.clone(),
        });
        let scope = Scope { rows: Some(keys.collect()), scenario: Some("x".into()) };
        let metrics =
            ["p50", "avg", "min", "max", "stddev", "requests", "errors", "rps", "checks", "status.2xx"];
        for metric in metrics {
            let finite = value(&doc, &scope, &parse(&format!("{metric} < baseline")).unwrap());
            assert!(finite.is_err() || finite.is_ok_and(|(value, _)| value.is_finite()), "{metric}");
        }
    }
}
