//! The steps of flows, at any depth. Endpoints that `use` names are compiled already.

use std::time::Duration;

use crate::diagnostic::{Diagnostic, Located};
use crate::expect::{Check, Needs};
use crate::metric::{SeriesId, SeriesKind};
use crate::plan::model::{self, Polled};
use crate::template::{Expr, JsonText};

use super::model::{Poll, Request, Rounds, Step};
use super::names::Place;
use super::scenario::pause_of;
use super::{Compiler, codes, later_use};

/// Pause between two requests of a poll that says nothing.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Longest wait of a poll that says nothing.
const POLL_TIMEOUT: Duration = Duration::from_secs(60);

/// The compiled endpoints of the scenario, by their index.
type Endpoints<'e> = &'e [Option<Request>];

impl Compiler<'_> {
    /// The steps of a flow.
    pub(super) fn flow_steps(&mut self, written: &[model::Step], endpoints: Endpoints<'_>) -> Box<[Step]> {
        self.follows = false;
        later_use::arrange(self.steps(written, endpoints))
    }

    fn steps(&mut self, written: &[model::Step], endpoints: Endpoints<'_>) -> Box<[Step]> {
        written.iter().filter_map(|step| self.step(step, endpoints)).collect()
    }

    fn step(&mut self, written: &model::Step, endpoints: Endpoints<'_>) -> Option<Step> {
        Some(match written {
            model::Step::Think(think) => Step::Think(pause_of(think.think.value)),
            model::Step::Use(step) => Step::Request(Box::new(self.use_step(step, endpoints)?)),
            model::Step::Request(request) => Step::Request(Box::new(self.inline_step(request)?)),
            model::Step::Set(step) => Step::Set(self.set(step)),
            model::Step::If(step) => {
                let test = self.condition(&step.if_);
                let then = self.steps(&step.steps, endpoints);
                Step::If(test?, then, self.steps(&step.else_, endpoints))
            }
            model::Step::Repeat(step) => {
                let rounds = self.rounds(&step.repeat);
                let outside = std::mem::replace(&mut self.known.repeats, true);
                let steps = self.steps(&step.repeat.steps, endpoints);
                self.known.repeats = outside;
                Step::Repeat(rounds?, steps)
            }
            model::Step::Poll(poll) => Step::Poll(Box::new(self.poll(poll, endpoints)?)),
            model::Step::Group(step) => {
                let series = self.block_row(&step.group.name);
                Step::Group(series, self.steps(&step.group.steps, endpoints))
            }
            model::Step::Choose(step) => {
                let weight =
                    |one: &model::Alternative| one.weight.as_ref().map_or(1.0, |weight| weight.value);
                let sums = step.choose.iter().scan(0.0, |sum, one| {
                    *sum += weight(one);
                    Some(*sum)
                });
                Step::Choose(
                    sums.collect(),
                    step.choose.iter().map(|one| self.steps(&one.steps, endpoints)).collect(),
                )
            }
        })
    }

    fn set(&mut self, step: &model::SetStep) -> Box<[(crate::template::SlotId, JsonText)]> {
        let mut values = vec![];
        for (name, node) in &step.set {
            let mut value = JsonText::default();
            self.json(node, Place::Between, &mut value);
            values.extend(self.names.get(&name.value).map(|slot| (slot, value)));
        }
        values.into()
    }

    /// An expression over names and the last answer.
    fn condition(&mut self, source: &Located<impl AsRef<str>>) -> Option<Expr> {
        let source = &Located { value: source.value.as_ref().to_owned(), span: source.span };
        let expr = self.expression(source, Place::Answer, Expr::compile)?;
        let names = expr.names();
        self.check_names(&names, source.value.trim(), source.span, Place::Answer);
        self.doubt_condition(source);
        Some(expr)
    }

    fn rounds(&mut self, repeat: &model::Repeat) -> Option<Rounds> {
        if let Some(times) = &repeat.times {
            if !times.value.contains("{{") && times.value.trim().parse::<u64>().is_err() {
                let message = format!("`{}` is no number of times", &*times.value);
                let help = "write a whole number such as `3`, or a template such as `\"{{ top_k }}\"`";
                self.error(Diagnostic::error(codes::VALUE, times.span, message).help(help));
                return None;
            }
            let text = self.text(&times.value, times.span, Place::Between)?;
            return Some(Rounds::Times(text));
        }
        if let Some(test) = &repeat.while_ {
            let outside = std::mem::replace(&mut self.known.repeats, true);
            let test = self.condition(test);
            self.known.repeats = outside;
            return test.map(Rounds::While);
        }
        let (name, list) = repeat.for_each.as_ref()?.first()?;
        let list = self.condition(list)?;
        Some(Rounds::ForEach(self.names.get(&name.value)?, list))
    }

    fn poll(&mut self, poll: &model::PollStep, endpoints: Endpoints<'_>) -> Option<Poll> {
        let (request, of) = match &poll.request {
            Polled::Request(request) => (self.inline_step(request), request.request.span),
            Polled::Use(step) => (self.use_step(step, endpoints), step.use_.span),
        };
        let mut request = request;
        let written = match &poll.request {
            Polled::Request(request) => request.redirects.as_ref(),
            Polled::Use(step) => self.written_redirects(step),
        };
        if let Some(request) =
            request.as_mut().filter(|_| written.is_none() && self.is_redirect(&poll.until.value))
        {
            request.redirects = 0;
            self.follows = false;
        }
        let until = self.condition(&poll.until);
        let mut request = request?;
        let timeout = poll.timeout.as_ref().map_or(POLL_TIMEOUT, |timeout| timeout.value);
        request.timeout = request.timeout.min(timeout);
        let own = self.series[request.series.0 as usize].name.clone();
        let own = own.strip_prefix(self.prefix.as_str()).unwrap_or(&own);
        let name = Located { value: format!("poll {own}"), span: of };
        let series = self.block_row(poll.name.as_ref().unwrap_or(&name));
        let every = poll.every.as_ref().map_or(POLL_EVERY, |every| every.value);
        Some(Poll { series, request, every, until: until?, timeout })
    }

    /// The row of steps that are timed together; those of one name share it.
    fn block_row(&mut self, name: &Located<String>) -> SeriesId {
        if let Some((flow, _)) = self.group.flows.iter().find(|(flow, _)| flow.value == name.value) {
            let message = format!("`{}` is a flow already", name.value);
            let problem = Diagnostic::error(codes::NAME, name.span, message).other(flow.span, "the flow");
            self.error(problem.help("each row of the report needs a name of its own"));
        }
        self.row_named(name.value.clone(), name.span, "", SeriesKind::Flow)
    }

    fn use_step(&mut self, step: &model::UseStep, endpoints: Endpoints<'_>) -> Option<Request> {
        let mut request = self.used(&step.use_, endpoints)?;
        self.feeds.begin_request();
        if let Some(name) = &step.name {
            let line =
                self.group.endpoint(&step.use_.value).map(|(_, used)| used.request.value.trim().to_owned());
            let series = self.row_named(name.value.clone(), name.span, &line?, SeriesKind::Endpoint);
            self.series[series.0 as usize].method = Some(request.method.clone());
            self.series[series.0 as usize].tags = self.series[request.series.0 as usize].tags.clone();
            request.series = series;
        }
        if step.expect.is_some() {
            request.checks = self.checks(step.expect.as_ref(), Place::Answer).into();
        }
        request.timeout = step.timeout.as_ref().map_or(request.timeout, |timeout| timeout.value);
        let captures = self.captures(&step.capture, Place::Answer);
        request.rows = self.feeds.of_request(&request.rows);
        request.captures = request.captures.iter().cloned().chain(captures).collect();
        let needs = request.checks.iter().map(Check::needs).chain(request.captures.iter().map(|c| c.needs));
        request.needs = needs.fold(Needs::default(), Needs::and);
        if step.expect.is_some() || !step.capture.is_empty() {
            let asked = (&*request.checks, &*request.captures);
            request.redirects =
                self.redirects(self.written_redirects(step), Place::Request, step.use_.span, asked);
        }
        self.follows = request.redirects > 0;
        Some(request)
    }

    /// The endpoint that a step names.
    fn used(&mut self, name: &Located<String>, endpoints: Endpoints<'_>) -> Option<Request> {
        let plan = self.group;
        let own = plan.endpoints.iter().position(|(known, _)| known.value == name.value);
        let shared = plan.shared.iter().find(|(known, _)| known.value == name.value);
        match (own, shared) {
            (Some(index), _) => return endpoints.get(index).cloned().flatten(),
            (None, Some((name, request))) => return self.shared_endpoint(name, request),
            (None, None) => {}
        }
        if self.written.defines(&name.value) {
            return None;
        }
        let known = plan.endpoints.iter().chain(plan.shared).map(|(known, _)| known.value.as_str());
        let is_flow = plan.flows.iter().any(|(flow, _)| flow.value == name.value);
        let message = format!("there is no endpoint `{}`", name.value);
        let problem = Diagnostic::error(codes::UNKNOWN_ENDPOINT, name.span, message);
        self.error(if is_flow {
            problem.help("it is a flow; `use` takes an endpoint")
        } else {
            problem.did_you_mean_or_list(&name.value, known)
        });
        None
    }

    /// An endpoint of the plan in a scenario with requests of its own: it has a row there once a flow uses it.
    fn shared_endpoint(&mut self, name: &Located<String>, request: &model::Request) -> Option<Request> {
        if let Some(known) = self.shared.get(&name.value) {
            return known.clone();
        }
        let compiled = self.endpoint(name, request);
        self.shared.insert(name.value.clone(), compiled.clone());
        compiled
    }

    fn inline_step(&mut self, request: &model::Request) -> Option<Request> {
        let series = self.row_of(request, SeriesKind::Endpoint);
        let compiled = self.request(request, series, Place::Request)?;
        self.series[series.0 as usize].method = Some(compiled.method.clone());
        self.follows = compiled.redirects > 0;
        Some(compiled)
    }
}
