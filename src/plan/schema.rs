//! The JSON Schema of a plan, assembled from the structs of the model. Must not repeat what they say.

use super::decode::{Definitions, FromNode};
use super::model::{Plan, VERSION};
use serde_json::{Value, json};

/// JSON Schema (2020-12) of a plan, with a description for every key. In a plan that includes others, what is
/// required may stand in those.
pub fn schema() -> Value {
    let mut whole = titled("plimsoll plan", "A load-test plan of plimsoll.");
    let mut defs = definitions();
    defs["PlanPart"]["required"] = json!(["plan"]);
    whole["if"] = json!({ "required": ["include"] });
    whole["then"] = json!({ "$ref": "#/$defs/PlanPart" });
    whole["else"] = json!({ "$ref": "#/$defs/Plan" });
    whole["$defs"] = Value::Object(defs);
    whole
}

/// JSON Schema of a file that plans include: a plan of which nothing is required.
pub fn part_schema() -> Value {
    let mut whole = titled("plimsoll plan part", "A part of a load-test plan of plimsoll, for `include`.");
    let mut defs = definitions();
    JOINED.iter().for_each(|name| drop(defs.remove(*name)));
    whole["$ref"] = json!("#/$defs/PlanPart");
    whole["$defs"] = Value::Object(defs);
    whole
}

fn titled(title: &str, description: &str) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": description,
    })
}

fn definitions() -> Definitions {
    let mut defs = Definitions::new();
    Plan::schema(&mut defs);
    place_requests(&mut defs);
    place_version(&mut defs);
    add_parts(&mut defs);
    defs
}

/// Maps that are joined key by key and have required keys, or hold such maps.
const JOINED: [&str; 7] = ["Plan", "Scenario", "Endpoint", "Auth", "BasicAuth", "ApiKey", "OAuth2"];

/// The maps that are joined key by key, once more with nothing required: the rest may stand in another file.
fn add_parts(defs: &mut Definitions) {
    for name in JOINED {
        let mut part = defs.get(name).cloned().unwrap_or_default();
        if let Some(object) = part.as_object_mut() {
            object.shift_remove("required");
        }
        for inner in JOINED {
            redirect(&mut part, &format!("#/$defs/{inner}"), &format!("#/$defs/{inner}Part"));
        }
        defs.insert(format!("{name}Part"), part);
    }
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
    for of in ["Plan", "Scenario"] {
        all[of]["properties"]["endpoints"]["additionalProperties"] = json!({ "$ref": "#/$defs/Endpoint" });
    }
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
