//! The single flags people know from Locust: `--host`, `--target`, `-u`, `-r`, `-t`. Must not check values the
//! plan's own decoding checks.

use super::{Overrides, flag, overlay, text_node};
use crate::diagnostic::{Diagnostic, Diagnostics, Located, Severity, Sources, Span};
use crate::plan::codes;
use crate::plan::node::{Node, NodeValue};

type Entry = (Located<String>, Node);

/// Applies the flags to the plan, which is a map.
pub(super) fn apply(plan: &mut Node, overrides: &Overrides, sources: &mut Sources, out: &mut Diagnostics) {
    if let Some(url) = &overrides.host {
        replace_default_target(plan, url, sources);
    }
    for (name, url) in &overrides.targets {
        let span = flag("--target", &format!("{name}={url}"), sources);
        if let Err(problem) = replace_target(plan, name, url, span) {
            out.push(problem);
        }
    }
    replace_load(plan, overrides, sources, out);
}

/// `--host` replaces `target`, or the first of `targets`, and no other.
fn replace_default_target(plan: &mut Node, url: &str, sources: &mut Sources) {
    let span = flag("--host", url, sources);
    let node = text_node(url, span);
    let Some(map) = plan.as_map_mut() else { return };
    let targets = find(map, "targets").and_then(Node::as_map_mut).and_then(|targets| targets.first_mut());
    match targets {
        Some((_, first)) => *first = node,
        None => put(map, "target", node),
    }
}

fn replace_target(plan: &mut Node, name: &str, url: &str, span: Span) -> Result<(), Diagnostic> {
    let name_span = Span { end: span.start + name.len() as u32, ..span };
    let url_span = Span { start: name_span.end + 1, ..span };
    let map = plan.as_map_mut().map(Vec::as_mut_slice).unwrap_or_default();
    // A scenario's own target of that name would win otherwise.
    let scenarios =
        find(map, "scenarios").and_then(Node::as_map_mut).map(Vec::as_mut_slice).unwrap_or_default();
    let mut is_own = false;
    for target in scenarios.iter_mut().filter_map(|(_, scenario)| {
        let targets = find(scenario.as_map_mut()?, "targets")?;
        find(targets.as_map_mut()?, name)
    }) {
        *target = text_node(url, url_span);
        is_own = true;
    }
    let targets = map.iter_mut().find(|(key, _)| key.value == "targets").map(|(_, node)| node);
    let Some(targets) = targets.and_then(Node::as_map_mut) else {
        if is_own {
            return Ok(());
        }
        let message = format!("there is no target `{name}`: this plan has one `target`, without a name");
        let error = Diagnostic::error(codes::UNKNOWN_TARGET, name_span, message);
        return Err(error.help(format!("write --host {url}")));
    };
    if let Some(target) = find(targets, name) {
        *target = text_node(url, url_span);
        return Ok(());
    }
    if is_own {
        return Ok(());
    }
    let names: Vec<_> = targets.iter().map(|(key, _)| key.value.as_str()).collect();
    let message = format!("there is no target `{name}`");
    let error = Diagnostic::error(codes::UNKNOWN_TARGET, name_span, message);
    Err(error.did_you_mean(name, names.iter().copied()).help(format!("known targets: {}", names.join(", "))))
}

/// Any of `-u`, `-r`, `-t` makes the load `{users, spawn_rate, duration}`. What is not given comes from the
/// file where its load has it, else `users` is 1 and a missing `duration` is an error. Stages have no one number
/// of users, so taking their place needs `-u`.
fn replace_load(plan: &mut Node, overrides: &Overrides, sources: &mut Sources, out: &mut Diagnostics) {
    let users = overrides.users.map(|users| {
        let span = flag("--users", &users.to_string(), sources);
        Node::new(NodeValue::Int(users.into()), span)
    });
    let spawn_rate = overrides.spawn_rate.as_ref().map(|rate| {
        let span = flag("--spawn-rate", rate, sources);
        text_node(if is_bare_number(rate) { format!("{}/s", rate.trim()) } else { rate.clone() }, span)
    });
    let duration = overrides.run_time.as_ref().map(|time| {
        let span = flag("--run-time", time, sources);
        text_node(if is_bare_number(time) { format!("{}s", time.trim()) } else { time.clone() }, span)
    });
    let given = [("users", users), ("spawn_rate", spawn_rate), ("duration", duration)];
    let Some(any) = given.iter().find_map(|(_, node)| node.as_ref().map(|n| n.span)) else { return };
    let Some(map) = plan.as_map_mut() else { return };
    if find(map, "scenarios").is_some() {
        let message = "this plan has scenarios, and each has a load of its own";
        let help = "write for example `--set scenarios.NAME.load.users=10`";
        out.push(Diagnostic::error(codes::BAD_OVERRIDE, any, message).help(help));
        return;
    }
    if find(map, "load").is_none_or(|load| load.as_map().is_none()) {
        put(map, "load", overlay::empty_map(any));
    }
    let Some(load) = find(map, "load").and_then(Node::as_map_mut) else { return };
    let [(_, users), (_, spawn_rate), _] = &given;
    if find(load, "rate").is_some() && users.is_none() && spawn_rate.is_none() {
        // Arrivals at a rate stay what they are for another time.
        given.into_iter().for_each(|(key, node)| node.into_iter().for_each(|node| put(load, key, node)));
        return;
    }
    if let Some(problem) = other_form(load, any, sources) {
        let is_error = problem.severity == Severity::Error;
        out.push(problem);
        if is_error {
            return;
        }
    }
    let had_stages = find(load, "stages").is_some();
    load.retain(|(key, _)| !OTHER_FORMS.contains(&key.value.as_str()));
    for (key, node) in given {
        if let Some(node) = node {
            put(load, key, node);
        }
    }
    if find(load, "users").is_none() {
        if had_stages {
            let message = "this takes the place of the plan's `stages`, and nothing says how many users";
            out.push(Diagnostic::error(codes::BAD_OVERRIDE, any, message).help("add `--users N`"));
        }
        put(load, "users", Node::new(NodeValue::Int(1), any));
    }
}

/// What a flag for looping users says beside another form of load: nothing together with a `--set` of it, which is on
/// the same command line; and that it takes the place of a rate, since then the target is loaded in another way.
fn other_form(load: &[Entry], at: Span, sources: &Sources) -> Option<Diagnostic> {
    let flag = &sources.get(at.file).name;
    let others = || load.iter().filter(|(key, _)| OTHER_FORMS.contains(&key.value.as_str()));
    let is_set = |span: Span| sources.get(span.file).name == "--set";
    if let Some((key, node)) = others().find(|(_, node)| is_set(node.span)) {
        let message = format!("`{flag}` and `--set` of `load.{}` exclude each other", key.value);
        let error = Diagnostic::error(codes::CLASH, at, message).other(node.span, "set here");
        return Some(error.help("a load has one form: keep one of them"));
    }
    let (key, _) = others().find(|(key, _)| key.value == "rate")?;
    let message = format!("`{flag}` takes the place of the `rate`: users loop, and nothing arrives any more");
    let warning = Diagnostic::warning(codes::CLASH, at, message).other(key.span, "the rate");
    Some(
        warning.help(
            "for another rate write --set load.rate=50/s, for more users at once --set load.max_users=100",
        ),
    )
}

/// Keys of the forms of load that `{users, spawn_rate, duration}` takes the place of.
const OTHER_FORMS: [&str; 7] =
    ["stages", "iterations", "iterations_per_user", "rate", "arrivals", "max_users", "on_saturation"];

fn is_bare_number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn find<'m>(map: &'m mut [Entry], key: &str) -> Option<&'m mut Node> {
    map.iter_mut().find(|(k, _)| k.value == key).map(|(_, node)| node)
}

fn put(map: &mut Vec<Entry>, key: &str, node: Node) {
    match find(map, key) {
        Some(old) => *old = node,
        None => map.push((Located { value: key.to_owned(), span: node.span }, node)),
    }
}
