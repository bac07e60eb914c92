//! The result: one versioned document every report is made from. Units are in the field names; what is
//! unknown is absent, never 0. Holds no behaviour but small look-ups; must not read clocks or files.

mod generator;
mod run;
mod second;
mod target;
mod threshold;

pub use generator::{Generator, InvalidReason};
pub use run::{ByHand, ByHandKind, Ended, Host, Mark, MarkKind, RunInfo, ScenarioLoad};
pub use second::{SecondRows, forget_names};
pub use target::{AddressUse, Handshakes, LookUps, TargetInfo};
pub use threshold::{BaselineInfo, BaselineValue, Level, Place, ThresholdResult, WorstWindow};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of this document's shape.
pub const FORMAT: u32 = 1;

/// A part of a second shorter than this, s, has no rate worth dividing for.
pub const SHORTEST_RATE_S: f64 = 0.2;

/// Everything there is to know about one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResultDocument {
    /// Version of plimsoll that wrote it.
    pub plimsoll: String,
    /// Version of the document's shape.
    pub format: u32,
    /// The plan that ran.
    pub plan: PlanInfo,
    /// When, where and how it ran.
    pub run: RunInfo,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// The exit code of the process.
    pub exit_code: u8,
    /// Each threshold with what was seen.
    pub thresholds: Vec<ThresholdResult>,
    /// The earlier run that thresholds are relative to, if one was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineInfo>,
    /// Nothing lost: the two identities.
    pub accounting: Accounting,
    /// All requests of endpoints and flows together.
    pub totals: Series,
    /// One row each: endpoints, auth, ready, flows.
    pub series: Vec<Series>,
    /// Rows of requests begun in a warm-up, in the shape of `series`; in no total and no threshold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warmup: Vec<Series>,
    /// Failures grouped by series, kind and message; counts exact, messages masked and cut.
    pub failures: Vec<FailureGroup>,
    /// One entry a second.
    pub timeline: Vec<Interval>,
    /// Whether the generator could be the limit.
    pub generator: Generator,
    /// Remarks a reader must see beside the verdict ("few samples", "auth failed for 3 users").
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The plan that ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanInfo {
    /// `name:` of the plan, else its file name.
    pub name: String,
    /// Path as given.
    pub file: String,
    /// `description:`, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// SHA-256 of the plan's text, hex.
    pub sha256: String,
    /// `--profile`, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The plan after profile and overrides, secrets masked.
    pub effective: serde_json::Value,
}

/// What the run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Met.
    Pass,
    /// Missed, but of `level: warn` or inside `grading.tolerance`.
    Warn,
    /// Too few samples to say; does not pass.
    NoData,
    /// Missed.
    Fail,
    /// Of a run: the generator was the limit, and thresholds neither passed nor failed; or it was so late that one of them can not
    /// be judged. Of a threshold: that one.
    Invalid,
    /// Ended by Ctrl-C, SIGTERM or SIGHUP; or killed, and this is its last checkpoint.
    Interrupted,
}

/// `scheduled = started + dropped + not_started` and `started = ok + failed + interrupted`, in requests; an arrival
/// that was dropped or not started counts as the one request it would have begun with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Accounting {
    /// Requests that were due.
    pub scheduled: u64,
    /// Requests begun.
    pub started: u64,
    /// Due, but given up.
    pub dropped: u64,
    /// Due, but the run ended first.
    pub not_started: u64,
    /// Ended well.
    pub ok: u64,
    /// Ended badly.
    pub failed: u64,
    /// Still running at the end.
    pub interrupted: u64,
    /// Iterations ended.
    pub iterations: u64,
    /// Requests of the warm-up, in nothing else.
    pub warmup_requests: u64,
    /// Requests handed back unsent by a connection the target had closed, and sent once on a new one.
    pub resent: u64,
    /// Arrivals of open loads; absent in closed models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<ArrivalAccounting>,
    /// Iterations and arrivals by scenario, when there are several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scenarios: BTreeMap<String, ScenarioAccounting>,
}

/// What one scenario did after the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioAccounting {
    /// Iterations ended.
    pub iterations: u64,
    /// Arrivals; absent in closed models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<ArrivalAccounting>,
}

/// `scheduled = started + dropped + not_started`, in arrivals after the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArrivalAccounting {
    /// Arrivals that were due while the load lasted.
    pub scheduled: u64,
    /// A user began their iteration.
    pub started: u64,
    /// Given up, because all users were busy.
    pub dropped: u64,
    /// Still waiting for a user when the run ended, or without a row of data.
    pub not_started: u64,
    /// Of these, those that came when data with `on_end: stop` was used up, which ended the run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub without_rows: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a row of the tables is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SeriesKind {
    /// An endpoint, or a request step of a flow.
    Endpoint,
    /// A step of the auth flow.
    Auth,
    /// A readiness check.
    Ready,
    /// A timed group of steps.
    Group,
    /// A whole wait.
    Poll,
    /// A whole flow, think time included.
    Flow,
    /// All endpoints together.
    Total,
}

/// One row of the tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Name of the endpoint or step.
    pub name: String,
    /// What it is.
    pub kind: SeriesKind,
    /// Scenario it belongs to.
    pub scenario: String,
    /// Method, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// `tags` of the plan for this row; of `totals` those of the whole plan.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Requests ended or interrupted.
    pub requests: u64,
    /// Of a flow or group: runs that sent no request. They count in `requests`, and are no samples of `latency_us`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub runs_without_requests: u64,
    /// Requests failed or interrupted.
    pub failures: u64,
    /// failures / requests; absent without requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_ratio: Option<f64>,
    /// Requests begun while load was made, a second: over the load of the row's scenario after its warm-up, of `totals` over
    /// `run.load_s`, of a warm-up's row over the warm-up, of a login over the whole load. 0 of readiness checks, which come
    /// before it.
    pub rps: f64,
    /// Those of them that failed, a second.
    pub failures_per_s: f64,
    /// Of `requests` those begun after the load, such as the last steps of a flow: in no rate.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub begun_in_drain: u64,
    /// Bytes of responses (head and body).
    pub bytes_in: u64,
    /// Bytes of requests (head and body).
    pub bytes_out: u64,
    /// Connections opened.
    pub new_connections: u64,
    /// Ready-to-send (or intended start) → last byte; interrupted requests with the time they had reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Distribution>,
    /// The same of requests that ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ok_us: Option<Distribution>,
    /// First byte written → last byte read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_us: Option<Distribution>,
    /// Intended start → first attempt to write, connection set-up excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_us: Option<Distribution>,
    /// Name look-up, only of requests that made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_us: Option<Distribution>,
    /// TCP connect, only of requests that opened a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<Distribution>,
    /// TLS handshake, only of requests that opened a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<Distribution>,
    /// First byte written → request fully written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_us: Option<Distribution>,
    /// Request fully written → first byte of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttfb_us: Option<Distribution>,
    /// First → last byte of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_us: Option<Distribution>,
    /// Responses by status.
    pub status: BTreeMap<String, u64>,
    /// Failures by kind.
    pub failure_kinds: BTreeMap<String, u64>,
    /// Expectations; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<CheckCounts>,
}

/// Expectations that held and that did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CheckCounts {
    pub held: u64,
    pub failed: u64,
}

/// A distribution of times in µs. Percentiles come from a histogram of 3 significant digits and never exceed `max`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Distribution {
    pub count: u64,
    pub min: u64,
    pub mean: f64,
    pub stddev: f64,
    pub p50: u64,
    pub p66: u64,
    pub p75: u64,
    pub p80: u64,
    pub p90: u64,
    pub p95: u64,
    pub p98: u64,
    pub p99: u64,
    pub p99_9: u64,
    pub p99_99: u64,
    pub max: u64,
    /// HdrHistogram V2, zlib-compressed, base64; unit µs.
    pub hdr: String,
}

/// One group of failures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureGroup {
    /// Name of the row.
    pub series: String,
    /// One of the closed list.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// What was seen, masked, cut.
    pub message: String,
    /// Seconds from the start to the first.
    pub first_s: f64,
    /// Seconds from the start to the last.
    pub last_s: f64,
    /// The first one in detail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<FailureExample>,
}

/// One failed request in detail; masked and cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureExample {
    /// Request line and body as sent.
    pub request: String,
    /// Status and body as received; absent without a response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

/// One second of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// End of the second, counted from the start of the load.
    pub at_s: u64,
    /// Users running at its end.
    pub users: u64,
    /// Seconds of it in which load was made, when that is not all of it: the rest is drain, or before a scenario's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_s: Option<f64>,
    /// Arrivals due in it, a second of load; absent in closed models and in the drain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_rps: Option<f64>,
    /// Requests that ended in it while load was made, a second of load; absent in the drain, and where less than 0.2 s of it
    /// are load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rps: Option<f64>,
    /// Requests ended in it, those of a warm-up among them; absent in older results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Failures in it.
    pub failures: u64,
    /// Of the requests those that ended after the load of their scenario.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub in_drain: u32,
    /// Of the failures those that ended after the load of their scenario.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub failures_in_drain: u32,
    /// Latency percentiles of the requests ended in it, µs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<u64>,
    /// 95 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_us: Option<u64>,
    /// 99 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<u64>,
    /// Pacing error, 99 %, µs: how late the generator did what was due in it; absent when nothing was due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pacing_p99_us: Option<u64>,
    /// Longest lag of a worker's event loop in it, µs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_max_us: Option<u64>,
    /// Whether a reason not to believe the run falls into it; absent when not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub invalid: bool,
    /// The same for each row that had requests.
    pub per_series: SecondRows,
}

/// One second of one row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesInterval {
    /// Requests ended in it.
    pub requests: u64,
    /// Failures in it.
    pub failures: u64,
    /// Median latency, µs.
    pub p50_us: u64,
    /// 95 %, µs.
    pub p95_us: u64,
    /// 99 %, µs.
    pub p99_us: u64,
    /// Of the requests those that ended after the load.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub in_drain: u32,
    /// Of the failures those that ended after the load.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub failures_in_drain: u32,
}

impl Interval {
    /// Failures that ended in it while load was made, a second of load; `None` where there is no rate.
    pub fn failures_per_s(&self) -> Option<f64> {
        self.rps?;
        let failures = self.failures.saturating_sub(u64::from(self.failures_in_drain));
        Some(failures as f64 / self.load_s.unwrap_or(1.0))
    }
}

fn is_none_of(count: &u32) -> bool {
    *count == 0
}

fn is_false(value: &bool) -> bool {
    !value
}
