//! The byte strings a secret is searched as, and the search for the longest one at a place. Must not know
//! escapes; those are undone before (`view`).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::collections::BTreeMap;
use std::ops::{Bound, Range};

/// Values shorter than this are hidden as whole words only.
const FREE_FROM: usize = 4;
/// Values of so many characters are hidden in any letter case, unless they are letters alone, as words are.
const ANY_CASE_FROM: usize = 8;
/// Values of so many characters are hidden in any letter case.
const LONG_FROM: usize = 16;

/// How a form may stand in a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Manner {
    /// Only where no letter, digit or `_` adjoins.
    word: bool,
    /// The base64 character before holds bits of the secret too.
    left: bool,
    /// The base64 character after holds bits of the secret too.
    right: bool,
}

/// Every form of every secret, ordered, so that the longest one at a place is found by binary search however
/// many tokens a run collects.
#[derive(Clone)]
pub(super) struct Forms {
    /// Forms that count anywhere, and forms that count as whole words.
    free: BTreeMap<Box<[u8]>, Manner>,
    words: BTreeMap<Box<[u8]>, Manner>,
    /// Forms that count in any letter case, in lower case.
    folded: BTreeMap<Box<[u8]>, Manner>,
    /// First bytes that occur at all.
    first: [bool; 256],
    longest: usize,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            free: BTreeMap::new(),
            words: BTreeMap::new(),
            folded: BTreeMap::new(),
            first: [false; 256],
            longest: 0,
        }
    }
}

impl Forms {
    pub(super) fn len(&self) -> usize {
        self.free.len() + self.words.len()
    }

    /// Bytes of the longest form.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    pub(super) fn add(&mut self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        let word = secret.chars().count() < FREE_FROM;
        let whole = Manner { word, ..Manner::default() };
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.insert(hex.to_uppercase(), whole);
        self.insert(hex.clone(), whole);
        for encoding in [STANDARD, URL_SAFE] {
            let padded = encoding.encode(secret);
            self.insert(padded.trim_end_matches('=').to_owned(), whole);
            self.insert(padded, whole);
            // Inside a larger text (`user:secret`) too few characters of a short value are its own.
            if !word {
                (0..3).for_each(|before| self.insert_embedded(&encoding, secret, before));
            }
        }
        self.insert(secret.to_owned(), whole);
        let (length, is_word) = (secret.chars().count(), secret.chars().all(char::is_alphabetic));
        if length >= LONG_FROM || length >= ANY_CASE_FROM && !is_word {
            for lower in [folded(secret.as_bytes()), hex.into_bytes()] {
                self.first[usize::from(lower[0])] = true;
                self.folded.insert(lower.into(), whole);
            }
        }
    }

    /// Where forms stand in the text; whole words only when asked for. They may overlap.
    pub(super) fn hits(&self, text: &[u8], with_words: bool) -> Vec<Range<usize>> {
        let mut hits: Vec<_> = (0..text.len()).filter_map(|at| self.hit(text, at, with_words)).collect();
        if !self.folded.is_empty() {
            let lower = folded(text);
            let found = |at: usize| {
                let is_first = self.first[usize::from(lower[at])] || self.first[usize::from(text[at])];
                let (length, _) = longest_prefix(&self.folded, lower.get(at..).filter(|_| is_first)?)?;
                Some(at..at + length)
            };
            hits.extend((0..lower.len()).filter_map(found));
        }
        hits
    }

    /// The characters that stand for `secret` in the base64 of a longer text, `before` (mod 3) bytes into it:
    /// those that hold bits of nothing else (RFC 4648 §4: three bytes, four characters of six bits).
    fn insert_embedded(&mut self, encoding: &impl base64::Engine, secret: &str, before: usize) {
        let padded = [&b"\0\0"[..before], secret.as_bytes()].concat();
        let text = encoding.encode(&padded);
        let start = [0, 2, 3][before];
        let end = padded.len() * 8 / 6;
        let manner = Manner { word: false, left: before > 0, right: !padded.len().is_multiple_of(3) };
        if let Some(own) = text.get(start..end) {
            self.insert(own.to_owned(), manner);
        }
    }

    fn insert(&mut self, form: String, manner: Manner) {
        let bytes = form.into_bytes().into_boxed_slice();
        self.first[usize::from(bytes[0])] = true;
        self.longest = self.longest.max(bytes.len());
        let forms = if manner.word { &mut self.words } else { &mut self.free };
        let known = forms.entry(bytes).or_default();
        *known =
            Manner { word: manner.word, left: known.left || manner.left, right: known.right || manner.right };
    }

    /// The longest form at `at`, with the neighbouring characters that hold bits of it.
    fn hit(&self, text: &[u8], at: usize, with_words: bool) -> Option<Range<usize>> {
        if !self.first[usize::from(text[at])] {
            return None;
        }
        let free = longest_prefix(&self.free, &text[at..]).map(|(length, manner)| {
            let left = usize::from(manner.left && at > 0 && is_base64(text[at - 1]));
            let end = at + length;
            let right = usize::from(manner.right && end < text.len() && is_base64(text[end]));
            at - left..end + right
        });
        free.or_else(|| if with_words { self.word_hit(text, at) } else { None })
    }

    /// The longest form at `at` that is a whole word there.
    fn word_hit(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let mut rest = &text[at..];
        while let Some((length, _)) = longest_prefix(&self.words, rest) {
            let end = at + length;
            let joined = |left: usize| is_word(text[left]) && is_word(text[left + 1]);
            if !(at > 0 && joined(at - 1) || end < text.len() && joined(end - 1)) {
                return Some(at..end);
            }
            rest = &text[at..end - 1];
        }
        None
    }

    /// The longest ending of `text`, of at least `at_least` bytes, that begins some form.
    pub(super) fn cut_hit(&self, text: &[u8], at_least: usize) -> Option<Range<usize>> {
        let from = text.len().saturating_sub(self.longest);
        let until = (text.len() + 1).saturating_sub(at_least);
        let lower = if self.folded.is_empty() { vec![] } else { folded(text) };
        let begins = |at: &usize| {
            let begins_folded = || lower.get(*at..).is_some_and(|rest| begins_a_form(&self.folded, rest));
            begins_a_form(&self.free, &text[*at..]) || begins_folded()
        };
        (from..until).find(begins).map(|at| at..text.len())
    }
}

/// Letters in lower case where that takes as many bytes; the length stays.
fn folded(text: &[u8]) -> Vec<u8> {
    let mut lower = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut all = c.to_lowercase();
            let small = all.next().filter(|small| all.next().is_none() && small.len_utf8() == c.len_utf8());
            lower.extend_from_slice(small.unwrap_or(c).encode_utf8(&mut [0; 4]).as_bytes());
        }
        lower.extend_from_slice(chunk.invalid());
    }
    lower
}

/// The longest key that `text` starts with. Every such key sorts at or before `text`, and whatever sorts between
/// it and `text` starts with it too; so the nearest key before `text` either is the answer or shares with `text`
/// at least the answer's length, and the search goes on with that shared part.
fn longest_prefix(forms: &BTreeMap<Box<[u8]>, Manner>, mut text: &[u8]) -> Option<(usize, Manner)> {
    loop {
        let (form, manner) = forms.range::<[u8], _>((Bound::Unbounded, Bound::Included(text))).next_back()?;
        let shared = form.iter().zip(text).take_while(|(a, b)| a == b).count();
        if shared == form.len() {
            return Some((shared, *manner));
        }
        text = &text[..shared];
    }
}

fn begins_a_form(forms: &BTreeMap<Box<[u8]>, Manner>, text: &[u8]) -> bool {
    let after = forms.range::<[u8], _>((Bound::Included(text), Bound::Unbounded)).next();
    after.is_some_and(|(form, _)| form.starts_with(text))
}

/// Letters, digits, `_`, and every byte of a character outside ASCII.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}
