//! Thresholds against a server that knows what it did: what counts, where, and what a run comes to.

use crate::support::fault_server::FaultServer;
use crate::support::{Running, Scratch, check_accounting, count, plimsoll};
use serde_json::Value;

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

/// Eight users in a server that is slow for a while, and thresholds.
fn slow_plan(server: &FaultServer, slow: &str, duration: &str, thresholds: &str) -> String {
    format!(
        r#"
plan: 1
target: "{}"
endpoints:
  a: {{ request: GET /slow-from/{slow} }}
think: 20ms
load: {{ users: 8, duration: {duration} }}
thresholds:
{thresholds}
"#,
        server.url
    )
}

#[test]
fn a_window_shows_what_the_whole_run_hides() {
    let server = FaultServer::start();
    // Slow for 2 s of 8 s: with users that wait, hardly a tenth of all requests.
    let plan = slow_plan(
        &server,
        "2000/4000/400",
        "8s",
        "
  - p50 < 300ms
  - { that: p50 < 300ms, over: 1s, min_samples: 5 }
  - { that: p50 < 310ms, for: 1s, min_samples: 5 }
  - { that: p50 < 320ms, for: 6s, min_samples: 5 }
  - { that: p50 < 330ms, over: 2s, min_samples: 100000 }
  - { that: max < 340ms, over: 6s, level: warn }
  - { that: errors < 1%, over: 3s, for: 2s }",
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    assert_eq!(ran.result["run"]["ended"], "completed");
    let all = ran.result["thresholds"].as_array().unwrap();
    let verdicts: Vec<_> = all.iter().map(|t| t["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["pass", "fail", "fail", "pass", "no_data", "warn", "pass"], "{all:?}");
    for slow in [&all[1], &all[2], &all[5]] {
        let window = &slow["worst_window"];
        let [from_s, to_s, observed] = ["from_s", "to_s", "observed"]
            .map(|key| window[key].as_f64().unwrap_or_else(|| panic!("{slow}")));
        assert!(from_s < 6.0 && to_s > 2.0 && from_s < to_s, "{slow}");
        // The server's own delay is the least there can be.
        assert!(observed >= 0.399 && slow["observed"] == window["observed"], "{slow}");
    }
    assert_eq!((&all[1]["over_s"], &all[1]["for_s"]), (&1.into(), &Value::Null));
    assert!(all[0].get("worst_window").is_none() && all[4].get("worst_window").is_none());
    assert!(all[4]["note"].as_str().unwrap().contains("100000 samples in a window of 2 s"), "{}", all[4]);
    let reason = ran.result["reason"].as_str().unwrap();
    assert!(reason.contains("p50 was") && reason.contains(" from "), "{reason}");
    assert!(ran.done.stdout.contains("p50 < 300ms over 1 s"), "{}", ran.done.stdout);
}

#[test]
fn a_broken_window_ends_the_run() {
    let server = FaultServer::start();
    let plan = slow_plan(
        &server,
        "1000/600000/400",
        "60s",
        "  - { that: p50 < 300ms, over: 1s, min_samples: 5, abort: true }",
    );
    let scratch = Scratch::new();
    let page = scratch.path("report.html");
    let ran = scratch.run(&plan, &["--html", page.to_str().unwrap()]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    assert_eq!((&ran.result["run"]["ended"], &ran.result["verdict"]), (&"aborted".into(), &"fail".into()));
    let duration_s = ran.result["run"]["duration_s"].as_f64().unwrap();
    assert!(duration_s < 40.0, "of 60 s: {duration_s}");
    let reason = ran.result["reason"].as_str().unwrap();
    assert!(reason.contains("p50 was") && reason.contains("it ended the run at"), "{reason}");
    // Drained: requests that ran could end.
    let of = |name: &str| count(&ran.result["accounting"][name]);
    assert_eq!((of("interrupted"), of("ok")), (0, server.log.all().len() as u64));
    assert!(ran.done.stderr.contains("ending the run"), "{}", ran.done.stderr);
    assert!(std::fs::read_to_string(page).unwrap().contains("aborted by a threshold"));
    let marks = ran.result["run"]["marks"].as_array().unwrap();
    let abort = marks.iter().find(|mark| mark["kind"] == "abort").unwrap_or_else(|| panic!("{marks:?}"));
    assert!(abort["at_s"].as_f64().unwrap() <= duration_s && abort["label"] == "p50 < 300ms ended the run");
}

#[test]
fn what_the_whole_run_breaks_ends_it_and_stays_broken() {
    let server = FaultServer::start();
    let plan = |level: &str, least: &str| {
        format!(
            r#"
plan: 1
target: "{}"
endpoints:
  good: {{ request: GET /ok, weight: 1 }}
  bad:
    request: GET /once-then-500
    weight: 1
    thresholds: [{{ that: errors < 10%, abort: true, level: {level}, min_samples: {least} }}]
think: 10ms
load: {{ users: 4, duration: 60s }}
"#,
            server.url
        )
    };
    for (level, verdict, code) in [("fail", "fail", 1), ("warn", "warn", 0)] {
        let ran = Scratch::new().run(&plan(level, "20"), &[]);
        ran.done.assert_code(code);
        let result = &ran.result;
        assert_eq!((&result["run"]["ended"], &result["verdict"]), (&"aborted".into(), &verdict.into()));
        assert!(result["run"]["duration_s"].as_f64().unwrap() < 40.0, "{}", result["run"]);
        let errors = threshold(result, "endpoint:bad", "errors < 10%");
        assert_eq!(errors["verdict"], verdict);
        assert!(count(&errors["samples"]) >= 20, "{errors}");
        assert!(errors["note"].as_str().unwrap().starts_with("ended the run at"), "{errors}");
    }
    // Broken, but there is never enough of it to say so: nothing ends early.
    let ran = Scratch::new().run(&plan("fail", "1000000"), &["-t", "2"]);
    assert_eq!(ran.result["run"]["ended"], "completed");
    assert_eq!(threshold(&ran.result, "endpoint:bad", "errors < 10%")["verdict"], "no_data");
}

#[test]
fn thresholds_no_load_can_decide_are_told_before() {
    let scratch = Scratch::new();
    let plan = scratch.write(
        "plan.yaml",
        "
plan: 1
target: http://localhost:1
endpoints: { a: { request: GET / } }
load: { users: 2, iterations_per_user: 20 }
thresholds: [p95 < 1s, p50 < 1s, { that: errors < 1%, min_samples: 50 }]
",
    );
    let mut command = plimsoll();
    command.arg("validate").arg(plan);
    let done = Running::start(command).finish();
    done.assert_code(0);
    assert!(done.stderr.contains("needs 72 samples and the load makes at most 40"), "{}", done.stderr);
    assert!(done.stderr.contains("needs 50 samples and the load makes at most 40"), "{}", done.stderr);
    assert_eq!(done.stderr.matches("warning[P116]").count(), 2, "{}", done.stderr);
}

#[test]
fn a_scenario_is_measured_from_its_own_start_and_after_its_warm_up() {
    let server = FaultServer::start();
    let plan = format!(
        r#"
plan: 1
target: "{}"
endpoints: {{ a: {{ request: GET /ok }} }}
scenarios:
  early:
    load: {{ users: 1, duration: 7s, warmup: 2s }}
    think: 20ms
    thresholds: [{{ that: rps > 0.5/s, over: 2s }}, {{ that: iterations > 0, over: 2s, abort: true }}]
  late:
    load: {{ users: 1, duration: 3s }}
    start_after: 4s
    think: 20ms
    thresholds: [{{ that: rps > 0.5/s, for: 2s, abort: true }}, {{ that: checks == 100%, over: 2s }}]
"#,
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    assert_eq!((&ran.result["run"]["ended"], &ran.result["verdict"]), (&"completed".into(), &"pass".into()));
    for (scope, expression, from_s) in [
        ("scenario:early", "rps > 0.5/s", 2.0),
        ("scenario:early", "iterations > 0", 2.0),
        ("scenario:late", "rps > 0.5/s", 4.0),
    ] {
        let seen = threshold(&ran.result, scope, expression);
        let worst = &seen["worst_window"];
        let [from, to] =
            ["from_s", "to_s"].map(|key| worst[key].as_f64().unwrap_or_else(|| panic!("{seen}")));
        assert!(from >= from_s && to <= 7.0, "{seen}");
    }
    assert!(
        threshold(&ran.result, "scenario:late", "checks == 100%")["worst_window"]["from_s"].as_f64()
            >= Some(4.0)
    );
}
