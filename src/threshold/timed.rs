//! A threshold on windows: which of them decides. Pure bookkeeping over evaluations; must not know samples.

use std::collections::VecDeque;

use super::{Evaluation, Op, Standing, Threshold};

/// A stretch of the run in seconds since the start of the load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Start.
    pub from_s: f64,
    /// End.
    pub to_s: f64,
}

/// How a threshold with `over` or `for` stands so far.
///
/// It is broken when `for` windows in a row are broken (one without `for`). So of each such streak the mildest window
/// decides, and of all streaks the worst. A window with too few samples is passed over: it neither breaks a streak nor
/// adds to it.
#[derive(Debug)]
pub(super) struct Timed {
    op: Op,
    target: f64,
    needed: u64,
    over_s: Option<u32>,
    for_s: Option<u32>,
    /// The last windows that had enough samples, as many as make a streak.
    streak: VecDeque<(Span, Evaluation)>,
    worst: Option<(Span, Evaluation)>,
    most_samples: u64,
}

impl Timed {
    pub(super) fn new(threshold: &Threshold) -> Self {
        let &Threshold { op, over_s, for_s, .. } = threshold;
        // Without one no window has data.
        let target = threshold.limit().unwrap_or_default();
        let needed = threshold.needed();
        Self { op, target, needed, over_s, for_s, streak: VecDeque::new(), worst: None, most_samples: 0 }
    }

    /// Adds the next window; whether it is now broken.
    pub(super) fn push(&mut self, span: Span, evaluation: Evaluation) -> bool {
        self.most_samples = self.most_samples.max(evaluation.samples);
        if evaluation.standing == Standing::NoData {
            return false;
        }
        let length = self.for_s.map_or(1, |seconds| seconds.max(1) as usize);
        self.streak.push_back((span, evaluation));
        if self.streak.len() > length {
            self.streak.pop_front();
        }
        if self.streak.len() < length {
            return false;
        }
        let by_badness = |a: &&(Span, Evaluation), b: &&(Span, Evaluation)| {
            let [a, b] = [a, b].map(|(_, evaluation)| self.badness(evaluation));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        };
        let mildest = self.streak.iter().min_by(by_badness);
        let (Some((first, _)), Some((last, _)), Some((_, mildest))) =
            (self.streak.front(), self.streak.back(), mildest)
        else {
            return false;
        };
        let streak = (Span { from_s: first.from_s, to_s: last.to_s }, mildest.clone());
        let is_broken = streak.1.standing == Standing::Missed;
        if self.worst.as_ref().is_none_or(|worst| by_badness(&&streak, &worst).is_gt()) {
            self.worst = Some(streak);
        }
        is_broken
    }

    /// The streak of windows that decides, and what was seen in it.
    pub(super) fn worst(&self) -> (Option<Span>, Evaluation) {
        match &self.worst {
            Some((span, evaluation)) => (Some(*span), evaluation.clone()),
            None => {
                let (samples, note) = (self.most_samples, Some(self.words_for_no_data()));
                (None, Evaluation { observed: None, standing: Standing::NoData, samples, note })
            }
        }
    }

    /// Ascending from good to bad.
    fn badness(&self, evaluation: &Evaluation) -> (u8, f64) {
        let rank = match evaluation.standing {
            Standing::NoData | Standing::Met => 0,
            Standing::Near => 1,
            Standing::Missed => 2,
        };
        let observed = evaluation.observed.unwrap_or(self.target);
        let far = match self.op {
            Op::Less | Op::LessOrEqual => observed,
            Op::Greater | Op::GreaterOrEqual => -observed,
            Op::Equal => (observed - self.target).abs(),
        };
        (rank, far)
    }

    fn words_for_no_data(&self) -> String {
        let samples = match self.needed {
            0 => "a full window".to_owned(),
            1 => "1 sample".to_owned(),
            n => format!("{n} samples"),
        };
        match (self.over_s, self.for_s) {
            (Some(over), Some(times)) => format!("needs {samples} in each of {times} windows of {over} s"),
            (Some(over), None) => format!("needs {samples} in a window of {over} s"),
            (None, Some(1) | None) => format!("needs {samples} in a second"),
            (None, Some(times)) => format!("needs {samples} in each of {times} seconds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn evaluation(observed: f64, target: f64, op: Op) -> Evaluation {
        let holds = op.holds(observed, target);
        let near = op.is_upper_bound() && op.holds(observed, target * 2.0);
        let standing = match (holds, near) {
            (true, _) => Standing::Met,
            (false, true) => Standing::Near,
            (false, false) => Standing::Missed,
        };
        Evaluation { observed: Some(observed), standing, samples: 100, note: None }
    }

    /// Pushes one window a second, `None` for one without enough samples. When it first broke, and what decides.
    fn run(
        text: &str,
        for_s: Option<u32>,
        windows: &[Option<f64>],
    ) -> (Option<usize>, Option<Span>, Evaluation) {
        let threshold = Threshold { for_s, ..parse(text).unwrap() };
        let mut timed = Timed::new(&threshold);
        let mut broken_at = None;
        for (second, observed) in windows.iter().enumerate() {
            let span = Span { from_s: second as f64, to_s: second as f64 + 1.0 };
            let evaluation = match observed {
                Some(observed) => evaluation(*observed, threshold.limit().unwrap(), threshold.op),
                None => Evaluation { observed: None, standing: Standing::NoData, samples: 3, note: None },
            };
            if timed.push(span, evaluation) {
                broken_at.get_or_insert(second);
            }
        }
        let (span, evaluation) = timed.worst();
        (broken_at, span, evaluation)
    }

    fn span(from_s: f64, to_s: f64) -> Option<Span> {
        Some(Span { from_s, to_s })
    }

    #[test]
    fn the_worst_window_decides() {
        type Case = (&'static str, &'static [Option<f64>], Option<usize>, Option<Span>, Standing, f64);
        let cases: [Case; 6] = [
            ("p50 < 1s", &[Some(0.1), Some(0.4), Some(0.2)], None, span(1.0, 2.0), Standing::Met, 0.4),
            ("p50 < 1s", &[Some(0.1), Some(1.5), Some(0.2)], None, span(1.0, 2.0), Standing::Near, 1.5),
            ("p50 < 1s", &[Some(3.0), Some(2.5), Some(3.0)], Some(0), span(0.0, 1.0), Standing::Missed, 3.0),
            ("rps > 10/s", &[Some(20.0), None, Some(12.0)], None, span(2.0, 3.0), Standing::Met, 12.0),
            ("rps > 10/s", &[Some(20.0), Some(9.0)], Some(1), span(1.0, 2.0), Standing::Missed, 9.0),
            (
                "errors == 0",
                &[Some(0.0), Some(0.2), Some(0.1)],
                Some(1),
                span(1.0, 2.0),
                Standing::Missed,
                0.2,
            ),
        ];
        for (text, windows, broken_at, worst, standing, observed) in cases {
            let (broke, where_, seen) = run(text, None, windows);
            assert_eq!((broke, where_, seen.standing), (broken_at, worst, standing), "{text} {windows:?}");
            assert_eq!(seen.observed, Some(observed), "{text} {windows:?}");
        }
    }

    #[test]
    fn with_for_a_whole_streak_must_be_broken() {
        let (bad, good) = (Some(5.0), Some(0.5));
        type Case<'a> = (u32, &'a [Option<f64>], Option<usize>, Option<Span>, Standing, Option<f64>);
        let cases: [Case<'_>; 7] = [
            (3, &[bad, bad, bad, good], Some(2), span(0.0, 3.0), Standing::Missed, Some(5.0)),
            (3, &[good, bad, bad, good, bad], None, span(0.0, 3.0), Standing::Met, Some(0.5)),
            // The mildest of the streak is what was seen all the time.
            (3, &[good, bad, Some(3.0), Some(9.0)], Some(3), span(1.0, 4.0), Standing::Missed, Some(3.0)),
            (3, &[bad, Some(1.5), bad], None, span(0.0, 3.0), Standing::Near, Some(1.5)),
            // Seconds without enough samples neither break the streak nor add to it.
            (3, &[bad, None, bad, None, None, bad], Some(5), span(0.0, 6.0), Standing::Missed, Some(5.0)),
            (3, &[bad, None, None, bad], None, None, Standing::NoData, None),
            (1, &[good, bad], Some(1), span(1.0, 2.0), Standing::Missed, Some(5.0)),
        ];
        for (for_s, windows, broken_at, worst, standing, observed) in cases {
            let (broke, where_, seen) = run("p50 < 1s", Some(for_s), windows);
            assert_eq!((broke, where_, seen.standing), (broken_at, worst, standing), "{for_s} {windows:?}");
            assert_eq!(seen.observed, observed, "{for_s} {windows:?}");
        }
    }

    #[test]
    fn no_data_says_what_was_needed() {
        let words = |over_s, for_s| {
            let threshold = Threshold { over_s, for_s, ..parse("p95 < 1s").unwrap() };
            let mut timed = Timed::new(&threshold);
            let span = Span { from_s: 0.0, to_s: 1.0 };
            timed.push(
                span,
                Evaluation { observed: None, standing: Standing::NoData, samples: 7, note: None },
            );
            let (_, seen) = timed.worst();
            assert_eq!((seen.standing, seen.samples), (Standing::NoData, 7));
            seen.note.unwrap()
        };
        assert_eq!(words(Some(30), None), "needs 72 samples in a window of 30 s");
        assert_eq!(words(None, Some(5)), "needs 72 samples in each of 5 seconds");
        assert_eq!(words(Some(30), Some(5)), "needs 72 samples in each of 5 windows of 30 s");
    }
}
