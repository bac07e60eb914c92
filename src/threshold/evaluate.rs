//! A threshold against what was measured.

use crate::metric::{ArrivalCounts, Distribution, Phase, ScenarioCounts, SeriesTotal};

use super::{Metric, Op, Relative, Stat, Threshold};

/// What a threshold is evaluated on.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The requests in its scope.
    pub total: &'a SeriesTotal,
    /// Iterations and arrivals in its scope.
    pub counts: ScenarioCounts,
    /// Seconds in which load was made: what a rate divides by.
    pub load_s: f64,
}

/// How a threshold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Met,
    /// It does not, but is within the tolerance.
    Near,
    /// It does not.
    Missed,
    /// Too few samples to say.
    NoData,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The value, in the metric's unit; `None` without samples.
    pub observed: Option<f64>,
    /// How it stands.
    pub standing: Standing,
    /// Samples behind the value.
    pub samples: u64,
    /// What a reader must know beside it.
    pub note: Option<String>,
}

impl Threshold {
    /// Compares. `tolerance` widens upper bounds: between target and target × tolerance is [`Standing::Near`].
    pub fn evaluate(&self, view: View<'_>, tolerance: Option<f64>) -> Evaluation {
        let (observed, samples, censored) = self.observe(view);
        let needed = self.needed();
        let Some(observed) = observed.filter(|_| samples >= needed) else {
            let note = format!("needs {} sample{}", needed.max(1), if needed > 1 { "s" } else { "" });
            return Evaluation { observed, standing: Standing::NoData, samples, note: Some(note) };
        };
        let Some(limit) = self.limit() else {
            let note = self.relative().and_then(Relative::lack).map(str::to_owned);
            return Evaluation { observed: Some(observed), standing: Standing::NoData, samples, note };
        };
        let holds = |target: f64| !(censored && self.op.is_upper_bound()) && self.op.holds(observed, target);
        let standing = match tolerance {
            _ if holds(limit) => Standing::Met,
            Some(factor) if self.op.is_upper_bound() && holds(limit * factor) => Standing::Near,
            _ => Standing::Missed,
        };
        let note = if censored {
            Some("a lower bound: requests that decide it were still running at the end".to_owned())
        } else if self.relative().is_some() && self.op == Op::Less && limit <= 0.0 {
            Some(format!("nothing is below a limit of {limit}: write `<=`, or `baseline` plus something"))
        } else {
            let of_baseline = || self.few_samples(self.relative()?.samples()?);
            let few = |words: String| format!("{words} in the baseline");
            self.few_samples(samples).or_else(|| of_baseline().map(few))
        };
        Evaluation { observed: Some(observed), standing, samples, note }
    }

    /// Below ten observations in the tail a verdict stands on little.
    fn few_samples(&self, samples: u64) -> Option<String> {
        let Metric::Time { stat: Stat::Percentile(q), .. } = self.metric else { return None };
        let wanted = (10.0 / (1.0 - q).min(q)).round() as u64;
        (samples < wanted).then(|| format!("few samples ({samples}; {wanted} would be safe)"))
    }

    /// The value, its samples, and whether it is only a lower bound.
    fn observe(&self, view: View<'_>) -> (Option<f64>, u64, bool) {
        let total = view.total;
        let requests = total.requests();
        let exact = |value: f64| (Some(value), requests, false);
        match self.metric {
            Metric::Time { phase: None, stat } => latency(total, stat),
            Metric::Time { phase: Some(phase), stat } => match &total.phases[phase as usize] {
                Some(times) => {
                    let observed = statistic(times, stat) / 1e6;
                    (Some(observed), times.count(), is_cut_short(total, phase, times, stat))
                }
                None => (None, 0, false),
            },
            Metric::Requests => exact(requests as f64),
            Metric::Failures => exact(total.failures() as f64),
            Metric::Iterations => exact(view.counts.iterations as f64),
            Metric::Dropped => {
                let ArrivalCounts { due, dropped, .. } = view.counts.arrivals;
                (Some(dropped as f64), due, false)
            }
            Metric::Rps if view.load_s > 0.0 => exact(total.begun_in_load() as f64 / view.load_s),
            Metric::Errors if requests > 0 => exact(total.failures() as f64 / requests as f64),
            Metric::Status(from, to) if requests > 0 => {
                let seen: u64 = total.statuses.range(from..=to).map(|(_, count)| count).sum();
                exact(seen as f64 / requests as f64)
            }
            Metric::Checks if total.checks.held + total.checks.failed > 0 => {
                let count = total.checks.held + total.checks.failed;
                (Some(total.checks.held as f64 / count as f64), count, false)
            }
            Metric::Checks | Metric::Rps | Metric::Errors | Metric::Status(..) => (None, 0, false),
        }
    }
}

/// Latency, with requests still running at the end at the top: all that is known of them is that they took
/// longer than what they had reached. A statistic they decide is a lower bound.
fn latency(total: &SeriesTotal, stat: Stat) -> (Option<f64>, u64, bool) {
    let interrupted = total.interrupted.count();
    let all = total.latency();
    if all.count() == 0 {
        return (None, 0, false);
    }
    if interrupted == 0 {
        return (Some(statistic(&all, stat) / 1e6), all.count(), false);
    }
    let censored = |us: u64| (Some(us as f64 / 1e6), all.count(), true);
    match stat {
        Stat::Percentile(q) => {
            let ended = total.latency_ended();
            let rank = ((q * all.count() as f64).ceil() as u64).max(1);
            if rank > ended.count() {
                return censored(all.quantile(q).max(total.interrupted.min()));
            }
            (Some(ended.at_rank(rank) as f64 / 1e6), all.count(), false)
        }
        Stat::Min => (Some(all.min() as f64 / 1e6), all.count(), false),
        Stat::Max => censored(all.max()),
        Stat::Avg | Stat::Stddev => (Some(statistic(&all, stat) / 1e6), all.count(), true),
    }
}

/// Whether requests still running at the end decide a statistic of a phase that all of them would have had: nothing
/// but that it took longer is known of theirs.
fn is_cut_short(total: &SeriesTotal, phase: Phase, times: &Distribution, stat: Stat) -> bool {
    let interrupted = total.interrupted.count();
    if interrupted == 0 || !matches!(phase, Phase::Ttfb | Phase::Receive | Phase::Service) {
        return false;
    }
    match stat {
        Stat::Percentile(q) => (q * (times.count() + interrupted) as f64).ceil() as u64 > times.count(),
        Stat::Min => false,
        Stat::Avg | Stat::Max | Stat::Stddev => true,
    }
}

fn statistic(times: &Distribution, stat: Stat) -> f64 {
    match stat {
        Stat::Percentile(q) => times.quantile(q) as f64,
        Stat::Avg => times.mean(),
        Stat::Min => times.min() as f64,
        Stat::Max => times.max() as f64,
        Stat::Stddev => times.stddev(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Baseline, parse};
    use super::*;
    use crate::metric::Checks;

    fn total(ok_ms: &[u64], interrupted_ms: &[u64]) -> SeriesTotal {
        let mut total = SeriesTotal::default();
        ok_ms.iter().for_each(|ms| total.ok.record(ms * 1000));
        interrupted_ms.iter().for_each(|ms| total.interrupted.record(ms * 1000));
        total
    }

    fn standing(text: &str, total: &SeriesTotal) -> Standing {
        let arrivals = ArrivalCounts { due: 10, dropped: 3, ..ArrivalCounts::default() };
        let counts = ScenarioCounts { iterations: 5, arrivals, ..ScenarioCounts::default() };
        let view = View { total, counts, load_s: 10.0 };
        parse(text).unwrap().evaluate(view, Some(2.0)).standing
    }

    #[test]
    fn grades() {
        let row = total(&[100; 100], &[]);
        for (text, expected) in [
            ("p95 < 200ms", Standing::Met),
            ("p95 < 60ms", Standing::Near),
            ("p95 < 40ms", Standing::Missed),
            ("p95 <= 100ms", Standing::Met),
            ("p99 < 1s", Standing::NoData),
            ("requests > 99", Standing::Met),
            ("requests > 100", Standing::Missed),
            ("errors < 1%", Standing::Met),
            ("errors == 0", Standing::Met),
            ("rps >= 10", Standing::Met),
            ("rps > 10", Standing::Missed),
            ("tls.p95 < 1s", Standing::NoData),
            ("iterations == 5", Standing::Met),
            ("dropped <= 3", Standing::Met),
            ("dropped == 0", Standing::Missed),
        ] {
            assert_eq!(standing(text, &row), expected, "{text}");
        }
    }

    #[test]
    fn checks_are_counted_by_expectation() {
        let mut row = total(&[10; 50], &[]);
        row.checks = Checks { held: 98, failed: 2 };
        assert_eq!(standing("checks > 97%", &row), Standing::Met);
        assert_eq!(standing("checks >= 99%", &row), Standing::Missed);
        assert_eq!(standing("checks > 97%", &total(&[10; 50], &[])), Standing::NoData);
    }

    #[test]
    fn no_requests_are_no_data() {
        for text in ["p95 < 1s", "errors < 1%", "avg < 1s", "status.5xx < 1%"] {
            assert_eq!(standing(text, &total(&[], &[])), Standing::NoData, "{text}");
        }
    }

    #[test]
    fn a_baseline_of_few_samples_is_told_and_one_that_lacks_it_is_no_data() {
        let row = total(&[100; 300], &[]);
        let view = View { total: &row, counts: ScenarioCounts::default(), load_s: 10.0 };
        let mut threshold = parse("p95 < 1.5 * baseline").unwrap();
        let seen = threshold.evaluate(view, None);
        assert_eq!((seen.standing, seen.note.as_deref()), (Standing::NoData, Some("no baseline was read")));
        let mut seen = |value, samples| {
            threshold.bind(Baseline::Is { value, samples });
            let seen = threshold.evaluate(view, Some(2.0));
            (seen.standing, seen.note.unwrap_or_default())
        };
        assert_eq!(seen(0.1, 300), (Standing::Met, String::new()));
        assert_eq!(seen(0.05, 300), (Standing::Near, String::new()));
        assert_eq!(seen(0.01, 300), (Standing::Missed, String::new()));
        let few = "few samples (100; 200 would be safe) in the baseline".to_owned();
        assert_eq!(seen(0.1, 100), (Standing::Met, few));
        assert!(seen(0.0, 300).1.starts_with("nothing is below a limit of 0: write `<=`"));
        threshold.bind(Baseline::Lacks("another load".into()));
        let seen = threshold.evaluate(view, None);
        assert_eq!((seen.standing, seen.observed.is_some()), (Standing::NoData, true));
    }

    #[test]
    fn what_still_runs_cannot_pass() {
        let row = total(&[10; 90], &[500; 10]);
        assert_eq!(standing("p95 < 2s", &row), Standing::Missed);
        assert_eq!(standing("p80 < 2s", &row), Standing::Met);
        assert_eq!(standing("max < 2s", &row), Standing::Missed);
        assert_eq!(standing("errors < 1%", &row), Standing::Missed);
        let mut row = row;
        let mut times = Distribution::default();
        (0..90).for_each(|_| times.record(10_000));
        row.phases[Phase::Ttfb as usize] = Some(Box::new(times));
        assert_eq!(standing("ttfb.p95 < 2s", &row), Standing::Missed);
        assert_eq!(standing("ttfb.p80 < 2s", &row), Standing::Met);
    }
}
