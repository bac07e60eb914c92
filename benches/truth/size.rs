//! Many users and many requests: they come as planned, and memory does not grow with what was sent.

use crate::runs::{Run, plain};
use crate::support::count;
use crate::support::truth_server::Spec;
use crate::table::{Table, Within};

/// Descriptors beside the connections.
const SPARE_DESCRIPTORS: u64 = 500;
/// Memory a user with its connection may take, bytes. Measured: 47 KiB (debug build).
const USER_BYTES: f64 = 64.0 * 1024.0;
/// What a longer run may take beside: its timeline, and histograms that have seen a longer time. Two bytes kept of
/// each of 10 million requests would be more.
const LONGER_BYTES: f64 = 16.0 * 1024.0 * 1024.0;

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
    let idle = |users: u64| {
        plain(
            Spec::each(0).only_counting(),
            &format!("think: 60s\nload: {{ users: {users}, duration: 8s }}"),
            &[],
        )
    };
    let users = 8_000.min(descriptors().saturating_sub(SPARE_DESCRIPTORS));
    let (few, many) = (idle(10), idle(users));
    let per_user = (rss_bytes(&many) - rss_bytes(&few)) / (users - 10) as f64;
    table.at_most(&format!("a user of {users} idle ones"), "KiB", USER_BYTES / 1024.0, per_user / 1024.0);
    let sending = |requests: u64| {
        plain(Spec::each(0).only_counting(), &format!("load: {{ users: 16, iterations: {requests} }}"), &[])
    };
    let (less, more) = if quick { (10_000, 200_000) } else { (100_000, 10_000_000) };
    let (few, many) = (sending(less), sending(more));
    table.same(&format!("{more} requests: the server received"), more, many.log.received());
    let claim = format!("memory after {more} requests, as after {less}");
    let mib = 1024.0 * 1024.0;
    table.at_most(&claim, "MiB", (rss_bytes(&few) + LONGER_BYTES) / mib, rss_bytes(&many) / mib);
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
