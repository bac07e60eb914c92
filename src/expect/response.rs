//! A response as expressions see it, filled in only as far as one asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use minijinja::Value;

use crate::template::{Answer, Document, Expr, JsonError, RESPONSE_NAMES, Scope, SlotId};

/// Parts of a response, one bit each, in the order of [`RESPONSE_NAMES`]; and one for JSON of which more is needed than
/// single paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs(u8);

impl Needs {
    /// Only the status.
    pub const STATUS: Self = Self(1);
    const BODY: u8 = 1 << 2;
    const JSON: u8 = 1 << 3;
    const WHOLE_JSON: u8 = 1 << 7;

    /// What an expression needs: of a JSON document a path alone, where that is all it asks.
    pub fn of_expression(expr: &Expr) -> Self {
        let needs = Self::of(&expr.names());
        if expr.asks_one_path_of(RESPONSE_NAMES[JSON_BIT as usize]) {
            return Self(needs.0 & !Self::WHOLE_JSON);
        }
        needs
    }

    /// The parts named among `names` (dotted).
    pub fn of(names: &BTreeSet<String>) -> Self {
        let root = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let roots: BTreeSet<_> = names.iter().map(|name| root(name)).collect();
        let bits = RESPONSE_NAMES.iter().enumerate().filter(|(_, name)| roots.contains(**name));
        let all = bits.fold(0, |all, (bit, _)| all | 1 << bit);
        Self(if all & Self::JSON == 0 { all } else { all | Self::WHOLE_JSON })
    }

    /// Those that the other does not have.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those that may take much memory.
    #[must_use]
    pub fn large(self) -> Self {
        Self(self.0 & Self::all_large().0)
    }

    /// All that may take much memory.
    pub fn all_large() -> Self {
        Self(Self::BODY | Self::JSON | Self::WHOLE_JSON)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Lets go of these parts of the last answer.
    pub fn release(self, scope: &Scope) {
        let bits = (0..RESPONSE_NAMES.len() as u16).filter(|bit| self.0 & (1 << bit) != 0);
        bits.for_each(|bit| scope.set(SlotId(bit), Value::UNDEFINED));
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, bit: u16) -> bool {
        self.0 & (1 << bit) != 0
    }

    /// Whether the body must be kept.
    pub fn keeps_body(self) -> bool {
        self.0 & (Self::BODY | Self::JSON) != 0
    }
}

/// The place of `json` in [`RESPONSE_NAMES`].
const JSON_BIT: u16 = 3;

/// Why a part of a response cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// The body is not what is asked for (JSON, UTF-8); in words.
    Decode(String),
    /// It needs more memory than a user has for values; in words.
    TooLarge(String),
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
    limit: usize,
}

impl Response<'_> {
    /// Where the status is put.
    pub const STATUS: SlotId = SlotId(0);
}

impl<'a> Response<'a> {
    /// A response of which no expression has asked anything yet. What is made of its body takes at most `limit` bytes.
    pub fn new(
        status: u16,
        headers: &'a HeaderMap,
        (body, size): (&'a Bytes, u64),
        latency_us: u32,
        limit: usize,
    ) -> Self {
        Self { status, headers, body, size, latency_us, filled: Needs::default(), limit }
    }

    /// Puts the parts asked for into the scope, each once.
    ///
    /// # Errors
    /// When the body is not what is asked for, or too large.
    pub fn fill(&mut self, needs: Needs, scope: &Arc<Scope>) -> Result<(), Unreadable> {
        let missing = needs.without(self.filled);
        if missing.is_empty() {
            return Ok(());
        }
        for bit in (0..RESPONSE_NAMES.len() as u16).filter(|bit| missing.has(*bit)) {
            scope.set(SlotId(bit), self.part(bit, needs)?);
        }
        self.filled = self.filled.and(needs);
        Ok(())
    }

    /// Puts the parts into the scope for expressions that come later, in the least memory; those the response does not
    /// have are undefined.
    ///
    /// # Errors
    /// When they are too large.
    pub fn keep(&mut self, parts: Needs, scope: &Arc<Scope>) -> Result<(), Unreadable> {
        for bit in (0..RESPONSE_NAMES.len() as u16).filter(|bit| parts.has(*bit)) {
            // Nothing of the buffer it was read into.
            let own = Bytes::copy_from_slice(if bit == JSON_BIT { self.body } else { &[] });
            let of_own = Response { body: if bit == JSON_BIT { &own } else { self.body }, ..*self };
            match of_own.part(bit, parts) {
                Ok(value) => scope.set(SlotId(bit), value),
                Err(Unreadable::Decode(_)) => scope.set(SlotId(bit), Value::UNDEFINED),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Lets go of what was put into the scope, but for the parts that are needed later.
    pub fn release(&self, later: Needs, scope: &Arc<Scope>) {
        self.filled.without(later).large().release(scope);
    }

    /// A problem with an expression over the body.
    pub fn not_json(&self, words: &str) -> Unreadable {
        // Without the place: answers that break off at different lengths fail for one reason.
        let words = words.split(" at line ").next().unwrap_or_default();
        Unreadable::Decode(match self.body.is_empty() {
            true => "the body is empty, not JSON".into(),
            false => format!("the body is not JSON: {words}"),
        })
    }

    fn part(&self, bit: u16, needs: Needs) -> Result<Value, Unreadable> {
        Ok(match bit {
            0 => Value::from(self.status),
            1 => headers(self.headers),
            2 if self.body.len() > self.limit => return Err(self.too_large("body", self.limit)),
            2 => match std::str::from_utf8(self.body) {
                Ok(text) => Value::from(text),
                Err(_) => return Err(Unreadable::Decode("the body is not UTF-8 text".into())),
            },
            JSON_BIT if needs.0 & Needs::WHOLE_JSON == 0 => Answer::value(self.body, self.limit),
            JSON_BIT => match Document::parse(self.body, self.limit) {
                Ok(document) => document.value(),
                Err(JsonError::Syntax(words)) => return Err(self.not_json(&words)),
                Err(JsonError::TooLarge(limit)) => return Err(self.too_large("json", limit)),
            },
            4 => cookies(self.headers),
            5 => Value::from(f64::from(self.latency_us) / 1000.0),
            _ => Value::from(self.size),
        })
    }

    fn too_large(&self, name: &str, limit: usize) -> Unreadable {
        too_large(&format!("`{name}` of an answer of {} bytes", self.body.len()), limit)
    }
}

/// The words for what needs more memory than a user has for values, bytes.
pub fn too_large(what: &str, limit: usize) -> Unreadable {
    Unreadable::TooLarge(format!(
        "{what} takes more than the {limit} bytes a user has for values; ask for single paths such as `json.items[0].id`, \
         or raise `http.max_values`"
    ))
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
