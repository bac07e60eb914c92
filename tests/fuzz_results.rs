//! Damaged results never panic, take bounded time and memory, and put no control character into a report: text → document
//! → every report, comparison and baseline. The seed is fixed; `PROPTEST_CASES` asks for more.
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

mod fuzz;

use fuzz::{bounded, run};
use plimsoll::compare::{Options, Run, compare, markdown as compared, page, table};
use plimsoll::report::brief::Brief;
use plimsoll::report::console::{Style, details, verdict};
use plimsoll::report::model::ResultDocument;
use plimsoll::report::{csv, github, hdr, html, json, junit, markdown};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Cases when nothing else is asked for.
const CASES: u32 = 300;

const EVIL: &str =
    "x\u{1b}[31m\u{1b}]52;c;QQ\u{7}\r\n::error::owned\n##[group]\u{202e}\u{9b}2J</script>=1+1|`";

/// A real result with fewer seconds, and a baseline in it.
fn seed() -> Value {
    let text = std::fs::read_to_string("tests/report/result.json").unwrap();
    let mut result: Value = serde_json::from_str(&text).unwrap();
    result["timeline"].as_array_mut().unwrap().truncate(40);
    result["baseline"] = json!({"file": "base.json", "run_id": "b", "started_at": "2026-03-02T10:15:00Z"});
    result["thresholds"][0]["baseline"] = json!({"value": 0.01, "lacks": "why"});
    result["thresholds"][0]["worst_window"] = json!({"from_s": 1.0, "to_s": 2.0, "observed": 3.0});
    result["thresholds"][0]["place"] = json!({"file": "plan.yaml", "line": 3});
    result["accounting"]["arrivals"] = json!({"scheduled": 9, "started": 7, "dropped": 1, "not_started": 1});
    result["run"]["by_hand"] =
        json!([{"at_s": 3.0, "kind": "pause", "to_s": 4.0}, {"at_s": 5.0, "kind": "users", "users": 3}]);
    result["generator"]["reasons"] = json!([{"kind": "lag", "from_s": 1.0, "to_s": 2.0, "detail": "late"}]);
    result["notes"] = json!(["a note"]);
    result
}

/// Values to put in the place of others.
fn values() -> Vec<Value> {
    let histogram = "HISTEwAAAAEAAAAAAAAAAwAAAAAAAAABAAAAANaTpAA/8AAAAAAAAAI=";
    let mut all =
        vec![json!(null), json!([]), json!({}), json!(true), json!(""), json!(EVIL), json!(histogram)];
    all.extend([0.0, -0.0, -1.0, 1e-300, 0.5, 1e15, -1e15, 1e16, 1e308].map(|number| json!(number)));
    all.extend([0, 1, 2, 1 << 31, 1 << 47, (1 << 47) + 1, u64::MAX].map(|number| json!(number)));
    all.extend([-1, i64::MIN].map(|number| json!(number)));
    all.extend(
        ["9999-12-31T23:59:59Z", "-009999-01-01T00:00:00Z", "0000-00-00T00:00:00Z"].map(|text| json!(text)),
    );
    all.push(json!(vec![json!(0); 300]));
    all
}

/// The value that a path of shares leads to.
fn at<'v>(value: &'v mut Value, path: &[u16]) -> &'v mut Value {
    let Some((share, rest)) = path.split_first() else { return value };
    if !matches!(value, Value::Array(items) if !items.is_empty())
        && !matches!(value, Value::Object(map) if !map.is_empty())
    {
        return value;
    }
    let place = |length: usize| length * usize::from(*share) / (usize::from(u16::MAX) + 1);
    match value {
        Value::Array(items) => {
            let index = place(items.len());
            at(&mut items[index], rest)
        }
        Value::Object(map) => {
            let index = place(map.len());
            at(map.values_mut().nth(index).unwrap(), rest)
        }
        _ => unreachable!("has parts"),
    }
}

/// One way to damage a value.
#[derive(Debug, Clone)]
enum Damage {
    Replace(usize),
    Remove(u16),
    Repeat(u16),
    Rename(u16),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => any::<usize>().prop_map(Damage::Replace),
        1 => any::<u16>().prop_map(Damage::Remove),
        1 => any::<u16>().prop_map(Damage::Repeat),
        1 => any::<u16>().prop_map(Damage::Rename),
    ]
}

fn damaged(value: &mut Value, damage: &Damage, values: &[Value]) {
    let place = |share: u16, length: usize| length * usize::from(share) / (usize::from(u16::MAX) + 1);
    match (damage, value) {
        (Damage::Replace(which), value) => *value = values[which % values.len()].clone(),
        (Damage::Remove(share), Value::Array(items)) if !items.is_empty() => {
            drop(items.remove(place(*share, items.len())));
        }
        (Damage::Repeat(share), Value::Array(items)) if !items.is_empty() => {
            items.push(items[place(*share, items.len())].clone());
        }
        (Damage::Remove(share), Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(place(*share, map.len())).unwrap().clone();
            map.shift_remove(&key);
        }
        (Damage::Rename(share), Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(place(*share, map.len())).unwrap().clone();
            let value = map.shift_remove(&key).unwrap();
            map.insert(format!("{key}{EVIL}"), value);
        }
        _ => {}
    }
}

/// Fails when a text that people or CI systems read holds what is harmful there.
#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    let is_harmful = |c: &char| (c.is_control() && !matches!(c, '\n' | '\t')) || *c == '\u{202e}';
    let found = text.chars().position(|c| is_harmful(&c));
    let around = |at: usize| text.chars().skip(at.saturating_sub(60)).take(120).collect::<String>();
    assert!(found.is_none(), "{what}: {:?}", around(found.unwrap_or_default()));
}

/// Makes everything that is made from a result.
fn check(text: &str, whole: &ResultDocument) {
    let _ = Brief::read(text.as_bytes());
    let Ok(doc) = json::from_str(text) else { return };
    let style = Style { width: 0, color: false };
    assert_harmless("JSON", &json::to_string(&doc).unwrap());
    for (what, text) in [
        ("console", details(&doc, style) + &verdict(&doc, style)),
        ("GitHub", github::annotations(&doc)),
        ("Markdown", markdown::render(&doc)),
        ("HTML", html::render(&doc).unwrap_or_default()),
        ("JUnit", junit::render(&doc).unwrap_or_default()),
        ("percentiles", hdr::render(&doc, hdr::Form::Percentiles).unwrap_or_default()),
        ("log", hdr::render(&doc, hdr::Form::Log).unwrap_or_default()),
    ] {
        assert_harmless(what, &text);
    }
    for file in csv::files(true) {
        // A row ends with CR and LF.
        assert_harmless("CSV", &(file.1)(&doc).unwrap().replace("\r\n", "\n"));
    }
    let [damaged, whole] = [&doc, whole].map(|doc| [Run { name: "a".into(), doc: doc.clone() }]);
    for (base, new) in [(&damaged, &whole), (&whole, &damaged)] {
        let comparison = compare(base, new, Options { margin: 0.02, force: true });
        assert_harmless("comparison", &table::summary(&comparison, style));
        assert_harmless("comparison in Markdown", &compared::render(&comparison));
        let page = html::render_both(&page::beside(&comparison, base, new, true)).unwrap();
        assert_harmless("comparison in HTML", &page);
    }
}

#[test]
fn damaged_results_never_panic() {
    let (seed, values) = (seed(), values());
    let whole = json::from_str(&seed.to_string()).unwrap();
    let one = (proptest::collection::vec(any::<u16>(), 1..7), damage());
    run(CASES, &proptest::collection::vec(one, 1..4), |all| {
        let mut result = seed.clone();
        all.iter().for_each(|(path, damage)| damaged(at(&mut result, path), damage, &values));
        bounded(&all, || check(&result.to_string(), &whole));
    });
}

/// A number or text of each name in the result, one after the other, with each value that a field of its kind may hold.
#[test]
fn every_value_may_be_the_worst_of_its_kind() {
    let seed = seed();
    let whole = json::from_str(&seed.to_string()).unwrap();
    let mut small = seed.clone();
    for (list, length) in [("timeline", 2), ("series", 1), ("failures", 1), ("thresholds", 2), ("warmup", 1)]
    {
        small[list].as_array_mut().unwrap().truncate(length);
    }
    let mut pointers = vec![];
    leaves(&small, String::new(), &mut pointers);
    assert!(pointers.len() > 200, "{}", pointers.len());
    // One of each name: what is done with a field does not depend on the row it belongs to.
    let mut seen = std::collections::BTreeSet::new();
    pointers.retain(|pointer| seen.insert(pointer.rsplit('/').next().map(str::to_owned)));
    for pointer in pointers.iter().filter(|pointer| !pointer.starts_with("/plan/effective")) {
        let worst = match &small.pointer(pointer).unwrap() {
            Value::String(_) => vec![json!(""), json!(EVIL)],
            Value::Number(number) if number.is_f64() => vec![json!(0.0), json!(-1e15), json!(1e15)],
            Value::Number(_) => vec![json!(0), json!(1u64 << 47), json!(u64::MAX)],
            _ => continue,
        };
        for value in worst {
            let mut result = small.clone();
            *result.pointer_mut(pointer).unwrap() = value.clone();
            bounded((pointer, &value), || check(&result.to_string(), &whole));
        }
    }
}

fn leaves(value: &Value, path: String, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, format!("{path}/{index}"), all));
        }
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| {
                leaves(value, format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), all);
            });
        }
        _ => all.push(path),
    }
}
