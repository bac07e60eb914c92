//! Arrivals a second over time: straight lines between rates, their integral and its inverse in closed form.
//! Must not know how the plan spells them, nor what an arrival does.

use std::time::Duration;

/// One stage as the plan says it; `duration` counts from the end of the stage before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateStage {
    /// How long the stage lasts; zero jumps to `rate_per_s`.
    pub duration: Duration,
    /// Rate at the stage's end; a straight line from the rate before.
    pub rate_per_s: f64,
}

/// One straight piece.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    start_s: f64,
    length_s: f64,
    /// Arrivals a second at the start and the end.
    from: f64,
    to: f64,
    /// Arrivals expected before it.
    before: f64,
}

impl Piece {
    /// Arrivals expected in the first `s` seconds of it: the integral of the line.
    fn count(&self, s: f64) -> f64 {
        self.from * s + (self.to - self.from) / (2.0 * self.length_s) * s * s
    }

    /// Seconds into it until `count` arrivals are expected: the root of [`Piece::count`], in the form
    /// that stays exact for flat lines.
    fn when(&self, count: f64) -> f64 {
        let slope = (self.to - self.from) / self.length_s;
        let root = (self.from * self.from + 2.0 * slope * count).max(0.0).sqrt();
        if count <= 0.0 { 0.0 } else { (2.0 * count / (self.from + root)).min(self.length_s) }
    }
}

/// Arrivals a second at every moment.
#[derive(Debug, Clone, PartialEq)]
pub struct RateCurve {
    pieces: Vec<Piece>,
    total_s: f64,
    expected: f64,
}

impl RateCurve {
    /// The curve of `stages`, from rate 0.
    pub fn from_stages(stages: &[RateStage]) -> Self {
        let mut curve = Self { pieces: Vec::with_capacity(stages.len()), total_s: 0.0, expected: 0.0 };
        let mut rate = 0.0;
        for stage in stages {
            let length_s = stage.duration.as_secs_f64();
            if length_s > 0.0 {
                let (start_s, before) = (curve.total_s, curve.expected);
                let piece = Piece { start_s, length_s, from: rate, to: stage.rate_per_s, before };
                curve.total_s += length_s;
                curve.expected += piece.count(length_s);
                curve.pieces.push(piece);
            }
            rate = stage.rate_per_s;
        }
        curve
    }

    /// `rate_per_s` for `duration`.
    pub fn constant(rate_per_s: f64, duration: Duration) -> Self {
        let jump = RateStage { duration: Duration::ZERO, rate_per_s };
        Self::from_stages(&[jump, RateStage { duration, ..jump }])
    }

    /// Where one straight piece ends and the next begins, with the arrivals a second there.
    pub fn bends(&self) -> Vec<(Duration, f64)> {
        let inner = self.pieces.iter().skip(1);
        inner.map(|piece| (Duration::from_secs_f64(piece.start_s), piece.from)).collect()
    }

    /// Length of all stages together.
    pub fn total(&self) -> Duration {
        Duration::from_secs_f64(self.total_s)
    }

    /// Arrivals a second at `at`; 0 from the end on.
    pub fn rate_at(&self, at: Duration) -> f64 {
        let at_s = at.as_secs_f64();
        let Some(piece) = self.piece_at(at_s).filter(|_| at_s < self.total_s) else { return 0.0 };
        piece.from + (piece.to - piece.from) * (at_s - piece.start_s) / piece.length_s
    }

    /// The highest rate there ever is.
    pub fn peak_per_s(&self) -> f64 {
        self.pieces.iter().flat_map(|piece| [piece.from, piece.to]).fold(0.0, f64::max)
    }

    /// Arrivals expected before `at`: the integral of the rate.
    pub fn expected_before(&self, at: Duration) -> f64 {
        let at_s = at.as_secs_f64();
        if at_s >= self.total_s {
            return self.expected;
        }
        self.piece_at(at_s).map_or(0.0, |piece| piece.before + piece.count(at_s - piece.start_s))
    }

    /// The moment by which `count` arrivals are expected; `None` when there are never so many.
    pub fn when(&self, count: f64) -> Option<Duration> {
        /// Rounding over a whole plan stays far below it, and no plan can tell such a share of an arrival.
        const EPSILON: f64 = 1e-6;
        if count >= self.expected - EPSILON {
            return None;
        }
        let index = self.pieces.partition_point(|piece| piece.before <= count).checked_sub(1)?;
        // Pieces without arrivals share their `before` with the next one, which is found first.
        let piece = &self.pieces[index];
        Some(Duration::from_secs_f64(piece.start_s + piece.when(count - piece.before)))
    }

    fn piece_at(&self, at_s: f64) -> Option<&Piece> {
        self.pieces
            .partition_point(|piece| piece.start_s <= at_s)
            .checked_sub(1)
            .map(|index| &self.pieces[index])
    }
}
