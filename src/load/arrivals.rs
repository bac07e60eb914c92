//! The open model: iterations arrive by the plan, whether or not the target keeps up. Arrival *n* has its
//! moment by computation; must not read a clock.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::rate::RateCurve;

/// How arrivals follow the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// Evenly: arrival *n* is due when the rate's integral reaches *n*.
    Constant,
    /// At random, as independent clients come: the integral between two arrivals is exponential with mean 1.
    Poisson,
}

/// What happens to an arrival when all users are busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saturation {
    /// It waits, and its wait is part of its latency.
    Queue,
    /// It is given up and counted.
    Drop,
}

/// An open load.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrivals {
    /// How many a second.
    pub curve: RateCurve,
    /// How they follow it.
    pub process: Process,
    /// The most users there may be at once.
    pub max_users: u32,
    /// What happens when all of them are busy.
    pub on_saturation: Saturation,
}

/// One arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Which one, from 0.
    pub index: u64,
    /// When it is due, from the scenario's start.
    pub at: Duration,
}

impl Arrivals {
    /// The arrivals of `worker` of `workers`, out of one sequence that `seed` alone decides: arrival *n* belongs to
    /// the worker that owns user *n* mod `max_users` (see [`super::share`]). So a worker gets as many arrivals as it
    /// has users for, and one without users gets none.
    pub fn of_worker(&self, worker: usize, workers: usize, seed: u64) -> Share<'_> {
        let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut share = Share { arrivals: self, next: 0, worker, workers: workers.max(1), sum: 0.0, rng };
        share.pass_others();
        share
    }
}

/// The arrivals of one worker, in order.
#[derive(Debug, Clone)]
pub struct Share<'a> {
    arrivals: &'a Arrivals,
    next: u64,
    worker: usize,
    workers: usize,
    /// Poisson: the integral of the rate at the arrival `next`, less its own draw.
    sum: f64,
    rng: Xoshiro256PlusPlus,
}

impl Share<'_> {
    fn has_users(&self) -> bool {
        self.worker < self.workers.min(self.arrivals.max_users as usize)
    }

    fn owns(&self, index: u64) -> bool {
        let user = index % u64::from(self.arrivals.max_users.max(1));
        user % self.workers as u64 == self.worker as u64
    }

    /// Passes arrivals up to the next of its own: fewer than twice the workers.
    fn pass_others(&mut self) {
        while self.has_users() && !self.owns(self.next) {
            self.next += 1;
            if self.arrivals.process == Process::Poisson {
                self.sum += self.draw();
            }
        }
    }

    /// Exponential with mean 1, by inversion.
    fn draw(&mut self) -> f64 {
        // 1 − u is never 0.
        -(1.0 - self.rng.random::<f64>()).ln()
    }
}

impl Iterator for Share<'_> {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        if !self.has_users() {
            return None;
        }
        let index = self.next;
        let count = match self.arrivals.process {
            Process::Constant => index as f64,
            Process::Poisson => self.sum + self.draw(),
        };
        let at = self.arrivals.curve.when(count)?;
        self.next += 1;
        self.sum = count;
        self.pass_others();
        Some(Arrival { index, at })
    }
}
