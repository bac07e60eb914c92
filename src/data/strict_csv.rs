//! Watches the bytes of a CSV file for what RFC 4180 does not allow: readers take it in different ways, so that values
//! would be others than those that were meant. Must not make values.

/// See the module.
#[derive(Debug)]
pub(super) struct Strict {
    delimiter: u8,
    state: State,
    /// From 1.
    line: u64,
    byte: u64,
    /// Columns before this one in the row.
    column: usize,
    /// Where the value in quotes begins.
    quoted_line: u64,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// At the beginning of a value, or behind spaces there.
    Start { is_blank: bool },
    /// In a value without quotes.
    Plain,
    /// In quotes; the byte before was a backslash.
    Quoted { is_escape: bool },
    /// Behind a quote in quotes.
    Closed { is_escape: bool },
    /// Behind a carriage return.
    Return,
}

/// Something that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// From 1.
    pub line: u64,
    /// Byte of the file.
    pub byte: u64,
    /// From 0.
    pub column: usize,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    QuoteInside,
    Behind,
    SpaceBehind,
    Backslash,
    LoneReturn,
    Open,
}

impl Kind {
    /// What is wrong and what to write; `None` for what is no matter of one value.
    pub(super) fn words(self) -> Option<&'static str> {
        Some(match self {
            Self::Space => "a space stands before the quote that opens a value; remove it",
            Self::QuoteInside => {
                "a quote stands inside a value without quotes; put quotes around the value, and write each quote in it twice (\"\")"
            }
            Self::Behind => {
                "more follows the quote that closes a value; write each quote inside a value twice (\"\")"
            }
            Self::SpaceBehind => "a space follows the quote that closes a value; remove it",
            Self::Backslash => "a backslash does not escape a quote in CSV; write the quote twice (\"\")",
            Self::LoneReturn | Self::Open => return None,
        })
    }
}

impl Strict {
    pub(super) fn new(delimiter: u8) -> Self {
        let state = State::Start { is_blank: false };
        Self { delimiter, state, line: 1, byte: 0, column: 0, quoted_line: 1, fault: None }
    }

    /// The first fault so far.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Takes the next bytes of the file; none at its end.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        let bytes = match self.byte {
            0 if bytes.starts_with(b"\xef\xbb\xbf") => {
                self.byte = 3;
                &bytes[3..]
            }
            _ => bytes,
        };
        for byte in bytes {
            if let Some(kind) = self.step(*byte) {
                let line = if kind == Kind::Open { self.quoted_line } else { self.line };
                self.fault = Some(Fault { line, byte: self.byte, column: self.column, kind });
                return;
            }
            self.line += u64::from(*byte == b'\n');
            self.byte += 1;
        }
    }

    /// The file has ended.
    pub(super) fn end(&mut self) {
        if self.fault.is_none() && matches!(self.state, State::Quoted { .. }) {
            let (line, byte, column) = (self.quoted_line, self.byte, self.column);
            self.fault = Some(Fault { line, byte, column, kind: Kind::Open });
        }
    }

    fn step(&mut self, byte: u8) -> Option<Kind> {
        let next = match (self.state, byte) {
            (State::Return, b'\n') => {
                self.column = 0;
                State::Start { is_blank: false }
            }
            (State::Return, _) => return Some(Kind::LoneReturn),
            (State::Quoted { is_escape }, b'"') => State::Closed { is_escape },
            (State::Quoted { .. }, byte) => State::Quoted { is_escape: byte == b'\\' },
            (State::Closed { .. }, b'"') => State::Quoted { is_escape: false },
            (_, byte) if byte == self.delimiter => {
                self.column += 1;
                State::Start { is_blank: false }
            }
            (_, b'\n') => {
                self.column = 0;
                State::Start { is_blank: false }
            }
            (_, b'\r') => State::Return,
            (State::Start { is_blank: false }, b'"') => {
                self.quoted_line = self.line;
                State::Quoted { is_escape: false }
            }
            (State::Start { .. }, b'"') => return Some(Kind::Space),
            (State::Start { .. }, b' ' | b'\t') => State::Start { is_blank: true },
            (State::Plain, b'"') => return Some(Kind::QuoteInside),
            (State::Closed { is_escape: true }, _) => return Some(Kind::Backslash),
            (State::Closed { .. }, b' ' | b'\t') => return Some(Kind::SpaceBehind),
            (State::Closed { .. }, _) => return Some(Kind::Behind),
            (State::Start { .. } | State::Plain, _) => State::Plain,
        };
        self.state = next;
        None
    }
}
