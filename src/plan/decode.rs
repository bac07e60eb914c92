//! From nodes to the structs of the plan without stopping at the first problem, and the schema of the same
//! structs. Must not know any key; those stand in [`super::model`].

#[macro_use]
mod define;
mod address;
mod delimiter;
mod keys;
mod leaf;
mod tags;

pub use address::LocalAddress;
pub use delimiter::Delimiter;
pub use keys::Keys;
pub(crate) use keys::{Foreign, Translate, key_of, unknown_key, value_for_map};
pub use leaf::Scalar;
pub(crate) use leaf::{unit, word};
pub use tags::Tags;

use super::codes;
use super::node::{Node, NodeValue};
use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use serde_json::{Value, json};

/// The `$defs` of a schema while it is assembled.
pub type Definitions = serde_json::Map<String, Value>;

/// Shown where there is nothing better to show.
const NO_EXAMPLE: &str = "…";

/// What a node can become. Every problem is reported; nothing stops at the first.
pub trait FromNode: Sized {
    /// The value, or `None` with at least one error pushed.
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self>;

    /// The value of a key that is not written; `None` makes the key required.
    fn absent() -> Option<Self> {
        None
    }

    /// Words for "expected …".
    fn expected() -> String;

    /// A value to show where one is missing.
    fn example() -> &'static str {
        NO_EXAMPLE
    }

    /// The keys of its map; none when it is not one.
    fn keys() -> &'static [&'static str] {
        &[]
    }

    /// A list of these, written for people who wrote a map.
    fn list_for_map(_: &[(Located<String>, Node)]) -> Option<String> {
        None
    }

    /// JSON Schema of what [`FromNode::from_node`] accepts; structs put themselves into `defs`.
    fn schema(defs: &mut Definitions) -> Value;
}

/// Reports a value of the wrong kind.
pub(crate) fn wrong_type<T>(node: &Node, expected: &str, out: &mut Diagnostics) -> Option<T> {
    out.push(wrong_type_error(node, expected));
    None
}

pub(crate) fn wrong_type_error(node: &Node, expected: &str) -> Diagnostic {
    let message = format!("expected {expected}, found {}", node.kind());
    Diagnostic::error(codes::WRONG_TYPE, node.span, message)
}

impl<T: FromNode> FromNode for Option<T> {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        T::from_node(node, out).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn expected() -> String {
        T::expected()
    }

    fn example() -> &'static str {
        T::example()
    }

    fn schema(defs: &mut Definitions) -> Value {
        T::schema(defs)
    }
}

impl<T: FromNode> FromNode for Located<T> {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        T::from_node(node, out).map(|value| Located { value, span: node.span })
    }

    fn expected() -> String {
        T::expected()
    }

    fn example() -> &'static str {
        T::example()
    }

    fn schema(defs: &mut Definitions) -> Value {
        T::schema(defs)
    }
}

/// A list keeps the items that can be read, so that one bad step does not hide the others.
impl<T: FromNode> FromNode for Vec<T> {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        let Some(items) = node.as_list() else {
            let error = wrong_type_error(node, &Self::expected());
            out.push(match (&node.value, node.scalar_text()) {
                (NodeValue::Map(entries), _) => match T::list_for_map(entries) {
                    Some(list) => error.help(format!("write `{list}`")),
                    None => error.help("in YAML each item starts with `- `, in TOML with `[[…]]`"),
                },
                (_, Some(text)) if text.len() < 80 => error.help(format!("write `[{text}]`")),
                _ => error,
            });
            return None;
        };
        Some(items.iter().filter_map(|item| T::from_node(item, out)).collect())
    }

    fn absent() -> Option<Self> {
        Some(vec![])
    }

    fn expected() -> String {
        format!("a list, each item {}", T::expected())
    }

    fn schema(defs: &mut Definitions) -> Value {
        json!({ "type": "array", "items": T::schema(defs) })
    }
}

/// A map of names keeps the entries that can be read.
impl<T: FromNode> FromNode for Vec<(Located<String>, T)> {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        let NodeValue::Map(entries) = &node.value else {
            let error = wrong_type_error(node, &Self::expected());
            out.push(match node.as_list() {
                Some(items) => error.help(named_instead(items, T::example())),
                None => error.help(format!("write for example `{{ a name: {} }}`", T::example())),
            });
            return None;
        };
        let mut read = vec![];
        let mut rest = entries.as_slice();
        while let Some(((key, value), after)) = rest.split_first() {
            let beside = beside_its_name(value, after, T::keys());
            match after.split_at(beside) {
                ([], _) => read.extend(T::from_node(value, out).map(|value| (key.clone(), value))),
                ([(first, _), ..], _) => out.push(not_indented(key, first)),
            }
            rest = &after[beside..];
        }
        Some(read)
    }

    fn absent() -> Option<Self> {
        Some(vec![])
    }

    fn expected() -> String {
        format!("a map of names, each with {}", T::expected())
    }

    fn schema(defs: &mut Definitions) -> Value {
        json!({ "type": "object", "additionalProperties": T::schema(defs) })
    }
}

/// How many entries after a name without a value are keys of what should stand under it.
fn beside_its_name(value: &Node, after: &[(Located<String>, Node)], keys: &[&str]) -> usize {
    let is_key = |(key, _): &&(Located<String>, Node)| keys.contains(&key.value.as_str());
    if matches!(value.value, NodeValue::Null) { after.iter().take_while(is_key).count() } else { 0 }
}

/// The error for keys that stand beside the name they belong to.
fn not_indented(name: &Located<String>, key: &Located<String>) -> Diagnostic {
    let (name_text, key_text) = (&name.value, &key.value);
    let message = format!("`{key_text}` stands beside `{name_text}`, not under it");
    Diagnostic::error(codes::WRONG_TYPE, key.span, message)
        .other(name.span, "this name has nothing under it")
        .help(format!("indent `{key_text}`, and the keys after it, further than `{name_text}`"))
}

/// How the first item of a list looks in a map of names.
fn named_instead(items: &[Node], example: &str) -> String {
    let name = items.first().and_then(|item| item.get("name")?.as_str());
    let is_plain =
        |name: &&str| name.len() < 40 && name.chars().all(|c| c.is_alphanumeric() || " _-".contains(c));
    let name = name.filter(is_plain).unwrap_or("a name");
    format!("write a name and `:` where each item starts: `{name}: {example}`")
}

impl FromNode for Node {
    fn from_node(node: &Node, _: &mut Diagnostics) -> Option<Self> {
        Some(node.clone())
    }

    fn expected() -> String {
        "any value".to_owned()
    }

    fn schema(_: &mut Definitions) -> Value {
        json!(true)
    }
}

/// One key of a schema: name, schema with description, whether it is required.
pub(crate) type Property = (&'static str, Value, bool);

/// The default a description ends with: `…; 30s when absent.`
fn default_of(doc: &str, schema: &Definitions) -> Option<Value> {
    let word = doc.trim().strip_suffix(" when absent.")?.rsplit_once("; ")?.1.trim_matches('`');
    let is_number = schema.get("type").is_some_and(|kind| kind == "integer" || kind == "number");
    match word {
        "true" | "false" => Some(json!(word == "true")),
        _ if word.contains(' ') => None,
        _ if is_number => word.parse::<u64>().ok().map(Value::from),
        _ => Some(json!(word)),
    }
}

/// The schema of one key.
pub(crate) fn property<T: FromNode>(key: &'static str, doc: &str, defs: &mut Definitions) -> Property {
    let mut schema = match T::schema(defs) {
        Value::Object(map) => map,
        _ => Definitions::new(),
    };
    schema.insert("description".to_owned(), json!(doc.trim()));
    let is_text = schema.get("type").is_some_and(|kind| kind == "string");
    if let Some(value) = default_of(doc, &schema) {
        schema.insert("default".to_owned(), value);
    } else if is_text && T::example() != NO_EXAMPLE {
        schema.insert("examples".to_owned(), json!([T::example().trim_matches('"')]));
    }
    (key, Value::Object(schema), T::absent().is_none())
}

/// The words for a map without their article.
fn title(what: &str) -> &str {
    ["a ", "an ", "the "].iter().find_map(|article| what.strip_prefix(article)).unwrap_or(what)
}

/// Puts the schema of a struct into `defs` once and returns the reference to it.
pub(crate) fn object_schema(
    name: &str,
    what: &str,
    doc: &str,
    defs: &mut Definitions,
    properties: impl FnOnce(&mut Definitions) -> Vec<Property>,
) -> Value {
    if !defs.contains_key(name) {
        defs.insert(name.to_owned(), Value::Null);
        let all = properties(defs);
        let required: Vec<_> =
            all.iter().filter(|(_, _, required)| *required).map(|(key, ..)| *key).collect();
        let map: Definitions =
            all.iter().map(|(key, schema, _)| ((*key).to_owned(), schema.clone())).collect();
        let mut object = json!({
            "type": "object",
            "title": title(what),
            "description": doc.trim(),
            "properties": map,
            "additionalProperties": false,
        });
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        defs.insert(name.to_owned(), object);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}
