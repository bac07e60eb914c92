//! The parser's errors about TOML in our words, without those that only follow from another. Text and places
//! only: must not build nodes.

use std::ops::Range;

use ::toml::de::Error;

use super::MOST_DEPTH;
use super::convert::span;
use crate::diagnostic::{Diagnostic, FileId};
use crate::plan::codes;

/// Most errors told.
pub(super) const MOST: usize = 100;

/// Whether a text that is no TOML looks like YAML: its first line is `key: …`.
pub(super) fn is_yaml(text: &str) -> bool {
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().map(str::trim).find(is_code).is_some_and(|line| {
        let end = line.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(line.len());
        end > 0 && (line[end..].starts_with(": ") || &line[end..] == ":")
    })
}

/// The error for YAML in a file that is named TOML.
pub(super) fn yaml(file: FileId, text: &str) -> Diagnostic {
    let start = text.find(|c: char| c.is_alphanumeric()).unwrap_or(0);
    let at = text[start..].find(':').map_or(0..0, |colon| start + colon..start + colon + 1);
    Diagnostic::error(
        codes::SYNTAX,
        span(file, at.start, at.end),
        "this is YAML, and the file is named .toml",
    )
    .help("name it .yaml, or write `key = value`")
}

/// The errors, and what stands below the headers that could not be read.
pub(super) fn problems(text: &str, file: FileId, errors: &[Error]) -> (Vec<Diagnostic>, Vec<Range<usize>>) {
    let (mut told, mut lost, mut twice) = (vec![], vec![], 0..0);
    for error in errors.iter().take(MOST) {
        let at = error.span().map_or(0, |range| range.start).min(text.len());
        let is_header = line_at(text, at).trim_start().starts_with('[');
        let is_duplicate = error.message().starts_with("duplicate key");
        if is_duplicate && twice.contains(&at) {
            continue;
        }
        if is_header && is_duplicate {
            twice = table_at(text, at);
        } else if is_header {
            lost.push(table_at(text, at));
        }
        told.push(told_as(text, file, error));
    }
    (told, lost)
}

fn told_as(text: &str, file: FileId, error: &Error) -> Diagnostic {
    let range = error.span().unwrap_or(0..0);
    let span = span(file, range.start.min(text.len()), range.end.min(text.len()));
    if error.message().starts_with("duplicate key") {
        let key = text.get(range).unwrap_or("").trim();
        return Diagnostic::error(codes::DUPLICATE_KEY, span, format!("`{key}` is written twice"))
            .label("again here")
            .help("remove one of them, or give it another name");
    }
    if error.message().contains("recursion limit") {
        let message = format!("lists and maps nest deeper than {MOST_DEPTH} levels");
        return Diagnostic::error(codes::LIMIT, span, message).help("move large bodies and data to files");
    }
    let diagnostic = Diagnostic::error(codes::SYNTAX, span, format!("not valid TOML: {}", error.message()));
    let at = span.start as usize;
    match (quoted_header(text, at), unquoted_value(text, at)) {
        (Some(fixed), _) => diagnostic.help(format!("a name with other signs needs quotes; write: {fixed}")),
        (None, Some(fixed)) => diagnostic.help(format!("text needs quotes in TOML; write: {fixed}")),
        (None, None) => diagnostic,
    }
}

fn line_at(text: &str, at: usize) -> &str {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
}

/// From the line after the one at `at` to the next header.
fn table_at(text: &str, at: usize) -> Range<usize> {
    let newline =
        |from: usize| text.get(from..).and_then(|rest| rest.find('\n')).map(|found| from + found + 1);
    let start = newline(at).unwrap_or(text.len());
    let mut end = start;
    while !text[end..].trim_start_matches([' ', '\t']).starts_with('[') {
        match newline(end) {
            Some(next) => end = next,
            None => return start..text.len(),
        }
    }
    start..end
}

/// The header with its last part in quotes, when that is what a person forgot.
fn quoted_header(text: &str, at: usize) -> Option<String> {
    let line = line_at(text, at).trim();
    let inner = line.strip_prefix('[')?.split(']').next()?;
    if inner.starts_with('[') || inner.contains(['"', '\'', '=']) {
        return None;
    }
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let (table, name) = inner.split_once('.')?;
    (table.chars().all(is_bare) && !name.chars().all(is_bare))
        .then(|| format!("[{table}.\"{}\"]", name.trim()))
}

/// The line with its value in quotes, when that is what a person forgot.
fn unquoted_value(text: &str, at: usize) -> Option<String> {
    let (key, value) = line_at(text, at).split_once('=')?;
    let value = value.split(" #").next()?.trim();
    let bare = !value.is_empty() && value.len() < 200 && !value.contains(['"', '\'', '[', ']', '\\', '=']);
    let template = value.starts_with("{{");
    (bare && (template || !value.contains(['{', '}']))).then(|| format!("{} = \"{value}\"", key.trim()))
}
