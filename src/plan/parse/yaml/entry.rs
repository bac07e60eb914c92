//! Keys, merge keys and anchors of YAML maps. Must not see events.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Located, Span};
use crate::plan::codes;
use crate::plan::node::{Node, NodeValue};

/// One key with its value.
pub(super) type Entry = (Located<String>, Node);

/// A key that waits for its value.
pub(super) enum Key {
    Named(Located<String>),
    /// `<<`
    Merge,
    /// Already reported; its value is read and dropped.
    Refused,
}

/// A finished anchored value with what it costs to repeat it.
pub(super) struct Anchored {
    pub(super) node: Node,
    pub(super) nodes: usize,
    pub(super) levels: usize,
    pub(super) bytes: usize,
}

pub(super) fn as_key(
    node: Node,
    plain: Option<&str>,
    source: &str,
    in_template: bool,
    places: &mut HashMap<String, Span>,
    problems: &mut Vec<Diagnostic>,
) -> Key {
    if in_template {
        return Key::Refused;
    }
    let span = node.span;
    let name = match (plain, &node.value) {
        (Some("<<"), _) => return Key::Merge,
        (Some(text), _) => text.to_owned(),
        (None, NodeValue::String(text)) => text.clone(),
        _ => {
            let message = format!("a key must be text, found {}", node.kind());
            problems.push(Diagnostic::error(codes::SYNTAX, span, message).help("write `key: value`"));
            return Key::Refused;
        }
    };
    if name.is_empty() && source.is_empty() {
        problems.push(Diagnostic::error(codes::SYNTAX, span, "a key is missing before `:`"));
        return Key::Refused;
    }
    if let Some(first) = places.get(&name) {
        problems.push(
            Diagnostic::error(codes::DUPLICATE_KEY, span, format!("`{name}` is written twice"))
                .label("again here")
                .other(*first, "first here")
                .help("remove one of them, or give it another name"),
        );
        return Key::Refused;
    }
    places.insert(name.clone(), span);
    Key::Named(Located { value: name, span })
}

/// `<<`: entries of the merged maps that are not written here; the first map that has a key wins.
pub(super) fn merge(entries: &mut Vec<Entry>, places: &mut HashMap<String, Span>, merged: Vec<Node>) {
    for map in merged {
        let NodeValue::Map(more) = map.value else { continue };
        for (key, value) in more {
            if !places.contains_key(&key.value) {
                places.insert(key.value.clone(), key.span);
                entries.push((key, value));
            }
        }
    }
}

pub(super) fn measure(node: &Node) -> Anchored {
    fn walk(node: &Node) -> (usize, usize, usize) {
        let (mut nodes, mut levels, mut bytes) = (1, 0, 0);
        let mut add = |child: &Node, key_bytes: usize| {
            let (n, l, b) = walk(child);
            (nodes, levels, bytes) = (nodes + n, levels.max(l), bytes + b + key_bytes);
        };
        match &node.value {
            NodeValue::List(items) => items.iter().for_each(|item| add(item, 0)),
            NodeValue::Map(entries) => entries.iter().for_each(|(k, v)| add(v, k.value.len())),
            NodeValue::String(text) => return (1, 0, text.len()),
            _ => return (1, 0, 0),
        }
        (nodes, levels + 1, bytes)
    }
    let (nodes, levels, bytes) = walk(node);
    Anchored { node: node.clone(), nodes, levels, bytes }
}
