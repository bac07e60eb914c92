//! Results of simulated runs for the tests: log-normal service whose level drifts from second to second (AR(1)) and from run
//! to run, in three rows. Must not know how results are compared.

use base64::Engine as _;
use hdrhistogram::serialization::{Serializer as _, V2Serializer};
use rand::SeedableRng as _;
use rand_distr::{Distribution as _, Normal, Poisson};

use super::Run;
use crate::metric;
use crate::report::fixture;
use crate::report::model::{Distribution, Interval, ResultDocument, Series, SeriesInterval, SeriesKind};
use crate::template::Rng;

/// Name, median in µs, spread of the logarithm, requests a second.
const ROWS: [(&str, f64, f64, f64); 3] =
    [("search", 20_000.0, 0.5, 40.0), ("list", 80_000.0, 0.35, 15.0), ("execute", 300_000.0, 0.7, 8.0)];

/// How runs come about.
#[derive(Debug, Clone, Copy)]
pub(super) struct World {
    pub seconds: usize,
    /// Standard deviation of the level between runs, as a share.
    pub between_runs: f64,
    /// The same between moments of a run.
    pub drift: f64,
    /// How much of a second's drift stays in the next.
    pub memory: f64,
    /// Share of requests that fail.
    pub errors: f64,
    /// Whether results hold their histograms; they take long to make.
    pub histograms: bool,
}

pub(super) const WORLD: World =
    World { seconds: 60, between_runs: 0.02, drift: 0.05, memory: 0.9, errors: 0.002, histograms: true };

/// One run, always the same of the same seed; `slower` is a factor on each row.
pub(super) fn run(world: World, seed: u64, slower: [f64; 3]) -> Run {
    let mut rng = Rng::seed_from_u64(seed);
    let normal = Normal::new(0.0, 1.0).unwrap();
    let level = world.between_runs * normal.sample(&mut rng);
    let own: Vec<f64> = ROWS.map(|_| 0.5 * world.between_runs * normal.sample(&mut rng)).into();
    let mut drift = world.drift * normal.sample(&mut rng);
    let mut rows = ROWS.map(|_| Gathered::default());
    let mut total = Gathered::default();
    let mut timeline = vec![];
    for second in 0..world.seconds {
        let fresh = (1.0 - world.memory * world.memory).sqrt() * world.drift;
        drift = world.memory * drift + fresh * normal.sample(&mut rng);
        let mut per_series = vec![];
        let (mut all, mut all_failures) = (vec![], 0);
        for (at, (name, median, spread, rate)) in ROWS.into_iter().enumerate() {
            let count = Poisson::new(rate).unwrap().sample(&mut rng) as usize;
            let middle = (median * slower[at]).ln() + level + own[at] + drift;
            let mut times: Vec<u64> =
                (0..count).map(|_| (middle + spread * normal.sample(&mut rng)).exp() as u64 + 1).collect();
            let failures =
                (0..count).filter(|_| rand::RngExt::random::<f64>(&mut rng) < world.errors).count() as u64;
            let [p50_us, p95_us, p99_us] = percentiles(&mut times);
            if count > 0 {
                let interval = SeriesInterval {
                    requests: count as u64,
                    failures,
                    p50_us,
                    p95_us,
                    p99_us,
                    ..SeriesInterval::default()
                };
                per_series.push((name, interval));
            }
            rows[at].add(&times, failures);
            all_failures += failures;
            all.extend(times);
        }
        let [p50, p95, p99] = percentiles(&mut all).map(Some);
        total.add(&all, all_failures);
        timeline.push(Interval {
            at_s: second as u64 + 1,
            users: 10,
            rps: Some(all.len() as f64),
            requests: Some(all.len() as u64),
            failures: all_failures,
            p50_us: p50,
            p95_us: p95,
            p99_us: p99,
            per_series: per_series.into_iter().collect(),
            ..Interval::default()
        });
    }
    let seconds = world.seconds as f64;
    let mut doc = ResultDocument { timeline, ..fixture::empty() };
    doc.run.id = format!("{seed:x}");
    doc.run.duration_s = seconds;
    doc.totals = total.series("Aggregated", SeriesKind::Total, seconds, world.histograms);
    doc.series = ROWS
        .iter()
        .zip(&rows)
        .map(|(row, gathered)| gathered.series(row.0, SeriesKind::Endpoint, seconds, world.histograms))
        .collect();
    Run { name: format!("{seed}.json"), doc }
}

/// As many as asked for, with seeds of their own.
pub(super) fn runs(world: World, seeds: std::ops::Range<u64>, slower: [f64; 3]) -> Vec<Run> {
    seeds.map(|seed| run(world, seed, slower)).collect()
}

#[derive(Default)]
struct Gathered {
    times: Vec<u64>,
    failures: u64,
}

impl Gathered {
    fn add(&mut self, times: &[u64], failures: u64) {
        self.times.extend_from_slice(times);
        self.failures += failures;
    }

    fn series(&self, name: &str, kind: SeriesKind, seconds: f64, histogram: bool) -> Series {
        let requests = self.times.len() as u64;
        Series {
            name: name.to_owned(),
            kind,
            requests,
            failures: self.failures,
            error_ratio: Some(self.failures as f64 / requests as f64),
            rps: requests as f64 / seconds,
            latency_us: Some(self.distribution(histogram)),
            ..fixture::empty().totals
        }
    }

    fn distribution(&self, histogram: bool) -> Distribution {
        let mut sorted = self.times.clone();
        let [p50, p95, p99] = percentiles(&mut sorted);
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<u64>() as f64 / count;
        let variance = sorted.iter().map(|us| (*us as f64 - mean).powi(2)).sum::<f64>() / count;
        let mut hdr = vec![];
        if histogram {
            let mut times = metric::Distribution::default();
            sorted.iter().for_each(|us| times.record(*us));
            V2Serializer::new().serialize(times.histogram(), &mut hdr).unwrap();
        }
        Distribution {
            count: sorted.len() as u64,
            min: sorted[0],
            mean,
            stddev: variance.sqrt(),
            p50,
            p66: p50,
            p75: p50,
            p80: p50,
            p90: p50,
            p95,
            p98: p95,
            p99,
            p99_9: p99,
            p99_99: p99,
            max: sorted[sorted.len() - 1],
            hdr: base64::engine::general_purpose::STANDARD.encode(hdr),
        }
    }
}

/// Sorts them; 0 without any.
fn percentiles(times: &mut [u64]) -> [u64; 3] {
    times.sort_unstable();
    [0.5, 0.95, 0.99].map(|q| {
        let rank = (q * times.len() as f64).ceil() as usize;
        rank.checked_sub(1).map_or(0, |at| times[at])
    })
}
