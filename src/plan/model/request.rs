//! What is sent: endpoints and flows. Their steps stand in [`super::step`]. Must not resolve anything.

use super::{Entries, Expect, Scalar, Step, Threshold};
use crate::diagnostic::{Diagnostics, Located, Span};
use crate::plan::decode::Keys;
use crate::plan::node::Node;
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
        /// Body sent as a form.
        form: Option<Entries<Located<Scalar>>>,
        /// Body sent as text.
        text: Option<Located<String>>,
        /// File whose rendered text is the body, relative to this plan.
        template: Option<Located<String>>,
        /// Query parameters.
        query: Entries<Located<Scalar>>,
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
        /// How many redirects are followed; each hop is a request of the same row. 0 for none.
        redirects: Option<Located<u16>>,
        /// What must hold for this request over the run.
        thresholds: Vec<Threshold>,
    }
    later { "multipart", "file", "cookies", "retry", "stream" }
    rules one_body
    check check_request
    instead request = no_line
}

/// The request line of a request that has none, or one that cannot be read. That is an error which is already told.
pub const NO_LINE: &str = "\u{0}";

fn no_line(span: Span) -> Located<String> {
    Located { value: NO_LINE.to_owned(), span }
}

/// The body of a request as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Body<'a> {
    /// `json:`
    Json(&'a Node),
    /// `form:`
    Form(&'a Entries<Located<Scalar>>),
    /// `text:`
    Text(&'a Located<String>),
    /// `template:`, a path.
    Template(&'a Located<String>),
}

impl Request {
    /// The body, when there is one; a clash of two was already reported.
    pub fn body(&self) -> Option<Body<'_>> {
        None.or(self.json.as_ref().map(Body::Json))
            .or(self.form.as_ref().map(Body::Form))
            .or(self.text.as_ref().map(Body::Text))
            .or(self.template.as_ref().map(Body::Template))
    }
}

fn one_body(keys: &Keys<'_>, out: &mut Diagnostics) {
    let written: Vec<_> =
        ["json", "form", "text", "template"].into_iter().filter(|key| keys.span_of(key).is_some()).collect();
    for second in written.iter().skip(1) {
        keys.clash(written[0], second, "a request has one body: remove one of them", out);
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
            query: vec![],
            headers: vec![],
            auth: None,
            weight: None,
            expect: None,
            capture: vec![],
            timeout: None,
            redirects: None,
            thresholds: vec![],
        }
    }
}
