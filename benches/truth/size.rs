//! Many users and many requests: they come as planned, and memory does not grow with what was sent.

use crate::runs::{Run, plain};
use crate::support::count;
use crate::support::truth_server::Spec;
use crate::table::{Table, Within};

/// Descriptors beside the connections.
const SPARE_DESCRIPTORS: u64 = 500;
/// Memory a mostly idle user with its connection may take, bytes.
const USER_BYTES: f64 = 24.0 * 1024.0;
/// The same when all begin, and so send, at once: hyper's buffers of all of them count.
const BEGINNING_USER_BYTES: f64 = 40.0 * 1024.0;
/// Share by which memory may differ from that of a run with a hundredth of the requests.
const MORE_REQUESTS: f64 = 0.05;

/// Users a second, seen in the timeline.
pub fn spawn_curve(table: &mut Table, quick: bool) {
    let (wanted, rate) = if quick { (2_000, 500) } else { (20_000, 2_000) };
    let users = wanted.min(descriptors().saturating_sub(SPARE_DESCRIPTORS));
    let seconds = users.div_ceil(rate) + 2;
    let load = format!("think: 10s\nload: {{ users: {users}, spawn_rate: {rate}/s, duration: {seconds}s }}");
    let run = plain(Spec::each(0), &load, &[]);
    if users < wanted {
        table.holds("descriptors for all users (ulimit -Hn)", &wanted.to_string(), &users.to_string(), true);
    }
    for second in run.result["timeline"].as_array().unwrap() {
        let at_s = count(&second["at_s"]);
        if at_s * rate <= users {
            let seen = count(&second["users"]) as f64;
            table.near(
                &format!("users after {at_s} s"),
                "",
                (at_s * rate) as f64,
                seen,
                Within::Percent(2.0),
            );
        }
    }
    table.same("requests the server received", run.started(), run.log.received());
    table.at_least("each user sent a request", "", users as f64, run.started() as f64);
}

/// Memory by users, and by requests.
pub fn memory(table: &mut Table, quick: bool) {
    let idle = |users: u64, spawn: &str| {
        let load = format!("think: 60s\nload: {{ users: {users}, {spawn}duration: 8s }}");
        plain(Spec::each(0).only_counting(), &load, &[])
    };
    let users = 8_000.min(descriptors().saturating_sub(SPARE_DESCRIPTORS));
    let few = rss_bytes(&idle(10, ""));
    let per_user = |many: &Run| (rss_bytes(many) - few) / (users - 10) as f64 / 1024.0;
    let ramp = idle(users, "spawn_rate: 2000/s, ");
    table.at_most(&format!("a user of {users} idle ones"), "KiB", USER_BYTES / 1024.0, per_user(&ramp));
    let claim = format!("a user of {users} idle ones that begin at once");
    table.at_most(&claim, "KiB", BEGINNING_USER_BYTES / 1024.0, per_user(&idle(users, "")));

    // The same users for the same time, so that only the requests differ: timeline and histograms do not.
    let (less, more): (u64, u64) = if quick { (10_000, 200_000) } else { (100_000, 10_000_000) };
    let users = 16;
    let spec = || Spec::each(0).only_counting();
    let many = plain(spec(), &format!("load: {{ users: {users}, iterations: {more} }}"), &[]);
    let length_us = (many.result["run"]["duration_s"].as_f64().unwrap() * 1e6) as u64;
    let think_us = length_us * users / less;
    let load = format!("think: {think_us}us\nload: {{ users: {users}, duration: {}ms }}", length_us / 1000);
    let few = plain(spec(), &load, &[]);
    table.same(&format!("{more} requests: the server received"), more, many.log.received());
    let claim = format!("memory after {more} requests, as after {} in the same time", few.started());
    let mib = 1024.0 * 1024.0;
    let most = rss_bytes(&few) * (1.0 + MORE_REQUESTS);
    table.at_most(&claim, "MiB", most / mib, rss_bytes(&many) / mib);
}

fn rss_bytes(run: &Run) -> f64 {
    count(&run.result["generator"]["max_rss_bytes"]) as f64
}

/// File descriptors a process may be given.
fn descriptors() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let hard = line.and_then(|line| line.split_whitespace().nth(4));
    hard.and_then(|hard| hard.parse().ok()).unwrap_or(1024)
}
