//! Values as text: JSON's spelling (`true`, `null`, `[1,2]`), not Python's. What came as JSON is written as it came.

use std::fmt::Write as _;

use minijinja::Value;
use minijinja::value::ValueKind;

use super::json::{Container, Number, escape};

/// Appends a value as people write it: text as it is, everything else as JSON.
pub fn write_text(value: &Value, out: &mut String) {
    match value.as_str() {
        Some(text) => out.push_str(text),
        None if value.is_undefined() => {}
        None => write_json(value, out),
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
    if let Some(text) = value.as_str() {
        write_string(text, out);
        return;
    }
    if value.is_integer() {
        let _ = write!(out, "{value}");
        return;
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => write_container(value, out),
        _ => match value.downcast_object_ref::<Number>() {
            Some(number) => out.push_str(number.text()),
            None => out.push_str(&serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())),
        },
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    escape(text, out);
    out.push('"');
}

fn write_container(value: &Value, out: &mut String) {
    if let Some(container) = value.downcast_object_ref::<Container>() {
        container.write(out);
        return;
    }
    let is_map = value.kind() == ValueKind::Map;
    out.push(if is_map { '{' } else { '[' });
    // Not every map can be listed.
    for (index, item) in value.try_iter().into_iter().flatten().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if is_map {
            write_string(&to_text(&item), out);
            out.push(':');
            write_json(&value.get_item(&item).unwrap_or_default(), out);
        } else {
            write_json(&item, out);
        }
    }
    out.push(if is_map { '}' } else { ']' });
}
