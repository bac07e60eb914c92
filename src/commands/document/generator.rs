//! Whether the generator could be the limit: what it observed of itself, its `local.*` failures, and the reasons
//! that make a run invalid. Which rules there are: `engine::health`.

use crate::compile::CompiledPlan;
use crate::engine::health::{self, Arrivals, Evidence, HealthSecond};
use crate::engine::{Outcome, RunOptions};
use crate::failure::Failure;
use crate::metric::{ArrivalCounts, SeriesKind, SeriesTotal};
use crate::report::model::{Generator, InvalidReason};
use crate::threshold::{Metric, Stat, Threshold};

use super::distribution::distribution;
use super::lateness::Lateness;

/// The generator's part of the result, and remarks about it that make no run invalid.
pub fn generator(
    plan: &CompiledPlan,
    options: &RunOptions,
    outcome: &Outcome,
    lateness: &Lateness,
) -> (Generator, Vec<String>) {
    let pace = &outcome.totals.pace;
    let pace_by_second: Vec<_> = outcome.timeline.iter().map(|second| (second.at_s, second.pace)).collect();
    let targets = plan.targets.iter().map(|target| target.name.as_str());
    let floods: Vec<_> = targets.zip(pace.flooded_us.iter().copied()).collect();
    let evidence = Evidence {
        window_s: plan.measured_from().as_secs_f64()..outcome.duration.as_secs_f64(),
        pace,
        pace_by_second: &pace_by_second,
        observed: &outcome.health,
        workers: options.workers,
        strictest_latency_us: strictest_latency_us(plan),
        floods: &floods,
        arrivals: plan.is_open().then(|| arrivals(outcome)),
    };
    let mut reasons = shortages(plan, outcome);
    reasons.extend(health::judge(&evidence).into_iter().map(|reason| InvalidReason {
        kind: reason.kind.name().to_owned(),
        from_s: reason.from_s,
        to_s: reason.to_s,
        detail: reason.detail,
    }));
    let seconds = &outcome.health.seconds;
    let most = |of: fn(&HealthSecond) -> Option<u64>| seconds.iter().filter_map(of).max();
    let generator = Generator {
        valid: reasons.is_empty(),
        reasons,
        workers: options.workers,
        achieved_ratio: evidence.arrivals.and_then(Arrivals::achieved_ratio),
        pacing_us: distribution(&pace.pacing),
        lag_us: distribution(&pace.lag),
        lateness_us: lateness.us(),
        allowed_cores: Some(outcome.health.allowed_cores).filter(|cores| *cores > 0.0),
        cpu_share: seconds.iter().filter_map(|second| second.cpu_share).collect(),
        worker_cpu_share: worker_cpu_share(seconds, options.workers),
        queued_share: mean(seconds, HealthSecond::queued_share),
        throttled_us: seconds.iter().filter_map(|second| second.throttled_us).reduce(|all, us| all + us),
        cpu_s: outcome.resources.cpu_s,
        max_rss_bytes: outcome.resources.max_rss_bytes,
        max_fds: most(|second| second.fds),
        max_tcp_sockets: most(|second| second.tcp_sockets),
    };
    (generator, health::warnings(&evidence))
}

/// Arrivals of the measured part.
fn arrivals(outcome: &Outcome) -> Arrivals {
    let mut counts = ArrivalCounts::default();
    outcome.totals.scenarios.iter().for_each(|scenario| counts.add(&scenario.arrivals));
    // Those that found no row of data were not to be started.
    Arrivals { offered: counts.due.saturating_sub(counts.without_rows), started: counts.started }
}

/// Mean over all of the run.
fn mean(seconds: &[HealthSecond], of: impl Fn(&HealthSecond) -> Option<f64>) -> Option<f64> {
    health::mean_over_time(seconds.iter().map(|second| (second, second.length_s())), of)
}

fn worker_cpu_share(seconds: &[HealthSecond], workers: usize) -> Vec<f64> {
    let of = |worker: usize| mean(seconds, |second| second.worker_cpu_share.get(worker).copied());
    (0..workers).map_while(of).collect()
}

/// The smallest upper bound that a threshold sets to latency.
pub fn strictest_latency_us(plan: &CompiledPlan) -> Option<u64> {
    let bounds = |threshold: &Threshold| {
        let is_latency = matches!(
            threshold.metric,
            Metric::Time { phase: None, stat: Stat::Percentile(_) | Stat::Avg | Stat::Max }
        );
        is_latency && threshold.op.is_upper_bound()
    };
    let all = plan.thresholds.iter().map(|scoped| &scoped.threshold).filter(|threshold| bounds(threshold));
    all.filter_map(|threshold| Some((threshold.limit()? * 1e6) as u64)).min()
}

/// Failures that are the generator's own fault.
fn shortages(plan: &CompiledPlan, outcome: &Outcome) -> Vec<InvalidReason> {
    // What `ready` met does not count, it only waited; flows repeat what their requests say.
    let of_requests =
        |kind: SeriesKind| matches!(kind, SeriesKind::Endpoint | SeriesKind::Auth | SeriesKind::WarmUp);
    let all = plan.series.iter().zip(&outcome.totals.series);
    let rows: Vec<_> = all.filter(|(info, _)| of_requests(info.kind)).map(|(_, row)| row).collect();
    [
        (Failure::LocalFds, "fds", "the generator ran out of file descriptors (raise `ulimit -n`)"),
        (
            Failure::LocalPorts,
            "ports",
            "the generator ran out of ports or addresses to connect from (see `http.local_addresses`)",
        ),
        (
            Failure::LocalRoute,
            "route",
            "this machine has no route to the target, or its own rules forbid the connection (see `ip route get ADDRESS`)",
        ),
        (Failure::LocalMemory, "memory", "the generator ran out of memory"),
    ]
    .into_iter()
    .filter_map(|(kind, name, what)| shortage(&rows, kind, name, what))
    .collect()
}

fn shortage(rows: &[&SeriesTotal], kind: Failure, name: &str, what: &str) -> Option<InvalidReason> {
    let count: u64 = rows.iter().map(|row| row.failures[kind as usize]).sum();
    let texts = || rows.iter().flat_map(|row| &row.texts).filter(|text| text.kind == kind);
    (count > 0).then(|| InvalidReason {
        kind: name.to_owned(),
        from_s: texts().map(|text| text.first_us).min().unwrap_or(0) as f64 / 1e6,
        to_s: texts().map(|text| text.last_us).max().unwrap_or(0) as f64 / 1e6,
        detail: format!("{count} requests failed because {what}"),
    })
}

/// Whether a reason falls into the second that ends at `at_s`.
pub fn is_invalid(generator: &Generator, at_s: u64) -> bool {
    let (from_s, to_s) = (at_s.saturating_sub(1) as f64, at_s as f64);
    // One that is a moment begins in its second; one that ends with a second is not in the next.
    let falls_in = |reason: &InvalidReason| reason.to_s > from_s || reason.from_s >= from_s;
    generator.reasons.iter().any(|reason| reason.from_s < to_s && falls_in(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_marks_the_seconds_it_falls_into() {
        let marked = |from_s: f64, to_s: f64| -> Vec<u64> {
            let reason = InvalidReason { kind: "lag".into(), from_s, to_s, detail: String::new() };
            let generator = Generator { reasons: vec![reason], ..Generator::default() };
            (1..=10).filter(|at_s| is_invalid(&generator, *at_s)).collect()
        };
        assert_eq!(marked(6.0, 8.0), [7, 8]);
        assert_eq!(marked(6.5, 8.1), [7, 8, 9]);
        // A moment: one request that met a limit.
        assert_eq!(marked(3.0, 3.0), [4]);
        assert_eq!(marked(3.4, 3.4), [4]);
    }
}
