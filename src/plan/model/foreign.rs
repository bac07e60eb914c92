//! Keys that other tools have, and the line that belongs here instead. Must not report anything itself: the map that
//! holds such a key does.

pub(super) mod load;

use crate::diagnostic::{Located, fold};
use crate::plan::decode::Foreign;
use crate::plan::node::{Node, NodeValue};
use crate::units::parse_range;

type Entry = (Located<String>, Node);

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];
const ADDRESSES: [&str; 3] = ["url", "uri", "path"];
const BODIES: [&str; 3] = ["body", "data", "payload"];
const PAUSES: [&str; 6] = ["sleep", "wait", "waittime", "pause", "delay", "thinktime"];
/// Keys that say how much load, wherever they stand.
const LOAD: [&str; 16] = [
    "users",
    "vus",
    "concurrency",
    "threads",
    "rate",
    "arrivalrate",
    "rps",
    "duration",
    "runtime",
    "stages",
    "phases",
    "iterations",
    "spawnrate",
    "hatchrate",
    "rampup",
    "executor",
];
const LOAD_LINE: &str = "`load: { users: 10, duration: 2m }`";

fn said(help: impl Into<String>) -> Option<Foreign> {
    Some(Foreign { help: Some(help.into()), ..Foreign::default() })
}

/// The same value under the name that the key has here.
fn renamed(map: &Node, key: &'static str, value: &Node) -> Option<Foreign> {
    let help = Some(format!("write `{key}: {}`", shown(value)));
    let fix = Some(key).filter(|key| map.get(key).is_none() && value.scalar_text().is_some());
    Some(Foreign { help, key: fix, ..Foreign::default() })
}

impl Foreign {
    fn instead_of(self, keys: &'static [&'static str]) -> Self {
        Self { stands_for: keys, ..self }
    }

    fn never_fixed(self) -> Self {
        Self { key: None, ..self }
    }
}

/// A value as one would write it in a line.
fn shown(value: &Node) -> String {
    const MOST: usize = 60;
    let text = match &value.value {
        NodeValue::List(_) => return "[…]".to_owned(),
        NodeValue::Map(_) => return "{ … }".to_owned(),
        _ => value.scalar_text().filter(|text| text.len() <= MOST && !text.contains('\n')),
    };
    match text {
        Some(text) if text.contains(['{', '[', '"', '#', ',']) => format!("{text:?}"),
        Some(text) => text,
        None => "…".to_owned(),
    }
}

/// A number of seconds as a duration; anything else as it is.
fn seconds(value: &Node) -> String {
    let numbers = value.as_str().filter(|text| text.contains('(')).unwrap_or_default();
    let numbers: Vec<_> = numbers
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .filter(|number| number.parse::<f64>().is_ok())
        .collect();
    match (numbers.as_slice(), value.as_number()) {
        // Locust: `between(1, 3)`.
        ([low, high], _) => format!("{low}s..{high}s"),
        ([only], _) => format!("{only}s"),
        (_, Some(_)) => format!("{}s", shown(value)),
        _ if value.scalar_text().is_some() => shown(value),
        _ => "1s".to_owned(),
    }
}

/// A number of things a second as a rate.
fn per_second(value: &Node) -> String {
    match (value.as_number(), value.scalar_text()) {
        (Some(_), _) => format!("{}/s", shown(value)),
        (None, Some(text)) if text.contains('/') => text,
        _ => "50/s".to_owned(),
    }
}

/// A pause between iterations, or as a step.
fn pause(value: &Node, line: impl Fn(&str) -> String) -> Option<Foreign> {
    let is_pause = value.as_str().is_some_and(|text| parse_range(text).is_ok());
    let help = Some(line(&format!("think: {}", seconds(value))));
    Some(Foreign { stands_for: &["think"], help, key: is_pause.then_some("think"), value: None })
}

/// Keys of a request.
pub(super) fn of_request(map: &Node, (key, value): &Entry) -> Option<Foreign> {
    let word = fold(&key.value);
    if let Some(line) = line_of_request(map, key, value) {
        return Some(line);
    }
    match word.as_str() {
        word if BODIES.contains(&word) => match value.value {
            NodeValue::Map(_) | NodeValue::List(_) => {
                let key = Some("json").filter(|key| map.get(key).is_none());
                Some(Foreign { key, ..said("write `json: { … }`, or `text:` for any other body")? })
            }
            _ => said("write `json: { … }` for a JSON body, `text: …` for any other"),
        },
        "params" | "qs" | "querystring" | "queryparams" | "searchparams" => {
            let key = Some("query").filter(|key| map.get(key).is_none() && value.as_map().is_some());
            Some(Foreign { key, ..said("write `query: { page: 1 }`")? })
        }
        "check" | "checks" | "assert" | "asserts" | "assertions" => {
            said("write `expect: [status == 200]`: expressions that must be true")
        }
        "status" | "statuscode" | "expectstatus" => {
            let status = value.as_int().unwrap_or(200);
            said(format!("write `expect: {{ status: {status} }}`"))
        }
        "extract" | "extractors" => said("write `capture: { id: json.id }`: names with expressions"),
        "host" | "baseurl" => said(format!(
            "write `targets: {{ api: {} }}` at the top, and `request: GET api:/path` here",
            shown(value)
        )),
        word if PAUSES.contains(&word) => said(format!(
            "write `think: {0}` at the top, a pause between iterations, or `- think: {0}` as a step",
            seconds(value)
        )),
        word if LOAD.contains(&word) => said(format!("write {LOAD_LINE} at the top")),
        _ => None,
    }
}

/// A method with an address, or one of them in a key of its own: parts of what `request` says.
fn line_of_request(map: &Node, key: &Located<String>, value: &Node) -> Option<Foreign> {
    const INSTEAD: &[&str] = &["request"];
    let word = fold(&key.value);
    let entries = map.as_map().unwrap_or_default();
    let entry = |words: &[&str]| entries.iter().find(|(key, _)| words.contains(&fold(&key.value).as_str()));
    let is_method = METHODS.contains(&word.as_str());
    let is_address = ADDRESSES.contains(&word.as_str());
    if !is_method && !is_address && !["method", "verb"].contains(&word.as_str()) {
        return None;
    }
    if let Some(line) = map.get("request") {
        let line = line.as_str().unwrap_or_default();
        let is_whole = line.contains(' ');
        let method = value.as_str().filter(|_| !is_address && !is_method).unwrap_or("GET");
        return match is_whole {
            true => said("remove it: `request` says method and path"),
            false => said(format!("write `request: {} {}`", method.to_uppercase(), rooted(line))),
        };
    }
    if !is_method && !is_address && entry(&ADDRESSES).or(entry(&METHODS)).is_some() {
        return Some(Foreign::default().instead_of(INSTEAD));
    }
    let inner = |node: &Node| ADDRESSES.iter().find_map(|key| node.get(key)).cloned();
    let address = match (is_method, is_address) {
        (true, _) if value.as_map().is_some() => inner(value),
        (true, _) => Some(value.clone()).filter(|value| value.as_str().is_some()).or_else(|| inner(map)),
        (_, true) => Some(value.clone()),
        _ => None,
    };
    let address = address.as_ref().and_then(Node::as_str).unwrap_or("/path").trim();
    let method = entry(&["method", "verb"]).and_then(|(_, value)| value.as_str()).map(str::to_uppercase);
    let has_body =
        map.get("json").or(map.get("form")).or(map.get("text")).is_some() || entry(&BODIES).is_some();
    let is_line = address.split_once(' ').is_some_and(|(first, _)| METHODS.contains(&fold(first).as_str()));
    let line = match (is_line, is_method, method) {
        (true, ..) => address.to_owned(),
        (_, true, _) => format!("{} {}", word.to_uppercase(), rooted(address)),
        (_, _, Some(method)) => format!("{method} {}", rooted(address)),
        _ => format!("{} {}", if has_body { "POST" } else { "GET" }, rooted(address)),
    };
    let more = value.as_map().is_some_and(|inner| inner.len() > 1);
    let help = format!("write `request: {}`", shown_text(&line));
    let help = if more { format!("{help}, and beside it what else stands in `{}`", key.value) } else { help };
    // With two of them, or a body whose method is not said, more than this line changes.
    let parts = entries.iter().filter(|(key, _)| {
        let word = fold(&key.value);
        METHODS.contains(&word.as_str())
            || ADDRESSES.contains(&word.as_str())
            || word == "method"
            || word == "verb"
    });
    let is_certain =
        parts.count() == 1 && value.as_str() == Some(address) && (is_method || is_line || !has_body);
    let new = (address != line).then(|| (address.to_owned(), line.clone()));
    Some(Foreign {
        stands_for: INSTEAD,
        help: Some(help),
        key: is_certain.then_some("request"),
        value: new.filter(|_| is_certain),
    })
}

/// An address with the `/` that a path begins with.
fn rooted(address: &str) -> String {
    match address.starts_with('/') || address.contains(':') || address.starts_with("{{") {
        true => address.to_owned(),
        false => format!("/{address}"),
    }
}

fn shown_text(text: &str) -> String {
    match (text.len() > 100 || text.contains('\n'), text.contains(['{', '#'])) {
        (true, _) => "…".to_owned(),
        (_, true) => format!("{text:?}"),
        _ => text.to_owned(),
    }
}

/// Whether a method stands in a key of its own.
pub(super) fn has_method(map: &Node) -> bool {
    let is_method = |key: &str| ["method", "verb"].contains(&fold(key).as_str());
    map.as_map().unwrap_or_default().iter().any(|(key, _)| is_method(&key.value))
}

/// Whether a map holds a part of a request line, so that it is meant as a request.
pub(super) fn is_request(map: &Node) -> bool {
    map.as_map().unwrap_or_default().iter().any(|(key, value)| line_of_request(map, key, value).is_some())
}

/// Keys of a step that has none of the kinds: what it is called here.
pub(super) fn of_step((key, value): &Entry) -> Option<Foreign> {
    let line = match fold(&key.value).as_str() {
        word if PAUSES.contains(&word) => return pause(value, |line| format!("write `- {line}`")),
        "loop" => "- repeat: { times: 3, steps: […] }",
        "foreach" => "- repeat: { for_each: { item: json.items }, steps: […] }",
        "while" => "- repeat: { while: json.more, steps: […] }",
        "when" | "iftrue" => "- if: json.found",
        "switch" => "- choose: [{ weight: 1, steps: […] }, { weight: 2, steps: […] }]",
        _ => return None,
    };
    said(format!("write `{line}`"))
}

/// Keys of a flow.
pub(super) fn of_flow(map: &Node, (key, value): &Entry) -> Option<Foreign> {
    if line_of_request(map, key, value).is_some() {
        let help = "write `steps:` with a list of `- request: GET /path`, or the request under `endpoints`";
        return Some(Foreign { stands_for: &["steps"], ..said(help)? });
    }
    match fold(&key.value).as_str() {
        "flow" | "requests" | "tasks" | "sequence" => {
            let key = Some("steps").filter(|key| map.get(key).is_none() && value.as_list().is_some());
            let help = said("write `steps:` with a list of `- request: GET /path`")?;
            Some(Foreign { key, stands_for: &["steps"], ..help })
        }
        word if PAUSES.contains(&word) => {
            pause(value, |line| format!("write `- {line}` in `steps`")).map(Foreign::never_fixed)
        }
        word if LOAD.contains(&word) => said(format!("write {LOAD_LINE} at the top")),
        _ => None,
    }
}

/// Keys of a plan.
pub(super) fn of_plan(map: &Node, entry: &Entry) -> Option<Foreign> {
    let (key, value) = entry;
    let word = fold(&key.value);
    if let Some(found) = load::beside(map, entry).or_else(|| of_group(map, entry)) {
        return Some(found);
    }
    match word.as_str() {
        "host" | "baseurl" | "baseuri" | "url" | "server" => match map.get("target").or(map.get("targets")) {
            Some(_) => said("remove it: the plan says its target already"),
            None => Some(renamed(map, "target", value)?.instead_of(&["target"])),
        },
        "config" => said(
            "write its keys at the top: `target: http://localhost:9000`, `load: { rate: 50/s, duration: 2m }`",
        ),
        "options" => said(format!("write {LOAD_LINE}, and `thresholds: [p95 < 200ms]`")),
        "environments" => {
            said("write `profiles: { ci: { target: http://ci:9000 } }`, chosen with `--profile ci`")
        }
        "checks" | "assertions" => said(
            "write `expect: [status == 200]` in a request, or `ready: { checks: [GET /health] }` to wait for a target",
        ),
        "headers" => said("write `http: { headers: { accept: application/json } }`"),
        "timeout" => said(format!("write `http: {{ timeout: {} }}`", seconds(value))),
        _ => None,
    }
}

/// Keys of a scenario.
pub(super) fn of_scenario(map: &Node, entry: &Entry) -> Option<Foreign> {
    let (key, value) = entry;
    if let Some(found) = load::beside(map, entry).or_else(|| of_group(map, entry)) {
        return Some(found);
    }
    match fold(&key.value).as_str() {
        "host" | "baseurl" | "url" => renamed(map, "target", value),
        "starttime" | "startat" | "delay" => said(format!("write `start_after: {}`", seconds(value))),
        "exec" => said("write what it runs: `endpoints: { … }` or `flows: { … }`"),
        "weight" => {
            said("remove it: a scenario has a `load` of its own; `weight` chooses among flows and endpoints")
        }
        _ => None,
    }
}

/// Keys that a plan and a scenario have both.
fn of_group(map: &Node, (key, value): &Entry) -> Option<Foreign> {
    match fold(&key.value).as_str() {
        "requests" | "urls" | "request" => said("write `endpoints: { list: { request: GET /path } }`"),
        // A map is a misspelt `flows`.
        "flow" if value.as_map().is_some() => None,
        "flow" | "steps" | "tasks" | "journeys" => {
            said("write `flows: { visit: { steps: [request: GET /path] } }`")
        }
        // In a scenario a delay is before its start.
        "delay" if map.get("plan").is_none() => None,
        word if PAUSES.contains(&word) => pause(value, |line| format!("write `{line}`")),
        _ => None,
    }
}
