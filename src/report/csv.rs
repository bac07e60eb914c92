//! Locust's four CSV files, with its names, columns, order and line ends, so that what reads Locust's reads these.
//! Times are in ms; percentiles are whole ones, as Locust writes them. What is unknown is `N/A`. Must not write files.

mod history;

use ::csv::{Terminator, WriterBuilder};

use super::ReportError;
use super::model::{Distribution, ResultDocument, Series, SeriesKind};
use super::tables::PERCENTILES;

/// Stands where Locust has no number.
const NOT_AVAILABLE: &str = "N/A";

/// Columns before the percentiles in `_stats.csv`.
const STATS: [&str; 11] = [
    "Type",
    "Name",
    "Request Count",
    "Failure Count",
    "Median Response Time",
    "Average Response Time",
    "Min Response Time",
    "Max Response Time",
    "Average Content Size",
    "Requests/s",
    "Failures/s",
];
const FAILURE_COLUMNS: [&str; 6] = ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"];
const EXCEPTIONS: [&str; 4] = ["Count", "Message", "Traceback", "Nodes"];

/// The file that quotes answers.
pub const FAILURES: &str = "_failures.csv";

/// What one file is called behind the prefix, and how its text is made.
pub type File = (&'static str, fn(&ResultDocument) -> Result<String, ReportError>);

/// The files, as Locust names them; with the history of each endpoint or of all together alone.
pub fn files(with_full_history: bool) -> [File; 4] {
    let history = if with_full_history { history::full } else { history::short };
    [
        ("_stats.csv", stats),
        ("_stats_history.csv", history),
        (FAILURES, failures),
        ("_exceptions.csv", exceptions),
    ]
}

/// One row for each endpoint that had requests, then `Aggregated`.
fn stats(doc: &ResultDocument) -> Result<String, ReportError> {
    let is_row = |series: &&Series| series.kind == SeriesKind::Endpoint && series.requests > 0;
    let rows = doc.series.iter().filter(is_row).map(|series| (method(series), name(series), series));
    let rows = rows.chain([(String::new(), "Aggregated".to_owned(), &doc.totals)]);
    let header = STATS.into_iter().chain(PERCENTILES);
    table(header, rows.map(|(method, name, series)| stats_row(method, name, series)))
}

fn stats_row(method: String, name: String, series: &Series) -> Vec<String> {
    let latency = series.latency_us.as_ref().filter(|latency| latency.count > 0);
    let mut row = vec![method, name, series.requests.to_string(), series.failures.to_string()];
    row.push(whole_ms(latency.map(|latency| latency.p50)));
    row.push(exact_ms(latency.map(|latency| latency.mean)));
    row.push(exact_ms(latency.map(|latency| latency.min as f64)));
    row.push(exact_ms(latency.map(|latency| latency.max as f64)));
    row.push(content_size(series));
    row.push(number(series.rps));
    row.push(number(series.failures_per_s));
    row.extend(percentiles(latency));
    row
}

/// One row for each group of failures.
fn failures(doc: &ResultDocument) -> Result<String, ReportError> {
    let started_s = started_s(doc);
    let seen = |after_s: f64| {
        started_s
            .and_then(|s| jiff::Timestamp::from_second(s + after_s.floor() as i64).ok())
            .map_or_else(String::new, |at| at.to_string())
    };
    let rows = doc.failures.iter().map(|group| {
        let of = doc.series.iter().find(|series| series.name == group.series);
        vec![
            of.map_or_else(String::new, method),
            safe(of.map_or(&group.series, |series| &series.name)),
            safe(&format!("{}: {}", group.kind, group.message)),
            group.count.to_string(),
            seen(group.first_s),
            seen(group.last_s),
        ]
    });
    table(FAILURE_COLUMNS, rows)
}

/// A plan holds no code that could raise one: the header alone.
fn exceptions(_: &ResultDocument) -> Result<String, ReportError> {
    table(EXCEPTIONS, std::iter::empty())
}

fn table<'a>(
    header: impl IntoIterator<Item = &'a str>,
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<String, ReportError> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(vec![]);
    writer.write_record(header).map_err(ReportError::Table)?;
    for row in rows {
        writer.write_record(row).map_err(ReportError::Table)?;
    }
    let bytes = writer.into_inner().map_err(|error| ReportError::Table(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn method(series: &Series) -> String {
    safe(series.method.as_deref().unwrap_or_default())
}

fn name(series: &Series) -> String {
    safe(&series.name)
}

/// A text that no spreadsheet takes for a formula.
fn safe(text: &str) -> String {
    let text = super::text::clean(text);
    match text.starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text,
    }
}

fn percentiles(latency: Option<&Distribution>) -> [String; PERCENTILES.len()] {
    let Some(d) = latency else { return [NOT_AVAILABLE; PERCENTILES.len()].map(String::from) };
    [d.p50, d.p66, d.p75, d.p80, d.p90, d.p95, d.p98, d.p99, d.p99_9, d.p99_99, d.max]
        .map(|us| whole_ms(Some(us)))
}

/// Bytes of an answer, on average.
fn content_size(series: &Series) -> String {
    match series.requests {
        0 => NOT_AVAILABLE.to_owned(),
        requests => number(series.bytes_in as f64 / requests as f64),
    }
}

fn whole_ms(us: Option<u64>) -> String {
    us.map_or_else(|| NOT_AVAILABLE.to_owned(), |us| format!("{:.0}", us as f64 / 1e3))
}

fn exact_ms(us: Option<f64>) -> String {
    us.map_or_else(|| NOT_AVAILABLE.to_owned(), |us| number(us / 1e3))
}

/// As Python writes a float: with a decimal point, as many digits as it needs.
fn number(value: f64) -> String {
    match value.is_finite() {
        true => format!("{value:?}"),
        false => NOT_AVAILABLE.to_owned(),
    }
}

fn started_s(doc: &ResultDocument) -> Option<i64> {
    doc.run.started_at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn of(suffix: &str, doc: &ResultDocument) -> Vec<::csv::StringRecord> {
        let (_, render) = files(false).into_iter().find(|(name, _)| *name == suffix).unwrap();
        let text = render(doc).unwrap();
        assert!(text.ends_with("\r\n"));
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.records().map(|record| record.unwrap()).collect()
    }

    #[test]
    fn numbers_are_those_of_the_document() {
        let doc = fixture::failing();
        let rows = of("_stats.csv", &doc);
        let execute = rows.iter().find(|row| &row[1] == "execute agent").unwrap();
        let series = doc.series.iter().find(|series| series.name == "execute agent").unwrap();
        let latency = series.latency_us.as_ref().unwrap();
        assert_eq!((&execute[0], &execute[2], &execute[3]), ("POST", "423", "12"));
        assert_eq!(execute[5].parse::<f64>().unwrap(), latency.mean / 1e3);
        assert_eq!(execute[16], (latency.p95 / 1000).to_string());
        assert_eq!(&rows.last().unwrap()[1], "Aggregated");
        assert_eq!(rows.last().unwrap()[2], doc.totals.requests.to_string());
    }

    #[test]
    fn failures_have_their_words_and_no_formulas() {
        let mut doc = fixture::failing();
        doc.failures[0].series = "=HYPERLINK(\"http://x\")".to_owned();
        let rows = of("_failures.csv", &doc);
        assert_eq!(&rows[1][1], "'=HYPERLINK(\"http://x\")");
        assert_eq!(&rows[1][2], "status: expected 2xx, got 500");
        assert_eq!((&rows[1][3], &rows[1][4]), ("9", "2026-03-02T10:15:06Z"));
        assert_eq!(of("_exceptions.csv", &doc).len(), 1);
    }

    #[test]
    fn nothing_is_never_zero() {
        let rows = of("_stats.csv", &fixture::empty());
        assert_eq!(rows.len(), 2);
        assert!(rows[1].iter().skip(4).take(5).all(|cell| cell == "N/A"), "{:?}", rows[1]);
    }
}
