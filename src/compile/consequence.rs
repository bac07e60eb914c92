//! Where the plan as written already has errors, some names are missing only because what defines them could
//! not be read. Knows what stands in the tree all the same, so that only causes are reported.

use std::collections::BTreeSet;

use crate::plan::codes;
use crate::plan::load::Loaded;
use crate::plan::node::{Node, NodeValue};

/// What an erroneous plan defines as far as one can tell; empty for a plan whose form is right.
#[derive(Debug, Default)]
pub(super) struct Written {
    has_errors: bool,
    /// The syntax is broken, so anything may be missing.
    is_broken: bool,
    /// Every key of the tree.
    keys: BTreeSet<String>,
    /// Keys of the plan that hold something, known or not.
    top: BTreeSet<String>,
    /// A key of the plan that should hold a map of names does not.
    is_unreadable: bool,
}

impl Written {
    pub(super) fn of(loaded: &Loaded) -> Self {
        let mut written = Self { has_errors: loaded.diagnostics.has_errors(), ..Self::default() };
        let Some(tree) = loaded.effective.as_ref().filter(|_| written.has_errors) else { return written };
        let found = loaded.diagnostics.sorted();
        let is_syntax = |code: &str| [codes::SYNTAX, codes::DUPLICATE_KEY].contains(&code);
        written.is_broken = found.iter().any(|problem| is_syntax(problem.code));
        let unknown = [codes::UNKNOWN_KEY, codes::NOT_YET];
        for (key, value) in tree.as_map().unwrap_or_default() {
            let is_unknown = found.iter().any(|d| d.span == key.span && unknown.contains(&d.code));
            if value.count() > 1 || is_unknown || value.as_map().is_none() {
                written.top.insert(if is_unknown { UNKNOWN.to_owned() } else { key.value.clone() });
            }
            written.is_unreadable |= SECTIONS.contains(&key.value.as_str()) && value.as_map().is_none();
        }
        collect(tree, &mut written.keys);
        written
    }

    /// Whether the plan has errors of form, so that nothing can be said about the whole of it.
    pub(super) fn has_errors(&self) -> bool {
        self.has_errors
    }

    /// Whether something in the tree may be what `name` is meant to be.
    pub(super) fn defines(&self, name: &str) -> bool {
        self.is_broken || self.is_unreadable || self.keys.contains(name)
    }

    /// Whether one of these keys of the plan holds something, or may be misspelt.
    pub(super) fn holds(&self, sections: &[&str]) -> bool {
        self.is_broken || sections.iter().chain(&[UNKNOWN]).any(|section| self.top.contains(*section))
    }
}

/// Keys of the plan that define names.
const SECTIONS: [&str; 7] = ["targets", "variables", "secrets", "data", "auth", "endpoints", "flows"];
/// Stands for keys of the plan that are not known.
const UNKNOWN: &str = "";

fn collect(node: &Node, keys: &mut BTreeSet<String>) {
    match &node.value {
        NodeValue::List(items) => items.iter().for_each(|item| collect(item, keys)),
        NodeValue::Map(entries) => entries.iter().for_each(|(key, value)| {
            keys.insert(key.value.clone());
            collect(value, keys);
        }),
        _ => {}
    }
}
