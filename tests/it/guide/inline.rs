//! What stands in backticks in a table that tells how to say something in plimsoll: it must be something that plimsoll
//! knows, and of the kind it looks like.

use std::collections::BTreeSet;
use std::path::Path;

use plimsoll::plan::parse::Format;
use regex::Regex;

use super::{console, snippet};

/// Words that stand alone: keys, metrics, functions, filters, kinds of failures, commands, fields of results.
pub fn words() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    collect(&plimsoll::plan::schema::schema(), &mut all);
    collect(&plimsoll::report::schema::schema(), &mut all);
    let lists = [plimsoll::threshold::METRICS, plimsoll::template::FUNCTIONS, plimsoll::template::FILTERS];
    all.extend(lists.into_iter().flatten().map(|word| (*word).to_owned()));
    all.extend(plimsoll::template::RESPONSE_NAMES.iter().map(|word| (*word).to_owned()));
    all.extend(plimsoll::failure::Failure::ALL.iter().map(|kind| kind.name().to_owned()));
    // Phases stand before a dot in a metric.
    let phases = plimsoll::threshold::METRICS.iter().filter_map(|metric| metric.split_once('.'));
    all.extend(phases.map(|(phase, _)| phase.to_owned()));
    let names = ["user.id", "user.iteration", "run.id", "repeat.index", "default", "latency", "plimsoll"];
    all.extend(names.map(str::to_owned));
    all
}

/// The keys of a schema and the words it allows.
fn collect(schema: &serde_json::Value, all: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("properties", serde_json::Value::Object(keys)) => all.extend(keys.keys().cloned()),
                    ("enum", serde_json::Value::Array(words)) => {
                        all.extend(words.iter().filter_map(|word| word.as_str().map(str::to_owned)));
                    }
                    ("const", serde_json::Value::String(word)) => all.extend([word.clone()]),
                    _ => {}
                }
                collect(value, all);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|value| collect(value, all)),
        _ => {}
    }
}

/// Checks one piece of code.
pub fn check(folder: &Path, words: &BTreeSet<String>, code: &str) -> Result<(), String> {
    let is = |pattern: &str| Regex::new(pattern).unwrap().is_match(code);
    let part = |text: String| snippet::check(folder, Format::Yaml, &text);
    let quoted = || format!("'{}'", code.replace('\'', "''"));
    if let Some(typed) = console::of(&console::without_placeholders(code)) {
        return typed.parses();
    }
    let flags = code.trim_start_matches("… ");
    if flags.starts_with('-') && !flags.starts_with("- ") {
        return flags_of(flags);
    }
    if code.split('.').all(|word| words.contains(word)) || words.contains(code) {
        return Ok(());
    }
    // Files, lengths, rates, factors, statuses.
    if is(r"^[\w./<>-]*\.(yaml|toml|json|jsonl|html|env|pem|csv)$") || is(r"^\d+(s|ms|m|x|%|/s)?$") {
        return Ok(());
    }
    if code.starts_with("{{") {
        let request = format!("{{ request: POST /snippet, text: {} }}", quoted());
        return part(format!("- repeat: {{ times: 1, steps: [{request}] }}"));
    }
    let (node, _) = Format::Yaml.parse(code, plimsoll::diagnostic::FileId(0));
    if node.is_some_and(|node| node.as_map().is_some() || node.as_list().is_some()) {
        return part(code.to_owned());
    }
    let as_threshold = part(format!("thresholds: [{}]", quoted()));
    // Arrivals are dropped only where there are any.
    let of_arrivals = || part(format!("load: {{ rate: 5/s, duration: 10m }}\nthresholds: [{}]", quoted()));
    as_threshold.or_else(|_| of_arrivals()).or_else(|_| part(format!("capture: {{ it: {} }}", quoted())))
}

/// Flags that one of the commands takes.
fn flags_of(flags: &str) -> Result<(), String> {
    let plans =
        ["run p.yaml", "validate p.yaml", "try p.yaml", "show p.yaml", "report r.json", "serve-demo", "init"];
    // A flag may stand for itself, without its value.
    let whole =
        plans.iter().flat_map(|command| ["", " 1"].map(|value| format!("plimsoll {command} {flags}{value}")));
    let tried: Vec<_> = whole.map(|line| console::of(&line).unwrap().parses()).collect();
    match tried.iter().any(Result::is_ok) {
        true => Ok(()),
        false => tried.into_iter().next().unwrap(),
    }
}
