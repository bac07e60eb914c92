//! An arrival that is due, and what became of it: begun, given up, or, when it is dropped in any other way, not started.
//! So the sums hold however a run ends. Must not decide what becomes of it.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::http::micros;
use crate::load::Arrival;
use crate::metric::ArrivalCounts;

use super::crew::Post;
use super::worker::Local;

/// An arrival that is due, until it is begun or given up. Dropped, it was not started.
#[derive(Debug)]
pub(super) struct Due {
    local: Rc<Local>,
    scenario: usize,
    pub index: u64,
    pub intended: Instant,
    /// How late the generator was with it is recorded: what it waits from now on is the target's doing.
    is_lag_noted: bool,
    in_warmup: bool,
    is_dealt_with: bool,
}

impl Due {
    pub(super) fn new(post: &Post, arrival: Arrival) -> Self {
        let scenario = post.scenario();
        let due = Self {
            local: post.local.clone(),
            scenario: post.index,
            index: arrival.index,
            intended: post.start + arrival.at,
            is_lag_noted: false,
            in_warmup: arrival.at < scenario.warmup,
            is_dealt_with: false,
        };
        due.count(|counts| counts.due += 1);
        due
    }

    fn count(&self, change: impl FnOnce(&mut ArrivalCounts)) {
        let mut recorder = self.local.recorder.borrow_mut();
        let counts = &mut recorder.scenarios[self.scenario];
        change(if self.in_warmup { &mut counts.warmup_arrivals } else { &mut counts.arrivals });
    }

    /// A user has it, or all users there may be are busy: so late was the generator.
    pub(super) fn note_lag(&mut self) {
        if !self.is_lag_noted {
            self.is_lag_noted = true;
            let late_us = micros(self.intended, Instant::now());
            self.local.recorder.borrow_mut().record_pacing(u64::from(late_us));
        }
    }

    /// A user begins its iteration.
    pub(super) fn begin(mut self) {
        self.is_dealt_with = true;
        self.count(|counts| counts.started += 1);
    }

    pub(super) fn give_up(mut self) {
        self.is_dealt_with = true;
        self.count(|counts| counts.dropped += 1);
        self.note_lag();
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        if !self.is_dealt_with {
            let has_no_rows =
                self.local.shared.scenarios[self.scenario].is_out_of_rows.load(Ordering::Relaxed);
            self.count(|counts| {
                counts.not_started += 1;
                counts.without_rows += u64::from(has_no_rows);
            });
        }
    }
}
