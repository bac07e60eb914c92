//! The seconds that each rate divides by: when load was made for the rows it is about. Must not judge.

use crate::compile::CompiledPlan;
use crate::compile::model::{SeriesInfo, ThresholdScope};
use crate::metric::{LoadWindow, SeriesKind as Kind};
use crate::report::model::ScenarioLoad;
use crate::units::covered_s;

/// When the scenarios of a plan made their loads.
#[derive(Debug, Clone, Copy)]
pub struct Loads<'a> {
    plan: &'a CompiledPlan,
    /// By scenario; none before the load began.
    windows: &'a [LoadWindow],
}

impl<'a> Loads<'a> {
    /// Of a run, as far as it has come.
    pub fn new(plan: &'a CompiledPlan, windows: &'a [LoadWindow]) -> Self {
        Self { plan, windows }
    }

    /// Seconds in which any scenario made load after its warm-up.
    pub fn measured_s(self) -> f64 {
        self.seconds(0..self.windows.len(), LoadWindow::measured)
    }

    /// Seconds in which the scenarios that make the requests of a scope did.
    pub fn of_scope(self, scope: &ThresholdScope) -> f64 {
        self.seconds(scope.loaded_by(&self.plan.series), LoadWindow::measured)
    }

    /// Seconds that the rate of a row divides by: users log in in a warm-up too, and readiness checks come before all of it.
    pub fn of_row(self, row: &SeriesInfo) -> f64 {
        let is_of_warmup = row.measured.is_some();
        let part = match row.kind {
            Kind::Ready => return 0.0,
            Kind::Auth => LoadWindow::whole,
            _ if is_of_warmup => LoadWindow::warmup,
            Kind::Endpoint | Kind::Flow | Kind::WarmUp => LoadWindow::measured,
        };
        self.seconds([row.scenario], part)
    }

    /// As the result holds them.
    pub fn of_result(self) -> Vec<ScenarioLoad> {
        let all = self.plan.scenarios.iter().zip(self.windows);
        // A scenario that the end of the run came before has made none.
        let began = all.filter(|(_, window)| window.from_s < window.to_s);
        let one = |(scenario, window): (&crate::compile::model::Scenario, &LoadWindow)| ScenarioLoad {
            scenario: scenario.name.clone(),
            from_s: window.from_s,
            measured_from_s: window.measured_from_s.min(window.to_s),
            to_s: window.to_s,
        };
        began.map(one).collect()
    }

    fn seconds(
        self,
        scenarios: impl IntoIterator<Item = usize>,
        part: impl Fn(LoadWindow) -> std::ops::Range<f64>,
    ) -> f64 {
        let windows = scenarios.into_iter().filter_map(|scenario| self.windows.get(scenario));
        let seconds = covered_s(windows.map(|window| part(*window)), &(0.0..f64::INFINITY));
        if seconds.is_finite() { seconds } else { 0.0 }
    }
}
