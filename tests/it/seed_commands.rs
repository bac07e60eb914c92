//! The headless commands of the TempoNest performance tests work with the same flags, spelled the same way:
//! `plimsoll run plans/…` stands where `locust -f …` stood. Only the run time is shorter, and the ports are free
//! ones.

use crate::support::demo::Demo;
use crate::support::{Done, Running, Scratch, plimsoll};

/// Words of the Locust tables people and scripts look for.
const LOCUST_WORDS: [&str; 5] = ["# reqs", "# fails", "Aggregated", "Response time percentiles", "99.9%"];

fn start(demo: &Demo, plan: &str, host: &str, rest: &[&str]) -> Running {
    let mut command = plimsoll();
    command.env("AUTH_URL", &demo.auth).env("AGENTS_URL", &demo.agents).env("RAG_URL", &demo.rag);
    command.arg("run").arg(plan).arg("--allow-invalid").arg(format!("--host={host}")).args(rest);
    Running::start(command)
}

/// A table, a verdict, and an exit code that says the same.
#[track_caller]
fn check(done: &Done, rows: &[&str]) {
    for word in LOCUST_WORDS.iter().chain(rows) {
        assert!(done.stdout.contains(word), "`{word}` is missing:\n{}", done.output());
    }
    let verdict = done.stdout.lines().rfind(|line| line.contains(" — ")).unwrap();
    let expected = if verdict.contains("FAIL") { 1 } else { 0 };
    assert!(["PASS", "WARN", "FAIL"].iter().any(|word| verdict.contains(word)), "{verdict}");
    done.assert_code(expected);
    assert!(verdict.ends_with(&format!("exit {expected}")), "{verdict}");
}

/// A whole page that needs nothing from elsewhere.
#[track_caller]
fn check_html(path: &std::path::Path, rows: &[&str]) {
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    for row in rows {
        assert!(page.contains(row), "`{row}` is missing in the report");
    }
    for outside in ["src=\"http", "href=\"http", "@import"] {
        assert!(!page.contains(outside), "the report loads `{outside}`");
    }
}

#[test]
fn general_load() {
    let (demo, scratch) = (Demo::start(&[]), Scratch::new());
    let plan = "plans/temponest/general.yaml";
    let without_report =
        ["--users", "50", "--spawn-rate", "5", "--run-time", "3s", "--headless", "--no-reports"].as_slice();
    let first = start(&demo, plan, &demo.auth, without_report);
    let page = scratch.path("performance_report.html");
    let html = format!("--html={}", page.display());
    let with_report =
        ["--users", "100", "--spawn-rate", "10", "--run-time", "3s", "--headless", html.as_str()];
    let second = start(&demo, plan, &demo.auth, &with_report);
    let rows = ["health", "list agents", "query documents", "execute agent"];
    check(&first.finish(), &rows);
    check(&second.finish(), &rows);
    check_html(&page, &rows);
}

#[test]
fn scenarios() {
    let (demo, scratch) = (Demo::start(&[]), Scratch::new());
    // The RAG scenario aims at the agents service, which passes queries on, as in the original commands.
    let scenarios = [
        ("agent_execution", &demo.agents, ["20", "2"], "execute agent"),
        ("rag_queries", &demo.agents, ["50", "5"], "query documents"),
        ("api_endpoints", &demo.auth, ["100", "10"], "list agents"),
    ];
    let started = scenarios.map(|(name, host, [users, rate], row)| {
        let page = scratch.path(&format!("{name}_report.html"));
        let html = format!("--html={}", page.display());
        let flags = ["--users", users, "--spawn-rate", rate, "--run-time", "3s", "--headless", html.as_str()];
        (start(&demo, &format!("plans/temponest/{name}.yaml"), host, &flags), page, row)
    });
    for (running, page, row) in started {
        check(&running.finish(), &[row]);
        check_html(&page, &[row]);
    }
    assert!(demo.counters()["POST agents:/query"] > 0, "--host replaced the default target");
}
