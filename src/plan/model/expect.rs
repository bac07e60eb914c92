//! What an answer must be, long and short form. Must not compile the expressions.

use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use crate::plan::codes;
use crate::plan::decode::{Definitions, FromNode, wrong_type};
use crate::plan::node::{Node, NodeValue};

/// What an answer must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// Expressions that must all be true.
    List(Vec<Located<String>>),
    /// The short form.
    Map(ExpectMap),
}

impl FromNode for Expect {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::String(_) => Located::from_node(node, out).map(|one| Self::List(vec![one])),
            NodeValue::List(_) => Vec::from_node(node, out).map(Self::List),
            NodeValue::Map(_) => ExpectMap::from_node(node, out).map(Self::Map),
            NodeValue::Int(status @ 100..=599) => {
                let message = "expected a list of expressions or a map, found a number";
                let help = format!("write `expect: {{ status: {status} }}`");
                out.push(Diagnostic::error(codes::WRONG_TYPE, node.span, message).help(help));
                None
            }
            _ => wrong_type(node, &Self::expected(), out),
        }
    }

    fn expected() -> String {
        "a list of expressions such as `status == 200`, or a map with `status`".to_owned()
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        let text = serde_json::json!({ "type": "string" });
        let list = serde_json::json!({ "type": "array", "items": text });
        serde_json::json!({ "anyOf": [text, list, ExpectMap::schema(defs)] })
    }
}

plan_keys! {
    /// The short form of `expect`.
    "`expect`"
    pub struct ExpectMap {
        /// The status wanted: `200`, `"2xx"`, or a list of them.
        status: OneOrMany<Located<StatusMatch>>,
    }
    later { "body", "headers", "json" }
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T: FromNode> FromNode for OneOrMany<T> {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match node.value {
            NodeValue::List(_) => Vec::from_node(node, out).map(Self),
            _ => T::from_node(node, out).map(|one| Self(vec![one])),
        }
    }

    fn expected() -> String {
        format!("{} or a list of them", T::expected())
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        let one = T::schema(defs);
        serde_json::json!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// A status, or a class of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusMatch {
    /// Exactly this one.
    Code(u16),
    /// All of a class: 2 stands for `2xx`.
    Class(u8),
}

impl FromNode for StatusMatch {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        if let Some(code @ 100..=599) = node.as_int() {
            return u16::try_from(code).ok().map(Self::Code);
        }
        if let Some([class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X']) = node.as_str().map(str::as_bytes) {
            return Some(Self::Class(class - b'0'));
        }
        match node.value {
            NodeValue::Int(_) | NodeValue::String(_) => {
                let message = format!("`{}` is not an HTTP status", node.scalar_text().unwrap_or_default());
                out.push(
                    Diagnostic::error(codes::OUT_OF_RANGE, node.span, message)
                        .help("write a number from 100 to 599, or a class such as \"2xx\""),
                );
                None
            }
            _ => wrong_type(node, &Self::expected(), out),
        }
    }

    fn expected() -> String {
        "a status such as 200 or \"2xx\"".to_owned()
    }

    fn schema(_: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^[1-5][xX][xX]$" },
        ] })
    }
}
