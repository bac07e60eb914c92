//! Small pieces that several sections show. Must not contain markup.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::model::{Series, SeriesKind};
use crate::report::text::clean;

/// A name and its value.
#[derive(Serialize)]
pub(super) struct Fact {
    pub name: &'static str,
    pub value: String,
}

/// What thresholds about `row` are about.
pub(super) fn scope_of(row: &Series) -> String {
    let kind = if row.kind == SeriesKind::Flow { "flow" } else { "endpoint" };
    format!("{kind}:{}", row.name)
}

/// The row that a threshold is about.
pub(super) fn row_of(scope: &str) -> Option<&str> {
    scope.strip_prefix("endpoint:").or_else(|| scope.strip_prefix("flow:"))
}

/// A count of something, in a colour.
#[derive(Serialize)]
pub(super) struct Chip {
    class: &'static str,
    label: String,
    count: u64,
}

/// What was seen of `counts`, each coloured by its name.
pub(super) fn chips(counts: &BTreeMap<String, u64>, class: fn(&str) -> &'static str) -> Vec<Chip> {
    let seen = counts.iter().filter(|(_, n)| **n > 0);
    seen.map(|(name, n)| Chip { class: class(name), label: clean(name), count: *n }).collect()
}

/// The colour of an HTTP status.
pub(super) fn of_status(status: &str) -> &'static str {
    match status.as_bytes().first() {
        Some(b'1'..=b'3') => "pass",
        Some(b'4') => "warn",
        _ => "fail",
    }
}
