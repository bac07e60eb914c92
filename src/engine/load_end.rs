//! When the load of each scenario ends: told by the workers, each for its part, and read where rates are made. What
//! runs after it is drain. Must not end anything.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::compile::model::Scenario;
use crate::metric::LoadWindow;

use super::Shared;
use super::crew::{Crew, Post};

/// The end of one scenario's load, as far as the workers have come to it.
#[derive(Debug, Default)]
pub(super) struct LoadEnd {
    /// The latest end of a part, µs since the start of the load.
    at_us: AtomicU64,
    /// Parts that have ended.
    parts: AtomicUsize,
    /// Of a fixed amount of work: when the last iteration so far ended, µs.
    worked_until_us: AtomicU64,
}

impl LoadEnd {
    /// A user with a fixed amount of work has none left; its last iteration ended then.
    pub(super) fn worked_until(&self, us: u64) {
        self.worked_until_us.fetch_max(us, Ordering::Relaxed);
    }

    fn part_ended(&self, us: u64) {
        self.at_us.fetch_max(us, Ordering::Relaxed);
        self.parts.fetch_add(1, Ordering::Release);
    }

    /// µs since the start of the load; `None` while one of so many workers makes load.
    fn at_us(&self, workers: usize) -> Option<u64> {
        (self.parts.load(Ordering::Acquire) >= workers).then(|| self.at_us.load(Ordering::Relaxed))
    }
}

impl Post {
    /// This worker's part of the load is over: by time, because the work is done, or because the run is to end.
    pub(super) fn load_is_over(&self, crew: Option<&Crew>) {
        let scenario = self.scenario();
        let state = &self.local.shared.scenarios[self.index].load_end;
        let now_us = self.local.at_us();
        let worked_until_us = state.worked_until_us.load(Ordering::Relaxed);
        let at_us = match scenario.load.planned() {
            // Users learn of it some time later; what they begin until then is drain.
            Some(planned) => now_us.min((scenario.start_after + planned).as_micros() as u64),
            None if crew.is_some_and(Crew::has_ended) && worked_until_us > 0 => worked_until_us,
            None => now_us,
        };
        state.part_ended(at_us);
        self.local.load_is_over(self.index, at_us);
    }
}

impl Shared {
    /// When the load of each scenario was, or will be, made.
    pub(super) fn load_windows(&self) -> Vec<LoadWindow> {
        let window = |(scenario, state): (&Scenario, &super::ScenarioState)| {
            let from_s = scenario.start_after.as_secs_f64();
            let planned = scenario.load.planned();
            let to_s = match state.load_end.at_us(self.options.workers) {
                Some(us) => us as f64 / 1e6,
                None => planned.map_or(f64::INFINITY, |planned| from_s + planned.as_secs_f64()),
            };
            LoadWindow { from_s, measured_from_s: from_s + scenario.warmup.as_secs_f64(), to_s }
        };
        self.plan.scenarios.iter().zip(&self.scenarios).map(window).collect()
    }
}
