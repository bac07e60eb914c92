//! Replaces secret values by `***` in everything that is written: the values themselves and their common
//! encodings. Must not know where a secret comes from, nor what the text is for.
//!
//! Encodings whose output is fixed (base64, hex) are searched as texts of their own; encodings with many
//! spellings (percent, JSON, HTML escapes) are undone first, up to three one around the other, and the result is searched
//! (see `view`). Long secrets are found in other letter case too. All matches at all places count, overlapping ones become
//! one `***`.
//!
//! Not covered: line-wrapped base64, hashes, compressed or encrypted copies.

mod escape;
mod forms;
mod names;
mod shape;
#[cfg(test)]
mod tests;
mod view;

pub use names::{is_sensitive_header, is_sensitive_key, is_sensitive_parameter};
pub use shape::shape_of;

use forms::Forms;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use view::View;

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// Texts that a run learns from answers and that are shorter are no secrets: a lifetime, a role.
pub const SHORTEST_LEARNT: usize = 8;

/// Fewest bytes at the very end of a cut text that are taken for the beginning of a secret.
const CUT_AT_LEAST: usize = 4;

/// Knows the secret values of a run and hides them.
#[derive(Clone, Default)]
pub struct Masker {
    forms: Forms,
}

/// Shows how many forms are known, never a value.
impl fmt::Debug for Masker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Masker").field("forms", &self.forms.len()).finish_non_exhaustive()
    }
}

impl Masker {
    /// A masker for these values; empty values are ignored.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut masker = Self::default();
        for secret in secrets {
            masker.add(secret);
        }
        masker
    }

    /// Adds a value learnt at run time, such as a token captured by the auth flow.
    ///
    /// Values of four characters and more are hidden wherever they occur. Shorter ones (`7`, `on`) would tear
    /// holes into ordinary words and numbers, so they are hidden only where they stand as a whole word.
    /// Values of eight characters and more that are not letters alone, and of sixteen and more, are hidden in other
    /// letter case too. A value with space around it (a file's last line break) is hidden without it as well.
    pub fn add(&mut self, value: impl AsRef<str>) {
        let value = value.as_ref();
        self.forms.add(value);
        if value.trim() != value {
            self.forms.add(value.trim());
        }
    }

    /// The text with every secret replaced by [`MASK`]; borrowed when there is none.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let ranges = self.find(text, false);
        if ranges.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(replace(text, &ranges, text.len())) }
    }

    /// At most `limit` bytes of a body as masked text, with `…` where something was cut. Invalid UTF-8 becomes
    /// `U+FFFD`.
    ///
    /// Masks before it cuts: secrets are searched in a window that reaches past `limit` by the longest known
    /// form in its longest spelling, and one that begins before `limit` is replaced whole, so no half stays.
    /// Where `bytes` itself ends inside a secret, because it was cut earlier, the beginning of a secret at its
    /// end is hidden as well.
    pub fn mask_bytes_lossy(&self, bytes: &[u8], limit: usize) -> String {
        Self::mask_bytes_with(&[self], bytes, limit)
    }

    /// [`Masker::mask_bytes_lossy`] with what several maskers know together, as one that knows all of it would.
    ///
    /// One after the other would not do: the first could take a part of what only the second knows.
    pub fn mask_bytes_with(maskers: &[&Self], bytes: &[u8], limit: usize) -> String {
        let longest = maskers.iter().map(|masker| masker.forms.longest()).max().unwrap_or_default();
        let reach = limit.saturating_add(longest.saturating_mul(view::LONGEST_ESCAPE));
        let window = String::from_utf8_lossy(&bytes[..bytes.len().min(reach.saturating_add(4))]);
        let ranges = join(&window, maskers.iter().flat_map(|masker| masker.find(&window, true)).collect());
        let end = window.floor_char_boundary(limit);
        let mut shown = replace(&window, &ranges, end);
        if end < window.len() {
            shown.push('…');
        }
        shown
    }

    /// Byte ranges of `text` that must not be shown: sorted, apart from each other, on character boundaries.
    fn find(&self, text: &str, cut: bool) -> Vec<Range<usize>> {
        if self.forms.len() == 0 {
            return vec![];
        }
        let mut ranges = vec![];
        for view in View::all(text) {
            let hits = self.forms.hits(view.bytes(), view.has_words());
            ranges.extend(hits.into_iter().map(|hit| view.source(hit)));
        }
        if cut {
            let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
            let begun = [text, whole].into_iter().filter_map(|text| self.begun_at_the_end(text));
            ranges.extend(begun.map(|start| start..text.len()));
        }
        join(text, ranges)
    }

    /// Where at the end of `text` a secret begins that does not end there.
    fn begun_at_the_end(&self, text: &str) -> Option<usize> {
        let starts = View::all(text).into_iter().flat_map(|view| {
            let bytes = view.bytes();
            let ends = [bytes, &bytes[..view.finished()]];
            let hits = ends.into_iter().filter_map(|bytes| self.forms.cut_hit(bytes, CUT_AT_LEAST));
            hits.map(|hit| view.source(hit).start).collect::<Vec<_>>()
        });
        starts.min()
    }
}

/// Sorts, rounds outwards to characters, and joins what overlaps or touches.
fn join(text: &str, mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = vec![];
    for range in ranges {
        let range = text.floor_char_boundary(range.start)..text.ceil_char_boundary(range.end);
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// `text[..end]` with each range replaced whole; a range that begins before `end` shows as one [`MASK`].
fn replace(text: &str, ranges: &[Range<usize>], end: usize) -> String {
    let mut shown = String::with_capacity(end);
    let mut from = 0;
    for range in ranges.iter().take_while(|range| range.start < end) {
        shown.push_str(&text[from..range.start]);
        shown.push_str(MASK);
        from = range.end;
    }
    if from < end {
        shown.push_str(&text[from..end]);
    }
    shown
}
