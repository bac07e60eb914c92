//! How long the HTML report of a long run takes to make, how large it is, and what memory it needs beside the result:
//! `cargo bench --bench report`. 4 hours of 100 endpoints, made from the result that the tests of the page use.
//!
//! What it should be: below a second, 3 MB and 200 MB.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::time::Instant;

use plimsoll::report::model::{ResultDocument, Series, SeriesInterval};
use plimsoll::report::{html, json};

const SECONDS: u64 = 4 * 3600;
const ENDPOINTS: usize = 100;

fn main() {
    let doc = long(json::from_str(include_str!("../tests/report/result.json")).unwrap());
    let before = peak_mb();
    let start = Instant::now();
    let page = html::render(&doc).unwrap();
    let took = start.elapsed();
    println!("{ENDPOINTS} endpoints, {SECONDS} s");
    println!("time    {:>8.0} ms", took.as_secs_f64() * 1e3);
    println!("page    {:>8.2} MB", page.len() as f64 / 1e6);
    println!("memory  {:>8.1} MB beside the result, which takes {before:.0} MB", peak_mb() - before);
}

/// `doc` stretched: its rows again and again, its seconds again and again, no two alike.
fn long(mut doc: ResultDocument) -> ResultDocument {
    let rows: Vec<Series> = doc.series.iter().filter(|row| row.requests > 100).cloned().collect();
    let named = |n: usize| Series {
        name: format!("{} {n}", rows[n % rows.len()].name),
        ..rows[n % rows.len()].clone()
    };
    doc.series = (0..ENDPOINTS).map(named).collect();
    let names: Vec<String> = doc.series.iter().map(|row| row.name.clone()).collect();
    let seconds = doc.timeline.clone();
    let second = |at_s: u64| {
        let mut second = seconds[at_s as usize % seconds.len()].clone();
        let row = |n: usize| {
            let us = 1_000 + (at_s * 7_919 + n as u64 * 104_729) % 9_973 * 100;
            SeriesInterval {
                requests: 10 + us % 7,
                failures: us % 3,
                p50_us: us,
                p95_us: us * 2,
                p99_us: us * 3,
                ..SeriesInterval::default()
            }
        };
        second.at_s = at_s;
        second.per_series = names.iter().enumerate().map(|(n, name)| (name, row(n))).collect();
        second
    };
    doc.timeline = (1..=SECONDS).map(second).collect();
    doc.run.duration_s = SECONDS as f64;
    doc
}

/// Most memory of the process so far; 0 where the system does not tell.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb: Option<f64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kb.unwrap_or(0.0) / 1e3
}
