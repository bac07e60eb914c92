//! The step `poll`: a request with keys of its own around it. Must not resolve anything.

use super::{Request, UseStep};
use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use crate::plan::codes;
use crate::plan::decode::{Definitions, FromNode, Keys, unknown_key};
use crate::plan::node::{Node, NodeValue};
use serde_json::{Value, json};
use std::time::Duration;

/// A step that sends a request until its answer is what one waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct PollStep {
    /// What is sent.
    pub request: Polled,
    /// Pause between an answer and the next request.
    pub every: Option<Located<Duration>>,
    /// The expression over an answer that ends the wait.
    pub until: Located<String>,
    /// Longest wait in all.
    pub timeout: Option<Located<Duration>>,
    /// Name of the row of the whole wait.
    pub name: Option<Located<String>>,
}

/// What a poll sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Polled {
    /// A request written here.
    Request(Box<Request>),
    /// A request written under `endpoints`.
    Use(UseStep),
}

/// A request where it is no endpoint.
pub(super) fn request_of(node: &Node, out: &mut Diagnostics) -> Option<Request> {
    let request = Request::from_node(node, out)?;
    if let Some((key, _)) = node.entry("weight") {
        let message = "`weight` belongs to an endpoint or a flow, not to a step";
        out.push(Diagnostic::error(codes::UNKNOWN_KEY, key.span, message).help("remove it"));
    }
    Some(request)
}

/// Keys of `poll` beside those of a request or a `use`.
const POLL_KEYS: [&str; 4] = ["every", "until", "timeout", "name"];

/// The step `poll: { … }`.
pub(super) fn poll_of(step: &Node, out: &mut Diagnostics) -> Option<PollStep> {
    const WHAT: &str = "a poll";
    let keys = Keys::open(step, "a step", &["poll"], &[], None, out)?;
    let node = keys.node().get("poll")?;
    let Some(map) = node.as_map() else {
        let message = format!("expected a poll: a map with `request` and `until`, found {}", node.kind());
        let help = "write for example `poll: { request: GET /runs/1, until: json.status == \"done\" }`";
        out.push(Diagnostic::error(codes::WRONG_TYPE, node.span, message).help(help));
        return None;
    };
    let own = Keys::among(node, WHAT);
    let every = own.take::<Option<Located<Duration>>>("every", out);
    let timeout = own.take::<Option<Located<Duration>>>("timeout", out);
    let name = own.take::<Option<Located<String>>>("name", out);
    // Of what is neither a poll's nor a request's, a poll's may be meant.
    let misspelt =
        |key: &str| !POLL_KEYS.contains(&key) && crate::diagnostic::nearest(key, POLL_KEYS).is_some();
    let is_known = |key: &str| POLLED_KEYS.contains(&key);
    let wrong: Vec<_> = map.iter().filter(|(k, _)| misspelt(&k.value) && !is_known(&k.value)).collect();
    wrong.iter().for_each(|(key, _)| out.push(unknown_key(key, WHAT, &POLL_KEYS)));
    let help = "write what the answer must be, such as `until: json.status == \"done\"`";
    own.required("until", "`poll`", help, out);
    let until = own.take::<Option<Located<String>>>("until", out);
    let rest = Node::new(
        NodeValue::Map(
            map.iter()
                .filter(|(k, _)| {
                    !POLL_KEYS.contains(&k.value.as_str()) && !wrong.iter().any(|(w, _)| w.span == k.span)
                })
                .cloned()
                .collect(),
        ),
        node.span,
    );
    let is_kind = |key: &str| POLLED_KEYS.contains(&key);
    let misspelt_use = rest.as_map().unwrap_or_default().iter().find(|(key, _)| {
        !is_kind(&key.value) && crate::diagnostic::nearest(&key.value, ["use", "request"]) == Some("use")
    });
    if let (Some((key, _)), None) = (misspelt_use, rest.get("use").or(rest.get("request"))) {
        out.push(unknown_key(key, WHAT, &["use", "request"]));
        return None;
    }
    let request = match rest.get("use") {
        Some(_) => UseStep::from_node(&rest, out).map(Polled::Use),
        None => request_of(&rest, out).map(|request| Polled::Request(Box::new(request))),
    };
    Some(PollStep { request: request?, every: every?, until: until??, timeout: timeout?, name: name? })
}

/// Keys of what a poll sends that could be taken for a misspelt key of the poll.
const POLLED_KEYS: [&str; 3] = ["use", "query", "request"];

pub(super) fn poll_schema(defs: &mut Definitions) -> Value {
    let reference = json!({ "$ref": "#/$defs/Poll" });
    if defs.contains_key("Poll") {
        return reference;
    }
    let _ = Request::schema(defs);
    let mut poll = defs.get("Request").cloned().unwrap_or_default();
    let described = |mut schema: Value, text: &str| {
        schema["description"] = json!(text);
        schema
    };
    let duration = Duration::schema(defs);
    if let Some(properties) = poll["properties"].as_object_mut() {
        properties.shift_remove("weight");
        let mut add =
            |key: &str, schema: Value, text: &str| properties.insert(key.to_owned(), described(schema, text));
        let text = json!({ "type": "string" });
        add("use", text.clone(), "Name of the endpoint that is sent, instead of `request`.");
        add("name", text.clone(), "Name of the row of the whole wait.");
        add("every", duration.clone(), "Pause between an answer and the next request; `1s` when absent.");
        add("until", text, "The expression over an answer that ends the wait, without `{{ }}`.");
        add("timeout", duration, "Longest wait in all; `1m` when absent.");
    }
    for (key, value) in [("every", "1s"), ("timeout", "1m")] {
        poll["properties"][key]["default"] = json!(value);
    }
    poll["title"] = json!("a poll");
    poll["required"] = json!(["until"]);
    poll["description"] = json!("A request sent until its answer is what one waits for.");
    defs.insert("Poll".to_owned(), poll);
    reference
}
