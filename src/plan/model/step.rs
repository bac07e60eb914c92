//! The steps of flows and of `auth`, each known by the key it begins with. Must not resolve anything.

use super::foreign;
use super::poll::{PollStep, Polled, poll_of, poll_schema, request_of};
use super::{Entries, Expect, Pause, Request, Scalar};
use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use crate::plan::codes;
use crate::plan::decode::{Definitions, Foreign, FromNode, Keys, unknown_key, wrong_type_error};
use crate::plan::node::Node;
use serde_json::{Value, json};
use std::time::Duration;

/// One step of a flow or of `auth`.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A request written here.
    Request(Box<Request>),
    /// A request written under `endpoints`.
    Use(UseStep),
    /// A pause.
    Think(ThinkStep),
    /// Values computed in between.
    Set(SetStep),
    /// Steps that run only when something holds.
    If(IfStep),
    /// Steps that run several times.
    Repeat(RepeatStep),
    /// A request sent until its answer is what one waits for.
    Poll(Box<PollStep>),
    /// Steps with a row of their own.
    Group(GroupStep),
    /// One of several lists of steps, by weight.
    Choose(ChooseStep),
}

plan_keys! {
    /// A step that sends a request written under `endpoints`.
    "a step"
    pub struct UseStep {
        /// Name of the endpoint.
        use_: Located<String>,
        /// Names to remember from this answer, added to those of the endpoint.
        capture: Entries<Located<String>>,
        /// What this answer must be, instead of what the endpoint expects.
        expect: Option<Expect>,
        /// Longest wait for this answer, instead of the endpoint's.
        timeout: Option<Located<Duration>>,
        /// A row of its own for this use.
        name: Option<Located<String>>,
    }
}

plan_keys! {
    /// A step that pauses.
    "a pause"
    pub struct ThinkStep {
        /// How long: `2s`, a range `1s..5s`, or `{ exponential: 2s }`.
        think: Located<Pause>,
    }
}

plan_keys! {
    /// A step that gives names values.
    "a step"
    pub struct SetStep {
        /// Values by name; a lone `{{ }}` keeps its type. The last answer of the flow may be used.
        set: Entries<Node>,
    }
}

plan_keys! {
    /// A step that runs others only when something holds.
    "a step"
    pub struct IfStep {
        /// An expression over names and the last answer of the flow, without `{{ }}`.
        if_: Located<Scalar>,
        /// The steps when it holds.
        steps: Vec<Step>,
        /// The steps when it does not.
        else_: Vec<Step>,
    }
    rules has_inner_steps
}

plan_keys! {
    /// A step that runs others several times.
    "a step"
    pub struct RepeatStep {
        /// How often, and what.
        repeat: Repeat,
    }
    foreign steps_of_repeat
}

/// `steps` belongs under `repeat`. Where `repeat` is a number, the error there says so.
fn steps_of_repeat(map: &Node, (key, _): &(Located<String>, Node)) -> Option<Foreign> {
    let is_map = map.get("repeat").is_some_and(|repeat| repeat.as_map().is_some());
    let help = is_map.then(|| "indent it under `repeat`, beside `times`, `while` or `for_each`".to_owned());
    (key.value == "steps").then(|| Foreign { help, ..Foreign::default() })
}

plan_keys! {
    /// How often steps are repeated: one of `times`, `while` and `for_each`.
    "a repetition"
    pub struct Repeat {
        /// So many times; may be a template.
        times: Option<Located<Scalar>>,
        /// As long as this expression holds, looked at before each round.
        while_: Option<Located<Scalar>>,
        /// One name with an expression that gives a list: once for each of its entries, under that name.
        for_each: Option<Entries<Located<String>>>,
        /// The steps; `repeat.index` counts the rounds from 0.
        steps: Vec<Step>,
    }
    example "{ times: 3, steps: [use: an endpoint] }"
    rules one_repetition
}

plan_keys! {
    /// A step that gives others a row of their own, with the time all of them take.
    "a step"
    pub struct GroupStep {
        /// Its name and steps.
        group: Group,
    }
}

plan_keys! {
    /// Steps timed together.
    "a group"
    pub struct Group {
        /// Name of the row.
        name: Located<String>,
        /// The steps.
        steps: Vec<Step>,
    }
    rules has_inner_steps
}

plan_keys! {
    /// A step that runs one of several lists of steps.
    "a step"
    pub struct ChooseStep {
        /// The alternatives, picked by weight.
        choose: Vec<Alternative>,
    }
    check has_alternatives
}

plan_keys! {
    /// One of several lists of steps.
    "an alternative"
    pub struct Alternative {
        /// How often it is picked, relative to the others; 1 when absent.
        weight: Option<Located<f64>>,
        /// The steps.
        steps: Vec<Step>,
    }
    rules has_inner_steps
    check has_weight
}

fn has_inner_steps(keys: &Keys<'_>, out: &mut Diagnostics) {
    keys.required("steps", "this", "write `steps:` with a list of `- use: …` or `- request: …`", out);
}

fn one_repetition(keys: &Keys<'_>, out: &mut Diagnostics) {
    const KINDS: [&str; 3] = ["times", "while", "for_each"];
    has_inner_steps(keys, out);
    let written: Vec<_> = KINDS.into_iter().filter(|key| keys.span_of(key).is_some()).collect();
    match written.as_slice() {
        [_] => {}
        [first, second, ..] => {
            keys.clash(first, second, "a repetition has one of them: remove the other", out)
        }
        [] => {
            let is_misspelt = |key: &str| crate::diagnostic::nearest(key, KINDS).is_some();
            if !keys.node().as_map().unwrap_or_default().iter().any(|(key, _)| is_misspelt(&key.value)) {
                let message = "a repetition needs `times`, `while` or `for_each`";
                let help = "write for example `times: 3`, or `for_each: { item: json.items }`";
                out.push(Diagnostic::error(codes::MISSING_KEY, keys.span(), message).help(help));
            }
        }
    }
    if let Some((key, node)) = keys.node().entry("for_each")
        && node.as_map().is_some_and(|names| names.len() != 1)
    {
        let message = "`for_each` takes one name with one expression";
        let help = "write for example `for_each: { item: json.items }`";
        out.push(Diagnostic::error(codes::WRONG_TYPE, key.span, message).help(help));
    }
}

fn has_alternatives(step: &ChooseStep, keys: &Keys<'_>, out: &mut Diagnostics) {
    keys.required("choose", "this step", "write a list of `- { weight: 1, steps: […] }`", out);
    if !step.choose.is_empty()
        && step.choose.iter().all(|one| one.weight.as_ref().is_some_and(|weight| weight.value == 0.0))
    {
        let message = "every weight is 0, so nothing can be picked";
        let help = "give at least one alternative a weight above 0";
        out.push(Diagnostic::error(codes::OUT_OF_RANGE, step.span, message).help(help));
    }
}

fn has_weight(alternative: &Alternative, _: &Keys<'_>, out: &mut Diagnostics) {
    if let Some(weight) = &alternative.weight {
        super::load::check_weight(weight, out);
    }
}

const STEP_KINDS: [&str; 9] = ["request", "use", "think", "set", "if", "repeat", "poll", "group", "choose"];

impl Step {
    /// The lists of steps inside it.
    pub fn inner(&self) -> Vec<&[Step]> {
        match self {
            Self::Request(_) | Self::Use(_) | Self::Think(_) | Self::Set(_) | Self::Poll(_) => vec![],
            Self::If(step) => vec![&step.steps, &step.else_],
            Self::Repeat(step) => vec![&step.repeat.steps],
            Self::Group(step) => vec![&step.group.steps],
            Self::Choose(step) => step.choose.iter().map(|one| one.steps.as_slice()).collect(),
        }
    }

    /// Where it stands.
    pub fn span(&self) -> crate::diagnostic::Span {
        match self {
            Self::Request(step) => step.request.span,
            Self::Use(step) => step.use_.span,
            Self::Think(step) => step.think.span,
            Self::Set(step) => step.span,
            Self::If(step) => step.if_.span,
            Self::Repeat(step) => step.repeat.span,
            Self::Poll(step) => step.until.span,
            Self::Group(step) => step.group.name.span,
            Self::Choose(step) => step.span,
        }
    }

    /// These steps and all inside them, in the order they are written.
    pub fn all(steps: &[Step]) -> Vec<&Step> {
        let mut found = vec![];
        for step in steps {
            found.push(step);
            step.inner().into_iter().for_each(|inner| found.extend(Self::all(inner)));
        }
        found
    }

    /// The request that is written in it.
    pub fn written_request(&self) -> Option<&Request> {
        match self {
            Self::Request(request) => Some(request),
            Self::Poll(poll) => match &poll.request {
                Polled::Request(request) => Some(request),
                Polled::Use(_) => None,
            },
            _ => None,
        }
    }

    /// The `use` in it.
    pub fn used(&self) -> Option<&UseStep> {
        match self {
            Self::Use(step) => Some(step),
            Self::Poll(poll) => match &poll.request {
                Polled::Use(step) => Some(step),
                Polled::Request(_) => None,
            },
            _ => None,
        }
    }

    fn of_kind(kind: &str, node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match kind {
            "use" => UseStep::from_node(node, out).map(Self::Use),
            "think" => ThinkStep::from_node(node, out).map(Self::Think),
            "set" => SetStep::from_node(node, out).map(Self::Set),
            "if" => IfStep::from_node(node, out).map(Self::If),
            "repeat" => RepeatStep::from_node(node, out).map(Self::Repeat),
            "poll" => poll_of(node, out).map(|poll| Self::Poll(Box::new(poll))),
            "group" => GroupStep::from_node(node, out).map(Self::Group),
            "choose" => ChooseStep::from_node(node, out).map(Self::Choose),
            _ => request_of(node, out).map(|request| Self::Request(Box::new(request))),
        }
    }
}

impl FromNode for Step {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        let Some(map) = node.as_map() else {
            let error = wrong_type_error(node, &Self::expected());
            out.push(error.help("write for example `- request: GET /path`, or `- use: an endpoint`"));
            return None;
        };
        let kinds: Vec<_> = map.iter().filter(|(k, _)| STEP_KINDS.contains(&k.value.as_str())).collect();
        match kinds.as_slice() {
            [(kind, _)] => Self::of_kind(&kind.value, node, out),
            [(first, _), (second, _), ..] => {
                let message = format!("`{}` and `{}` are two steps", first.value, second.value);
                out.push(
                    Diagnostic::error(codes::CLASH, second.span, message)
                        .other(first.span, "the first")
                        .help(format!("start a new item of the list with `- {}:`", second.value)),
                );
                None
            }
            [] => {
                let told = map.iter().find_map(|entry| foreign::of_step(entry)?.told(entry, "a step"));
                if told.is_some() && !foreign::is_request(node) {
                    told.into_iter().for_each(|told| out.push(told));
                    return None;
                }
                if foreign::is_request(node) {
                    return request_of(node, out).map(|request| Self::Request(Box::new(request)));
                }
                match map.iter().find(|(k, _)| crate::diagnostic::nearest(&k.value, STEP_KINDS).is_some()) {
                    Some((key, _)) => out.push(unknown_key(key, "a step", &STEP_KINDS)),
                    None => out.push(
                        Diagnostic::error(codes::MISSING_KEY, node.span, "this step does nothing").help(
                            format!(
                                "a step has one of {}",
                                STEP_KINDS.map(|kind| format!("`{kind}`")).join(", ")
                            ),
                        ),
                    ),
                }
                None
            }
        }
    }

    fn expected() -> String {
        "a step: a map with `request`, `use`, `think` or another kind of step".to_owned()
    }

    fn schema(defs: &mut Definitions) -> Value {
        let reference = json!({ "$ref": "#/$defs/Step" });
        if !defs.contains_key("Step") {
            defs.insert("Step".to_owned(), Value::Null);
            let poll = json!({
                "type": "object",
                "description": "A step that sends a request until its answer is what one waits for.",
                "properties": { "poll": poll_schema(defs) },
                "required": ["poll"],
                "additionalProperties": false,
            });
            let kinds = [
                Request::schema(defs),
                UseStep::schema(defs),
                ThinkStep::schema(defs),
                SetStep::schema(defs),
                IfStep::schema(defs),
                RepeatStep::schema(defs),
                poll,
                GroupStep::schema(defs),
                ChooseStep::schema(defs),
            ];
            defs.insert(
                "Step".to_owned(),
                json!({
                    "title": "a step",
                    "description": "One step, known by the key it begins with.",
                    "anyOf": kinds,
                }),
            );
        }
        reference
    }
}
