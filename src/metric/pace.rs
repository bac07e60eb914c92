//! How well the generator kept its own time: how late it did what was due, how late its event loop turned, and
//! when it stood still. Must not judge: what is too late is decided where the result is made.

use super::Distribution;

/// Stalls kept over a run. A run with so many is past help; more of them say nothing new.
const MOST_STALLS: usize = 1000;

/// A time in which a worker did not turn its event loop although it was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// Which worker.
    pub worker: usize,
    /// When it was due, µs since the start of the load.
    pub from_us: u64,
    /// When it came.
    pub to_us: u64,
    /// CPU time the worker used meanwhile, µs; absent where the system does not say.
    pub cpu_us: Option<u64>,
    /// Time the worker waited on a run queue meanwhile, µs; absent where the system does not say.
    pub queued_us: Option<u64>,
}

/// How well the generator kept its own time.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// Due (an arrival, the end of a think time) → done, µs.
    pub pacing: Distribution,
    /// Heartbeat due → heartbeat, µs.
    pub lag: Distribution,
    /// How many of `pacing` were ends of pauses: of the runtime's timers, which tick in 1 ms and round up.
    pub pauses: u64,
    /// Long gaps between heartbeats, in the order they came.
    pub stalls: Vec<Stall>,
    /// By target: the workers' time that went into reading what it sent without a pause, µs. Short where a target sent
    /// nothing like it.
    pub flooded_us: Vec<u64>,
}

impl Pace {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.pacing.add(&other.pacing);
        self.lag.add(&other.lag);
        self.pauses += other.pauses;
        let room = MOST_STALLS.saturating_sub(self.stalls.len());
        self.stalls.extend(other.stalls.iter().take(room));
        other.flooded_us.iter().enumerate().for_each(|(target, us)| self.add_flood(target, *us));
    }

    /// Adds the time that a target took from others by sending without a pause, µs.
    pub fn add_flood(&mut self, target: usize, us: u64) {
        if self.flooded_us.len() <= target {
            self.flooded_us.resize(target + 1, 0);
        }
        self.flooded_us[target] += us;
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.pacing.clear();
        self.lag.clear();
        self.pauses = 0;
        self.stalls.clear();
        self.flooded_us.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stalls_are_capped_and_times_are_not() {
        let stall = Stall { worker: 0, from_us: 1, to_us: 2, cpu_us: None, queued_us: None };
        let mut one = Pace { stalls: vec![stall; 600], ..Pace::default() };
        one.pacing.record(7);
        one.add_flood(2, 5);
        let mut all = Pace::default();
        (0..3).for_each(|_| all.add(&one));
        assert_eq!((all.stalls.len(), all.pacing.count()), (MOST_STALLS, 3));
        assert_eq!(all.flooded_us, [0, 0, 15]);
        all.clear();
        assert_eq!((all.stalls.len(), all.pacing.count(), all.lag.count()), (0, 0, 0));
    }
}
