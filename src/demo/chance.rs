//! Seeded chance: which responses are turned into errors, and random ids. Holds no policy about either.

use std::sync::Mutex;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::id::Id;
use super::store::lock;

/// A seeded coin and id source shared by the connections of one service.
pub(super) struct Chance {
    rate: f64,
    rng: Mutex<Xoshiro256PlusPlus>,
}

impl Chance {
    pub(super) fn new(rate: f64, seed: u64) -> Chance {
        Chance { rate, rng: Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed)) }
    }

    /// True for `rate` of the calls.
    pub(super) fn strikes(&self) -> bool {
        self.rate > 0.0 && lock(&self.rng).random::<f64>() < self.rate
    }

    /// True for half of the calls.
    pub(super) fn heads(&self) -> bool {
        lock(&self.rng).random()
    }

    /// A version-4 UUID from the seed.
    pub(super) fn id(&self) -> Id {
        Id::from_bytes(lock(&self.rng).random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_the_asked_share() {
        let chance = Chance::new(0.1, 7);
        let struck = (0..10_000).filter(|_| chance.strikes()).count();
        assert!((900..1100).contains(&struck), "{struck}");
        assert!(!Chance::new(0.0, 7).strikes());
        assert!(Chance::new(1.0, 7).strikes());
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        assert_eq!(Chance::new(0.0, 3).id(), Chance::new(0.0, 3).id());
        assert_ne!(Chance::new(0.0, 3).id(), Chance::new(0.0, 4).id());
    }
}
