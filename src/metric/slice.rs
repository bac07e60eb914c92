//! What some rows saw together in one stretch of the run, kept small: as much as thresholds over time need of it.
//! Must not hold texts or anything by request.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::{Checks, DrainCounts, Phase, ScenarioCounts, SeriesRecord, SeriesTotal, SparseTimes, Unsent};

/// What some rows saw together in one stretch of the run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slice {
    /// Latency of requests that ended well.
    pub ok: SparseTimes,
    /// Latency of those that failed.
    pub failed: SparseTimes,
    /// Latency reached by those still running at the end.
    pub interrupted: SparseTimes,
    unsent: Unsent,
    /// Iterations and arrivals of the scenarios asked for.
    pub counts: ScenarioCounts,
    /// The phases asked for.
    phases: Box<[(Phase, SparseTimes)]>,
    statuses: BTreeMap<u16, u64>,
    checks: Checks,
    drain: DrainCounts,
}

impl Slice {
    /// Nothing seen yet; of `phases` times will be kept.
    pub fn new(phases: &[Phase]) -> Self {
        let phases = phases.iter().map(|phase| (*phase, SparseTimes::default())).collect();
        Self { phases, ..Self::default() }
    }

    /// Times of a phase asked for.
    pub fn phase(&self, phase: Phase) -> Option<&SparseTimes> {
        self.phases.iter().find(|(known, _)| *known == phase).map(|(_, times)| times)
    }

    /// Adds what one worker saw of one row.
    pub fn add_record(&mut self, record: &SeriesRecord) {
        let latencies = [&record.ok, &record.failed, &record.interrupted];
        let phases = self.phases.iter().map(|(phase, _)| &record.phases[*phase as usize]);
        let recorded: Vec<_> = latencies.into_iter().chain(phases).collect();
        for (times, part) in self.times_mut().zip(recorded) {
            if let Some(part) = part.as_ref().filter(|part| part.count() > 0) {
                times.add(&SparseTimes::of(part));
            }
        }
        for (status, count) in &record.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.unsent.add(record.unsent);
        self.checks.add(record.checks);
        self.drain.add(record.drain);
    }

    /// Adds another stretch of the same rows.
    pub fn add(&mut self, other: &Self) {
        self.times_mut().zip(other.times()).for_each(|(mine, theirs)| mine.add(theirs));
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.unsent.add(other.unsent);
        self.checks.add(other.checks);
        self.drain.add(other.drain);
        self.counts.add(&other.counts);
    }

    /// Takes a stretch out again; `rest` are the stretches that stay.
    fn subtract(&mut self, other: &Self, rest: &VecDeque<Rc<Self>>) {
        for (index, (mine, theirs)) in self.times_mut().zip(other.times()).enumerate() {
            mine.subtract(theirs, rest.iter().filter_map(|slice| slice.times().nth(index)));
        }
        for (status, count) in &other.statuses {
            if let Some(mine) = self.statuses.get_mut(status) {
                *mine = mine.saturating_sub(*count);
            }
        }
        self.unsent.subtract(other.unsent);
        self.checks.held = self.checks.held.saturating_sub(other.checks.held);
        self.checks.failed = self.checks.failed.saturating_sub(other.checks.failed);
        self.drain.subtract(other.drain);
        self.counts.subtract(&other.counts);
    }

    /// The same as a total, to be evaluated like one. Phases nobody asked for are absent.
    pub fn total(&self) -> SeriesTotal {
        let mut total = SeriesTotal {
            ok: self.ok.distribution(),
            failed: self.failed.distribution(),
            interrupted: self.interrupted.distribution(),
            unsent: self.unsent,
            statuses: self.statuses.clone(),
            checks: self.checks,
            drain: self.drain,
            ..SeriesTotal::default()
        };
        for (phase, times) in self.phases.iter().filter(|(_, times)| times.count() > 0) {
            total.phases[*phase as usize] = Some(Box::new(times.distribution()));
        }
        total
    }

    fn times(&self) -> impl Iterator<Item = &SparseTimes> {
        [&self.ok, &self.failed, &self.interrupted]
            .into_iter()
            .chain(self.phases.iter().map(|(_, times)| times))
    }

    fn times_mut(&mut self) -> impl Iterator<Item = &mut SparseTimes> {
        let phases = self.phases.iter_mut().map(|(_, times)| times);
        [&mut self.ok, &mut self.failed, &mut self.interrupted].into_iter().chain(phases)
    }
}

/// The last seconds, always as many.
#[derive(Debug)]
pub struct Window {
    length: usize,
    seconds: VecDeque<Rc<Slice>>,
    sum: Slice,
}

impl Window {
    /// A window of `length` seconds over slices made with `phases`.
    pub fn new(length: usize, phases: &[Phase]) -> Self {
        Self { length: length.max(1), seconds: VecDeque::new(), sum: Slice::new(phases) }
    }

    /// Moves on by a second; what the window now holds, once it is full.
    pub fn push(&mut self, second: &Rc<Slice>) -> Option<&Slice> {
        self.sum.add(second);
        self.seconds.push_back(second.clone());
        if self.seconds.len() > self.length
            && let Some(oldest) = self.seconds.pop_front()
        {
            self.sum.subtract(&oldest, &self.seconds);
        }
        (self.seconds.len() == self.length).then_some(&self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ABSENT, Outcome, Recorder, Sample, SeriesId};
    use super::*;

    fn second(number: u64) -> Rc<Slice> {
        let mut recorder = Recorder::new(1, 1);
        for i in 0..number % 5 {
            let mut phases = [ABSENT; Phase::COUNT];
            phases[Phase::Ttfb as usize] = (number * 10 + i) as u32;
            recorder.record(&Sample {
                status: if i % 2 == 0 { 200 } else { 503 },
                phases,
                checks: Checks { held: 1, failed: i % 2 },
                ..Sample::bare(SeriesId(0), Outcome::Ok, (number * 1000 + i) as u32)
            });
        }
        let mut slice = Slice::new(&[Phase::Ttfb]);
        slice.add_record(&recorder.series()[0]);
        slice.counts.iterations = number;
        Rc::new(slice)
    }

    #[test]
    fn a_window_holds_exactly_its_last_seconds() {
        let seconds: Vec<_> = (0..40).map(second).collect();
        let mut window = Window::new(7, &[Phase::Ttfb]);
        for (index, second) in seconds.iter().enumerate() {
            let held = window.push(second);
            assert_eq!(held.is_some(), index >= 6, "second {index}");
            let Some(held) = held else { continue };
            let mut expected = Slice::new(&[Phase::Ttfb]);
            seconds[index - 6..=index].iter().for_each(|second| expected.add(second));
            let facts = |slice: &Slice| {
                let total = slice.total();
                let ttfb = total.phases[Phase::Ttfb as usize].as_ref().map(|d| (d.count(), d.min(), d.max()));
                let statuses: u64 = total.statuses.values().sum();
                (
                    total.ok.count(),
                    total.ok.min(),
                    total.ok.max(),
                    ttfb,
                    statuses,
                    total.checks,
                    slice.counts.iterations,
                )
            };
            assert_eq!(facts(held), facts(&expected), "second {index}");
            assert!((held.total().ok.stddev() - expected.total().ok.stddev()).abs() < 1e-6);
        }
    }
}
