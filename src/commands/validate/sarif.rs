//! Problems as SARIF 2.1.0, which code scanning and editors read.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::compile::explain::{self, Explained};

use super::problem::{Place, Problem};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// What a path in a URI may hold as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The whole log: one run, with the rules that were broken.
pub fn log(problems: &[Problem]) -> Value {
    let codes: BTreeSet<_> = problems.iter().map(|problem| problem.code).collect();
    let rules: Vec<_> = explain::all().filter(|known| codes.contains(known.code)).collect();
    let results: Vec<_> = problems.iter().map(|problem| result(problem, &rules)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "plimsoll",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(explained: &Explained) -> Value {
    let words = explained.words().join("\n\n");
    let markdown = explained
        .page
        .replace("```yaml wrong", "Wrong:\n\n```yaml")
        .replace("```yaml right", "Right:\n\n```yaml");
    json!({
        "id": explained.code,
        "shortDescription": { "text": explained.title },
        "fullDescription": { "text": words },
        "help": { "text": words, "markdown": markdown },
    })
}

fn result(problem: &Problem, rules: &[Explained]) -> Value {
    let text = [&problem.message].into_iter().chain(&problem.help).cloned().collect::<Vec<_>>().join("\n");
    let mut result = json!({
        "ruleId": problem.code,
        "level": problem.severity,
        "message": { "text": text },
        "locations": [location(&problem.place)],
    });
    if let Some(index) = rules.iter().position(|rule| rule.code == problem.code) {
        result["ruleIndex"] = json!(index);
    }
    if !problem.related.is_empty() {
        let related = problem.related.iter().enumerate().map(|(index, other)| {
            let mut place = location(&other.place);
            place["id"] = json!(index + 1);
            place["message"] = json!({ "text": other.message });
            place
        });
        result["relatedLocations"] = related.collect();
    }
    if let Some(fix) = &problem.fix {
        let replacement =
            json!({ "deletedRegion": region(&fix.place), "insertedContent": { "text": fix.text } });
        let change = json!({ "artifactLocation": artifact(&fix.place), "replacements": [replacement] });
        result["fixes"] =
            json!([{ "description": { "text": problem.help.first() }, "artifactChanges": [change] }]);
        if problem.help.is_empty() {
            result["fixes"][0]["description"]["text"] = json!(problem.message);
        }
    }
    result
}

fn location(place: &Place) -> Value {
    json!({ "physicalLocation": { "artifactLocation": artifact(place), "region": region(place) } })
}

fn artifact(place: &Place) -> Value {
    let path = place.file.strip_prefix("./").unwrap_or(&place.file);
    let encoded = utf8_percent_encode(path, PATH);
    json!({ "uri": if path.starts_with('/') { format!("file://{encoded}") } else { encoded.to_string() } })
}

fn region(place: &Place) -> Value {
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    })
}
