//! The forms of load end to end: arrivals, saturation, warm-up, scenarios, pacing. What a server saw is what
//! the result says.

use crate::support::fault_server::FaultServer;
use crate::support::{Ran, Scratch, check_accounting, count, requests, row};
use serde_json::Value;

/// Runs a plan with this rest against a server, whose log must agree with the result.
#[track_caller]
fn run(rest: &str, arguments: &[&str]) -> (Ran, FaultServer) {
    let server = FaultServer::start();
    let ran = Scratch::new().run(&format!("plan: 1\ntarget: \"{}\"\n{rest}", server.url), arguments);
    check_accounting(&ran.result);
    let seen = server.log.all().len() as u64;
    let accounting = &ran.result["accounting"];
    let sent = count(&accounting["started"]) + count(&accounting["warmup_requests"]);
    assert_eq!(seen, sent, "requests the server saw: {accounting}");
    (ran, server)
}

/// Arrivals by what became of them, which must add up.
#[track_caller]
fn arrivals(result: &Value) -> (u64, u64, u64, u64) {
    let of = |name: &str| count(&result["accounting"]["arrivals"][name]);
    let all = (of("scheduled"), of("started"), of("dropped"), of("not_started"));
    assert_eq!(all.0, all.1 + all.2 + all.3, "{}", result["accounting"]);
    all
}

#[test]
fn a_rate_sends_exactly_what_the_plan_says() {
    for workers in ["1", "3"] {
        let rest = "endpoints: { a: { request: GET /ok } }\nload: { rate: 200/s, duration: 1500ms }\n";
        let (ran, _) = run(rest, &["--workers", workers]);
        ran.done.assert_code(0);
        assert_eq!(arrivals(&ran.result), (300, 300, 0, 0));
        assert_eq!(ran.result["run"]["model"], "open-constant");
        let offered: f64 =
            ran.result["timeline"].as_array().unwrap().iter().filter_map(|t| t["offered_rps"].as_f64()).sum();
        assert!(offered > 100.0, "the timeline shows what was due: {offered}");
    }
}

#[test]
fn a_ramp_and_a_jump_send_their_integral() {
    let rest = "endpoints: { a: { request: GET /ok } }
load: { stages: [{ duration: 1s, rate: 100/s }, { duration: 0s, rate: 20/s }, { duration: 1s, rate: 20/s }] }
";
    let (ran, _) = run(rest, &[]);
    // 50 on the ramp from 0, 20 after the jump; the boundary belongs to one of them.
    let (scheduled, started, ..) = arrivals(&ran.result);
    assert_eq!((scheduled, started), (70, 70));
}

#[test]
fn the_same_seed_sends_the_same_whatever_the_workers() {
    let rest = "endpoints:
  a: { request: \"GET /ok?n={{ random_int(1, 1000000) }}\", weight: 3 }
  b: { request: \"GET /ok?m={{ random_string(6) }}\", weight: 1 }
load: { rate: 150/s, duration: 1s, arrivals: poisson }
";
    let paths = |workers: &str| {
        let (_, server) = run(rest, &["--seed", "11", "--workers", workers]);
        let mut paths: Vec<_> = server.log.all().into_iter().map(|seen| seen.path).collect();
        paths.sort();
        paths
    };
    let one = paths("1");
    assert!(one.len() > 100, "{}", one.len());
    assert_eq!(one, paths("2"));
}

#[test]
fn saturated_arrivals_wait_and_their_wait_is_latency() {
    // Two users need 150 ms for each of 40 arrivals that all come within the first second.
    let rest = "endpoints: { a: { request: GET /slow/150 } }
load: { rate: 40/s, duration: 1s, max_users: 2, on_saturation: queue }
";
    let (ran, _) = run(rest, &["--workers", "1"]);
    assert_eq!(arrivals(&ran.result), (40, 40, 0, 0));
    let a = row(&ran.result, "a");
    let (latency, service) = (&a["latency_us"], &a["service_us"]);
    // 20 rounds of 150 ms take 3 s; the last arrival was due at 0.975 s.
    assert!(count(&latency["max"]) > 1_800_000, "{latency}");
    assert!(count(&service["p50"]) < count(&latency["p50"]), "{service} {latency}");
    assert!(count(&a["wait_us"]["max"]) > 1_500_000, "{}", a["wait_us"]);
}

#[test]
fn failures_do_not_hide_that_arrivals_were_dropped() {
    let rest = "endpoints: { a: { request: GET /slow/300 }, b: { request: GET /status/500 } }
load: { rate: 100/s, duration: 1s, max_users: 2, on_saturation: drop }
";
    let (ran, _) = run(rest, &["--seed", "1"]);
    assert_eq!(ran.result["verdict"], "warn");
    // A machine that is busy with other things adds that the run is invalid.
    let reason = ran.result["reason"].as_str().unwrap().split("; but the run is INVALID").next().unwrap();
    let place = |words: &str| reason.find(words).unwrap_or_else(|| panic!("{words}: {reason}"));
    assert!(place("arrivals were dropped") < place("; the plan has no thresholds, and "), "{reason}");
    assert!(reason.ends_with(" requests failed") && !reason.contains("saw only the rest"), "{reason}");
}

#[test]
fn saturated_arrivals_are_dropped_when_the_plan_says_so() {
    let rest = "endpoints: { a: { request: GET /slow/300 } }
load: { rate: 100/s, duration: 1s, max_users: 2, on_saturation: drop }
";
    let (ran, _) = run(rest, &["--strict"]);
    // What did get through was fast and right; the load was not the one planned all the same.
    ran.done.assert_code(1);
    assert_eq!(ran.result["verdict"], "warn");
    assert!(
        ran.result["reason"].as_str().unwrap().contains("arrivals were dropped"),
        "{}",
        ran.result["reason"]
    );
    let (scheduled, started, dropped, not_started) = arrivals(&ran.result);
    assert_eq!((scheduled, not_started), (100, 0));
    assert!(dropped > 50 && started >= 2, "{started} started, {dropped} dropped");
    assert_eq!(count(&ran.result["accounting"]["dropped"]), dropped);
}

#[test]
fn a_threshold_says_how_many_may_be_dropped() {
    for (threshold, verdict, code) in [("dropped < 1000", "pass", 0), ("dropped == 0", "fail", 1)] {
        let rest = format!(
            "endpoints: {{ a: {{ request: GET /slow/300 }} }}
load: {{ rate: 100/s, duration: 1s, max_users: 2, on_saturation: drop }}
thresholds: [{threshold}]
"
        );
        let (ran, _) = run(&rest, &["--strict"]);
        ran.done.assert_code(code);
        assert_eq!(ran.result["verdict"], verdict, "{threshold}");
    }
}

#[test]
fn arrivals_that_still_wait_at_the_end_are_not_started() {
    let rest = "endpoints: { a: { request: GET /slow/400 } }
load: { rate: 50/s, duration: 1s, max_users: 1, graceful_stop: 300ms }
";
    let (ran, _) = run(rest, &[]);
    let (scheduled, started, _, not_started) = arrivals(&ran.result);
    assert_eq!(scheduled, 50);
    assert!((1..=6).contains(&started), "{started}");
    assert!(not_started >= 44, "{not_started}");
}

#[test]
fn a_warm_up_has_rows_of_its_own() {
    let rest = "endpoints: { a: { request: GET /ok, thresholds: [requests > 0] } }
flows: { f: { weight: 1, steps: [use: a] } }
think: 20ms
load: { users: 4, duration: 1600ms, warmup: 800ms }
thresholds: [errors < 1%]
";
    let (ran, _) = run(rest, &[]);
    ran.done.assert_code(0);
    let marks = ran.result["run"]["marks"].as_array().unwrap();
    assert_eq!((&marks[0]["kind"], &marks[0]["at_s"]), (&"warmup_end".into(), &0.8.into()), "{marks:?}");
    let warmup = ran.result["warmup"].as_array().unwrap();
    let of = |name: &str| count(&warmup.iter().find(|row| row["name"] == name).unwrap()["requests"]);
    assert!(of("a") > 0 && of("f") > 0, "{warmup:?}");
    assert_eq!(count(&ran.result["accounting"]["warmup_requests"]), of("a"));
    assert!(requests(&ran.result, "a") > 0);
    assert_eq!(requests(&ran.result, "a"), count(&ran.result["accounting"]["started"]));
    assert!(ran.done.stdout.contains("Warm-up"), "{}", ran.done.stdout);
}

#[test]
fn a_run_that_ends_in_its_warm_up_measures_nothing() {
    let rest = "endpoints: { a: { request: GET /ok } }\nload: { users: 2, iterations: 6, warmup: 20s }\n";
    let (ran, _) = run(rest, &[]);
    ran.done.assert_code(1);
    let reason = "not one request was sent after the warm-up, in which there were 6";
    assert!(ran.done.stdout.contains(reason), "{}", ran.done.stdout);
    assert_eq!(count(&ran.result["accounting"]["warmup_requests"]), 6);
}

#[test]
fn scenarios_run_side_by_side_with_rows_of_their_own() {
    let rest = "endpoints: { a: { request: GET /ok, thresholds: [errors < 1%] } }
scenarios:
  browse: { load: { users: 2, iterations_per_user: 5 } }
  spike:
    load: { rate: 50/s, duration: 400ms }
    start_after: 300ms
    endpoints: { b: { request: GET /ok?b } }
    flows: { f: { weight: 1, steps: [use: a, use: b] } }
    thresholds: [requests == 40, iterations == 20]
";
    let (ran, server) = run(rest, &[]);
    ran.done.assert_code(0);
    assert_eq!(requests(&ran.result, "browse/a"), 10);
    assert_eq!((requests(&ran.result, "spike/a"), requests(&ran.result, "spike/b")), (20, 20));
    assert_eq!(row(&ran.result, "spike/b")["scenario"], "spike");
    assert_eq!(ran.result["run"]["model"], "mixed");
    assert_eq!(server.log.count("/ok"), 50);
    let scopes: Vec<_> =
        ran.result["thresholds"].as_array().unwrap().iter().map(|t| t["scope"].as_str().unwrap()).collect();
    assert_eq!(scopes, ["endpoint:browse/a", "scenario:spike", "scenario:spike", "endpoint:spike/a"]);
}

#[test]
fn users_of_all_scenarios_have_ids_of_their_own() {
    let rest = "endpoints: { a: { request: \"GET /ok?id={{ user.id }}\" } }
scenarios:
  one: { load: { users: 3, iterations_per_user: 1 } }
  two: { load: { users: 2, iterations_per_user: 1 } }
";
    let (_, server) = run(rest, &[]);
    let mut paths: Vec<_> = server.log.all().into_iter().map(|seen| seen.path).collect();
    paths.sort();
    assert_eq!(paths, (0..5).map(|id| format!("/ok?id={id}")).collect::<Vec<_>>());
}

#[test]
fn pacing_fixes_the_time_between_two_starts() {
    let rest =
        "endpoints: { a: { request: GET /slow/50 } }\npacing: 200ms\nload: { users: 1, duration: 1100ms }\n";
    let (ran, _) = run(rest, &[]);
    // At 0, 200, 400, 600, 800 and 1000 ms; without pacing 22. A slow machine sends fewer, never more.
    let sent = requests(&ran.result, "a");
    assert!((2..=6).contains(&sent), "{sent}");
}

#[test]
fn a_pause_before_the_first_request_of_an_arrival_is_nobodys_latency() {
    let rest = "endpoints: { a: { request: GET /ok } }
flows: { f: { weight: 1, steps: [think: 700ms, use: a] } }
load: { rate: 20/s, duration: 500ms }
";
    let (ran, _) = run(rest, &[]);
    assert_eq!(requests(&ran.result, "a"), 10);
    assert!(count(&row(&ran.result, "a")["latency_us"]["p50"]) < 600_000, "{}", row(&ran.result, "a"));
    assert!(count(&row(&ran.result, "f")["latency_us"]["min"]) >= 700_000, "{}", row(&ran.result, "f"));
}

#[test]
fn arrivals_that_cannot_log_in_are_not_started() {
    let rest = "auth: { steps: [{ request: GET /status/500, name: log in }] }
endpoints: { a: { request: GET /ok } }
load: { rate: 20/s, duration: 500ms, graceful_stop: 200ms }
";
    let server = FaultServer::start();
    let ran = Scratch::new().run(&format!("plan: 1\ntarget: \"{}\"\n{rest}", server.url), &[]);
    ran.done.assert_code(3);
    check_accounting(&ran.result);
    let (scheduled, started, _, not_started) = arrivals(&ran.result);
    assert_eq!((started, not_started), (0, scheduled), "{}", ran.result["accounting"]);
    assert_eq!(server.log.count("/ok"), 0);
}

#[test]
fn users_that_come_again_keep_their_numbers() {
    let rest = "endpoints: { a: { request: \"GET /ok?id={{ user.id }}\" } }
think: 20ms
load: { stages: [{ duration: 0s, users: 3 }, { duration: 300ms, users: 3 }, { duration: 0s, users: 0 },
                 { duration: 300ms, users: 0 }, { duration: 0s, users: 3 }, { duration: 300ms, users: 3 }] }
";
    let (_, server) = run(rest, &["--workers", "2"]);
    let paths: std::collections::BTreeSet<_> = server.log.all().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, (0..3).map(|id| format!("/ok?id={id}")).collect());
}

#[test]
fn a_run_that_cannot_go_on_does_not_wait_for_what_has_not_begun() {
    let rest = "auth: { steps: [{ request: GET /status/500, name: log in }] }
endpoints: { a: { request: GET /ok } }
scenarios:
  first: { load: { users: 2, iterations: 10 } }
  later: { load: { rate: 1/s, duration: 1m }, start_after: 30m }
";
    let server = FaultServer::start();
    let ran = Scratch::new().run(&format!("plan: 1\ntarget: \"{}\"\n{rest}", server.url), &[]);
    // Within the time limit of the tests, which is far below half an hour.
    ran.done.assert_code(3);
    assert_eq!(server.log.count("/ok"), 0);
}
