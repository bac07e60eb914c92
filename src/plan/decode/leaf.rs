//! Single values: text, numbers, words and written units. Must not know any key.

use std::time::Duration;

use super::{Definitions, FromNode, wrong_type};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::codes;
use crate::plan::node::{Node, NodeValue};
use crate::units::{self, DurationRange, Factor, Rate, Size, UnitError};
use serde_json::{Value, json};

impl FromNode for String {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::String(text) => Some(text.clone()),
            NodeValue::Int(_) | NodeValue::Float(_) | NodeValue::Bool(_) => {
                let message = format!("expected text, found {}", node.kind());
                let text = node.scalar_text().unwrap_or_default();
                out.push(
                    Diagnostic::error(codes::WRONG_TYPE, node.span, message)
                        .help(format!("write it in quotes: \"{text}\"")),
                );
                None
            }
            _ => wrong_type(node, "text", out),
        }
    }

    fn expected() -> String {
        "text".to_owned()
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string" })
    }
}

/// Text, or a number or truth value written where text is sent (a header, a query parameter).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar(pub String);

impl AsRef<str> for Scalar {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Scalar {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromNode for Scalar {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        let Some(text) = node.scalar_text() else {
            let error = super::wrong_type_error(node, &Self::expected());
            out.push(error.help("write one value, such as `a`, `5` or `\"{{ name }}\"`"));
            return None;
        };
        // A number is sent as text: `1.10` must not silently become `1.1`.
        if node.as_number().is_some() && text.len() != (node.span.end - node.span.start) as usize {
            let message = format!("this number would be sent as `{text}`");
            let help = "put it in quotes to send it exactly as written";
            out.push(Diagnostic::error(codes::WRONG_TYPE, node.span, message).help(help));
            return None;
        }
        Some(Self(text))
    }

    fn expected() -> String {
        "text or a number".to_owned()
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

impl FromNode for bool {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        if let NodeValue::Bool(value) = node.value {
            return Some(value);
        }
        let error = super::wrong_type_error(node, &Self::expected());
        // YAML 1.2 knows no other words for them.
        let meant = match node.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("yes" | "on" | "true") => Some("true"),
            Some("no" | "off" | "false") => Some("false"),
            _ => None,
        };
        out.push(match (meant, node.as_str()) {
            (Some(meant), Some(text)) if meant == text => {
                error.help(format!("write it without quotes: {meant}"))
            }
            (Some(meant), Some(text)) => error.help(format!("write `{meant}`")).fix(text, meant),
            _ => error.help("write `true` or `false`"),
        });
        None
    }

    fn expected() -> String {
        "true or false".to_owned()
    }

    fn example() -> &'static str {
        "true"
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "boolean" })
    }
}

macro_rules! whole_numbers {
    ($($ty:ty),*) => {$(
        impl FromNode for $ty {
            fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
                if let NodeValue::Float(number) = &node.value
                    && number.is_whole()
                {
                    let message = format!("{} is out of range", number.text());
                    let help = format!("write a whole number from 0 to {}", <$ty>::MAX);
                    out.push(Diagnostic::error(codes::OUT_OF_RANGE, node.span, message).help(help));
                    return None;
                }
                let Some(number) = node.as_int() else { return not_a_number(node, &Self::expected(), out) };
                <$ty>::try_from(number).ok().or_else(|| {
                    let message = format!("{number} is out of range");
                    let help = match <$ty>::MAX as u128 > i64::MAX as u128 {
                        true => "write a whole number, not negative".to_owned(),
                        false => format!("write a whole number from 0 to {}", <$ty>::MAX),
                    };
                    out.push(Diagnostic::error(codes::OUT_OF_RANGE, node.span, message).help(help));
                    None
                })
            }

            fn expected() -> String {
                "a whole number".to_owned()
            }

            fn example() -> &'static str {
                "1"
            }

            fn schema(_: &mut Definitions) -> Value {
                json!({ "type": "integer", "minimum": 0 })
            }
        }
    )*};
}
whole_numbers!(u16, u32, u64);

/// Reports what is no number; one in quotes gets words of its own.
fn not_a_number<T>(node: &Node, expected: &str, out: &mut Diagnostics) -> Option<T> {
    let error = super::wrong_type_error(node, expected);
    let text = node.as_str().map(str::trim).filter(|text| text.parse::<f64>().is_ok_and(f64::is_finite));
    out.push(match text {
        Some(text) => error.help(format!("write it without quotes: {text}")),
        None => error.help("write a number, such as 5"),
    });
    None
}

impl FromNode for f64 {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        node.as_number().or_else(|| not_a_number(node, &Self::expected(), out))
    }

    fn expected() -> String {
        "a number".to_owned()
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "number", "minimum": 0 })
    }
}

/// Reads a written unit; a bare number gets the words of the unit's own parser ("5 what?").
pub(crate) fn unit<T>(
    node: &Node,
    expected: &str,
    parse: fn(&str) -> Result<T, UnitError>,
    out: &mut Diagnostics,
) -> Option<T> {
    let text = match &node.value {
        NodeValue::String(_) | NodeValue::Int(_) | NodeValue::Float(_) => node.scalar_text(),
        _ => None,
    };
    let Some(text) = text else { return wrong_type(node, expected, out) };
    match parse(&text) {
        Ok(value) => Some(value),
        Err(error) if text.contains("{{") => {
            let message = format!("expected {expected}, found a template");
            let help = "this value is needed before the run starts; write it out";
            let _ = error;
            out.push(Diagnostic::error(codes::UNIT, node.span, message).help(help));
            None
        }
        Err(error) => {
            let problem = Diagnostic::error(codes::UNIT, node.span, error.message).help(error.help);
            let meant = units::respelled(&text).filter(|meant| parse(meant).is_ok());
            out.push(match meant {
                Some(meant) => problem.fix(text, meant),
                None => problem,
            });
            None
        }
    }
}

macro_rules! written_units {
    ($($ty:ty: $parse:path, $expected:literal, $example:literal, $pattern:literal;)*) => {$(
        impl FromNode for $ty {
            fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
                unit(node, $expected, $parse, out)
            }

            fn expected() -> String {
                $expected.to_owned()
            }

            fn example() -> &'static str {
                $example
            }

            fn schema(_: &mut Definitions) -> Value {
                json!({ "type": "string", "pattern": $pattern })
            }
        }
    )*};
}
written_units! {
    Duration: units::parse_duration, "a duration such as 5s or 200ms", "5s",
        r"^\s*([0-9]+(\.[0-9]+)?(d|h|ms|m|s|us|µs)\s*)+$";
    DurationRange: units::parse_range, "a duration such as 2s, or a range such as 1s..5s", "1s..5s",
        r"^\s*([0-9]+(\.[0-9]+)?(d|h|ms|m|s|us|µs)\s*)+(\.\.\s*([0-9]+(\.[0-9]+)?(d|h|ms|m|s|us|µs)\s*)+)?$";
    Rate: units::parse_rate, "a rate such as 5/s", "5/s", r"^\s*[0-9]+(\.[0-9]+)?\s*/\s*[smh]\s*$";
    Size: units::parse_size, "a size such as 64KB or 16MiB", "16MiB", r"^\s*[0-9]+(\.[0-9]+)?\s*(B|[kK]B|MB|GB|KiB|MiB|GiB)\s*$";
    Factor: units::parse_factor, "a factor such as 2x", "2x", r"^\s*[0-9]+(\.[0-9]+)?[x×]\s*$";
}

/// Reads one of a few words.
pub(crate) fn word<T: Copy>(
    node: &Node,
    what: &str,
    words: &[(&'static str, T)],
    out: &mut Diagnostics,
) -> Option<T> {
    let list: Vec<_> = words.iter().map(|(name, _)| format!("`{name}`")).collect();
    let Some(text) = node.as_str() else {
        let error = super::wrong_type_error(node, &format!("{what}: {}", list.join(" or ")));
        out.push(error.help(format!("write {}", list.join(" or "))));
        return None;
    };
    words.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).or_else(|| {
        let error = Diagnostic::error(codes::UNKNOWN_WORD, node.span, format!("`{text}` is not {what}"));
        let error = error.did_you_mean(text, words.iter().map(|(name, _)| *name));
        out.push(error.help(format!("allowed: {}", list.join(", "))));
        None
    })
}
