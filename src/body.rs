//! Request bodies: what is static is one `Bytes`, the rest is rendered per request. Must not know targets.

pub mod multipart;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method};
use minijinja::value::ValueKind;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::template::{EvalError, JsonText, Scope, Text, to_text, write_text};

/// Everything but RFC 3986's unreserved characters is encoded in forms and query strings.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

use multipart::Multipart;

/// A request body.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// None.
    Empty,
    /// The same every time.
    Static(Bytes),
    /// A JSON document with holes.
    Json(JsonText),
    /// A text.
    Text(Text),
    /// A form, or pairs of a query string.
    Pairs(Pairs),
    /// Several parts.
    Multipart(Multipart),
}

/// Names and values, URL-encoded when rendered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pairs(pub Vec<(Text, Text)>);

impl Body {
    /// The body with what is already known made static.
    #[must_use]
    pub fn settled(self) -> Self {
        let fixed = match &self {
            Self::Json(json) => json.literal().map(str::to_owned),
            Self::Text(text) => text.literal().map(str::to_owned),
            Self::Pairs(pairs) => pairs.literal(),
            Self::Empty | Self::Static(_) | Self::Multipart(_) => None,
        };
        fixed.map_or(self, |text| Self::Static(Bytes::from(text)))
    }

    /// The names it needs.
    pub fn names(&self) -> BTreeSet<String> {
        match self {
            Self::Empty | Self::Static(_) => BTreeSet::new(),
            Self::Json(json) => json.names(),
            Self::Text(text) => text.names(),
            Self::Pairs(pairs) => pairs.names(),
            Self::Multipart(parts) => parts.names(),
        }
    }

    /// Whether it never has a byte.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty) || matches!(self, Self::Static(bytes) if bytes.is_empty())
    }

    /// Whether its bytes are the same every time.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Empty | Self::Static(_))
    }

    /// The `content-type` of the bytes it rendered to, where that is another each time.
    pub fn content_type(&self, rendered: &[u8]) -> Option<HeaderValue> {
        if let Self::Multipart(_) = self { multipart::content_type_of(rendered) } else { None }
    }

    /// The bytes to send.
    ///
    /// # Errors
    /// When a name has no value or an expression fails.
    pub fn render(&self, scope: &Arc<Scope>) -> Result<Bytes, EvalError> {
        let mut out = String::new();
        match self {
            Self::Empty => return Ok(Bytes::new()),
            Self::Static(bytes) => return Ok(bytes.clone()),
            Self::Json(json) => json.render_into(scope, &mut out)?,
            Self::Text(text) => text.render_into(scope, &mut out)?,
            Self::Pairs(pairs) => pairs.render_into(scope, "", &mut out)?,
            Self::Multipart(parts) => return parts.render(scope),
        }
        Ok(Bytes::from(out))
    }
}

impl Pairs {
    /// The encoded pairs, when nothing in them is computed.
    pub fn literal(&self) -> Option<String> {
        let mut out = String::new();
        for (name, value) in &self.0 {
            push_pair(name.literal()?, value.literal()?, &mut out);
        }
        Some(out)
    }

    /// The names they need.
    pub fn names(&self) -> BTreeSet<String> {
        self.0.iter().flat_map(|(name, value)| name.names().into_iter().chain(value.names())).collect()
    }

    /// Appends `name=value&…`; a value that is one lone list is repeated. Without any pair `out` stays as it is,
    /// else they follow `before`.
    ///
    /// # Errors
    /// When a name has no value or an expression fails.
    pub fn render_into(&self, scope: &Arc<Scope>, before: &str, out: &mut String) -> Result<(), EvalError> {
        let mut separator = before;
        let mut push = |name: &str, value: &str| {
            out.push_str(std::mem::replace(&mut separator, "&"));
            out.extend(utf8_percent_encode(name, ENCODED));
            out.push('=');
            out.extend(utf8_percent_encode(value, ENCODED));
        };
        for (name, value) in &self.0 {
            let name = name.render(scope)?;
            let Some(lone) = value.lone() else {
                push(&name, &value.render(scope)?);
                continue;
            };
            let value = lone.eval_defined(scope)?;
            match value.try_iter() {
                Ok(items) if value.kind() == ValueKind::Seq => {
                    items.for_each(|item| push(&name, &to_text(&item)));
                }
                _ => push(&name, &to_text(&value)),
            }
        }
        Ok(())
    }
}

/// What a request without a body says of its length, where its method [`expects_body`].
pub const NO_LENGTH: HeaderValue = HeaderValue::from_static("0");

/// Whether a request of this method says how long its body is even when it has none (RFC 9110, section 8.6): servers
/// refuse it else.
pub fn expects_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// Appends `name=value`, URL-encoded, after a `&` where something stands already.
pub fn push_pair(name: &str, value: &str, out: &mut String) {
    if !out.is_empty() {
        out.push('&');
    }
    out.extend(utf8_percent_encode(name, ENCODED));
    out.push('=');
    out.extend(utf8_percent_encode(value, ENCODED));
}

/// What a URL cannot hold as it is. `/`, `?`, `&`, `=` and `%` pass: a value may be a whole path.
pub const NOT_IN_URL: &AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'#');

/// Appends a rendered URL path; values are encoded as far as a URL demands, so that no value can end the
/// request line.
///
/// # Errors
/// When a name has no value or an expression fails.
pub fn render_path(path: &Text, scope: &Arc<Scope>, out: &mut String) -> Result<(), EvalError> {
    path.render_with(scope, out, |value, out| match value.as_str() {
        Some(text) => out.extend(utf8_percent_encode(text, NOT_IN_URL)),
        None if value.is_integer() => write_text(value, out),
        None => out.extend(utf8_percent_encode(&to_text(value), NOT_IN_URL)),
    })
}

/// A path and query in which other letters than those of ASCII are percent-encoded as UTF-8, as browsers send them: many
/// servers and proxies refuse a request line with others (RFC 9112, section 3.2).
pub fn in_ascii(path: String) -> String {
    if path.is_ascii() { path } else { utf8_percent_encode(&path, &AsciiSet::EMPTY).to_string() }
}

#[cfg(test)]
mod tests {
    use minijinja::Value;

    use super::*;
    use crate::template::Names;

    #[test]
    fn values_are_encoded_where_they_go() {
        let mut names = Names::default();
        let slot = names.add("v");
        let scope = Scope::new(Arc::new(names), &[(slot, Value::from("a b&c\r\nX: y/é"))]);
        let text = |s: &str| Text::compile(s).unwrap();
        let form = Body::Pairs(Pairs(vec![(text("q"), text("{{ v }}")), (text("n"), text("1 2"))]));
        assert_eq!(form.render(&scope).unwrap(), "q=a%20b%26c%0D%0AX%3A%20y%2F%C3%A9&n=1%202");
        let mut path = String::new();
        render_path(&text("/x/{{ v }}/y"), &scope, &mut path).unwrap();
        assert_eq!(path, "/x/a%20b&c%0D%0AX:%20y/%C3%A9/y");
        let list = scope.clone();
        list.set(slot, Value::from(vec!["1", "2 3"]));
        let form = Body::Pairs(Pairs(vec![(text("q"), text("{{ v }}")), (text("t"), text("is {{ v }}"))]));
        assert_eq!(form.render(&list).unwrap(), "q=1&q=2%203&t=is%20%5B%221%22%2C%222%203%22%5D");
        list.set(slot, Value::from(Vec::<Value>::new()));
        let none = Pairs(vec![(text("q"), text("{{ v }}"))]);
        let mut path = String::from("/x");
        none.render_into(&list, "?", &mut path).unwrap();
        assert_eq!(path, "/x", "no pair, no mark before it");
        let fixed = Body::Pairs(Pairs(vec![(text("a"), text("b c"))])).settled();
        assert_eq!(fixed, Body::Static(Bytes::from("a=b%20c")));
    }
}
