//! Written units: `200ms`, `1m30s`, `50/s`, `1%`, `10MiB`, `1s..5s`, `2x`, and durations back to words; and spans of
//! seconds.
//! Text and numbers only: must not know where in a plan a unit stands.

mod duration;
mod number;
mod ratio;
mod size;
mod spans;
mod spelling;

pub use duration::{format_duration_us, parse_duration, parse_range};
pub use ratio::{parse_factor, parse_rate, parse_share};
pub use size::parse_size;
pub use spans::{covered_s, covers};
pub use spelling::respelled;

use std::time::Duration;

/// Why a written unit was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitError {
    /// What is wrong, one sentence, no full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl UnitError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

impl std::fmt::Display for UnitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.message, self.help)
    }
}

impl std::error::Error for UnitError {}

/// How often something happens, in events per second; `3000/m` is 50.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate {
    /// Events per second, finite, not negative.
    pub per_second: f64,
}

/// A share of a whole; `1%` is 0.01.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(pub f64);

/// A size in bytes; `64KB` is 64 000, `10MiB` is 10 485 760.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A multiplier; `2x` is 2.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Factor(pub f64);

/// A duration, or a range of them to pick from; `5s` has both ends at 5 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationRange {
    /// The shortest.
    pub min: Duration,
    /// The longest, never below `min`.
    pub max: Duration,
}
