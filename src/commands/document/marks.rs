//! The moments of a run that its charts mark: stages, the end of a warm-up, an abort, changes by hand. Must not judge.

use std::time::Duration;

use crate::commands::by_hand;
use crate::compile::CompiledPlan;
use crate::engine::{Outcome, Stopped};
use crate::load::Load;
use crate::report::model::{Mark, MarkKind};
use crate::report::number;
use crate::threshold::Broken;

/// The end of a load is told apart from the end of the run from here on, seconds.
const TELLS_APART_S: f64 = 1.0;

/// What came while the run lasted, in the order of time.
pub fn marks(plan: &CompiledPlan, outcome: &Outcome) -> Vec<Mark> {
    let end_s = outcome.duration.as_secs_f64();
    let mut marks = vec![];
    for scenario in &plan.scenarios {
        let mut add = |at: Duration, kind, words: String| {
            let label = match plan.scenarios.len() {
                1 => words,
                _ => format!("{}: {words}", scenario.name),
            };
            marks.push(Mark { at_s: (scenario.start_after + at).as_secs_f64(), kind, label });
        };
        if !scenario.start_after.is_zero() {
            add(Duration::ZERO, MarkKind::Start, "starts".into());
        }
        bends(&scenario.load).into_iter().for_each(|(at, words)| add(at, MarkKind::Stage, words));
        if !scenario.warmup.is_zero() {
            add(scenario.warmup, MarkKind::WarmupEnd, "warm-up ends".into());
        }
        if let Some(planned) = scenario.load.planned() {
            add(planned, MarkKind::LoadEnd, "load ends".into());
        }
    }
    if let Stopped::Aborted(Broken { threshold, at_s }) = outcome.stopped {
        let broken = plan.thresholds.get(threshold).map_or("a threshold", |t| &t.threshold.expression);
        let label = format!("{broken} ended the run");
        marks.push(Mark { at_s: at_s as f64, kind: MarkKind::Abort, label });
    }
    let by_hand = by_hand::marks(&outcome.by_hand).into_iter();
    marks.extend(by_hand.map(|(at, label)| Mark { at_s: at.as_secs_f64(), kind: MarkKind::ByHand, label }));
    let latest = |kind| if kind == MarkKind::LoadEnd { end_s - TELLS_APART_S } else { end_s };
    marks.retain(|mark| mark.at_s <= latest(mark.kind));
    marks.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    marks
}

/// Where the load changes its course, and what it is there.
pub fn bends(load: &Load) -> Vec<(Duration, String)> {
    let users = |(at, users): (Duration, u32)| (at, number::plural(u64::from(users), "user"));
    let rate = |(at, per_s): (Duration, f64)| (at, number::value(per_s, "1/s"));
    match load {
        Load::Users(curve) => curve.bends().into_iter().map(users).collect(),
        Load::Arrivals(arrivals) => arrivals.curve.bends().into_iter().map(rate).collect(),
        Load::Iterations { .. } | Load::IterationsPerUser { .. } => vec![],
    }
}
