//! `_stats_history.csv`: the run second by second, of all endpoints together, and with `--csv-full-history` of each. Must
//! not make up what the result does not hold of a second: its own p50, p95 and p99, and no distribution up to it.

use std::collections::BTreeMap;

use super::{NOT_AVAILABLE, content_size, exact_ms, method, name, started_s, table, whole_ms};
use crate::report::ReportError;
use crate::report::model::{Interval, ResultDocument, Series, SeriesKind};
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
    rate: f64,
    failures: u64,
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
        // The last second is seldom a whole one: its rate is what it was, its counts are what they were.
        let share = if requests > 0 { second.rps / requests as f64 } else { 1.0 };
        for series in &endpoints {
            let of = second.per_series.get(&series.name);
            if let Some(of) = of {
                let counted = counted.entry(&series.name).or_default();
                counted.requests += of.requests;
                counted.failures += of.failures;
            }
            let Some(so_far) = counted.get(series.name.as_str()).filter(|_| with_endpoints) else { continue };
            let known = of.filter(|of| of.requests > 0).map(|of| Second {
                rate: of.requests as f64 * share,
                failures: of.failures,
                times: [Some(of.p50_us), Some(of.p95_us), Some(of.p99_us)],
            });
            let whole = is_last.then_some(*series);
            let label = (method(series), name(series));
            rows.push(row(doc, second, label, known.unwrap_or_default(), *so_far, whole));
        }
        all.requests += if requests > 0 { requests } else { second.rps.round() as u64 };
        all.failures += second.failures;
        let known = Second {
            rate: second.rps,
            failures: second.failures,
            times: [second.p50_us, second.p95_us, second.p99_us],
        };
        let whole = is_last.then_some(&doc.totals);
        rows.push(row(doc, second, (String::new(), "Aggregated".to_owned()), known, all, whole));
    }
    table(header, rows.into_iter())
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
        format!("{:.6}", known.rate),
        format!("{:.6}", known.failures as f64),
    ];
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
            let row = |requests, failures| crate::report::model::SeriesInterval {
                requests,
                failures,
                p50_us: 10_000,
                p95_us: 20_000,
                p99_us: 30_000,
            };
            let late = (at == 1).then(|| ("=late", row(2, 0)));
            let rows: Vec<_> = [(other.as_str(), row(8, 1))].into_iter().chain(late).collect();
            second.rps = rows.iter().map(|(_, row)| row.requests).sum::<u64>() as f64;
            second.per_series = rows.into_iter().collect();
            second.failures = 1;
        }
        // Half a second at the end: twice the rate.
        doc.timeline[2].rps *= 2.0;
        doc.series[0].requests = 2;
        let rows = records(&full(&doc).unwrap());
        let names: Vec<_> = rows[1..].iter().map(|row| row[3].to_owned()).collect();
        assert_eq!(
            names,
            [&other, "Aggregated", "'=late", &other, "Aggregated", "'=late", &other, "Aggregated"]
        );
        let cells = |row: usize, columns: [usize; 4]| columns.map(|column| rows[row][column].to_owned());
        let rate_and_counts = [4, 5, 17, 18];
        assert_eq!(cells(4, rate_and_counts), ["8.000000", "1.000000", "16", "2"]);
        assert_eq!(cells(7, rate_and_counts), ["16.000000", "1.000000", "24", "3"]);
        assert_eq!(cells(8, rate_and_counts), ["16.000000", "1.000000", "26", "3"]);
        // Nothing in its last second; its totals are those of the run.
        assert_eq!(cells(6, rate_and_counts), ["0.000000", "0.000000", "2", "0"]);
        assert_eq!(cells(6, [6, 11, 13, 16]), ["N/A"; 4]);
        assert_eq!(cells(4, [6, 11, 13, 8]), ["10", "20", "30", "N/A"]);
        let latency = late.latency_us.unwrap();
        assert_eq!(rows[6][19], (latency.p50 / 1000).to_string());
        assert_eq!(rows[6][22].parse::<f64>().unwrap(), latency.max as f64 / 1e3);
        assert!(rows[..6].iter().skip(1).all(|row| &row[19] == "N/A"), "only the end is known");
        assert_eq!(&rows[8][19], "N/A", "these seconds are not what the result has in all");
    }
}
