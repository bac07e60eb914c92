//! From the bytes of a keyboard to the few keys that mean something. A pure state machine; must not do what they ask for.

/// A key that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// `q`: end the run, as the first Ctrl-C does.
    End,
    /// `+`, or `=`, which is the same key without shift on many keyboards.
    More,
    /// `-`, or `_`.
    Fewer,
    /// `p`.
    Pause,
}

/// Tells keys from the codes that arrows and function keys send (ECMA-48, 5.4).
#[derive(Debug, Default)]
pub(super) struct Keys {
    inside: Inside,
}

/// Where a code stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Inside {
    #[default]
    Nothing,
    /// After an escape.
    Escape,
    /// After `ESC [` or `ESC O`, until its last byte.
    Code,
}

impl Keys {
    /// The keys in what was read at once.
    pub(super) fn press(&mut self, bytes: &[u8]) -> Vec<Key> {
        let keys = bytes.iter().filter_map(|byte| self.byte(*byte)).collect();
        // A code comes in one piece; an escape alone was the key.
        if self.inside == Inside::Escape {
            self.inside = Inside::Nothing;
        }
        keys
    }

    fn byte(&mut self, byte: u8) -> Option<Key> {
        match (self.inside, byte) {
            (_, 0x1b) => self.inside = Inside::Escape,
            (Inside::Escape, b'[' | b'O') => self.inside = Inside::Code,
            // With Alt.
            (Inside::Escape, _) | (Inside::Code, 0x40..=0x7e) => self.inside = Inside::Nothing,
            (Inside::Code, _) => {}
            (Inside::Nothing, byte) => return key(byte),
        }
        None
    }
}

fn key(byte: u8) -> Option<Key> {
    match byte {
        b'q' | b'Q' => Some(Key::End),
        b'+' | b'=' => Some(Key::More),
        b'-' | b'_' => Some(Key::Fewer),
        b'p' | b'P' => Some(Key::Pause),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(reads: &[&str]) -> Vec<Key> {
        let mut keys = Keys::default();
        reads.iter().flat_map(|read| keys.press(read.as_bytes())).collect()
    }

    #[test]
    fn keys_and_what_is_none() {
        assert_eq!(pressed(&["q"]), [Key::End]);
        assert_eq!(pressed(&["+", "=+"]), [Key::More; 3]);
        assert_eq!(pressed(&["-_", "pP"]), [Key::Fewer, Key::Fewer, Key::Pause, Key::Pause]);
        assert_eq!(pressed(&["xyz 1\r\n\t\u{7f}ü東\u{3}"]), []);
    }

    #[test]
    fn codes_of_other_keys_are_no_keys() {
        // Arrows, F1, F5, delete, Alt-q, a click of the mouse, a code in two pieces.
        for read in ["\u{1b}[A", "\u{1b}OP", "\u{1b}[15~", "\u{1b}[3~", "\u{1b}q", "\u{1b}[<0;3;4M"] {
            assert_eq!(pressed(&[read]), [], "{read:?}");
            assert_eq!(pressed(&[read, "p"]), [Key::Pause], "{read:?}");
        }
        assert_eq!(pressed(&["\u{1b}[1", ";5Aq"]), [Key::End]);
        // The escape key, and then another.
        assert_eq!(pressed(&["\u{1b}", "q"]), [Key::End]);
    }
}
