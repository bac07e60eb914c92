//! What is not recorded yet, and is recorded all the same when its user is dropped.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use crate::failure::Failure;
use crate::http::micros;
use crate::metric::{Checks, Described, Outcome, Sample, SeriesId};

use super::worker::Local;

/// A request that runs: interrupted, with the latency it had reached, unless it is disarmed.
pub(super) struct InFlight {
    local: Rc<Local>,
    series: SeriesId,
    started: Instant,
    begun: Instant,
    expectations: usize,
    armed: bool,
}

impl InFlight {
    /// `started` is when it was due, `begun` when it began.
    pub(super) fn new(local: Rc<Local>, series: SeriesId, started: Instant, begun: Instant) -> Self {
        Self { local, series, started, begun, expectations: 0, armed: true }
    }

    /// It has so many expectations; none of them holds if it is interrupted.
    pub(super) fn expect(&mut self, expectations: usize) {
        self.expectations = expectations;
    }

    /// It has ended; its sample is recorded by whoever says so.
    pub(super) fn disarm(&mut self) {
        self.armed = false;
    }

    fn record(&self, outcome: Outcome, checks: Checks) {
        let sample = Sample::bare(self.series, outcome, micros(self.started, Instant::now()));
        self.local.record_begun(&Sample { checks, ..sample }, micros(self.started, self.begun));
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.armed {
            self.record(Outcome::Interrupted, Checks::all_failed(self.expectations));
        }
    }
}

/// A flow, group or poll that runs: interrupted, unless it ends. What sent nothing is counted and has no latency.
pub(super) struct RunInFlight {
    local: Rc<Local>,
    series: SeriesId,
    started: Instant,
    begun: Instant,
    /// Requests of the user that were to be sent, and how many there had been before.
    attempts: Rc<Cell<u64>>,
    attempts_before: u64,
    armed: bool,
}

impl RunInFlight {
    /// `started` is when it was due, `begun` when it began.
    pub(super) fn new(
        local: Rc<Local>,
        series: SeriesId,
        started: Instant,
        begun: Instant,
        attempts: &Rc<Cell<u64>>,
    ) -> Self {
        let attempts_before = attempts.get();
        Self { local, series, started, begun, attempts: attempts.clone(), attempts_before, armed: true }
    }

    pub(super) fn has_sent(&self) -> bool {
        self.attempts.get() != self.attempts_before
    }

    /// It ends like this.
    pub(super) fn end(mut self, outcome: Outcome) {
        self.armed = false;
        self.record(outcome);
    }

    /// It has not really begun, and is not counted.
    pub(super) fn forget(mut self) {
        self.armed = false;
    }

    fn record(&self, outcome: Outcome) {
        let sample = Sample::bare(self.series, outcome, micros(self.started, Instant::now()));
        let waited_us = micros(self.started, self.begun);
        match self.has_sent() {
            true => self.local.record_begun(&sample, waited_us),
            false => self.local.record_unsent(&sample, waited_us),
        }
    }
}

impl Drop for RunInFlight {
    fn drop(&mut self) {
        if self.armed {
            self.record(Outcome::Interrupted);
        }
    }
}

/// An answer that asks for a new login. Whether that comes is not known yet: it has failed unless it does.
#[derive(Debug)]
pub(super) struct Held {
    local: Rc<Local>,
    sample: Option<Sample>,
    /// When its answer came, µs since the start of the load.
    ended_us: u64,
}

impl Held {
    pub(super) fn new(local: Rc<Local>, sample: Sample) -> Self {
        let ended_us = local.at_us();
        Self { local, sample: Some(sample), ended_us }
    }

    /// The new login is there, and the request will be sent again: this one did what it should.
    pub(super) fn renewed(mut self) {
        if let Some(sample) = self.sample.take() {
            // Its answer was not checked; that of the second try is.
            let sample = Sample { outcome: Outcome::Ok, checks: Checks::default(), ..sample };
            self.local.record_late(&sample, self.ended_us);
            self.local.recorder.borrow_mut().reauthenticated += 1;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(sample) = self.sample.take() {
            let outcome = Outcome::Failed(Failure::Status);
            let at_us = self.local.at_us();
            self.local.record_late(&Sample { outcome, ..sample }, self.ended_us);
            let message = format!("status {} asks for a new login, and that failed", sample.status);
            let failure = Described { series: sample.series, kind: Failure::Status, at_us, words: &message };
            let mut recorder = self.local.recorder.borrow_mut();
            recorder.describe(failure, || message.clone(), || ("see the auth rows".into(), None));
        }
    }
}
