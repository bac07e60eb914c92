//! Everything a run saw so far, merged from the recorders of all workers.

use std::collections::BTreeMap;

use crate::failure::Failure;

use super::recorder::{DrainCounts, FailureCount, ScenarioCounts, SeriesRecord};
use super::{Checks, Distribution, FailureText, Pace, Phase, Recorder, TargetCounts, Unsent};

/// Different failure texts kept for one row over the whole run.
const TEXTS_PER_SERIES: usize = 50;

/// Failures with one text over the whole run.
#[derive(Debug, Clone)]
pub struct FailureTotal {
    /// Kind.
    pub kind: Failure,
    /// Words and first example; `None` for those beyond the cap.
    pub text: Option<FailureText>,
    /// How many.
    pub count: u64,
    /// µs since the start of the first.
    pub first_us: u64,
    /// Of the last.
    pub last_us: u64,
}

/// One row over the whole run.
#[derive(Debug, Default, Clone)]
pub struct SeriesTotal {
    /// Latency of requests that ended well.
    pub ok: Distribution,
    /// Latency of those that failed.
    pub failed: Distribution,
    /// Latency reached by those still running at the end.
    pub interrupted: Distribution,
    /// Runs of a flow or group that sent nothing: in no latency.
    pub unsent: Unsent,
    /// Times by [`Phase`]; `None` where no request had it.
    pub phases: [Option<Box<Distribution>>; Phase::COUNT],
    /// Responses by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by kind.
    pub failures: [u64; Failure::COUNT],
    /// Failures by text, in the order they first came.
    pub texts: Vec<FailureTotal>,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Connections opened.
    pub new_connections: u64,
    /// Expectations.
    pub checks: Checks,
    /// Of its requests those that ended after the load.
    pub drain: DrainCounts,
}

impl SeriesTotal {
    /// Requests ended or interrupted.
    pub fn requests(&self) -> u64 {
        self.ok.count() + self.failed.count() + self.interrupted.count() + self.unsent.count()
    }

    /// Requests failed or interrupted.
    pub fn failures(&self) -> u64 {
        self.failed.count() + self.interrupted.count() + self.unsent.failed + self.unsent.interrupted
    }

    /// Requests begun while load was made: those that count in a rate.
    pub fn begun_in_load(&self) -> u64 {
        self.requests().saturating_sub(self.drain.begun)
    }

    /// Those of them that failed or were interrupted.
    pub fn failed_in_load(&self) -> u64 {
        self.failures().saturating_sub(self.drain.begun_failed)
    }

    /// Latency of all requests, interrupted ones with the time they had reached.
    pub fn latency(&self) -> Distribution {
        let mut all = self.ok.clone();
        all.add(&self.failed);
        all.add(&self.interrupted);
        all
    }

    /// Latency of the requests that ended, well or badly.
    pub fn latency_ended(&self) -> Distribution {
        let mut all = self.ok.clone();
        all.add(&self.failed);
        all
    }

    /// Adds another row of the run: for the aggregated row and for plan-wide thresholds.
    pub fn merge(&mut self, other: &Self) {
        self.ok.add(&other.ok);
        self.failed.add(&other.failed);
        self.interrupted.add(&other.interrupted);
        self.unsent.add(other.unsent);
        for (mine, theirs) in self.phases.iter_mut().zip(&other.phases) {
            if let Some(theirs) = theirs {
                mine.get_or_insert_default().add(theirs);
            }
        }
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.failures.iter_mut().zip(other.failures).for_each(|(mine, theirs)| *mine += theirs);
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.new_connections += other.new_connections;
        self.checks.add(other.checks);
        self.drain.add(other.drain);
    }

    fn add(&mut self, record: &SeriesRecord) {
        for (mine, theirs) in [
            (&mut self.ok, &record.ok),
            (&mut self.failed, &record.failed),
            (&mut self.interrupted, &record.interrupted),
        ] {
            if let Some(theirs) = theirs {
                mine.add(theirs);
            }
        }
        self.unsent.add(record.unsent);
        for (mine, theirs) in self.phases.iter_mut().zip(&record.phases) {
            if let Some(theirs) = theirs.as_ref().filter(|d| d.count() > 0) {
                mine.get_or_insert_default().add(theirs);
            }
        }
        for (status, count) in &record.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.failures.iter_mut().zip(record.failures).for_each(|(mine, theirs)| *mine += u64::from(theirs));
        record.texts.iter().for_each(|text| self.add_text(text));
        self.bytes_in += record.bytes_in;
        self.bytes_out += record.bytes_out;
        self.new_connections += record.new_connections;
        self.checks.add(record.checks);
        self.drain.add(record.drain);
    }

    fn add_text(&mut self, new: &FailureCount) {
        let words = |text: &Option<FailureText>| text.as_ref().map(|t| t.message.clone());
        let message = words(&new.text);
        let full = self.texts.len() >= TEXTS_PER_SERIES;
        let same = self.texts.iter_mut().find(|t| t.kind == new.kind && words(&t.text) == message);
        if let Some(known) = same {
            known.count += new.count;
            known.first_us = known.first_us.min(new.first_us);
            known.last_us = known.last_us.max(new.last_us);
            return;
        }
        let text = if full { None } else { new.text.clone() };
        if full && message.is_some() {
            return self.add_text(&FailureCount { text, ..new.clone() });
        }
        let (kind, count) = (new.kind, new.count);
        self.texts.push(FailureTotal { kind, text, count, first_us: new.first_us, last_us: new.last_us });
    }
}

/// Everything a run saw so far.
#[derive(Debug, Clone)]
pub struct Totals {
    /// By row.
    pub series: Vec<SeriesTotal>,
    /// Counts by scenario.
    pub scenarios: Vec<ScenarioCounts>,
    /// How well the generator kept its own time.
    pub pace: Pace,
    /// Requests sent again because their connection had handed them back unsent.
    pub resent: u64,
    /// Requests sent again after an auth refresh.
    pub reauthenticated: u64,
    /// Redirects that were followed.
    pub redirected: u64,
    /// Connections by target; empty before the first second is over.
    pub targets: Vec<TargetCounts>,
}

impl Totals {
    /// Nothing seen yet.
    pub fn new(series: usize, scenarios: usize) -> Self {
        let series = (0..series).map(|_| SeriesTotal::default()).collect();
        let scenarios = vec![ScenarioCounts::default(); scenarios];
        let (pace, targets) = (Pace::default(), vec![]);
        Self { series, scenarios, pace, resent: 0, reauthenticated: 0, redirected: 0, targets }
    }

    /// Adds what one worker saw.
    pub fn add(&mut self, recorder: &Recorder) {
        self.series.iter_mut().zip(recorder.series()).for_each(|(total, record)| total.add(record));
        self.scenarios.iter_mut().zip(&recorder.scenarios).for_each(|(mine, theirs)| mine.add(theirs));
        self.pace.add(recorder.pace());
        self.resent += recorder.resent;
        self.reauthenticated += recorder.reauthenticated;
        self.redirected += recorder.redirected;
        self.targets.resize_with(self.targets.len().max(recorder.targets.len()), TargetCounts::default);
        self.targets.iter_mut().zip(&recorder.targets).for_each(|(mine, theirs)| mine.add(theirs));
    }

    /// Iterations of all scenarios, begun after the warm-up and ended.
    pub fn iterations(&self) -> u64 {
        self.scenarios.iter().map(|counts| counts.iterations).sum()
    }

    /// The rows `which` says, merged into one.
    pub fn merged(&self, which: impl IntoIterator<Item = usize>) -> SeriesTotal {
        let mut whole = SeriesTotal::default();
        which.into_iter().for_each(|index| whole.merge(&self.series[index]));
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Described, Outcome, Sample, SeriesId};
    use super::*;

    #[test]
    fn counts_stay_exact_when_texts_are_capped() {
        let mut totals = Totals::new(1, 1);
        for second in 0..30u64 {
            let mut recorder = Recorder::new(1, 1);
            for i in 0..40u64 {
                recorder.record(&Sample {
                    series: SeriesId(0),
                    outcome: Outcome::Failed(Failure::Expect),
                    status: 200,
                    latency_us: 10,
                    phases: [super::super::ABSENT; Phase::COUNT],
                    bytes_in: 1,
                    bytes_out: 2,
                    new_connection: false,
                    checks: Checks::default(),
                });
                let message = format!("got {}", second * 40 + i);
                let failure =
                    Described { series: SeriesId(0), kind: Failure::Expect, at_us: second, words: &message };
                recorder.describe(failure, || message.clone(), || (String::new(), None));
            }
            totals.add(&recorder);
        }
        let row = &totals.series[0];
        assert_eq!((row.requests(), row.failures(), row.statuses[&200]), (1200, 1200, 1200));
        assert_eq!(row.texts.iter().map(|t| t.count).sum::<u64>(), 1200);
        assert!(row.texts.len() <= TEXTS_PER_SERIES + 1, "{}", row.texts.len());
    }
}
