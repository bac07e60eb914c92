//! A server that stands still for a second. Arrivals at 1 000/s do not stop: one that comes *t* after the freeze
//! began waits 1 s − *t*. Of a run of *T* seconds the share (1 s − *x*)/*T* waits longer than *x*, so that the
//! percentile *p* is 1 s − (1 − *p*)·*T*: 400, 800 and 980 ms for p97, p99 and p99.9 of 20 s.
//!
//! When the freeze ends, what has piled up is answered at the rate *C* that server and generator manage, and the
//! waits end later: 1 s − (1 − *p*)·*T*·(1 − 1 000/*C*), within 3 % of the above from *C* = 50 000/s. With users for
//! all arrivals *C* is as fast as the server writes answers, with 10 users the machine's closed rate. So the
//! percentiles of the middle are compared with the server's own log, the last ones with theory too.

use std::time::{Duration, Instant};

use crate::runs::{Run, plain, run};
use crate::support::truth_server::Spec;
use crate::table::{Table, Within};

const RATE: u64 = 1000;
const PERCENTILES: [f64; 3] = [97.0, 99.0, 99.9];
const NEAR: Within = Within::Percent(3.0);

/// A scripted freeze.
pub fn of_the_server(table: &mut Table, quick: bool) {
    let seconds = if quick { 8 } else { 20 };
    let spec = Spec::each(1_000).with_freeze(3_000_000, 1_000_000);
    let run = plain(spec, &load(seconds, 2000), &["--workers", "1"]);
    check(table, "freeze", &run, seconds, 1000.0);
    let spec = Spec::each(0).with_freeze(3_000_000, 1_000_000);
    let run = plain(spec, &load(seconds, 10), &["--workers", "1"]);
    check_ten(table, "freeze, 10 users", &run, seconds, 1000.0);
}

/// The server's process is stopped: its sockets take what comes, and nothing is read.
pub fn of_the_server_process(table: &mut Table, quick: bool) {
    let seconds = if quick { 8 } else { 20 };
    for max_users in [2000, 10] {
        let mut stopped_ms = 0.0;
        let run = run(Spec::each(0), &load(seconds, max_users), &["--workers", "1"], |_, server| {
            std::thread::sleep(Duration::from_secs(3));
            server.signal("STOP");
            let since = Instant::now();
            std::thread::sleep(Duration::from_secs(1));
            server.signal("CONT");
            stopped_ms = since.elapsed().as_secs_f64() * 1e3;
        });
        match max_users {
            10 => check_ten(table, "stopped, 10 users", &run, seconds, stopped_ms),
            _ => check(table, "stopped", &run, seconds, stopped_ms),
        }
    }
}

/// Looping users: each meets the freeze with one request.
pub fn in_the_closed_model(table: &mut Table, quick: bool) {
    let seconds = if quick { 4 } else { 10 };
    let run = plain(Spec::each(20_000), &format!("load: {{ users: 10, duration: {seconds}s }}"), &[]);
    let (latency, service) = (run.times("latency_us"), run.times("service_us"));
    table.same("20 ms of service: requests the server received", run.started(), run.log.received());
    for (name, times) in [("service", &service), ("latency", &latency)] {
        table.near(&format!("20 ms of service: {name} p50"), "ms", 20.0, ms(times.percentile_us(50.0)), NEAR);
        table.near(
            &format!("20 ms of service: {name} p99"),
            "ms",
            20.0,
            ms(times.percentile_us(99.0)),
            Within::Amount(2.0),
        );
    }
    let rounds = (seconds * 1000 * 10 / 20) as f64;
    table.near(
        "20 ms of service: 10 users send 500/s",
        "",
        rounds,
        run.started() as f64,
        Within::Percent(5.0),
    );
    let spec = Spec::each(5_000).with_freeze(1_000_000, 1_000_000);
    let run = plain(spec, "load: { users: 10, duration: 4s }", &[]);
    let latency = run.times("latency_us");
    table.near("freeze: max", "ms", 1000.0, ms(latency.max_us as f64), NEAR);
    table.same("freeze: requests held up, one a user", 10, latency.over(500_000));
    table.same("freeze: requests the server received", run.started(), run.log.received());
}

fn load(seconds: u64, max_users: u32) -> String {
    format!("load: {{ rate: {RATE}/s, duration: {seconds}s, max_users: {max_users}, on_saturation: queue }}")
}

/// Ten users.
fn check_ten(table: &mut Table, claim: &str, run: &Run, seconds: u64, frozen_ms: f64) {
    check(table, claim, run, seconds, frozen_ms);
    table.at_most(&format!("{claim}: connections"), "", 10.0, run.log.connections() as f64);
}

/// The server's log, and theory where the backlog does not matter.
fn check(table: &mut Table, claim: &str, run: &Run, seconds: u64, frozen_ms: f64) {
    run.check_sums(table, claim, RATE * seconds);
    let latency = run.times("latency_us");
    let truth = run.log.open_latencies_us(|index| index as f64 / RATE as f64);
    for percent in PERCENTILES {
        let measured = ms(latency.percentile_us(percent));
        let rank = (truth.len() as f64 * percent / 100.0).ceil() as usize;
        let expected = ms(truth[rank.saturating_sub(1)]);
        table.near(&format!("{claim}: p{percent} by the server's log"), "ms", expected, measured, NEAR);
    }
    let p99_9 = by_theory_ms(99.9, seconds, frozen_ms);
    table.near(&format!("{claim}: p99.9"), "ms", p99_9, ms(latency.percentile_us(99.9)), NEAR);
    table.near(&format!("{claim}: max"), "ms", frozen_ms, ms(latency.max_us as f64), NEAR);
}

fn by_theory_ms(percent: f64, seconds: u64, frozen_ms: f64) -> f64 {
    frozen_ms - (1.0 - percent / 100.0) * seconds as f64 * 1e3
}

fn ms(us: f64) -> f64 {
    us / 1e3
}
