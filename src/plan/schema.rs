//! The JSON Schema of a plan, assembled from the structs of the model. Must not repeat what they say.

use super::decode::{Definitions, FromNode};
use super::model::{Plan, VERSION};
use serde_json::{Value, json};

/// JSON Schema (2020-12) of a plan, with a description for every key.
pub fn schema() -> Value {
    let mut defs = Definitions::new();
    let root = Plan::schema(&mut defs);
    place_requests(&mut defs);
    place_version(&mut defs);
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plimsoll plan",
        "description": "A load-test plan of plimsoll.",
    });
    whole["$ref"] = root["$ref"].clone();
    whole["$defs"] = Value::Object(defs);
    whole
}

/// An endpoint has no `name` and a step has no `weight`: one struct, two schemas.
fn place_requests(defs: &mut Definitions) {
    let without = |defs: &Definitions, key: &str| {
        let mut schema = defs.get("Request").cloned().unwrap_or_default();
        if let Some(properties) = schema["properties"].as_object_mut() {
            properties.shift_remove(key);
        }
        schema
    };
    let (endpoint, step) = (without(defs, "name"), without(defs, "weight"));
    defs.remove("Request");
    let mut all = Value::Object(std::mem::take(defs));
    redirect(&mut all, "#/$defs/Request", "#/$defs/RequestStep");
    all["Plan"]["properties"]["endpoints"]["additionalProperties"] = json!({ "$ref": "#/$defs/Endpoint" });
    if let Value::Object(map) = all {
        *defs = map;
    }
    defs.insert("Endpoint".to_owned(), endpoint);
    defs.insert("RequestStep".to_owned(), step);
}

fn place_version(defs: &mut Definitions) {
    if let Some(plan) = defs.get_mut("Plan") {
        let description = plan["properties"]["plan"]["description"].clone();
        plan["properties"]["plan"] = json!({ "const": VERSION, "description": description });
        let overlay = json!({ "type": "object", "description": "Changes to this plan." });
        plan["properties"]["profiles"]["additionalProperties"] = overlay;
    }
}

fn redirect(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| redirect(item, from, to)),
        Value::Object(map) => map.values_mut().for_each(|item| redirect(item, from, to)),
        _ => {}
    }
}
