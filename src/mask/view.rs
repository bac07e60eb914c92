//! A text with its encodings undone, and where each byte came from. Percent, JSON and HTML escapes leave their writers many
//! choices (which characters, upper or lower case, `\/` or `/`, `&#39;` or `&#x27;`); undoing them finds a secret in every
//! spelling, and undoing one after the other finds it in nested ones. Must not know secrets.

use std::borrow::Cow;
use std::ops::Range;

use super::escape::{Decoded, base64, base64_url, html, json, percent, percent_or_plus};

/// The most source bytes one decoded byte can come from: a JSON escape whose six characters are HTML entities of six.
pub(super) const LONGEST_ESCAPE: usize = 36;

/// The most bytes of one escape by itself: an HTML entity, a pair of JSON escapes.
const LONGEST_SINGLE: usize = 12;

/// How many encodings one around the other are undone.
const DEPTH: usize = 3;
/// All readings together are at most so many times as long as the text, and always some.
const MOST_TIMES: usize = 24;

/// A reading of a text.
pub(super) struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// Source range of each decoded byte; `None` where the view is the text itself.
    from: Option<Vec<(u32, u32)>>,
    /// How many encodings were undone.
    depth: usize,
    /// Whether each of its bytes stands for a character of the text: what looks like base64 may be a word.
    is_text: bool,
}

/// Undoes an encoding at the start of the bytes, if there is one there: source length, and what it stands for.
type Unescape = fn(&[u8]) -> Option<(usize, Decoded)>;

/// An encoding, and the sign without which a text has none of it.
const LAYERS: [(Option<u8>, Unescape); 6] = [
    (Some(b'\\'), json),
    (Some(b'%'), percent),
    (Some(b'+'), percent_or_plus),
    (Some(b'&'), html),
    (None, base64),
    (None, base64_url),
];

impl<'a> View<'a> {
    /// The text as it is, and every reading of it that differs.
    pub(super) fn all(text: &'a str) -> Vec<Self> {
        let plain = View { bytes: Cow::Borrowed(text.as_bytes()), from: None, depth: 0, is_text: true };
        let mut left = text.len().saturating_mul(MOST_TIMES);
        let (mut views, mut at) = (vec![plain], 0);
        while at < views.len() {
            for (sign, unescape) in LAYERS {
                let Some(view) = views.get(at).and_then(|view| view.undo(sign, unescape)) else { continue };
                let is_new = views.iter().all(|known| known.bytes != view.bytes);
                if is_new && view.bytes.len() <= left {
                    left -= view.bytes.len();
                    views.push(view);
                }
            }
            at += 1;
        }
        views
    }

    /// The decoded bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether short secrets are looked for: in nested readings and decoded words too much would look like one.
    pub(super) fn has_words(&self) -> bool {
        self.is_text && self.depth <= 1
    }

    /// The source range of a decoded range.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        let Some(from) = &self.from else { return range };
        let bytes = &from[range];
        match (bytes.first(), bytes.last()) {
            (Some((start, _)), Some((_, end))) => *start as usize..*end as usize,
            _ => 0..0,
        }
    }

    /// Where the bytes end without a character or an escape that may be cut in two there.
    pub(super) fn finished(&self) -> usize {
        let bytes = &self.bytes[..];
        let near = bytes.len().saturating_sub(LONGEST_SINGLE);
        let sign = bytes[near..].iter().rposition(|byte| matches!(byte, b'\\' | b'%' | b'&'));
        let mut end = sign.map_or(bytes.len(), |at| near + at);
        while end > 0 && bytes[end - 1] == b'\\' {
            end -= 1;
        }
        end
    }

    /// This view with an encoding undone; `None` when there is none of it.
    fn undo(&self, sign: Option<u8>, unescape: Unescape) -> Option<View<'static>> {
        if self.depth == DEPTH || sign.is_some_and(|sign| !self.bytes.contains(&sign)) {
            return None;
        }
        let origin = |range: Range<usize>| {
            let source = self.source(range);
            (clamped(source.start), clamped(source.end))
        };
        let (mut bytes, mut from) =
            (Vec::with_capacity(self.bytes.len()), Vec::with_capacity(self.bytes.len()));
        let (mut at, mut is_changed) = (0, false);
        while at < self.bytes.len() {
            let found = unescape(&self.bytes[at..]);
            is_changed |= found.is_some();
            let (length, decoded) = found.unwrap_or((1, Decoded::Byte(self.bytes[at])));
            match decoded {
                Decoded::Byte(byte) => bytes.push(byte),
                Decoded::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                // Three bytes of four characters of six bits: each byte is spread over two characters.
                Decoded::Sextets(decoded) => {
                    let spread = (0..decoded.len()).map(|n| at + n * 8 / 6..at + (n * 8 + 7) / 6 + 1);
                    from.extend(spread.map(&origin));
                    bytes.extend(decoded);
                }
            }
            if from.len() < bytes.len() {
                from.resize(bytes.len(), origin(at..at + length));
            }
            at += length;
        }
        let is_text = self.is_text && sign.is_some();
        is_changed.then_some(View {
            bytes: Cow::Owned(bytes),
            from: Some(from),
            depth: self.depth + 1,
            is_text,
        })
    }
}

fn clamped(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
