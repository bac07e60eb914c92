//! Times in µs as the counts of the buckets that were hit: what a [`Distribution`] holds, small enough to keep many
//! of. They add up and can be taken out again. Must not record single times; a [`Distribution`] does.

use super::Distribution;

/// The times of a stretch of the run: (highest time of a bucket in µs, how many), ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseTimes {
    // A bucket's time is at most an hour, and no stretch has 4 billion requests in one bucket.
    counts: Vec<(u32, u32)>,
    count: u64,
    sum_us: u64,
    sum_of_squares: f64,
    min_us: u64,
    max_us: u64,
}

impl Default for SparseTimes {
    fn default() -> Self {
        Self { counts: vec![], count: 0, sum_us: 0, sum_of_squares: 0.0, min_us: u64::MAX, max_us: 0 }
    }
}

impl SparseTimes {
    /// The same times.
    pub fn of(times: &Distribution) -> Self {
        if times.count() == 0 {
            return Self::default();
        }
        let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let hit = times.histogram().iter_recorded();
        Self {
            counts: hit.map(|at| (small(at.value_iterated_to()), small(at.count_at_value()))).collect(),
            count: times.count(),
            sum_us: times.sum_us(),
            sum_of_squares: times.sum_of_squares(),
            min_us: times.min(),
            max_us: times.max(),
        }
    }

    /// Back to what can be recorded into.
    pub fn distribution(&self) -> Distribution {
        let counts = self.counts.iter().map(|(us, count)| (u64::from(*us), u64::from(*count)));
        Distribution::from_counts(counts, self.sum_us, self.sum_of_squares, (self.min_us, self.max_us))
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All of them together, µs.
    pub fn sum_us(&self) -> u64 {
        self.sum_us
    }

    /// How many are at or below `us`, which is the highest time of a bucket.
    pub fn at_or_below(&self, us: u32) -> u64 {
        let end = self.counts.partition_point(|(bucket, _)| *bucket <= us);
        self.counts[..end].iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// The bucket of the `rank`-th smallest (1-based) by its highest time; `None` beyond the last.
    pub fn bucket_at_rank(&self, rank: u64) -> Option<u32> {
        let mut seen = 0;
        let reached = self.counts.iter().find(|(_, count)| {
            seen += u64::from(*count);
            seen >= rank
        });
        reached.map(|(us, _)| *us)
    }

    /// The next lower bucket that was hit.
    pub fn bucket_below(&self, us: u32) -> Option<u32> {
        let at = self.counts.partition_point(|(bucket, _)| *bucket < us);
        at.checked_sub(1).map(|index| self.counts[index].0)
    }

    /// A bucket's time as reports show it: never outside of what was seen.
    pub fn shown_us(&self, bucket: u32) -> u64 {
        u64::from(bucket).clamp(self.min_us.min(self.max_us), self.max_us)
    }

    /// Adds all times of another.
    pub fn add(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.counts = merged(&self.counts, &other.counts, u32::saturating_add);
        self.count += other.count;
        self.sum_us += other.sum_us;
        self.sum_of_squares += other.sum_of_squares;
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
    }

    /// Takes times out that were added before. `rest`: all parts that stay; smallest and largest time cannot be
    /// told from sums.
    pub fn subtract<'a>(&mut self, other: &Self, rest: impl Iterator<Item = &'a Self>) {
        if other.count == 0 {
            return;
        }
        self.counts = merged(&self.counts, &other.counts, u32::saturating_sub);
        self.count = self.count.saturating_sub(other.count);
        self.sum_us = self.sum_us.saturating_sub(other.sum_us);
        let nothing = Self::default();
        (self.sum_of_squares, self.min_us, self.max_us) = rest.fold(
            (nothing.sum_of_squares, nothing.min_us, nothing.max_us),
            |(squares, min, max), part| {
                (squares + part.sum_of_squares, min.min(part.min_us), max.max(part.max_us))
            },
        );
    }
}

/// Two ascending lists as one; what comes to 0 is left out.
fn merged(a: &[(u32, u32)], b: &[(u32, u32)], combine: fn(u32, u32) -> u32) -> Vec<(u32, u32)> {
    let mut out = Vec::with_capacity(a.len().max(b.len()));
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    while let Some(us) = [a.peek(), b.peek()].into_iter().flatten().map(|(us, _)| *us).min() {
        let take =
            |from: &mut std::iter::Peekable<_>| from.next_if(|(at, _)| *at == us).map_or(0, |(_, n)| n);
        let count = combine(take(&mut a), take(&mut b));
        if count > 0 {
            out.push((us, count));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(from: u64, count: u64) -> Distribution {
        let mut times = Distribution::default();
        (0..count).for_each(|i| times.record(from + i * i % 7_919));
        times
    }

    #[test]
    fn the_same_times_come_back() {
        let dense = times(40, 5_000);
        let back = SparseTimes::of(&dense).distribution();
        for q in [0.0001, 0.5, 0.95, 0.999, 1.0] {
            assert_eq!(back.quantile(q), dense.quantile(q), "{q}");
        }
        let all = |d: &Distribution| (d.count(), d.min(), d.max(), d.mean(), d.stddev());
        assert_eq!(all(&back), all(&dense));
        assert_eq!(all(&SparseTimes::default().distribution()), all(&Distribution::default()));
    }

    #[test]
    fn what_was_added_can_be_taken_out() {
        let parts = [times(10, 300), times(90_000, 50), times(7, 1)].map(|d| SparseTimes::of(&d));
        let mut sum = SparseTimes::default();
        parts.iter().for_each(|part| sum.add(part));
        assert_eq!(sum.count(), 351);
        sum.subtract(&parts[1], [&parts[0], &parts[2]].into_iter());
        let mut expected = parts[0].clone();
        expected.add(&parts[2]);
        assert_eq!(sum, expected);
        sum.subtract(&parts[2], [&parts[0]].into_iter());
        sum.subtract(&parts[0], [].into_iter());
        assert_eq!(sum, SparseTimes::default());
    }

    #[test]
    fn ranks() {
        let mut dense = Distribution::default();
        [5, 5, 9, 20].iter().for_each(|us| dense.record(*us));
        let sparse = SparseTimes::of(&dense);
        let at: Vec<_> = (1..=5).map(|rank| sparse.bucket_at_rank(rank)).collect();
        assert_eq!(at, [Some(5), Some(5), Some(9), Some(20), None]);
        assert_eq!([4, 5, 9, 100].map(|us| sparse.at_or_below(us)), [0, 2, 3, 4]);
        assert_eq!([5, 9, 100].map(|us| sparse.bucket_below(us)), [None, Some(5), Some(20)]);
    }
}
