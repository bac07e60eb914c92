//! How a user is asked to end: after its iteration, or after its request.

use std::cell::Cell;
use std::future::Future;

use tokio::sync::Notify;

/// How soon. Anything sooner is dropping the user's task, which counts its request as interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Go on.
    #[default]
    Run,
    /// End after this iteration.
    AfterIteration,
    /// End after this request.
    AfterRequest,
}

/// One user's stop sign.
#[derive(Debug, Default)]
pub struct Stop {
    level: Cell<Level>,
    raised: Notify,
}

impl Stop {
    /// Asks; never lowers the level.
    pub fn raise(&self, level: Level) {
        if level > self.level.get() {
            self.level.set(level);
            self.raised.notify_waiters();
        }
    }

    /// How soon to end.
    pub fn level(&self) -> Level {
        self.level.get()
    }

    /// Waits for `work`, but no longer than until the level reaches `limit`; whether `work` was done.
    pub async fn unless(&self, limit: Level, work: impl Future<Output = ()>) -> bool {
        tokio::pin!(work);
        loop {
            let raised = self.raised.notified();
            if self.level.get() >= limit {
                return false;
            }
            tokio::select! {
                () = &mut work => return true,
                () = raised => {}
            }
        }
    }
}
