//! One `set-cookie` of an answer (RFC 6265, sections 5.2 and 5.3). Must not keep anything.

use super::{Cookie, Place, date, is_address, is_below_domain};

/// Most bytes of name and value together.
const MOST_BYTES: usize = 4096;
/// Most bytes of an attribute; a longer one is ignored.
const MOST_OF_ATTRIBUTE: usize = 1024;

/// What stands behind name and value; of one kind the last.
#[derive(Default)]
struct Attributes<'l> {
    max_age_s: Option<i64>,
    expires_ms: Option<u64>,
    domain: Option<&'l str>,
    path: Option<&'l str>,
    secure: bool,
}

pub(super) fn read(line: &str, place: Place<'_>, now_ms: u64) -> Option<Cookie> {
    let mut parts = line.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (trimmed(name), trimmed(value));
    if name.is_empty() || name.len() + value.len() > MOST_BYTES || line.contains(is_forbidden) {
        return None;
    }
    let mut attributes = Attributes::default();
    parts.for_each(|part| attributes.add(part));
    let (domain, host_only) = domain_of(attributes.domain, place.host)?;
    let path = attributes.path.unwrap_or_else(|| folder_of(place.path));
    Some(Cookie {
        name: name.into(),
        value: value.into(),
        domain: domain.into(),
        host_only,
        path: path.into(),
        secure: attributes.secure,
        expires_ms: attributes.expires_ms(now_ms),
    })
}

impl<'l> Attributes<'l> {
    fn add(&mut self, part: &'l str) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (trimmed(name), trimmed(value));
        if value.len() > MOST_OF_ATTRIBUTE {
            return;
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("max-age") {
            self.max_age_s = seconds(value).or(self.max_age_s);
        } else if is("expires") {
            self.expires_ms = date::read(value).or(self.expires_ms);
        } else if is("domain") {
            let domain = value.strip_prefix('.').unwrap_or(value);
            self.domain = Some(domain).filter(|domain| !domain.is_empty());
        } else if is("path") {
            self.path = Some(value).filter(|path| path.starts_with('/'));
        } else if is("secure") {
            self.secure = true;
        }
    }

    /// `max-age` counts before `expires`.
    fn expires_ms(&self, now_ms: u64) -> Option<u64> {
        match self.max_age_s.map(u64::try_from) {
            Some(Ok(seconds @ 1..)) => Some(now_ms.saturating_add(seconds.saturating_mul(1000))),
            Some(_) => Some(0),
            None => self.expires_ms,
        }
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_forbidden(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

/// Digits, maybe after a `-`; as many as one likes.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX }))
}

/// The domain of a cookie in lower case, and whether it is for that host alone; `None` when the host may not set it. There is
/// no list of public suffixes here: a name without a dot, such as `com`, is taken for one.
fn domain_of(written: Option<&str>, host: &str) -> Option<(String, bool)> {
    let host = host.to_ascii_lowercase();
    let Some(domain) = written.map(str::to_ascii_lowercase) else { return Some((host, true)) };
    if domain == host {
        let host_only = is_address(&host) || !host.contains('.');
        return Some((host, host_only));
    }
    (domain.contains('.') && is_below_domain(&host, &domain)).then_some((domain, false))
}

/// The path of a cookie that says none (RFC 6265, section 5.1.4).
fn folder_of(path: &str) -> &str {
    match path.rfind('/') {
        Some(at @ 1..) if path.starts_with('/') => &path[..at],
        _ => "/",
    }
}
