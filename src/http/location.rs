//! Where the header `location` of an answer leads, read as browsers and curl do (the URL Standard, as far as http and
//! https need it) and not as RFC 3986 has it: servers write what is no URI. Must not know plans.

use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use crate::mask::MASK;

/// What RFC 3986 allows nowhere in a path or query, but for `%`: one that begins no escape is kept, as in browsers.
const NOT_IN_URL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'#');

/// A place of the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `None` for the place the answer came from.
    pub origin: Option<Origin>,
    /// Path and query.
    pub path: Uri,
}

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether it is https.
    pub tls: bool,
    /// Host in lower case, without brackets.
    pub host: String,
    /// Port, the scheme's when none is written.
    pub port: u16,
}

/// Why a `location` leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Astray {
    /// There is nothing in it.
    Empty,
    /// A scheme that is not http or https.
    Scheme,
    /// It is no URL.
    NotUrl,
    /// Longer than a URL may be, 65 534 bytes.
    TooLong,
}

/// Reads the `location` of an answer to a request that went to `from` (path and query) with TLS or without.
///
/// # Errors
/// When it leads to no place that speaks HTTP.
pub fn read(location: &[u8], tls: bool, from: &Uri) -> Result<Place, Astray> {
    let text: Vec<u8> = location.iter().copied().filter(|b| !matches!(b, b'\t' | b'\r' | b'\n')).collect();
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(Astray::Empty);
    }
    let text = text.split(|b| *b == b'#').next().unwrap_or_default();
    let slashes = |rest: &[u8]| rest.iter().take_while(|b| is_slash(**b)).count();
    match scheme_of(text) {
        Some((scheme, rest)) => {
            let to_tls = match scheme.to_ascii_lowercase().as_slice() {
                b"http" => false,
                b"https" => true,
                _ => return Err(Astray::Scheme),
            };
            // `https:path` is a path where the answer came by https, and a host where it did not.
            if to_tls == tls && slashes(rest) < 2 {
                return here(rest, from);
            }
            elsewhere(&rest[slashes(rest)..], to_tls)
        }
        None if slashes(text) >= 2 => elsewhere(&text[slashes(text)..], tls),
        None => here(text, from),
    }
}

fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// The scheme and what follows its colon.
fn scheme_of(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|b| *b == b':')?;
    let (scheme, rest) = (&text[..end], &text[end + 1..]);
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    is_scheme.then_some((scheme, rest))
}

/// A path, or a part of one, where the answer came from.
fn here(rest: &[u8], from: &Uri) -> Result<Place, Astray> {
    let own = from.path().as_bytes();
    let whole = match rest.first() {
        None => return Ok(Place { origin: None, path: from.clone() }),
        Some(b'?') => [own, rest].concat(),
        Some(b'/' | b'\\') => rest.to_vec(),
        Some(_) => {
            let folder = own.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
            [&own[..folder], rest].concat()
        }
    };
    Ok(Place { origin: None, path: path_of(&whole)? })
}

/// What begins with an authority.
fn elsewhere(rest: &[u8], tls: bool) -> Result<Place, Astray> {
    let end = rest.iter().position(|b| is_slash(*b) || *b == b'?').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // Credentials are not sent on: the plan says who its users are.
    let host_and_port = authority.rsplit(|b| *b == b'@').next().unwrap_or_default();
    let text = std::str::from_utf8(host_and_port).map_err(|_| Astray::NotUrl)?;
    let origin = origin_of(text, tls).ok_or(Astray::NotUrl)?;
    Ok(Place { origin: Some(origin), path: path_of(path)? })
}

/// The origin that an authority without credentials stands for, such as the value of a header `host`.
pub fn origin_of(authority: &str, tls: bool) -> Option<Origin> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, ""),
        Some((host, port)) => (host, port.strip_prefix(':')?),
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let port = match port {
        "" => {
            if tls {
                443
            } else {
                80
            }
        }
        port if port.bytes().all(|b| b.is_ascii_digit()) => port.parse().ok()?,
        _ => return None,
    };
    (!host.is_empty()).then(|| Origin { tls, host: host.to_ascii_lowercase(), port })
}

/// A path and query as they can be sent.
fn path_of(text: &[u8]) -> Result<Uri, Astray> {
    let end = text.iter().position(|b| *b == b'?').unwrap_or(text.len());
    let (path, query) = text.split_at(end);
    let path: Vec<u8> = path.iter().map(|b| if *b == b'\\' { b'/' } else { *b }).collect();
    let mut sent = percent_encode(&without_dots(&path), NOT_IN_URL).to_string();
    sent.extend(percent_encode(query, NOT_IN_URL));
    match PathAndQuery::try_from(sent) {
        Ok(path) => Ok(Uri::from(path)),
        Err(_) if text.len() > usize::from(u16::MAX) / 3 => Err(Astray::TooLong),
        Err(_) => Err(Astray::NotUrl),
    }
}

/// A path without its segments `.` and `..`, also where their dots are encoded.
fn without_dots(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = vec![];
    let mut segments = path.strip_prefix(b"/").unwrap_or(path).split(|b| *b == b'/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment.to_ascii_lowercase().as_slice() {
            b"." | b"%2e" => {}
            b".." | b".%2e" | b"%2e." | b"%2e%2e" => drop(kept.pop()),
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if is_last {
            kept.push(b"");
        }
    }
    kept.iter().flat_map(|segment| [b"/".as_slice(), segment]).collect::<Vec<_>>().concat()
}

/// A `location` for people: without credentials, and without the values of those parameters of its query and fragment
/// whose names `is_secret`.
pub fn shown(location: &[u8], is_secret: impl Fn(&str) -> bool) -> String {
    let text = String::from_utf8_lossy(location);
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (place, parameters) = text.split_at(end);
    let mut out = String::with_capacity(text.len());
    match authority_of(place) {
        Some((before, after)) => out.extend([before, MASK, after]),
        None => out.push_str(place),
    }
    for parameter in parameters.split_inclusive(['?', '#', '&', ';']) {
        match parameter.split_once('=') {
            Some((name, value)) if is_secret(name) => {
                let end = value.chars().next_back().filter(|c| matches!(c, '?' | '#' | '&' | ';'));
                out.extend([name, "=", MASK]);
                out.extend(end);
            }
            _ => out.push_str(parameter),
        }
    }
    out
}

/// What stands before the credentials of an authority, and what follows them from `@` on.
fn authority_of(place: &str) -> Option<(&str, &str)> {
    let after_scheme = place.find(':').map_or(0, |at| at + 1);
    let slashes = |from: usize| place[from..].bytes().take_while(|b| is_slash(*b)).count();
    let from = if slashes(0) >= 2 { slashes(0) } else { after_scheme + slashes(after_scheme) };
    if from == 0 || (after_scheme == 0 && slashes(0) < 2) {
        return None;
    }
    let end = place[from..].find(['/', '\\']).map_or(place.len(), |at| from + at);
    let at = place[from..end].rfind('@')?;
    Some((&place[..from], &place[from + at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(path: &str) -> Uri {
        path.parse().unwrap()
    }

    #[test]
    fn paths_where_the_answer_came_from() {
        for (location, path) in [
            ("/login", "/login"),
            ("  /login\t", "/login"),
            ("/lo\tgin", "/login"),
            ("next?x=1#part", "/api/a/next?x=1"),
            ("../up", "/api/up"),
            ("../../../../up", "/up"),
            ("/a/./b/%2E%2e/c/.", "/a/c/"),
            ("..", "/api/"),
            ("?page=2", "/api/a/b?page=2"),
            ("#part", "/api/a/b?q=[1]"),
            ("\\back\\slash?a\\b", "/back/slash?a%5Cb"),
            ("/caf\u{e9} au lait", "/caf%C3%A9%20au%20lait"),
            ("/cb?filter[name]=x", "/cb?filter%5Bname%5D=x"),
            ("/x|y^z/{id}?q={a}|b^\"<>`", "/x%7Cy%5Ez/%7Bid%7D?q=%7Ba%7D%7Cb%5E%22%3C%3E%60"),
            ("/s?q=100%", "/s?q=100%"),
            ("/100%/%zz/%41", "/100%/%zz/%41"),
            ("http:/same/scheme", "/same/scheme"),
            ("HTTP:rest", "/api/a/rest"),
            ("/a:b", "/a:b"),
            ("1:2", "/api/a/1:2"),
        ] {
            let place = read(location.as_bytes(), false, &from("/api/a/b?q=[1]"));
            assert_eq!(place, Ok(Place { origin: None, path: from(path) }), "{location}");
        }
        let latin = read(b"/caf\xe9?\xff", false, &from("/"));
        assert_eq!(latin.map(|place| place.path), Ok(from("/caf%E9?%FF")), "bytes stay bytes");
    }

    #[test]
    fn other_places() {
        for (location, tls, host, port, path) in [
            ("http://h.example?code=1", false, "h.example", 80, "/?code=1"),
            ("http://H.Example", false, "h.example", 80, "/"),
            ("http://h.example:", false, "h.example", 80, "/"),
            ("https://h.example:8443/x#y", true, "h.example", 8443, "/x"),
            ("//h.example/x", false, "h.example", 80, "/x"),
            ("///h.example/x", false, "h.example", 80, "/x"),
            ("\\\\h.example\\x", false, "h.example", 80, "/x"),
            ("https:h.example/x", true, "h.example", 443, "/x"),
            ("http:////h.example/x", false, "h.example", 80, "/x"),
            ("http://user:p@ss@h.example/@me", false, "h.example", 80, "/@me"),
            ("http://[::1]:81/x", false, "::1", 81, "/x"),
            ("http://[::1]", false, "::1", 80, "/"),
            ("hTTp://h.example/a/../b?[1]", false, "h.example", 80, "/b?%5B1%5D"),
        ] {
            let origin = Some(Origin { tls, host: host.to_owned(), port });
            let place = read(location.as_bytes(), false, &from("/api/a"));
            assert_eq!(place, Ok(Place { origin, path: from(path) }), "{location}");
        }
    }

    #[test]
    fn nowhere() {
        let long = format!("/{}", "x".repeat(70_000));
        for (location, why) in [
            ("", Astray::Empty),
            (" \t ", Astray::Empty),
            ("javascript:alert(1)", Astray::Scheme),
            ("my-app://callback?code=1", Astray::Scheme),
            ("localhost:8080/x", Astray::Scheme),
            ("http://", Astray::NotUrl),
            ("http://?x", Astray::NotUrl),
            ("http://h:x/", Astray::NotUrl),
            ("http://h:99999/", Astray::NotUrl),
            ("http://[::1", Astray::NotUrl),
            ("http://[::1]x", Astray::NotUrl),
            ("https:///", Astray::NotUrl),
            (&long, Astray::TooLong),
        ] {
            assert_eq!(read(location.as_bytes(), false, &from("/a")), Err(why), "{:.40}", location);
        }
    }

    #[test]
    fn what_is_shown_holds_no_credentials() {
        let all = |_: &str| true;
        let none = |_: &str| false;
        for (location, secret, text) in [
            (
                "http://user:pw@h.example/a?b=c#d",
                &none as &dyn Fn(&str) -> bool,
                "http://***@h.example/a?b=c#d",
            ),
            ("//user:p@w@h.example/a", &none, "//***@h.example/a"),
            ("\\\\user:pw@h.example\\a", &none, "\\\\***@h.example\\a"),
            ("https://h.example/@me", &none, "https://h.example/@me"),
            ("/users/@me:x", &none, "/users/@me:x"),
            ("/a?code=1&state=2;x=3#access_token=4", &all, "/a?code=***&state=***;x=***#access_token=***"),
            ("/a?code=1&next=/b", &|name| name == "code", "/a?code=***&next=/b"),
            ("/a?flag&", &all, "/a?flag&"),
        ] {
            assert_eq!(shown(location.as_bytes(), secret), text);
        }
    }
}
