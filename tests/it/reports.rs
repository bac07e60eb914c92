//! Every report of one run says the same numbers, each read by a parser of its format; what is rendered again from the
//! result is the same, and a CI system is told what broke.

use std::collections::BTreeMap;

use crate::support::fault_server::FaultServer;
use crate::support::{Running, Scratch, count, plimsoll, reports, row};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::Value;

const PLAN: &str = r#"
plan: 1
name: "all | reports @team"
target: "URL"
endpoints:
  fine: { request: GET /ok, weight: 3, thresholds: [p95 < 10s, requests > 110] }
  "broken, \"odd\" | name": { request: GET /echo-400, weight: 1, thresholds: [errors < 50%] }
load: { users: 2, iterations: 120 }
thresholds: [{ that: errors < 1%, level: warn }]
"#;

fn text(scratch: &Scratch, name: &str) -> String {
    std::fs::read_to_string(scratch.path(name)).unwrap()
}

fn csv_rows(scratch: &Scratch, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = text(scratch, name);
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| row.unwrap()).collect()
}

#[test]
fn all_of_them_say_the_same() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let summary = scratch.write("summary.md", "before\n");
    let workflow = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
    let flags = reports::flags(&scratch);
    let arguments: Vec<&str> = flags.iter().map(String::as_str).chain(["--csv-full-history"]).collect();
    let ran = scratch.run_with(&PLAN.replace("URL", &server.url), &arguments, &workflow);
    ran.done.assert_code(1);
    let result = &ran.result;
    let (fine, broken) = (row(result, "fine"), row(result, "broken, \"odd\" | name"));
    assert!(count(&broken["failures"]) > 0 && count(&fine["requests"]) > 0);

    check_csv(&scratch, result);
    check_junit(&scratch, result);
    check_histograms(&scratch, result);
    let markdown = text(&scratch, "report.md");
    for row in [fine, broken] {
        let cells = format!("| {} | {} |", row["requests"], row["failures"]);
        assert!(markdown.contains(&cells), "{cells} is not in {markdown}");
    }
    assert_eq!(text(&scratch, "summary.md"), format!("before\n{markdown}\n"), "a step's text stays");

    // The lines of the plan where the missed thresholds stand.
    let plan = scratch.path("plan.yaml").display().to_string();
    for (severity, line, words) in
        [("error", 6, "requests > 110"), ("error", 7, "errors < 50%25"), ("warning", 9, "errors < 1%25")]
    {
        let shown = ran.done.stderr.lines().find(|shown| shown.starts_with("::") && shown.contains(words));
        let shown = shown.unwrap_or_else(|| panic!("{words}: {}", ran.done.stderr));
        assert!(shown.starts_with(&format!("::{severity} file={plan},line={line},title=")), "{shown}");
    }
    rendered_again_it_is_the_same(&scratch, &arguments);
}

fn check_csv(scratch: &Scratch, result: &Value) {
    let rows = csv_rows(scratch, "report_stats.csv");
    let endpoints = result["series"].as_array().unwrap().iter().filter(|row| row["kind"] == "endpoint");
    let expected: Vec<&Value> = endpoints.chain([&result["totals"]]).collect();
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(expected) {
        let latency = &expected["latency_us"];
        let number =
            |column: &str| row[column].parse::<f64>().unwrap_or_else(|_| panic!("{column}: {row:?}"));
        let us = |name: &str| latency[name].as_f64().unwrap();
        assert_eq!(row["Request Count"], expected["requests"].to_string());
        assert_eq!(row["Failure Count"], expected["failures"].to_string());
        for (column, name) in
            [("Average Response Time", "mean"), ("Min Response Time", "min"), ("Max Response Time", "max")]
        {
            assert!((number(column) - us(name) / 1e3).abs() < 1e-9, "{column}: {row:?}");
        }
        for (column, name) in [("50%", "p50"), ("95%", "p95"), ("99.9%", "p99_9"), ("100%", "max")] {
            assert!((number(column) - us(name) / 1e3).abs() <= 0.5, "{column}: {row:?}");
        }
        assert_eq!(number("Requests/s"), expected["rps"].as_f64().unwrap());
    }
    assert_eq!(rows.last().unwrap()["Name"], "Aggregated");
    check_history(scratch, result);
    let failures = csv_rows(scratch, "report_failures.csv");
    let told: u64 = failures.iter().map(|row| row["Occurrences"].parse::<u64>().unwrap()).sum();
    assert_eq!(told, count(&result["totals"]["failures"]));
    assert!(csv_rows(scratch, "report_exceptions.csv").is_empty());
}

/// Second by second, of each endpoint too: what is counted at the end is what the result has.
fn check_history(scratch: &Scratch, result: &Value) {
    let history = csv_rows(scratch, "report_stats_history.csv");
    let of = |name: &str| history.iter().filter(|row| row["Name"] == name).collect::<Vec<_>>();
    let seconds = result["timeline"].as_array().unwrap().len();
    assert_eq!(of("Aggregated").len(), seconds);
    let broken = "broken, \"odd\" | name";
    for (name, expected) in
        [("fine", row(result, "fine")), (broken, row(result, broken)), ("Aggregated", &result["totals"])]
    {
        let rows = of(name);
        assert!((1..=seconds).contains(&rows.len()), "{name}");
        let last = rows.last().unwrap();
        for (column, field) in [("Total Request Count", "requests"), ("Total Failure Count", "failures")] {
            assert_eq!(last[column], expected[field].to_string(), "{name}");
        }
        let mean = last["Total Average Response Time"].parse::<f64>().unwrap();
        assert!((mean - expected["latency_us"]["mean"].as_f64().unwrap() / 1e3).abs() < 1e-9);
        assert!(rows[..rows.len() - 1].iter().all(|row| row["Total Average Response Time"] == "N/A"));
    }
    assert_eq!(of("fine").len() + of(broken).len() + seconds, history.len());
}

fn check_junit(scratch: &Scratch, result: &Value) {
    let report = Report::deserialize_from_str(&text(scratch, "report.xml")).unwrap();
    let cases: Vec<_> = report.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
    let of = |list: &str| result[list].as_array().unwrap().len();
    assert_eq!(cases.len(), 1 + of("thresholds") + of("failures"));
    let failed = |kind: NonSuccessKind| {
        let is_it = |status: &TestCaseStatus| matches!(status, TestCaseStatus::NonSuccess { kind: of, .. } if *of == kind);
        cases.iter().filter(|case| is_it(&case.status)).map(|case| case.name.as_str()).collect::<Vec<_>>()
    };
    assert!(failed(NonSuccessKind::Error).is_empty());
    let failed = failed(NonSuccessKind::Failure);
    assert_eq!(failed[..2], ["fine: requests > 110", "broken, \"odd\" | name: errors < 50%"], "{failed:?}");
    assert_eq!(failed.len(), 2 + of("failures"), "{failed:?}");
}

/// The log's histograms are the result's, and the table of percentiles ends with the largest.
fn check_histograms(scratch: &Scratch, result: &Value) {
    let log = text(scratch, "report.hlog");
    let lines: Vec<&str> = log.lines().filter(|line| !line.starts_with(['#', '"'])).collect();
    let tagged = lines.iter().find(|line| line.starts_with("Tag=fine,")).unwrap();
    for (line, row) in [(lines[0], &result["totals"]), (tagged, row(result, "fine"))] {
        let base64 = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            line.rsplit(',').next().unwrap(),
        );
        let histogram: Histogram<u64> =
            Deserializer::new().deserialize(&mut base64.unwrap().as_slice()).unwrap();
        assert_eq!(histogram.len(), count(&row["latency_us"]["count"]));
    }
    let table = text(scratch, "report.hgrm");
    let steps: Vec<Vec<f64>> = table
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().map(|cell| cell.parse().unwrap()).collect())
        .collect();
    let latency = &result["totals"]["latency_us"];
    let last = steps.last().unwrap();
    assert_eq!((last[1], last[2]), (1.0, latency["count"].as_f64().unwrap()));
    assert!((last[0] - latency["max"].as_f64().unwrap() / 1e3).abs() < 1e-3);
    let (below, above): (Vec<_>, Vec<_>) = steps.iter().partition(|step| step[1] < 0.95);
    let p95 = latency["p95"].as_f64().unwrap() / 1e3;
    assert!(below.last().unwrap()[0] <= p95 + 1e-3 && above[0][0] >= p95 - 1e-3, "{p95}: {table}");
    assert!(steps.windows(2).all(|pair| pair[0][0] <= pair[1][0] && pair[0][2] <= pair[1][2]), "{table}");
}

fn rendered_again_it_is_the_same(scratch: &Scratch, arguments: &[&str]) {
    let before = reports::FILES.map(|name| text(scratch, name));
    reports::FILES.iter().for_each(|name| std::fs::remove_file(scratch.path(name)).unwrap());
    let mut command = plimsoll();
    command.arg("report").arg(scratch.path("result.json")).args(arguments);
    Running::start(command).finish().assert_code(0);
    for (name, before) in reports::FILES.iter().zip(before) {
        assert!(text(scratch, name) == before, "{name} is not the same");
    }
}

#[test]
fn standard_output_belongs_to_the_report() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let ran = scratch.run(&PLAN.replace("URL", &server.url), &["--markdown", "-"]);
    assert!(ran.done.stdout.starts_with("## ✗ `all | reports @team`\n"), "{}", ran.done.stdout);
    assert!(ran.done.stderr.contains("· exit 1"), "{}", ran.done.stderr);
    let mut command = plimsoll();
    command.arg("report").arg(scratch.path("result.json")).args(["--junit", "-"]);
    let done = Running::start(command).finish();
    assert!(Report::deserialize_from_str(&done.stdout).is_ok(), "{}", done.stdout);
}

#[test]
fn flags_that_make_no_sense_are_refused_before_the_run() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = PLAN.replace("URL", &server.url);
    for (arguments, words) in [
        (vec!["--hdr", "x.txt"], "--hdr x.txt: name it .hgrm"),
        (vec!["--html", "same", "--markdown", "same"], "--html and --markdown name the same file"),
        (vec!["--csv-full-history"], "--csv-full-history needs --csv PREFIX"),
        (vec!["--csv", "p", "--junit", "p_stats.csv"], "--junit and --csv name the same file"),
    ] {
        let ran = scratch.run(&plan, &arguments);
        ran.done.assert_code(2);
        assert!(ran.done.stderr.contains(words), "{}", ran.done.stderr);
    }
    assert_eq!(server.log.all().len(), 0);
}
