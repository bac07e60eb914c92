//! Thresholds while a run goes on: merged second by second, evaluated on windows, broken or not. Memory is the last
//! seconds of the rows that windows need, and at most 40 blocks of those that need an interval; nothing is kept by
//! request. Must not know plans; it is given rows.

use std::collections::BTreeMap;

use crate::metric::{LoadWindow, Recorder, Slice};
use crate::units::covers;

use super::rows::{Rows, Sum, blocks_for};
use super::timed::{Span, Timed};
use super::{Evaluation, Metric, Standing, Stat, Threshold, View, interval};

/// A threshold and the rows it is about.
#[derive(Debug)]
pub struct Watched<'a> {
    /// The threshold.
    pub threshold: &'a Threshold,
    /// Indices of the rows.
    pub series: Vec<usize>,
    /// Indices of the scenarios whose iterations count.
    pub scenarios: Vec<usize>,
    /// Indices of the scenarios whose loads make its requests.
    pub loaded_by: Vec<usize>,
}

/// A threshold with `abort` that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// Its index.
    pub threshold: usize,
    /// End of the second it broke in, from the start of the load.
    pub at_s: u64,
}

/// What was found out about a threshold while the run went on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Finding {
    /// How it stands, when that is not told from the whole run: by its windows, or as it was when it ended the run.
    pub evaluation: Option<Evaluation>,
    /// The windows that decide.
    pub worst: Option<Span>,
    /// The 95 % interval of the whole run's value, in the metric's unit.
    pub interval: Option<[f64; 2]>,
}

/// All thresholds of a run.
#[derive(Debug)]
pub struct Watch {
    tolerance: Option<f64>,
    rules: Vec<Rule>,
    rows: Vec<Rows>,
    /// Seconds not closed yet, by entry of `rows`.
    open: BTreeMap<u64, Vec<Slice>>,
    /// The second to close next; none before the first.
    next: Option<u64>,
    /// Until then users were held: what falls with the load says nothing about the target.
    held_until_s: f64,
    aborted: bool,
}

/// One threshold.
#[derive(Debug)]
struct Rule {
    threshold: Threshold,
    /// What it looks at; `None` when the whole run says it all.
    rows: Option<usize>,
    timed: Option<Timed>,
    /// How it stood when it ended the run.
    at_abort: Option<Evaluation>,
}

/// One second that is over.
#[derive(Clone, Copy)]
struct Second<'a> {
    number: u64,
    length_s: f64,
    is_ending: bool,
    held_until_s: f64,
    /// By scenario.
    loads: &'a [LoadWindow],
}

impl Second<'_> {
    fn end_s(self) -> f64 {
        self.number as f64 + self.length_s
    }
}

impl Watch {
    /// Watches `thresholds`; what is said later about one is said by its index here. `tolerance`: see
    /// [`Threshold::evaluate`].
    pub fn new<'a>(thresholds: impl IntoIterator<Item = Watched<'a>>, tolerance: Option<f64>) -> Self {
        let mut watch = Self {
            tolerance,
            rules: vec![],
            rows: vec![],
            open: BTreeMap::new(),
            next: None,
            held_until_s: 0.0,
            aborted: false,
        };
        for Watched { threshold, series, scenarios, loaded_by } in thresholds {
            let looks = threshold.is_timed() || threshold.abort || blocks_for(threshold).is_some();
            let rows = looks.then(|| watch.rows_of(series, scenarios, loaded_by));
            if let Some(rows) = rows {
                watch.rows[rows].serve(threshold);
            }
            let timed = threshold.is_timed().then(|| Timed::new(threshold));
            watch.rules.push(Rule { threshold: threshold.clone(), rows, timed, at_abort: None });
        }
        watch
    }

    fn rows_of(&mut self, series: Vec<usize>, scenarios: Vec<usize>, loaded_by: Vec<usize>) -> usize {
        let known = self.rows.iter().position(|rows| rows.are(&series, &scenarios));
        known.unwrap_or_else(|| {
            self.rows.push(Rows::new(series, scenarios, loaded_by));
            self.rows.len() - 1
        })
    }

    /// Adds what one worker saw in one second. What comes late for a closed second counts in the next.
    pub fn add(&mut self, second: u64, recorder: &Recorder) {
        if self.rows.is_empty() {
            return;
        }
        let second = self.next.map_or(second, |next| second.max(next));
        let empty = || self.rows.iter().map(Rows::slice).collect();
        let slices = self.open.entry(second).or_insert_with(empty);
        self.rows.iter().zip(slices).for_each(|(rows, slice)| rows.record(slice, recorder));
    }

    /// Users were held in a second that is to be closed: no window with it is judged by what falls with the load, and
    /// the whole run no more before its end.
    pub fn hold(&mut self, second: u64) {
        self.held_until_s = second as f64 + 1.0;
    }

    /// Ends a second, and those before it that nobody saw anything in. `length_s`: the part of the second that
    /// belongs to the run; `is_ending`: whether users were asked to end in it or before; `loads`: when each scenario makes
    /// its load. Says once which threshold asks for the run to end.
    pub fn close(
        &mut self,
        second: u64,
        length_s: f64,
        is_ending: bool,
        loads: &[LoadWindow],
    ) -> Option<Broken> {
        let mut broken = None;
        for number in self.next.unwrap_or(second)..=second {
            let length_s = if number == second { length_s } else { 1.0 };
            let held_until_s = self.held_until_s;
            let found = self.step(Second { number, length_s, is_ending, held_until_s, loads });
            broken = broken.or(found);
        }
        self.next = Some(second + 1);
        broken
    }

    fn step(&mut self, second: Second<'_>) -> Option<Broken> {
        let mut slices = self.open.remove(&second.number).unwrap_or_default().into_iter();
        for rows in &mut self.rows {
            let slice = slices.next().unwrap_or_else(|| rows.slice());
            rows.push(second.number, slice, second.length_s, second.loads);
        }
        let mut first = None;
        for (index, rule) in self.rules.iter_mut().enumerate() {
            let Some(rows) = rule.rows else { continue };
            if rule.step(second, &self.rows[rows], self.tolerance) && !self.aborted {
                first = first.or(Some(index));
            }
        }
        let threshold = first?;
        self.aborted = true;
        self.rules[threshold].keep_as_it_is(&self.rows, self.tolerance);
        Some(Broken { threshold, at_s: second.number + 1 })
    }

    /// How a threshold stands by its windows, or stood when it ended the run; `None` when the whole run says it.
    pub fn standing(&self, threshold: usize) -> Option<Evaluation> {
        let rule = self.rules.get(threshold)?;
        rule.timed.as_ref().map(|timed| timed.worst().1).or_else(|| rule.at_abort.clone())
    }

    /// What was found out about each threshold.
    pub fn findings(&self) -> Vec<Finding> {
        self.rules.iter().map(|rule| rule.finding(&self.rows)).collect()
    }
}

impl Threshold {
    /// Seconds of its windows; `None` when it is about the whole run.
    pub(super) fn window_s(&self) -> Option<u32> {
        self.is_timed().then(|| self.over_s.unwrap_or(1).max(1))
    }
}

impl Sum {
    fn view(&self) -> View<'_> {
        View { total: &self.total, counts: self.counts, load_s: self.load_s }
    }
}

impl Rule {
    /// Evaluates the second that is over; whether the run must end.
    fn step(&mut self, second: Second<'_>, rows: &Rows, tolerance: Option<f64>) -> bool {
        let from_s = self.threshold.window_s().map_or(0.0, |s| second.number as f64 + 1.0 - f64::from(s));
        if self.threshold.metric.follows_load() && !self.is_loaded(second, rows, from_s) {
            return false;
        }
        let broken = match (&mut self.timed, self.threshold.window_s()) {
            (Some(timed), Some(window_s)) => {
                let Some(sum) = rows.window(window_s) else { return false };
                let span = Span { from_s, to_s: second.end_s() };
                timed.push(span, self.threshold.evaluate(sum.view(), tolerance))
            }
            _ if self.threshold.abort => rows.whole().is_some_and(|sum| {
                self.threshold.evaluate(sum.view(), tolerance).standing == Standing::Missed
            }),
            _ => false,
        };
        broken && self.threshold.abort
    }

    /// Whether the load went on, measured, all the time from `from_s` to the end of a whole second.
    fn is_loaded(&self, second: Second<'_>, rows: &Rows, from_s: f64) -> bool {
        // What is about the whole run is judged by its sum so far; its last second must be one of the load.
        let loaded_from_s = if self.threshold.window_s().is_some() { from_s } else { second.number as f64 };
        from_s >= second.held_until_s
            && second.length_s >= 1.0
            && !second.is_ending
            && covers(rows.measured(second.loads), &(loaded_from_s..second.end_s()))
    }

    /// It ends the run: what comes after that does not mend it. Windows remember their worst by themselves.
    fn keep_as_it_is(&mut self, rows: &[Rows], tolerance: Option<f64>) {
        if self.timed.is_none() {
            let whole = self.rows.and_then(|rows_of| rows[rows_of].whole());
            self.at_abort = whole.map(|sum| self.threshold.evaluate(sum.view(), tolerance));
        }
    }

    fn finding(&self, rows: &[Rows]) -> Finding {
        if let Some(timed) = &self.timed {
            let (worst, evaluation) = timed.worst();
            return Finding { evaluation: Some(evaluation), worst, interval: None };
        }
        if self.at_abort.is_some() {
            return Finding { evaluation: self.at_abort.clone(), ..Finding::default() };
        }
        Finding { interval: self.rows.and_then(|index| self.interval(&rows[index])), ..Finding::default() }
    }

    fn interval(&self, rows: &Rows) -> Option<[f64; 2]> {
        let blocks = rows.blocks(blocks_for(&self.threshold)?);
        let us = match self.threshold.metric {
            Metric::Time { stat: Stat::Percentile(q), .. } => interval::percentile(blocks, q),
            Metric::Time { stat: Stat::Avg, .. } => interval::mean(blocks),
            _ => None,
        };
        us.map(|limits| limits.map(|us| us / 1e6))
    }
}

#[cfg(test)]
mod tests;
