//! Just enough of the template language's form to place words: code, texts in quotes, words and signs. Must
//! not know what a word means.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, digits and `_`.
    Word,
    /// A text with its quotes.
    Text,
    /// Any other single character.
    Sign,
}

/// A piece of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    /// Bytes of the whole source.
    pub range: Range<usize>,
}

/// The tokens of `code`, which starts at byte `base` of its source.
pub(super) fn tokens(code: &str, base: usize) -> Tokens<'_> {
    Tokens { code, base, at: 0 }
}

/// See [`tokens`]; reads no further than it is asked.
pub(super) struct Tokens<'a> {
    code: &'a str,
    base: usize,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.code[self.at..].trim_start();
        let start = self.code.len() - rest.len();
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            '"' | '\'' => (Kind::Text, text_length(rest, first)),
            _ if is_word(first) => (Kind::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
            _ => (Kind::Sign, first.len_utf8()),
        };
        self.at = start + length;
        Some(Token { kind, text: &rest[..length], range: self.base + start..self.base + self.at })
    }
}

/// Operators one expression may have. minijinja descends once for each, on a stack that ends.
const MOST_OPERATORS: usize = 300;
/// `elif`s one text may have, for the same reason.
const MOST_ELIF: usize = 100;

/// Whether an expression is too large to be given to minijinja.
pub(super) fn is_too_large(code: &str) -> bool {
    const WORDS: [&str; 7] = ["not", "and", "or", "in", "is", "if", "else"];
    let is_operator = |token: &Token<'_>| match token.kind {
        Kind::Sign => !matches!(token.text, "," | ":" | ")" | "]" | "}"),
        Kind::Word => WORDS.contains(&token.text),
        Kind::Text => false,
    };
    tokens(code, 0).filter(is_operator).nth(MOST_OPERATORS).is_some()
}

/// The first code of a text that is too large to be given to minijinja.
pub(super) fn too_large_in(source: &str) -> Option<Range<usize>> {
    let all = code_of(source);
    let too_large = all.iter().find(|at| is_too_large(&source[(*at).clone()]));
    let elif = all.iter().filter(|at| source[(*at).clone()].starts_with("elif")).nth(MOST_ELIF);
    too_large.or(elif).cloned()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes of the text in quotes at the start, with both quotes; all of it when it does not end.
fn text_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Where in a text code stands: between `{{ }}` and between `{% %}`, but not in comments or raw parts.
pub(super) fn code_of(source: &str) -> Vec<Range<usize>> {
    let mut all = vec![];
    let mut at = 0;
    while let Some(open) = source[at..].find('{').map(|found| at + found) {
        let start = open + 2;
        let rest = source.get(start..).unwrap_or_default();
        let close = match source.as_bytes().get(open + 1) {
            Some(b'{') => closing(rest, "}}"),
            Some(b'%') => closing(rest, "%}"),
            Some(b'#') => {
                at = rest.find("#}").map_or(source.len(), |end| start + end + 2);
                continue;
            }
            _ => {
                at = open + 1;
                continue;
            }
        };
        let code = trimmed(source, start..start + close);
        at = (start + close + 2).min(source.len());
        if &source[code.clone()] == "raw" {
            at = source[at..].find("endraw").map_or(source.len(), |end| at + end);
        }
        all.push(code);
    }
    all
}

/// Whether the code of a text that starts at `at` stands between `{% %}`.
pub(super) fn is_statement(source: &str, at: usize) -> bool {
    source[..at].trim_end().trim_end_matches(['-', '+']).ends_with("{%")
}

/// Bytes before the mark that ends code, which does not stand in quotes or in a map.
fn closing(rest: &str, mark: &str) -> usize {
    let mut depth = 0_usize;
    for token in tokens(rest, 0) {
        match token.text {
            "{" => depth += 1,
            "}" if depth > 0 => depth -= 1,
            _ if token.kind == Kind::Sign && rest[token.range.start..].starts_with(mark) => {
                return token.range.start;
            }
            _ => {}
        }
    }
    rest.len()
}

/// Code without white space and white-space control at its ends.
fn trimmed(source: &str, range: Range<usize>) -> Range<usize> {
    let code = &source[range.clone()];
    let front = code.len() - code.trim_start_matches(['-', '+']).trim_start().len();
    let back = code.trim_end_matches(['-', '+']).trim_end().len();
    range.start + front..(range.start + back).max(range.start + front)
}
