//! When load was made: the time that rates divide by. Pure functions of numbers; must not know what makes the load.

use std::ops::Range;

/// When the load of one scenario was made, seconds since the start of the run's load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadWindow {
    /// The scenario's start, before its warm-up.
    pub from_s: f64,
    /// The end of its warm-up.
    pub measured_from_s: f64,
    /// The end of its load; infinite while nobody knows it. What still runs then is drain.
    pub to_s: f64,
}

impl LoadWindow {
    /// All of it, the warm-up too.
    pub fn whole(self) -> Range<f64> {
        self.from_s..self.to_s
    }

    /// Without the warm-up.
    pub fn measured(self) -> Range<f64> {
        self.measured_from_s..self.to_s
    }

    /// The warm-up alone.
    pub fn warmup(self) -> Range<f64> {
        self.from_s..self.measured_from_s.min(self.to_s)
    }

    /// The part of it before `end_s`.
    #[must_use]
    pub fn until(self, end_s: f64) -> Self {
        Self { to_s: self.to_s.min(end_s), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::covered_s;

    #[test]
    fn parts_of_a_window() {
        let window = LoadWindow { from_s: 1.0, measured_from_s: 3.0, to_s: f64::INFINITY };
        let cut = window.until(2.0);
        assert_eq!((cut.whole(), cut.warmup()), (1.0..2.0, 1.0..2.0));
        assert_eq!(covered_s([cut.measured()], &(0.0..9.0)), 0.0, "it never came to be measured");
        assert_eq!(window.until(8.0).measured(), 3.0..8.0);
    }
}
