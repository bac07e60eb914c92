//! The plan as written: one struct a map of the plan, one field a key, each with its place. The doc comments
//! are what editors show. Must not resolve anything: names, templates and expressions stay text.

mod allow;
mod auth;
mod body;
mod dns;
mod expect;
mod feed;
mod foreign;
mod load;
mod poll;
mod reports;
mod request;
mod scenario;
mod session;
mod step;
mod threshold;
mod tls;

pub use allow::Allow;
pub use auth::{
    ApiKey, Auth, AuthApply, AuthRefresh, AuthScope, BasicAuth, ClientAuth, MaybeTemplate, OAuth2,
};
pub use body::{GraphQl, GraphQlQuery, LongPart, Part, QueryFile};
pub use dns::Dns;
pub use expect::{Expect, ExpectMap, OneOrMany, StatusMatch};
pub use feed::{Feed, Format, LongFeed, OnEnd, Order, Per};
pub use load::{Load, LoadForm, Process, Saturation, Stage};
pub use poll::{PollStep, Polled};
pub use reports::Reports;
pub use request::{AuthUse, Body, Flow, NO_LINE, Request};
pub use scenario::{LongPause, Pause, Scenario, ScenarioAuth, ScenarioHttp};
pub use session::{CookieJar, HttpDefaults, Ready, Secret};
pub use step::{
    Alternative, ChooseStep, Group, GroupStep, IfStep, Repeat, RepeatStep, SetStep, Step, ThinkStep, UseStep,
};
pub use threshold::{Grading, Level, LongThreshold, Threshold};
pub use tls::{Resumption, Tls};

use self::foreign::of_plan;
use super::codes;
use super::decode::Keys;
use super::node::{Node, NodeValue};
use crate::diagnostic::{Diagnostic, Diagnostics, Located, Span, nearest};
use std::time::Duration;

/// An ordered map: names as written, with their places.
pub type Entries<T> = Vec<(Located<String>, T)>;

pub use super::decode::{Scalar, Tags};

/// The format version this program reads.
pub const VERSION: u32 = 1;

plan_keys! {
    /// A load-test plan.
    "a plan"
    pub struct Plan {
        /// Format version of the plan, always 1.
        plan: Located<u32>,
        /// Name of the plan, shown in every report.
        name: Option<Located<String>>,
        /// What this plan shows and who reads the result.
        description: Option<Located<String>>,
        /// Labels of every row in the result.
        tags: Tags,
        /// Files this one stands on: a path, or a list of paths, relative to this file. What is written here wins.
        include: Option<OneOrMany<Located<String>>>,
        /// Base URL of the system under test, when there is only one; may be a template.
        target: Option<Located<String>>,
        /// Base URLs by name; the first is the default. May be templates.
        targets: Entries<Located<String>>,
        /// Values by name, of any kind, for templates and expressions.
        variables: Entries<Node>,
        /// Values from the environment that are masked in everything written.
        secrets: Entries<Secret>,
        /// What the plan reads although it is refused by default.
        allow: Option<Allow>,
        /// Data feeds: rows from files or from the plan.
        data: Entries<Feed>,
        /// Defaults for every request.
        http: Option<HttpDefaults>,
        /// Checks that must pass before the load starts.
        ready: Option<Ready>,
        /// How users log in.
        auth: Option<Auth>,
        /// Requests by name; each is one row in every report.
        endpoints: Entries<Request>,
        /// Journeys of several steps, picked by weight next to the endpoints.
        flows: Entries<Flow>,
        /// Pause between a user's iterations: `2s`, a range `1s..5s`, or `{ exponential: 2s }`.
        think: Option<Located<Pause>>,
        /// Shortest time from the start of one iteration of a user to the next.
        pacing: Option<Located<Duration>>,
        /// How much load, for how long.
        load: Option<Load>,
        /// Groups with a load of their own each, instead of one `load`.
        scenarios: Entries<Scenario>,
        /// What must hold over the whole plan for the run to pass.
        thresholds: Vec<Threshold>,
        /// The result of an earlier run that thresholds are relative to: a file of `run --json`, relative to this one.
        baseline: Option<Located<String>>,
        /// How a missed threshold is graded.
        grading: Option<Grading>,
        /// Reports that every run writes; flags of the command line win.
        reports: Option<Reports>,
        /// Named sets of changes to this plan, chosen with `--profile`.
        profiles: Entries<Node>,
    }
    later { "outputs" }
    foreign of_plan
    rules rules
    check check_plan
    instead plan = this_version
}

fn this_version(span: Span) -> Located<u32> {
    Located { value: VERSION, span }
}

fn rules(keys: &Keys<'_>, out: &mut Diagnostics) {
    keys.clash("target", "targets", "write `target` for one, `targets` for several", out);
    keys.clash("load", "scenarios", "each scenario has a `load` of its own", out);
    scenario::one_pause(keys, out);
}

fn check_plan(plan: &Plan, keys: &Keys<'_>, out: &mut Diagnostics) {
    if plan.plan.value != VERSION {
        let message = format!("format version {} is not known", plan.plan.value);
        out.push(Diagnostic::error(codes::VERSION, plan.plan.span, message).help("write `plan: 1`"));
    }
    feed::check_sources(plan, keys, out);
    for (name, scenario) in plan.scenarios.iter().filter(|(_, scenario)| scenario.load.is_none()) {
        let node = keys.node().get("scenarios").and_then(|all| all.get(&name.value));
        let entries = node.and_then(Node::as_map).unwrap_or_default();
        let may_be_load = entries.iter().any(|(key, _)| nearest(&key.value, ["load"]).is_some());
        if !may_be_load && !node.is_some_and(foreign::load::is_beside) {
            let message = format!("the scenario `{}` has no `load`", name.value);
            let help = "write for example `load: { users: 10, duration: 2m }`";
            out.push(Diagnostic::error(codes::MISSING_KEY, scenario.span, message).help(help));
        }
    }
    if let Some((key, Node { value: NodeValue::Map(all), .. })) = keys.node().entry("scenarios")
        && all.is_empty()
    {
        let help = "write a name and a `load` for each, or remove it";
        out.push(Diagnostic::error(codes::MISSING_KEY, key.span, "`scenarios` is empty").help(help));
    }
    let endpoints = keys.node().get("endpoints").and_then(Node::as_map).unwrap_or_default();
    for (key, _) in endpoints.iter().filter_map(|(_, endpoint)| endpoint.entry("name")) {
        let message = "an endpoint is named by its key; `name` belongs to a request in `steps`";
        out.push(Diagnostic::error(codes::UNKNOWN_KEY, key.span, message).help("remove `name`"));
    }
}
