//! One second of the run, merged over all workers.

use std::collections::BTreeMap;

use crate::metric::{Distribution, DrainCounts, LoadWindow, Pace, Recorder, SeriesKind};
use crate::units::covered_s;

/// One second of one row, or of all endpoints together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct IntervalRow {
    /// Requests ended in it.
    pub requests: u64,
    /// Failures in it.
    pub failures: u64,
    /// Latency percentiles of the requests ended in it, µs: 50, 95, 99.
    pub p50_us: u64,
    /// 95 %.
    pub p95_us: u64,
    /// 99 %.
    pub p99_us: u64,
    /// Of the requests those that ended after the load.
    pub in_drain: u32,
    /// Of the failures those that ended after the load.
    pub failures_in_drain: u32,
}

impl IntervalRow {
    /// Requests that ended while load was made.
    pub fn in_load(&self) -> u64 {
        self.requests.saturating_sub(u64::from(self.in_drain))
    }
}

/// How late the generator was in one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntervalPace {
    /// Pacing error, 99 %, µs; absent when nothing was due.
    pub pacing_p99_us: Option<u64>,
    /// Longest lag of a worker's event loop, µs; absent when no heartbeat fell into it.
    pub lag_max_us: Option<u64>,
}

impl IntervalPace {
    fn of(pace: &Pace) -> Self {
        let seen = |times: &Distribution, us: u64| (times.count() > 0).then_some(us);
        Self {
            pacing_p99_us: seen(&pace.pacing, pace.pacing.quantile(0.99)),
            lag_max_us: seen(&pace.lag, pace.lag.max()),
        }
    }
}

/// One second of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalSummary {
    /// End of the second, from the start of the load. The last one may be cut short.
    pub at_s: u64,
    /// Seconds it really covers.
    pub length_s: f64,
    /// Seconds of it in which load was made.
    pub load_s: f64,
    /// The same by scenario.
    pub load_s_of: Box<[f64]>,
    /// Users running at its end.
    pub users: u64,
    /// Users the plan wants then.
    pub target_users: u64,
    /// Arrivals due in it; `None` in closed models.
    pub due: Option<u64>,
    /// All endpoints together, a warm-up's requests among them.
    pub total: IntervalRow,
    /// By row, only those with requests.
    pub rows: Vec<(usize, IntervalRow)>,
    /// How late the generator was in it.
    pub pace: IntervalPace,
}

impl IntervalSummary {
    /// Tells how much of it is load, by the loads of all scenarios.
    pub(super) fn reckon(&mut self, loads: &[LoadWindow]) {
        let from_s = self.at_s as f64 - 1.0;
        let span = from_s..from_s + self.length_s;
        let of = |load: &LoadWindow| covered_s([load.whole()], &span);
        self.load_s = covered_s(loads.iter().map(|load| load.whole()), &span);
        self.load_s_of = loads.iter().map(of).collect();
    }

    /// Requests of all endpoints a second; `None` when there was hardly any load in it.
    pub fn rate(&self) -> Option<f64> {
        per_s(self.total.in_load(), self.load_s)
    }

    /// The same of a row of a scenario.
    pub fn rate_of(&self, scenario: usize, row: &IntervalRow) -> Option<f64> {
        per_s(row.in_load(), self.load_s_of.get(scenario).copied().unwrap_or(0.0))
    }

    /// Arrivals due in it, a second; `None` in closed models too.
    pub fn offered_rate(&self) -> Option<f64> {
        per_s(self.due?, self.load_s)
    }
}

fn per_s(count: u64, seconds: f64) -> Option<f64> {
    /// A part of a second shorter than this has no rate worth dividing for.
    const SHORTEST_S: f64 = 0.2;
    (seconds >= SHORTEST_S).then(|| count as f64 / seconds)
}

/// A second that all workers have shipped.
#[derive(Debug)]
pub(super) struct Closed {
    pub second: u64,
    pub users: u64,
    pub due: u64,
    pub total: IntervalRow,
    pub rows: Vec<(usize, IntervalRow)>,
    pub pace: IntervalPace,
}

/// Gathers one second until every worker has shipped its part.
#[derive(Debug)]
pub(super) struct Gathering {
    kinds: Vec<SeriesKind>,
    /// Row each row is shown in: its own, or of a warm-up's row the one it belongs to.
    shown_in: Vec<usize>,
    open: BTreeMap<u64, Second>,
    /// Seconds below it are closed; what comes late for one counts in the next.
    next: u64,
    /// Last seconds of workers that have ended.
    ended: Vec<u64>,
}

#[derive(Debug)]
struct Second {
    rows: Vec<RowSecond>,
    users: u64,
    due: u64,
    workers: usize,
    pace: Pace,
}

#[derive(Debug, Default)]
struct RowSecond {
    latency: Option<Box<Distribution>>,
    failures: u64,
    drain: DrainCounts,
}

impl Gathering {
    pub(super) fn new(kinds: Vec<SeriesKind>, shown_in: Vec<usize>) -> Self {
        Self { kinds, shown_in, open: BTreeMap::new(), next: 0, ended: vec![] }
    }

    /// Adds one worker's second.
    pub(super) fn add(&mut self, second: u64, users: u64, recorder: &Recorder) {
        let rows = self.kinds.len();
        let second = second.max(self.next);
        let entry = self.open.entry(second).or_insert_with(|| Second {
            rows: (0..rows).map(|_| RowSecond::default()).collect(),
            users: 0,
            due: 0,
            workers: 0,
            pace: Pace::default(),
        });
        entry.users += users;
        entry.workers += 1;
        entry.pace.add(recorder.pace());
        entry.due += recorder.scenarios.iter().map(|s| s.arrivals.due + s.warmup_arrivals.due).sum::<u64>();
        for (shown_in, record) in self.shown_in.iter().zip(recorder.series()) {
            let row = &mut entry.rows[*shown_in];
            for part in [&record.ok, &record.failed, &record.interrupted].into_iter().flatten() {
                if part.count() > 0 {
                    row.latency.get_or_insert_default().add(part);
                }
            }
            let count = |part: &Option<Box<Distribution>>| part.as_ref().map_or(0, |d| d.count());
            row.failures += count(&record.failed) + count(&record.interrupted);
            row.drain.add(record.drain);
        }
    }

    /// A worker ships nothing after this second.
    pub(super) fn end_of_worker(&mut self, second: u64) {
        self.ended.push(second);
    }

    /// Takes the oldest second if all `workers` have shipped it, or any older than `force_before`.
    pub(super) fn take(&mut self, workers: usize, force_before: u64) -> Option<Closed> {
        let (&second, entry) = self.open.first_key_value()?;
        let ended = self.ended.iter().filter(|last| **last < second).count();
        if entry.workers + ended < workers && second >= force_before {
            return None;
        }
        self.next = second + 1;
        let entry = self.open.remove(&second)?;
        let mut whole = RowSecond::default();
        let mut rows = vec![];
        for (index, row) in entry.rows.iter().enumerate() {
            let Some(latency) = &row.latency else { continue };
            rows.push((index, summary(row)));
            if self.kinds[index] == SeriesKind::Endpoint {
                whole.latency.get_or_insert_default().add(latency);
                whole.failures += row.failures;
                whole.drain.add(row.drain);
            }
        }
        let pace = IntervalPace::of(&entry.pace);
        Some(Closed { second, users: entry.users, due: entry.due, total: summary(&whole), rows, pace })
    }
}

fn summary(row: &RowSecond) -> IntervalRow {
    let Some(latency) = &row.latency else {
        return IntervalRow { failures: row.failures, ..IntervalRow::default() };
    };
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    IntervalRow {
        requests: latency.count(),
        failures: row.failures,
        p50_us: latency.quantile(0.5),
        p95_us: latency.quantile(0.95),
        p99_us: latency.quantile(0.99),
        in_drain: small(row.drain.ended),
        failures_in_drain: small(row.drain.ended_failed),
    }
}
