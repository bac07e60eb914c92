//! What each stretch of a run adds to the error of a value: the seconds of the timeline, in 20 to 40 blocks. Neighbouring
//! seconds are alike, blocks hardly, so how blocks differ tells how much a repetition of the run would differ. Must not
//! know what a run is compared with.
//!
//! The timeline keeps three percentiles a second, not its distribution. How many of a second's requests took at most so long
//! is read off a curve through these; it needs to be right only near the percentile that is compared, where they are.

use hdrhistogram::Histogram;

use crate::metric::variance_of_sum;
use crate::report::hdr::decoded;
use crate::report::model::{ResultDocument, Series, SeriesKind};

use super::Metric;
use super::rows::{measured, quantile};

/// Fewer blocks tell nothing.
pub(super) const FEWEST: usize = 20;
/// Blocks at most; then they are made longer.
const MOST: usize = 40;

/// One second of one row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Second {
    requests: f64,
    failures: f64,
    /// µs: 50, 95, 99 %.
    at: [f64; 3],
}

/// By block, what it adds to the error of a value, on the scale on which values are compared: Σ is 0.
#[derive(Debug)]
pub(super) struct Errors {
    pub by_block: Vec<f64>,
    /// Variance of the value if all its samples were independent: the least to expect.
    pub least: f64,
}

/// The whole seconds of a row after the warm-up, while load was made. `None` when several rows share the name: the timeline keeps only one.
pub(super) fn seconds(doc: &ResultDocument, row: &Series) -> Option<Vec<Second>> {
    // What ran on after the load is in no block.
    let measured = measured(doc);
    let whole = doc.timeline.iter().filter(|second| {
        second.at_s as f64 >= measured.start + 0.99 && second.at_s as f64 <= measured.end + 0.01
    });
    if row.kind == SeriesKind::Total {
        let us = |at: Option<u64>| at.unwrap_or(0) as f64;
        let second = |s: &crate::report::model::Interval| Second {
            requests: s.rps.unwrap_or(0.0),
            failures: s.failures as f64,
            at: [us(s.p50_us), us(s.p95_us), us(s.p99_us)],
        };
        return Some(whole.map(second).collect());
    }
    if doc.series.iter().filter(|other| other.name == row.name).count() > 1 {
        return None;
    }
    let second = |s: &crate::report::model::Interval| {
        s.per_series.get(&row.name).map_or_else(Second::default, |row| Second {
            requests: row.requests as f64,
            failures: row.failures as f64,
            at: [row.p50_us as f64, row.p95_us as f64, row.p99_us as f64],
        })
    };
    Some(whole.map(second).collect())
}

/// So many seconds as equal blocks, those at the end that make no whole block left out; `None` when there are too few.
pub(super) fn blocks(seconds: &[Second]) -> Option<Vec<&[Second]>> {
    let each = seconds.len().div_ceil(MOST).max(1);
    let blocks: Vec<_> = seconds.chunks_exact(each).collect();
    (blocks.len() >= FEWEST).then_some(blocks)
}

/// What the blocks add to the error of a row's value; `None` without samples or with a damaged histogram.
pub(super) fn errors(
    metric: Metric,
    row: &Series,
    histogram: Option<&Histogram<u64>>,
    blocks: &[&[Second]],
) -> Option<Errors> {
    let latency = row.latency_us.as_ref();
    match metric {
        Metric::P50 | Metric::P95 | Metric::P99 => {
            let (latency, q) = (latency?, quantile(metric)?);
            let histogram = histogram?;
            let us = histogram.value_at_quantile(q).min(latency.max) as f64;
            let shares = ratio(blocks, |second| (second.at_or_below(us), second.requests))?;
            let least = q * (1.0 - q) / latency.count as f64;
            let slope = slope(histogram, q, variance_of_sum(&shares).max(least).sqrt());
            // More below means a smaller percentile.
            Some(Errors {
                by_block: shares.iter().map(|error| -slope * error).collect(),
                least: slope * slope * least,
            })
        }
        Metric::Mean => {
            let latency = latency.filter(|latency| latency.mean > 0.0)?;
            let sum = |second: &Second| (second.mean() * second.requests, second.requests);
            let mean = total(blocks, sum).0 / total(blocks, sum).1;
            let by_block = ratio(blocks, sum)?.iter().map(|error| error / mean).collect();
            Some(Errors { by_block, least: (latency.stddev / latency.mean).powi(2) / latency.count as f64 })
        }
        Metric::ErrorRatio => {
            let by_block = ratio(blocks, |second| (second.failures, second.requests))?;
            // No failure seen is not a proof that there are none.
            let requests = row.requests as f64 + 2.0;
            let share = (row.failures as f64 + 1.0) / requests;
            Some(Errors { by_block, least: share * (1.0 - share) / requests })
        }
        Metric::Rps => {
            let rate = total(blocks, |second| (second.requests, 1.0));
            let by_block = ratio(blocks, |second| (second.requests, 1.0))?;
            let rate = rate.0 / rate.1;
            Some(Errors { by_block: by_block.iter().map(|error| error / rate).collect(), least: 0.0 })
        }
    }
}

fn total(blocks: &[&[Second]], part: impl Fn(&Second) -> (f64, f64)) -> (f64, f64) {
    let parts = blocks.iter().copied().flatten().map(part);
    parts.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
}

/// By block, its residual from Σ first / Σ second, over Σ second.
fn ratio(blocks: &[&[Second]], part: impl Fn(&Second) -> (f64, f64)) -> Option<Vec<f64>> {
    let (sum, count) = total(blocks, &part);
    let residual = |block: &&[Second]| {
        let own = total(&[*block], &part);
        (own.0 - sum / count * own.1) / count
    };
    (sum.is_finite() && count > 0.0).then(|| blocks.iter().map(residual).collect())
}

/// How much the logarithm of the percentile `q` changes with the share, around a share known to ± `error`.
fn slope(histogram: &Histogram<u64>, q: f64, error: f64) -> f64 {
    let width = error.clamp(0.001, (1.0 - q) * 0.9);
    let at = |q: f64| (histogram.value_at_quantile(q).max(1) as f64).ln();
    // Where many requests share a bucket, the percentile stays; at its edge it may jump.
    (at(q + width) - at(q - width)) / (2.0 * width)
}

/// All latencies of a row; `None` without any, or with a damaged histogram.
pub(super) fn histogram(row: &Series) -> Option<Histogram<u64>> {
    decoded(row.latency_us.as_ref()?)
}

impl Second {
    /// How many of its requests took at most `us`: between its percentiles the logarithm of what is above falls
    /// evenly with the logarithm of time, and beyond them as between the two nearest.
    fn at_or_below(&self, us: f64) -> f64 {
        let n = self.requests;
        if n < 1.0 {
            return 0.0;
        }
        // Half a request more, or nothing would be above the largest.
        let above = [0.5, 0.95, 0.99].map(|q| n - (q * n).ceil() + 0.5);
        let mut knots: Vec<(f64, f64)> = vec![];
        for (us, above) in self.at.map(|us| us.max(1.0).ln()).into_iter().zip(above.map(f64::ln)) {
            match knots.last_mut() {
                Some(last) if last.0 >= us => last.1 = above,
                _ => knots.push((us, above)),
            }
        }
        let x = us.max(1.0).ln();
        let after = knots.partition_point(|knot| knot.0 <= x).clamp(1, knots.len().max(2) - 1);
        let above = match (knots.get(after - 1), knots.get(after)) {
            (Some(a), Some(b)) => (a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0)).exp(),
            (Some(only), None) if x >= only.0 => 0.5,
            _ => n + 0.5,
        };
        (n + 0.5 - above).clamp(0.0, n)
    }

    /// Nearly its mean, as far as three percentiles tell; only how it changes from second to second matters.
    fn mean(&self) -> f64 {
        let [p50, p95, p99] = self.at;
        0.5 * p50 + 0.45 * (p50 * p95).sqrt() + 0.05 * (p95 * p99).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(requests: f64, at: [f64; 3]) -> Second {
        Second { requests, failures: 0.0, at }
    }

    #[test]
    fn shares_of_a_second_go_through_its_percentiles() {
        let busy = second(200.0, [100.0, 300.0, 500.0]);
        for (us, count) in [(100.0, 100.0), (300.0, 190.0), (500.0, 198.0), (1.0, 0.0), (1e6, 200.0)] {
            assert!((busy.at_or_below(us) - count).abs() < 0.5, "{us}: {}", busy.at_or_below(us));
        }
        let mut last = 0.0;
        for us in 1..1000 {
            let count = busy.at_or_below(f64::from(us));
            assert!(count >= last, "{us}");
            last = count;
        }
        let one = second(1.0, [100.0; 3]);
        assert_eq!([99.0, 100.0, 101.0].map(|us| one.at_or_below(us)), [0.0, 1.0, 1.0]);
        let two = second(2.0, [100.0, 200.0, 200.0]);
        assert_eq!([100.0, 200.0].map(|us| two.at_or_below(us).round()), [1.0, 2.0]);
        assert_eq!(second(0.0, [0.0; 3]).at_or_below(5.0), 0.0);
    }

    #[test]
    fn blocks_are_twenty_to_forty() {
        let seconds = vec![Second::default(); 500];
        for (count, blocks_of) in [(20, 20), (40, 40), (41, 20), (119, 39), (500, 38)] {
            assert_eq!(blocks(&seconds[..count]).map(|blocks| blocks.len()), Some(blocks_of), "{count}");
        }
        assert!(blocks(&seconds[..19]).is_none());
    }
}
