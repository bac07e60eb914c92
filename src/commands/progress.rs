//! From the engine's events to what the live view shows.

use std::sync::Arc;
use std::time::Duration;

use crate::compile::CompiledPlan;
use crate::engine::IntervalSummary;
use crate::metric::{SeriesKind, Totals};
use crate::report::live::{Row, Snapshot};

/// Folds events into snapshots.
pub struct Progress {
    plan: Arc<CompiledPlan>,
}

impl Progress {
    pub fn new(plan: Arc<CompiledPlan>) -> Self {
        Self { plan }
    }

    pub fn snapshot(&mut self, second: &IntervalSummary, totals: &Totals) -> Snapshot {
        let mut rows = vec![];
        let (mut requests, mut failures) = (0, 0);
        for (index, info) in self.plan.series.iter().enumerate() {
            if info.kind != SeriesKind::Endpoint {
                continue;
            }
            // While it warms up, the warm-up is what there is to see.
            let with_warmup = info.warmup.map(|row| totals.merged([index, row.0 as usize]));
            let total = with_warmup.as_ref().unwrap_or(&totals.series[index]);
            requests += total.requests();
            failures += total.failures();
            let now = second.rows.iter().find(|(row, _)| *row == index).map_or(0, |(_, row)| row.requests);
            rows.push(Row {
                name: info.name.clone(),
                method: info.method.as_ref().map(ToString::to_string),
                requests: total.requests(),
                failures: total.failures(),
                rps: second.per_s(now),
                p95_us: (total.requests() > 0).then(|| total.latency().quantile(0.95)),
            });
        }
        Snapshot {
            elapsed: Duration::from_secs(second.at_s - 1) + Duration::from_secs_f64(second.length_s),
            planned: self.plan.planned(),
            users: second.users,
            target_users: second.target_users,
            requests,
            failures,
            rps: second.per_s(second.total.requests),
            rows,
        }
    }
}
