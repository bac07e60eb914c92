//! What the engine tells while a run goes on, and what it hands over at its end. Must not decide anything.

use std::time::Duration;

use crate::metric::{LoadWindow, Totals};
use crate::threshold::{Broken, Finding, Watch};

use super::by_hand::ByHand;
use super::health;
use super::interval::IntervalSummary;

/// What happens while a run goes on.
pub enum Event<'a> {
    /// Readiness checks begin.
    Waiting,
    /// The load begins.
    Started,
    /// A second was merged.
    Second(Seen<'a>),
    /// More is known; what it comes to so far is made only when it is asked for.
    SoFar(&'a dyn Fn() -> Outcome),
    /// A threshold with `abort` is broken: running requests may end.
    Aborting(Broken),
    /// A signal came: running requests may end.
    Stopping,
    /// A second signal came: nothing may end.
    Abandoning,
    /// A person changed something.
    Changed(ByHand),
    /// What may go wrong, said before the load.
    Warning(&'a str),
    /// Why what a person asked for was not done.
    Refused(&'a str),
}

/// A second, and everything so far.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The second.
    pub second: &'a IntervalSummary,
    /// What was measured so far.
    pub totals: &'a Totals,
    /// The thresholds that are judged by windows.
    pub watch: &'a Watch,
    /// When the load of each scenario is made.
    pub loads: &'a [LoadWindow],
    /// The last second of the generator itself that was looked at.
    pub health: Option<&'a health::HealthSecond>,
    /// Users more than the plan wants, by hand; or fewer.
    pub more_users: i64,
    /// Whether it is paused.
    pub is_paused: bool,
}

/// How a run came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// As planned.
    Completed,
    /// By a threshold.
    Aborted(Broken),
    /// By a signal, or by hand.
    Interrupted,
    /// Not at all yet: this is what is known so far.
    Unfinished,
    /// It could not go on, and why.
    Failed(String),
    /// A target is at an address that nothing is sent to: why.
    Refused(String),
}

/// Data that was used up before the load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataEnd {
    /// Which feed; an index in [`crate::compile::model::CompiledPlan::feeds`].
    pub feed: usize,
    /// When a user found no row left, from the start of the load.
    pub at: Duration,
}

/// Everything a run saw.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub stopped: Stopped,
    /// Wall clock at the start of the load, for labels.
    pub started_at: jiff::Timestamp,
    /// From the start of the load to the end of the last user.
    pub duration: Duration,
    /// When the load of each scenario was made.
    pub loads: Vec<LoadWindow>,
    /// What was measured.
    pub totals: Totals,
    /// By second.
    pub timeline: Vec<IntervalSummary>,
    /// What was found out about each threshold, in the plan's order.
    pub findings: Vec<Finding>,
    /// The generator's own resources.
    pub resources: health::Resources,
    /// What was seen of the generator while the load ran.
    pub health: health::Observed,
    /// What was changed by hand, in the order of time.
    pub by_hand: Vec<ByHand>,
    /// The data with `on_end: stop` that ended the run.
    pub data_end: Option<DataEnd>,
}

impl Outcome {
    /// Of a run whose load did not begin.
    pub(super) fn before_start(
        stopped: Stopped,
        totals: Totals,
        findings: Vec<Finding>,
        by_hand: Vec<ByHand>,
    ) -> Self {
        Self {
            stopped,
            started_at: jiff::Timestamp::now(),
            duration: Duration::ZERO,
            loads: vec![],
            totals,
            timeline: vec![],
            findings,
            resources: health::Resources::read(),
            health: health::Observed::default(),
            by_hand,
            data_end: None,
        }
    }
}
