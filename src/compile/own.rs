//! What a scenario has instead of its plan's, or besides it: variables and targets. Names resolve innermost first.

use std::collections::BTreeSet;

use minijinja::Value;

use crate::diagnostic::{Diagnostic, Located};
use crate::plan::model::Entries;
use crate::plan::node::{Node, NodeValue};
use crate::template::{SlotId, Text};

use super::names::Below;
use super::{Compiler, codes};

/// Targets by the names that requests call them by; `None` for one that could not be read.
#[derive(Debug, Default, Clone)]
pub(super) struct Reach {
    /// Names with their indices, in order.
    pub names: Vec<(String, usize)>,
    /// Where requests go that name none.
    pub default: Option<usize>,
}

impl Reach {
    /// The index of a target.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, index)| *index)
    }

    /// Adds a target, or puts it in the place of the one of that name.
    pub(super) fn put(&mut self, name: &str, index: usize) {
        let old = self.names.iter_mut().find(|(known, _)| known == name);
        match old {
            Some((_, old)) => {
                let before = std::mem::replace(old, index);
                self.default = self.default.map(|default| if default == before { index } else { default });
            }
            None => self.names.push((name.to_owned(), index)),
        }
        self.default = self.default.or(Some(index));
    }
}

impl Compiler<'_> {
    /// Values of the scenario's variables, and of those of the plan that depend on them.
    pub(super) fn scenario_variables(&mut self) -> Box<[(SlotId, Value)]> {
        self.known.fixed = self.of_plan.fixed.clone();
        self.values = self.of_plan.values.clone();
        self.changed.clear();
        let own = self.group.variables;
        for (name, node) in own {
            self.plan_variables_again(own);
            let value = self.variable(node, &self.values.clone());
            if self.claim(name, "variable") {
                self.refuse_feed_name(name);
                self.give(&name.value, value);
            }
        }
        self.plan_variables_again(own);
        let first = self.of_plan.values.len();
        self.values.get(first..).unwrap_or_default().into()
    }

    fn give(&mut self, name: &str, value: Value) {
        self.values.push((self.names.add(name), value));
        self.known.fixed.insert(name.to_owned(), Below::Any);
        self.changed.insert(name.to_owned());
    }

    fn refuse_feed_name(&mut self, name: &Located<String>) {
        let of_plan = self.of_plan.feeds.contains_key(&name.value);
        if of_plan {
            let message = format!("`{}` is a data feed already", name.value);
            let problem = Diagnostic::error(codes::NAME, name.span, message);
            self.error(problem.help("give one of them another name"));
        }
    }

    /// Computes the plan's variables that depend on what has changed; the others keep the value they have in every
    /// scenario.
    fn plan_variables_again(&mut self, own: &Entries<Node>) {
        if self.changed.is_empty() {
            return;
        }
        let plan = self.plan;
        for (name, node) in &plan.variables {
            let is_own = own.iter().any(|(other, _)| other.value == name.value);
            if !is_own && self.depends_on_changed(&names_of(node)) {
                let value = self.variable(node, &self.values.clone());
                self.give(&name.value, value);
            }
        }
    }

    fn depends_on_changed(&self, names: &BTreeSet<String>) -> bool {
        names.iter().any(|name| self.changed.contains(name))
    }

    /// Where the scenario's requests go.
    pub(super) fn scenario_targets(&mut self) {
        self.reach = self.of_plan.reach.clone();
        let (plan, own) = (self.plan, self.group);
        for (name, url) in super::target::of_plan(plan) {
            if !self.changed.is_empty() && self.depends_on_changed(&roots(&url.value)) {
                self.own_target(&name, url);
            }
        }
        for (name, url) in own.targets {
            self.own_target(&name.value, url);
        }
        let Some(written) = own.target else { return };
        if let Some(known) = self.reach.find(written.value.trim()) {
            self.reach.default = Some(known);
        } else if is_name(&written.value) {
            let known = self.reach.names.iter().map(|(name, _)| name.as_str());
            let message = format!("there is no target `{}`", written.value);
            let problem = Diagnostic::error(codes::UNKNOWN_TARGET, written.span, message);
            let problem = match self.reach.names.is_empty() {
                true => problem.help("write a URL such as http://localhost:9002"),
                false => problem.did_you_mean_or_list(&written.value, known),
            };
            self.error(problem);
        } else {
            self.own_target("target", written);
            self.reach.default = self.reach.find("target");
        }
    }

    /// A target of this scenario alone; in reports it is called by the scenario too.
    fn own_target(&mut self, name: &str, url: &Located<String>) {
        let shown = format!("{}{name}", self.prefix);
        let target = self.target_of(&shown, url, &self.values.clone());
        let target = target.unwrap_or_else(super::target::placeholder);
        let index = self.targets.iter().position(|known| *known == target).unwrap_or(self.targets.len());
        if index == self.targets.len() {
            self.targets.push(target);
        }
        self.reach.put(name, index);
    }
}

/// A word without anything a URL has.
fn is_name(text: &str) -> bool {
    !text.contains([':', '/', '.', '{'])
}

/// Names a text starts from.
fn roots(text: &str) -> BTreeSet<String> {
    let names = Text::compile(text).map(|text| text.names()).unwrap_or_default();
    names.iter().filter_map(|name| name.split('.').next()).map(str::to_owned).collect()
}

/// Names that a variable is computed from.
fn names_of(node: &Node) -> BTreeSet<String> {
    match &node.value {
        NodeValue::String(text) => roots(text),
        NodeValue::List(items) => items.iter().flat_map(names_of).collect(),
        NodeValue::Map(entries) => entries.iter().flat_map(|(_, item)| names_of(item)).collect(),
        _ => BTreeSet::new(),
    }
}
