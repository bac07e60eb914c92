//! What thresholds are about: a name in reports, a set of rows, and the part of the run they are measured in. A new kind
//! of scope is one more arm in each match.

use std::ops::Range;

use crate::metric::SeriesKind;
use crate::threshold::{Watch, Watched};

use super::model::{CompiledPlan, Scenario, SeriesInfo, TagScope, ThresholdScope};

impl ThresholdScope {
    /// Its name in reports: `plan`, `scenario:NAME`, `endpoint:NAME`, `flow:NAME`, `tags:NAME=VALUE`.
    pub fn name(&self) -> &str {
        match self {
            Self::Plan => "plan",
            Self::Scenario(_, name) | Self::Series(_, name) | Self::Tags(_, name) => name,
        }
    }

    /// Indices of its rows among `all`.
    pub fn series(&self, all: &[SeriesInfo]) -> Vec<usize> {
        let endpoints = |is_in: &dyn Fn(&SeriesInfo) -> bool| {
            let rows = all.iter().enumerate();
            rows.filter(|(_, row)| row.kind == SeriesKind::Endpoint && is_in(row))
                .map(|(index, _)| index)
                .collect()
        };
        match self {
            Self::Plan => endpoints(&|_| true),
            Self::Scenario(scenario, _) => endpoints(&|row| row.scenario == *scenario),
            Self::Series(series, _) => vec![usize::from(series.0)],
            Self::Tags(wanted, _) => endpoints(&|row| {
                wanted.scenario.is_none_or(|scenario| row.scenario == scenario)
                    && wanted.tags.iter().all(|(name, value)| row.tags.get(name) == Some(value))
            }),
        }
    }

    /// Indices of the scenarios, of so many, whose iterations count in it.
    pub fn iterations_of(&self, series: &[SeriesInfo], scenarios: usize) -> Vec<usize> {
        match self {
            Self::Plan | Self::Tags(TagScope { scenario: None, .. }, _) => (0..scenarios).collect(),
            Self::Scenario(scenario, _) | Self::Tags(TagScope { scenario: Some(scenario), .. }, _) => {
                vec![*scenario]
            }
            Self::Series(row, _) => {
                series.get(usize::from(row.0)).map(|row| row.scenario).into_iter().collect()
            }
        }
    }
}

impl CompiledPlan {
    /// A watch over its thresholds.
    pub fn watch(&self) -> Watch {
        let watched = self.thresholds.iter().map(|scoped| {
            let scenarios = scoped.scope.iterations_of(&self.series, self.scenarios.len());
            Watched {
                threshold: &scoped.threshold,
                series: scoped.scope.series(&self.series),
                load_s: measured_s(scenarios.iter().filter_map(|index| self.scenarios.get(*index))),
                scenarios,
            }
        });
        Watch::new(watched, self.tolerance)
    }
}

/// From the first end of a warm-up to the last planned end of a load, seconds since the start of the run.
fn measured_s<'a>(scenarios: impl Iterator<Item = &'a Scenario>) -> Range<f64> {
    scenarios.fold(f64::INFINITY..0.0, |so_far, scenario| {
        let from = (scenario.start_after + scenario.warmup).as_secs_f64();
        let until =
            scenario.load.planned().map_or(f64::INFINITY, |d| (scenario.start_after + d).as_secs_f64());
        so_far.start.min(from)..so_far.end.max(until)
    })
}
