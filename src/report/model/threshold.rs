//! Thresholds as the result holds them: what was demanded, what was seen, and the earlier run that some are relative to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Verdict;

/// How hard a threshold is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Missing it fails the run.
    Fail,
    /// Missing it only warns.
    Warn,
}

/// One threshold with what was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdResult {
    /// `plan`, `scenario:NAME`, `endpoint:NAME`, `flow:NAME` or `tags:NAME=VALUE`.
    pub scope: String,
    /// As written, `p95 < 200ms`.
    pub expression: String,
    /// Where it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// How hard it is.
    pub level: Level,
    /// The value seen, in `unit`; absent without data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<f64>,
    /// The value demanded, in `unit`; absent when it would follow from a baseline that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// Of a threshold relative to a baseline: what the earlier run says. Absent for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineValue>,
    /// `s`, `ratio`, `1/s` or `count`.
    pub unit: String,
    /// Met or not.
    pub verdict: Verdict,
    /// Samples behind the value.
    pub samples: u64,
    /// Where the value of another run like this one would be, in `unit`: a 95 % interval; absent for windows, for
    /// other statistics than percentiles and means, and in runs too short to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// `over` of the plan: seconds of the windows it was evaluated on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_s: Option<u32>,
    /// `for` of the plan: windows in a row (seconds without `over_s`) that had to be broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<u32>,
    /// The window, or row of windows, that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_window: Option<WorstWindow>,
    /// How late the generator was in what this measures, 99 %, s: more than lies between value and limit, so that nothing can be
    /// said. Absent where that is not so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness_s: Option<f64>,
    /// A remark ("few samples", "needs 368 samples", "3 requests were still running").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What the earlier run says about a threshold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineValue {
    /// The value there, in the threshold's `unit`; absent without data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Why no limit follows from it, when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
}

/// The earlier run that thresholds were relative to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineInfo {
    /// Its file, as it was named.
    pub file: String,
    /// Its id; absent when this run made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// When it began, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// Why it cannot be compared with this run, when it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_comparable: Option<String>,
}

/// A place in a file of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// The window of the run that decided a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorstWindow {
    /// Start, seconds since the start of the load.
    pub from_s: f64,
    /// End.
    pub to_s: f64,
    /// The value seen in it, in the threshold's `unit`; with `for_s` the mildest of its windows.
    pub observed: f64,
}
