//! What thresholds are about: a name in reports, a set of rows, and the scenarios whose loads make their requests. A new kind
//! of scope is one more arm in each match.

use crate::metric::SeriesKind;
use crate::threshold::{Watch, Watched};

use super::model::{CompiledPlan, SeriesInfo, TagScope, ThresholdScope};

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

    /// Indices of the scenarios whose loads make its requests.
    pub fn loaded_by(&self, all: &[SeriesInfo]) -> Vec<usize> {
        let mut scenarios: Vec<_> =
            self.series(all).into_iter().filter_map(|row| Some(all.get(row)?.scenario)).collect();
        scenarios.sort_unstable();
        scenarios.dedup();
        scenarios
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
                loaded_by: scoped.scope.loaded_by(&self.series),
                scenarios,
            }
        });
        Watch::new(watched, self.tolerance)
    }
}
