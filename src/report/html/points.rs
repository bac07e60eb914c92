//! The timeline as lines of at most [`MOST`] points, however long the run. Must not draw.

use crate::report::model::Interval;

/// Most points of one line.
pub(super) const MOST: u64 = 600;

/// What one point says of the seconds it stands for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Keep {
    /// The largest: percentiles cannot be averaged.
    Max,
    /// The mean: rates.
    Mean,
}

/// Seconds and value; `None` where nothing is known.
pub(super) type Point = (f64, Option<f64>);

/// Seconds one point stands for.
pub(super) fn bucket_s(timeline: &[Interval]) -> u64 {
    let (first, last) = ends(timeline);
    (last - first).saturating_add(1).div_ceil(MOST).max(1)
}

/// Last second of the timeline.
pub(super) fn last_s(timeline: &[Interval]) -> f64 {
    ends(timeline).1 as f64
}

fn ends(timeline: &[Interval]) -> (u64, u64) {
    let first = timeline.iter().map(|i| i.at_s).min().unwrap_or(0);
    (first, timeline.iter().map(|i| i.at_s).max().unwrap_or(first))
}

/// One value a bucket; seconds without the value leave a gap.
pub(super) fn thin(timeline: &[Interval], keep: Keep, pick: impl Fn(&Interval) -> Option<f64>) -> Vec<Point> {
    if timeline.is_empty() {
        return Vec::new();
    }
    let (first, last) = ends(timeline);
    let size = bucket_s(timeline);
    let mut buckets: Vec<(f64, u64)> = vec![(0.0, 0); ((last - first) / size) as usize + 1];
    for interval in timeline {
        let bucket = buckets.get_mut(((interval.at_s - first) / size) as usize);
        let value = pick(interval).filter(|v| v.is_finite());
        if let (Some((sum, count)), Some(value)) = (bucket, value) {
            *sum = if keep == Keep::Max && *count > 0 { sum.max(value) } else { *sum + value };
            *count += 1;
        }
    }
    let at = |n: usize| first.saturating_add((n as u64 + 1).saturating_mul(size) - 1).min(last) as f64;
    let value = |(sum, count): (f64, u64)| match (keep, count) {
        (_, 0) => None,
        (Keep::Max, _) => Some(sum),
        (Keep::Mean, count) => Some(sum / count as f64),
    };
    buckets.into_iter().enumerate().map(|(n, bucket)| (at(n), value(bucket))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn short_runs_keep_every_second() {
        let timeline = fixture::timeline(120);
        let points = thin(&timeline, Keep::Max, |i| i.p95_us.map(|us| us as f64));
        assert_eq!((points.len(), bucket_s(&timeline)), (120, 1));
        assert_eq!(points[0], (1.0, timeline[0].p95_us.map(|us| us as f64)));
        assert_eq!(points[60].1, None, "a gap stays a gap");
    }

    #[test]
    fn long_runs_keep_the_worst_and_the_mean() {
        let mut timeline = fixture::timeline(6 * 3600);
        timeline[7_000].p95_us = Some(99_000_000);
        let worst = thin(&timeline, Keep::Max, |i| i.p95_us.map(|us| us as f64));
        assert!(worst.len() as u64 <= MOST);
        assert!(worst.iter().any(|p| p.1 == Some(99_000_000.0)));
        let mean = thin(&timeline, Keep::Mean, |i| Some(i.rps));
        let expected = timeline[..36].iter().map(|i| i.rps).sum::<f64>() / 36.0;
        assert!((mean[0].1.unwrap() - expected).abs() < 1e-9);
        assert_eq!(mean[0].0, 36.0);
    }

    #[test]
    fn odd_timelines() {
        let second = |at_s| Interval { at_s, rps: f64::NAN, ..Interval::default() };
        for timeline in [vec![], vec![second(0)], vec![second(u64::MAX), second(0)], vec![second(u64::MAX)]] {
            let points = thin(&timeline, Keep::Mean, |i| Some(i.rps));
            assert!(points.len() as u64 <= MOST && points.iter().all(|p| p.1.is_none()));
        }
    }
}
