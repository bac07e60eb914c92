//! What must hold of every result beside the log of the server it came from.

use serde_json::Value;

use crate::support::distribution::Distribution;
use crate::support::truth_server::Log;
use crate::support::{Ran, check_accounting, count, requests};

/// Times of phases are whole microseconds: so far may a sum of them be off, a request.
const ROUNDING_US: f64 = 2.0;

/// The sums of the result, and each endpoint against the requests the server received at its path
/// (`/` and the endpoint's name).
#[track_caller]
pub fn agree(result: &Value, log: &Log) {
    check_accounting(result);
    let started = count(&result["accounting"]["started"]);
    let warmup = count(&result["accounting"]["warmup_requests"]);
    assert_eq!(started + warmup, log.received(), "requests started and received: {}", result["accounting"]);
    for row in result["series"].as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        assert_eq!(
            requests(result, name) + warmup_requests(result, name),
            log.count(&format!("/{name}")),
            "requests of `{name}`"
        );
    }
}

/// A run that went to its end. Where the machine held up the generator, the run may say so (exit 4); the counts
/// must be right all the same.
#[track_caller]
pub fn ended_as_planned(ran: &Ran) {
    assert!([0, 4].contains(&ran.done.code), "exit {}: {}", ran.done.code, ran.done.output());
    assert_eq!(ran.result["run"]["ended"], "completed");
}

/// Arrivals of an open load by what became of them.
#[derive(Debug)]
pub struct Arrivals {
    pub scheduled: u64,
    pub started: u64,
    pub dropped: u64,
    pub not_started: u64,
}

impl Arrivals {
    /// Reads them; they must add up.
    #[track_caller]
    pub fn of(result: &Value) -> Self {
        let of = |name: &str| count(&result["accounting"]["arrivals"][name]);
        let all = Self {
            scheduled: of("scheduled"),
            started: of("started"),
            dropped: of("dropped"),
            not_started: of("not_started"),
        };
        assert_eq!(all.scheduled, all.started + all.dropped + all.not_started, "{all:?}");
        all
    }
}

/// Requests of this row in the warm-up.
pub fn warmup_requests(result: &Value, name: &str) -> u64 {
    let rows = result["warmup"].as_array().into_iter().flatten();
    rows.filter(|row| row["name"] == name).map(|row| count(&row["requests"])).sum()
}

/// For runs in which every request was answered: the phases add up to the latency, and the generator's times
/// enclose the server's.
#[track_caller]
pub fn times_hold(result: &Value, log: &Log) {
    let totals = &result["totals"];
    let latency = Distribution::read(totals, "latency_us");
    let service = Distribution::read(totals, "service_us");
    let stays = log.stays_us();
    assert_eq!(latency.count, stays.len() as u64, "answered requests");
    let phases = ["wait_us", "dns_us", "connect_us", "tls_us", "send_us", "ttfb_us", "receive_us"];
    let parts = phases.iter().filter_map(|phase| Distribution::read_if_there(totals, phase));
    let sum_us: f64 = parts.map(|part| part.sum_us()).sum();
    let off_us = (sum_us - latency.sum_us()).abs() / latency.count as f64;
    assert!(off_us <= ROUNDING_US, "wait + … + receive = latency is off by {off_us} µs a request");
    let stay_us = stays.iter().sum::<u64>() as f64 / stays.len() as f64;
    let longest_us = stays.iter().max().copied().unwrap() as f64;
    for (name, times) in [("service", &service), ("latency", &latency)] {
        assert!(times.mean_us + ROUNDING_US >= stay_us, "mean {name} {} < {stay_us}", times.mean_us);
        assert!(
            times.max_us as f64 + ROUNDING_US >= longest_us,
            "max {name} {} < {longest_us}",
            times.max_us
        );
        let shortest_us = stays.iter().min().copied().unwrap() as f64;
        assert!(times.min_us as f64 + ROUNDING_US >= shortest_us, "min {name} {}", times.min_us);
    }
    assert!(latency.sum_us() + ROUNDING_US * latency.count as f64 >= service.sum_us(), "latency ≥ service");
}

/// Users that send one request after the other cannot spend more time on requests than there was.
#[track_caller]
pub fn no_more_time_than_there_was(result: &Value, users: usize) {
    let spent_s = Distribution::read(&result["totals"], "service_us").sum_us() / 1e6;
    // `duration_s` may be rounded.
    let had_s = users as f64 * (result["run"]["duration_s"].as_f64().unwrap() + 0.01);
    assert!(spent_s <= had_s, "{users} users spent {spent_s} s of {had_s} s");
}
