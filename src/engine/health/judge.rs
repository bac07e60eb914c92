//! Why a run is not to be believed, from what was observed of the generator. Pure functions over numbers: no clock,
//! no system. Source of the rules: "When not to believe a result" in `docs/guide/numbers.md`.

use std::ops::Range;

use crate::engine::interval::IntervalPace;
use crate::metric::{Distribution, Pace};

use super::monitor::{HealthSecond, Observed, mean_over_time};
use super::stall::{STALL, merged};

/// A pacing error that never matters, whatever the thresholds: five ticks of the timer.
const PACING_FLOOR_US: u64 = 5_000;
/// A pacing error above this share of the strictest latency threshold could decide it.
const PACING_SHARE: f64 = 0.05;
/// So many things must have been too late: a percentile of fewer is one hiccup, not how the run was paced.
const FEWEST_LATE: u64 = 10;
/// Below this share of the offered arrivals the load was not the one the plan describes.
const ACHIEVED: f64 = 0.99;
/// Above this share of its cores the generator's own queueing begins to show in latencies.
const CPU_SHARE: f64 = 0.9;
/// Workers that wait for a core more than this share of the time are short of one.
const QUEUED_SHARE: f64 = 0.1;
/// A target that takes more than this share of one worker's time by sending without a pause is worth a word.
const FLOODED_SHARE: f64 = 0.2;
/// Time held back in a second that is worth a word.
const THROTTLED_US: u64 = 10_000;
/// Seconds too short to divide by.
const SHORTEST_S: f64 = 0.5;
/// Standstills told one by one; the rest in one line.
const TOLD: usize = 10;

/// What a reason is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonKind {
    /// The generator stood still.
    Stall,
    /// It did too late what was due.
    Lag,
    /// It offered less than planned.
    Shortfall,
}

impl ReasonKind {
    /// The name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stall => "stall",
            Self::Lag => "lag",
            Self::Shortfall => "shortfall",
        }
    }
}

/// Why a run is not to be believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What it is about.
    pub kind: ReasonKind,
    /// From this second of the load.
    pub from_s: f64,
    /// To this second.
    pub to_s: f64,
    /// In words: what, when, why.
    pub detail: String,
}

/// What an open model was to do in the measured window and what became of it, in arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrivals {
    /// Due.
    pub offered: u64,
    /// Started. The others found no user, most often because the target kept all of them busy; unless we did.
    pub started: u64,
}

impl Arrivals {
    /// started / offered; `None` when nothing was due.
    pub fn achieved_ratio(self) -> Option<f64> {
        (self.offered > 0).then(|| self.started as f64 / self.offered as f64)
    }
}

/// All that is judged.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// The part of the run that counts (without warm-up), seconds from the start of the load.
    pub window_s: Range<f64>,
    /// Pacing, event-loop lag and stalls of all workers.
    pub pace: &'a Pace,
    /// By second: its end, and how late the generator was in it.
    pub pace_by_second: &'a [(u64, IntervalPace)],
    /// What was seen of the process.
    pub observed: &'a Observed,
    /// Worker threads.
    pub workers: usize,
    /// The smallest upper bound of a latency threshold, µs.
    pub strictest_latency_us: Option<u64>,
    /// Names of targets that sent without a pause, with the time of the workers that went into reading it, µs.
    pub floods: &'a [(&'a str, u64)],
    /// Arrivals, in an open model.
    pub arrivals: Option<Arrivals>,
}

/// Why the run is not to be believed; empty when it is.
pub fn judge(evidence: &Evidence<'_>) -> Vec<Reason> {
    let mut reasons = stalls(evidence);
    reasons.extend(lag(evidence));
    reasons.extend(shortfall(evidence));
    reasons
}

/// What a reader should know about the generator although it makes no run invalid.
pub fn warnings(evidence: &Evidence<'_>) -> Vec<String> {
    let when = |is: &dyn Fn(&HealthSecond) -> bool| spans(&evidence.observed.seconds, &evidence.window_s, is);
    let mut warnings = vec![];
    if let Some(when) = when(&|second| second.cpu_share.is_some_and(|share| share > CPU_SHARE)) {
        warnings.push(format!(
            "the generator used more than 90 % of its {:.3} cores {when}: latencies of then may hold its own queueing{}",
            Trimmed(evidence.observed.allowed_cores),
            flood(evidence).map(|flood| format!("; {flood}")).unwrap_or_default()
        ));
    }
    if let Some(when) = when(&|second| second.throttled_us.is_some_and(|us| us > THROTTLED_US)) {
        warnings.push(format!("the CPU quota of its container held the generator back {when}"));
    }
    if let Some(when) = when(&|second| second.queued_share().is_some_and(|share| share > QUEUED_SHARE)) {
        warnings.push(format!(
            "the workers waited for a core more than 10 % of the time {when}: something else used it, or there are \
             more workers than cores"
        ));
    }
    warnings
}

/// What went wrong in one second, in a few words; `None` when nothing did. Whether it matters is judged at the end.
pub fn trouble(
    pace: IntervalPace,
    second: Option<&HealthSecond>,
    strictest_latency_us: Option<u64>,
) -> Option<&'static str> {
    if pace.lag_max_us.is_some_and(|us| us >= STALL.as_micros() as u64) {
        return Some("stood still");
    }
    if pace.pacing_p99_us.is_some_and(|us| us > allowed_us(strictest_latency_us)) {
        return Some("late");
    }
    if second.and_then(HealthSecond::queued_share).is_some_and(|share| share > QUEUED_SHARE) {
        return Some("waits for a core");
    }
    second.and_then(|second| second.cpu_share).filter(|share| *share > CPU_SHARE).map(|_| "busy")
}

/// The largest pacing error that is no reason.
fn allowed_us(strictest_latency_us: Option<u64>) -> u64 {
    strictest_latency_us.map_or(0, |us| (us as f64 * PACING_SHARE) as u64).max(PACING_FLOOR_US)
}

/// A number without needless zeros.
struct Trimmed(f64);

impl std::fmt::Display for Trimmed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", (self.0 * 100.0).round() / 100.0)
    }
}

fn stalls(evidence: &Evidence<'_>) -> Vec<Reason> {
    let (from, to) = (evidence.window_s.start, evidence.window_s.end);
    let in_window = |from_us: u64, to_us: u64| to_us as f64 / 1e6 > from && (from_us as f64 / 1e6) < to;
    let mut all = merged(&evidence.pace.stalls, evidence.observed);
    all.retain(|stall| in_window(stall.from_us, stall.to_us));
    let seconds = |us: u64| us as f64 / 1e6;
    let reason = |from_us, to_us, detail| Reason {
        kind: ReasonKind::Stall,
        from_s: seconds(from_us),
        to_s: seconds(to_us),
        detail,
    };
    let rest = all.split_off(all.len().min(TOLD));
    let mut reasons: Vec<_> = all
        .iter()
        .map(|stall| reason(stall.from_us, stall.to_us, stall.words(evidence.workers, evidence.observed)))
        .collect();
    if let [first, .., last] | [first @ last] = &rest[..] {
        let sum_s: f64 = rest.iter().map(|stall| seconds(stall.to_us - stall.from_us)).sum();
        let detail = format!("it stood still {} more times, {sum_s:.2} s in all", rest.len());
        reasons.push(reason(first.from_us, last.to_us, detail));
    }
    reasons
}

/// Lateness of what the plan made due; without that, of the heartbeats: users that loop without a pause wait for
/// their turn like these, and their latencies hold that wait.
fn lag(evidence: &Evidence<'_>) -> Option<Reason> {
    let strictest_us = evidence.strictest_latency_us;
    let allowed_us = allowed_us(strictest_us);
    let is_late = |times: &Distribution| {
        times.quantile(0.99) > allowed_us && later_than(times, allowed_us) >= FEWEST_LATE
    };
    let Pace { pacing, lag, .. } = evidence.pace;
    let (what, times, in_second): (_, _, fn(&IntervalPace) -> Option<u64>) =
        match (is_late(pacing), is_late(lag)) {
            (true, _) => ("what was due was done", pacing, |second| second.pacing_p99_us),
            (false, true) => ("its heartbeats came", lag, |second| second.lag_max_us),
            (false, false) => return None,
        };
    let window_s = &evidence.window_s;
    let late = |(at_s, pace): &&(u64, IntervalPace)| {
        *at_s as f64 > window_s.start && in_second(pace).is_some_and(|us| us > allowed_us)
    };
    let late: Vec<_> = evidence.pace_by_second.iter().filter(late).map(|(at_s, _)| *at_s as f64).collect();
    let from_s = late.first().map_or(window_s.start, |at_s| (at_s - 1.0).max(window_s.start));
    // What was due before the end may have been done after it.
    let to_s = late.last().map_or(window_s.end, |at_s| at_s.min(window_s.end)).max(from_s);
    let limit = match strictest_us.filter(|_| allowed_us > PACING_FLOOR_US) {
        Some(us) => {
            format!("5 % of the strictest latency threshold ({} ms) is {} ms", ms(us), ms(allowed_us))
        }
        None => format!("{} ms are allowed", ms(allowed_us)),
    };
    Some(Reason {
        kind: ReasonKind::Lag,
        from_s,
        to_s,
        detail: format!(
            "the generator was late: 1 % of {what} {} ms or more too late, and {limit}; {}",
            ms(times.quantile(0.99)),
            cause_of_lag(evidence, &late)
        ),
    })
}

/// What kept the generator in the seconds that end then, in words, with what to do.
fn cause_of_lag(evidence: &Evidence<'_>, late_at_s: &[f64]) -> String {
    let late_part_s = |second: &HealthSecond| -> f64 {
        let first = late_at_s.partition_point(|at_s| *at_s <= second.from_s);
        let meets = late_at_s[first..].iter().take_while(|at_s| **at_s - 1.0 < second.to_s);
        meets.map(|at_s| second.inside_s(&(at_s - 1.0..*at_s))).sum()
    };
    let late = evidence.observed.seconds.iter().map(|second| (second, late_part_s(second)));
    let is_above = |share: fn(&HealthSecond) -> Option<f64>, limit: f64| {
        mean_over_time(late.clone(), share).filter(|mean| *mean > limit)
    };
    // A held-back thread may count as waiting, so this goes first.
    let throttled = |second: &HealthSecond| Some(second.throttled_us? as f64 / 1e6 / second.length_s());
    if is_above(throttled, QUEUED_SHARE).is_some() {
        return "the CPU quota of its container held it back: raise the quota".into();
    }
    if let Some(queued) = is_above(HealthSecond::queued_share, QUEUED_SHARE) {
        return format!(
            "its workers waited for a core {:.0} % of the time: stop what else runs on this machine, use no \
             more `--workers` than cores, or a larger machine",
            queued * 100.0
        );
    }
    let busiest =
        |second: &HealthSecond| second.worker_cpu_share.iter().copied().reduce(f64::max).or(second.cpu_share);
    if let Some(flood) = flood(evidence) {
        return format!(
            "{flood}: give what asks that target fewer users, a run of its own, or more cores and `--workers`"
        );
    }
    if is_above(busiest, CPU_SHARE).is_some() {
        return "it was busy with its own work: use a lower rate, fewer users, or more cores and `--workers`"
            .into();
    }
    "use a lower rate, fewer users or a larger machine".into()
}

/// The target that took most of a worker's time by sending without a pause, in words; `None` when none took much.
fn flood(evidence: &Evidence<'_>) -> Option<String> {
    let (name, us) = evidence.floods.iter().max_by_key(|(_, us)| *us)?;
    let taken_s = *us as f64 / 1e6;
    let window_s = evidence.window_s.end - evidence.window_s.start;
    (taken_s > window_s * FLOODED_SHARE).then(|| {
        format!("reading what target `{name}` sent without a pause took {taken_s:.1} s of its workers' time")
    })
}

fn later_than(times: &Distribution, us: u64) -> u64 {
    times
        .histogram()
        .iter_recorded()
        .filter(|step| step.value_iterated_to() > us)
        .map(|step| step.count_at_value())
        .sum()
}

fn ms(us: u64) -> Trimmed {
    Trimmed(us as f64 / 1e3)
}

/// Fewer arrivals started than planned is the target's doing, unless the generator had no core to spare: its users
/// then wait for that, not for the target.
fn shortfall(evidence: &Evidence<'_>) -> Option<Reason> {
    let arrivals = evidence.arrivals?;
    if arrivals.achieved_ratio()? >= ACHIEVED || !is_mostly_busy(evidence) {
        return None;
    }
    Some(Reason {
        kind: ReasonKind::Shortfall,
        from_s: evidence.window_s.start,
        to_s: evidence.window_s.end,
        detail: format!(
            "the generator started {} of {} arrivals, and meanwhile used its cores or waited for them more than \
             90 % of the time: the load was not the one planned; use a lower rate or a larger machine",
            arrivals.started, arrivals.offered
        ),
    })
}

/// Whether the generator had no core to spare for half of the time or more.
fn is_mostly_busy(evidence: &Evidence<'_>) -> bool {
    let inside = |second: &&HealthSecond| second.inside_s(&evidence.window_s) > 0.0;
    let seconds = || evidence.observed.seconds.iter().filter(inside);
    // One worker without a core to spare holds its own users up, whatever the others do. To wait for a core that
    // something else uses is no better than to use it.
    let is_busy = |second: &&HealthSecond| {
        let workers = second.worker_cpu_share.iter().zip(&second.worker_queued_share);
        let wanted = workers.map(|(used, queued)| used + queued.unwrap_or(0.0));
        second.cpu_share.into_iter().chain(wanted).any(|share| share > CPU_SHARE)
    };
    let busy_s: f64 = seconds().filter(is_busy).map(HealthSecond::length_s).sum();
    busy_s > 0.0 && busy_s >= seconds().map(HealthSecond::length_s).sum::<f64>() / 2.0
}

/// `from 3 s to 7 s and from 9 s to 10 s`: when a condition held; `None` when it never did.
fn spans(
    seconds: &[HealthSecond],
    window_s: &Range<f64>,
    is: &dyn Fn(&HealthSecond) -> bool,
) -> Option<String> {
    /// Spans told one by one.
    const TOLD: usize = 3;
    let mut all: Vec<(f64, f64)> = vec![];
    let counts = |second: &&HealthSecond| {
        second.length_s() >= SHORTEST_S && second.inside_s(window_s) > 0.0 && is(second)
    };
    for second in seconds.iter().filter(counts) {
        match all.last_mut().filter(|last| second.from_s <= last.1 + 0.001) {
            Some(last) => last.1 = second.to_s,
            None => all.push((second.from_s, second.to_s)),
        }
    }
    let total_s: f64 = all.iter().map(|(from, to)| to - from).sum();
    match all.len() {
        0 => None,
        count if count > TOLD => Some(format!("in {count} stretches, {total_s:.0} s in all")),
        _ => {
            let told: Vec<_> =
                all.iter().map(|(from, to)| format!("from {from:.0} s to {to:.0} s")).collect();
            Some(told.join(" and "))
        }
    }
}

#[cfg(test)]
mod tests;
