//! The time that computing values before the run may take, for the whole plan: each value is bounded by itself, and a plan
//! can have thousands. Measured as CPU time of this thread, so that a busy machine changes nothing. Must not compute them.

use std::time::Duration;

/// Most time for all values of a plan; an unoptimized build takes several times as long for the same.
const MOST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5_000 } else { 1_000 });

/// The time spent so far.
#[derive(Debug, Default)]
pub(super) struct Effort {
    spent: Duration,
}

impl Effort {
    /// What `work` gives; `None`, without doing it, when all time is spent.
    pub(super) fn within<T>(&mut self, work: impl FnOnce() -> T) -> Option<T> {
        if self.spent > MOST {
            return None;
        }
        let before = cpu_time();
        let done = work();
        self.spent += cpu_time().saturating_sub(before);
        Some(done)
    }

    /// In words.
    pub(super) fn is_spent() -> String {
        format!("the values of the plan take more than {} s to compute", MOST.as_secs())
    }
}

/// CPU time of this thread.
#[cfg(unix)]
fn cpu_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// There is no limit where this clock is not.
#[cfg(not(unix))]
fn cpu_time() -> Duration {
    Duration::ZERO
}
