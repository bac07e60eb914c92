//! Why a run is not to be believed, from what was observed of the generator. Pure functions over numbers: no clock,
//! no system. Source of the rules: "When not to believe a result" in `docs/guide/numbers.md`.

use std::ops::Range;

use crate::metric::{Distribution, Pace};

use super::monitor::{HealthSecond, Observed};
use super::stall::merged;

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
    /// Started.
    pub started: u64,
    /// Of the others, those that found all `max_users` users busy: the target's slowness, unless ours made it.
    pub held_by_target: u64,
}

impl Arrivals {
    /// started / offered; `None` when nothing was due.
    pub fn achieved_ratio(self) -> Option<f64> {
        (self.offered > 0).then(|| self.started as f64 / self.offered as f64)
    }

    /// Arrivals that neither were started nor were held up by the target.
    fn missed_by_us(self) -> u64 {
        self.offered.saturating_sub(self.started).saturating_sub(self.held_by_target)
    }
}

/// All that is judged.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// The part of the run that counts (without warm-up), seconds from the start of the load.
    pub window_s: Range<f64>,
    /// Pacing, event-loop lag and stalls of all workers.
    pub pace: &'a Pace,
    /// By second: its end, and the p99 of the pacing error in it, µs.
    pub pacing_by_second: &'a [(u64, u64)],
    /// What was seen of the process.
    pub observed: &'a Observed,
    /// Worker threads.
    pub workers: usize,
    /// The smallest upper bound of a latency threshold, µs.
    pub strictest_latency_us: Option<u64>,
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
            "the generator used more than 90 % of its {:.3} cores {when}: latencies of then may hold its own queueing",
            Trimmed(evidence.observed.allowed_cores)
        ));
    }
    if let Some(when) = when(&|second| second.throttled_us.is_some_and(|us| us > THROTTLED_US)) {
        warnings.push(format!("the CPU quota of its container held the generator back {when}"));
    }
    if let Some(when) = when(&|second| second.queued_share.is_some_and(|share| share > QUEUED_SHARE)) {
        warnings.push(format!(
            "the workers waited for a core more than 10 % of the time {when}: something else used it, or there are \
             more workers than cores"
        ));
    }
    warnings
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

fn lag(evidence: &Evidence<'_>) -> Option<Reason> {
    let pacing = &evidence.pace.pacing;
    let strictest_us = evidence.strictest_latency_us;
    let allowed_us = strictest_us.map_or(0, |us| (us as f64 * PACING_SHARE) as u64).max(PACING_FLOOR_US);
    let p99_us = pacing.quantile(0.99);
    if p99_us <= allowed_us || later_than(pacing, allowed_us) < FEWEST_LATE {
        return None;
    }
    let late = |(_, p99_us): &&(u64, u64)| *p99_us > allowed_us;
    let late: Vec<u64> = evidence.pacing_by_second.iter().filter(late).map(|(at_s, _)| *at_s).collect();
    let from_s = late.first().map_or(evidence.window_s.start, |at_s| at_s.saturating_sub(1) as f64);
    let to_s = late.last().map_or(evidence.window_s.end, |at_s| *at_s as f64);
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
            "the generator was late: 1 % of what was due was done {} ms or more after its time, and {limit}; use a \
             lower rate, fewer users or a larger machine",
            ms(p99_us)
        ),
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

fn shortfall(evidence: &Evidence<'_>) -> Option<Reason> {
    let arrivals = evidence.arrivals?;
    // Users of a generator without a free core wait for it, not for the target.
    let is_ours = is_mostly_busy(evidence);
    let missed =
        if is_ours { arrivals.offered.saturating_sub(arrivals.started) } else { arrivals.missed_by_us() };
    if arrivals.offered == 0 || 1.0 - missed as f64 / arrivals.offered as f64 >= ACHIEVED {
        return None;
    }
    Some(Reason {
        kind: ReasonKind::Shortfall,
        from_s: evidence.window_s.start,
        to_s: evidence.window_s.end,
        detail: format!(
            "the generator started {} of {} arrivals, and {missed} of those missing {}: the load was not the one \
             planned; use a lower rate or a larger machine",
            arrivals.started,
            arrivals.offered,
            if is_ours {
                "found all users busy while it used more than 90 % of its cores"
            } else {
                "were not held up by the target"
            }
        ),
    })
}

/// Whether the generator had no core to spare for half of the time or more.
fn is_mostly_busy(evidence: &Evidence<'_>) -> bool {
    let window_s = &evidence.window_s;
    let inside = |second: &&HealthSecond| second.to_s > window_s.start && second.from_s < window_s.end;
    let length_s = |second: &HealthSecond| second.to_s - second.from_s;
    let seconds = || evidence.observed.seconds.iter().filter(inside);
    // One worker without a core to spare holds its own users up, whatever the others do.
    let is_busy = |second: &&HealthSecond| {
        let shares = second.cpu_share.iter().chain(&second.worker_cpu_share);
        shares.into_iter().any(|share| *share > CPU_SHARE)
    };
    let busy_s: f64 = seconds().filter(is_busy).map(length_s).sum();
    busy_s > 0.0 && busy_s >= seconds().map(length_s).sum::<f64>() / 2.0
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
        second.to_s - second.from_s >= SHORTEST_S
            && second.to_s > window_s.start
            && second.from_s < window_s.end
            && is(second)
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
