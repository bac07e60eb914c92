//! The closed model, in which each user waits for its answer: counts, times, and what a freeze must look like.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::claims::{agree, ended_as_planned, no_more_time_than_there_was, times_hold};
use crate::server::in_own_process;
use crate::support::distribution::Distribution;
use crate::support::truth_server::{Draw, Log, Spec, TruthServer};
use crate::support::{Running, Scratch, count, plimsoll, read_json, requests};

fn plan(url: &str, load: &str) -> String {
    format!(
        r#"
plan: 1
target: "{url}"
endpoints:
  read: {{ request: GET /read, weight: 3 }}
  write: {{ request: POST /write, json: {{ n: 1 }}, weight: 1 }}
load: {load}
"#
    )
}

/// A whole run against an in-process server.
#[track_caller]
fn run(spec: Spec, load: &str) -> (Value, Log) {
    let server = TruthServer::start(spec);
    let ran = Scratch::new().run(&plan(&server.url, load), &[]);
    ended_as_planned(&ran);
    let log = server.finish();
    agree(&ran.result, &log);
    times_hold(&ran.result, &log);
    (ran.result, log)
}

#[test]
fn fixed_service_time() {
    let (result, log) = run(Spec::each(20_000), "{ users: 4, duration: 2s }");
    let service = Distribution::read(&result["totals"], "service_us");
    assert!(service.min_us >= 20_000, "no answer came earlier: {}", service.min_us);
    assert!(service.percentile_us(50.0) >= 20_000.0 * 0.999);
    // Each user sends at most one request in 20 ms, one more may have begun, and the last ends after the load.
    assert!(count(&result["accounting"]["started"]) <= 4 * (2_000 / 20 + 1));
    assert!(requests(&result, "read") > requests(&result, "write"), "3 : 1");
    assert_eq!(log.connections(), 4, "each user keeps its connection");
    assert!(log.most_at_once() <= 4);
    no_more_time_than_there_was(&result, 4);
}

#[test]
fn a_single_queue_makes_users_wait_for_each_other() {
    let (result, log) = run(Spec::queue(Draw::Fixed { service_us: 10_000 }), "{ users: 5, iterations: 100 }");
    assert_eq!(count(&result["accounting"]["started"]), 100);
    assert!(log.span_us() >= 1_000_000, "100 services of 10 ms, one after the other");
    let latency = Distribution::read(&result["totals"], "latency_us");
    // Five users in a closed loop around one server: all but the first few wait for four others. The sum
    // of all stays is that of the queue lengths over time.
    assert!(latency.max_us >= 40_000, "{}", latency.max_us);
    no_more_time_than_there_was(&result, 5);
}

#[test]
fn a_freeze_holds_up_each_user_once() {
    let spec = Spec::each(5_000).with_freeze(500_000, 1_000_000);
    let (result, log) = run(spec, "{ users: 4, duration: 3s }");
    let latency = Distribution::read(&result["totals"], "latency_us");
    assert!(latency.max_us >= 700_000, "max {}", latency.max_us);
    assert!(latency.over(300_000) >= 4, "each user's request was held up: {}", latency.over(300_000));
    // A looping user sends nothing while it waits: the model's known blind spot, not a number to correct.
    let second = log.entries.iter().filter(|entry| {
        let since_us = entry.received_us - log.entries[0].received_us;
        (600_000..1_400_000).contains(&since_us)
    });
    assert!(second.count() <= 4, "one request of each user at most came in the freeze");
}

#[test]
fn a_stopped_server_process() {
    let server = in_own_process(Spec::each(50_000));
    let scratch = Scratch::new();
    let json = scratch.path("result.json");
    let plan = scratch.write("plan.yaml", &plan(&server.url, "{ users: 2, duration: 3s }"));
    let mut command = plimsoll();
    command.arg("run").arg(plan).arg("--json").arg(&json);
    let running = Running::start(command);
    std::thread::sleep(Duration::from_millis(1500));
    server.signal("STOP");
    let stopped = Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    let stopped_us = stopped.elapsed().as_micros() as f64;
    server.signal("CONT");
    let code = running.finish().code;
    assert!([0, 4].contains(&code), "exit {code}");
    let log = server.finish();
    let result = read_json(&json);
    agree(&result, &log);
    // Requests last 50 ms and the next is sent at once: two are under way when the server stops.
    let longest_us = Distribution::read(&result["totals"], "latency_us").max_us as f64;
    assert!(longest_us >= stopped_us * 0.8, "longest {longest_us} µs, stopped for {stopped_us} µs");
}

/// Runs until `requests` were received, then sends `signals` with a pause after each.
fn interrupted(spec: Spec, load: &str, requests: u64, signals: usize) -> (Value, Log) {
    let (server, scratch) = (TruthServer::start(spec), Scratch::new());
    let json = scratch.path("result.json");
    let plan = scratch.write("plan.yaml", &plan(&server.url, load));
    let mut command = plimsoll();
    command.arg("run").arg(plan).arg("--json").arg(&json);
    let running = Running::start(command);
    let give_up = Instant::now() + Duration::from_secs(30);
    while server.received() < requests {
        assert!(Instant::now() < give_up, "never received {requests} requests");
        std::thread::sleep(Duration::from_millis(5));
    }
    for _ in 0..signals {
        running.signal("INT");
        std::thread::sleep(Duration::from_millis(300));
    }
    running.finish().assert_code(130);
    let log = server.finish();
    let result = read_json(&json);
    agree(&result, &log);
    (result, log)
}

#[test]
fn after_ctrl_c_running_requests_end() {
    let (result, log) = interrupted(Spec::each(100_000), "{ users: 8, duration: 10m }", 30, 1);
    times_hold(&result, &log);
    assert_eq!(result["accounting"]["interrupted"], 0);
    assert_eq!(result["run"]["ended"], "interrupted");
}

#[test]
fn after_a_second_ctrl_c_requests_are_interrupted_with_the_time_they_had_reached() {
    let load = "{ users: 6, duration: 10m, graceful_stop: 10m }";
    let (result, _) = interrupted(Spec::each(5_000_000), load, 6, 2);
    assert_eq!(result["accounting"]["interrupted"], 6);
    assert_eq!(result["totals"]["failure_kinds"], json!({ "interrupted": 6 }));
    let reached = Distribution::read(&result["totals"], "latency_us");
    assert!(reached.min_us >= 300_000, "the signals were 300 ms apart: {}", reached.min_us);
}

#[test]
fn at_the_end_of_the_graceful_stop() {
    let server = TruthServer::start(Spec::each(4_000_000));
    let load = "{ users: 5, duration: 500ms, graceful_stop: 500ms }";
    let ran = Scratch::new().run(&plan(&server.url, load), &[]);
    let log = server.finish();
    agree(&ran.result, &log);
    assert_eq!(ran.result["accounting"]["interrupted"], 5, "{}", ran.result["accounting"]);
    let reached = Distribution::read(&ran.result["totals"], "latency_us");
    assert!(reached.max_us >= 500_000, "they ran for about a second: {}", reached.max_us);
}
