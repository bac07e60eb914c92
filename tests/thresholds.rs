//! Thresholds against a server that knows what it did: what counts, where, and what a run comes to.
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

mod support;

use serde_json::Value;
use support::Scratch;
use support::fault_server::FaultServer;

/// The threshold of this scope and expression.
fn threshold<'r>(result: &'r Value, scope: &str, expression: &str) -> &'r Value {
    let all = result["thresholds"].as_array().unwrap_or_else(|| panic!("no result: {result}"));
    let found = all.iter().find(|t| t["scope"] == scope && t["expression"] == expression);
    found.unwrap_or_else(|| panic!("no `{expression}` of {scope}: {all:?}"))
}

#[test]
fn checks_count_every_expectation() {
    let server = FaultServer::start();
    let plan = format!(
        r#"
plan: 1
target: "{}"
endpoints:
  answers:
    request: GET /ok
    expect: [json.items | length > 5, status == 200, json.ok]
    thresholds: [checks > 66%, checks < 67%]
  refuses: {{ request: GET /status/503, thresholds: [checks == 0] }}
  closes:
    request: GET /close-before-headers
    expect: [status == 200, json.ok]
    thresholds: [checks == 0]
load: {{ users: 2, iterations: 60 }}
thresholds: [checks > 1%]
"#,
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    for (scope, expression) in [
        ("endpoint:answers", "checks > 66%"),
        ("endpoint:answers", "checks < 67%"),
        ("endpoint:refuses", "checks == 0"),
        ("endpoint:closes", "checks == 0"),
    ] {
        let seen = threshold(&ran.result, scope, expression);
        assert_eq!(seen["verdict"], "pass", "{seen}");
    }
    let [answers, refuses] = ["/ok", "/status/503"].map(|route| server.log.count(route));
    let closes = 60 - answers - refuses;
    assert!(answers > 0 && refuses > 0 && closes > 0);
    let whole = threshold(&ran.result, "plan", "checks > 1%");
    assert_eq!(whole["samples"], 3 * answers + refuses + 2 * closes);
    let held = whole["observed"].as_f64().unwrap() * whole["samples"].as_f64().unwrap();
    assert!((held - (2 * answers) as f64).abs() < 1e-6, "{whole}");
}
