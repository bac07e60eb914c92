//! More arrivals than five users can serve: 100/s, of which they manage 50/s.

use crate::cores;
use crate::runs::{plain, run_on};
use crate::support::truth_server::Spec;
use crate::table::{Table, Within};

const SECONDS: u64 = 10;

pub fn both(table: &mut Table, _quick: bool) {
    queue(table);
    drop_them(table);
}

/// Arrival *i* comes at *i*·10 ms and is answered at (⌊*i*/5⌋ + 1)·100 ms: a wait that grows by 10 ms each, from
/// 0.1 to 10.1 s, and the last answer after 1 000/50 = 20 s.
fn queue(table: &mut Table) {
    for (workers, cores) in [("1", cores::GENERATOR), ("2", cores::BOTH)] {
        let load =
            format!("load: {{ rate: 100/s, duration: {SECONDS}s, max_users: 5, on_saturation: queue }}");
        let run = run_on(cores, Spec::each(100_000), &load, &["--workers", workers], |_, _| {});
        let claim = |what: &str| format!("queue, workers {workers}: {what}");
        run.check_sums(table, &claim("sums"), 1000);
        table.same(&claim("started"), 1000, run.arrivals("started"));
        let latency = run.times("latency_us");
        table.near(&claim("p50"), "s", 5.1, latency.percentile_us(50.0) / 1e6, Within::Percent(3.0));
        table.near(&claim("max"), "s", 10.1, latency.max_us as f64 / 1e6, Within::Percent(3.0));
        let service_ms = run.times("service_us").percentile_us(99.0) / 1e3;
        table.near(&claim("service p99"), "ms", 100.0, service_ms, Within::Percent(3.0));
        table.near(&claim("last answer"), "s", 20.0, run.log.span_us() as f64 / 1e6, Within::Percent(2.0));
        table.at_most(&claim("requests at once"), "", 5.0, run.log.most_at_once() as f64);
    }
}

/// A user that is busy for 95 ms takes one arrival of each ten of 100 ms: five users take half.
fn drop_them(table: &mut Table) {
    let load = format!("load: {{ rate: 100/s, duration: {SECONDS}s, max_users: 5, on_saturation: drop }}");
    let run = plain(Spec::each(95_000), &load, &[]);
    run.check_sums(table, "drop: sums", 1000);
    table.same("drop: not started", 0, run.arrivals("not_started"));
    table.near("drop: started", "", 500.0, run.arrivals("started") as f64, Within::Percent(2.0));
    let latency_ms = run.times("latency_us").percentile_us(99.0) / 1e3;
    table.near("drop: p99, nobody waits", "ms", 95.0, latency_ms, Within::Percent(3.0));
}
