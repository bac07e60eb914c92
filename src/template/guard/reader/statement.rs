//! Statements between `{% %}`: what they give names to is weighed. Must not know what ends a block.

use super::super::{CUT, KEPT, WEIGHED};
use super::Reader;

impl Reader<'_, '_> {
    /// All of the code is a statement.
    pub fn statement(&mut self) -> Option<()> {
        let first = self.text();
        self.at += 1;
        match first {
            "if" | "elif" => drop(self.expression(1)?),
            "do" | "autoescape" => drop(self.expression(0)?),
            "for" => self.for_loop()?,
            "set" => self.set()?,
            "with" => self.with()?,
            "filter" => drop(self.chain(None)?),
            "macro" => {
                self.at += 1;
                self.parameters()?;
            }
            "call" => {
                if self.text() == "(" {
                    self.parameters()?;
                }
                self.expression(0)?;
            }
            _ => return Some(()),
        }
        self.ended()
    }

    /// `(a, b=1)` of a macro.
    fn parameters(&mut self) -> Option<()> {
        self.expect("(")?;
        while !self.take(")") {
            self.word()?;
            if self.take("=") {
                let default = self.expression(0)?;
                self.guard(default, WEIGHED);
            }
            if self.text() != ")" {
                self.expect(",")?;
            }
        }
        Some(())
    }

    fn for_loop(&mut self) -> Option<()> {
        let several = self.target(&["in"]);
        self.expect("in")?;
        let list = self.expression(1)?;
        self.guard(list, if several || !list.is_path { WEIGHED } else { CUT });
        if self.take("if") {
            self.expression(0)?;
        }
        self.take("recursive");
        Some(())
    }

    fn set(&mut self) -> Option<()> {
        let start = self.at;
        let several = self.target(&["=", "|"]);
        let is_part = self.tokens[start..self.at].iter().any(|token| token.text == ".");
        if self.take("|") {
            self.chain(None)?;
            return Some(());
        }
        if self.at == self.tokens.len() {
            return Some(());
        }
        self.expect("=")?;
        loop {
            let value = self.expression(0)?;
            match is_part {
                true => self.guard(value, KEPT),
                false if several || !value.is_path => self.guard(value, WEIGHED),
                false => {}
            }
            if !self.take(",") || self.at == self.tokens.len() {
                return Some(());
            }
        }
    }

    fn with(&mut self) -> Option<()> {
        while self.at < self.tokens.len() {
            let several = self.target(&["="]);
            self.expect("=")?;
            let value = self.expression(0)?;
            if several || !value.is_path {
                self.guard(value, WEIGHED);
            }
            if self.at < self.tokens.len() {
                self.expect(",")?;
            }
        }
        Some(())
    }

    /// Goes on to what ends the names that get a value; whether there are several.
    fn target(&mut self, ends: &[&str]) -> bool {
        let start = self.at;
        while self.at < self.tokens.len() && !ends.contains(&self.text()) {
            self.at += 1;
        }
        self.tokens[start..self.at].iter().any(|token| token.text == ",")
    }
}
