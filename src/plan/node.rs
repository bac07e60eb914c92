//! The tree both YAML and TOML become: values with their places. Must not know either format, nor what a
//! key means.

use crate::diagnostic::{Located, Span};

/// A value and where it stands. Equal when the values are, wherever they stand.
#[derive(Debug, Clone)]
pub struct Node {
    /// The value.
    pub value: NodeValue,
    /// From its first byte to its last.
    pub span: Span,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeValue {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(Decimal),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written, each key once.
    Map(Vec<(Located<String>, Node)>),
}

/// A number that is no small whole one; always finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Decimal {
    value: f64,
    text: Box<str>,
}

impl Decimal {
    /// The number that a text of JSON's grammar, or one with a `+` before it, says; `None` for others, and for one that
    /// is too large for a double.
    pub fn read(written: &str) -> Option<Self> {
        let text = written.strip_prefix('+').unwrap_or(written);
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, rest) = digits.split_at(digits.find(['.', 'e', 'E']).unwrap_or(digits.len()));
        let (fraction, exponent) = rest.split_at(rest.find(['e', 'E']).unwrap_or(rest.len()));
        let is_json = !whole.is_empty()
            && (whole == "0" || !whole.starts_with('0'))
            && fraction != "."
            && exponent.len() != 1;
        let text = if is_json { text.into() } else { value.to_string().into() };
        Some(Self { value, text })
    }

    /// The nearest double.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// As it was written, as JSON writes numbers.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is written as a whole number.
    pub fn is_whole(&self) -> bool {
        !self.text.contains(['.', 'e', 'E'])
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Node {
    /// A value at a place.
    pub fn new(value: NodeValue, span: Span) -> Self {
        Self { value, span }
    }

    /// The value of a key, when this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key with its place and its value, when this is a map that has it.
    pub fn entry(&self, key: &str) -> Option<&(Located<String>, Node)> {
        self.as_map()?.iter().find(|(k, _)| k.value == key)
    }

    /// The entries, when this is a map.
    pub fn as_map(&self) -> Option<&[(Located<String>, Node)]> {
        match &self.value {
            NodeValue::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entries to change, when this is a map.
    pub fn as_map_mut(&mut self) -> Option<&mut Vec<(Located<String>, Node)>> {
        match &mut self.value {
            NodeValue::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, when this is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            NodeValue::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text, when this is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, when this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self.value {
            NodeValue::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The number, whole or not.
    pub fn as_number(&self) -> Option<f64> {
        match self.value {
            NodeValue::Int(number) => Some(number as f64),
            NodeValue::Float(ref number) => Some(number.value),
            _ => None,
        }
    }

    /// The truth value, when this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            NodeValue::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// The value as the text a header or a query parameter sends, when it is text, a number or a truth value.
    pub fn scalar_text(&self) -> Option<String> {
        match &self.value {
            NodeValue::String(text) => Some(text.clone()),
            NodeValue::Bool(truth) => Some(truth.to_string()),
            NodeValue::Int(number) => Some(number.to_string()),
            NodeValue::Float(number) => Some(number.text.to_string()),
            NodeValue::Null | NodeValue::List(_) | NodeValue::Map(_) => None,
        }
    }

    /// How many values this is, itself and all inside.
    pub fn count(&self) -> usize {
        match &self.value {
            NodeValue::List(items) => 1 + items.iter().map(Node::count).sum::<usize>(),
            NodeValue::Map(entries) => 1 + entries.iter().map(|(_, value)| value.count()).sum::<usize>(),
            _ => 1,
        }
    }

    /// What this is, for "expected …, found …".
    pub fn kind(&self) -> &'static str {
        match &self.value {
            NodeValue::Null => "nothing",
            NodeValue::Bool(_) => "true or false",
            NodeValue::Int(_) | NodeValue::Float(_) => "a number",
            NodeValue::String(_) => "text",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a map",
        }
    }

    /// The same value as JSON, without places; keys keep their order.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(truth) => Value::Bool(*truth),
            NodeValue::Int(number) => Value::from(*number),
            NodeValue::Float(number) => Value::from(number.value),
            NodeValue::String(text) => Value::String(text.clone()),
            NodeValue::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            NodeValue::Map(entries) => {
                Value::Object(entries.iter().map(|(k, v)| (k.value.clone(), v.to_json())).collect())
            }
        }
    }
}
