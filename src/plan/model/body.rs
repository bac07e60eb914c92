//! What bodies are made of beside one text: parts of a multipart body, a GraphQL operation. Must not read any file.

use super::Scalar;
use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use crate::plan::codes;
use crate::plan::decode::{Definitions, FromNode, Keys, wrong_type};
use crate::plan::node::{Node, NodeValue};

/// One part of a multipart body.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A plain field.
    Field(Located<Scalar>),
    /// A file, or a field with a type of its own.
    Long(Box<LongPart>),
}

plan_keys! {
    /// A part of a multipart body that is a file, or has a type of its own: one of `file`, `text` and `json`.
    "a part"
    pub struct LongPart {
        /// File that is sent as it is, relative to this plan; read once, before the run.
        file: Option<Located<String>>,
        /// Content as text.
        text: Option<Located<Scalar>>,
        /// Content sent as JSON; a value that is one lone `{{ }}` keeps its type.
        json: Option<Node>,
        /// Name of the file as the target sees it; that of `file` when absent.
        filename: Option<Located<String>>,
        /// Media type; by the file's name, or `application/json` for `json`, when absent.
        content_type: Option<Located<String>>,
    }
    rules one_content
}

fn one_content(keys: &Keys<'_>, out: &mut Diagnostics) {
    let written: Vec<_> =
        ["file", "text", "json"].into_iter().filter(|key| keys.span_of(key).is_some()).collect();
    for second in written.iter().skip(1) {
        keys.clash(written[0], second, "a part has one content: remove one of them", out);
    }
    // A misspelt key explains it already; `filename` is no misspelt `file`.
    let is_known = |key: &str| matches!(key, "filename" | "content_type");
    let node = keys.node();
    if written.is_empty()
        && node.as_map().is_some_and(|entries| entries.iter().all(|(key, _)| is_known(&key.value)))
    {
        let message = "a part needs `file`, `text` or `json`";
        let help = "write `file: path`, `text: …` or `json: …`";
        out.push(Diagnostic::error(codes::MISSING_KEY, node.span, message).help(help));
    }
}

impl FromNode for Part {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match node.value {
            NodeValue::Map(_) => LongPart::from_node(node, out).map(|part| Self::Long(Box::new(part))),
            NodeValue::Null | NodeValue::List(_) => wrong_type(node, &Self::expected(), out),
            _ => Located::from_node(node, out).map(Self::Field),
        }
    }

    fn expected() -> String {
        "text, a number, or a map with `file`, `text` or `json`".to_owned()
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "anyOf": [Scalar::schema(defs), LongPart::schema(defs)] })
    }
}

plan_keys! {
    /// A GraphQL operation, sent as a JSON body.
    "a GraphQL operation"
    pub struct GraphQl {
        /// The document: text, or `{ file: path }`.
        query: GraphQlQuery,
        /// Values of its variables; one that is one lone `{{ }}` keeps its type.
        variables: Option<Node>,
        /// Name of the operation to run, when the document holds several.
        operation: Option<Located<String>>,
    }
    check check_graphql
}

fn check_graphql(written: &GraphQl, _: &Keys<'_>, out: &mut Diagnostics) {
    let is_computed = |node: &Node| node.as_str().is_some_and(|text| text.contains("{{"));
    if let Some(node) =
        written.variables.as_ref().filter(|node| node.as_map().is_none() && !is_computed(node))
    {
        let message = format!("expected a map of variables, found {}", node.kind());
        let help = "write for example `variables: { id: 5 }`";
        out.push(Diagnostic::error(codes::WRONG_TYPE, node.span, message).help(help));
    }
}

/// A GraphQL document.
#[derive(Debug, Clone, PartialEq)]
pub enum GraphQlQuery {
    /// Written in the plan; may be a template.
    Text(Located<String>),
    /// In a file of its own.
    File(QueryFile),
}

plan_keys! {
    /// A GraphQL document in a file of its own.
    "a GraphQL document"
    pub struct QueryFile {
        /// Path, relative to this plan; sent as it is.
        file: Located<String>,
    }
}

impl FromNode for GraphQlQuery {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match node.value {
            NodeValue::Map(_) => QueryFile::from_node(node, out).map(Self::File),
            NodeValue::String(_) => Located::from_node(node, out).map(Self::Text),
            _ => wrong_type(node, &Self::expected(), out),
        }
    }

    fn expected() -> String {
        "the text of a GraphQL document, or `{ file: path }`".to_owned()
    }

    fn example() -> &'static str {
        "\"{ me { id } }\""
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "anyOf": [{ "type": "string" }, QueryFile::schema(defs)] })
    }
}
