//! What an iteration can be: endpoints and flows, with their weights.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Located, Span};
use crate::metric::{SeriesId, SeriesKind};
use crate::plan::model::{self, Tags};

use super::model::{Entry, Request};
use super::names::Place;
use super::{Compiler, codes};

impl<'a> Compiler<'a> {
    /// Compiles endpoints and flows; entries that can be picked and the running sums of their weights.
    pub(super) fn entries(&mut self) -> (Box<[Entry]>, Box<[f64]>) {
        let plan = self.group;
        let is_empty = plan.endpoints.is_empty() && plan.flows.is_empty();
        if is_empty && !self.written.holds(&["endpoints", "flows", "scenarios"]) {
            let span = plan.name.map_or_else(|| self.start_of_plan(), |name| name.span);
            let who = if plan.name.is_some() { "the scenario" } else { "the plan" };
            self.error(
                Diagnostic::error(codes::NOTHING_TO_RUN, span, format!("{who} has no endpoint and no flow"))
                    .help("write for example `endpoints: { health: { request: GET /health } }`"),
            );
        }
        let mut endpoints = vec![];
        for (name, request) in plan.endpoints {
            let compiled = self.endpoint(name, request);
            endpoints.push(compiled);
        }
        let mut flows = vec![];
        for (name, flow) in plan.flows {
            flows.push(self.flow(name, flow, &endpoints));
        }
        self.pickable(endpoints, flows)
    }

    pub(super) fn endpoint(&mut self, name: &Located<String>, request: &model::Request) -> Option<Request> {
        let series = self.add_series(&name.value, SeriesKind::Endpoint, None);
        self.rows.insert(name.value.clone(), (series, request.request.value.clone()));
        self.tag(series, &request.tags);
        let compiled = self.request(request, series, Place::Request)?;
        self.series[series.0 as usize].method = Some(compiled.method.clone());
        Some(compiled)
    }

    fn pickable(&mut self, endpoints: Vec<Option<Request>>, flows: Vec<Entry>) -> (Box<[Entry]>, Box<[f64]>) {
        let plan = self.group;
        let of_endpoints = plan.endpoints.iter().map(|(_, e)| e.weight.as_ref());
        let of_flows = plan.flows.iter().map(|(_, f)| f.weight.as_ref());
        let written: Vec<_> = of_endpoints.chain(of_flows).map(|weight| weight.map(|w| w.value)).collect();
        let default = if written.iter().any(Option::is_some) { 0.0 } else { 1.0 };
        let weights = written.iter().map(|weight| weight.unwrap_or(default));
        let entries = endpoints
            .into_iter()
            .map(|e| e.map(|request| Entry::Endpoint(Box::new(request))))
            .chain(flows.into_iter().map(Some));
        let mut sum = 0.0;
        let mut picked = vec![];
        let mut sums = vec![];
        for (entry, weight) in entries.zip(weights) {
            if weight > 0.0 {
                sum += weight;
                sums.push(sum);
                picked.extend(entry);
            }
        }
        if sum == 0.0 && !written.is_empty() && self.written.is_sound(&["endpoints", "flows", "scenarios"]) {
            let span = plan.endpoints.first().map_or_else(|| self.start_of_plan(), |(name, _)| name.span);
            self.error(
                Diagnostic::error(codes::NOTHING_TO_RUN, span, "every weight is 0, so nothing can be picked")
                    .help("give at least one endpoint or flow a weight above 0"),
            );
        }
        (picked.into(), sums.into())
    }

    fn flow(&mut self, name: &Located<String>, flow: &model::Flow, endpoints: &[Option<Request>]) -> Entry {
        let series = self.add_series(&name.value, SeriesKind::Flow, None);
        self.tag(series, &flow.tags);
        if let Some((first, _)) = self.group.endpoint(&name.value) {
            let message = format!("`{}` is an endpoint already", name.value);
            self.error(
                Diagnostic::error(codes::NAME, name.span, message)
                    .other(first.span, "the endpoint")
                    .help("each row of the report needs a name of its own"),
            );
        }
        let steps = self.flow_steps(&flow.steps, endpoints);
        Entry::Flow { series, steps }
    }

    /// The row of a request step: its `name`, else its path; the same request line shares a row.
    pub(super) fn row_of(&mut self, request: &model::Request, kind: SeriesKind) -> SeriesId {
        let line = request.request.value.trim();
        let path = line.split_once(char::is_whitespace).map_or(line, |(_, path)| path.trim());
        let name = request.name.as_ref().map_or(path, |name| name.value.as_str()).to_owned();
        let span = request.name.as_ref().map_or(request.request.span, |name| name.span);
        let series = self.row_named(name, span, line, kind);
        self.tag(series, &request.tags);
        series
    }

    /// Gives a row its tags. Requests that share a row have the same, or say none.
    fn tag(&mut self, series: SeriesId, tags: &Tags) {
        let Some((first, _)) = tags.0.first() else { return };
        match self.tagged.get(&series.0) {
            Some(known) if known.pairs().eq(tags.pairs()) => {}
            Some(known) => {
                let message =
                    format!("the row `{}` has other tags already", self.series[series.0 as usize].name);
                let problem = Diagnostic::error(codes::NAME, first.span, message);
                let problem = match known.0.first() {
                    Some((name, _)) => problem.other(name.span, "these"),
                    None => problem,
                };
                self.error(problem.help("write the same here, or give this step a `name` of its own"));
            }
            None => {
                self.series[series.0 as usize].tags.extend(tags.by_name());
                self.tagged.insert(series.0, tags.clone());
            }
        }
    }

    /// The row of this name for a request line; for what is no request the line is empty.
    pub(super) fn row_named(&mut self, name: String, span: Span, line: &str, kind: SeriesKind) -> SeriesId {
        match self.rows.get(&name) {
            Some((series, known)) if known == line && self.series[series.0 as usize].kind == kind => *series,
            Some(_) => {
                let message = format!("another request has the row `{name}` already");
                self.error(
                    Diagnostic::error(codes::NAME, span, message)
                        .help("give this step a `name` of its own, or `use` the endpoint"),
                );
                self.add_series(&name, kind, None)
            }
            None => {
                let series = self.add_series(&name, kind, None);
                self.rows.insert(name, (series, line.to_owned()));
                series
            }
        }
    }

    /// Names of the endpoints that can run: picked by weight or used by a flow that can.
    pub(super) fn reachable(&self) -> BTreeSet<&'a str> {
        let plan = self.group;
        let weighted = plan.endpoints.iter().any(|(_, e)| e.weight.is_some())
            || plan.flows.iter().any(|(_, f)| f.weight.is_some());
        let runs = |weight: Option<&Located<f64>>| weight.map_or(!weighted, |w| w.value > 0.0);
        let picked = plan
            .endpoints
            .iter()
            .filter(|(_, e)| runs(e.weight.as_ref()))
            .map(|(name, _)| name.value.as_str());
        let flows = plan.flows.iter().filter(|(_, flow)| runs(flow.weight.as_ref()));
        let names = flows.clone().map(|(name, _)| name.value.as_str());
        let steps = flows.flat_map(|(_, flow)| model::Step::all(&flow.steps));
        let used = steps.filter_map(|step| step.used().map(|step| step.use_.value.as_str()));
        picked.chain(names).chain(used).collect()
    }
}
