//! One plan in both languages.

use serde_json::{Value, json};

/// A whole plan as YAML and as TOML, each under a name that says which.
pub fn both(plan: &Value) -> [(&'static str, String); 2] {
    let lines =
        plan.as_object().unwrap().iter().map(|(key, value)| format!("{} = {}\n", json!(key), toml(value)));
    // JSON is YAML.
    [("plan.yaml", plan.to_string()), ("plan.toml", lines.collect())]
}

fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| format!("{} = {}", json!(key), toml(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}
