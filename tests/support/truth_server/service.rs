//! When a request is due to be answered: service times, the single queue, the freeze.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// What a server does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Spec {
    pub service: Service,
    pub freeze: Option<Freeze>,
    /// False: count requests by path only (for runs whose log would not fit into memory).
    pub keep_requests: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Service {
    /// Any number of requests at once, each answered so long after it came. 0 answers at once.
    Each { service_us: u64 },
    /// One request at a time, first come first served.
    Queue(Draw),
}

/// Service times of the queue.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Draw {
    Fixed { service_us: u64 },
    Exponential { mean_us: f64, seed: u64 },
}

/// For so long, beginning so long after the first request came, nothing is answered; what was due then is
/// answered at its end.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Freeze {
    pub after_us: u64,
    pub for_us: u64,
}

impl Spec {
    /// Answers each request after so long.
    pub fn each(service_us: u64) -> Self {
        Self { service: Service::Each { service_us }, freeze: None, keep_requests: true }
    }

    pub fn queue(draw: Draw) -> Self {
        Self { service: Service::Queue(draw), ..Self::each(0) }
    }

    pub fn with_freeze(self, after_us: u64, for_us: u64) -> Self {
        Self { freeze: Some(Freeze { after_us, for_us }), ..self }
    }

    /// The first service times of a queue.
    pub fn draws_us(self, count: usize) -> Vec<u64> {
        let Service::Queue(draw) = self.service else { return vec![] };
        let mut station = Station::new(self);
        (0..count).map(|_| station.draw(draw)).collect()
    }

    /// From receipt to due answer of requests received then, in order: what the server does when it is never late.
    pub fn due_stays_us(self, received_us: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut station = Station::new(self);
        received_us.map(|received_us| station.due_us(received_us) - received_us).collect()
    }

    pub fn only_counting(self) -> Self {
        Self { keep_requests: false, ..self }
    }
}

/// A [`Spec`] at work.
pub(super) struct Station {
    spec: Spec,
    random: Option<Xoshiro256PlusPlus>,
    first_us: Option<u64>,
    /// When the queue is empty again.
    free_us: u64,
}

impl Station {
    pub fn new(spec: Spec) -> Self {
        let random = match spec.service {
            Service::Queue(Draw::Exponential { seed, .. }) => Some(Xoshiro256PlusPlus::seed_from_u64(seed)),
            _ => None,
        };
        Self { spec, random, first_us: None, free_us: 0 }
    }

    /// When the answer to a request that came then is due. Computed, so that no error adds up.
    pub fn due_us(&mut self, received_us: u64) -> u64 {
        let first_us = *self.first_us.get_or_insert(received_us);
        match self.spec.service {
            Service::Each { service_us } => self.thawed(first_us, received_us + service_us),
            Service::Queue(draw) => {
                let end_us = received_us.max(self.free_us) + self.draw(draw);
                self.free_us = self.thawed(first_us, end_us);
                self.free_us
            }
        }
    }

    fn thawed(&self, first_us: u64, due_us: u64) -> u64 {
        let Some(freeze) = self.spec.freeze else { return due_us };
        let begin_us = first_us + freeze.after_us;
        let end_us = begin_us + freeze.for_us;
        if (begin_us..end_us).contains(&due_us) { end_us } else { due_us }
    }

    fn draw(&mut self, draw: Draw) -> u64 {
        match (draw, &mut self.random) {
            (Draw::Exponential { mean_us, .. }, Some(random)) => {
                // 53 bits make a number in (0, 1]; inversion makes it exponential.
                let uniform = ((random.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
                (-uniform.ln() * mean_us).round() as u64
            }
            (Draw::Exponential { mean_us, .. }, None) => mean_us as u64,
            (Draw::Fixed { service_us }, _) => service_us,
        }
    }
}
