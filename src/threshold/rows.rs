//! Rows that thresholds look at together: their last seconds, their blocks, their sum so far; each only as far as a
//! threshold needs it. Must not judge.

use std::ops::Range;
use std::rc::Rc;

use crate::metric::{LoadWindow, Phase, Recorder, ScenarioCounts, SeriesTotal, Slice, Window};
use crate::units::covered_s;

use super::blocks::{Block, Blocks};
use super::{Metric, Stat, Threshold};

/// Rows that thresholds look at together.
#[derive(Debug)]
pub(super) struct Rows {
    series: Vec<usize>,
    /// Whose iterations count.
    scenarios: Vec<usize>,
    /// Whose loads make its requests.
    loaded_by: Vec<usize>,
    phases: Vec<Phase>,
    windows: Vec<Windowed>,
    /// By phase, `None` for latency.
    blocks: Vec<(Option<Phase>, Blocks)>,
    /// Where a threshold on the whole run can end it.
    so_far: Option<Slice>,
    whole: Option<Sum>,
}

/// The last seconds.
#[derive(Debug)]
struct Windowed {
    length_s: u32,
    window: Option<Window>,
    sum: Option<Sum>,
}

/// A stretch of the run added up.
#[derive(Debug)]
pub(super) struct Sum {
    pub total: SeriesTotal,
    pub counts: ScenarioCounts,
    pub load_s: f64,
}

/// The phase whose blocks a threshold needs for its interval.
pub(super) fn blocks_for(threshold: &Threshold) -> Option<Option<Phase>> {
    match threshold.metric {
        Metric::Time { phase, stat: Stat::Percentile(_) | Stat::Avg } if !threshold.is_timed() => Some(phase),
        _ => None,
    }
}

impl Rows {
    /// Rows whose requests the loads of the scenarios `loaded_by` make.
    pub(super) fn new(series: Vec<usize>, scenarios: Vec<usize>, loaded_by: Vec<usize>) -> Self {
        Self {
            series,
            scenarios,
            loaded_by,
            phases: vec![],
            windows: vec![],
            blocks: vec![],
            so_far: None,
            whole: None,
        }
    }

    pub(super) fn are(&self, series: &[usize], scenarios: &[usize]) -> bool {
        self.series == series && self.scenarios == scenarios
    }

    /// Keeps what `threshold` needs too. Only before the first second.
    pub(super) fn serve(&mut self, threshold: &Threshold) {
        if let Metric::Time { phase: Some(phase), .. } = threshold.metric
            && !self.phases.contains(&phase)
        {
            self.phases.push(phase);
        }
        if let Some(length_s) = threshold.window_s() {
            if !self.windows.iter().any(|known| known.length_s == length_s) {
                self.windows.push(Windowed { length_s, window: None, sum: None });
            }
        } else if threshold.abort {
            self.so_far.get_or_insert_default();
        }
        if let Some(phase) = blocks_for(threshold)
            && !self.blocks.iter().any(|(known, _)| *known == phase)
        {
            self.blocks.push((phase, Blocks::new()));
        }
    }

    /// An empty second.
    pub(super) fn slice(&self) -> Slice {
        Slice::new(&self.phases)
    }

    /// Adds what one worker saw to a second.
    pub(super) fn record(&self, slice: &mut Slice, recorder: &Recorder) {
        let records = self.series.iter().filter_map(|index| recorder.series().get(*index));
        records.for_each(|record| slice.add_record(record));
        let counts = self.scenarios.iter().filter_map(|index| recorder.scenarios.get(*index));
        counts.for_each(|counts| slice.counts.add(counts));
    }

    /// The loads that make its requests, without their warm-ups, among those of all scenarios.
    pub(super) fn measured<'a>(&'a self, loads: &'a [LoadWindow]) -> impl Iterator<Item = Range<f64>> + 'a {
        self.loaded_by.iter().filter_map(|scenario| loads.get(*scenario)).map(|load| load.measured())
    }

    /// Moves on by the second of this number, unless all of it belongs to a warm-up.
    pub(super) fn push(&mut self, number: u64, second: Slice, length_s: f64, loads: &[LoadWindow]) {
        let end_s = number as f64 + length_s;
        let from_s = self.measured(loads).map(|load| load.start).reduce(f64::min).unwrap_or(0.0);
        if end_s <= from_s {
            return;
        }
        let load_s = covered_s(self.measured(loads), &(0.0..end_s));
        let second = Rc::new(second);
        for (phase, blocks) in &mut self.blocks {
            blocks.push(&block(&second, *phase));
        }
        for held in &mut self.windows {
            let seconds = held.length_s as usize;
            let window = held.window.get_or_insert_with(|| Window::new(seconds, &self.phases));
            let length_s = f64::from(held.length_s);
            held.sum = window.push(&second).map(|slice| Sum::of_window(slice, length_s));
        }
        if let Some(so_far) = &mut self.so_far {
            if self.whole.is_none() {
                *so_far = Slice::new(&self.phases);
            }
            so_far.add(&second);
            self.whole = Some(Sum::of(so_far, load_s));
        }
    }

    /// The last `length_s` seconds; `None` before there are as many.
    pub(super) fn window(&self, length_s: u32) -> Option<&Sum> {
        self.windows.iter().find(|held| held.length_s == length_s)?.sum.as_ref()
    }

    /// Everything so far.
    pub(super) fn whole(&self) -> Option<&Sum> {
        self.whole.as_ref()
    }

    pub(super) fn blocks(&self, phase: Option<Phase>) -> &[Block] {
        self.blocks.iter().find(|(known, _)| *known == phase).map_or(&[], |(_, blocks)| blocks.all())
    }
}

impl Sum {
    fn of(slice: &Slice, load_s: f64) -> Self {
        Self { total: slice.total(), counts: slice.counts, load_s }
    }

    /// The requests of a window are those that ended in it, so that its rate is of those that ended while load was made.
    fn of_window(slice: &Slice, length_s: f64) -> Self {
        let mut sum = Self::of(slice, length_s);
        let drain = &mut sum.total.drain;
        (drain.begun, drain.begun_failed) = (drain.ended, drain.ended_failed);
        sum
    }
}

fn block(second: &Slice, phase: Option<Phase>) -> Block {
    match phase {
        Some(phase) => Block { times: second.phase(phase).cloned().unwrap_or_default(), censored: 0 },
        None => {
            let mut times = second.ok.clone();
            times.add(&second.failed);
            Block { times, censored: second.interrupted.count() }
        }
    }
}
