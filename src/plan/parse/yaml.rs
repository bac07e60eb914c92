//! YAML 1.2 to nodes with the place of every key and value, within a budget. The parser's events are used
//! rather than serde, because only they have exact places for keys. Must not know any key of a plan.

mod build;
mod entry;

use serde_yaml::granit_parser::{ErrorKind, Options, Parser, ScanError};

use super::convert::{span, too_long};
use super::{MOST_DEPTH, yaml_trap};
use crate::diagnostic::{Diagnostic, FileId};
use crate::plan::codes;
use crate::plan::node::Node;
use build::Builder;

/// Reads one YAML document. The node is what could be read up to the first error of syntax.
pub fn parse(text: &str, file: FileId) -> (Option<Node>, Vec<Diagnostic>) {
    if let Some(error) = too_long(text, file) {
        return (None, vec![error]);
    }
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut builder = Builder::new(&text[bom..], bom, file);
    for event in Parser::new_from_str_with_options(&text[bom..], options()) {
        let done = match event {
            Ok((event, at)) => builder.event(event, at),
            Err(error) => Err(syntax_error(&text[bom..], bom, file, &error)),
        };
        if let Err(error) = done {
            builder.stop(error);
            break;
        }
    }
    builder.finish()
}

fn options() -> Options {
    let mut options = Options::default();
    options.flow_nesting_limit = 2 * MOST_DEPTH;
    options.block_nesting_limit = 2 * MOST_DEPTH;
    options.emit_comments = false;
    options
}

/// The parser's error in our words: the traps first, then what the kind means to a person.
fn syntax_error(text: &str, bom: usize, file: FileId, error: &ScanError) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let moved = |mut diagnostic: Diagnostic| {
        let shift = |at: u32| at.saturating_add(bom as u32);
        diagnostic.span.start = shift(diagnostic.span.start);
        diagnostic.span.end = shift(diagnostic.span.end);
        diagnostic
    };
    if let Some(braces) = yaml_trap::braces_near(text, at) {
        return moved(yaml_trap::unquoted_template(text, braces, file));
    }
    if let Some(tab) = yaml_trap::tab_near(text, at, file) {
        return moved(tab);
    }
    let (code, message, help) = explain(error.kind());
    let end = match error.kind() {
        ErrorKind::UnknownAnchor => at + text[at..].find([' ', ',', ']', '}', '\n', '\r']).unwrap_or(0),
        _ => text[at..].chars().next().map_or(at, |c| at + c.len_utf8()),
    };
    let diagnostic = Diagnostic::error(code, span(file, at, end), message);
    moved(if help.is_empty() { diagnostic } else { diagnostic.help(help) })
}

fn explain(kind: &ErrorKind) -> (&'static str, String, &'static str) {
    use ErrorKind as K;
    let (message, help) = match kind {
        K::RecursionLimitExceeded => {
            let message = format!("lists and maps nest deeper than {MOST_DEPTH} levels");
            return (codes::LIMIT, message, "move large bodies and data to files");
        }
        K::UnknownAnchor => {
            ("this alias names no anchor", "define it before with `&name`, or quote the text")
        }
        K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar => {
            ("a quoted text does not end", "add the closing quote")
        }
        K::UnclosedFlowCollection { .. }
        | K::UnexpectedEofFlowSequence
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping => {
            ("a `[` or `{` is never closed", "add the closing `]` or `}`")
        }
        K::MismatchedFlowCollectionEnd { open: '[', .. } => {
            ("a `[` is open here, and this bracket does not close it", "add the `]` before it")
        }
        K::MismatchedFlowCollectionEnd { .. } => {
            ("a `{` is open here, and this bracket does not close it", "add the `}` before it")
        }
        K::MisplacedFlowCollectionEnd => {
            ("this bracket closes nothing that is open", "check the brackets before it")
        }
        K::ExpectedFlowMappingSeparator => {
            ("expected `,` or `}` here", "separate entries with `,`; text with `{ } [ ] ,` needs quotes")
        }
        K::ExpectedFlowSequenceSeparator => {
            ("expected `,` or `]` here", "separate items with `,`; text with `{ } [ ] ,` needs quotes")
        }
        K::MappingValueNotAllowed | K::InvalidColonPlacement => {
            ("a `:` is not possible here", "text that contains `: ` needs quotes; or check the indentation")
        }
        K::SimpleKeyExpected | K::InvalidSimpleKey => (
            "this line is neither `key: value` nor a list item",
            "write `key: value`, or `- item` for a list",
        ),
        K::ExpectedBlockMappingKey | K::InvalidIndentation | K::ExpectedBlockSequenceEntry => {
            ("the indentation does not fit the lines above", "start keys of one map in the same column")
        }
        K::BlockSequenceEntryNotAllowed => {
            ("a list item is not possible here", "start the list on a new line")
        }
        K::UnknownQuotedScalarEscape => {
            ("this `\\` escape is not known", "write `\\\\` for a backslash, or use single quotes")
        }
        K::InvalidTrailingDoubleQuotedScalar | K::InvalidTrailingSingleQuotedScalar => {
            ("text goes on after the closing quote", "put the whole value in quotes")
        }
        K::UnexpectedCharacter { .. } => ("text cannot start with this character", "put the value in quotes"),
        other => return (codes::SYNTAX, format!("not valid YAML: {other}"), ""),
    };
    (codes::SYNTAX, message.to_owned(), help)
}
