//! The load of a scenario as a pure function of time: how many users are wanted at a moment and when that
//! number changes next, or when arrival *n* is due. Must not read a clock, sleep, or know an async runtime; the
//! engine brings the time.

mod arrivals;
mod curve;
mod line;
mod pause;
mod rate;
#[cfg(test)]
mod tests;

pub use arrivals::{Arrival, Arrivals, Process, Saturation, Share};
pub use curve::{Stage, UserCurve};
pub use pause::Pause;
pub use rate::{RateCurve, RateStage};

use std::time::Duration;

/// A load: looping users (the closed model), ended by time or by an amount of work, or arrivals (the open model).
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// Iterations arrive by the plan, whether or not the target keeps up.
    Arrivals(Arrivals),
    /// Users over time; ends when the curve does.
    Users(UserCurve),
    /// `total` iterations shared by `users` users; ends with the last iteration.
    Iterations {
        /// Users that run at once.
        users: u32,
        /// Iterations of all users together.
        total: u64,
    },
    /// `each` iterations of every user; ends with the last iteration.
    IterationsPerUser {
        /// Users that run at once.
        users: u32,
        /// Iterations of one user.
        each: u64,
    },
}

impl Load {
    /// Users wanted at `at` after the scenario's start. A fixed amount of work wants its users from the start;
    /// never more users than there are iterations, because the others would have nothing to do. An open load
    /// wants none: its arrivals bring them.
    pub fn target(&self, at: Duration) -> u32 {
        match self {
            Self::Arrivals(_) => 0,
            Self::Users(curve) => curve.target(at),
            Self::Iterations { .. } | Self::IterationsPerUser { .. } => self.peak(),
        }
    }

    /// The next time after `after` at which [`Load::target`] differs; `None` when it never does again.
    pub fn next_change(&self, after: Duration) -> Option<Duration> {
        match self {
            Self::Users(curve) => curve.next_change(after),
            Self::Arrivals(_) | Self::Iterations { .. } | Self::IterationsPerUser { .. } => None,
        }
    }

    /// When the load ends by time: the curve's total, or [`Duration::MAX`] for a fixed amount of work, which
    /// ends when the work is done.
    pub fn total(&self) -> Duration {
        self.planned().unwrap_or(Duration::MAX)
    }

    /// The arrivals of an open load.
    pub fn arrivals(&self) -> Option<&Arrivals> {
        match self {
            Self::Arrivals(arrivals) => Some(arrivals),
            Self::Users(_) | Self::Iterations { .. } | Self::IterationsPerUser { .. } => None,
        }
    }

    /// How long the load is planned to take; `None` when that depends on how fast the target answers.
    pub fn planned(&self) -> Option<Duration> {
        match self {
            Self::Arrivals(arrivals) => Some(arrivals.curve.total()),
            Self::Users(curve) => Some(curve.total()),
            Self::Iterations { .. } | Self::IterationsPerUser { .. } => None,
        }
    }

    /// The most users that are ever wanted at once.
    pub fn peak(&self) -> u32 {
        match *self {
            Self::Arrivals(ref arrivals) => arrivals.max_users,
            Self::Users(ref curve) => curve.peak(),
            Self::Iterations { users, total } => u32::try_from(total).map_or(users, |total| users.min(total)),
            Self::IterationsPerUser { each: 0, .. } => 0,
            Self::IterationsPerUser { users, .. } => users,
        }
    }

    /// Iterations of all users together when the load is an amount of work; `None` when it ends by time.
    pub fn iterations(&self) -> Option<u64> {
        match *self {
            Self::Arrivals(_) | Self::Users(_) => None,
            Self::Iterations { users: 0, .. } => Some(0),
            Self::Iterations { total, .. } => Some(total),
            Self::IterationsPerUser { users, each } => Some(each.saturating_mul(u64::from(users))),
        }
    }
}

/// How many of the users `0..users` belong to `worker` of `workers`: worker *w* of *W* owns w, w+W, w+2W, …
/// The shares of all workers add up to `users`; a worker that does not exist owns nobody.
pub fn share(users: u32, worker: usize, workers: usize) -> u32 {
    let (users, worker) = (users as usize, worker);
    if worker >= workers || worker >= users {
        return 0;
    }
    // At most `users`, so it fits.
    u32::try_from((users - worker - 1) / workers + 1).unwrap_or(u32::MAX)
}
