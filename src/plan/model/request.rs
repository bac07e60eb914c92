//! What is sent: endpoints and flows. Their steps stand in [`super::step`]. Must not resolve anything.

use super::foreign::{self, of_flow, of_request};
use super::{Entries, Expect, GraphQl, OneOrMany, Part, Scalar, Step, Tags, Threshold};
use crate::diagnostic::{Diagnostic, Diagnostics, Located, Span};
use crate::plan::codes;
use crate::plan::decode::Keys;
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
        /// Cookies, joined with those that answers have set; of one name these are sent.
        cookies: Entries<Located<Scalar>>,
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
        /// How many redirects are followed; each hop is a request of the same row. 0 for the redirect itself.
        redirects: Option<Located<u16>>,
        /// Labels of its row in the result, besides the plan's; one of the same name takes the place of the plan's.
        tags: Tags,
        /// What must hold for this request over the run.
        thresholds: Vec<Threshold>,
    }
    example "{ request: GET /path }"
    later { "retry", "stream" }
    foreign of_request
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

fn check_request(request: &mut Request, keys: &Keys<'_>, out: &mut Diagnostics) {
    // What stands in a key of its own is told there.
    if !request.request.value.contains(' ') && foreign::has_method(keys.node()) {
        NO_LINE.clone_into(&mut request.request.value);
    }
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
        /// Labels of its row in the result, besides the plan's; one of the same name takes the place of the plan's.
        tags: Tags,
        /// What must hold for this flow over the run.
        thresholds: Vec<Threshold>,
    }
    example "{ steps: [use: an endpoint, request: GET /path] }"
    foreign of_flow
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
            multipart: None,
            file: None,
            graphql: None,
            query: vec![],
            headers: vec![],
            cookies: vec![],
            auth: None,
            weight: None,
            expect: None,
            capture: vec![],
            timeout: None,
            redirects: None,
            tags: Tags::default(),
            thresholds: vec![],
        }
    }
}
