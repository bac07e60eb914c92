//! Where a value of the effective plan comes from: a file, a profile, a flag. Must not know any key but `secrets`.

use std::collections::HashSet;

use super::Loaded;
use crate::diagnostic::{Source, Span};
use crate::plan::node::{Node, NodeValue};

/// Longest flag shown whole, in characters.
const LONGEST: usize = 60;

/// The values of the profile that was chosen.
#[derive(Debug, Clone, Default)]
pub struct OfProfile {
    name: String,
    places: HashSet<Span>,
}

impl OfProfile {
    /// Of the profile `chosen`, when the plan has it.
    pub(super) fn of(base: &Node, chosen: Option<&str>) -> Self {
        let Some(chosen) = chosen else { return Self::default() };
        let mut places = HashSet::new();
        if let Some(profile) = base.get("profiles").and_then(|all| all.get(chosen)) {
            collect(profile, &mut places);
        }
        Self { name: chosen.to_owned(), places }
    }
}

fn collect(node: &Node, places: &mut HashSet<Span>) {
    places.insert(node.span);
    match &node.value {
        NodeValue::List(items) => items.iter().for_each(|item| collect(item, places)),
        NodeValue::Map(entries) => entries.iter().for_each(|(_, value)| collect(value, places)),
        _ => {}
    }
}

impl Loaded {
    /// Whether a value stands in the plan's own text, outside of its profiles.
    pub fn is_own(&self, span: Span) -> bool {
        self.files.first() == Some(&span.file) && !self.of_profile.places.contains(&span)
    }

    /// Where a value comes from: `plan.yaml:12`, `profile smoke (plan.yaml:80)`, `--set load.users=100`. A secret's
    /// value is not shown; names of files and other texts are as given.
    pub fn origin(&self, span: Span) -> String {
        let source = self.sources.get(span.file);
        if source.name.starts_with("--") {
            return flag(source);
        }
        let place = format!("{}:{}", source.name, self.sources.line(span));
        match self.of_profile.places.contains(&span) {
            true => format!("profile {} ({place})", self.of_profile.name),
            false => place,
        }
    }
}

/// A flag as it was given, cut when it is long.
fn flag(source: &Source) -> String {
    let is_secret = source.text.trim_start().trim_start_matches('"').starts_with("secrets");
    let text = match source.text.split_once('=') {
        Some((path, _)) if is_secret => path,
        _ => &source.text,
    };
    let cut: String = text.chars().take(LONGEST).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{} {cut}{more}", source.name)
}
