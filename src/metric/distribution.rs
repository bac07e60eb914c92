//! Times in µs: an HDR histogram of 3 significant digits with fixed bounds, so that merging adds counts and
//! loses nothing, and exact count, sum, minimum and maximum beside it.

use hdrhistogram::Histogram;

/// Largest time a histogram tells apart: one hour.
pub const HIGHEST_US: u64 = 3_600_000_000;
const DIGITS: u8 = 3;

/// A distribution of times in µs.
#[derive(Debug, Clone)]
pub struct Distribution {
    histogram: Histogram<u64>,
    count: u64,
    sum_us: u64,
    sum_of_squares: f64,
    min_us: u64,
    max_us: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        // Starts small and grows to the largest time seen: the buckets of a time are the same however far it has
        // grown, so merging still loses nothing, and a row of fast answers takes a tenth of the memory.
        let mut histogram =
            Histogram::new_with_bounds(1, 2, DIGITS).expect("the bounds are constants hdrhistogram accepts");
        histogram.auto(true);
        Self { histogram, count: 0, sum_us: 0, sum_of_squares: 0.0, min_us: u64::MAX, max_us: 0 }
    }
}

impl Distribution {
    /// Adds one time.
    pub fn record(&mut self, us: u64) {
        // The histogram grows as far as the bound; the exact maximum is kept beside it.
        self.histogram
            .record(us.min(HIGHEST_US))
            .expect("a growing histogram takes every time up to the bound");
        self.count += 1;
        self.sum_us += us;
        self.sum_of_squares += (us as f64) * (us as f64);
        self.min_us = self.min_us.min(us);
        self.max_us = self.max_us.max(us);
    }

    /// Adds all times of another.
    pub fn add(&mut self, other: &Distribution) {
        if other.count == 0 {
            return;
        }
        self.histogram.add(&other.histogram).expect("all histograms have the same bounds");
        self.count += other.count;
        self.sum_us += other.sum_us;
        self.sum_of_squares += other.sum_of_squares;
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
    }

    /// Forgets all times, keeps the memory.
    pub fn clear(&mut self) {
        if self.count > 0 {
            self.histogram.reset();
            (self.count, self.sum_us, self.sum_of_squares) = (0, 0, 0.0);
            (self.min_us, self.max_us) = (u64::MAX, 0);
        }
    }

    /// How many times were added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Smallest time; 0 without one.
    pub fn min(&self) -> u64 {
        if self.count == 0 { 0 } else { self.min_us }
    }

    /// Largest time; 0 without one.
    pub fn max(&self) -> u64 {
        self.max_us
    }

    /// Mean in µs; 0 without times.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum_us as f64 / self.count as f64 }
    }

    /// Standard deviation of the times in µs (of the population).
    pub fn stddev(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let mean = self.mean();
        (self.sum_of_squares / self.count as f64 - mean * mean).max(0.0).sqrt()
    }

    /// The time that a share `quantile` (0–1) of all stays at or below, exact to 3 digits; never above `max`.
    pub fn quantile(&self, quantile: f64) -> u64 {
        if self.count == 0 {
            0
        } else {
            self.histogram.value_at_quantile(quantile).clamp(self.min(), self.max_us)
        }
    }

    /// The time of the `rank`-th smallest (1-based).
    pub fn at_rank(&self, rank: u64) -> u64 {
        if self.count == 0 { 0 } else { self.quantile((rank as f64 - 0.5) / self.count as f64) }
    }

    /// All times together, µs.
    pub fn sum_us(&self) -> u64 {
        self.sum_us
    }

    /// Their squares together, µs².
    pub(super) fn sum_of_squares(&self) -> f64 {
        self.sum_of_squares
    }

    /// So many times in each bucket, with the exact sums, smallest and largest time beside them.
    pub(super) fn from_counts(
        counts: impl Iterator<Item = (u64, u64)>,
        sum_us: u64,
        sum_of_squares: f64,
        (min_us, max_us): (u64, u64),
    ) -> Self {
        let mut all = Self { sum_us, sum_of_squares, min_us, max_us, ..Self::default() };
        for (us, count) in counts {
            all.histogram
                .record_n(us.min(HIGHEST_US), count)
                .expect("a growing histogram takes every time up to the bound");
            all.count += count;
        }
        all
    }

    /// The histogram itself.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_loses_nothing() {
        let (mut a, mut b, mut whole) =
            (Distribution::default(), Distribution::default(), Distribution::default());
        for i in 0..10_000u64 {
            let us = i * i % 77_777;
            if i % 3 == 0 {
                a.record(us)
            } else {
                b.record(us)
            }
            whole.record(us);
        }
        let mut merged = Distribution::default();
        merged.add(&a);
        merged.add(&b);
        assert_eq!(merged.histogram(), whole.histogram());
        for q in [0.5, 0.9, 0.95, 0.99, 0.9999, 1.0] {
            assert_eq!(merged.quantile(q), whole.quantile(q));
        }
        let all = |d: &Distribution| (d.count(), d.min(), d.max(), d.mean());
        assert_eq!(all(&merged), all(&whole));
        assert!((merged.stddev() - whole.stddev()).abs() < 1e-6);
    }

    #[test]
    fn percentiles_are_right_to_three_digits_over_the_whole_range() {
        let mut d = Distribution::default();
        let times: Vec<u64> = (0..1000u64).map(|i| 3u64.pow((i % 20) as u32) + i).collect();
        times.iter().for_each(|us| d.record(*us));
        let mut merged = Distribution::default();
        merged.record(1);
        merged.clear();
        merged.add(&d);
        let mut sorted = times.clone();
        sorted.sort_unstable();
        for (rank, exact) in sorted.iter().enumerate() {
            for seen in [&d, &merged].map(|d| d.at_rank(rank as u64 + 1)) {
                assert!(seen.abs_diff(*exact) <= exact / 1000 + 1, "rank {rank}: {seen}, exactly {exact}");
            }
        }
    }

    #[test]
    fn a_percentile_never_exceeds_the_maximum() {
        let mut d = Distribution::default();
        d.record(123_457);
        for q in [0.0, 0.5, 0.99, 1.0] {
            assert_eq!(d.quantile(q), 123_457);
        }
        assert_eq!(d.at_rank(1), 123_457);
    }

    #[test]
    fn longer_than_an_hour_keeps_its_exact_maximum() {
        let mut d = Distribution::default();
        d.record(HIGHEST_US * 2);
        assert_eq!((d.max(), d.count()), (HIGHEST_US * 2, 1));
    }
}
