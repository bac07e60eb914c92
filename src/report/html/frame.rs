//! What all charts over time share: the axis, the moments marked on it, the seconds shaded. Must not contain markup.

use super::plot::{self, BOTTOM, HEIGHT, Moment, Shade, TOP, Tick};
use super::points;
use super::ticks;
use crate::report::model::{Interval, MarkKind, ResultDocument};
use crate::report::number::moment;
use crate::report::text::clean;

/// Most stages marked; with more, none are: they would hide the lines.
const MOST_STAGES: usize = 24;
/// Stretches the time is cut into to find those to shade.
const STRETCHES: u64 = 300;
/// Width of a character of a tag.
const CHARACTER: f64 = 6.4;

/// The time axis of a run.
pub(super) struct Frame {
    last_s: f64,
    pub shades: Vec<Shade>,
    pub moments: Vec<Moment>,
}

impl Frame {
    pub(super) fn new(doc: &ResultDocument) -> Self {
        Self::of(doc, load_end_s(doc, |_| true))
    }

    /// The same for the charts of one scenario's rows, whose drain begins when that scenario's load ends.
    pub(super) fn of_scenario(doc: &ResultDocument, scenario: &str) -> Self {
        Self::of(doc, load_end_s(doc, |name| name == scenario))
    }

    fn of(doc: &ResultDocument, load_end_s: Option<f64>) -> Self {
        let mut frame =
            Self { last_s: points::last_s(&doc.timeline).max(1.0), shades: vec![], moments: vec![] };
        let warm = frame.shade("warm", "warm-up", &[(0.0, measured_from_s(doc))]);
        let drain = frame.drain(load_end_s);
        let invalid = frame.shade("invalid", "generator invalid", &invalid(&doc.timeline));
        frame.shades = [warm, drain, invalid].into_iter().flatten().collect();
        frame.moments = frame.moments(doc);
        frame
    }

    /// The axis of two runs over each other, from the start of the load on; the moments and the warm-up of the new one.
    pub(super) fn both(base: &ResultDocument, new: &ResultDocument) -> Self {
        let last_s = [base, new].map(|doc| points::last_s(&doc.timeline)).into_iter().fold(1.0, f64::max);
        let mut frame = Self { last_s, shades: vec![], moments: vec![] };
        let ends = [base, new].into_iter().filter_map(|doc| load_end_s(doc, |_| true));
        let warm = frame.shade("warm", "warm-up", &[(0.0, measured_from_s(new))]);
        frame.shades = warm.into_iter().chain(frame.drain(ends.reduce(f64::min))).collect();
        frame.moments = frame.moments(new);
        frame
    }

    /// What only ran on after the load: its latencies are those of what was slow.
    fn drain(&self, load_end_s: Option<f64>) -> Option<Shade> {
        self.shade("drain", "drain, after the load", &[(load_end_s?, self.last_s)])
    }

    pub(super) fn place(&self, s: f64) -> f64 {
        plot::across((s / self.last_s).clamp(0.0, 1.0))
    }

    pub(super) fn ticks(&self) -> Vec<Tick> {
        ticks::times(self.last_s).into_iter().map(|(s, label)| Tick { at: self.place(s), label }).collect()
    }

    fn shade(&self, class: &'static str, label: &'static str, spans: &[(f64, f64)]) -> Option<Shade> {
        let below = HEIGHT - BOTTOM - TOP;
        let rectangle = |(from_s, to_s): &(f64, f64)| {
            let (from, to) = (self.place(*from_s), self.place(*to_s));
            // What is there can be seen, however long the run.
            let width = ((to - from).max(1.5) * 10.0).round() / 10.0;
            format!("M{from} {TOP}h{width}v{below}h-{width}z")
        };
        let d: String = spans.iter().filter(|(from, to)| from < to).map(rectangle).collect();
        (!d.is_empty()).then(|| Shade { class, label, d, spans: spans.to_vec() })
    }

    fn moments(&self, doc: &ResultDocument) -> Vec<Moment> {
        let count = |kind| doc.run.marks.iter().filter(|mark| mark.kind == kind).count();
        let crowded = [MarkKind::Stage, MarkKind::ByHand].map(|kind| (kind, count(kind) > MOST_STAGES));
        let shown = doc.run.marks.iter().filter(|mark| mark.at_s.is_finite() && mark.at_s <= self.last_s);
        let mut free_from = f64::MIN;
        let of = |mark: &crate::report::model::Mark| {
            let (x, words) = (self.place(mark.at_s), clean(&mark.label));
            let room = words.chars().count() as f64 * CHARACTER;
            let fits = x - room / 2.0 > free_from;
            if fits {
                free_from = x + room / 2.0 + CHARACTER;
            }
            Moment {
                class: if mark.kind == MarkKind::Abort { "abort" } else { "" },
                at_s: mark.at_s,
                x,
                label: format!("{}: {words}", moment(mark.at_s)),
                tag: if fits { words } else { String::new() },
            }
        };
        shown.filter(|mark| !crowded.contains(&(mark.kind, true))).map(of).collect()
    }
}

/// When the last load of the scenarios that `is_one` names ended; `None` where the result does not say.
fn load_end_s(doc: &ResultDocument, is_one: impl Fn(&str) -> bool) -> Option<f64> {
    let loads = doc.run.loads.iter().filter(|load| is_one(&load.scenario));
    loads.map(|load| load.to_s).reduce(f64::max).filter(|end_s| end_s.is_finite())
}

/// Seconds at the start that no total and no threshold counts.
pub(super) fn measured_from_s(doc: &ResultDocument) -> f64 {
    let ends = doc.run.marks.iter().filter(|mark| mark.kind == MarkKind::WarmupEnd).map(|mark| mark.at_s);
    ends.reduce(f64::min).unwrap_or(0.0)
}

/// The stretches of `timeline` with a second in them that a reason to doubt the run falls into.
fn invalid(timeline: &[Interval]) -> Vec<(f64, f64)> {
    let size = timeline.iter().map(|i| i.at_s).max().unwrap_or(0).div_ceil(STRETCHES).max(1);
    let mut spans: Vec<(f64, f64)> = vec![];
    for second in timeline.iter().filter(|i| i.invalid) {
        let stretch = second.at_s.saturating_sub(1) / size * size;
        let (from, to) = (stretch as f64, stretch.saturating_add(size) as f64);
        match spans.last_mut() {
            Some(last) if last.1 >= from => last.1 = last.1.max(to),
            _ => spans.push((from, to)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::model::ScenarioLoad;

    #[test]
    fn what_runs_after_the_load_is_shaded() {
        let load = |scenario: &str, to_s| ScenarioLoad {
            scenario: scenario.into(),
            from_s: 0.0,
            measured_from_s: 0.0,
            to_s,
        };
        let mut doc = ResultDocument { timeline: fixture::timeline(20), ..fixture::failing() };
        doc.run.marks.clear();
        let spans = |frame: &Frame| -> Vec<_> {
            frame.shades.iter().filter(|s| s.class == "drain").flat_map(|s| s.spans.clone()).collect()
        };
        assert!(spans(&Frame::new(&doc)).is_empty(), "an older result does not say");
        doc.run.loads = vec![load("a", 12.0), load("b", 15.5)];
        assert_eq!(spans(&Frame::new(&doc)), [(15.5, 20.0)]);
        assert_eq!(spans(&Frame::of_scenario(&doc, "a")), [(12.0, 20.0)]);
        assert_eq!(spans(&Frame::both(&doc, &doc)), [(15.5, 20.0)]);
        doc.run.loads = vec![load("a", 20.0)];
        assert!(spans(&Frame::new(&doc)).is_empty());
    }

    #[test]
    fn seconds_in_a_row_are_one_stretch() {
        let second = |at_s, invalid| Interval { at_s, invalid, ..Interval::default() };
        let timeline: Vec<_> = (1..=10).map(|s| second(s, matches!(s, 3 | 4 | 8))).collect();
        assert_eq!(invalid(&timeline), [(2.0, 4.0), (7.0, 8.0)]);
        let long: Vec<_> = (1..=86_400).map(|s| second(s, s % 2 == 0)).collect();
        assert!(invalid(&long).len() <= STRETCHES as usize);
    }
}
