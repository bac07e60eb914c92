//! What one worker saw in one second. The worker swaps it for an empty one and ships the full one; memory
//! does not depend on the number of requests.

use std::hash::{BuildHasher as _, RandomState};

use crate::failure::Failure;

use super::{
    ABSENT, Checks, Distribution, Outcome, Pace, Phase, Sample, SeriesId, Stall, TargetCounts, Unsent,
};

/// Different failure texts kept for one row and second; counts stay exact beyond it.
const TEXTS_PER_SERIES: usize = 8;

/// A failure's words, with the first request it happened to. Already masked and cut.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FailureText {
    /// What was seen.
    pub message: String,
    /// The request as sent.
    pub request: String,
    /// The response, where there was one.
    pub response: Option<String>,
}

/// Failures with one text.
#[derive(Debug, Clone)]
pub struct FailureCount {
    /// Kind of all of them.
    pub kind: Failure,
    /// Words and first example; `None` once there are too many different ones.
    pub text: Option<FailureText>,
    /// How many.
    pub count: u64,
    /// µs since the start of the first and the last.
    pub first_us: u64,
    /// Last.
    pub last_us: u64,
    /// Fingerprint of the words as they came, before they were masked; never the words themselves.
    pub(super) words: u64,
}

/// Requests that ended after the load of their scenario. They count in no rate: what ended later not in that of a
/// second, what began later not in that of the run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct DrainCounts {
    /// Ended after the load.
    pub ended: u64,
    /// Those of them that failed or were interrupted.
    pub ended_failed: u64,
    /// Begun after the load too.
    pub begun: u64,
    /// Those of them that failed or were interrupted.
    pub begun_failed: u64,
}

impl DrainCounts {
    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.ended += other.ended;
        self.ended_failed += other.ended_failed;
        self.begun += other.begun;
        self.begun_failed += other.begun_failed;
    }

    /// Takes others out again.
    pub fn subtract(&mut self, other: Self) {
        self.ended = self.ended.saturating_sub(other.ended);
        self.ended_failed = self.ended_failed.saturating_sub(other.ended_failed);
        self.begun = self.begun.saturating_sub(other.begun);
        self.begun_failed = self.begun_failed.saturating_sub(other.begun_failed);
    }
}

/// What one row saw.
#[derive(Debug, Default)]
pub struct SeriesRecord {
    /// Latency of requests that ended well.
    pub ok: Option<Box<Distribution>>,
    /// Latency of those that failed.
    pub failed: Option<Box<Distribution>>,
    /// Latency reached by those still running at the end.
    pub interrupted: Option<Box<Distribution>>,
    /// Runs that sent nothing.
    pub unsent: Unsent,
    /// Times by [`Phase`].
    pub phases: [Option<Box<Distribution>>; Phase::COUNT],
    /// Responses by status, in the order they first came.
    pub statuses: Vec<(u16, u64)>,
    /// Failures by kind.
    pub failures: [u32; Failure::COUNT],
    /// Failures by text.
    pub texts: Vec<FailureCount>,
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

impl SeriesRecord {
    fn record(&mut self, sample: &Sample) {
        let latency = match sample.outcome {
            Outcome::Ok => &mut self.ok,
            Outcome::Failed(kind) => {
                self.failures[kind as usize] += 1;
                &mut self.failed
            }
            Outcome::Interrupted => &mut self.interrupted,
        };
        latency.get_or_insert_default().record(u64::from(sample.latency_us));
        for (slot, us) in self.phases.iter_mut().zip(sample.phases) {
            if us != ABSENT {
                slot.get_or_insert_default().record(u64::from(us));
            }
        }
        if sample.status != 0 {
            match self.statuses.iter_mut().find(|(status, _)| *status == sample.status) {
                Some((_, count)) => *count += 1,
                None => self.statuses.push((sample.status, 1)),
            }
        }
        self.bytes_in += sample.bytes_in;
        self.bytes_out += sample.bytes_out;
        self.new_connections += u64::from(sample.new_connection);
        self.checks.add(sample.checks);
    }

    fn record_unsent(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Ok => &mut self.unsent.ok,
            Outcome::Failed(kind) => {
                self.failures[kind as usize] += 1;
                &mut self.unsent.failed
            }
            Outcome::Interrupted => &mut self.unsent.interrupted,
        };
        *count += 1;
    }

    fn clear(&mut self) {
        self.unsent = Unsent::default();
        let latencies = [&mut self.ok, &mut self.failed, &mut self.interrupted];
        for distribution in latencies.into_iter().chain(&mut self.phases).flatten() {
            distribution.clear();
        }
        self.statuses.clear();
        self.failures = [0; Failure::COUNT];
        self.texts.clear();
        (self.bytes_in, self.bytes_out, self.new_connections) = (0, 0, 0);
        self.checks = Checks::default();
        self.drain = DrainCounts::default();
    }
}

/// Arrivals of an open load: `due = started + dropped + not_started` once all have been dealt with.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ArrivalCounts {
    /// The plan's moment for them has come.
    pub due: u64,
    /// A user began their iteration.
    pub started: u64,
    /// Given up, because all users were busy.
    pub dropped: u64,
    /// Still waiting for a user when the run ended, or without a row of data.
    pub not_started: u64,
    /// Of these, those that came when the data of `on_end: stop` was used up.
    pub without_rows: u64,
}

impl ArrivalCounts {
    /// Counts those that wait for a user as not started, so that the sum holds while the run goes on.
    fn settle(&mut self) {
        self.not_started = self.due.saturating_sub(self.started + self.dropped);
    }

    /// Takes those of a second out again.
    fn subtract(&mut self, other: &Self) {
        self.due = self.due.saturating_sub(other.due);
        self.started = self.started.saturating_sub(other.started);
        self.dropped = self.dropped.saturating_sub(other.dropped);
        self.not_started = self.not_started.saturating_sub(other.not_started);
        self.without_rows = self.without_rows.saturating_sub(other.without_rows);
    }

    /// Adds those of another worker or second.
    pub fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.started += other.started;
        self.dropped += other.dropped;
        self.not_started += other.not_started;
        self.without_rows += other.without_rows;
    }
}

/// What is counted by scenario.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ScenarioCounts {
    /// Iterations begun after the warm-up and ended.
    pub iterations: u64,
    /// Arrivals due after the warm-up.
    pub arrivals: ArrivalCounts,
    /// Arrivals due in the warm-up.
    pub warmup_arrivals: ArrivalCounts,
}

impl ScenarioCounts {
    /// The counts as they would be if the run ended now.
    pub fn settle(&mut self) {
        self.arrivals.settle();
        self.warmup_arrivals.settle();
    }

    /// Takes those of a second out again.
    pub fn subtract(&mut self, other: &Self) {
        self.iterations = self.iterations.saturating_sub(other.iterations);
        self.arrivals.subtract(&other.arrivals);
        self.warmup_arrivals.subtract(&other.warmup_arrivals);
    }

    /// Adds those of another worker or second.
    pub fn add(&mut self, other: &Self) {
        self.iterations += other.iterations;
        self.arrivals.add(&other.arrivals);
        self.warmup_arrivals.add(&other.warmup_arrivals);
    }
}

/// A failure already recorded whose words are to be added.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// Its row.
    pub series: SeriesId,
    /// Its kind.
    pub kind: Failure,
    /// µs since the start of the load.
    pub at_us: u64,
    /// What was seen, not masked: it is only compared, never kept.
    pub words: &'a str,
}

/// What one worker saw in one second.
#[derive(Debug)]
pub struct Recorder {
    series: Box<[SeriesRecord]>,
    fingerprints: RandomState,
    /// Counts by scenario.
    pub scenarios: Box<[ScenarioCounts]>,
    pace: Pace,
    /// Requests sent again because their connection had handed them back unsent.
    pub resent: u64,
    /// Requests sent again after an auth refresh.
    pub reauthenticated: u64,
    /// Redirects that were followed.
    pub redirected: u64,
    /// Connections by target, put there when the recorder is shipped.
    pub targets: Vec<TargetCounts>,
}

impl Recorder {
    /// An empty one with as many rows and scenarios.
    pub fn new(series: usize, scenarios: usize) -> Self {
        let series = (0..series).map(|_| SeriesRecord::default()).collect();
        let scenarios = vec![ScenarioCounts::default(); scenarios].into();
        let (fingerprints, pace) = (RandomState::new(), Pace::default());
        let targets = vec![];
        Self { series, scenarios, fingerprints, pace, resent: 0, reauthenticated: 0, redirected: 0, targets }
    }

    /// Adds a request. Allocates only on a row's first.
    pub fn record(&mut self, sample: &Sample) {
        self.series[sample.series.0 as usize].record(sample);
    }

    /// Adds a run of a flow or group that sent no request, and so has no latency.
    pub fn record_unsent(&mut self, series: SeriesId, outcome: Outcome) {
        self.series[series.0 as usize].record_unsent(outcome);
    }

    /// Notes of a request that was recorded that it ended after the load of its scenario, and whether it began then too.
    pub fn note_drain(&mut self, sample: &Sample, has_begun_in_it: bool) {
        let failed = u64::from(sample.outcome != Outcome::Ok);
        let begun = u64::from(has_begun_in_it);
        let counts = DrainCounts { ended: 1, ended_failed: failed, begun, begun_failed: begun * failed };
        self.series[sample.series.0 as usize].drain.add(counts);
    }

    /// Adds how late an arrival was released, µs.
    pub fn record_pacing(&mut self, us: u64) {
        self.pace.pacing.record(us);
    }

    /// Adds how late a pause ended, µs.
    pub fn record_end_of_pause(&mut self, us: u64) {
        self.pace.pacing.record(us);
        self.pace.pauses += 1;
    }

    /// Adds how late a heartbeat of the worker was, µs.
    pub fn record_lag(&mut self, us: u64) {
        self.pace.lag.record(us);
    }

    /// Adds a time in which the worker stood still.
    pub fn record_stall(&mut self, stall: Stall) {
        self.pace.stalls.push(stall);
    }

    /// Adds the time that a target took from others by sending without a pause, µs.
    pub fn record_flood(&mut self, target: usize, us: u64) {
        self.pace.add_flood(target, us);
    }

    /// Forgets how late the worker was: a second of the warm-up.
    pub fn forget_lateness(&mut self) {
        self.pace.clear();
    }

    /// How well the worker kept its own time.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Adds the words of a failure already recorded. `message`, the words masked and cut, is asked for only
    /// when these words are new, and `example` only when it will be kept: most failures are like the one before.
    pub fn describe(
        &mut self,
        failure: Described<'_>,
        message: impl FnOnce() -> String,
        example: impl FnOnce() -> (String, Option<String>),
    ) {
        let Described { series, kind, at_us, words } = failure;
        let words = self.fingerprints.hash_one((kind, words));
        let texts = &mut self.series[series.0 as usize].texts;
        let again = |entry: &mut FailureCount| {
            entry.count += 1;
            entry.last_us = at_us;
        };
        if let Some(known) = texts.iter_mut().find(|t| t.text.is_some() && t.words == words) {
            return again(known);
        }
        let new = |text| FailureCount { kind, text, count: 1, first_us: at_us, last_us: at_us, words };
        if texts.iter().filter(|t| t.text.is_some()).count() >= TEXTS_PER_SERIES {
            // Full: what they would look like is of no use any more.
            match texts.iter_mut().find(|t| t.kind == kind && t.text.is_none()) {
                Some(rest) => again(rest),
                None => texts.push(new(None)),
            }
            return;
        }
        let message = message();
        let same = |t: &&mut FailureCount| t.text.as_ref().is_some_and(|text| text.message == message);
        match texts.iter_mut().filter(|t| t.kind == kind).find(same) {
            Some(known) => again(known),
            None => {
                let (request, response) = example();
                texts.push(new(Some(FailureText { message, request, response })));
            }
        }
    }

    /// The rows.
    pub fn series(&self) -> &[SeriesRecord] {
        &self.series
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.series.iter_mut().for_each(SeriesRecord::clear);
        self.scenarios.fill(ScenarioCounts::default());
        self.pace.clear();
        (self.resent, self.reauthenticated, self.redirected) = (0, 0, 0);
        self.targets.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Adds failures with these words, which `mask` makes presentable; how often it was asked to.
    fn describe(recorder: &mut Recorder, words: &[&str], mask: impl Fn(&str) -> String) -> usize {
        let masked = Cell::new(0);
        for (at_us, words) in (0..).zip(words) {
            let failure = Described { series: SeriesId(0), kind: Failure::Expect, at_us, words };
            let message = || {
                masked.set(masked.get() + 1);
                mask(words)
            };
            recorder.describe(failure, message, || (String::new(), None));
        }
        masked.get()
    }

    fn counts(recorder: &Recorder) -> Vec<(Option<&str>, u64)> {
        let texts = recorder.series()[0].texts.iter();
        texts.map(|t| (t.text.as_ref().map(|text| &*text.message), t.count)).collect()
    }

    #[test]
    fn words_that_are_known_are_not_masked_again() {
        let mut recorder = Recorder::new(1, 1);
        assert_eq!(describe(&mut recorder, &["a"; 1000], str::to_owned), 1);
        assert_eq!(describe(&mut recorder, &["b", "a", "b"], str::to_owned), 1);
        assert_eq!(counts(&recorder), [(Some("a"), 1001), (Some("b"), 2)]);
        recorder.clear();
        assert_eq!(describe(&mut recorder, &["a"], str::to_owned), 1, "a new second knows nothing");
    }

    #[test]
    fn words_that_differ_in_what_is_hidden_are_one_text() {
        let mut recorder = Recorder::new(1, 1);
        describe(&mut recorder, &["got token-1", "got token-2", "got token-1"], |_| "got ***".into());
        assert_eq!(counts(&recorder), [(Some("got ***"), 3)]);
    }

    #[test]
    fn nothing_is_masked_for_nothing_when_there_are_too_many_texts() {
        let mut recorder = Recorder::new(1, 1);
        let words: Vec<_> = (0..100).map(|n| format!("got {n}")).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        assert_eq!(describe(&mut recorder, &words, str::to_owned), TEXTS_PER_SERIES);
        assert_eq!(describe(&mut recorder, &words[..TEXTS_PER_SERIES], str::to_owned), 0);
        let all = counts(&recorder);
        assert_eq!(all.len(), TEXTS_PER_SERIES + 1);
        assert_eq!(all.iter().map(|(_, count)| count).sum::<u64>(), 100 + TEXTS_PER_SERIES as u64);
    }

    #[test]
    fn the_words_themselves_are_not_kept() {
        let mut recorder = Recorder::new(1, 1);
        describe(&mut recorder, &["got s3cret"], |_| "got ***".into());
        assert!(!format!("{recorder:?}").contains("s3cret"));
    }
}
