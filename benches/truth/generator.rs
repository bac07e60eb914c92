//! The generator in trouble: what it must notice of itself, and how exactly it keeps time when it is not.

use std::time::{Duration, Instant};

use crate::cores::{self, Busy};
use crate::runs::{Run, run};
use crate::support::distribution::Distribution;
use crate::support::truth_server::Spec;
use crate::table::{Table, Within};

const ONE_WORKER: &[&str] = &["--workers", "1"];

/// SIGSTOP for a second: the run is invalid, the report says when, and the second is in the latencies all the same.
pub fn frozen(table: &mut Table, _quick: bool) {
    let (mut from_s, mut to_s) = (0.0, 0.0);
    let began = Instant::now();
    let run = run(Spec::each(1_000), "load: { rate: 200/s, duration: 6s }", &[], |generator, _| {
        std::thread::sleep(Duration::from_secs(3));
        generator.signal("STOP");
        from_s = began.elapsed().as_secs_f64();
        std::thread::sleep(Duration::from_secs(1));
        generator.signal("CONT");
        to_s = began.elapsed().as_secs_f64();
    });
    run.check_sums(table, "stopped for a second", 1200);
    table.same("stopped for a second: exit code", 4, u64::try_from(run.done.code).unwrap_or(0));
    let reasons = run.result["generator"]["reasons"].as_array().cloned().unwrap_or_default();
    // The load began a little after the processes were started.
    let names_it = reasons.iter().any(|reason| {
        let (from, to) = (reason["from_s"].as_f64().unwrap(), reason["to_s"].as_f64().unwrap());
        reason["kind"] == "stall" && (from - from_s).abs() <= 1.0 && (to - to_s).abs() <= 1.5
    });
    let expected = format!("stall {from_s:.1}–{to_s:.1} s");
    table.holds("stopped for a second: the reason names it", &expected, &run.reasons().join("; "), names_it);
    let max_ms = run.times("latency_us").max_us as f64 / 1e3;
    table.near("stopped for a second: max", "ms", (to_s - from_s) * 1e3, max_ms, Within::Percent(3.0));
}

/// Three busy processes on its core. Users that loop without a pause need all of it: the run is invalid. Of 1 000
/// arrivals a second the system may let it do each in time; then the numbers hold.
pub fn starved(table: &mut Table, quick: bool) {
    let seconds = if quick { 4 } else { 10 };
    let busy: Vec<Busy> = (0..3).map(|_| Busy::on(cores::GENERATOR)).collect();
    let looping =
        run(Spec::each(0), &format!("load: {{ users: 64, duration: {seconds}s }}"), ONE_WORKER, |_, _| {});
    let load = format!("load: {{ rate: 1000/s, duration: {seconds}s, max_users: 500 }}");
    let arriving = run(Spec::each(1_000), &load, ONE_WORKER, |_, _| {});
    drop(busy);
    let claim = "starved, 64 looping users";
    table.same(&format!("{claim}: requests the server received"), looping.started(), looping.log.received());
    table.same(&format!("{claim}: exit code"), 4, u64::try_from(looping.done.code).unwrap_or(0));
    let reasons = looping.result["generator"]["reasons"].as_array().cloned().unwrap_or_default();
    let names_it = reasons.iter().any(|reason| {
        let (from, to) = (reason["from_s"].as_f64().unwrap(), reason["to_s"].as_f64().unwrap());
        reason["detail"].as_str().unwrap().contains("for a core") && from <= 1.0 && to >= seconds as f64 - 1.0
    });
    let expected = format!("“waited for a core”, 0–{seconds} s");
    table.holds(&format!("{claim}: the reason"), &expected, &looping.reasons().join("; "), names_it);

    arriving.check_sums(table, "starved, 1000/s", 1000 * seconds);
    let told = format!("exit {}: {}", arriving.done.code, arriving.reasons().join("; "));
    let late_us = pacing_of(&arriving).map_or(f64::INFINITY, |pacing| pacing.percentile_us(99.0));
    let names_it = arriving.reasons().iter().any(|words| words.contains("for a core"));
    let is_honest = arriving.done.code == 4 && names_it || arriving.done.code == 0 && late_us <= 5_000.0;
    table.holds("starved, 1000/s: on time, or exit 4 and the core named", "one of both", &told, is_honest);
    let truth = arriving.log.open_latencies_us(|index| index as f64 / 1000.0);
    let mean_ms = truth.iter().sum::<f64>() / truth.len() as f64 / 1e3;
    let measured_ms = arriving.times("latency_us").mean_us / 1e3;
    table.at_least("starved, 1000/s: mean, by the server's log at least", "ms", mean_ms, measured_ms);
}

/// How late arrivals are released on a core of its own.
pub fn pacing(table: &mut Table, quick: bool) {
    let seconds = if quick { 4 } else { 20 };
    let load = format!("load: {{ rate: 1000/s, duration: {seconds}s, max_users: 500 }}");
    let run = run(Spec::each(1_000), &load, ONE_WORKER, |_, _| {});
    run.check_sums(table, "1000/s", 1000 * seconds);
    let Some(pacing) = pacing_of(&run) else {
        return table.holds("1000/s: pacing error", "in the result", "absent", false);
    };
    table.at_most("1000/s: pacing error p50", "ms", 0.6, pacing.percentile_us(50.0) / 1e3);
    table.at_most("1000/s: pacing error p99", "ms", 1.5, pacing.percentile_us(99.0) / 1e3);
}

fn pacing_of(run: &Run) -> Option<Distribution> {
    Distribution::read_if_there(&run.result["generator"], "pacing_us")
}
