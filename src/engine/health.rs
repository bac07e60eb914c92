//! Is the generator the bottleneck? Heartbeats of the workers, the process as the system counts it, and a judge
//! that says from both why a run is not to be believed. Must not know reports; nothing here may slow a worker.

mod heartbeat;
mod judge;
mod monitor;
mod proc;
mod stall;
mod system;

pub use judge::{Arrivals, Evidence, Reason, ReasonKind, judge, trouble, warnings};
pub use monitor::{HealthSecond, Observed, mean_over_time};

pub(super) use heartbeat::Heartbeat;
pub(super) use monitor::{Monitor, worker_name};
pub(super) use system::{open_fds, port_range};

/// What the process used; absent where the system does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Resources {
    /// CPU seconds of all threads.
    pub cpu_s: Option<f64>,
    /// Largest resident memory, bytes.
    pub max_rss_bytes: Option<u64>,
}

impl Resources {
    /// Reads `/proc/self` (Linux; see proc(5)).
    pub fn read() -> Self {
        Self { cpu_s: system::cpu_s(), max_rss_bytes: system::max_rss_bytes() }
    }
}
