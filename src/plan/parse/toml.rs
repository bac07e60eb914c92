//! TOML to nodes with the place of every key and value, within a budget. Must not know any key of a plan.

use std::ops::Range;

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::convert::{self, Budget, depth, too_long};
use super::{MOST_NODES, toml_size, toml_trap};
use crate::diagnostic::{Diagnostic, FileId, Located, Span};
use crate::plan::codes;
use crate::plan::node::{Decimal, Node, NodeValue};

/// Reads a TOML document; errors of syntax are collected, and what is between them is still read.
pub fn parse(text: &str, file: FileId) -> (Option<Node>, Vec<Diagnostic>) {
    let within = match too_long(text, file) {
        Some(error) => Err(error),
        None => toml_size::within(text, file),
    };
    let read = match within {
        Ok(read) => read,
        Err(error) => return (None, vec![error]),
    };
    let (table, mut errors) = DeTable::parse_recoverable(read);
    if !errors.is_empty() && toml_trap::is_yaml(text) {
        return (None, vec![toml_trap::yaml(file, text)]);
    }
    let (mut problems, lost) = toml_trap::problems(text, file, &errors);
    errors.truncate(toml_trap::MOST);
    let mut convert = Convert { text, file, budget: Budget::default(), errors, lost, problems: vec![] };
    let root = Span { file, start: 0, end: 0 };
    let node = match convert.table(table.into_inner(), root, 1) {
        Ok(node) => Some(node),
        Err(error) => {
            problems.push(error);
            None
        }
    };
    problems.append(&mut convert.problems);
    let has_values = node.as_ref().and_then(Node::as_map).is_some_and(|map| !map.is_empty());
    (node.filter(|_| has_values), problems)
}

struct Convert<'t> {
    text: &'t str,
    file: FileId,
    budget: Budget,
    errors: Vec<::toml::de::Error>,
    /// What stands below headers that could not be read; recovery puts it into some other table.
    lost: Vec<Range<usize>>,
    problems: Vec<Diagnostic>,
}

impl Convert<'_> {
    fn table(&mut self, table: DeTable<'_>, span: Span, level: usize) -> Result<Node, Diagnostic> {
        self.budget.nodes(1, span)?;
        depth(level, span)?;
        let mut entries = Vec::with_capacity(table.len().min(MOST_NODES));
        for (key, value) in table {
            if self.lost.iter().any(|lost| lost.contains(&key.span().start)) {
                continue;
            }
            let at = self.span(&key.span());
            let key = Located { value: key.into_inner().into_owned(), span: at };
            let value_span = self.span(&value.span());
            entries.push((key, self.value(value, value_span, level + 1)?));
        }
        entries.sort_by_key(|(key, _): &(Located<String>, Node)| key.span.start);
        let end = entries.iter().map(|(k, v)| k.span.end.max(v.span.end)).max().unwrap_or(0);
        let span = Span { end: span.end.max(end), ..span };
        Ok(Node { value: NodeValue::Map(entries), span })
    }

    fn value(&mut self, value: Spanned<DeValue<'_>>, span: Span, level: usize) -> Result<Node, Diagnostic> {
        let value = match value.into_inner() {
            DeValue::Table(table) => return self.table(table, span, level),
            DeValue::Array(items) => {
                depth(level, span)?;
                let read = |item: Spanned<DeValue<'_>>| {
                    let at = self.span(&item.span());
                    self.value(item, at, level + 1)
                };
                NodeValue::List(items.into_iter().map(read).collect::<Result<_, _>>()?)
            }
            DeValue::String(text) => NodeValue::String(text.into_owned()),
            DeValue::Boolean(truth) => NodeValue::Bool(truth),
            DeValue::Datetime(time) => NodeValue::String(time.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => NodeValue::Int(number),
                Err(_) if number.radix() == 10 => self.decimal(number.as_str(), span),
                Err(_) => self.refuse(span),
            },
            DeValue::Float(number) => self.decimal(number.as_str(), span),
        };
        self.budget.nodes(1, span)?;
        Ok(Node { value, span })
    }

    fn decimal(&mut self, text: &str, span: Span) -> NodeValue {
        Decimal::read(text).map_or_else(|| self.refuse(span), NodeValue::Float)
    }

    fn refuse(&mut self, span: Span) -> NodeValue {
        // `1s..5s` is a broken number to the parser, which has said so.
        let is_broken = |e: &::toml::de::Error| {
            e.span().is_some_and(|at| at.start <= span.end as usize && at.end >= span.start as usize)
        };
        if self.errors.iter().any(is_broken) {
            return NodeValue::Null;
        }
        let written = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let message = format!("`{written}` is too large for a number, or not finite");
        let help = "put it in quotes to send it as text";
        self.problems.push(Diagnostic::error(codes::OUT_OF_RANGE, span, message).help(help));
        NodeValue::Null
    }

    fn span(&self, range: &Range<usize>) -> Span {
        convert::span(self.file, range.start, range.end)
    }
}
