//! What separates the columns of a file, as a plan writes it. Must not read the file.

use serde_json::{Value, json};

use super::{Definitions, FromNode, wrong_type};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::codes;
use crate::plan::node::Node;

/// One ASCII character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(pub u8);

impl FromNode for Delimiter {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        let Some(text) = node.as_str() else { return wrong_type(node, &Self::expected(), out) };
        match text.as_bytes() {
            b"\\t" => return Some(Self(b'\t')),
            [sign] if !matches!(sign, b'"' | b'\n' | b'\r' | 0 | 0x80..) => return Some(Self(*sign)),
            _ => {}
        }
        let shown: String = text.chars().take(20).flat_map(char::escape_default).collect();
        let message = format!("`{shown}` cannot separate columns");
        let help =
            "write one character, such as \";\" or \"|\", or \"\\t\" for tabs; not a quote or a line break";
        out.push(Diagnostic::error(codes::WRONG_TYPE, node.span, message).help(help));
        None
    }

    fn expected() -> String {
        "one character such as \";\"".to_owned()
    }

    fn example() -> &'static str {
        "\";\""
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "pattern": r#"^([^"\n\r]|\\t)$"# })
    }
}
