//! The open model, in which arrivals come whether or not the target keeps up: what was due, what became of it, and
//! that no wait is lost. A generator that waits for the target before it looks at the clock fails here.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::claims::{Arrivals, agree, ended_as_planned, no_more_time_than_there_was, times_hold};
use crate::support::distribution::Distribution;
use crate::support::truth_server::{Draw, Log, Spec, TruthServer};
use crate::support::{Running, Scratch, count, plimsoll, read_json};

fn plan(url: &str, load: &str) -> String {
    format!(
        r#"
plan: 1
target: "{url}"
endpoints:
  read: {{ request: GET /read, weight: 2 }}
  write: {{ request: POST /write, json: {{ n: 1 }}, weight: 1 }}
load: {load}
"#
    )
}

/// A whole run, whose sums must hold.
#[track_caller]
fn run(spec: Spec, load: &str, arguments: &[&str]) -> (Value, Log, Arrivals) {
    let server = TruthServer::start(spec);
    let ran = Scratch::new().run(&plan(&server.url, load), arguments);
    ended_as_planned(&ran);
    let log = server.finish();
    agree(&ran.result, &log);
    let arrivals = Arrivals::of(&ran.result);
    assert_eq!(count(&ran.result["accounting"]["started"]), arrivals.started, "each arrival is one request");
    assert_eq!(ran.result["accounting"]["interrupted"], 0, "{}", ran.result["accounting"]);
    times_hold(&ran.result, &log);
    (ran.result, log, arrivals)
}

#[track_caller]
fn within_one(scheduled: u64, planned: u64) {
    assert!(scheduled.abs_diff(planned) <= 1, "{scheduled} arrivals scheduled, {planned} planned");
}

#[test]
fn a_constant_rate() {
    let (result, log, arrivals) = run(Spec::each(5_000), "{ rate: 150/s, duration: 2s }", &[]);
    within_one(arrivals.scheduled, 300);
    assert_eq!((arrivals.dropped, arrivals.not_started), (0, 0));
    assert_eq!(log.received(), arrivals.scheduled);
    latencies_reach(&result, &log, |index| index as f64 / 150.0);
}

#[test]
fn a_ramp_and_a_jump() {
    let load = "{ stages: [{ duration: 0s, rate: 50/s }, { duration: 2s, rate: 150/s }, { duration: 0s, rate: 20/s },
        { duration: 1s, rate: 20/s }] }";
    let (_, log, arrivals) = run(Spec::each(1_000), load, &[]);
    within_one(arrivals.scheduled, 200 + 20);
    assert_eq!(log.received(), arrivals.scheduled);
}

#[test]
fn random_arrivals_are_those_of_the_seed() {
    let load = "{ rate: 200/s, duration: 2s, arrivals: poisson }";
    for seed in ["1", "2", "3"] {
        let scheduled =
            |workers| run(Spec::each(0), load, &["--seed", seed, "--workers", workers]).2.scheduled;
        let one = scheduled("1");
        assert_eq!(one, scheduled("2"), "seed {seed}");
        // A Poisson count of 400 has a standard deviation of 20; the seeds are fixed.
        assert!(one.abs_diff(400) <= 100, "seed {seed}: {one}");
    }
}

/// Mean and maximum of the latency are at least what the server's answers make them, against the arrivals as
/// planned. (Whichever arrival an answer belongs to: the mean does not depend on it, and answers in order have the
/// smallest maximum.)
#[track_caller]
fn latencies_reach(result: &Value, log: &Log, intended_s: impl Fn(usize) -> f64) {
    let least = log.open_latencies_us(intended_s);
    let latency = Distribution::read(&result["totals"], "latency_us");
    assert_eq!(least.len() as u64, latency.count);
    let mean_us = least.iter().sum::<f64>() / least.len() as f64;
    let max_us = least.last().copied().unwrap();
    assert!(
        latency.mean_us >= mean_us - 2.0,
        "mean {} µs, by the server's log {mean_us} µs",
        latency.mean_us
    );
    assert!(
        latency.max_us as f64 >= max_us - 2.0,
        "max {} µs, by the server's log {max_us} µs",
        latency.max_us
    );
}

/// A server that stands still for a second at 400/s holds up 400 of 1600 arrivals by 1 s … 0 s. A generator that
/// does not send, or does not count from the arrival, shows one slow request a user instead.
#[track_caller]
fn freeze(max_users: usize) -> (Value, Log) {
    let spec = Spec::each(2_000).with_freeze(1_500_000, 1_000_000);
    let load = format!("{{ rate: 400/s, duration: 4s, max_users: {max_users} }}");
    let (result, log, arrivals) = run(spec, &load, &["--workers", "1"]);
    within_one(arrivals.scheduled, 1600);
    assert_eq!((arrivals.dropped, arrivals.not_started), (0, 0));
    latencies_reach(&result, &log, |index| index as f64 / 400.0);
    let latency = Distribution::read(&result["totals"], "latency_us");
    assert!(latency.max_us >= 900_000, "max ≈ 1 s, not {} µs", latency.max_us);
    assert!(latency.percentile_us(99.0) >= 500_000.0, "p99 ≈ 0.96 s, not {} µs", latency.percentile_us(99.0));
    assert!(latency.percentile_us(90.0) >= 300_000.0, "p90 ≈ 0.6 s, not {} µs", latency.percentile_us(90.0));
    assert!(latency.over(300_000) >= 250, "280 arrivals wait over 0.3 s, not {}", latency.over(300_000));
    (result, log)
}

#[test]
fn a_freeze_with_users_for_all() {
    freeze(2000);
}

#[test]
fn a_freeze_with_ten_users() {
    let (result, log) = freeze(10);
    assert!(log.most_at_once() <= 10);
    let wait = Distribution::read(&result["totals"], "wait_us");
    assert!(wait.max_us >= 600_000, "the others waited for a user: {} µs", wait.max_us);
    no_more_time_than_there_was(&result, 10);
}

#[test]
fn more_arrivals_than_users_can_serve_wait() {
    for workers in ["1", "2"] {
        let load = "{ rate: 100/s, duration: 4s, max_users: 4, on_saturation: queue }";
        let (result, log, arrivals) = run(Spec::each(100_000), load, &["--workers", workers]);
        within_one(arrivals.scheduled, 400);
        assert_eq!((arrivals.dropped, arrivals.not_started), (0, 0));
        assert!(log.most_at_once() <= 4 && log.connections() <= 4, "four users at most");
        assert!(log.span_us() >= 10_000_000, "400 services of 100 ms, four at a time");
        latencies_reach(&result, &log, |index| index as f64 / 100.0);
        // Answer i comes at (⌊i/4⌋ + 1) · 0.1 s at the earliest, its arrival at i · 0.01 s: 3.1 s on average.
        let latency = Distribution::read(&result["totals"], "latency_us");
        assert!(latency.mean_us >= 3_000_000.0, "{}", latency.mean_us);
        assert!(latency.max_us >= 6_000_000, "10 s − 3.99 s: {}", latency.max_us);
        no_more_time_than_there_was(&result, 4);
    }
}

#[test]
fn more_arrivals_than_users_can_serve_are_dropped() {
    let load = "{ rate: 100/s, duration: 3s, max_users: 5, on_saturation: drop }";
    let (result, log, arrivals) = run(Spec::each(100_000), load, &[]);
    within_one(arrivals.scheduled, 300);
    assert_eq!(arrivals.not_started, 0);
    assert_eq!(count(&result["accounting"]["dropped"]), arrivals.dropped);
    // A user serves one arrival in 100 ms at most, and one may be running at the end.
    assert!(arrivals.started <= 5 * 31 && arrivals.started >= 5, "{}", arrivals.started);
    assert!(log.most_at_once() <= 5);
}

#[test]
fn a_single_queue_behind_many_users() {
    let spec = Spec::queue(Draw::Exponential { mean_us: 10_000.0, seed: 5 });
    let load = "{ rate: 70/s, duration: 3s, arrivals: poisson, max_users: 500 }";
    let (result, log, arrivals) = run(spec, load, &["--seed", "5"]);
    assert_eq!(log.received(), arrivals.scheduled);
    // The queue is at the server: what waits there is service for the generator.
    let service = Distribution::read(&result["totals"], "service_us");
    let drawn = spec.draws_us(log.entries.len());
    assert!(service.sum_us() + 2.0 * service.count as f64 >= drawn.iter().sum::<u64>() as f64);
}

/// More than the generator can do at once: what opens a connection for each arrival that finds nobody free only falls
/// further behind, and ends with one for most of them.
#[test]
fn a_rate_beyond_its_reach_does_not_open_a_connection_for_each_arrival() {
    for load in ["{ rate: 6000/s, duration: 1s }", "{ rate: 6000/s, duration: 1s, arrivals: poisson }"] {
        let (_, log, arrivals) = run(Spec::each(0), load, &["--workers", "1", "--seed", "1"]);
        assert_eq!((arrivals.dropped, arrivals.not_started), (0, 0));
        assert_eq!(log.received(), arrivals.scheduled);
        assert!(log.connections() < 2_500, "{} connections", log.connections());
    }
}

/// Users that a slow target keeps busy are there at once: each arrival has one of its own.
#[test]
fn a_slow_target_gets_all_users_it_needs() {
    let (_, log, arrivals) = run(Spec::each(1_500_000), "{ rate: 100/s, duration: 1s }", &[]);
    assert_eq!((arrivals.dropped, arrivals.not_started), (0, 0));
    // All arrive before the first answer; a machine that stands still meanwhile makes it no more than these.
    assert!(log.most_at_once() >= 60 && log.connections() <= 100, "{} at once", log.most_at_once());
}

#[test]
fn a_warm_up_is_in_no_sum_but_its_own() {
    let load = "{ rate: 100/s, duration: 3s, warmup: 1s }";
    let (result, log, arrivals) = run_with_warmup(load);
    let warmup = count(&result["accounting"]["warmup_requests"]);
    within_one(warmup, 100);
    within_one(arrivals.scheduled, 200);
    within_one(log.received(), 300);
    assert!(run_closed_with_warmup() > 0);
}

/// As [`run`], but the server's stays hold the warm-up too.
#[track_caller]
fn run_with_warmup(load: &str) -> (Value, Log, Arrivals) {
    let server = TruthServer::start(Spec::each(1_000));
    let ran = Scratch::new().run(&plan(&server.url, load), &[]);
    ended_as_planned(&ran);
    let log = server.finish();
    agree(&ran.result, &log);
    let arrivals = Arrivals::of(&ran.result);
    (ran.result, log, arrivals)
}

/// Requests of a closed warm-up.
#[track_caller]
fn run_closed_with_warmup() -> u64 {
    let server = TruthServer::start(Spec::each(1_000));
    let ran = Scratch::new().run(&plan(&server.url, "{ users: 3, duration: 2s, warmup: 1s }"), &[]);
    ended_as_planned(&ran);
    agree(&ran.result, &server.finish());
    count(&ran.result["accounting"]["warmup_requests"])
}

/// Runs until `requests` were received, then sends one signal.
fn interrupted(spec: Spec, load: &str, requests: u64) -> (Value, Log, Arrivals) {
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
    running.signal("INT");
    running.finish().assert_code(130);
    let log = server.finish();
    let result = read_json(&json);
    agree(&result, &log);
    let arrivals = Arrivals::of(&result);
    (result, log, arrivals)
}

#[test]
fn ctrl_c_while_arrivals_wait() {
    let load = "{ rate: 200/s, duration: 10m, max_users: 3, on_saturation: queue }";
    let (result, log, arrivals) = interrupted(Spec::each(100_000), load, 20);
    assert!(arrivals.not_started > 0, "some waited for a user: {}", result["accounting"]);
    assert_eq!(arrivals.started, log.received());
    assert_eq!(result["accounting"]["interrupted"], 0, "running requests were let end");
}

#[test]
fn ctrl_c_while_arrivals_are_dropped() {
    let load = "{ rate: 200/s, duration: 10m, max_users: 3, on_saturation: drop }";
    let (result, log, arrivals) = interrupted(Spec::each(100_000), load, 20);
    assert!(arrivals.dropped > 0, "{}", result["accounting"]);
    assert_eq!(arrivals.started, log.received());
}

#[test]
fn the_end_of_the_graceful_stop_while_arrivals_wait() {
    let server = TruthServer::start(Spec::each(400_000));
    let load = "{ rate: 100/s, duration: 1s, max_users: 2, graceful_stop: 300ms }";
    let ran = Scratch::new().run(&plan(&server.url, load), &["--workers", "1"]);
    let log = server.finish();
    agree(&ran.result, &log);
    let arrivals = Arrivals::of(&ran.result);
    within_one(arrivals.scheduled, 100);
    // Two users for 1.3 s: four requests each at most.
    assert!(arrivals.started <= 8 && arrivals.not_started >= 90, "{}", ran.result["accounting"]);
    assert!(count(&ran.result["accounting"]["interrupted"]) <= 2);
}

#[test]
fn scenarios_side_by_side() {
    let server = TruthServer::start(Spec::each(1_000));
    let plan = format!(
        r#"
plan: 1
target: "{}"
scenarios:
  browse: {{ load: {{ users: 4, duration: 1s }}, endpoints: {{ page: {{ request: GET /browse/page }} }} }}
  single:
    load: {{ rate: 50/s, duration: 1s, max_users: 1 }}
    start_after: 500ms
    endpoints: {{ a: {{ request: GET /single/a, weight: 2 }}, b: {{ request: GET /single/b, weight: 1 }} }}
"#,
        server.url
    );
    for workers in ["1", "2"] {
        let ran = Scratch::new().run(&plan, &["--workers", workers]);
        ended_as_planned(&ran);
        let arrivals = Arrivals::of(&ran.result);
        within_one(arrivals.scheduled, 50);
        // One user needs 1 ms for each arrival, 20 ms apart: there is time for all of them.
        assert_eq!(arrivals.not_started, 0, "with {workers} workers: {}", ran.result["accounting"]);
    }
    let log = server.finish();
    assert_eq!(log.count_under("/single/"), 100);
    assert!(log.count("/browse/page") > 0);
}
