//! What surrounds the requests: variables, readiness checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;

use crate::diagnostic::{Diagnostic, Located};
use crate::metric::SeriesKind;
use crate::plan::model;
use crate::plan::node::{Node, NodeValue};
use crate::template::{RESPONSE_NAMES, Scope, SlotId, Text, number};

use super::model::Ready;
use super::names::{Below, Place};
use super::{Compiler, codes};

/// Time to wait for readiness when a plan says nothing.
const READY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);
/// Pause between two tries when a plan says nothing.
const READY_INTERVAL: std::time::Duration = std::time::Duration::from_millis(500);

/// Names the language itself uses.
const BUILT_IN: [&str; 7] = ["env", "secrets", "auth", "user", "run", "repeat", super::credentials::CLIENT];

impl Compiler<'_> {
    /// Refuses names the language uses itself, and a second thing of one name.
    pub(super) fn claim(&mut self, name: &Located<String>, what: &str) -> bool {
        let word = name.value.as_str();
        let taken = if BUILT_IN.contains(&word) {
            Some(format!("`{word}` is a name of the plan language"))
        } else if RESPONSE_NAMES.contains(&word) {
            Some(format!("`{word}` is a part of the response in `expect` and `capture`"))
        } else if crate::template::is_function(word) {
            Some(format!("`{word}` is a function"))
        } else if !is_identifier(word) {
            Some(format!("`{word}` cannot be used in a template"))
        } else {
            None
        };
        let Some(message) = taken else { return true };
        self.refused.insert(word.to_owned());
        let help = if is_identifier(word) {
            format!("choose another name for this {what}, such as `my_{word}`")
        } else {
            "names have letters, digits and `_`, and do not start with a digit".to_owned()
        };
        self.error(Diagnostic::error(codes::NAME, name.span, message).help(help));
        false
    }

    /// Values of `variables`, computed once, in order; a later one may use an earlier one.
    pub(super) fn variables(&mut self, initial: &[(SlotId, Value)]) -> Vec<(SlotId, Value)> {
        let mut all = initial.to_vec();
        let plan = self.plan;
        for (name, node) in &plan.variables {
            let value = self.variable(node, &all);
            if self.claim(name, "variable") {
                all.push((self.names.add(&name.value), value));
                self.known.fixed.insert(name.value.clone(), Below::Any);
            }
        }
        all.split_off(initial.len())
    }

    pub(super) fn variable(&mut self, node: &Node, scope: &[(SlotId, Value)]) -> Value {
        match &node.value {
            NodeValue::String(source) => {
                let Some(text) = self.text(source, node.span, Place::Setup) else { return Value::UNDEFINED };
                if let Some(expr) = text.lone() {
                    return self.variable_expr(expr, node, scope);
                }
                let at = Located { value: source.clone(), span: node.span };
                self.render_now(&text, &at, scope).map_or(Value::UNDEFINED, Value::from)
            }
            NodeValue::List(items) => items.iter().map(|item| self.variable(item, scope)).collect(),
            NodeValue::Map(entries) => {
                let pairs: BTreeMap<_, _> = entries
                    .iter()
                    .map(|(key, item)| (key.value.clone(), self.variable(item, scope)))
                    .collect();
                Value::from(pairs)
            }
            NodeValue::Float(written) => number(written.text()),
            _ => serde_json::from_value(node.to_json()).unwrap_or_default(),
        }
    }

    fn variable_expr(
        &mut self,
        expr: &crate::template::Expr,
        node: &Node,
        scope: &[(SlotId, Value)],
    ) -> Value {
        let scope = Scope::new(Arc::new(self.names.clone()), scope);
        let Some(value) = self.effort.within(|| expr.eval_defined(&scope)) else {
            self.too_much_effort(node.span);
            return Value::UNDEFINED;
        };
        match value {
            Ok(value) => value,
            Err(_) if (self.out.has_errors() || self.written.has_errors()) && !expr.names().is_empty() => {
                Value::UNDEFINED
            }
            Err(error) => {
                self.error(super::target::not_computed(&error, node.span));
                Value::UNDEFINED
            }
        }
    }

    /// Declares every name a request of this scenario captures, so that any of its templates may use it.
    pub(super) fn declare_captures(&mut self) {
        self.known.captures.clear();
        let plan = self.group;
        let endpoints = plan.endpoints.iter().chain(plan.shared).flat_map(|(_, request)| &request.capture);
        let steps = plan.flows.iter().flat_map(|(_, flow)| model::Step::all(&flow.steps));
        let names: Vec<_> = endpoints.map(|(name, _)| name).chain(steps.flat_map(defined_by)).collect();
        for name in names {
            if !self.claim(name, "captured value") {
                continue;
            }
            if self.known.feeds.contains_key(&name.value) {
                let message = format!("`{}` is a data feed already", name.value);
                self.error(
                    Diagnostic::error(codes::NAME, name.span, message).help("capture it under another name"),
                );
            }
            self.names.add(&name.value);
            self.known.captures.insert(name.value.clone());
        }
    }

    /// The readiness checks.
    pub(super) fn ready(&mut self) -> Option<Ready> {
        let ready = self.plan.ready.as_ref()?;
        let mut checks = vec![];
        for line in &ready.checks {
            let request = model::Request::of_line(line.clone());
            let name = line.value.clone();
            if line.value.contains("{{") {
                let message = "a readiness check cannot hold a template";
                self.error(
                    Diagnostic::error(codes::REQUEST_LINE, line.span, message)
                        .help("it is sent before the run starts; write it out"),
                );
                continue;
            }
            let series = self.add_series(&name, SeriesKind::Ready, None);
            if let Some(compiled) = self.request(&request, series, Place::Setup) {
                self.series[series.0 as usize].method = Some(compiled.method.clone());
                checks.push(compiled);
            }
        }
        Some(Ready {
            timeout: ready.timeout.as_ref().map_or(READY_TIMEOUT, |d| d.value),
            interval: ready.interval.as_ref().map_or(READY_INTERVAL, |d| d.value),
            checks: checks.into(),
        })
    }
}

/// The names a step of a flow gives values to.
fn defined_by(step: &model::Step) -> Vec<&Located<String>> {
    let captures = match step {
        model::Step::Request(request) => &request.capture,
        model::Step::Use(step) => &step.capture,
        model::Step::Poll(poll) => match &poll.request {
            model::Polled::Request(request) => &request.capture,
            model::Polled::Use(step) => &step.capture,
        },
        model::Step::Repeat(step) => match &step.repeat.for_each {
            Some(names) => names,
            None => return vec![],
        },
        model::Step::Set(step) => return step.set.iter().map(|(name, _)| name).collect(),
        model::Step::Think(_) | model::Step::If(_) | model::Step::Group(_) | model::Step::Choose(_) => {
            return vec![];
        }
    };
    captures.iter().map(|(name, _)| name).collect()
}

/// Whether a template can name it.
pub(super) fn is_identifier(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The text of a scalar in the plan.
pub(super) fn literal(text: &str) -> Text {
    Text::Literal(text.into())
}
