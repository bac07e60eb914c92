//! A text with its escapes undone, and where each byte came from. Percent, JSON and HTML escapes leave their
//! writers many choices (which characters, upper or lower case, `\/` or `/`, `&#39;` or `&#x27;`); undoing them
//! finds a secret in every spelling. Must not know secrets.

use std::borrow::Cow;
use std::ops::Range;

/// The most source bytes one decoded byte can come from: a JSON escape inside a JSON escape (`\\u0041`, 7), an
/// HTML entity (12).
pub(super) const LONGEST_ESCAPE: usize = 12;

/// A reading of a text.
pub(super) struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// Source offset of each decoded byte, and of the end; `None` where the view is the text itself.
    from: Option<Vec<usize>>,
}

/// Undoes the escape at the start of the bytes, if there is one: source length, decoded character or byte.
type Unescape = fn(&[u8]) -> Option<(usize, Decoded)>;

/// What an escape stands for.
enum Decoded {
    Byte(u8),
    Char(char),
}

impl<'a> View<'a> {
    /// The text as it is, and every reading of it that differs.
    pub(super) fn all(text: &'a str) -> Vec<Self> {
        let plain = View { bytes: Cow::Borrowed(text.as_bytes()), from: None };
        let mut views = vec![];
        let json = plain.undo(b'\\', json);
        if let Some(twice) = json.as_ref().and_then(|view| view.undo(b'\\', self::json)) {
            views.push(twice);
        }
        views.extend(json);
        views.extend(plain.undo(b'%', percent));
        views.extend(plain.undo(b'+', percent_or_plus));
        views.extend(plain.undo(b'&', html));
        views.push(plain);
        views
    }

    /// The decoded bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The source range of a decoded range.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        match &self.from {
            Some(from) => from[range.start]..from[range.end],
            None => range,
        }
    }

    /// This view with escapes undone; `None` when `sign`, without which it has none, does not occur.
    fn undo(&self, sign: u8, unescape: Unescape) -> Option<View<'static>> {
        if !self.bytes.contains(&sign) {
            return None;
        }
        let origin = |at: usize| self.from.as_ref().map_or(at, |from| from[at]);
        let (mut bytes, mut from) = (Vec::with_capacity(self.bytes.len()), vec![]);
        let mut at = 0;
        while at < self.bytes.len() {
            let (length, decoded) = unescape(&self.bytes[at..]).unwrap_or((1, Decoded::Byte(self.bytes[at])));
            match decoded {
                Decoded::Byte(byte) => bytes.push(byte),
                Decoded::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            from.resize(bytes.len(), origin(at));
            at += length;
        }
        from.push(origin(at));
        Some(View { bytes: Cow::Owned(bytes), from: Some(from) })
    }
}

/// `%41` (RFC 3986 §2.1), either case.
fn percent(text: &[u8]) -> Option<(usize, Decoded)> {
    match text {
        [b'%', high, low, ..] => Some((3, Decoded::Byte(hex_digit(*high)? << 4 | hex_digit(*low)?))),
        _ => None,
    }
}

/// The same, with `+` for a space, as forms write it.
fn percent_or_plus(text: &[u8]) -> Option<(usize, Decoded)> {
    if text[0] == b'+' { Some((1, Decoded::Byte(b' '))) } else { percent(text) }
}

/// `\n`, `\"`, `\/`, `\u00e9`, `\ud83d\ude00` (RFC 8259 §7), and Rust's `\u{e9}` and `\'`.
fn json(text: &[u8]) -> Option<(usize, Decoded)> {
    let [b'\\', kind, rest @ ..] = text else { return None };
    let byte = match kind {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x08,
        b'f' => 0x0c,
        b'0' => 0,
        b'"' | b'\\' | b'/' | b'\'' => *kind,
        b'u' => return unicode(rest),
        _ => return None,
    };
    Some((2, Decoded::Byte(byte)))
}

/// What follows `\u`.
fn unicode(rest: &[u8]) -> Option<(usize, Decoded)> {
    if rest.first() == Some(&b'{') {
        let digits = rest.iter().skip(1).take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let closed = rest.get(1 + digits) == Some(&b'}');
        let c = char::from_u32(number(rest.get(1..1 + digits)?, 16)?).filter(|_| closed)?;
        return Some((4 + digits, Decoded::Char(c)));
    }
    let unit = number(rest.get(..4)?, 16)?;
    if let Some(c) = char::from_u32(unit) {
        return Some((6, Decoded::Char(c)));
    }
    let low = rest.get(4..10).filter(|low| low.starts_with(b"\\u"))?;
    let pair = [u16::try_from(unit).ok()?, u16::try_from(number(&low[2..], 16)?).ok()?];
    let c = char::decode_utf16(pair).next()?.ok()?;
    Some((12, Decoded::Char(c)))
}

/// `&amp;`, `&#39;`, `&#x27;`.
fn html(text: &[u8]) -> Option<(usize, Decoded)> {
    if text[0] != b'&' {
        return None;
    }
    let length = text.iter().take(LONGEST_ESCAPE).position(|byte| *byte == b';')?;
    let c = match &text[1..length] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        _ => return None,
    };
    Some((length + 1, Decoded::Char(c)))
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    // One digit is below 16.
    (byte as char).to_digit(16).map(|digit| digit as u8)
}
