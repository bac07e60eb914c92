//! JSON in which no text is longer than a result's may be. Its parser puts a text together before anybody sees it, so that
//! one of gigabytes is refused as it comes in. Must not know what the texts are.

use std::io::Read;

use super::guarded::{Budget, LONGEST_TEXT};

/// JSON in which no text is longer than [`LONGEST_TEXT`]: its parser puts a text together before anybody sees it.
pub struct ShortTexts<'b, R> {
    inner: R,
    budget: &'b Budget,
    /// Whether a text goes on, how long it is, and whether a backslash was the last of it.
    text: Option<usize>,
    is_escaped: bool,
}

impl<'b, R> ShortTexts<'b, R> {
    /// The JSON of `inner`; a text that is too long exhausts the budget.
    pub fn new(inner: R, budget: &'b Budget) -> Self {
        Self { inner, budget, text: None, is_escaped: false }
    }

    fn look_at(&mut self, byte: u8) -> bool {
        let is_escaped = std::mem::replace(&mut self.is_escaped, false);
        self.text = match (self.text, byte) {
            (None, b'"') => Some(0),
            (Some(_), b'"') if !is_escaped => None,
            (Some(length), _) => {
                self.is_escaped = byte == b'\\' && !is_escaped;
                Some(length + 1)
            }
            (None, _) => None,
        };
        self.text.is_none_or(|length| length <= LONGEST_TEXT)
    }
}

impl<R: Read> Read for ShortTexts<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(buffer)?;
        if buffer[..length].iter().all(|byte| self.look_at(*byte)) {
            return Ok(length);
        }
        self.budget.exhaust();
        Err(std::io::Error::other("a text is too long"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_not_read() {
        let all = |text: &str| {
            let budget = Budget::default();
            let read = std::io::copy(&mut ShortTexts::new(text.as_bytes(), &budget), &mut std::io::sink());
            (read.is_ok(), budget.is_exhausted())
        };
        let long = "x".repeat(LONGEST_TEXT + 1);
        for text in [format!("[\"{long}\"]"), format!("[\"\\\"{long}"), format!("[\"a\", \"\\\\\\\"{long}")] {
            assert_eq!(all(&text), (false, true));
        }
        for text in [format!("[{long}]"), format!("[\"\\\\\", {long}]"), "[\"x\", \"y\"]".repeat(1_000_000)] {
            assert_eq!(all(&text), (true, false));
        }
    }
}
