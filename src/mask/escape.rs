//! What single escapes stand for: percent, JSON, HTML; and words that may be base64. Must not know where they stand.

/// The most bytes of an HTML entity.
const LONGEST_ENTITY: usize = 12;
/// Fewest characters of a word that is taken for base64: shorter secrets are searched as they look there.
const SHORTEST_BASE64: usize = 8;

/// What an escape stands for.
pub(super) enum Decoded {
    Byte(u8),
    Char(char),
    /// The bytes of base64.
    Sextets(Vec<u8>),
}

/// `%41` (RFC 3986 §2.1), either case.
pub(super) fn percent(text: &[u8]) -> Option<(usize, Decoded)> {
    match text {
        [b'%', high, low, ..] => Some((3, Decoded::Byte(hex_digit(*high)? << 4 | hex_digit(*low)?))),
        _ => None,
    }
}

/// The same, with `+` for a space, as forms write it.
pub(super) fn percent_or_plus(text: &[u8]) -> Option<(usize, Decoded)> {
    if text[0] == b'+' { Some((1, Decoded::Byte(b' '))) } else { percent(text) }
}

/// `\n`, `\"`, `\/`, `\u00e9`, `\ud83d\ude00` (RFC 8259 §7), JavaScript's `\x27`, and Rust's `\u{e9}` and `\'`.
pub(super) fn json(text: &[u8]) -> Option<(usize, Decoded)> {
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
        b'x' => return Some((4, Decoded::Char(char::from_u32(number(rest.get(..2)?, 16)?)?))),
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

/// Entities by name that encoders write for ASCII, after HTML's list.
const ENTITIES: [(&[u8], char); 40] = [
    (b"amp", '&'),
    (b"lt", '<'),
    (b"gt", '>'),
    (b"quot", '"'),
    (b"apos", '\''),
    (b"sol", '/'),
    (b"bsol", '\\'),
    (b"plus", '+'),
    (b"equals", '='),
    (b"num", '#'),
    (b"colon", ':'),
    (b"semi", ';'),
    (b"quest", '?'),
    (b"commat", '@'),
    (b"lowbar", '_'),
    (b"period", '.'),
    (b"comma", ','),
    (b"excl", '!'),
    (b"dollar", '$'),
    (b"percnt", '%'),
    (b"lpar", '('),
    (b"rpar", ')'),
    (b"ast", '*'),
    (b"lsqb", '['),
    (b"lbrack", '['),
    (b"rsqb", ']'),
    (b"rbrack", ']'),
    (b"lcub", '{'),
    (b"lbrace", '{'),
    (b"rcub", '}'),
    (b"rbrace", '}'),
    (b"verbar", '|'),
    (b"vert", '|'),
    (b"grave", '`'),
    (b"Hat", '^'),
    (b"Tab", '\t'),
    (b"NewLine", '\n'),
    (b"AMP", '&'),
    (b"LT", '<'),
    (b"QUOT", '"'),
];

/// `&amp;`, `&#39;`, `&#x27;`.
pub(super) fn html(text: &[u8]) -> Option<(usize, Decoded)> {
    if text[0] != b'&' {
        return None;
    }
    let length = text.iter().take(LONGEST_ENTITY).position(|byte| *byte == b';')?;
    let c = match &text[1..length] {
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        name => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((length + 1, Decoded::Char(c)))
}

/// A whole word that may be base64 (RFC 4648 §4 and §5). What is no base64 becomes bytes that nobody looks for.
pub(super) fn base64(text: &[u8]) -> Option<(usize, Decoded)> {
    base64_word(text, |byte| sextet(byte).is_some())
}

/// The same of what stands between slashes and pluses, as in a path.
pub(super) fn base64_url(text: &[u8]) -> Option<(usize, Decoded)> {
    base64_word(text, |byte| sextet(byte).is_some() && !matches!(byte, b'/' | b'+'))
}

fn base64_word(text: &[u8], is_part: impl Fn(u8) -> bool) -> Option<(usize, Decoded)> {
    let length = text.iter().take_while(|byte| is_part(**byte)).count();
    if length < SHORTEST_BASE64 {
        return None;
    }
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::with_capacity(length));
    for six in text[..length].iter().filter_map(|byte| sextet(*byte)) {
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some((length, Decoded::Sextets(bytes)))
}

fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    // Signs are no digits.
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, radix).ok())?
}

fn hex_digit(byte: u8) -> Option<u8> {
    // One digit is below 16.
    (byte as char).to_digit(16).map(|digit| digit as u8)
}
