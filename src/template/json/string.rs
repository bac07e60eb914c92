//! Texts of JSON: their escapes undone, compared, and written. Must not know numbers or containers.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::scan::end_of_text;

/// The text between quotes that begins at `at`, of a document that has been checked. Half a surrogate pair, which no
/// text can hold, becomes U+FFFD.
pub(super) fn text_at(document: &[u8], at: usize) -> Cow<'_, str> {
    let inner = inner(document, at);
    match inner.contains(&b'\\') {
        false => Cow::Borrowed(std::str::from_utf8(inner).unwrap_or_default()),
        true => Cow::Owned(unescaped(inner)),
    }
}

fn inner(document: &[u8], at: usize) -> &[u8] {
    document.get(at + 1..end_of_text(document, at).saturating_sub(1)).unwrap_or_default()
}

fn unescaped(mut rest: &[u8]) -> String {
    let mut out = Vec::with_capacity(rest.len());
    while let Some(slash) = rest.iter().position(|byte| *byte == b'\\') {
        out.extend_from_slice(&rest[..slash]);
        let kind = rest.get(slash + 1).copied().unwrap_or(b'\\');
        rest = rest.get(slash + 2..).unwrap_or_default();
        let byte = match kind {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (c, length) = unicode(rest);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            other => other,
        };
        out.push(byte);
    }
    out.extend_from_slice(rest);
    String::from_utf8(out).unwrap_or_default()
}

/// What follows `\u`: the character, and how many bytes say it.
fn unicode(rest: &[u8]) -> (char, usize) {
    let unit = |at: usize| {
        let digits = std::str::from_utf8(rest.get(at..at + 4)?).ok()?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(0) else { return (char::REPLACEMENT_CHARACTER, 4) };
    if let Some(c) = char::from_u32(first.into()) {
        return (c, 4);
    }
    let second = if rest.get(4..6) == Some(b"\\u") { unit(6) } else { None };
    let pair = char::decode_utf16([first, second.unwrap_or(0)]).next();
    match (second, pair) {
        (Some(_), Some(Ok(c))) => (c, 10),
        _ => (char::REPLACEMENT_CHARACTER, 4),
    }
}

/// Whether the text that begins at `at` is `name`.
pub(super) fn is_text(document: &[u8], at: usize, name: &str) -> bool {
    let (mut name_bytes, mut from) = (name.bytes(), at + 1);
    while let Some(byte) = document.get(from) {
        match byte {
            b'"' => return name_bytes.next().is_none(),
            b'\\' => return text_at(document, at) == name,
            byte if name_bytes.next() == Some(*byte) => from += 1,
            _ => return false,
        }
    }
    false
}

/// How the texts that begin at two places are ordered.
pub(super) fn order(document: &[u8], a: usize, b: usize) -> Ordering {
    text_at(document, a).cmp(&text_at(document, b))
}

/// How the text that begins at a place is ordered beside another.
pub(super) fn order_beside(document: &[u8], at: usize, name: &str) -> Ordering {
    (*text_at(document, at)).cmp(name)
}

/// Appends `text` as the inside of a JSON string (RFC 8259 section 7).
pub(in crate::template) fn escape(text: &str, out: &mut String) {
    let mut clean_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[clean_from..at]);
        if short.is_empty() {
            use std::fmt::Write as _;
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(short);
        }
        clean_from = at + 1;
    }
    out.push_str(&text[clean_from..]);
}
