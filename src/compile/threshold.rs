//! Thresholds, each with its scope.

use std::collections::{BTreeSet, HashMap};

use crate::diagnostic::{Diagnostic, Located};
use crate::metric::{SeriesId, SeriesKind};
use crate::plan::model;
use crate::threshold::{Metric, parse};
use crate::units::respelled;

use super::model::{Place, ScopedThreshold, TagScope, ThresholdScope};
use super::scenario::{Group, groups, load_of};
use super::{Compiler, codes};

/// The row of each name and kind.
type Rows = HashMap<(String, SeriesKind), usize>;

impl Compiler<'_> {
    pub(super) fn plan_thresholds(&mut self) -> Vec<ScopedThreshold> {
        let plan = self.plan;
        self.refuse_auth_thresholds();
        plan.thresholds
            .iter()
            .filter_map(|threshold| self.threshold(threshold, ThresholdScope::Plan))
            .collect()
    }

    /// Adds the thresholds of the scenario that is being compiled.
    pub(super) fn group_thresholds(&mut self, all: &mut Vec<ScopedThreshold>) {
        let group = self.group;
        for threshold in group.thresholds {
            let scope = ThresholdScope::Scenario(self.scenario, format!("scenario:{}", group.label()));
            all.extend(self.threshold(threshold, scope));
        }
        // Found once: a plan may have thousands of rows.
        let rows = self.rows_by_name();
        let is_sound = self.written.is_sound(&["endpoints", "flows", "scenarios"]);
        let reachable = is_sound.then(|| self.reachable());
        let known = (&rows, reachable.as_ref());
        for (name, request) in group.endpoints {
            self.scoped(name, SeriesKind::Endpoint, &request.thresholds, known, all);
        }
        for (name, request) in
            group.shared.iter().filter(|(name, _)| self.shared.contains_key(&name.value)).collect::<Vec<_>>()
        {
            self.scoped(name, SeriesKind::Endpoint, &request.thresholds, known, all);
        }
        for (name, flow) in group.flows {
            self.scoped(name, SeriesKind::Flow, &flow.thresholds, known, all);
            for step in model::Step::all(&flow.steps) {
                if let Some(request) = model::Step::written_request(step) {
                    let row = self.row_of_step(request);
                    for threshold in &request.thresholds {
                        all.extend(row.clone().and_then(|scope| self.threshold(threshold, scope)));
                    }
                }
            }
        }
    }

    /// First row of each name and kind in this scenario.
    fn rows_by_name(&self) -> Rows {
        let own = self.series.iter().enumerate().filter(|(_, row)| row.scenario == self.scenario);
        let mut rows = Rows::new();
        for (index, row) in own {
            rows.entry((row.name.clone(), row.kind)).or_insert(index);
        }
        rows
    }

    /// `known`: the rows of the scenario, and what of it can run, when that can be told.
    fn scoped(
        &mut self,
        name: &Located<String>,
        kind: SeriesKind,
        thresholds: &[model::Threshold],
        known: (&Rows, Option<&BTreeSet<&str>>),
        all: &mut Vec<ScopedThreshold>,
    ) {
        let Some(first) = thresholds.first() else { return };
        let (rows, reachable) = known;
        if reachable.is_some_and(|reachable| !reachable.contains(name.value.as_str())) {
            let message = format!("`{}` never runs, so this threshold can never have data", name.value);
            self.error(
                Diagnostic::error(codes::UNREACHABLE, first.that.span, message)
                    .other(name.span, "it has no weight, and no flow that runs uses it")
                    .help("give it a `weight`, `use` it in a flow, or remove the threshold"),
            );
        }
        let name = format!("{}{}", self.prefix, name.value);
        let Some(series) = rows.get(&(name.clone(), kind)) else { return };
        let kind_name = if kind == SeriesKind::Flow { "flow" } else { "endpoint" };
        for threshold in thresholds {
            let scope = ThresholdScope::Series(SeriesId(*series as u16), format!("{kind_name}:{name}"));
            all.extend(self.threshold(threshold, scope));
        }
    }

    fn row_of_step(&self, request: &model::Request) -> Option<ThresholdScope> {
        let line = request.request.value.trim();
        let path = line.split_once(char::is_whitespace).map_or(line, |(_, path)| path.trim());
        let name = request.name.as_ref().map_or(path, |name| name.value.as_str());
        let (series, _) = self.rows.get(name)?;
        Some(ThresholdScope::Series(*series, format!("endpoint:{}{name}", self.prefix)))
    }

    fn threshold(&mut self, written: &model::Threshold, scope: ThresholdScope) -> Option<ScopedThreshold> {
        let text = &written.that.value;
        let mut threshold = match parse(text) {
            Ok(threshold) => threshold,
            Err(error) => {
                let value = text.get(error.range.clone()).unwrap_or_default();
                let meant = respelled(value).filter(|meant| parse(&text.replace(value, meant)).is_ok());
                let at = self.place_of(written.that.span, text, error.range.clone());
                let problem = Diagnostic::error(codes::THRESHOLD, at, error.message);
                let problem = match meant {
                    Some(meant) => problem.fix(value, meant),
                    None => problem,
                };
                self.error(match error.help {
                    Some(help) => problem.help(help),
                    None => problem,
                });
                return None;
            }
        };
        let scope = self.tag_scope(written, scope)?;
        self.check_place(written, &scope, threshold.metric);
        if threshold.relative().is_some() {
            self.first_relative.get_or_insert(written.that.span);
        }
        threshold.min_samples = written.min_samples.as_ref().map(|samples| samples.value);
        self.add_time(written, &scope, &mut threshold);
        let warn_only = written.level.as_ref().is_some_and(|level| level.value == model::Level::Warn);
        let place = Place {
            file: self.sources.get(written.that.span.file).name.clone(),
            line: self.sources.line(written.that.span),
        };
        Some(ScopedThreshold { scope, threshold, warn_only, place })
    }

    /// Iterations and arrivals belong to a scenario, arrivals to one that has some.
    fn check_place(&mut self, written: &model::Threshold, scope: &ThresholdScope, metric: Metric) {
        let name = match metric {
            Metric::Iterations => "iterations",
            Metric::Dropped => "dropped",
            _ => return,
        };
        let elsewhere = match scope {
            ThresholdScope::Series(..) => Some("move it to the plan's own `thresholds`, or use `requests`"),
            ThresholdScope::Tags(..) => Some("remove `tags`, or use `requests`"),
            ThresholdScope::Plan | ThresholdScope::Scenario(..) => None,
        };
        if let Some(help) = elsewhere {
            let message = format!("`{name}` is counted for a scenario or the whole plan");
            self.error(Diagnostic::error(codes::THRESHOLD, written.that.span, message).help(help));
            return;
        }
        let is_open = |group: &Group<'_>| load_of(group.load).arrivals().is_some();
        let has_arrivals = match scope {
            ThresholdScope::Scenario(..) => is_open(&self.group),
            _ => groups(self.plan).iter().any(is_open),
        };
        if metric == Metric::Dropped && !has_arrivals && self.written.is_sound(&["load", "scenarios"]) {
            let message = "only arrivals can be dropped, and this load has none";
            self.error(
                Diagnostic::error(codes::UNREACHABLE, written.that.span, message)
                    .help("write a `rate` instead of `users`, or remove the threshold"),
            );
        }
    }

    /// The scope of a threshold that may be about rows with some tags only.
    fn tag_scope(&mut self, written: &model::Threshold, scope: ThresholdScope) -> Option<ThresholdScope> {
        let Some((first, _)) = written.tags.0.first() else { return Some(scope) };
        let (scenario, prefix) = match scope {
            ThresholdScope::Plan => (None, String::new()),
            ThresholdScope::Scenario(index, _) => (Some(index), format!("{}/", self.group.label())),
            ThresholdScope::Series(..) | ThresholdScope::Tags(..) => {
                let message = "this threshold is about one row already";
                let help = "remove `tags`, or write it under the `thresholds` of the plan or a scenario";
                self.error(Diagnostic::error(codes::THRESHOLD, first.span, message).help(help));
                return None;
            }
        };
        let tags = written.tags.by_name();
        let pairs: Vec<_> = tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let name = format!("tags:{prefix}{}", pairs.join(","));
        let scope = ThresholdScope::Tags(TagScope { scenario, tags }, name);
        self.tag_scopes.push((first.span, scope.clone()));
        Some(scope)
    }

    /// Refuses thresholds about tags that no row has, once all rows are known.
    pub(super) fn check_tag_scopes(&mut self) {
        if !self.written.is_sound(&["endpoints", "flows", "scenarios", "tags"]) {
            return;
        }
        for (span, scope) in std::mem::take(&mut self.tag_scopes) {
            let ThresholdScope::Tags(wanted, _) = &scope else { continue };
            if !scope.series(&self.series).is_empty() {
                continue;
            }
            let shown = |(name, value): (&String, &String)| format!("{name}: {value}");
            let all = wanted.tags.iter().map(shown).collect::<Vec<_>>().join(", ");
            let endpoints = self.series.iter().filter(|row| row.kind == SeriesKind::Endpoint);
            let known: BTreeSet<_> = endpoints.flat_map(|row| row.tags.iter().map(shown)).collect();
            let message = format!("no endpoint has `{all}`, so this threshold can never have data");
            let problem = Diagnostic::error(codes::UNREACHABLE, span, message);
            self.error(match known.is_empty() {
                true => problem.help(format!("write `tags: {{ {all} }}` at the endpoints it is about")),
                false => problem.did_you_mean_or_list(&all, known.iter().map(String::as_str)),
            });
        }
    }

    fn refuse_auth_thresholds(&mut self) {
        let own = self.plan.scenarios.iter().filter_map(|(_, scenario)| match &scenario.auth {
            Some(model::ScenarioAuth::Flow(auth)) => Some(&**auth),
            _ => None,
        });
        let steps = self.plan.auth.iter().chain(own).flat_map(|auth| &auth.steps);
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
