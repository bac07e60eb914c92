//! How much a TOML text would take to read, counted from the parser's events before anything is kept of them. A header of
//! thirty parts makes thirty tables of 1.3 KiB each, so 4 MiB of text could take gigabytes. Must not build nodes.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use toml_parser::decoder::Encoding;
use toml_parser::parser::{EventReceiver, parse_document};
use toml_parser::{ErrorSink, ParseError, Source, Span as At};

use super::convert::span;
use super::{MOST_DEPTH, MOST_NODES};
use crate::diagnostic::{Diagnostic, FileId};
use crate::plan::codes;

/// Most signs, words, texts, spaces and line ends: the parser keeps up to 72 bytes of each, together 36 MiB.
const MOST_TOKENS: usize = 500_000;
/// Most tables, those that only stand in the names of others among them: 1.3 KiB each, together 26 MiB.
const MOST_TABLES: usize = 20_000;
/// Errors after which the text is not read on: more than are shown.
const MOST_ERRORS: usize = 200;
/// How deep lists and inline tables may nest before the parser is told to stop.
const MOST_OPEN: usize = 2 * MOST_DEPTH;

/// The part of the text that can be read within the budget of a plan: all of it, or up to where there are too many errors.
///
/// # Errors
/// What there is too much of, and from where on.
pub(super) fn within(text: &str, file: FileId) -> Result<&str, Diagnostic> {
    let over = |at: usize, message: String| {
        Diagnostic::error(codes::LIMIT, span(file, at, at + 1), message)
            .help("move large bodies and data to files")
    };
    let source = Source::new(text);
    if let Some(token) = source.lex().nth(MOST_TOKENS) {
        let message = format!("the plan has more than {MOST_TOKENS} words and signs");
        return Err(over(token.span().start(), message));
    }
    let tokens: Vec<_> = source.lex().collect();
    let mut size = Size::new(text);
    let (mut errors, mut end) = (0, text.len());
    parse_document(&tokens, &mut size, &mut |error: ParseError| {
        errors += 1;
        if errors == MOST_ERRORS {
            end = error.unexpected().map_or(end, |at| at.end());
        }
    });
    if let Some((at, message)) = size.over {
        return Err(over(at, message));
    }
    let line_end =
        text.get(end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| end + newline);
    Ok(&text[..line_end])
}

/// What was counted so far.
struct Size<'t> {
    text: &'t str,
    /// Values and keys.
    nodes: usize,
    /// Fingerprints of the tables' names.
    tables: HashSet<u64>,
    /// Lists and inline tables that are open.
    open: usize,
    /// The table that the last header names.
    header: u64,
    /// The name that is being read, and how many parts it has.
    path: (u64, usize),
    in_header: bool,
    /// Where there was too much first, and of what.
    over: Option<(usize, String)>,
}

impl<'t> Size<'t> {
    fn new(text: &'t str) -> Self {
        let tables = HashSet::new();
        Self { text, nodes: 0, tables, open: 0, header: 0, path: (0, 0), in_header: false, over: None }
    }

    fn node(&mut self, at: At) {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            self.stop(at, || format!("the plan has more than {MOST_NODES} values"));
        }
    }

    fn table(&mut self, name: u64, at: At) {
        if self.over.is_some() || !self.tables.insert(name) {
            return;
        }
        self.node(at);
        if self.tables.len() > MOST_TABLES {
            self.stop(at, || format!("the plan has more than {MOST_TABLES} tables"));
        }
    }

    fn stop(&mut self, at: At, message: impl Fn() -> String) {
        self.over.get_or_insert_with(|| (at.start(), message()));
    }

    fn begin_header(&mut self) {
        self.in_header = true;
        self.path = (0, 0);
    }

    fn opens(&mut self) -> bool {
        self.open += 1;
        self.open <= MOST_OPEN
    }
}

/// The fingerprint of a name one part longer.
fn joined(path: u64, part: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (path, part).hash(&mut hasher);
    hasher.finish()
}

impl EventReceiver for Size<'_> {
    fn std_table_open(&mut self, _: At, _: &mut dyn ErrorSink) {
        self.begin_header();
    }

    fn std_table_close(&mut self, at: At, _: &mut dyn ErrorSink) {
        self.in_header = false;
        self.header = self.path.0;
        self.table(self.header, at);
    }

    fn array_table_open(&mut self, _: At, _: &mut dyn ErrorSink) {
        self.begin_header();
    }

    /// Each is a table of its own.
    fn array_table_close(&mut self, at: At, _: &mut dyn ErrorSink) {
        self.in_header = false;
        self.header = joined(self.path.0, at.start());
        self.table(self.header, at);
    }

    fn inline_table_open(&mut self, at: At, _: &mut dyn ErrorSink) -> bool {
        self.table(joined(0, ("inline", at.start())), at);
        self.opens()
    }

    fn inline_table_close(&mut self, _: At, _: &mut dyn ErrorSink) {
        self.open = self.open.saturating_sub(1);
    }

    fn array_open(&mut self, at: At, _: &mut dyn ErrorSink) -> bool {
        self.node(at);
        self.opens()
    }

    fn array_close(&mut self, _: At, _: &mut dyn ErrorSink) {
        self.open = self.open.saturating_sub(1);
    }

    fn simple_key(&mut self, at: At, _: Option<Encoding>, _: &mut dyn ErrorSink) {
        if !self.in_header && self.path.1 == 0 {
            // An inline table's names are its own; which one it is, its place says.
            self.path.0 = if self.open == 0 { self.header } else { joined(0, at.start()) };
        }
        let part = self.text.get(at.start()..at.end()).unwrap_or_default();
        self.path = (joined(self.path.0, part), self.path.1 + 1);
        if self.path.1 > MOST_DEPTH {
            self.stop(at, || format!("lists and maps nest deeper than {MOST_DEPTH} levels"));
        }
    }

    /// What stands before the dot is a table.
    fn key_sep(&mut self, at: At, _: &mut dyn ErrorSink) {
        self.table(self.path.0, at);
    }

    fn key_val_sep(&mut self, at: At, _: &mut dyn ErrorSink) {
        self.node(at);
        self.path = (0, 0);
    }

    fn scalar(&mut self, at: At, _: Option<Encoding>, _: &mut dyn ErrorSink) {
        self.node(at);
    }

    fn newline(&mut self, _: At, _: &mut dyn ErrorSink) {
        self.path = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<(u32, String)> {
        within(text, FileId(0)).err().map(|error| (error.span.start, error.message))
    }

    #[test]
    fn tables_of_names_are_counted_once() {
        let many = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
        for text in [
            many(MOST_TABLES - 2, &|n| format!("[a.b.t{n}]\n")),
            many(30_000, &|_| "[a.b.c]\n".to_owned()),
            many(MOST_TABLES - 1, &|_| "[[a]]\n".to_owned()),
            many(30_000, &|n| format!("a.b.k{n} = 1\n")),
            many(40_000, &|n| format!("k{n} = 1 # a comment\n")),
            format!("a = [{}]", "1, ".repeat(90_000)),
        ] {
            assert_eq!(refused(&text), None, "{}", &text[..60]);
            assert_eq!(within(&text, FileId(0)).ok().map(str::len), Some(text.len()));
        }
        let tables = format!("the plan has more than {MOST_TABLES} tables");
        let values = format!("the plan has more than {MOST_NODES} values");
        for (text, words) in [
            (many(MOST_TABLES + 1, &|n| format!("[t{n}]\n")), &tables),
            (many(MOST_TABLES + 1, &|_| "[[a]]\n".to_owned()), &tables),
            (many(1000, &|n| format!("[t{n}.{}]\n", ["a"; 29].join("."))), &tables),
            (many(4000, &|n| format!("k{n}.a.b.c.d.e.f = 1\n")), &tables),
            (format!("a = [{}]", "{}, ".repeat(MOST_TABLES + 1)), &tables),
            (format!("a = [{}]", "1,".repeat(MOST_NODES)), &values),
            (many(MOST_NODES / 2 + 1, &|n| format!("k{n} = 1\n")), &values),
        ] {
            assert_eq!(refused(&text).map(|(_, words)| words).as_ref(), Some(words), "{}", &text[..60]);
        }
    }

    #[test]
    fn a_text_of_errors_is_read_up_to_some_of_them() {
        let text = "a\n".repeat(40_000);
        assert_eq!(
            within(&text, FileId(0)).ok().map(str::len),
            Some(2 * MOST_ERRORS - 1),
            "up to the line of the last"
        );
        let deep = format!("a = {}", "[".repeat(100_000));
        assert!(within(&deep, FileId(0)).is_ok(), "the parser has its own words for it");
        assert_eq!(refused(&"\n".repeat(600_000)).map(|(at, _)| at), Some(500_000));
    }
}
