//! Walks once through a JSON text (RFC 8259), checks it, and tells a visitor where each value begins and ends. Takes no
//! memory, whatever the text holds. Must not make values.

use std::ops::Range;

/// How deep lists and objects may nest: what writes a value descends once for each.
pub(in crate::template) const MOST_LEVELS: usize = 128;

/// Why a text is not JSON, or not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonError {
    /// What is wrong with the text, with line and column.
    Syntax(String),
    /// Its values would take more than the bytes allowed.
    TooLarge(usize),
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax(words) => out.write_str(words),
            Self::TooLarge(limit) => write!(out, "its values need more than {limit} bytes of memory"),
        }
    }
}

impl JsonError {
    /// The same without line and column: answers that break off at different lengths fail for one reason.
    pub fn reason(&self) -> String {
        let words = self.to_string();
        words.split(" at line ").next().unwrap_or_default().to_owned()
    }
}

/// What is told of a text. A `false` ends the walk.
pub(super) trait Visit {
    /// A list or object begins at a byte.
    fn open(&mut self, at: usize, is_map: bool) -> bool;
    /// The name of a member, with its quotes.
    fn key(&mut self, at: Range<usize>) -> bool;
    /// A text, number, `true`, `false` or `null`.
    fn scalar(&mut self, at: Range<usize>) -> bool;
    /// The innermost list or object has ended before a byte.
    fn close(&mut self, end: usize) -> bool;
}

/// The text without a byte order mark.
pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Walks through a text; false when the visitor ended the walk.
///
/// # Errors
/// With the first place that is not JSON.
pub(super) fn scan(text: &[u8], visit: &mut impl Visit) -> Result<bool, JsonError> {
    let mut scanner = Scanner { text, at: 0 };
    match scanner.document(visit) {
        Ok(goes_on) => Ok(goes_on),
        Err(what) => Err(JsonError::Syntax(scanner.words(what))),
    }
}

/// The byte after the text (with its quotes) that begins at `at`; of a text that has been checked.
pub(super) fn end_of_text(text: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(byte) = text.get(end) {
        match byte {
            b'"' => return end + 1,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    text.len()
}

/// The byte after the scalar that begins at `at`; of a text that has been checked.
pub(super) fn end_of_scalar(text: &[u8], at: usize) -> usize {
    if text.get(at) == Some(&b'"') {
        return end_of_text(text, at);
    }
    let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
    text[at..].iter().position(ends).map_or(text.len(), |length| at + length)
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

impl Scanner<'_> {
    fn document(&mut self, visit: &mut impl Visit) -> Result<bool, &'static str> {
        // Of each open container one bit: whether it is an object.
        let (mut depth, mut maps) = (0, 0u128);
        loop {
            let is_map = match self.next() {
                Some(b'{') => true,
                Some(b'[') => false,
                _ => {
                    let from = self.at;
                    self.scalar()?;
                    if !visit.scalar(from..self.at) {
                        return Ok(false);
                    }
                    match self.after_value(&mut depth, &mut maps, visit)? {
                        After::Value => continue,
                        After::End => return Ok(true),
                        After::Stopped => return Ok(false),
                    }
                }
            };
            if depth == MOST_LEVELS {
                return Err("lists and objects nest deeper than 128 levels");
            }
            if !visit.open(self.at, is_map) {
                return Ok(false);
            }
            self.at += 1;
            depth += 1;
            maps = maps << 1 | u128::from(is_map);
            let after = match (self.next(), is_map) {
                (Some(b'}'), true) | (Some(b']'), false) => self.after_value(&mut depth, &mut maps, visit)?,
                (_, true) if !self.key(visit)? => After::Stopped,
                _ => After::Value,
            };
            match after {
                After::Value => {}
                After::End => return Ok(true),
                After::Stopped => return Ok(false),
            }
        }
    }

    /// What follows a value: the end of containers, then a comma or the end of the text.
    fn after_value(
        &mut self,
        depth: &mut usize,
        maps: &mut u128,
        visit: &mut impl Visit,
    ) -> Result<After, &'static str> {
        loop {
            let next = self.next();
            if *depth == 0 {
                return if next.is_none() { Ok(After::End) } else { Err("more follows the value") };
            }
            let is_map = *maps & 1 == 1;
            match (next, is_map) {
                (Some(b','), false) => {
                    self.at += 1;
                    return Ok(After::Value);
                }
                (Some(b','), true) => {
                    self.at += 1;
                    return Ok(if self.key(visit)? { After::Value } else { After::Stopped });
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    self.at += 1;
                    *depth -= 1;
                    *maps >>= 1;
                    if !visit.close(self.at) {
                        return Ok(After::Stopped);
                    }
                }
                (None, _) => return Err("it ends in the middle of a value"),
                (_, true) => return Err("expected `,` or `}`"),
                (_, false) => return Err("expected `,` or `]`"),
            }
        }
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        while let Some(byte @ (b' ' | b'\n' | b'\r' | b'\t')) = self.text.get(self.at) {
            debug_assert!(byte.is_ascii_whitespace());
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn key(&mut self, visit: &mut impl Visit) -> Result<bool, &'static str> {
        if self.next() != Some(b'"') {
            return Err(if self.at == self.text.len() {
                "it ends in the middle of a value"
            } else {
                "expected a name in quotes"
            });
        }
        let from = self.at;
        self.string()?;
        let span = from..self.at;
        if self.next() != Some(b':') {
            return Err("expected `:`");
        }
        self.at += 1;
        Ok(visit.key(span))
    }

    fn scalar(&mut self) -> Result<(), &'static str> {
        match self.text.get(self.at) {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(_) => Err("expected a value"),
            None => Err("it ends where a value is expected"),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), &'static str> {
        if !self.text[self.at..].starts_with(word) {
            return Err("expected a value");
        }
        self.at += word.len();
        Ok(())
    }

    fn string(&mut self) -> Result<(), &'static str> {
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                0..0x20 => {
                    self.at -= 1;
                    return Err("a control character stands in a text; it must be escaped");
                }
                _ => {}
            }
        }
        Err("a text is not closed")
    }

    fn escape(&mut self) -> Result<(), &'static str> {
        let length = match self.text.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
            Some(b'u') => {
                let digits = self.text.get(self.at + 1..self.at + 5);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err("`\\u` needs four hexadecimal digits");
                }
                5
            }
            _ => return Err("there is no such escape"),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<(), &'static str> {
        self.at += usize::from(self.text[self.at] == b'-');
        match self.text.get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.text.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), &'static str> {
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += length;
        if length > 0 { Ok(()) } else { Err("not a number") }
    }

    fn words(&self, what: &str) -> String {
        let before = &self.text[..self.at.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        format!("{what} at line {line} column {}", before.len() - start + 1)
    }
}

enum After {
    /// Another value.
    Value,
    /// Nothing.
    End,
    /// The visitor wants no more.
    Stopped,
}
