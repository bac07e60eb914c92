//! A response as expressions see it, filled in only as far as one asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use minijinja::Value;

use crate::template::{RESPONSE_NAMES, Scope, SlotId, json_problem};

/// Parts of a response, one bit each, in the order of [`RESPONSE_NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs(u8);

impl Needs {
    /// Only the status.
    pub const STATUS: Self = Self(1);
    const BODY: u8 = 1 << 2;
    const JSON: u8 = 1 << 3;

    /// The parts named among `names` (dotted).
    pub fn of(names: &BTreeSet<String>) -> Self {
        let root = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let roots: BTreeSet<_> = names.iter().map(|name| root(name)).collect();
        let bits = RESPONSE_NAMES.iter().enumerate().filter(|(_, name)| roots.contains(**name));
        Self(bits.fold(0, |all, (bit, _)| all | 1 << bit))
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the body must be kept.
    pub fn keeps_body(self) -> bool {
        self.0 & (Self::BODY | Self::JSON) != 0
    }
}

/// One response.
#[derive(Debug)]
pub struct Response<'a> {
    /// Status code.
    pub status: u16,
    headers: &'a HeaderMap,
    body: &'a Bytes,
    size: u64,
    latency_us: u32,
    filled: Needs,
}

impl<'a> Response<'a> {
    /// A response of which no expression has asked anything yet.
    pub fn new(status: u16, headers: &'a HeaderMap, body: &'a Bytes, size: u64, latency_us: u32) -> Self {
        Self { status, headers, body, size, latency_us, filled: Needs::default() }
    }

    /// Puts the parts asked for into the scope, each once.
    ///
    /// # Errors
    /// When the body is not what is asked for (JSON, UTF-8), in words.
    pub fn fill(&mut self, needs: Needs, scope: &Arc<Scope>) -> Result<(), String> {
        let missing = needs.0 & !self.filled.0;
        for bit in (0..RESPONSE_NAMES.len() as u16).filter(|bit| missing & (1 << bit) != 0) {
            scope.set(SlotId(bit), self.part(bit)?);
        }
        self.filled = self.filled.and(needs);
        Ok(())
    }

    /// Puts the parts into the scope for expressions that come later; those the response does not have are undefined.
    pub fn keep(&mut self, parts: Needs, scope: &Arc<Scope>) {
        for bit in (0..RESPONSE_NAMES.len() as u16).filter(|bit| parts.0 & (1 << bit) != 0) {
            match self.part(bit) {
                Ok(value) => {
                    scope.set(SlotId(bit), value);
                    self.filled.0 |= 1 << bit;
                }
                Err(_) => scope.set(SlotId(bit), Value::UNDEFINED),
            }
        }
    }

    fn part(&self, bit: u16) -> Result<Value, String> {
        Ok(match bit {
            0 => Value::from(self.status),
            1 => headers(self.headers),
            2 => match std::str::from_utf8(self.body) {
                Ok(text) => Value::from(text),
                Err(_) => return Err("the body is not UTF-8 text".into()),
            },
            3 => serde_json::from_slice(self.body).map_err(|error| self.not_json(&error))?,
            4 => cookies(self.headers),
            5 => Value::from(f64::from(self.latency_us) / 1000.0),
            _ => Value::from(self.size),
        })
    }

    fn not_json(&self, error: &serde_json::Error) -> String {
        if self.body.is_empty() {
            return "the body is empty, not JSON".into();
        }
        format!("the body is not JSON: {}", json_problem(error))
    }
}

/// Name → value; several values of one name are joined as RFC 9110 section 5.3 allows.
fn headers(map: &HeaderMap) -> Value {
    let mut all = BTreeMap::<&str, String>::new();
    for (name, value) in map {
        let text = String::from_utf8_lossy(value.as_bytes());
        all.entry(name.as_str())
            .and_modify(|known| *known = format!("{known}, {text}"))
            .or_insert(text.into_owned());
    }
    Value::from(all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<BTreeMap<_, _>>())
}

/// Name → value of the cookies the response sets.
fn cookies(map: &HeaderMap) -> Value {
    let pairs = map.get_all(http::header::SET_COOKIE).iter().filter_map(|line| {
        let (name, value) = line.to_str().ok()?.split(';').next()?.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    });
    Value::from(pairs.collect::<BTreeMap<_, _>>())
}
