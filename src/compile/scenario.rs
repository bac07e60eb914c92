//! Scenarios: groups of users, each with its requests, login, pauses and load. A plan without `scenarios` is one
//! named `default`.

use std::collections::BTreeMap;
use std::time::Duration;

use minijinja::Value;

use crate::diagnostic::{Diagnostic, Located};
use crate::load::{Arrivals, Load, Pause, Process, RateCurve, RateStage, Saturation, Stage, UserCurve};
use crate::metric::{SeriesId, SeriesKind};
use crate::plan::model::{self, CookieJar, Entries, LoadForm};
use crate::plan::node::Node;
use crate::template::SlotId;

use super::model::{Scenario, SeriesInfo};
use super::{Compiler, codes};

/// The scenario of a plan that names none.
pub const DEFAULT_SCENARIO: &str = "default";
/// `graceful_stop` when a plan says nothing.
const GRACEFUL_STOP: Duration = Duration::from_secs(30);
/// `load` when a plan says nothing: one user, this long.
const DEFAULT_DURATION: Duration = Duration::from_secs(10);
/// `max_users` when a plan says nothing.
const MAX_USERS: u32 = 10_000;

/// One scenario as written, or the plan itself where there are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group<'a> {
    pub name: Option<&'a Located<String>>,
    pub endpoints: &'a Entries<model::Request>,
    pub flows: &'a Entries<model::Flow>,
    /// Endpoints of the plan that only `use` reaches.
    pub shared: &'a [(Located<String>, model::Request)],
    pub auth: Option<&'a model::Auth>,
    pub think: Option<&'a Located<model::Pause>>,
    pub pacing: Option<&'a Located<Duration>>,
    pub load: Option<&'a model::Load>,
    pub start_after: Option<&'a Located<Duration>>,
    pub thresholds: &'a [model::Threshold],
    /// What it has besides the plan's, or instead of it.
    pub target: Option<&'a Located<String>>,
    pub targets: &'a [(Located<String>, Located<String>)],
    pub variables: &'a Entries<Node>,
    pub data: &'a Entries<model::Feed>,
    pub http: Option<&'a model::ScenarioHttp>,
}

/// What a plan without scenarios says for one of them.
const NO_VARIABLES: &Entries<Node> = &vec![];
const NO_DATA: &Entries<model::Feed> = &vec![];

/// The groups of a plan, in order.
pub(super) fn groups(plan: &model::Plan) -> Vec<Group<'_>> {
    let whole = Group {
        name: None,
        endpoints: &plan.endpoints,
        flows: &plan.flows,
        shared: &[],
        auth: plan.auth.as_ref(),
        think: plan.think.as_ref(),
        pacing: plan.pacing.as_ref(),
        load: plan.load.as_ref(),
        start_after: None,
        thresholds: &[],
        target: None,
        targets: &[],
        variables: NO_VARIABLES,
        data: NO_DATA,
        http: None,
    };
    if plan.scenarios.is_empty() {
        return vec![whole];
    }
    plan.scenarios.iter().map(|(name, written)| of(whole, name, written)).collect()
}

/// A scenario that says nothing about its requests sends the plan's.
fn of<'a>(whole: Group<'a>, name: &'a Located<String>, written: &'a model::Scenario) -> Group<'a> {
    let has_own = !written.endpoints.is_empty() || !written.flows.is_empty();
    let own_pause = written.think.is_some() || written.pacing.is_some();
    Group {
        name: Some(name),
        endpoints: if has_own { &written.endpoints } else { whole.endpoints },
        flows: if has_own { &written.flows } else { whole.flows },
        shared: if has_own { whole.endpoints } else { &[] },
        auth: match &written.auth {
            None => whole.auth,
            Some(model::ScenarioAuth::None) => None,
            Some(model::ScenarioAuth::Flow(auth)) => Some(auth),
        },
        think: if own_pause { written.think.as_ref() } else { whole.think },
        pacing: if own_pause { written.pacing.as_ref() } else { whole.pacing },
        load: written.load.as_ref(),
        start_after: written.start_after.as_ref(),
        thresholds: &written.thresholds,
        target: written.target.as_ref(),
        targets: &written.targets,
        variables: &written.variables,
        data: &written.data,
        http: written.http.as_ref(),
    }
}

impl<'a> Group<'a> {
    /// The name in reports.
    pub fn label(&self) -> &'a str {
        self.name.map_or(DEFAULT_SCENARIO, |name| name.value.as_str())
    }

    /// The endpoint of this name, the scenario's own first.
    pub fn endpoint(&self, name: &str) -> Option<&'a (Located<String>, model::Request)> {
        self.endpoints.iter().chain(self.shared).find(|(known, _)| known.value == name)
    }
}

impl<'a> Compiler<'a> {
    /// Compiles all scenarios, with their rows and thresholds.
    pub(super) fn scenarios(
        &mut self,
        thresholds: &mut Vec<super::model::ScopedThreshold>,
    ) -> Box<[Scenario]> {
        let mut user_base = 0;
        // Of each feed, rows that users of earlier scenarios have.
        let mut rows_of_users = BTreeMap::new();
        let mut scenarios = vec![];
        for (index, group) in groups(self.plan).into_iter().enumerate() {
            let initial = self.enter(index, group);
            let auth = self.auth(group.auth);
            let (entries, weights) = self.entries();
            self.group_thresholds(thresholds);
            let load = load_of(group.load);
            let warmup = group.load.and_then(|load| load.warmup.as_ref());
            self.check_warmup(warmup, &load);
            if load.arrivals().is_some() {
                self.warn_of_pauses(group);
            }
            let warmup = warmup.map_or(Duration::ZERO, |warmup| warmup.value);
            self.add_warmup_rows(index, warmup);
            let graceful = group.load.and_then(|load| load.graceful_stop.as_ref());
            self.doubts(&load, graceful.map_or(GRACEFUL_STOP, |graceful| graceful.value));
            let users = load.peak();
            // An arrival is a visitor of its own; a user that loops is the same one again.
            let forgets_cookies = match self.cookie_jar() {
                None => load.arrivals().is_some(),
                Some(jar) => jar == CookieJar::Iteration,
            };
            let feeds = self.feeds.of_scenario();
            let row_per_user = feeds.per_user.iter().map(|feed| {
                let before = rows_of_users.entry(*feed).or_insert(0);
                let first = *before;
                *before += u64::from(users);
                (*feed, first)
            });
            scenarios.push(Scenario {
                name: group.label().to_owned(),
                entries,
                weights,
                auth,
                think: group.think.map(|think| pause_of(think.value)),
                pacing: group.pacing.map(|pacing| pacing.value),
                load,
                start_after: group.start_after.map_or(Duration::ZERO, |after| after.value),
                warmup,
                graceful_stop: graceful.map_or(GRACEFUL_STOP, |graceful| graceful.value),
                user_base,
                initial,
                row_per_user: row_per_user.collect(),
                row_per_iteration: feeds.per_iteration,
                has_request_rows: !feeds.per_request.is_empty(),
                forgets_cookies,
            });
            user_base += u64::from(users);
        }
        scenarios.into()
    }

    /// What is compiled from here on belongs to this scenario.
    fn enter(&mut self, index: usize, group: Group<'a>) -> Box<[(SlotId, Value)]> {
        self.group = group;
        self.scenario = index;
        self.prefix = group.name.map_or(String::new(), |name| format!("{}/", name.value));
        self.rows.clear();
        self.shared.clear();
        self.http = group.http;
        let variables = self.scenario_variables();
        self.scenario_targets();
        self.scenario_feeds();
        self.declare_captures();
        variables
    }

    /// Pauses between iterations of a scenario whose iterations come by a rate.
    fn warn_of_pauses(&mut self, group: Group<'_>) {
        let is_shared = group.name.is_some()
            && (group.think == self.plan.think.as_ref() && group.pacing == self.plan.pacing.as_ref());
        let think = group.think.map(|think| ("think", think.span));
        let pause = think.or_else(|| group.pacing.map(|pacing| ("pacing", pacing.span)));
        if let Some((key, span)) = pause.filter(|_| !is_shared) {
            let message = format!("`{key}` does nothing here: iterations begin when the `rate` says so");
            self.error(
                Diagnostic::warning(codes::UNREACHABLE, span, message)
                    .help("remove it, or write a `think` step into a flow"),
            );
        }
    }

    fn check_warmup(&mut self, warmup: Option<&Located<Duration>>, load: &Load) {
        if let (Some(warmup), Some(planned)) = (warmup, load.planned())
            && warmup.value >= planned
            && self.written.is_sound(&["load", "scenarios"])
        {
            let message = "the warm-up is as long as the load, so nothing would be measured";
            let planned = crate::units::format_duration_us(planned.as_micros() as u64);
            self.error(
                Diagnostic::error(codes::UNREACHABLE, warmup.span, message)
                    .help(format!("the load takes {planned}, its warm-up is the first part of it")),
            );
        }
    }

    /// Requests of a warm-up have rows of their own.
    fn add_warmup_rows(&mut self, scenario: usize, warmup: Duration) {
        if warmup.is_zero() {
            return;
        }
        for index in 0..self.series.len() {
            let of = &self.series[index];
            if of.scenario == scenario && matches!(of.kind, SeriesKind::Endpoint | SeriesKind::Flow) {
                let twin = SeriesInfo {
                    kind: SeriesKind::WarmUp,
                    measured: Some(SeriesId(index as u16)),
                    ..of.clone()
                };
                self.series[index].warmup = Some(SeriesId(self.series.len() as u16));
                self.series.push(twin);
            }
        }
    }
}

pub(super) fn pause_of(pause: model::Pause) -> Pause {
    match pause {
        model::Pause::Between(range) => Pause::Between(range),
        model::Pause::Exponential(mean) => Pause::Exponential(mean),
    }
}

pub(super) fn load_of(written: Option<&model::Load>) -> Load {
    let users = |users: Option<&Located<u32>>| users.map_or(1, |u| u.value);
    match written.and_then(|load| Some((load, load.form()?))) {
        None => Load::Users(UserCurve::constant(1, DEFAULT_DURATION, None)),
        Some((_, LoadForm::Users { users, duration, spawn_rate })) => {
            let rate = spawn_rate.map(|rate| rate.value.per_second);
            Load::Users(UserCurve::constant(users.value, duration.value, rate))
        }
        Some((_, LoadForm::Stages(stages))) => {
            let stage = |stage: &model::Stage| Stage {
                duration: stage.duration.value,
                users: users(stage.users.as_ref()),
                spawn_rate_per_s: stage.spawn_rate.as_ref().map(|rate| rate.value.per_second),
            };
            Load::Users(UserCurve::from_stages(&stages.iter().map(stage).collect::<Vec<_>>()))
        }
        Some((_, LoadForm::Iterations { users: count, iterations })) => {
            Load::Iterations { users: users(count), total: iterations.value }
        }
        Some((_, LoadForm::IterationsPerUser { users: count, iterations })) => {
            Load::IterationsPerUser { users: users(count), each: iterations.value }
        }
        Some((load, LoadForm::Rate { rate, duration })) => {
            arrivals_of(load, RateCurve::constant(rate.value.per_second, duration.value))
        }
        Some((load, LoadForm::RateStages(stages))) => {
            let stage = |stage: &model::Stage| RateStage {
                duration: stage.duration.value,
                rate_per_s: stage.rate.as_ref().map_or(0.0, |rate| rate.value.per_second),
            };
            arrivals_of(load, RateCurve::from_stages(&stages.iter().map(stage).collect::<Vec<_>>()))
        }
    }
}

fn arrivals_of(load: &model::Load, curve: RateCurve) -> Load {
    let process = match load.arrivals.as_ref().map(|process| process.value) {
        Some(model::Process::Poisson) => Process::Poisson,
        Some(model::Process::Constant) | None => Process::Constant,
    };
    let on_saturation = match load.on_saturation.as_ref().map(|choice| choice.value) {
        Some(model::Saturation::Drop) => Saturation::Drop,
        Some(model::Saturation::Queue) | None => Saturation::Queue,
    };
    let max_users = load.max_users.as_ref().map_or(MAX_USERS, |users| users.value);
    Load::Arrivals(Arrivals { curve, process, max_users, on_saturation })
}
