//! Words of other tools for how much load there is: inside `load`, in its stages, and where they stand beside it. Must
//! not decide which form a load has.

use super::{Entry, LOAD, LOAD_LINE, per_second, renamed, said, seconds, shown};
use crate::diagnostic::fold;
use crate::plan::decode::Foreign;
use crate::plan::node::Node;

/// Keys of the load that stand beside it: one line for all of them, told at the first.
pub(in crate::plan::model) fn beside(map: &Node, (key, _): &Entry) -> Option<Foreign> {
    let entries = map.as_map().unwrap_or_default();
    let is_load = |entry: &&Entry| LOAD.contains(&fold(&entry.0.value).as_str());
    let all: Vec<_> = entries.iter().filter(is_load).collect();
    let first = all.first()?;
    if !LOAD.contains(&fold(&key.value).as_str()) {
        return None;
    }
    if first.0.span != key.span {
        return Some(Foreign::default());
    }
    if map.get("load").is_some() {
        return said(format!("write it inside `load`, such as {LOAD_LINE}"));
    }
    let mut parts: Vec<_> = all.iter().copied().filter_map(part).collect();
    let has = |parts: &[(&str, String)], keys: &[&str]| parts.iter().any(|(key, _)| keys.contains(key));
    if !has(&parts, &["users", "rate", "stages"]) {
        parts.insert(0, ("users", "10".to_owned()));
    }
    if !has(&parts, &["duration", "stages", "iterations"]) {
        parts.push(("duration", "2m".to_owned()));
    }
    let parts: Vec<_> = parts.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    Some(Foreign { stands_for: &["load"], ..said(format!("write `load: {{ {} }}`", parts.join(", ")))? })
}

/// Whether a map holds keys of the load itself.
pub(in crate::plan::model) fn is_beside(map: &Node) -> bool {
    let entries = map.as_map().unwrap_or_default();
    entries.iter().any(|(key, _)| LOAD.contains(&fold(&key.value).as_str()))
}

/// One key of the load with its value.
fn part((key, value): &Entry) -> Option<(&'static str, String)> {
    Some(match fold(&key.value).as_str() {
        "users" | "vus" | "concurrency" | "threads" => ("users", shown(value)),
        "rate" | "arrivalrate" | "rps" => ("rate", per_second(value)),
        "duration" | "runtime" => ("duration", seconds(value)),
        "spawnrate" | "hatchrate" => ("spawn_rate", per_second(value)),
        "iterations" => ("iterations", shown(value)),
        "stages" | "phases" => ("stages", "[{ duration: 1m, rate: 50/s }]".to_owned()),
        _ => return None,
    })
}

/// Keys of `load`.
pub(in crate::plan::model) fn of_load(map: &Node, (key, value): &Entry) -> Option<Foreign> {
    const TIME: &str = "write `stages: [{ duration: 1m, users: 10 }]`: users grow along a straight line";
    match fold(&key.value).as_str() {
        "vus" | "virtualusers" | "concurrency" | "threads" | "clients" | "connections" => {
            Some(users(renamed(map, "users", value)?, value))
        }
        "arrivalrate" | "rps" | "qps" | "throughput" => {
            let rate = said(format!("write `rate: {}`", per_second(value)))?;
            Some(rate.instead_of(&["rate", "users"]))
        }
        "phases" | "steps" => {
            let stages = said("write `stages: [{ duration: 1m, rate: 50/s }]`, or `users: 10` in each")?;
            Some(stages.instead_of(&["users", "duration", "rate"]))
        }
        "rampto" => said(
            "write the next stage: `stages: [{ duration: 1m, rate: 50/s }]`; rates change along straight lines",
        ),
        "rampup" | "ramptime" | "rampuptime" => said(TIME),
        "hatchrate" => said(format!("write `spawn_rate: {}`", per_second(value))),
        "runtime" | "time" | "holdfor" | "length" | "testduration" => {
            let time = said(format!("write `duration: {}`", seconds(value)))?;
            Some(time.instead_of(&["duration"]))
        }
        "loops" | "loop" => Some(renamed(map, "iterations", value)?.instead_of(&["duration", "users"])),
        "maxvus" | "maxvusers" => {
            let meant = renamed(map, "max_users", value)?;
            let key = meant.key.filter(|_| value.as_int().is_some());
            Some(Foreign { key, ..meant })
        }
        "executor" => {
            said("remove it: `users`, `rate`, `stages` and `iterations` say what kind of load it is")
        }
        "preallocatedvus" => {
            said("remove it: users are started when they are needed, at most `max_users: 10000`")
        }
        "starttime" => said(format!("write `start_after: {}` beside `load`", seconds(value))),
        _ => None,
    }
}

/// Keys of a stage.
pub(in crate::plan::model) fn of_stage(map: &Node, (key, value): &Entry) -> Option<Foreign> {
    match fold(&key.value).as_str() {
        "target" | "vus" | "concurrency" | "threads" => Some(users(renamed(map, "users", value)?, value)),
        "arrivalrate" | "rps" => {
            Some(said(format!("write `rate: {}`", per_second(value)))?.instead_of(&["users"]))
        }
        "rampto" => {
            said("write another stage: `{ duration: 1m, rate: 50/s }`; rates change along straight lines")
        }
        "time" | "length" | "holdfor" => {
            let time = said(format!("write `duration: {}`", seconds(value)))?;
            Some(time.instead_of(&["duration"]))
        }
        _ => None,
    }
}

/// A number of users by another name.
fn users(renamed: Foreign, value: &Node) -> Foreign {
    let key = renamed.key.filter(|_| value.as_int().is_some());
    Foreign { key, ..renamed }.instead_of(&["users"])
}
