//! `_stats_history.csv`: the run second by second, of all endpoints together, and with `--csv-full-history` of each. Must
//! not make up what the result does not hold of a second: its own p50, p95 and p99, and no distribution up to it.

use std::collections::BTreeMap;

use super::{NOT_AVAILABLE, content_size, exact_ms, method, name, started_s, table, whole_ms};
use crate::report::ReportError;
use crate::report::model::{Interval, ResultDocument, SHORTEST_RATE_S, Series, SeriesInterval, SeriesKind};
use crate::report::tables::PERCENTILES;

/// Columns before the percentiles.
const BEFORE: [&str; 6] = ["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"];
/// Columns after them.
const AFTER: [&str; 7] = [
    "Total Request Count",
    "Total Failure Count",
    "Total Median Response Time",
    "Total Average Response Time",
    "Total Min Response Time",
    "Total Max Response Time",
    "Total Average Content Size",
];

/// One row a second of all endpoints together, as Locust writes by itself.
pub(super) fn short(doc: &ResultDocument) -> Result<String, ReportError> {
    history(doc, false)
}

/// In each second a row of every endpoint that has had requests by then, then of all together, as Locust writes with
/// `--csv-full-history`.
pub(super) fn full(doc: &ResultDocument) -> Result<String, ReportError> {
    history(doc, true)
}

/// What has been counted up to a second.
#[derive(Clone, Copy, Default)]
struct Counted {
    requests: u64,
    failures: u64,
}

/// What is known of one second of one row.
#[derive(Clone, Copy, Default)]
struct Second {
    /// Requests and failures a second; none in the drain.
    rates: Option<[f64; 2]>,
    /// p50, p95 and p99, µs.
    times: [Option<u64>; 3],
}

fn history(doc: &ResultDocument, with_endpoints: bool) -> Result<String, ReportError> {
    let header = BEFORE.into_iter().chain(PERCENTILES).chain(AFTER);
    let endpoints: Vec<&Series> = doc.series.iter().filter(|s| s.kind == SeriesKind::Endpoint).collect();
    let mut counted: BTreeMap<&str, Counted> = BTreeMap::new();
    let mut all = Counted::default();
    let mut rows = vec![];
    for (at, second) in doc.timeline.iter().enumerate() {
        let is_last = at + 1 == doc.timeline.len();
        let requests: u64 =
            endpoints.iter().filter_map(|s| second.per_series.get(&s.name)).map(|s| s.requests).sum();
        for series in &endpoints {
            let of = second.per_series.get(&series.name);
            if let Some(of) = of {
                let counted = counted.entry(&series.name).or_default();
                counted.requests += of.requests;
                counted.failures += of.failures;
            }
            let Some(so_far) = counted.get(series.name.as_str()).filter(|_| with_endpoints) else { continue };
            let known = Second {
                rates: rates(load_s(doc, second, series, requests), of.as_ref()),
                times: of
                    .filter(|of| of.requests > 0)
                    .map_or([None; 3], |of| [of.p50_us, of.p95_us, of.p99_us].map(Some)),
            };
            let whole = is_last.then_some(*series);
            let label = (method(series), name(series));
            rows.push(row(doc, second, label, known, *so_far, whole));
        }
        let older = || if requests > 0 { requests } else { second.rps.unwrap_or(0.0).round() as u64 };
        all.requests += second.requests.unwrap_or_else(older);
        all.failures += second.failures;
        let known = Second {
            rates: second.rps.zip(second.failures_per_s()).map(|(rps, failures)| [rps, failures]),
            times: [second.p50_us, second.p95_us, second.p99_us],
        };
        let whole = is_last.then_some(&doc.totals);
        rows.push(row(doc, second, (String::new(), "Aggregated".to_owned()), known, all, whole));
    }
    table(header, rows.into_iter())
}

/// Seconds of a second in which the scenario of a row made load. An older result tells only how long it was, by the
/// requests of all rows in it.
fn load_s(doc: &ResultDocument, second: &Interval, series: &Series, requests: u64) -> f64 {
    let end_s = second.at_s as f64;
    let older = || match second.rps {
        Some(rps) if requests > 0 && rps > 0.0 => requests as f64 / rps,
        _ => 1.0,
    };
    doc.run.load_of(&series.scenario).map_or_else(older, |load| load.inside_s(&(end_s - 1.0..end_s)))
}

/// Requests and failures a second of an endpoint; `None` where there is hardly any load.
fn rates(load_s: f64, row: Option<&SeriesInterval>) -> Option<[f64; 2]> {
    let count = |of: fn(&SeriesInterval) -> u64| row.map_or(0, of) as f64 / load_s;
    (load_s >= SHORTEST_RATE_S).then(|| {
        [
            count(|row| row.requests.saturating_sub(row.in_drain.into())),
            count(|row| row.failures.saturating_sub(row.failures_in_drain.into())),
        ]
    })
}

/// `whole` is what the result says of all of the run, for the last row.
fn row(
    doc: &ResultDocument,
    second: &Interval,
    (method, name): (String, String),
    known: Second,
    so_far: Counted,
    whole: Option<&Series>,
) -> Vec<String> {
    let started_s = started_s(doc);
    let mut row = vec![
        started_s
            .map_or_else(|| NOT_AVAILABLE.to_owned(), |s| s.saturating_add_unsigned(second.at_s).to_string()),
        second.users.to_string(),
        method,
        name,
    ];
    let rate =
        |at: usize| known.rates.map_or_else(|| NOT_AVAILABLE.to_owned(), |rates| format!("{:.6}", rates[at]));
    row.extend([rate(0), rate(1)]);
    let columns = ["50%", "95%", "99%"].into_iter().zip(known.times);
    let of = |column: &str| columns.clone().find(|(known, _)| *known == column).and_then(|(_, us)| us);
    row.extend(PERCENTILES.iter().map(|column| whole_ms(of(column))));
    row.extend([so_far.requests.to_string(), so_far.failures.to_string()]);
    // A warm-up is in the seconds and in no total.
    let whole = whole.filter(|whole| whole.requests == so_far.requests);
    let latency = whole.and_then(|whole| whole.latency_us.as_ref()).filter(|latency| latency.count > 0);
    row.push(whole_ms(latency.map(|latency| latency.p50)));
    row.push(exact_ms(latency.map(|latency| latency.mean)));
    row.push(exact_ms(latency.map(|latency| latency.min as f64)));
    row.push(exact_ms(latency.map(|latency| latency.max as f64)));
    row.push(whole.map_or_else(|| NOT_AVAILABLE.to_owned(), content_size));
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::model::ScenarioLoad;

    fn records(text: &str) -> Vec<::csv::StringRecord> {
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.records().map(|record| record.unwrap()).collect()
    }

    #[test]
    fn each_second_counts_on() {
        let doc = fixture::failing();
        let rows = records(&short(&doc).unwrap());
        assert_eq!(rows.len(), 1 + doc.timeline.len());
        assert_eq!(&rows[1][0], "1772446501");
        let failures: u64 = doc.timeline.iter().map(|second| second.failures).sum();
        assert_eq!(rows.last().unwrap()[18], failures.to_string());
        // The target paused: no percentiles, and no lie.
        assert_eq!(&rows[61][6], "N/A");
    }

    #[test]
    fn the_full_history_has_a_row_for_each_endpoint_that_has_begun() {
        let mut doc = fixture::failing();
        doc.series.retain(|series| series.kind == SeriesKind::Endpoint);
        doc.series[0].name = "=late".to_owned();
        let (late, other) = (doc.series[0].clone(), doc.series[1].name.clone());
        doc.timeline.truncate(3);
        for (at, second) in doc.timeline.iter_mut().enumerate() {
            let row = |requests, failures| SeriesInterval {
                requests,
                failures,
                p50_us: 10_000,
                p95_us: 20_000,
                p99_us: 30_000,
                ..SeriesInterval::default()
            };
            let late = (at == 1).then(|| ("=late", row(2, 0)));
            let rows: Vec<_> = [(other.as_str(), row(8, 1))].into_iter().chain(late).collect();
            second.rps = Some(rows.iter().map(|(_, row)| row.requests).sum::<u64>() as f64);
            second.per_series = rows.into_iter().collect();
            second.failures = 1;
        }
        // Half a second of load at the end, and 3 requests of the drain: the others at twice the rate.
        doc.timeline[2] =
            Interval { load_s: Some(0.5), rps: Some(10.0), in_drain: 3, ..doc.timeline[2].clone() };
        let row = doc.timeline[2].per_series.get(&other).unwrap();
        doc.timeline[2].per_series =
            [(other.as_str(), SeriesInterval { in_drain: 3, ..row })].into_iter().collect();
        let load =
            ScenarioLoad { scenario: late.scenario.clone(), from_s: 0.0, measured_from_s: 0.0, to_s: 2.5 };
        doc.run.loads = vec![load];
        doc.series[0].requests = 2;
        let rows = records(&full(&doc).unwrap());
        let names: Vec<_> = rows[1..].iter().map(|row| row[3].to_owned()).collect();
        assert_eq!(
            names,
            [&other, "Aggregated", "'=late", &other, "Aggregated", "'=late", &other, "Aggregated"]
        );
        let cells_of =
            |row: &::csv::StringRecord, columns: [usize; 4]| columns.map(|column| row[column].to_owned());
        let cells = |row: usize, columns| cells_of(&rows[row], columns);
        let rate_and_counts = [4, 5, 17, 18];
        assert_eq!(cells(4, rate_and_counts), ["8.000000", "1.000000", "16", "2"]);
        assert_eq!(cells(7, rate_and_counts), ["10.000000", "2.000000", "24", "3"]);
        assert_eq!(cells(8, rate_and_counts), ["10.000000", "2.000000", "26", "3"]);
        // Nothing in its last second; its totals are those of the run.
        assert_eq!(cells(6, rate_and_counts), ["0.000000", "0.000000", "2", "0"]);
        assert_eq!(cells(6, [6, 11, 13, 16]), ["N/A"; 4]);
        assert_eq!(cells(4, [6, 11, 13, 8]), ["10", "20", "30", "N/A"]);
        let latency = late.latency_us.unwrap();
        assert_eq!(rows[6][19], (latency.p50 / 1000).to_string());
        assert_eq!(rows[6][22].parse::<f64>().unwrap(), latency.max as f64 / 1e3);
        assert!(rows[..6].iter().skip(1).all(|row| &row[19] == "N/A"), "only the end is known");
        doc.timeline[2] = Interval { load_s: Some(0.0), rps: None, in_drain: 8, ..doc.timeline[2].clone() };
        doc.run.loads[0].to_s = 2.0;
        let drained = records(&full(&doc).unwrap());
        assert_eq!(cells_of(&drained[7], rate_and_counts), ["N/A", "N/A", "24", "3"]);
        assert_eq!(cells_of(&drained[8], rate_and_counts), ["N/A", "N/A", "26", "3"]);
        assert_eq!(&rows[8][19], "N/A", "these seconds are not what the result has in all");
    }
}
