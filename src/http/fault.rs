//! What is wrong with an answer as bytes: a head that cannot be read, named by the header at fault, and bytes that
//! belong to no answer. Values of headers are never told. Must not read anything itself.

use std::fmt::Write as _;

use crate::failure::Failure;

use super::classify::cause;
use super::connection::ExchangeError;

/// Header lines of a head, at most, as in curl. hyper's own limit, 100, costs less and does for almost all.
pub(super) const MOST_LINES: usize = 5_000;
/// What hyper reads without asking for memory.
const FEW_LINES: usize = 100;
/// Bytes of a head, at most. hyper has about this limit; it takes some heads that are larger unless it is told.
pub(super) const MOST_BYTES: usize = 408 << 10;
/// Characters shown of a name that is none.
const SHOWN: usize = 40;

/// What is seen in a head.
#[derive(Debug, Default, PartialEq)]
struct Head {
    lines: usize,
    is_folded: bool,
    /// What no header may be.
    wrong: Option<String>,
}

/// Whether a head was refused for nothing worse than many lines or folded ones.
pub(super) fn is_readable(error: &hyper::Error, head: &[u8]) -> bool {
    let words = cause(error);
    // What a head says is found to be wrong when it has been taken out of the bytes: these are the body then.
    !words.contains("content-length") && !words.contains("transfer-encoding") && is_unusual_only(head)
}

fn is_unusual_only(head: &[u8]) -> bool {
    let seen = Head::of(head);
    seen.wrong.is_none() && (seen.is_folded || seen.lines > FEW_LINES)
}

/// Why a head was refused. `head` is empty when it is the meaning of the head that is wrong, not its form.
pub(super) fn of_head(error: &hyper::Error, head: &[u8]) -> ExchangeError {
    let seen = Head::of(head);
    let message = match seen.wrong {
        Some(wrong) => format!("the answer's head is malformed: {wrong}"),
        None if seen.lines > MOST_LINES => {
            format!("the answer's head has more than {MOST_LINES} header lines")
        }
        None if head.len() >= MOST_BYTES => {
            format!("the answer's head is larger than {} KiB", MOST_BYTES >> 10)
        }
        // hyper calls it a head that is too large.
        None if error.is_parse_too_large() => {
            "not an HTTP/1.1 response: the header `content-length` is too large a number".to_owned()
        }
        None => format!("not an HTTP/1.1 response: {}", cause(error)),
    };
    ExchangeError::new(Failure::Protocol, message)
}

impl Head {
    /// Reads as far as there is something wrong, or the head or what has come of it ends. Empty for what begins with no
    /// status line.
    fn of(bytes: &[u8]) -> Self {
        let mut head = Self::default();
        let mut lines =
            bytes.split_inclusive(|b| *b == b'\n').skip_while(|line| line.trim_ascii().is_empty());
        if !lines.next().is_some_and(|line| line.starts_with(b"HTTP/1.")) {
            return head;
        }
        let mut name: &[u8] = b"";
        for line in lines {
            let is_whole = line.ends_with(b"\n");
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                break;
            }
            let value = if matches!(line[0], b' ' | b'\t') {
                if name.is_empty() {
                    head.wrong = Some("its first header begins with a space".to_owned());
                    break;
                }
                head.is_folded = true;
                line
            } else {
                head.lines += 1;
                let colon = line.iter().position(|b| *b == b':');
                name = &line[..colon.unwrap_or(line.len())];
                head.wrong = wrong_name(name, colon.is_some() || !is_whole, head.lines);
                &line[colon.unwrap_or(line.len())..]
            };
            head.wrong = head.wrong.take().or_else(|| wrong_value(name, value));
            if head.wrong.is_some() {
                break;
            }
        }
        head
    }
}

fn wrong_name(name: &[u8], has_colon: bool, line: usize) -> Option<String> {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    if name.is_empty() {
        return Some(format!("header line {line} has no name before its colon"));
    }
    if !has_colon {
        return Some(format!("header line {line}, which begins with `{}`, has no colon", shown(name)));
    }
    let wrong = name.iter().find(|b| !is_name(b))?;
    Some(format!("the header name `{}` holds {}", shown(name), character(*wrong)))
}

fn wrong_value(name: &[u8], value: &[u8]) -> Option<String> {
    let wrong = value.iter().find(|b| b.is_ascii_control() && **b != b'\t')?;
    Some(format!("the value of the header `{}` holds {}", shown(name), character(*wrong)))
}

fn character(byte: u8) -> String {
    match byte {
        b' ' => "a space".to_owned(),
        0x21..=0x7e => format!("`{}`", char::from(byte)),
        _ => format!("the byte 0x{byte:02x}"),
    }
}

/// A name, printable and short.
fn shown(name: &[u8]) -> String {
    let mut out = String::new();
    for byte in name.iter().take(SHOWN) {
        match byte {
            0x20..=0x7e => out.push(char::from(*byte)),
            _ => drop(write!(out, "\\x{byte:02x}")),
        }
    }
    if name.len() > SHOWN {
        out.push('…');
    }
    out
}

/// A status below 200 that ends an exchange: only 101 does.
pub(super) fn switched(status: u16) -> ExchangeError {
    let message = format!("the target switches protocols (status {status}), which nobody asked for");
    ExchangeError { status, ..ExchangeError::new(Failure::Protocol, message) }
}

/// A complete answer and bytes after it.
pub(super) fn after_the_answer(status: u16, extra: &[u8]) -> ExchangeError {
    let message = match begins_answer(extra) {
        true => "the answer is followed by another answer, which nobody asked for".to_owned(),
        false => {
            "the answer is followed by bytes that belong to none: its length is wrong, or it may have no body"
                .to_owned()
        }
    };
    ExchangeError { status, ..ExchangeError::new(Failure::Protocol, message) }
}

/// Bytes on a connection on which no request ran; `None` when they only say why it is closed.
pub(super) fn unasked(bytes: &[u8]) -> Option<String> {
    // Some servers and load balancers answer the request that did not come: a way to close an idle connection.
    let is_timeout = begins_answer(bytes) && bytes.get(8..12) == Some(b" 408");
    let what = if begins_answer(bytes) { "an answer" } else { "bytes that belong to no answer" };
    (!is_timeout).then(|| what.to_owned())
}

fn begins_answer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(headers: &[u8]) -> String {
        let head = [b"HTTP/1.1 200 OK\r\n", headers].concat();
        assert!(!is_unusual_only(&head));
        Head::of(&head).wrong.unwrap_or_default()
    }

    #[test]
    fn the_header_at_fault_is_named() {
        for (headers, words) in [
            (&b"x-a: a\0b\r\n"[..], "the value of the header `x-a` holds the byte 0x00"),
            (b"x-a: a\rb\r\n", "the value of the header `x-a` holds the byte 0x0d"),
            (b"ok: 1\r\nx-\0: ab\r\n", "the header name `x-\\x00` holds the byte 0x00"),
            (b"x-a : b\r\n", "the header name `x-a ` holds a space"),
            (b"x(a): b\r\n", "the header name `x(a)` holds `(`"),
            (b"x-a: b\r\nnothing here\r\n", "header line 2, which begins with `nothing here`, has no colon"),
            (b": b\r\n", "header line 1 has no name before its colon"),
            (b" x: b\r\n", "its first header begins with a space"),
            (b"x-a: a;\r\n\tb\x1b[2J\r\n", "the value of the header `x-a` holds the byte 0x1b"),
            (b"x-a: 1\r\nbroken\x7f", "the header name `broken\\x7f` holds the byte 0x7f"),
        ] {
            assert_eq!(wrong(headers), words);
        }
    }

    #[test]
    fn what_is_unusual_is_no_fault() {
        let head = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}").into_bytes();
        let many = |count: usize| head(&"a: b\r\n".repeat(count));
        assert!(is_unusual_only(&head("x: a;\r\n  b\r\n\r\n")) && is_unusual_only(&head("x: a;\n\tb")));
        assert!(is_unusual_only(&many(101)) && !is_unusual_only(&many(100)));
        // What stands in a body is not looked at.
        assert!(!is_unusual_only(&head("x: a\r\n\r\n folded\r\n")) && !is_unusual_only(&head("")));
        assert!(!is_unusual_only(b"SSH-2.0\r\n x") && !is_unusual_only(b""));
        assert_eq!(Head::of(&many(5_001)).lines, 5_001);
    }

    #[test]
    fn what_nobody_asked_for() {
        assert_eq!(unasked(b"HTTP/1.1 408 Request Time-out\r\n"), None);
        assert!(unasked(b"HTTP/1.1 200 OK\r\n").is_some() && unasked(b"\r\n").is_some());
        assert!(after_the_answer(200, b"HTTP/1.1 200 OK").message.contains("another answer"));
        assert!(after_the_answer(204, b"abc").message.contains("belong to none"));
    }
}
