//! Values as text: JSON's spelling (`true`, `null`, `[1,2]`), not Python's.

use std::fmt::Write as _;

use minijinja::Value;
use minijinja::value::ValueKind;

/// Appends a value as people write it: text as it is, everything else as JSON.
pub fn write_text(value: &Value, out: &mut String) {
    if let Some(text) = value.as_str() {
        out.push_str(text);
        return;
    }
    match value.kind() {
        ValueKind::Undefined => {}
        ValueKind::Number if value.is_integer() => {
            let _ = write!(out, "{value}");
        }
        _ => write_json(value, out),
    }
}

/// A value as text.
pub fn to_text(value: &Value) -> String {
    let mut out = String::new();
    write_text(value, &mut out);
    out
}

/// Appends a value as JSON. What JSON cannot say (NaN, functions) becomes `null`.
pub fn write_json(value: &Value, out: &mut String) {
    match serde_json::to_string(value) {
        Ok(text) => out.push_str(&text),
        Err(_) => out.push_str("null"),
    }
}
