//! What the result says about when, where and how the plan ran. Holds no behaviour.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// When, where and how it ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// Id of the run, `run.id` in templates.
    pub id: String,
    /// RFC 3339.
    pub started_at: String,
    /// From the first user's start to the last answer, seconds.
    pub duration_s: f64,
    /// Seed of picks, rows and random values.
    #[serde(deserialize_with = "any_seed")]
    pub seed: u64,
    /// `closed`, `open-constant`, `open-poisson`, or `mixed` when scenarios differ.
    pub model: String,
    /// How it ended.
    pub ended: Ended,
    /// The machine that made the load.
    pub host: Host,
    /// Moments worth a mark on a time axis, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// What a person changed while it ran, in the order of time: with `users` or `pause` the load was not the plan's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<ByHand>,
}

/// Any seed: it is no count, so the limit of those (`report::guarded`) is not for it.
fn any_seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    u64::try_from(u128::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Something that a person changed while it ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ByHand {
    /// Seconds since the start of the load.
    pub at_s: f64,
    /// What was changed.
    pub kind: ByHandKind,
    /// Of `users`: so many more than the plan wants from then on, or fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<i64>,
    /// Of `pause`: its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_s: Option<f64>,
}

/// What was changed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ByHandKind {
    /// The number of users.
    Users,
    /// No iterations began for a time.
    Pause,
    /// The run was ended.
    End,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// As planned.
    Completed,
    /// By a threshold with `abort`.
    Aborted,
    /// By Ctrl-C, SIGTERM or SIGHUP, or by hand.
    Interrupted,
    /// It could not go on.
    Failed,
    /// Not yet when this was written: a checkpoint of a run that goes on, or was killed.
    Unfinished,
}

/// The machine that made the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Cores the generator was allowed to use.
    pub cores: usize,
    /// Operating system and architecture.
    pub os: String,
}

/// A moment of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// Seconds since the start of the load.
    pub at_s: f64,
    /// What happened.
    pub kind: MarkKind,
    /// In a few words, with the scenario's name where there are several: `50 users`.
    pub label: String,
}

/// What happened at a [`Mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A scenario began after the others.
    Start,
    /// The load changed its course: a stage, or the end of a ramp.
    Stage,
    /// A warm-up ended.
    WarmupEnd,
    /// The load of a scenario ended by time; what ran then went on.
    LoadEnd,
    /// A threshold ended the run.
    Abort,
    /// A person changed something.
    ByHand,
}
