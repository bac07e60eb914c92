//! Thresholds, each with its scope.

use crate::diagnostic::{Diagnostic, Span};
use crate::metric::{SeriesId, SeriesKind};
use crate::plan::model;
use crate::threshold::{Metric, parse};

use super::model::{ScopedThreshold, ThresholdScope};
use super::{Compiler, codes};

impl Compiler<'_> {
    pub(super) fn thresholds(&mut self) -> Box<[ScopedThreshold]> {
        let plan = self.plan;
        let mut all = vec![];
        for threshold in &plan.thresholds {
            all.extend(self.threshold(threshold, ThresholdScope::Plan));
        }
        for (name, request) in &plan.endpoints {
            self.scoped(&name.value, SeriesKind::Endpoint, name.span, &request.thresholds, &mut all);
        }
        for (name, flow) in &plan.flows {
            self.scoped(&name.value, SeriesKind::Flow, name.span, &flow.thresholds, &mut all);
            for step in &flow.steps {
                if let model::Step::Request(request) = step {
                    let row = self.row_of_step(request);
                    for threshold in &request.thresholds {
                        all.extend(row.clone().and_then(|scope| self.threshold(threshold, scope)));
                    }
                }
            }
        }
        self.refuse_auth_thresholds();
        all.into()
    }

    fn scoped(
        &mut self,
        name: &str,
        kind: SeriesKind,
        span: Span,
        thresholds: &[model::Threshold],
        all: &mut Vec<ScopedThreshold>,
    ) {
        let Some(first) = thresholds.first() else { return };
        if !self.written.has_errors() && !self.reachable().contains(name) {
            let message = format!("`{name}` never runs, so this threshold can never have data");
            self.error(
                Diagnostic::error(codes::UNREACHABLE, first.that.span, message)
                    .other(span, "it has no weight, and no flow that runs uses it")
                    .help("give it a `weight`, `use` it in a flow, or remove the threshold"),
            );
        }
        let Some(series) = self.series.iter().position(|row| row.name == name && row.kind == kind) else {
            return;
        };
        let kind_name = if kind == SeriesKind::Flow { "flow" } else { "endpoint" };
        for threshold in thresholds {
            let scope = ThresholdScope::Series(SeriesId(series as u16), format!("{kind_name}:{name}"));
            all.extend(self.threshold(threshold, scope));
        }
    }

    fn row_of_step(&self, request: &model::Request) -> Option<ThresholdScope> {
        let line = request.request.value.trim();
        let path = line.split_once(char::is_whitespace).map_or(line, |(_, path)| path.trim());
        let name = request.name.as_ref().map_or(path, |name| name.value.as_str());
        let (series, _) = self.rows.get(name)?;
        Some(ThresholdScope::Series(*series, format!("endpoint:{name}")))
    }

    fn threshold(&mut self, written: &model::Threshold, scope: ThresholdScope) -> Option<ScopedThreshold> {
        let text = &written.that.value;
        let mut threshold = match parse(text) {
            Ok(threshold) => threshold,
            Err(error) => {
                let at = self.place_of(written.that.span, text, error.range);
                let problem = Diagnostic::error(codes::THRESHOLD, at, error.message);
                self.error(match error.help {
                    Some(help) => problem.help(help),
                    None => problem,
                });
                return None;
            }
        };
        if threshold.metric == Metric::Iterations && scope != ThresholdScope::Plan {
            let message = "`iterations` is counted for the whole plan";
            self.error(
                Diagnostic::error(codes::THRESHOLD, written.that.span, message)
                    .help("move it to the plan's own `thresholds`, or use `requests`"),
            );
        }
        threshold.min_samples = written.min_samples.as_ref().map(|samples| samples.value);
        let warn_only = written.level.as_ref().is_some_and(|level| level.value == model::Level::Warn);
        Some(ScopedThreshold { scope, threshold, warn_only })
    }

    fn refuse_auth_thresholds(&mut self) {
        let steps = self.plan.auth.iter().flat_map(|auth| &auth.steps);
        let spans: Vec<_> = steps
            .filter_map(|step| match step {
                model::Step::Request(request) => request.thresholds.first().map(|t| t.that.span),
                _ => None,
            })
            .collect();
        for span in spans {
            let message = "auth requests have no thresholds: they have rows of their own and count in none";
            self.error(
                Diagnostic::error(codes::AUTH, span, message)
                    .help("remove it, or measure the login as an endpoint"),
            );
        }
    }
}
