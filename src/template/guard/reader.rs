//! Reads code as minijinja's parser does, and marks what must be weighed. Must not evaluate anything.
//!
//! Only code that minijinja has parsed is read here; what this does not follow is `None`, never a guess.

mod rules;
mod statement;

use super::super::lexer::{Kind, Token};
use super::{CUT, KEPT, NUMBER, PLAIN, SHORT, THERE, WEIGHED};
use rules::Guards;

/// Something to insert.
pub(super) struct Mark {
    /// Byte of the source.
    pub at: usize,
    /// The text.
    pub text: &'static str,
}

/// A part of the code that is one value.
#[derive(Clone, Copy)]
struct Piece {
    from: usize,
    to: usize,
    /// It cannot be more than its code: a literal, a number, true or false.
    is_light: bool,
    /// A name with parts: what is in it has been weighed, or was there before.
    is_path: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Operator {
    Concat,
    Compare,
    In,
    Calculate,
    Logic,
}

/// See the module.
pub(super) struct Reader<'a, 't> {
    tokens: &'a [Token<'t>],
    at: usize,
    /// What is to be inserted, in no order.
    pub marks: Vec<Mark>,
}

impl<'a, 't> Reader<'a, 't> {
    pub fn new(tokens: &'a [Token<'t>]) -> Self {
        Self { tokens, at: 0, marks: vec![] }
    }

    /// All of the code is one expression.
    pub fn whole_expression(&mut self) -> Option<()> {
        self.expression(0)?;
        self.ended()
    }

    fn ended(&self) -> Option<()> {
        (self.at == self.tokens.len()).then_some(())
    }

    /// The text of the next token.
    fn text(&self) -> &'t str {
        self.ahead(0)
    }

    fn ahead(&self, by: usize) -> &'t str {
        self.tokens.get(self.at + by).map_or("", |token| token.text)
    }

    /// The next token is followed by another without a space.
    fn is_joined(&self, second: &str) -> bool {
        match self.tokens.get(self.at..self.at + 2) {
            Some([a, b]) => b.text == second && a.range.end == b.range.start,
            _ => false,
        }
    }

    fn start(&self) -> Option<usize> {
        self.tokens.get(self.at).map(|token| token.range.start)
    }

    /// Where what was read ends.
    fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.range.end)
    }

    fn take(&mut self, text: &str) -> bool {
        let is_next = self.text() == text;
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, text: &str) -> Option<()> {
        self.take(text).then_some(())
    }

    fn is_word(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.kind == Kind::Word)
    }

    fn word(&mut self) -> Option<&'t str> {
        let word = self.is_word().then(|| self.text())?;
        self.at += 1;
        Some(word)
    }

    fn guard(&mut self, piece: Piece, function: &'static str) {
        if piece.is_light {
            return;
        }
        let open = match function {
            SHORT => "__short(",
            KEPT => "__kept(",
            THERE => "__there(",
            NUMBER => "__number(",
            PLAIN => "__plain(",
            CUT => "__cut(",
            _ => "__weighed(",
        };
        self.marks.push(Mark { at: piece.from, text: open });
        self.marks.push(Mark { at: piece.to, text: ")" });
    }

    fn guards(&mut self, piece: Piece, functions: Guards) {
        functions.iter().for_each(|function| self.guard(piece, function));
    }

    fn operator(&self) -> Option<(Operator, u8, usize)> {
        use Operator::{Calculate, Compare, Concat, In, Logic};
        Some(match self.text() {
            "or" => (Logic, 1, 1),
            "and" => (Logic, 2, 1),
            "not" if self.ahead(1) == "in" => (In, 4, 2),
            "in" => (In, 4, 1),
            "=" | "!" if self.is_joined("=") => (Compare, 4, 2),
            "<" | ">" => (Compare, 4, 1 + usize::from(self.is_joined("="))),
            "+" | "-" => (Calculate, 5, 1),
            "~" => (Concat, 6, 1),
            "*" if self.is_joined("*") => (Calculate, 8, 2),
            "/" if self.is_joined("/") => (Calculate, 7, 2),
            "*" | "/" | "%" => (Calculate, 7, 1),
            _ => return None,
        })
    }

    /// An expression of operators that bind at least so strongly; 0 is all, 1 all but `x if y else z`.
    fn expression(&mut self, least: u8) -> Option<Piece> {
        let start = self.start()?;
        let mut left = match self.text() {
            "not" => {
                self.at += 1;
                let inner = self.expression(3)?;
                Piece { from: start, to: inner.to, is_light: true, is_path: false }
            }
            _ => self.unary()?,
        };
        loop {
            if least == 0 && self.take("if") {
                self.expression(1)?;
                let other = if self.take("else") { Some(self.expression(0)?) } else { None };
                let is_light = left.is_light && other.is_none_or(|other| other.is_light);
                let is_path = left.is_path && other.is_none_or(|other| other.is_path || other.is_light);
                left = Piece { to: self.end(), is_light, is_path, ..left };
                continue;
            }
            let Some((operator, strength, length)) = self.operator() else { break };
            if strength < least.max(1) {
                break;
            }
            self.at += length;
            let right = self.expression(strength + 1)?;
            match operator {
                Operator::Concat => {
                    self.guard(left, SHORT);
                    self.guard(right, SHORT);
                }
                Operator::Compare => {
                    self.guard(left, PLAIN);
                    // A comparison ends with the smaller side.
                    self.guards(right, if left.is_light { &[PLAIN] } else { &[WEIGHED, PLAIN] });
                }
                Operator::In => {
                    self.guards(left, &[SHORT, PLAIN]);
                    self.guard(right, PLAIN);
                }
                Operator::Calculate => {
                    self.guard(left, NUMBER);
                    self.guard(right, NUMBER);
                }
                Operator::Logic => {}
            }
            let is_light = matches!(operator, Operator::Concat | Operator::Compare | Operator::In);
            left = Piece { from: left.from, to: right.to, is_light, is_path: false };
        }
        Some(left)
    }

    /// A value with its signs, parts, filters and tests.
    fn unary(&mut self) -> Option<Piece> {
        let from = self.start()?;
        let piece = self.operand()?;
        self.chain(Some(Piece { from, ..piece }))
    }

    /// A value with its signs and parts.
    fn operand(&mut self) -> Option<Piece> {
        let signs = self.at;
        while self.take("-") {}
        let is_signed = self.at > signs;
        let name = self.is_word().then(|| self.text());
        let first = self.primary()?;
        let piece = self.parts(first, name)?;
        if is_signed {
            self.guard(piece, NUMBER);
        }
        Some(Piece { is_path: piece.is_path && !is_signed, ..piece })
    }

    /// Filters and tests after a value, or those of a block.
    fn chain(&mut self, piece: Option<Piece>) -> Option<Piece> {
        let is_block = piece.is_none();
        let mut whole = piece;
        loop {
            if whole.is_none() || self.take("|") {
                let name = self.name()?;
                let by_attribute = name == "map" && self.text() == "(" && self.ahead(1) == "attribute";
                let (input, arguments) = rules::of_filter(name, by_attribute);
                if let Some(whole) = whole {
                    self.guards(whole, input);
                }
                if self.text() == "(" {
                    self.arguments(arguments)?;
                }
                let from = whole.map_or(0, |whole| whole.from);
                // What goes through the filters of a block is no part of the code.
                let is_light = is_block || rules::counts(name);
                whole = Some(Piece { from, to: self.end(), is_light, is_path: false });
            } else if self.take("is") {
                self.take("not");
                let name = self.name()?;
                let input = whole?;
                let guards = rules::of_test(name);
                self.guards(input, guards);
                if self.text() == "(" {
                    self.arguments(&[SHORT, PLAIN])?;
                } else if self.begins_argument() {
                    let from = self.start()?;
                    let argument = self.operand()?;
                    self.guards(Piece { from, ..argument }, guards);
                }
                whole = Some(Piece { to: self.end(), is_light: true, is_path: false, ..input });
            } else {
                return whole;
            }
        }
    }

    /// A test's argument may stand without brackets.
    fn begins_argument(&self) -> bool {
        let Some(token) = self.tokens.get(self.at) else { return false };
        match token.kind {
            Kind::Text => true,
            Kind::Word => !matches!(token.text, "and" | "or" | "else" | "is"),
            Kind::Sign => matches!(token.text, "-" | "[" | "{"),
        }
    }

    fn name(&mut self) -> Option<&'t str> {
        let name = self.word()?;
        while self.take(".") {
            self.word()?;
        }
        Some(name)
    }

    fn primary(&mut self) -> Option<Piece> {
        let token = self.tokens.get(self.at)?;
        let from = token.range.start;
        let piece = |is_light, is_path, to| Some(Piece { from, to, is_light, is_path });
        match (token.kind, token.text) {
            (Kind::Text, _) => {
                while self.tokens.get(self.at).is_some_and(|token| token.kind == Kind::Text) {
                    self.at += 1;
                }
                piece(true, false, self.end())
            }
            (Kind::Word, text) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                self.number();
                piece(true, false, self.end())
            }
            (Kind::Word, text) => {
                self.at += 1;
                let is_literal = matches!(text, "true" | "True" | "false" | "False" | "none" | "None");
                piece(is_literal, !is_literal, self.end())
            }
            (_, "(") => {
                self.at += 1;
                let is_light = self.list(")")?;
                piece(is_light, false, self.end())
            }
            (_, "[") => {
                self.at += 1;
                let is_light = self.list("]")?;
                piece(is_light, false, self.end())
            }
            (_, "{") => {
                self.at += 1;
                let is_light = self.map()?;
                piece(is_light, false, self.end())
            }
            _ => None,
        }
    }

    /// `1`, `1.5`, `1e-5`.
    fn number(&mut self) {
        let is_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        self.at += 1;
        if self.text() == "." && is_digit(self.ahead(1)) {
            self.at += 2;
        }
        let is_open = self.tokens[self.at - 1].text.ends_with(['e', 'E']);
        if is_open && matches!(self.text(), "+" | "-") && is_digit(self.ahead(1)) {
            self.at += 2;
        }
    }

    /// Values with commas up to a bracket; whether all are light.
    fn list(&mut self, close: &str) -> Option<bool> {
        let mut are_light = true;
        while !self.take(close) {
            are_light &= self.expression(0)?.is_light;
            if self.text() != close {
                self.expect(",")?;
            }
        }
        Some(are_light)
    }

    fn map(&mut self) -> Option<bool> {
        let mut are_light = true;
        while !self.take("}") {
            let key = self.expression(0)?;
            self.guard(key, WEIGHED);
            self.expect(":")?;
            let value = self.expression(0)?;
            are_light &= key.is_light && value.is_light;
            if self.text() != "}" {
                self.expect(",")?;
            }
        }
        Some(are_light)
    }

    /// What follows a value: `.name`, `[key]`, `[from:to]`, `(…)`.
    fn parts(&mut self, first: Piece, name: Option<&str>) -> Option<Piece> {
        let (mut piece, mut name) = (first, name);
        loop {
            match self.text() {
                "." => {
                    self.at += 1;
                    self.word()?;
                    piece.is_light = false;
                }
                "[" => {
                    self.at += 1;
                    if self.subscript()? {
                        self.guard(piece, CUT);
                        piece.is_path = false;
                    }
                    piece.is_light = false;
                }
                "(" => {
                    self.arguments(name.map_or(&[WEIGHED], rules::of_function))?;
                    piece.is_light = false;
                    piece.is_path = false;
                }
                _ => return Some(piece),
            }
            name = None;
            piece.to = self.end();
        }
    }

    /// `key]`, or `from:to]`: whether it is the latter.
    fn subscript(&mut self) -> Option<bool> {
        let key = if self.text() == ":" { None } else { Some(self.expression(0)?) };
        let is_slice = self.text() == ":";
        if !is_slice {
            self.guard(key?, WEIGHED);
        }
        while self.take(":") {
            if !matches!(self.text(), ":" | "]") {
                self.expression(0)?;
            }
        }
        self.expect("]")?;
        Some(is_slice)
    }

    fn arguments(&mut self, guards: Guards) -> Option<()> {
        self.expect("(")?;
        while !self.take(")") {
            while self.take("*") {}
            if self.is_word() && self.ahead(1) == "=" && self.ahead(2) != "=" {
                self.at += 2;
            }
            let argument = self.expression(0)?;
            self.guards(argument, guards);
            if self.text() != ")" {
                self.expect(",")?;
            }
        }
        Some(())
    }
}
