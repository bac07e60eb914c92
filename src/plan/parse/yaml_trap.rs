//! The errors people make in YAML most: templates without quotes and tabs. Text and places only: must not
//! parse YAML.

use super::convert::span;
use crate::diagnostic::{Diagnostic, FileId};
use crate::plan::codes;

/// The error for `{{` at a byte where YAML sees a map, with the line to write instead.
pub(super) fn unquoted_template(text: &str, braces: usize, file: FileId) -> Diagnostic {
    let line = Line::at(text, braces);
    let (start, end) = line.value_around(braces - line.start);
    let value = &line.text[start..end];
    let message = "a template needs quotes here, because YAML reads `{` as the start of a map";
    let fixed = format!("{}{}{}", &line.text[..start], quoted(value), &line.text[end..]);
    let place = span(file, line.start + start, line.start + end);
    let problem =
        Diagnostic::error(codes::UNQUOTED_TEMPLATE, place, message).help(format!("write: {}", fixed.trim()));
    match value.matches("{{").count() == value.matches("}}").count() {
        true => problem.fix(value, quoted(value)),
        false => problem,
    }
}

/// Where on the line of a syntax error an unquoted `{{` stands, if one does.
pub(super) fn braces_near(text: &str, at: usize) -> Option<usize> {
    let line = Line::at(text, at);
    let mut quote = None;
    let mut before = ' ';
    for (i, c) in line.text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') && matches!(before, ' ' | '{' | '[' | ',' | '(') => {
                quote = Some(c)
            }
            None if c == '#' && before == ' ' => return None,
            None if line.text[i..].starts_with("{{") => return Some(line.start + i),
            None => {}
        }
        before = c;
    }
    None
}

/// The error for a tab in front of the line of a syntax error, if there is one.
pub(super) fn tab_near(text: &str, at: usize, file: FileId) -> Option<Diagnostic> {
    let line = Line::at(text, at);
    let indent = line.text.len() - line.text.trim_start_matches([' ', '\t']).len();
    let tab = line.start + line.text[..indent].find('\t')?;
    let message = "a tab is used for indentation; YAML wants spaces";
    Some(
        Diagnostic::error(codes::TAB, span(file, tab, tab + 1), message)
            .help("replace each tab by two spaces; most editors can do it for the whole file"),
    )
}

/// One line of a text.
struct Line<'a> {
    start: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn at(text: &'a str, at: usize) -> Self {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find(['\n', '\r']).map_or(text.len(), |newline| at + newline);
        Self { start, text: &text[start..end.max(start)] }
    }

    /// First and last byte of the value that holds the braces at `braces`: to the end of the line in block
    /// style, to the next `,` `]` `}` outside a template in flow style.
    fn value_around(&self, braces: usize) -> (usize, usize) {
        let braces = braces.min(self.text.len());
        let before = &self.text[..braces];
        let in_flow = self.is_flow(before);
        let start = match in_flow {
            true => before.rfind(['{', '[', ',']).map_or(0, |at| at + 1),
            false => 0,
        };
        let start = start.max(before.rfind(": ").map_or(0, |at| at + 2));
        let start = start.max(match before.trim_start().starts_with("- ") && !in_flow {
            true => before.find("- ").map_or(0, |at| at + 2),
            false => 0,
        });
        let start = start + (self.text[start..].len() - self.text[start..].trim_start().len());
        let end = self.end_of_value(braces, in_flow);
        let end = start.max(start + self.text[start..end.max(start)].trim_end().len());
        (start.min(end), end)
    }

    fn is_flow(&self, before: &str) -> bool {
        let value = before.rsplit_once(": ").map_or(before, |(key, _)| key);
        let opens = |s: &str| s.matches(['{', '[']).count() > s.matches(['}', ']']).count();
        opens(before) || opens(value)
    }

    fn end_of_value(&self, braces: usize, in_flow: bool) -> usize {
        let mut at = braces;
        while at < self.text.len() {
            let rest = &self.text[at..];
            if rest.starts_with("{{") {
                at += rest.find("}}").map_or(rest.len(), |close| close + 2);
            } else if (in_flow && rest.starts_with([',', '}', ']'])) || rest.starts_with(" #") {
                return at;
            } else {
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
        self.text.len()
    }
}

/// The text in the quotes that need the least escaping.
fn quoted(value: &str) -> String {
    match (value.contains('"') || value.contains('\\'), value.contains('\'')) {
        (false, _) => format!("\"{value}\""),
        (true, false) => format!("'{value}'"),
        (true, true) => format!("'{}'", value.replace('\'', "''")),
    }
}
