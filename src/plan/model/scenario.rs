//! Groups of users with a load of their own, and the pauses between iterations. Must not resolve anything.

use super::foreign::of_scenario;
use super::{Auth, AuthUse, CookieJar, Entries, Feed, Flow, Load, Request, Scalar, Threshold};
use crate::diagnostic::{Diagnostics, Located};
use crate::plan::decode::{Definitions, FromNode, Keys};
use crate::plan::node::{Node, NodeValue};
use crate::units::DurationRange;
use std::time::Duration;

plan_keys! {
    /// A group of users with a load of its own, beside the others.
    "a scenario"
    pub struct Scenario {
        /// Its requests by name; the plan's own when it has neither endpoints nor flows.
        endpoints: Entries<Request>,
        /// Its journeys.
        flows: Entries<Flow>,
        /// Where its requests go that name no target: a URL, or the name of a target; the plan's when absent.
        target: Option<Located<String>>,
        /// Its base URLs by name, besides the plan's; one of the same name takes the place of the plan's.
        targets: Entries<Located<String>>,
        /// Its values by name, besides the plan's; one of the same name takes the place of the plan's.
        variables: Entries<Node>,
        /// Its data feeds, besides the plan's; one of the same name takes the place of the plan's.
        data: Entries<Feed>,
        /// Its defaults for every request, besides the plan's.
        http: Option<ScenarioHttp>,
        /// How its users log in; `none` for not at all; the plan's `auth` when absent.
        auth: Option<ScenarioAuth>,
        /// Pause between a user's iterations; the plan's `think` when absent.
        think: Option<Located<Pause>>,
        /// Shortest time from the start of one iteration to the next; the plan's `pacing` when absent.
        pacing: Option<Located<Duration>>,
        /// How much load, for how long.
        load: Option<Load>,
        /// How long after the start of the run it begins.
        start_after: Option<Located<Duration>>,
        /// What must hold over this scenario.
        thresholds: Vec<Threshold>,
    }
    example "{ flows: { … }, load: { users: 10, duration: 2m } }"
    foreign of_scenario
    rules one_pause
}

plan_keys! {
    /// What a scenario says about every request of its own.
    "the HTTP defaults of a scenario"
    pub struct ScenarioHttp {
        /// Longest wait for a whole answer; the plan's when absent.
        timeout: Option<Located<Duration>>,
        /// How many redirects a request follows; the plan's number when absent.
        redirects: Option<Located<u16>>,
        /// Headers of every request, besides the plan's; one of the same name takes the place of the plan's.
        headers: Entries<Located<Scalar>>,
        /// How long cookies that answers set are kept and sent back; the plan's choice when absent.
        cookies: Option<Located<CookieJar>>,
    }
}

/// Pauses and pacing both say when the next iteration starts.
pub(super) fn one_pause(keys: &Keys<'_>, out: &mut Diagnostics) {
    const HELP: &str =
        "`think` pauses after an iteration, `pacing` fixes the time between two starts: keep one";
    keys.clash("think", "pacing", HELP, out);
}

/// `auth` of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub enum ScenarioAuth {
    /// `none`
    None,
    /// A flow of its own.
    Flow(Box<Auth>),
}

impl FromNode for ScenarioAuth {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match node.value {
            NodeValue::Map(_) => Auth::from_node(node, out).map(|auth| Self::Flow(Box::new(auth))),
            _ => AuthUse::from_node(node, out).map(|_| Self::None),
        }
    }

    fn expected() -> String {
        "an auth flow, or `none`".to_owned()
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "anyOf": [AuthUse::schema(defs), Auth::schema(defs)] })
    }
}

/// A pause: `2s`, a range `1s..5s`, or a map with more to say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pause {
    /// Evenly from a range, both ends the same for a fixed one.
    Between(DurationRange),
    /// Exponential with this mean.
    Exponential(Duration),
}

plan_keys! {
    /// A pause with a distribution.
    "a pause"
    pub struct LongPause {
        /// The mean of an exponential distribution: most pauses are short, a few are long.
        exponential: Located<Duration>,
    }
}

impl FromNode for Pause {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match node.value {
            NodeValue::Map(_) => {
                let long = LongPause::from_node(node, out)?;
                Some(Self::Exponential(long.exponential.value))
            }
            _ => DurationRange::from_node(node, out).map(Self::Between),
        }
    }

    fn expected() -> String {
        DurationRange::expected()
    }

    fn example() -> &'static str {
        DurationRange::example()
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "anyOf": [DurationRange::schema(defs), LongPause::schema(defs)] })
    }
}
