//! Cookies as RFC 6265 has them: read from `set-cookie`, kept in a jar, sent back by domain, path, time and security.
//! Bounded, because servers are not trusted. Must not read a clock or send anything.

mod date;
mod set;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::mask::{Masker, SHORTEST_LEARNT};

/// Most cookies of one domain; then the one that was set longest ago goes.
const MOST_OF_A_DOMAIN: usize = 50;
/// Most cookies of a jar; there may be as many domains as a host has parents.
const MOST: usize = 200;
/// How many values that are no longer sent are still hidden.
const MOST_GONE: usize = 4;

/// Where a request goes, as far as cookies ask. A port is no part of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place<'a> {
    /// Host without port and brackets, in any case.
    pub host: &'a str,
    /// Path without query.
    pub path: &'a str,
    /// Whether nobody in between reads along: TLS, or this machine.
    pub is_secure: bool,
}

/// One cookie as a server has set it.
#[derive(Clone, PartialEq)]
pub struct Cookie {
    name: Box<str>,
    value: Box<str>,
    /// In lower case.
    domain: Box<str>,
    /// Whether hosts below `domain` are left out.
    host_only: bool,
    path: Box<str>,
    secure: bool,
    /// ms since 1970; `None` for as long as the jar.
    expires_ms: Option<u64>,
}

/// Shows no value.
impl fmt::Debug for Cookie {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Cookie").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Cookie {
    /// Reads a `set-cookie` of an answer from `place` (RFC 6265, sections 5.2 and 5.3); `now_ms` since 1970. `None` for what
    /// must be ignored: no name, too long, for a domain that is not the host's.
    pub fn read(line: &str, place: Place<'_>, now_ms: u64) -> Option<Self> {
        set::read(line, place, now_ms)
    }

    /// Whether one takes the place of the other.
    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.domain == other.domain && self.path == other.path
    }

    fn is_over(&self, now_ms: u64) -> bool {
        self.expires_ms.is_some_and(|at| at <= now_ms)
    }

    fn belongs_to(&self, place: Place<'_>) -> bool {
        is_in_domain(place.host, &self.domain, self.host_only)
            && is_below(place.path, &self.path)
            && (!self.secure || place.is_secure)
    }
}

/// A cookie and when it was set, among all that its jar was given.
#[derive(Clone)]
struct Kept {
    cookie: Cookie,
    turn: u64,
}

/// The cookies of one user agent.
#[derive(Clone, Default)]
pub struct Jar {
    /// As they are sent: those of longer paths first, of one length the older.
    kept: Vec<Kept>,
    turns: u64,
    /// Values that were replaced or deleted last: an answer may tell of those that its request has sent.
    gone: Vec<Box<str>>,
    masker: OnceCell<Arc<Masker>>,
}

/// Shows how many there are, never a value.
impl fmt::Debug for Jar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Jar").field("cookies", &self.kept.len()).finish_non_exhaustive()
    }
}

impl Jar {
    /// Whether there is nothing to send to anyone.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether there is one that `cookie` would take the place of.
    pub fn holds(&self, cookie: &Cookie) -> bool {
        self.kept.iter().any(|known| known.cookie.is_same(cookie))
    }

    /// Keeps a cookie in the place of the one of the same name, domain and path. One that is over only removes that.
    pub fn put(&mut self, cookie: Cookie, now_ms: u64) {
        self.masker = OnceCell::new();
        self.turns += 1;
        let old = self.kept.iter().position(|known| known.cookie.is_same(&cookie));
        if cookie.is_over(now_ms) {
            self.remove(old);
            return;
        }
        let new = Kept { cookie, turn: self.turns };
        if let Some(old) = old.and_then(|at| self.kept.get_mut(at)) {
            let before = std::mem::replace(old, new);
            self.part_with(before);
            return;
        }
        self.make_room(&new.cookie.domain, now_ms);
        let length = new.cookie.path.len();
        let at = self.kept.partition_point(|known| known.cookie.path.len() >= length);
        self.kept.insert(at, new);
    }

    fn make_room(&mut self, domain: &str, now_ms: u64) {
        let is_of_domain = |known: &Kept| *known.cookie.domain == *domain;
        let is_full =
            |kept: &[Kept]| kept.iter().filter(|known| is_of_domain(known)).count() >= MOST_OF_A_DOMAIN;
        if self.kept.len() >= MOST || is_full(&self.kept) {
            self.kept.retain(|known| !known.cookie.is_over(now_ms));
        }
        let is_full = is_full(&self.kept);
        if self.kept.len() >= MOST || is_full {
            let all = self.kept.iter().enumerate().filter(|(_, known)| !is_full || is_of_domain(known));
            let oldest = all.min_by_key(|(_, known)| known.turn).map(|(at, _)| at);
            self.remove(oldest);
        }
    }

    fn remove(&mut self, at: Option<usize>) {
        if let Some(at) = at {
            let kept = self.kept.remove(at);
            self.part_with(kept);
        }
    }

    fn part_with(&mut self, kept: Kept) {
        if self.gone.len() == MOST_GONE {
            self.gone.remove(0);
        }
        self.gone.push(kept.cookie.value);
    }

    /// Adds to the value of a `cookie` header what belongs to `place`, but for names that are in it already.
    pub fn write(&self, place: Place<'_>, now_ms: u64, header: &mut Vec<u8>) {
        let before = header.len();
        for Kept { cookie, .. } in &self.kept {
            let (name, value) = (cookie.name.as_bytes(), cookie.value.as_bytes());
            if !cookie.is_over(now_ms) && cookie.belongs_to(place) && !has_name(&header[..before], name) {
                push_pair(header, name, value);
            }
        }
    }

    /// Hides the values, as they are and decoded: what a server knows somebody again by is a credential.
    pub fn masker(&self) -> Arc<Masker> {
        let made = self.masker.get_or_init(|| {
            let values =
                self.kept.iter().map(|known| &*known.cookie.value).chain(self.gone.iter().map(|v| &**v));
            let bare = values.clone().map(|value| value.trim_matches('"').to_owned());
            let decoded = values.map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned());
            Arc::new(Masker::new(bare.chain(decoded).filter(|value| value.len() >= SHORTEST_LEARNT)))
        });
        made.clone()
    }
}

/// Whether a cookie's value can hold it: nothing that ends the cookie or the header.
pub fn is_value(text: &str) -> bool {
    !text.contains(|c: char| c == ';' || c.is_control())
}

/// Adds a pair to the value of a `cookie` header.
pub fn push_pair(header: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    if !header.is_empty() {
        header.extend_from_slice(b"; ");
    }
    header.extend_from_slice(name);
    header.push(b'=');
    header.extend_from_slice(value);
}

/// Two values of a `cookie` header as one; of a name that both have only the first's.
pub fn join(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut joined = first.to_vec();
    let more = second.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    for pair in more.filter(|pair| !pair.is_empty() && !has_name(first, name_of(pair))) {
        if !joined.is_empty() {
            joined.extend_from_slice(b"; ");
        }
        joined.extend_from_slice(pair);
    }
    joined
}

fn has_name(header: &[u8], name: &[u8]) -> bool {
    header.split(|byte| *byte == b';').any(|pair| name_of(pair) == name)
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

/// Whether a host is `domain` or, unless only that counts, below it (RFC 6265, section 5.1.3).
fn is_in_domain(host: &str, domain: &str, only_itself: bool) -> bool {
    host.eq_ignore_ascii_case(domain) || !only_itself && is_below_domain(host, domain)
}

fn is_below_domain(host: &str, domain: &str) -> bool {
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    let ends = host.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(domain));
    ends && host[..start].ends_with('.') && !is_address(host)
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

/// Whether a path is `folder` or below it (RFC 6265, section 5.1.4).
fn is_below(path: &str, folder: &str) -> bool {
    let Some(rest) = path.strip_prefix(folder) else { return false };
    rest.is_empty() || folder.ends_with('/') || rest.starts_with('/')
}

/// Whether a host is this machine, as browsers take it: `localhost`, names below it, and loopback addresses.
pub fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => is_in_domain(host, "localhost", false),
    }
}
