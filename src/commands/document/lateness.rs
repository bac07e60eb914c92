//! How late the generator was, and which thresholds that could have decided: those that are nearer to their limit. Source of
//! the rule: "When not to believe a result" in `docs/guide/numbers.md`.

use crate::engine::Outcome;
use crate::metric::{Distribution, Phase};
use crate::report::number;
use crate::threshold::{Evaluation, Metric, Span, Standing, Stat, Threshold};

/// The 99th percentile of fewer is the one that was latest: a hiccup, not how late the generator was.
const FEWEST: u64 = 100;

/// How late the generator was, 99 %, over the run and by second.
#[derive(Debug, Default)]
pub struct Lateness {
    /// Of the event loops: part of every time that is measured.
    lag_us: Option<u64>,
    /// Of arrivals: part of latency and `wait` alone.
    arrivals_us: Option<u64>,
    seconds: Vec<Second>,
}

/// One second.
#[derive(Debug, Clone, Copy)]
struct Second {
    /// Its end.
    at_s: u64,
    lag_us: Option<u64>,
    arrivals_us: Option<u64>,
}

/// A threshold that the generator's lateness could have decided.
#[derive(Debug, PartialEq)]
pub struct Undecided {
    /// How late it was, s.
    pub lateness_s: f64,
    /// In words.
    pub words: String,
}

impl Lateness {
    /// As far as a run was watched.
    pub fn of(outcome: &Outcome) -> Self {
        let pace = &outcome.totals.pace;
        let p99 = |times: &Distribution| (times.count() >= FEWEST).then(|| times.quantile(0.99));
        // The ends of pauses are rounded up to the tick of the runtime's timer, and no latency holds that.
        let has_arrivals_alone = pace.pauses == 0;
        let second = |second: &crate::engine::IntervalSummary| Second {
            at_s: second.at_s,
            lag_us: second.pace.lag_max_us,
            arrivals_us: second.pace.pacing_p99_us.filter(|_| has_arrivals_alone),
        };
        Self {
            lag_us: p99(&pace.lag),
            arrivals_us: p99(&pace.pacing).filter(|_| has_arrivals_alone),
            seconds: outcome.timeline.iter().map(second).collect(),
        }
    }

    /// Over the run, µs; `None` when too little was measured.
    pub fn us(&self) -> Option<u64> {
        self.lag_us.max(self.arrivals_us)
    }

    /// Whether it could have decided a threshold. `worst` is the window that did, if it is about windows.
    pub fn undecided(
        &self,
        threshold: &Threshold,
        tolerance: Option<f64>,
        seen: &Evaluation,
        worst: Option<Span>,
    ) -> Option<Undecided> {
        let Metric::Time { phase, stat } = threshold.metric else { return None };
        if stat == Stat::Min || seen.standing == Standing::NoData {
            // Of all requests one at least met no delay.
            return None;
        }
        let (observed, limit) = (seen.observed?, threshold.limit()?);
        let widened = tolerance.filter(|_| threshold.op.is_upper_bound()).map(|factor| limit * factor);
        let distance_s = [Some(limit), widened]
            .into_iter()
            .flatten()
            .map(|limit| (observed - limit).abs())
            .reduce(f64::min)?;
        let lateness_s = self.behind_us(phase, worst)? as f64 / 1e6;
        (distance_s < lateness_s).then(|| Undecided {
            lateness_s,
            words: format!(
                "nearer to the limit ({}) than the generator was late ({}, p99)",
                number::seconds(distance_s),
                number::seconds(lateness_s)
            ),
        })
    }

    fn behind_us(&self, phase: Option<Phase>, window: Option<Span>) -> Option<u64> {
        let holds_arrivals = matches!(phase, None | Some(Phase::Wait));
        let most = |lag: Option<u64>, arrivals: Option<u64>| lag.max(arrivals.filter(|_| holds_arrivals));
        let Some(window) = window else { return most(self.lag_us, self.arrivals_us) };
        // A second has 50 heartbeats of a worker: its longest lag is its 98th percentile, and that of the second in the middle
        // about the 99th of a window.
        let is_inside =
            |second: &&Second| second.at_s as f64 > window.from_s && (second.at_s as f64 - 1.0) < window.to_s;
        let mut all: Vec<_> = self
            .seconds
            .iter()
            .filter(is_inside)
            .filter_map(|second| most(second.lag_us, second.arrivals_us))
            .collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::parse;

    fn late(lag_us: u64, arrivals_us: u64) -> Lateness {
        Lateness { lag_us: Some(lag_us), arrivals_us: Some(arrivals_us), seconds: vec![] }
    }

    fn is_undecided(lateness: &Lateness, text: &str, observed: f64, tolerance: Option<f64>) -> bool {
        let threshold = parse(text).unwrap();
        let seen =
            Evaluation { observed: Some(observed), standing: Standing::Met, samples: 1000, note: None };
        lateness.undecided(&threshold, tolerance, &seen, None).is_some()
    }

    #[test]
    fn what_is_nearer_to_its_limit_than_the_generator_was_late() {
        let two_ms = late(2_000, 300);
        for (text, observed, expected) in [
            ("p95 < 200ms", 0.120, false),
            ("p95 < 8ms", 0.0075, true),
            ("p95 < 8ms", 0.0085, true),
            ("p95 < 8ms", 0.0059, false),
            ("p95 < 8ms", 0.0101, false),
            ("avg < 8ms", 0.0075, true),
            ("max <= 8ms", 0.008, true),
            ("p50 > 8ms", 0.0085, true),
            ("stddev < 8ms", 0.0075, true),
            // What no delay of the generator's moves.
            ("min < 8ms", 0.0075, false),
            ("errors < 1%", 0.0099, false),
            ("rps > 100", 99.999, false),
            ("requests > 10", 10.0, false),
        ] {
            assert_eq!(is_undecided(&two_ms, text, observed, None), expected, "{text}: {observed}");
        }
        assert!(!is_undecided(&Lateness::default(), "p95 < 8ms", 0.008, None), "nothing was measured");
    }

    #[test]
    fn a_tolerance_is_a_second_limit() {
        let two_ms = late(2_000, 0);
        assert!(is_undecided(&two_ms, "p95 < 8ms", 0.0155, Some(2.0)), "warns or fails");
        assert!(!is_undecided(&two_ms, "p95 < 8ms", 0.0155, None));
        assert!(!is_undecided(&two_ms, "p95 > 8ms", 0.0155, Some(2.0)), "it softens no lower bound");
    }

    #[test]
    fn late_arrivals_are_in_latency_and_wait_alone() {
        let arrivals = late(100, 2_000);
        for (text, expected) in [("p95 < 8ms", true), ("wait.p95 < 8ms", true), ("ttfb.p95 < 8ms", false)] {
            assert_eq!(is_undecided(&arrivals, text, 0.0075, None), expected, "{text}");
        }
        assert!(is_undecided(&late(2_000, 100), "ttfb.p95 < 8ms", 0.0075, None));
    }

    #[test]
    fn a_window_is_judged_by_its_own_seconds() {
        let second = |at_s, lag_us| Second { at_s, lag_us: Some(lag_us), arrivals_us: None };
        let seconds =
            vec![second(1, 100), second(2, 9_000), second(3, 100), second(4, 4_000), second(5, 5_000)];
        let lateness = Lateness { seconds, ..late(100, 0) };
        let threshold = Threshold { over_s: Some(1), ..parse("p95 < 8ms").unwrap() };
        let in_window = |from_s, to_s| {
            let seen =
                Evaluation { observed: Some(0.006), standing: Standing::Met, samples: 1000, note: None };
            lateness.undecided(&threshold, None, &seen, Some(Span { from_s, to_s })).is_some()
        };
        assert!(in_window(1.0, 2.0), "9 ms in it");
        assert!(!in_window(0.0, 1.0) && !in_window(0.0, 3.0), "one of three seconds");
        assert!(in_window(3.0, 5.0));
    }

    #[test]
    fn words() {
        let threshold = parse("p95 < 8ms").unwrap();
        let seen = Evaluation { observed: Some(0.0075), standing: Standing::Met, samples: 1000, note: None };
        let undecided = late(2_000, 0).undecided(&threshold, None, &seen, None).unwrap();
        let words = "nearer to the limit (500 µs) than the generator was late (2 ms, p99)";
        assert_eq!((undecided.lateness_s, undecided.words.as_str()), (0.002, words));
        let nothing = Evaluation { standing: Standing::NoData, ..seen };
        assert_eq!(late(2_000, 0).undecided(&threshold, None, &nothing, None), None);
    }
}
