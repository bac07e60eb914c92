//! How long a user pauses. Must not sleep.

use std::time::Duration;

use rand::{Rng, RngExt as _};

use crate::units::DurationRange;

/// A pause between iterations or steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pause {
    /// Evenly from a range, both ends the same for a fixed one.
    Between(DurationRange),
    /// Exponential with this mean: most are short, a few are long.
    Exponential(Duration),
}

impl Pause {
    /// Draws one.
    pub fn draw(&self, rng: &mut impl Rng) -> Duration {
        match *self {
            Self::Between(DurationRange { min, max }) if min == max => min,
            Self::Between(DurationRange { min, max }) => rng.random_range(min..=max),
            // By inversion; 1 − u is never 0, and the longest draw is 37 means.
            Self::Exponential(mean) => mean.mul_f64(-(1.0 - rng.random::<f64>()).ln()),
        }
    }
}
