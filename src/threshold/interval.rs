//! 95 % intervals for a percentile or a mean of dependent samples, from time blocks. Queueing makes neighbouring
//! requests alike, so the formula for independent samples would promise too much; what differs between blocks tells
//! how much a repetition of the run would differ. Must not know thresholds.
//!
//! Method: batch means with Student's t (Law, *Simulation Modeling and Analysis*, 5th ed., 9.5.3) on ratios, because
//! blocks have different numbers of samples (Cochran, *Sampling Techniques*, 3rd ed., 6.3); blocks that are still alike widen
//! it ([`variance_of_sum`]). For a percentile q the ratio is the share of samples
//! at or below its estimate, and the interval [q − δ, q + δ] of shares is read back from the distribution (Woodruff,
//! *JASA* 47, 1952).

use crate::metric::{SparseTimes, variance_of_sum};

use super::blocks::Block;

/// Fewer blocks with samples tell nothing.
const FEWEST: usize = 20;
/// 97.5 % quantiles of Student's t for 19 … 39 degrees of freedom.
const STUDENT_T: [f64; 21] = [
    2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423, 2.0395,
    2.0369, 2.0345, 2.0322, 2.0301, 2.0281, 2.0262, 2.0244, 2.0227,
];
/// Fewer samples beyond a percentile come from too few slow moments to tell how they differ: five a block.
const FEWEST_IN_TAIL: f64 = 100.0;
/// The same in independent samples: ten, as for "few samples".
const FEWEST_WORTH_IN_TAIL: f64 = 10.0;
/// Independent samples a mean needs.
const FEWEST_WORTH: f64 = 40.0;

/// The 95 % interval of the percentile `q` (0–1), µs. `None` with fewer than 20 blocks, with fewer than 100 samples
/// beyond the percentile or samples so alike that they are worth fewer than 10, or where they end before the upper limit.
pub(super) fn percentile(blocks: &[Block], q: f64) -> Option<[f64; 2]> {
    let all = Shares::of(blocks);
    let tail = q.min(1.0 - q);
    if all.count as f64 * tail < FEWEST_IN_TAIL - 1e-6 || all.worth()? * tail < FEWEST_WORTH_IN_TAIL {
        return None;
    }
    let estimate = all.bucket(q)?;
    // Where many samples share a bucket its own share may not move at all, and that of the one below does.
    let below = all.times.bucket_below(estimate).and_then(|bucket| all.error(bucket)).unwrap_or_default();
    let half = all.error(estimate)?.half_width().max(below.half_width());
    if q + half >= 1.0 {
        return None;
    }
    let [low, high] = [all.bucket((q - half).max(0.0))?, all.bucket(q + half)?];
    Some([low, high].map(|bucket| all.times.shown_us(bucket) as f64))
}

/// The 95 % interval of the mean, µs. `None` with fewer than 20 blocks, with samples so alike that they are worth fewer
/// than 40, or when of some requests only a lower bound is known.
pub(super) fn mean(blocks: &[Block]) -> Option<[f64; 2]> {
    let is_censored = blocks.iter().any(|block| block.censored > 0);
    if is_censored || Shares::of(blocks).worth()? < FEWEST_WORTH {
        return None;
    }
    let parts: Vec<_> = blocks.iter().map(|b| (b.times.sum_us() as f64, b.times.count() as f64)).collect();
    let half = Error::of(&parts)?.half_width();
    let ratio = ratio(&parts);
    Some([(ratio - half).max(0.0), ratio + half])
}

/// All blocks together, for shares of their samples.
struct Shares<'a> {
    blocks: &'a [Block],
    times: SparseTimes,
    count: u64,
}

impl<'a> Shares<'a> {
    fn of(blocks: &'a [Block]) -> Self {
        let mut times = SparseTimes::default();
        blocks.iter().for_each(|block| times.add(&block.times));
        Self { blocks, times, count: blocks.iter().map(Block::count).sum() }
    }

    /// The bucket that a share of all samples stays at or below.
    fn bucket(&self, share: f64) -> Option<u32> {
        self.times.bucket_at_rank(((share * self.count as f64).ceil() as u64).max(1))
    }

    /// How well the share at or below `bucket` is known.
    fn error(&self, bucket: u32) -> Option<Error> {
        let parts = self.blocks.iter().map(|b| (b.times.at_or_below(bucket) as f64, b.count() as f64));
        Error::of(&parts.collect::<Vec<_>>())
    }

    /// How many independent samples would tell the median as well; where it is best known, the least is left to chance.
    fn worth(&self) -> Option<f64> {
        let median = self.bucket(0.5)?;
        let share = self.times.at_or_below(median) as f64 / self.count as f64;
        let variance = self.error(median)?.standard_error.powi(2);
        Some(if variance > 0.0 { share * (1.0 - share) / variance } else { self.count as f64 })
    }
}

/// How well a ratio Σ sums / Σ counts of blocks is known.
#[derive(Debug, Clone, Copy, Default)]
struct Error {
    standard_error: f64,
    student_t: f64,
}

impl Error {
    /// From (sum, count) by block; `None` with fewer than 20 that have samples.
    fn of(parts: &[(f64, f64)]) -> Option<Self> {
        let parts: Vec<_> = parts.iter().copied().filter(|(_, count)| *count > 0.0).collect();
        let student_t = STUDENT_T[parts.len().checked_sub(FEWEST)?.min(STUDENT_T.len() - 1)];
        let ratio = ratio(&parts);
        let residuals: Vec<_> = parts.iter().map(|(sum, count)| sum - ratio * count).collect();
        let count = parts.iter().map(|(_, count)| count).sum::<f64>();
        let variance = variance_of_sum(&residuals) / (count * count);
        Some(Self { standard_error: variance.sqrt(), student_t })
    }

    fn half_width(self) -> f64 {
        self.student_t * self.standard_error
    }
}

fn ratio(parts: &[(f64, f64)]) -> f64 {
    let (sum, count) = parts.iter().fold((0.0, 0.0), |(sum, count), part| (sum + part.0, count + part.1));
    sum / count
}

#[cfg(test)]
mod tests {
    use super::super::blocks::Blocks;
    use super::*;
    use crate::metric::Distribution;
    use crate::template::Rng;
    use rand::{RngExt as _, SeedableRng as _};

    /// Work in the queue, on average. Small numbers: the histograms of a thousand seconds are quick to make.
    const WORK_US: f64 = 100.0;
    /// Of the queue's clock.
    const SECOND_US: f64 = 10_000.0;

    /// Seconds of times in µs, as blocks.
    fn blocks(seconds: impl IntoIterator<Item = Vec<f64>>) -> Blocks {
        let mut blocks = Blocks::new();
        for second in seconds {
            let mut times = Distribution::default();
            second.iter().for_each(|us| times.record(us.round() as u64));
            blocks.push(&Block { times: SparseTimes::of(&times), censored: 0 });
        }
        blocks
    }

    fn exponential(rng: &mut Rng, mean: f64) -> f64 {
        -mean * (1.0 - rng.random::<f64>()).ln()
    }

    /// A queue with one server, arrivals at random and random work, busy for a share `load` of the time. Times from
    /// arrival to end by the second of the arrival, from a state it has been running in for a while.
    fn queue(rng: &mut Rng, load: f64, seconds: usize) -> Vec<Vec<f64>> {
        const SETTLE_S: usize = 20;
        let (mut now_us, mut free_us) = (0.0, 0.0f64);
        let mut all = vec![vec![]; seconds + SETTLE_S];
        loop {
            now_us += exponential(rng, WORK_US / load);
            free_us = free_us.max(now_us) + exponential(rng, WORK_US);
            match all.get_mut((now_us / SECOND_US) as usize) {
                Some(second) => second.push(free_us - now_us),
                None => return all.split_off(SETTLE_S),
            }
        }
    }

    /// Of so many runs of a queue with this load: how often the intervals of p50, p90 and the mean hold the truth, and how
    /// often that of p50 from the formula for independent samples would.
    fn coverage(runs: u64, load: f64, seconds: usize) -> ([f64; 3], f64) {
        let mean_us = WORK_US / (1.0 - load);
        // The time in such a queue is exponential (Kleinrock, Queueing Systems I, 5.1).
        let truth = |q: f64| -mean_us * (1.0f64 - q).ln();
        let (mut held, mut naive) = ([0.0; 3], 0.0);
        for seed in 0..runs {
            let blocks = blocks(queue(&mut Rng::seed_from_u64(seed), load, seconds));
            let all = blocks.all();
            let holds = |limits: Option<[f64; 2]>, truth: f64| {
                limits.is_some_and(|[low, high]| (low..=high).contains(&truth))
            };
            let found = [
                holds(percentile(all, 0.5), truth(0.5)),
                holds(percentile(all, 0.9), truth(0.9)),
                holds(mean(all), mean_us),
            ];
            held.iter_mut().zip(found).for_each(|(count, holds)| *count += f64::from(u8::from(holds)));
            let samples: u64 = all.iter().map(Block::count).sum();
            let below: u64 = all.iter().map(|block| block.times.at_or_below(truth(0.5) as u32)).sum();
            let off = (below as f64 / samples as f64 - 0.5).abs();
            naive += f64::from(u8::from(off <= 1.96 * 0.5 / (samples as f64).sqrt()));
        }
        (held.map(|count| count / runs as f64), naive / runs as f64)
    }

    #[test]
    fn intervals_of_a_queue_hold_the_truth_as_often_as_they_say() {
        for (load, seconds) in [(0.5, 60), (0.8, 120)] {
            let (held, naive) = coverage(120, load, seconds);
            // 95 % in 120 runs: 0.91 … 0.99, and short runs hold it a little less often.
            assert!(held.iter().all(|share| *share >= 0.89), "load {load}: {held:?}");
            assert!(naive < 0.75, "the formula for independent samples: {naive}, else blocks are not needed");
        }
    }

    #[test]
    fn no_interval_where_there_is_too_little() {
        let spread = |seconds: usize, each: usize| {
            let second =
                |number| (0..each).map(move |i| 100.0 + ((number * 31 + i * 17) % 97) as f64).collect();
            blocks((0..seconds).map(second))
        };
        assert!(percentile(spread(20, 60).all(), 0.9).is_some());
        assert_eq!(percentile(spread(19, 60).all(), 0.9), None, "19 blocks");
        assert_eq!(percentile(spread(20, 40).all(), 0.9), None, "80 times in the tail");
        assert!(percentile(spread(20, 40).all(), 0.5).is_some());
        assert_eq!(mean(spread(19, 60).all()), None);
        assert_eq!(mean(&[]), None);
        // Seconds without requests are no blocks.
        let gaps = blocks((0..30).map(|second| if second % 2 == 0 { vec![100.0; 60] } else { vec![] }));
        assert_eq!(percentile(gaps.all(), 0.5), None);
    }

    #[test]
    fn what_still_runs_is_above_everything() {
        let plain = blocks((0..20).map(|_| (0..100).map(|i| 100.0 + f64::from(i)).collect()));
        assert_eq!(percentile(plain.all(), 0.5), Some([149.0, 149.0]), "all blocks are the same");
        let mut blocks = plain.all().to_vec();
        blocks[19].censored = 5;
        let [low, high] = percentile(&blocks, 0.5).unwrap();
        assert!(low >= 149.0 && high > 149.0, "{low} {high}");
        assert_eq!(mean(&blocks), None);
        blocks[19].censored = 2_000;
        assert_eq!(percentile(&blocks, 0.9), None, "the 90th of a hundred still runs");
    }

    #[test]
    fn samples_in_two_heaps_have_both_in_the_interval() {
        // 95.5 % take 10 ms and the others 20 ms: another run may well have its p95 at 20 ms.
        let slow = |second: usize| if second.is_multiple_of(2) { 2 } else { 7 };
        let heaps = blocks((0..20).map(|second| {
            let slow = slow(second);
            [vec![10_000.0; 100 - slow], vec![20_000.0; slow]].concat()
        }));
        let [low, high] = percentile(heaps.all(), 0.95).unwrap();
        assert!((low - 10_000.0).abs() < 10.0 && (high - 20_000.0).abs() < 20.0, "{low} {high}");
    }
}
