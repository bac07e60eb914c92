//! What the result says about the generator itself. Holds no behaviour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Distribution;

/// Whether the generator could be the limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// False when a reason was found not to believe the run.
    pub valid: bool,
    /// The reasons.
    pub reasons: Vec<InvalidReason>,
    /// Worker threads.
    pub workers: usize,
    /// Arrivals started / arrivals due; absent in closed models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub achieved_ratio: Option<f64>,
    /// How late the generator did what was due: arrivals, ends of think times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pacing_us: Option<Distribution>,
    /// How late the workers' event loops turned, measured by a heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_us: Option<Distribution>,
    /// How late the generator was in what latencies hold: arrivals, or without them the event loops, 99 %, µs. A threshold on times
    /// that is nearer to its limit is `invalid`. Absent when fewer than 100 of them were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness_us: Option<u64>,
    /// Cores the process may use: its affinity, cut by the quota of its control group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_cores: Option<f64>,
    /// By second: CPU time of the process over that of the cores allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpu_share: Vec<f64>,
    /// By worker: CPU time over the time of the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worker_cpu_share: Vec<f64>,
    /// Share of the time the workers waited for a core that something else used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_share: Option<f64>,
    /// Time the CPU quota of the control group held the process back, µs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_us: Option<u64>,
    /// Seconds of CPU the process used, all threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_s: Option<f64>,
    /// Largest resident memory, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rss_bytes: Option<u64>,
    /// Most file descriptors open at once, looked at once a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fds: Option<u64>,
    /// Most TCP sockets that held a port at once, looked at once a second; those of other processes count too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tcp_sockets: Option<u64>,
}

/// A reason not to believe the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvalidReason {
    /// `stall`, `lag`, `shortfall`, `fds`, `ports`, `route` or `memory`.
    pub kind: String,
    /// From this second.
    pub from_s: f64,
    /// To this second.
    pub to_s: f64,
    /// In words.
    pub detail: String,
}
