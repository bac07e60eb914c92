//! Where two effective plans differ in what makes the load. Names, thresholds and where the targets are do not: two
//! deployments, or a plan whose limits were moved, can be compared.

use serde_json::{Map, Value};

use crate::report::text::{clean, cut, harmless};
use crate::units::{parse_duration, parse_rate};

/// Keys that change no request and no load, of the plan, an endpoint, a flow or a scenario.
const ANYWHERE: [&str; 3] = ["thresholds", "targets", "description"];
/// Those that do not at the top of a plan.
const AT_THE_TOP: [&str; 8] =
    ["plan", "name", "target", "grading", "baseline", "ready", "secrets", "reports"];
/// Numbers of a load that differ by less than this are the same.
const SMALL: f64 = 0.05;
/// Columns of a value shown.
const LONGEST: usize = 40;

/// One difference.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    /// Whether it is a matter of `load`.
    pub is_load: bool,
    /// `load.users 50 → 100`.
    pub words: String,
}

/// All differences, those of the load first.
pub(super) fn differences(a: &Value, b: &Value) -> Vec<Difference> {
    let [a, b] = [a, b].map(essence);
    let mut found = vec![];
    compare(&mut vec![], Some(&a), Some(&b), &mut found);
    found.sort_by_key(|difference| !difference.is_load);
    found
}

/// The plan without what is beside the point.
fn essence(plan: &Value) -> Value {
    let mut plan = harmless_value(plan);
    let Some(top) = plan.as_object_mut() else { return plan };
    top.retain(|key, _| !ANYWHERE.contains(&key.as_str()) && !AT_THE_TOP.contains(&key.as_str()));
    if let Some(http) = top.get_mut("http").and_then(Value::as_object_mut) {
        // Whom connections trust is a matter of the place; whether they resume sessions is work for both sides.
        let resumption =
            http.shift_remove("tls").and_then(|mut tls| tls.get_mut("resumption").map(Value::take));
        if let Some(off) = resumption.filter(|resumption| resumption != "user") {
            http.insert("tls.resumption".to_owned(), off);
        }
        if http.is_empty() {
            top.shift_remove("http");
        }
    }
    strip_entries(top);
    plan
}

/// The value as a result's texts are read, so that the plan of a run and that in a stored result can be the same.
fn harmless_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(harmless(text).into_owned()),
        Value::Array(items) => items.iter().map(harmless_value).collect(),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| (harmless(key).into_owned(), harmless_value(value)));
            Value::Object(entries.collect())
        }
        _ => value.clone(),
    }
}

/// Takes what is beside the point from the endpoints, flows and scenarios of a map, and from theirs.
fn strip_entries(map: &mut Map<String, Value>) {
    for group in ["endpoints", "flows", "scenarios"] {
        let entries = map.get_mut(group).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
        for entry in entries.filter_map(Value::as_object_mut) {
            entry.retain(|key, _| {
                !ANYWHERE.contains(&key.as_str()) && (group, key.as_str()) != ("scenarios", "target")
            });
            strip_entries(entry);
            entry.get_mut("steps").into_iter().for_each(strip_steps);
        }
    }
}

/// The same of steps, at any depth; never of a body, which may have such keys of its own.
fn strip_steps(steps: &mut Value) {
    const BELOW: [&str; 6] = ["steps", "else", "repeat", "group", "choose", "poll"];
    match steps {
        Value::Array(steps) => steps.iter_mut().for_each(strip_steps),
        Value::Object(step) => {
            step.shift_remove("thresholds");
            BELOW.iter().for_each(|key| step.get_mut(*key).into_iter().for_each(strip_steps));
        }
        _ => {}
    }
}

/// Whether the plan says how long it runs; otherwise that is up to the target.
pub(super) fn is_timed(plan: &Value) -> bool {
    let untimed = |load: &Value| load.get("iterations").is_some();
    let of_scenarios = plan.get("scenarios").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let mut loads =
        plan.get("load").into_iter().chain(of_scenarios.filter_map(|scenario| scenario.get("load")));
    !loads.any(untimed)
}

fn compare<'v>(
    path: &mut Vec<&'v str>,
    a: Option<&'v Value>,
    b: Option<&'v Value>,
    found: &mut Vec<Difference>,
) {
    if a == b {
        return;
    }
    if let (Some(Value::Object(a)), Some(Value::Object(b))) = (a, b) {
        let only_b = b.keys().filter(|key| !a.contains_key(*key));
        for key in a.keys().chain(only_b) {
            path.push(key);
            compare(path, a.get(key), b.get(key), found);
            path.pop();
        }
        return;
    }
    let is_load = path.contains(&"load");
    if let (Some(a), Some(b)) = (a.and_then(number), b.and_then(number))
        && (a == b || is_load && (a - b).abs() <= SMALL * a.max(b))
    {
        return;
    }
    let [from, to] = [a, b].map(|value| value.map_or_else(|| "nothing".to_owned(), shown));
    found.push(Difference { is_load, words: format!("{} {from} → {to}", clean(&path.join("."))) });
}

/// A number, however it is written: `60`, `60s`, `1m`, `10/s`.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse_duration(text)
            .map(|time| time.as_secs_f64())
            .or_else(|_| parse_rate(text).map(|rate| rate.per_second))
            .ok(),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    cut(&clean(&text), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(a: Value, b: Value) -> Vec<String> {
        differences(&a, &b).into_iter().map(|difference| difference.words).collect()
    }

    #[test]
    fn what_does_not_change_the_load_is_passed_over() {
        let a = json!({"name": "a", "target": "http://a", "thresholds": ["p95 < 1s"], "grading": {}, "reports": {"folder": "r"},
            "endpoints": {"x": {"request": "GET /", "thresholds": ["p95 < 1s"]}},
            "load": {"users": 100, "duration": "60s", "spawn_rate": "10/s"}});
        let b = json!({"name": "b", "target": "http://b", "description": "new", "http": {"tls": {"insecure": true}},
            "endpoints": {"x": {"request": "GET /"}},
            "load": {"users": 102, "duration": "1m", "spawn_rate": "600/m"}});
        assert!(words(a, b).is_empty());
    }

    #[test]
    fn resumption_is_work() {
        let plan = |tls| json!({"http": {"tls": tls}, "load": {"users": 1}});
        assert!(words(plan(json!({})), plan(json!({"resumption": "user"}))).is_empty());
        let found = words(plan(json!({"ca": "a"})), plan(json!({"resumption": "off"})));
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn thresholds_are_passed_over_at_any_depth_but_not_in_bodies() {
        let plan = |limit: &str, body: &str| {
            json!({"scenarios": {"a": {
                "thresholds": [limit],
                "endpoints": {"x": {"request": "GET /", "thresholds": [limit]}},
                "flows": {"f": {"thresholds": [limit], "steps": [
                    {"request": "GET /", "thresholds": [limit]},
                    {"repeat": {"times": 2, "steps": [{"request": "POST /", "json": {"thresholds": body}, "thresholds": [limit]}]}},
                    {"if": "true", "steps": [], "else": [{"request": "GET /", "thresholds": [limit]}]},
                    {"choose": [{"weight": 1, "steps": [{"request": "GET /", "thresholds": [limit]}]}]},
                ]}},
            }}, "baseline": limit})
        };
        assert!(words(plan("p95 < 1s", "x"), plan("p95 < 2s", "x")).is_empty());
        assert_eq!(words(plan("p95 < 1s", "x"), plan("p95 < 1s", "y")).len(), 1);
    }

    #[test]
    fn what_changes_it_is_named_the_load_first() {
        let a = json!({"endpoints": {"thresholds": {"request": "GET /a"}}, "load": {"users": 50}});
        let b = json!({"endpoints": {"thresholds": {"request": "GET /b"}, "y": {}}, "load": {"users": 100}});
        assert_eq!(
            words(a, b),
            [
                "load.users 50 → 100",
                "endpoints.thresholds.request GET /a → GET /b",
                "endpoints.y nothing → {}"
            ]
        );
    }

    #[test]
    fn plans_of_iterations_say_nothing_of_time() {
        assert!(is_timed(&json!({"load": {"users": 1, "duration": "1m"}})));
        assert!(!is_timed(&json!({"load": {"users": 1, "iterations": 5}})));
        assert!(!is_timed(&json!({"scenarios": {"a": {"load": {"iterations": 5}}}})));
    }
}
