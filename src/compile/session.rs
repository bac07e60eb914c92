//! What surrounds the requests: secrets, variables, data feeds, readiness checks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use crate::data::{Feed, OnEnd, Order};
use crate::diagnostic::{Diagnostic, Located};
use crate::metric::SeriesKind;
use crate::plan::model;
use crate::plan::node::{Node, NodeValue};
use crate::template::{RESPONSE_NAMES, Scope, SlotId, Text};

use super::model::{FeedUse, Ready};
use super::names::{Below, Place};
use super::{Compiler, Purpose, codes, files};

/// Time to wait for readiness when a plan says nothing.
const READY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);
/// Pause between two tries when a plan says nothing.
const READY_INTERVAL: std::time::Duration = std::time::Duration::from_millis(500);

/// Names the language itself uses.
const BUILT_IN: [&str; 5] = ["env", "secrets", "auth", "user", "run"];

/// `env` in templates: the process's environment, looked up by name.
#[derive(Debug)]
struct Environment;

impl Object for Environment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        std::env::var(key.as_str()?).ok().map(Value::from)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

impl Compiler<'_> {
    /// Values of `env` and `secrets`.
    pub(super) fn secrets_and_environment(&mut self) -> Vec<(SlotId, Value)> {
        let plan = self.plan;
        for (name, secret) in &plan.secrets {
            let given = std::env::var(&secret.env.value).ok();
            let value = given.or_else(|| secret.default.as_ref().map(|default| default.value.0.clone()));
            let value = match value {
                Some(value) => value,
                None => {
                    self.missing_secret(name, &secret.env);
                    String::from("missing-secret")
                }
            };
            self.secrets.insert(name.value.clone(), value);
        }
        let known = self.secrets.keys().cloned().collect::<BTreeSet<_>>();
        self.known.fixed.insert("secrets".into(), Below::Only(known));
        let env = (self.names.add("env"), Value::from_object(Environment));
        vec![env, (self.names.add("secrets"), Value::from(self.secrets.clone()))]
    }

    fn missing_secret(&mut self, name: &Located<String>, variable: &Located<String>) {
        let message = format!("the secret `{}` has no value: {} is not set", name.value, variable.value);
        let help = format!("set {} in the environment, or give a `default`", variable.value);
        let problem = match self.purpose {
            Purpose::Run => Diagnostic::error(codes::SECRET, variable.span, message),
            Purpose::Check => Diagnostic::warning(codes::SECRET, variable.span, message),
        };
        self.error(problem.help(help));
    }

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

    fn variable(&mut self, node: &Node, scope: &[(SlotId, Value)]) -> Value {
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
        match expr.eval_defined(&scope) {
            Ok(value) => value,
            Err(_) if self.out.has_errors() && !expr.names().is_empty() => Value::UNDEFINED,
            Err(error) => {
                self.error(super::target::not_computed(&error, node.span));
                Value::UNDEFINED
            }
        }
    }

    /// Opens the data files.
    pub(super) fn feeds(&mut self) -> Box<[FeedUse]> {
        let plan = self.plan;
        let mut feeds = vec![];
        for (name, written) in &plan.data {
            let claimed = self.claim(name, "data feed");
            if self.known.fixed.contains_key(&name.value) {
                let message = format!("`{}` is a variable already", name.value);
                self.error(
                    Diagnostic::error(codes::NAME, name.span, message).help("give one of them another name"),
                );
            }
            let path = files::path_of(&written.file, self.sources);
            let feed = match Feed::open(&path, &self.root) {
                Ok(feed) => feed,
                Err(error) => {
                    self.error_in_words(codes::DATA, written.file.span, &files::words_of(&error));
                    self.known.feeds.insert(name.value.clone(), Below::Any);
                    continue;
                }
            };
            let columns = Below::Only(feed.columns().iter().cloned().collect());
            self.known.feeds.insert(name.value.clone(), columns);
            let order = written.order.as_ref().map_or(Order::Sequential, |order| order_of(order.value));
            let on_end = written.on_end.as_ref().map_or(OnEnd::Recycle, |end| end_of(end.value));
            if let (Order::Random, Some(end)) =
                (order, written.on_end.as_ref().filter(|_| on_end != OnEnd::Recycle))
            {
                let message = "rows taken at random never end, so `on_end` would do nothing";
                self.error(
                    Diagnostic::error(codes::DATA, end.span, message)
                        .help("use `order: shuffled` to take each row once"),
                );
            }
            if claimed {
                let slot = self.names.add(&name.value);
                feeds.push(FeedUse { slot, name: name.value.clone(), feed: Arc::new(feed), order, on_end });
            }
        }
        feeds.into()
    }

    /// Declares every name a request of this scenario captures, so that any of its templates may use it.
    pub(super) fn declare_captures(&mut self) {
        self.known.captures.clear();
        let plan = self.group;
        let endpoints = plan.endpoints.iter().chain(plan.shared).flat_map(|(_, request)| &request.capture);
        let steps = plan.flows.iter().flat_map(|(_, flow)| &flow.steps).flat_map(|step| match step {
            model::Step::Request(request) => request.capture.iter(),
            model::Step::Use(step) => step.capture.iter(),
            model::Step::Think(_) => [].iter(),
        });
        for (name, _) in endpoints.chain(steps) {
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

fn order_of(order: model::Order) -> Order {
    match order {
        model::Order::Sequential => Order::Sequential,
        model::Order::Shuffled => Order::Shuffled,
        model::Order::Random => Order::Random,
    }
}

fn end_of(end: model::OnEnd) -> OnEnd {
    match end {
        model::OnEnd::Recycle => OnEnd::Recycle,
        model::OnEnd::Stop => OnEnd::Stop,
        model::OnEnd::Fail => OnEnd::Fail,
    }
}

/// Whether a template can name it.
fn is_identifier(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The text of a scalar in the plan.
pub(super) fn literal(text: &str) -> Text {
    Text::Literal(text.into())
}
