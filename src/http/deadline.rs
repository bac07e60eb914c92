//! A time limit that costs almost nothing: one timer a user, armed for the earliest limit seen and moved
//! only when it fires too early, so that a request that is in time never touches the timer wheel.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::{Duration, Instant};

use tokio::task::coop::has_budget_remaining;
use tokio::time::Sleep;

/// The time limit of a user's current request.
#[derive(Debug, Default)]
pub struct Deadline {
    limit: Option<Instant>,
    armed_for: Option<Instant>,
    /// Whether the timer knows the task: it always is its user's.
    registered: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Sets the limit of the next request.
    pub fn set(&mut self, limit: Instant) {
        self.limit = Some(limit);
        if self.armed_for.is_none_or(|armed| limit < armed) {
            self.arm(limit);
        }
    }

    /// No request is running.
    pub fn clear(&mut self) {
        self.limit = None;
    }

    /// Time left for the running request; none when it has no limit.
    pub fn left(&self) -> Option<Duration> {
        self.limit.map(|limit| limit.saturating_duration_since(Instant::now()))
    }

    fn arm(&mut self, at: Instant) {
        self.armed_for = Some(at);
        self.registered = false;
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(at.into()),
            None => self.timer = Some(Box::pin(tokio::time::sleep_until(at.into()))),
        }
    }

    /// Whether the limit is over by the clock: for who never lets the thread wait, because then the runtime
    /// looks at its timers late.
    pub fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| Instant::now() >= limit)
    }

    /// Whether the limit is over; otherwise the task is woken when it is.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(limit) = self.limit else { return false };
        loop {
            let Some(timer) = &mut self.timer else { return false };
            if self.registered && !timer.is_elapsed() && has_budget_remaining() {
                return false;
            }
            // Without budget left the timer says "pending" and does not take the waker.
            self.registered = has_budget_remaining();
            // A task that has used up its turn is told "pending" by every timer: against a peer that never lets
            // it wait only the clock knows.
            if timer.as_mut().poll(cx).is_pending() && (has_budget_remaining() || Instant::now() < limit) {
                return false;
            }
            if Instant::now() >= limit {
                self.armed_for = None;
                self.timer = None;
                return true;
            }
            self.arm(limit);
        }
    }
}
