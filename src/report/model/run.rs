//! What the result says about when, where and how the plan ran. Holds no behaviour but small look-ups.

use std::ops::Range;

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::TargetInfo;
use crate::units::covered_s;

/// When, where and how it ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// Id of the run, `run.id` in templates.
    pub id: String,
    /// RFC 3339.
    pub started_at: String,
    /// From the first user's start to the last answer, seconds.
    pub duration_s: f64,
    /// Seconds of it in which load was made after the warm-up, by any scenario: what the rates of `totals` divide by. What
    /// runs after the load is drain, and in no rate. Absent in older results, whose rates divide by the drain too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_s: Option<f64>,
    /// When each scenario made its load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loads: Vec<ScenarioLoad>,
    /// Seed of picks, rows and random values.
    #[serde(deserialize_with = "any_seed")]
    pub seed: u64,
    /// `closed`, `open-constant`, `open-poisson`, or `mixed` when scenarios differ.
    pub model: String,
    /// How it ended.
    pub ended: Ended,
    /// The machine that made the load.
    pub host: Host,
    /// Where requests went, and over which connections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetInfo>,
    /// Moments worth a mark on a time axis, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// What a person changed while it ran, in the order of time: with `users` or `pause` the load was not the plan's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<ByHand>,
}

/// When a scenario made its load, seconds since the start of the load of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioLoad {
    /// The scenario.
    pub scenario: String,
    /// Its start, before its warm-up.
    pub from_s: f64,
    /// The end of its warm-up: rates of its rows divide by the time from here to `to_s`.
    pub measured_from_s: f64,
    /// The end of its load. By time as planned, or when the run was cut short; of a fixed amount of work, the end of its last
    /// iteration.
    pub to_s: f64,
}

impl ScenarioLoad {
    /// Seconds of a span in which it was made.
    pub fn inside_s(&self, span: &Range<f64>) -> f64 {
        covered_s([self.from_s..self.to_s], span)
    }
}

impl RunInfo {
    /// The load of a scenario; `None` where the result does not say.
    pub fn load_of(&self, scenario: &str) -> Option<&ScenarioLoad> {
        self.loads.iter().find(|load| load.scenario == scenario)
    }

    /// Seconds in which the scenarios that `is_one` names made load after their warm-up; `None` where the result does not
    /// say, or there were none.
    pub fn load_s_of(&self, is_one: impl Fn(&str) -> bool) -> Option<f64> {
        let loads = self.loads.iter().filter(|load| is_one(&load.scenario));
        let seconds = covered_s(loads.map(|load| load.measured_from_s..load.to_s), &(0.0..self.duration_s));
        (seconds.is_finite() && seconds > 0.0).then_some(seconds)
    }

    /// From the first end of a warm-up to the last end of a load, s; `None` where the result does not say.
    pub fn measured_s(&self) -> Option<Range<f64>> {
        let from_s = self.loads.iter().map(|load| load.measured_from_s).reduce(f64::min)?;
        let to_s = self.loads.iter().map(|load| load.to_s).reduce(f64::max)?;
        (from_s.is_finite() && to_s.is_finite() && from_s < to_s).then_some(from_s..to_s)
    }
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
