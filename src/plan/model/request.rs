//! What is sent and in which order: endpoints, flows and their steps. Must not resolve anything.

use super::{Entries, Expect, GraphQl, OneOrMany, Part, Pause, Scalar, Threshold};
use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use crate::plan::codes;
use crate::plan::decode::{Definitions, FromNode, Keys, unknown_key, wrong_type};
use crate::plan::node::{Node, NodeValue};
use std::time::Duration;

plan_keys! {
    /// One request: an endpoint of the plan, or a step of a flow.
    "a request"
    pub struct Request {
        /// `METHOD [target:]/path`, or a full URL; without a target the first one. May be a template.
        request: Located<String>,
        /// Name of the row in reports; only for a request in `steps`.
        name: Option<Located<String>>,
        /// Body sent as JSON; a value that is one lone `{{ }}` keeps its type.
        json: Option<Node>,
        /// Body sent as a form; a list repeats its field.
        form: Option<Entries<OneOrMany<Located<Scalar>>>>,
        /// Body sent as text.
        text: Option<Located<String>>,
        /// File whose rendered text is the body, relative to this plan.
        template: Option<Located<String>>,
        /// Body of several parts, such as a form with files; a list repeats its part.
        multipart: Option<Entries<OneOrMany<Part>>>,
        /// File that is the body as it is, relative to this plan; read once, before the run.
        file: Option<Located<String>>,
        /// GraphQL operation sent as the body.
        graphql: Option<GraphQl>,
        /// Query parameters; a list repeats its parameter.
        query: Entries<OneOrMany<Located<Scalar>>>,
        /// Request headers.
        headers: Entries<Located<Scalar>>,
        /// `none` sends the request without the plan's `auth`.
        auth: Option<Located<AuthUse>>,
        /// How often it is picked, relative to the others; 0 is only reachable by `use`.
        weight: Option<Located<f64>>,
        /// What the answer must be; without it a status below 400.
        expect: Option<Expect>,
        /// Names to remember from the answer, each with the expression that finds it.
        capture: Entries<Located<String>>,
        /// Longest wait for the whole answer.
        timeout: Option<Located<Duration>>,
        /// What must hold for this request over the run.
        thresholds: Vec<Threshold>,
    }
    later { "think", "cookies", "redirects", "if", "retry", "stream" }
    rules one_body
    check check_request
}

/// The body of a request as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Body<'a> {
    /// `json:`
    Json(&'a Node),
    /// `form:`
    Form(&'a Entries<OneOrMany<Located<Scalar>>>),
    /// `text:`
    Text(&'a Located<String>),
    /// `template:`, a path.
    Template(&'a Located<String>),
    /// `multipart:`
    Multipart(&'a Entries<OneOrMany<Part>>),
    /// `file:`, a path.
    File(&'a Located<String>),
    /// `graphql:`
    GraphQl(&'a GraphQl),
}

/// The keys that are a body.
const BODIES: [&str; 7] = ["json", "form", "text", "template", "multipart", "file", "graphql"];

impl Request {
    /// The body, when there is one; a clash of two was already reported.
    pub fn body(&self) -> Option<Body<'_>> {
        None.or(self.json.as_ref().map(Body::Json))
            .or(self.form.as_ref().map(Body::Form))
            .or(self.text.as_ref().map(Body::Text))
            .or(self.template.as_ref().map(Body::Template))
            .or(self.multipart.as_ref().map(Body::Multipart))
            .or(self.file.as_ref().map(Body::File))
            .or(self.graphql.as_ref().map(Body::GraphQl))
    }
}

fn one_body(keys: &Keys<'_>, out: &mut Diagnostics) {
    let written: Vec<_> = BODIES.into_iter().filter(|key| keys.span_of(key).is_some()).collect();
    for second in written.iter().skip(1) {
        keys.clash(written[0], second, "a request has one body: remove one of them", out);
    }
    if let Some((key, Node { value: NodeValue::Map(parts), .. })) = keys.node().entry("multipart")
        && parts.is_empty()
    {
        let help = "write a name and a value, or `{ file: path }`, for each part";
        out.push(Diagnostic::error(codes::MISSING_KEY, key.span, "`multipart` is empty").help(help));
    }
}

fn check_request(request: &Request, _: &Keys<'_>, out: &mut Diagnostics) {
    if let Some(weight) = &request.weight {
        super::load::check_weight(weight, out);
    }
}

plan_words! {
    /// Whether the plan's `auth` applies to a request.
    "an auth choice"
    pub enum AuthUse {
        /// The request goes without.
        None = "none",
    }
}

plan_keys! {
    /// A journey of several steps.
    "a flow"
    pub struct Flow {
        /// How often it is picked, relative to the other flows and endpoints.
        weight: Option<Located<f64>>,
        /// The steps, in order.
        steps: Vec<Step>,
        /// What must hold for this flow over the run.
        thresholds: Vec<Threshold>,
    }
    later { "think", "data", "name" }
    rules has_steps
    check check_flow
}

fn has_steps(keys: &Keys<'_>, out: &mut Diagnostics) {
    keys.required("steps", "a flow", "write `steps:` with a list of `- use: …` or `- request: …`", out);
}

fn check_flow(flow: &Flow, _: &Keys<'_>, out: &mut Diagnostics) {
    if let Some(weight) = &flow.weight {
        super::load::check_weight(weight, out);
    }
}

/// One step of a flow or of `auth`.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A request written here.
    Request(Box<Request>),
    /// A request written under `endpoints`.
    Use(UseStep),
    /// A pause.
    Think(ThinkStep),
}

plan_keys! {
    /// A step that sends a request written under `endpoints`.
    "a step"
    pub struct UseStep {
        /// Name of the endpoint.
        use_: Located<String>,
        /// Names to remember from this answer, added to those of the endpoint.
        capture: Entries<Located<String>>,
    }
    later { "expect", "if", "name", "timeout" }
}

plan_keys! {
    /// A step that pauses.
    "a pause"
    pub struct ThinkStep {
        /// How long: `2s`, a range `1s..5s`, or `{ exponential: 2s }`.
        think: Located<Pause>,
    }
}

const STEP_KINDS: [&str; 3] = ["request", "use", "think"];
const LATER_STEP_KINDS: [&str; 6] = ["set", "if", "repeat", "poll", "group", "choose"];

impl Step {
    fn of_kind(kind: &str, node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match kind {
            "use" => UseStep::from_node(node, out).map(Self::Use),
            "think" => ThinkStep::from_node(node, out).map(Self::Think),
            _ => {
                let request = Request::from_node(node, out)?;
                if let Some((key, _)) = node.entry("weight") {
                    let message = "`weight` belongs to an endpoint or a flow, not to a step";
                    out.push(Diagnostic::error(codes::UNKNOWN_KEY, key.span, message).help("remove it"));
                }
                Some(Self::Request(Box::new(request)))
            }
        }
    }
}

impl FromNode for Step {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        let Some(map) = node.as_map() else { return wrong_type(node, &Self::expected(), out) };
        if let Some((key, _)) = map.iter().find(|(k, _)| LATER_STEP_KINDS.contains(&k.value.as_str())) {
            out.push(crate::plan::decode::not_yet(key));
            return None;
        }
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
                match map.iter().find(|(k, _)| {
                    crate::diagnostic::nearest(&k.value, STEP_KINDS.into_iter().chain(LATER_STEP_KINDS))
                        .is_some()
                }) {
                    Some((key, _)) => out.push(unknown_key(key, "a step", &STEP_KINDS)),
                    None => out.push(
                        Diagnostic::error(codes::MISSING_KEY, node.span, "this step does nothing")
                            .help("a step has one of `request`, `use` or `think`"),
                    ),
                }
                None
            }
        }
    }

    fn expected() -> String {
        "a step: a map with `request`, `use` or `think`".to_owned()
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "anyOf": [Request::schema(defs), UseStep::schema(defs), ThinkStep::schema(defs)] })
    }
}

impl Request {
    /// A request that is nothing but a request line.
    pub fn of_line(request: Located<String>) -> Self {
        Self {
            span: request.span,
            request,
            name: None,
            json: None,
            form: None,
            text: None,
            template: None,
            multipart: None,
            file: None,
            graphql: None,
            query: vec![],
            headers: vec![],
            auth: None,
            weight: None,
            expect: None,
            capture: vec![],
            timeout: None,
            thresholds: vec![],
        }
    }
}
