//! From the engine's events to what the live view shows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::compile::CompiledPlan;
use crate::compile::model::{Scenario, ScopedThreshold, SeriesInfo, ThresholdScope};
use crate::engine::{IntervalSummary, Seen, health};
use crate::metric::{LoadWindow, SeriesKind, SeriesTotal};
use crate::report::live::{Goal, Health, Row, Snapshot, Standing};
use crate::report::number;
use crate::threshold::{self, Evaluation, Threshold};

use super::document::{self, Loads, bends, strictest_latency_us};

/// What must look through whole distributions may take one part in so many of the time, on one core: 1 %.
const SHARE: u32 = 100;
/// When it costs less than this it is done every second.
const CHEAP: Duration = Duration::from_millis(5);
/// What the end of the run leaves of a second is shown with the rates of the second before when it is shorter.
const SHORTEST_S: f64 = 0.2;
/// A value closer to its target than this share of it is at risk.
const CLOSE: f64 = 0.1;

/// Folds events into snapshots.
pub struct Progress {
    plan: Arc<CompiledPlan>,
    strictest_latency_us: Option<u64>,
    /// What costs most, kept while it has not paid off: percentiles by row, and thresholds.
    kept: Costly,
    /// When it may be computed again.
    due: Instant,
    /// Of the last second.
    rates: Rates,
}

/// Requests a second; none in the drain.
#[derive(Default)]
struct Rates {
    total: Option<f64>,
    /// Of the rows that are shown.
    rows: Vec<Option<f64>>,
}

#[derive(Default)]
struct Costly {
    /// 50, 95, 99 %, µs.
    percentiles: Vec<Option<[u64; 3]>>,
    goals: Vec<Goal>,
}

impl Progress {
    pub fn new(plan: Arc<CompiledPlan>) -> Self {
        let strictest_latency_us = strictest_latency_us(&plan);
        Self {
            plan,
            strictest_latency_us,
            kept: Costly::default(),
            due: Instant::now(),
            rates: Rates::default(),
        }
    }

    /// What there is to see now. With very many rows, percentiles and thresholds are some seconds old.
    pub fn snapshot(&mut self, seen: &Seen<'_>) -> Snapshot {
        let second = seen.second;
        let elapsed = Duration::from_secs(second.at_s - 1) + Duration::from_secs_f64(second.length_s);
        let begun = Instant::now();
        if begun >= self.due {
            self.kept = self.look(seen, elapsed);
            let took = begun.elapsed();
            if took > CHEAP {
                self.due = begun + took.saturating_mul(SHARE);
            }
        }
        if second.length_s >= SHORTEST_S {
            self.rates = self.rates_of(second);
        }
        let rows = self.rows(seen);
        Snapshot {
            elapsed,
            planned: self.plan.planned(),
            users: second.users,
            target_users: second.target_users,
            more_users: seen.more_users,
            is_paused: seen.is_paused,
            requests: rows.iter().map(|row| row.requests).sum(),
            failures: rows.iter().map(|row| row.failures).sum(),
            rps: self.rates.total.unwrap_or(0.0),
            is_draining: self.rates.total.is_none() && is_over(seen.loads, elapsed),
            p95_us: (second.total.requests > 0).then_some(second.total.p95_us),
            stages: stages(&self.plan, elapsed),
            goals: self.kept.goals.clone(),
            generator: Health {
                cpu_share: seen.health.and_then(|health| health.cpu_share),
                lag_us: second.pace.lag_max_us,
                pacing_us: second.pace.pacing_p99_us,
                trouble: health::trouble(second.pace, seen.health, self.strictest_latency_us)
                    .map(str::to_owned),
            },
            rows,
        }
    }

    /// Indices of the rows that are shown.
    fn shown(&self) -> impl Iterator<Item = (usize, &SeriesInfo)> {
        self.plan.series.iter().enumerate().filter(|(_, info)| info.kind == SeriesKind::Endpoint)
    }

    fn rates_of(&self, second: &IntervalSummary) -> Rates {
        let rate = |(index, info): (usize, &SeriesInfo)| {
            let row = second.rows.iter().find(|(row, _)| *row == index).map(|(_, row)| *row);
            second.rate_of(info.scenario, &row.unwrap_or_default())
        };
        Rates { total: second.rate(), rows: self.shown().map(rate).collect() }
    }

    fn rows(&self, seen: &Seen<'_>) -> Vec<Row> {
        let row = |(place, (index, info)): (usize, (usize, &SeriesInfo))| {
            // While it warms up, the warm-up is what there is to see.
            let totals = [Some(index), info.warmup.map(|row| usize::from(row.0))];
            let sum = |of: fn(&SeriesTotal) -> u64| -> u64 {
                totals.iter().flatten().map(|index| of(&seen.totals.series[*index])).sum()
            };
            let percentiles = self.kept.percentiles.get(place).copied().flatten();
            Row {
                name: info.name.clone(),
                method: info.method.as_ref().map(ToString::to_string),
                requests: sum(SeriesTotal::requests),
                failures: sum(SeriesTotal::failures),
                rps: self.rates.rows.get(place).copied().flatten(),
                p50_us: percentiles.map(|[p50, ..]| p50),
                p95_us: percentiles.map(|[_, p95, _]| p95),
                p99_us: percentiles.map(|[.., p99]| p99),
            }
        };
        self.shown().enumerate().map(row).collect()
    }

    fn look(&self, seen: &Seen<'_>, elapsed: Duration) -> Costly {
        let percentiles = |(index, info): (usize, &SeriesInfo)| {
            let with_warmup = info.warmup.map(|row| seen.totals.merged([index, usize::from(row.0)]));
            let latency = with_warmup.as_ref().unwrap_or(&seen.totals.series[index]).latency();
            (latency.count() > 0).then(|| [0.5, 0.95, 0.99].map(|q| latency.quantile(q)))
        };
        let places = self.shown().enumerate().map(|(place, (index, _))| (index, place)).collect();
        Costly {
            percentiles: self.shown().map(percentiles).collect(),
            goals: self.goals(seen, elapsed, &places),
        }
    }

    fn goals(&self, seen: &Seen<'_>, elapsed: Duration, places: &BTreeMap<usize, usize>) -> Vec<Goal> {
        let so_far: Vec<_> = seen.loads.iter().map(|load| load.until(elapsed.as_secs_f64())).collect();
        let loads = Loads::new(&self.plan, &so_far);
        let of = |(index, scoped): (usize, &ScopedThreshold)| {
            let whole = || document::so_far(&self.plan, seen.totals, scoped, loads);
            let evaluation = seen.watch.standing(index).unwrap_or_else(whole);
            let threshold = &scoped.threshold;
            let unit = threshold.metric.unit();
            let beside = |value| threshold.limit().unwrap_or(value);
            let observed = evaluation.observed.map(|value| number::observed(value, beside(value), unit));
            Goal {
                row: match &scoped.scope {
                    ThresholdScope::Series(row, _) => places.get(&usize::from(row.0)).copied(),
                    ThresholdScope::Plan | ThresholdScope::Scenario(..) | ThresholdScope::Tags(..) => None,
                },
                scope: scoped.scope.name().to_owned(),
                expression: threshold.expression.clone(),
                observed: observed.unwrap_or_default(),
                standing: standing(threshold, &evaluation),
            }
        };
        self.plan.thresholds.iter().enumerate().map(of).collect()
    }
}

/// Whether all loads ended before that moment.
fn is_over(loads: &[LoadWindow], elapsed: Duration) -> bool {
    loads.iter().all(|load| load.to_s < elapsed.as_secs_f64())
}

/// How a threshold stands, from what was seen so far.
fn standing(threshold: &Threshold, seen: &Evaluation) -> Standing {
    let is_close = |observed: f64, goal: f64| {
        let limit = if threshold.op.is_upper_bound() { 1.0 - CLOSE } else { 1.0 + CLOSE };
        let holds_with_room = match threshold.op.is_upper_bound() {
            true => observed < goal * limit,
            false => observed > goal * limit,
        };
        // `errors <= 0%` and `checks >= 100%` hold without room, and may be meant so.
        observed != goal && !holds_with_room
    };
    match seen.standing {
        threshold::Standing::NoData => Standing::Open,
        // `requests > 1000` is not broken while the thousandth is to come.
        threshold::Standing::Missed if threshold.is_broken_at_start() && !threshold.is_timed() => {
            Standing::Open
        }
        threshold::Standing::Missed => Standing::Broken,
        threshold::Standing::Near => Standing::AtRisk,
        threshold::Standing::Met
            if seen
                .observed
                .zip(threshold.limit())
                .is_some_and(|(observed, goal)| is_close(observed, goal)) =>
        {
            Standing::AtRisk
        }
        threshold::Standing::Met => Standing::Met,
    }
}

/// Where the load of each scenario stands, in words; nothing where there is one stage.
fn stages(plan: &CompiledPlan, elapsed: Duration) -> Vec<String> {
    let named = |scenario: &Scenario, words: String| match plan.scenarios.len() {
        1 => words,
        _ => format!("{} {words}", scenario.name),
    };
    plan.scenarios.iter().filter_map(|scenario| Some(named(scenario, stage(scenario, elapsed)?))).collect()
}

fn stage(scenario: &Scenario, elapsed: Duration) -> Option<String> {
    let until = |at: Duration| number::moment((scenario.start_after + at).as_secs_f64());
    let Some(now) = elapsed.checked_sub(scenario.start_after) else {
        return Some(format!("starts at {}", until(Duration::ZERO)));
    };
    if now < scenario.warmup {
        return Some(format!("warm-up until {}", until(scenario.warmup)));
    }
    let total = scenario.load.planned()?;
    if now >= total {
        return Some("load is over".to_owned());
    }
    let bends = bends(&scenario.load);
    let over = bends.iter().filter(|(at, _)| *at <= now).count();
    match bends.get(over) {
        Some((at, words)) => {
            Some(format!("stage {} of {} until {}: {words}", over + 1, bends.len() + 1, until(*at)))
        }
        None if bends.is_empty() => None,
        None => Some(format!("stage {0} of {0} until {1}", over + 1, until(total))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(expression: &str, observed: f64, seen: threshold::Standing) -> Standing {
        let threshold = crate::threshold::parse(expression).expect("a threshold");
        let evaluation = Evaluation { observed: Some(observed), standing: seen, samples: 1000, note: None };
        standing(&threshold, &evaluation)
    }

    #[test]
    fn what_is_close_to_its_target_is_at_risk() {
        use threshold::Standing::{Met, Missed, Near, NoData};
        for (expression, observed, seen, expected) in [
            ("p95 < 200ms", 0.1, Met, Standing::Met),
            ("p95 < 200ms", 0.181, Met, Standing::AtRisk),
            ("p95 < 200ms", 0.3, Missed, Standing::Broken),
            ("p95 < 200ms", 0.21, Near, Standing::AtRisk),
            ("p95 < 200ms", 0.3, NoData, Standing::Open),
            ("rps > 100", 105.0, Met, Standing::AtRisk),
            ("rps > 100", 200.0, Met, Standing::Met),
            ("errors <= 0%", 0.0, Met, Standing::Met),
            ("requests > 1000", 10.0, Missed, Standing::Open),
            ("failures < 10", 10.0, Missed, Standing::Broken),
        ] {
            assert_eq!(judged(expression, observed, seen), expected, "{expression}: {observed}");
        }
    }
}
