//! Times in which the generator stood still: those of all workers merged, and what kept it. Pure.

use std::time::Duration;

use crate::metric::Stall;

use super::monitor::{HealthSecond, Observed};

/// A worker that comes this much too late stood still. Far above what a busy but fair machine does (a time slice
/// is some ms) and what a loop full of users takes for one round, yet small enough to matter to any latency.
pub(super) const STALL: Duration = Duration::from_millis(100);

/// Two stalls with less between them than this are one: the beats between them have other phases.
const CLOSE_US: u64 = 50_000;

/// What kept the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It was computing: too much work for its cores.
    OwnWork,
    /// It was ready and got no core.
    Starved,
    /// Its control group's quota was used up.
    Throttled,
    /// It was neither: SIGSTOP, a frozen container, a paused machine.
    Stopped,
    /// The system does not tell.
    Unknown,
}

impl Cause {
    /// In words, with what to do.
    fn words(self) -> &'static str {
        match self {
            Self::OwnWork => "busy with its own work: fewer users, or more cores and `--workers`",
            Self::Starved => {
                "waiting for a core that something else used: stop what else runs on this machine"
            }
            Self::Throttled => "held back by the CPU quota of its container: raise the quota",
            Self::Stopped => {
                "neither computing nor waiting for a core: it was stopped from outside (SIGSTOP, a frozen container, \
                 a paused virtual machine)"
            }
            Self::Unknown => "what kept it this system does not tell",
        }
    }
}

/// One time in which the generator stood still.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standstill {
    pub from_us: u64,
    pub to_us: u64,
    /// Workers that stood still, in order.
    pub workers: Vec<usize>,
    pub cause: Cause,
    /// Longest gap of one worker, which decides the cause.
    longest_us: u64,
}

/// Merges the stalls of all workers: a suspended process shows in each of them, and is one standstill.
pub(super) fn merged(stalls: &[Stall], observed: &Observed) -> Vec<Standstill> {
    let mut sorted: Vec<_> = stalls.iter().collect();
    sorted.sort_by_key(|stall| stall.from_us);
    let mut all: Vec<Standstill> = vec![];
    for stall in sorted {
        let length_us = stall.to_us - stall.from_us;
        let cause = cause(stall, observed);
        match all.last_mut().filter(|last| stall.from_us <= last.to_us + CLOSE_US) {
            Some(last) => {
                last.to_us = last.to_us.max(stall.to_us);
                if !last.workers.contains(&stall.worker) {
                    last.workers.push(stall.worker);
                    last.workers.sort_unstable();
                }
                if length_us > last.longest_us {
                    (last.longest_us, last.cause) = (length_us, cause);
                }
            }
            None => all.push(Standstill {
                from_us: stall.from_us,
                to_us: stall.to_us,
                workers: vec![stall.worker],
                cause,
                longest_us: length_us,
            }),
        }
    }
    all
}

fn cause(stall: &Stall, observed: &Observed) -> Cause {
    let half_us = (stall.to_us - stall.from_us) / 2;
    let (Some(cpu_us), Some(queued_us)) = (stall.cpu_us, stall.queued_us) else { return Cause::Unknown };
    if cpu_us >= half_us {
        return Cause::OwnWork;
    }
    let overlaps = |second: &&HealthSecond| {
        second.from_s * 1e6 < stall.to_us as f64 && second.to_s * 1e6 > stall.from_us as f64
    };
    let throttled_us: u64 =
        observed.seconds.iter().filter(overlaps).filter_map(|second| second.throttled_us).sum();
    // Whether a throttled thread counts as waiting depends on the kernel's version, so throttling goes first.
    if throttled_us >= half_us {
        return Cause::Throttled;
    }
    match cpu_us + queued_us >= half_us {
        true if cpu_us >= queued_us => Cause::OwnWork,
        true => Cause::Starved,
        false => Cause::Stopped,
    }
}

impl Standstill {
    /// What happened, in words.
    pub(super) fn words(&self, workers: usize, observed: &Observed) -> String {
        let whole = self.workers.len() == workers
            || observed
                .gaps_s
                .iter()
                .any(|(from, to)| from * 1e6 < self.to_us as f64 && to * 1e6 > self.from_us as f64);
        let who = match (whole, &self.workers[..]) {
            (true, _) => "the generator".to_owned(),
            (false, [one]) => format!("worker {one} of {workers} (counted from 0)"),
            (false, some) => format!("{} of {workers} workers", some.len()),
        };
        let (from_s, to_s) = (self.from_us as f64 / 1e6, self.to_us as f64 / 1e6);
        format!(
            "{who} stood still for {:.2} s, from {from_s:.2} s to {to_s:.2} s, {}",
            to_s - from_s,
            self.cause.words()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1000;

    fn stall(worker: usize, from_ms: u64, to_ms: u64, cpu_ms: u64, queued_ms: u64) -> Stall {
        let (cpu_us, queued_us) = (Some(cpu_ms * MS), Some(queued_ms * MS));
        Stall { worker, from_us: from_ms * MS, to_us: to_ms * MS, cpu_us, queued_us }
    }

    #[test]
    fn a_suspension_shows_in_every_worker_and_is_one_standstill() {
        let stalls = [stall(1, 2010, 3000, 1, 2), stall(0, 2000, 3001, 0, 0), stall(1, 5000, 5200, 190, 0)];
        let all = merged(&stalls, &Observed::default());
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].from_us, all[0].to_us, &all[0].workers[..]), (2_000_000, 3_001_000, &[0, 1][..]));
        assert_eq!((all[0].cause, all[1].cause), (Cause::Stopped, Cause::OwnWork));
        let words = all[0].words(2, &Observed::default());
        assert!(words.starts_with("the generator stood still for 1.00 s, from 2.00 s to 3.00 s"), "{words}");
        assert!(words.contains("SIGSTOP"), "{words}");
        let words = all[1].words(2, &Observed::default());
        assert!(words.starts_with("worker 1 of 2 (counted from 0) stood still for 0.20 s"), "{words}");
    }

    #[test]
    fn the_longest_gap_says_what_kept_it() {
        let stalls = [stall(0, 1000, 1110, 105, 0), stall(1, 1000, 1900, 10, 850)];
        assert_eq!(merged(&stalls, &Observed::default())[0].cause, Cause::Starved);
    }

    #[test]
    fn a_gap_of_work_and_waiting_is_no_suspension() {
        let of =
            |cpu_ms, queued_ms| merged(&[stall(0, 0, 200, cpu_ms, queued_ms)], &Observed::default())[0].cause;
        assert_eq!(of(45, 80), Cause::Starved);
        assert_eq!(of(80, 45), Cause::OwnWork);
        assert_eq!(of(30, 30), Cause::Stopped);
    }

    #[test]
    fn throttling_is_told_from_neighbours() {
        let second =
            |throttled_us| HealthSecond { from_s: 1.0, to_s: 2.0, throttled_us, ..HealthSecond::default() };
        let of = |throttled_us| {
            let observed = Observed { seconds: vec![second(throttled_us)], ..Observed::default() };
            merged(&[stall(0, 1200, 1600, 5, 390)], &observed)[0].cause
        };
        assert_eq!(of(Some(380 * MS)), Cause::Throttled);
        assert_eq!(of(Some(10 * MS)), Cause::Starved);
        assert_eq!(of(None), Cause::Starved);
    }

    #[test]
    fn a_gap_of_the_watch_makes_it_the_whole_generator() {
        let observed = Observed { gaps_s: vec![(1.0, 1.5)], ..Observed::default() };
        let unknown = Stall { cpu_us: None, queued_us: None, ..stall(0, 1100, 1400, 0, 0) };
        let words = merged(&[unknown], &observed)[0].words(4, &observed);
        assert!(words.starts_with("the generator stood still for 0.30 s"), "{words}");
        assert!(words.ends_with("this system does not tell"), "{words}");
    }
}
