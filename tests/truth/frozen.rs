//! A generator that stood still: it must say so, and what was due meanwhile must show it.

use std::time::Duration;

use crate::claims::{Arrivals, agree};
use crate::support::distribution::Distribution;
use crate::support::truth_server::{Spec, TruthServer};
use crate::support::{Running, Scratch, plimsoll, read_json};

#[test]
fn a_stopped_generator_is_invalid_and_hides_nothing() {
    let (server, scratch) = (TruthServer::start(Spec::each(1_000)), Scratch::new());
    let json = scratch.path("result.json");
    let text = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /a }} }}\nload: {{ rate: 100/s, duration: 4s }}\n",
        server.url
    );
    let mut command = plimsoll();
    command.arg("run").arg(scratch.write("plan.yaml", &text)).arg("--json").arg(&json);
    let running = Running::start(command);
    let give_up = std::time::Instant::now() + Duration::from_secs(30);
    while server.received() < 50 {
        assert!(std::time::Instant::now() < give_up, "never received 50 requests");
        std::thread::sleep(Duration::from_millis(5));
    }
    running.signal("STOP");
    std::thread::sleep(Duration::from_secs(1));
    running.signal("CONT");
    running.finish().assert_code(4);
    let log = server.finish();
    let result = read_json(&json);
    agree(&result, &log);
    let arrivals = Arrivals::of(&result);
    assert!(arrivals.scheduled.abs_diff(400) <= 1, "{arrivals:?}");
    assert_eq!(arrivals.started, arrivals.scheduled, "what was due meanwhile was sent late, not left out");
    let reasons = result["generator"]["reasons"].as_array().unwrap();
    let second = reasons.iter().any(|reason| {
        let length_s = reason["to_s"].as_f64().unwrap() - reason["from_s"].as_f64().unwrap();
        reason["kind"] == "stall" && length_s >= 0.9
    });
    assert!(second, "{reasons:?}");
    // 100 of 400 arrivals were due while it stood still, and waited for 1 s … 0 s.
    let latency = Distribution::read(&result["totals"], "latency_us");
    assert!(latency.max_us >= 900_000, "{}", latency.max_us);
    assert!(latency.percentile_us(95.0) >= 600_000.0, "p95 ≈ 0.8 s, not {} µs", latency.percentile_us(95.0));
}
