//! The timeline as lines of at most so many points, however long the run. Must not draw.

use std::collections::HashMap;

use crate::report::model::{Interval, ResultDocument, SHORTEST_RATE_S, Series, SeriesInterval};

/// Most points of a line about all rows together.
pub(super) const MOST: u64 = 600;
/// The same where a reader looks closer: an hour of seconds.
pub(super) const MOST_CLOSE: u64 = 3600;

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

/// Seconds in groups of equal size.
#[derive(Clone, Copy)]
pub(super) struct Buckets {
    first: u64,
    last: u64,
    /// Seconds one point stands for.
    pub size: u64,
}

impl Buckets {
    /// At most `most` for all of `timeline`.
    pub(super) fn of(timeline: &[Interval], most: u64) -> Self {
        let (first, last) = ends(timeline);
        Self { first, last, size: (last - first).saturating_add(1).div_ceil(most.max(1)).max(1) }
    }

    fn count(self) -> usize {
        ((self.last - self.first) / self.size) as usize + 1
    }

    fn index(self, at_s: u64) -> usize {
        (at_s.saturating_sub(self.first) / self.size) as usize
    }

    /// Last second of a bucket.
    fn end_s(self, index: usize) -> f64 {
        let end = self.first.saturating_add((index as u64 + 1).saturating_mul(self.size) - 1);
        end.min(self.last) as f64
    }
}

/// Last second of the timeline.
pub(super) fn last_s(timeline: &[Interval]) -> f64 {
    ends(timeline).1 as f64
}

fn ends(timeline: &[Interval]) -> (u64, u64) {
    let first = timeline.iter().map(|i| i.at_s).min().unwrap_or(0);
    (first, timeline.iter().map(|i| i.at_s).max().unwrap_or(first))
}

/// One value a bucket, at most `most`; seconds without the value leave a gap.
pub(super) fn thin(
    timeline: &[Interval],
    most: u64,
    keep: Keep,
    pick: impl Fn(&Interval) -> Option<f64>,
) -> Vec<Point> {
    if timeline.is_empty() {
        return Vec::new();
    }
    let buckets = Buckets::of(timeline, most);
    let mut sums: Vec<(f64, u64)> = vec![(0.0, 0); buckets.count()];
    for interval in timeline {
        let bucket = sums.get_mut(buckets.index(interval.at_s));
        let value = pick(interval).filter(|v| v.is_finite());
        if let (Some((sum, count)), Some(value)) = (bucket, value) {
            *sum = if keep == Keep::Max && *count > 0 { sum.max(value) } else { *sum + value };
            *count += 1;
        }
    }
    let value = |(sum, count): (f64, u64)| match (keep, count) {
        (_, 0) => None,
        (Keep::Max, _) => Some(sum),
        (Keep::Mean, count) => Some(sum / count as f64),
    };
    sums.into_iter().enumerate().map(|(n, bucket)| (buckets.end_s(n), value(bucket))).collect()
}

/// One row over time.
#[derive(Default)]
pub(super) struct RowPoints {
    /// Latency, µs; a gap where no request ended.
    pub p50: Vec<Point>,
    pub p95: Vec<Point>,
    pub p99: Vec<Point>,
    /// A second.
    pub requests: Vec<Point>,
    /// A second.
    pub failures: Vec<Point>,
}

/// All rows together, in the shape of one.
pub(super) fn whole(timeline: &[Interval]) -> RowPoints {
    let us = |us: Option<u64>| us.map(|us| us as f64);
    RowPoints {
        p50: thin(timeline, MOST, Keep::Max, |i| us(i.p50_us)),
        p95: thin(timeline, MOST, Keep::Max, |i| us(i.p95_us)),
        p99: thin(timeline, MOST, Keep::Max, |i| us(i.p99_us)),
        requests: thin(timeline, MOST, Keep::Mean, |i| i.rps),
        failures: thin(timeline, MOST, Keep::Mean, Interval::failures_per_s),
    }
}

/// Some rows of `doc`, in one pass over the timeline, each line with at most `most` points.
pub(super) fn rows(doc: &ResultDocument, series: &[&Series], most: u64) -> Vec<RowPoints> {
    let timeline = &doc.timeline;
    if timeline.is_empty() {
        return Vec::new();
    }
    let buckets = Buckets::of(timeline, most);
    let index: HashMap<&str, usize> =
        series.iter().enumerate().map(|(n, series)| (series.name.as_str(), n)).collect();
    let mut sums = vec![vec![SeriesInterval::default(); buckets.count()]; series.len()];
    let mut seconds = vec![0u64; buckets.count()];
    for interval in timeline {
        let bucket = buckets.index(interval.at_s);
        seconds[bucket] += 1;
        let known = interval.per_series.iter().filter_map(|(name, row)| Some((index.get(name)?, row)));
        for (row, seen) in known.filter(|(_, seen)| seen.requests > 0) {
            let sum = &mut sums[*row][bucket];
            sum.requests = sum.requests.saturating_add(seen.requests);
            sum.failures = sum.failures.saturating_add(seen.failures);
            sum.in_drain = sum.in_drain.saturating_add(seen.in_drain);
            sum.failures_in_drain = sum.failures_in_drain.saturating_add(seen.failures_in_drain);
            sum.p50_us = sum.p50_us.max(seen.p50_us);
            sum.p95_us = sum.p95_us.max(seen.p95_us);
            sum.p99_us = sum.p99_us.max(seen.p99_us);
        }
    }
    let latency = |us: fn(&SeriesInterval) -> u64, row: &[SeriesInterval]| -> Vec<Point> {
        let value = |sum: &SeriesInterval| (sum.requests > 0).then(|| us(sum) as f64);
        row.iter().enumerate().map(|(n, sum)| (buckets.end_s(n), value(sum))).collect()
    };
    let per_s = |count: fn(&SeriesInterval) -> u64, row: &[SeriesInterval], load_s: &[f64]| -> Vec<Point> {
        let value = |sum, s: f64| (s >= SHORTEST_RATE_S).then(|| count(sum) as f64 / s);
        row.iter().zip(load_s).enumerate().map(|(n, (sum, s))| (buckets.end_s(n), value(sum, *s))).collect()
    };
    let row = |(row, series): (&Vec<SeriesInterval>, &&Series)| {
        let load_s = load_s(doc, &series.scenario, buckets, &seconds);
        RowPoints {
            p50: latency(|sum| sum.p50_us, row),
            p95: latency(|sum| sum.p95_us, row),
            p99: latency(|sum| sum.p99_us, row),
            requests: per_s(|sum| sum.requests.saturating_sub(sum.in_drain.into()), row, &load_s),
            failures: per_s(|sum| sum.failures.saturating_sub(sum.failures_in_drain.into()), row, &load_s),
        }
    };
    sums.iter().zip(series).map(row).collect()
}

/// By bucket, the seconds in which a scenario made load; all that are known where the result does not say.
fn load_s(doc: &ResultDocument, scenario: &str, buckets: Buckets, seconds: &[u64]) -> Vec<f64> {
    let load = doc.run.load_of(scenario);
    let of = |(n, seconds): (usize, &u64)| {
        let seconds = *seconds as f64;
        let Some(load) = load else { return seconds };
        let end_s = buckets.end_s(n);
        load.inside_s(&(end_s - buckets.size as f64..end_s)).min(seconds)
    };
    seconds.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn short_runs_keep_every_second() {
        let timeline = fixture::timeline(120);
        let points = thin(&timeline, MOST, Keep::Max, |i| i.p95_us.map(|us| us as f64));
        assert_eq!((points.len(), Buckets::of(&timeline, MOST).size), (120, 1));
        assert_eq!(points[0], (1.0, timeline[0].p95_us.map(|us| us as f64)));
        assert_eq!(points[60].1, None, "a gap stays a gap");
    }

    #[test]
    fn long_runs_keep_the_worst_and_the_mean() {
        let mut timeline = fixture::timeline(6 * 3600);
        timeline[7_000].p95_us = Some(99_000_000);
        let worst = thin(&timeline, MOST, Keep::Max, |i| i.p95_us.map(|us| us as f64));
        assert!(worst.len() as u64 <= MOST);
        assert!(worst.iter().any(|p| p.1 == Some(99_000_000.0)));
        let mean = thin(&timeline, MOST, Keep::Mean, |i| i.rps);
        let expected = timeline[..36].iter().filter_map(|i| i.rps).sum::<f64>() / 36.0;
        assert!((mean[0].1.unwrap() - expected).abs() < 1e-9);
        assert_eq!(mean[0].0, 36.0);
    }

    #[test]
    fn rows_keep_their_worst_and_their_gaps() {
        let doc = ResultDocument { timeline: fixture::timeline(1200), ..fixture::failing() };
        let timeline = &doc.timeline;
        let nobody = Series { name: "nobody".into(), ..doc.totals.clone() };
        let health = doc.series.iter().find(|series| series.name == "health").unwrap();
        let rows = rows(&doc, &[health, &nobody], 300);
        assert_eq!(rows[0].p95.len(), 300);
        let worst = timeline[..4].iter().filter_map(|i| Some(i.per_series.get("health")?.p95_us)).max();
        assert_eq!(rows[0].p95[0], (4.0, worst.map(|us| us as f64)));
        assert_eq!(rows[0].p95[15].1, None, "a pause of the target");
        assert_eq!(rows[0].requests[15].1, Some(0.0));
        assert!(rows[1].p50.iter().all(|p| p.1.is_none()));
    }

    #[test]
    fn odd_timelines() {
        let second = |at_s| Interval { at_s, rps: Some(f64::NAN), ..Interval::default() };
        for timeline in [vec![], vec![second(0)], vec![second(u64::MAX), second(0)], vec![second(u64::MAX)]] {
            let points = thin(&timeline, MOST, Keep::Mean, |i| i.rps);
            assert!(points.len() as u64 <= MOST && points.iter().all(|p| p.1.is_none()));
            let doc = ResultDocument { timeline, ..fixture::empty() };
            assert!(rows(&doc, &[&doc.totals], 100).iter().all(|row| row.p50.len() <= 100));
        }
    }
}
