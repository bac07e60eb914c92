//! Where the plan as written already has errors, some names are missing only because what defines them could
//! not be read. Knows what stands in the tree all the same, so that only causes are reported.

use std::collections::{BTreeSet, HashSet};

use crate::diagnostic::Span;
use crate::plan::codes;
use crate::plan::load::Loaded;
use crate::plan::node::{Node, NodeValue};

/// What an erroneous plan defines as far as one can tell; empty for a plan whose form is right.
#[derive(Debug, Default)]
pub(super) struct Written {
    has_errors: bool,
    /// The syntax is broken, or a file is missing, so anything may be missing.
    is_broken: bool,
    /// What may be the name of something.
    names: BTreeSet<String>,
    /// Keys of the plan that hold something, known or not.
    top: BTreeSet<String>,
    /// Keys of the plan with an error somewhere below.
    unsound: BTreeSet<String>,
    /// A map of names is none.
    is_unreadable: bool,
    /// Keys that are not known, wherever they stand.
    unknown: Vec<Span>,
}

impl Written {
    pub(super) fn of(loaded: &Loaded) -> Self {
        let has_errors = !loaded.faults.is_empty();
        let mut written = Self { has_errors, is_broken: loaded.is_partial, ..Self::default() };
        let Some(tree) = loaded.effective.as_ref().filter(|_| has_errors) else { return written };
        let is_syntax = |code: &str| [codes::SYNTAX, codes::DUPLICATE_KEY].contains(&code);
        written.is_broken |= loaded.faults.iter().any(|(_, code)| is_syntax(code));
        let unknown = [codes::UNKNOWN_KEY, codes::NOT_YET];
        let of = |is_such: &dyn Fn(&str) -> bool| {
            loaded.faults.iter().filter(|(_, code)| is_such(code)).map(|(span, _)| *span).collect()
        };
        let walk = Walk { faults: of(&|_| true), unknown: of(&|code| unknown.contains(&code)) };
        written.unknown = walk.unknown.iter().copied().collect();
        let mut placed = HashSet::new();
        placed.extend(walk.faults.get(&tree.span));
        for (key, value) in tree.as_map().unwrap_or_default() {
            let is_unknown = walk.unknown.contains(&key.span);
            let name = if is_unknown { UNKNOWN } else { key.value.as_str() };
            if value.count() > 1 || is_unknown || value.as_map().is_none() {
                written.top.insert(name.to_owned());
            }
            let before = placed.len();
            walk.faults_in(&(key.span, value), &mut placed);
            if placed.len() > before {
                written.unsound.insert(name.to_owned());
            }
        }
        // What a flag says wrongly stands nowhere in the tree.
        if placed.len() < walk.faults.len() {
            written.unsound.insert(UNKNOWN.to_owned());
        }
        walk.sections(tree, &mut written);
        walk.names(tree, false, &mut written);
        written
    }

    /// Whether the plan has errors of form, so that nothing can be said about the whole of it.
    pub(super) fn has_errors(&self) -> bool {
        self.has_errors
    }

    /// Whether nothing is wrong below these keys of the plan, nor at a place that may belong to them.
    pub(super) fn is_sound(&self, sections: &[&str]) -> bool {
        !self.is_broken && !sections.iter().chain(&[UNKNOWN]).any(|section| self.unsound.contains(*section))
    }

    /// Whether a key that is not known stands inside this place, so that what it says is missing there.
    pub(super) fn misses_a_key_in(&self, place: Span) -> bool {
        let is_inside =
            |key: &Span| key.file == place.file && place.start <= key.start && key.end <= place.end;
        self.unknown.iter().any(is_inside)
    }

    /// Whether something in the tree may be what `name` is meant to be.
    pub(super) fn defines(&self, name: &str) -> bool {
        self.has_errors && (self.is_broken || self.is_unreadable || self.names.contains(name))
    }

    /// Whether one of these keys of the plan holds something, or may be misspelt.
    pub(super) fn holds(&self, sections: &[&str]) -> bool {
        self.is_broken || sections.iter().chain(&[UNKNOWN]).any(|section| self.top.contains(*section))
    }
}

/// Keys of the plan, and of a scenario, that define names.
const SECTIONS: [&str; 7] = ["targets", "variables", "secrets", "data", "auth", "endpoints", "flows"];
/// Keys whose map gives names, wherever they stand.
const NAMING: [&str; 3] = ["capture", "set", "for_each"];
/// Stands for keys of the plan that are not known, and for places outside of it.
const UNKNOWN: &str = "";

/// The places with errors, and those of unknown keys.
struct Walk {
    faults: HashSet<Span>,
    unknown: HashSet<Span>,
}

impl Walk {
    /// Collects the errors at a key or anywhere in its value.
    fn faults_in(&self, (key, value): &(Span, &Node), placed: &mut HashSet<Span>) {
        placed.extend([key, &value.span].into_iter().filter(|span| self.faults.contains(span)));
        let mut below = |span: Span, node: &Node| self.faults_in(&(span, node), placed);
        match &value.value {
            NodeValue::List(items) => items.iter().for_each(|item| below(item.span, item)),
            NodeValue::Map(entries) => entries.iter().for_each(|(key, value)| below(key.span, value)),
            _ => {}
        }
    }

    /// Names of the maps that define some: those of the plan and of its scenarios.
    fn sections(&self, tree: &Node, written: &mut Written) {
        let scenarios = tree.get("scenarios").and_then(Node::as_map).unwrap_or_default();
        for map in scenarios.iter().map(|(_, scenario)| scenario).chain([tree]) {
            for (key, value) in map.as_map().unwrap_or_default() {
                if !SECTIONS.contains(&key.value.as_str()) {
                    continue;
                }
                // A scenario may say `auth: none`.
                written.is_unreadable |= value.as_map().is_none() && key.value != "auth";
                written
                    .names
                    .extend(value.as_map().unwrap_or_default().iter().map(|(name, _)| name.value.clone()));
                if key.value == "data" {
                    // Columns of rows that stand in the plan.
                    self.names(value, true, written);
                }
            }
        }
    }

    /// Names that are given anywhere, and every key below one that is not known.
    fn names(&self, node: &Node, takes_all: bool, written: &mut Written) {
        match &node.value {
            NodeValue::List(items) => items.iter().for_each(|item| self.names(item, takes_all, written)),
            NodeValue::Map(entries) => {
                for (key, value) in entries {
                    let is_naming = NAMING.contains(&key.value.as_str());
                    if is_naming {
                        written.is_unreadable |=
                            value.as_map().is_none() && self.faults.contains(&value.span);
                        written
                            .names
                            .extend(value.as_map().unwrap_or_default().iter().map(|(k, _)| k.value.clone()));
                    }
                    if takes_all {
                        written.names.insert(key.value.clone());
                    }
                    self.names(value, takes_all || self.unknown.contains(&key.span), written);
                }
            }
            _ => {}
        }
    }
}
