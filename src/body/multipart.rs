//! Bodies of several parts (RFC 7578): heads, contents and a boundary that stands in none of them. Must not read
//! any file.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

use crate::template::{EvalError, JsonText, Scope, Text, random_letters};

/// Every boundary begins so.
const PREFIX: &str = "plimsoll-";
/// Random letters of a boundary: about 124 bits.
const RANDOM_LETTERS: usize = 24;

/// A body of several parts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Multipart(pub Vec<Part>);

/// One part.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its field's name.
    pub name: String,
    /// Name of its file.
    pub filename: Option<Text>,
    /// Its media type.
    pub content_type: Option<Text>,
    /// What it holds.
    pub content: Content,
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A text.
    Text(Text),
    /// A JSON document with holes.
    Json(JsonText),
    /// A file as it is.
    File(File),
}

/// Bytes that are sent as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    bytes: Bytes,
    /// Whether a boundary might stand in it. Known in advance: a large file is not searched for each request.
    may_hold_boundary: bool,
}

impl From<Bytes> for File {
    fn from(bytes: Bytes) -> Self {
        Self { may_hold_boundary: holds(&bytes, PREFIX.as_bytes()), bytes }
    }
}

/// A part whose values are known.
struct Rendered<'a> {
    head: String,
    content: Cow<'a, [u8]>,
    may_hold_boundary: bool,
}

impl Multipart {
    /// The names it needs.
    pub fn names(&self) -> BTreeSet<String> {
        self.0.iter().flat_map(Part::names).collect()
    }

    /// The body and its type, when nothing in it is computed.
    pub fn literal(&self) -> Option<(Bytes, HeaderValue)> {
        let parts = self.0.iter().map(Part::literal).collect::<Option<Vec<_>>>()?;
        // Any boundary will do that stands in no part; the same plan has the same one each time.
        let mut numbers = 0u64..;
        let body = assemble(&parts, || {
            format!("{PREFIX}{:0width$}", numbers.next().unwrap_or_default(), width = RANDOM_LETTERS)
        });
        let content_type = content_type_of(&body)?;
        Some((body, content_type))
    }

    /// The bytes to send, with a boundary of the user's own generator.
    ///
    /// # Errors
    /// When a name has no value, an expression fails, or a media type is none.
    pub fn render(&self, scope: &Arc<Scope>) -> Result<Bytes, EvalError> {
        let parts = self.0.iter().map(|part| part.render(scope)).collect::<Result<Vec<_>, _>>()?;
        Ok(assemble(&parts, || format!("{PREFIX}{}", random_letters(RANDOM_LETTERS))))
    }
}

/// The `content-type` of a rendered body, which names the boundary it begins with.
pub fn content_type_of(body: &[u8]) -> Option<HeaderValue> {
    let end = body.iter().position(|byte| *byte == b'\r')?;
    let boundary = std::str::from_utf8(body.get(2..end)?).ok()?;
    HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")).ok()
}

fn assemble(parts: &[Rendered<'_>], mut draw: impl FnMut() -> String) -> Bytes {
    let is_inside = |boundary: &str| {
        let mut suspects = parts.iter().filter(|part| part.may_hold_boundary);
        suspects.any(|part| holds(&part.content, boundary.as_bytes()))
    };
    let mut boundary = draw();
    // A target has seen earlier boundaries and may give back what it thinks comes next.
    while is_inside(&boundary) {
        boundary = draw();
    }
    let around = boundary.len() + "--\r\n\r\n\r\n".len();
    let length: usize = parts.iter().map(|part| part.head.len() + part.content.len() + around).sum();
    let mut out = Vec::with_capacity(length + around);
    for part in parts {
        for piece in ["--", &boundary, "\r\n", &part.head, "\r\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
        out.extend_from_slice(&part.content);
        out.extend_from_slice(b"\r\n");
    }
    for piece in ["--", &boundary, "--\r\n"] {
        out.extend_from_slice(piece.as_bytes());
    }
    Bytes::from(out)
}

fn holds(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|found| found == wanted)
}

impl Part {
    fn names(&self) -> BTreeSet<String> {
        let mut names = match &self.content {
            Content::Text(text) => text.names(),
            Content::Json(json) => json.names(),
            Content::File(_) => BTreeSet::new(),
        };
        names.extend(self.filename.iter().chain(&self.content_type).flat_map(Text::names));
        names
    }

    fn literal(&self) -> Option<Rendered<'_>> {
        let known = |text: &Option<Text>| match text {
            Some(text) => text.literal().map(|text| Some(text.to_owned())),
            None => Some(None),
        };
        let content = match &self.content {
            Content::Text(text) => text.literal()?.as_bytes(),
            Content::Json(json) => json.literal()?.as_bytes(),
            Content::File(file) => &file.bytes,
        };
        let head = self.head(known(&self.filename)?.as_deref(), known(&self.content_type)?.as_deref());
        Some(Rendered { head, content: Cow::Borrowed(content), may_hold_boundary: true })
    }

    fn render(&self, scope: &Arc<Scope>) -> Result<Rendered<'_>, EvalError> {
        let known = |text: &Option<Text>| text.as_ref().map(|text| text.render(scope)).transpose();
        let (filename, content_type) = (known(&self.filename)?, known(&self.content_type)?);
        if content_type.as_ref().is_some_and(|kind| !is_media_type(kind)) {
            return Err(EvalError::Other {
                expression: format!("content_type of {}", self.name),
                message: "its value is no media type".into(),
            });
        }
        let head = self.head(filename.as_deref(), content_type.as_deref());
        let mut out = String::new();
        match &self.content {
            Content::Text(text) => text.render_into(scope, &mut out)?,
            Content::Json(json) => json.render_into(scope, &mut out)?,
            Content::File(File { bytes, may_hold_boundary }) => {
                let (content, may_hold_boundary) = (Cow::Borrowed(&**bytes), *may_hold_boundary);
                return Ok(Rendered { head, content, may_hold_boundary });
            }
        }
        Ok(Rendered { head, content: Cow::Owned(out.into_bytes()), may_hold_boundary: true })
    }

    /// The lines before its content, each with its end.
    fn head(&self, filename: Option<&str>, content_type: Option<&str>) -> String {
        let mut head = String::from("content-disposition: form-data; name=\"");
        push_quoted(&self.name, &mut head);
        if let Some(filename) = filename {
            head.push_str("\"; filename=\"");
            push_quoted(filename, &mut head);
        }
        head.push_str("\"\r\n");
        if let Some(content_type) = content_type {
            head.push_str("content-type: ");
            head.push_str(content_type);
            head.push_str("\r\n");
        }
        head
    }
}

/// Appends a name as it stands between quotes: as browsers do, what could end it or its line is percent-encoded.
fn push_quoted(text: &str, out: &mut String) {
    for c in text.chars() {
        if c == '"' || c.is_ascii_control() {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
}

/// Whether a text can be the value of `content-type`: `type/subtype`, maybe with parameters, on one line.
pub fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let is_word = |part: &str| {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+*".contains(c);
        !part.is_empty() && part.chars().all(is_letter)
    };
    let is_kind = essence.split_once('/').is_some_and(|(kind, sub)| is_word(kind) && is_word(sub));
    is_kind && text.chars().all(|c| (' '..='~').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> Part {
        let content = Content::Text(Text::Literal(value.into()));
        Part { name: name.into(), filename: None, content_type: None, content }
    }

    #[test]
    fn a_boundary_never_stands_in_a_part() {
        let mut guesses = ["plimsoll-a", "plimsoll-b", "plimsoll-c"].into_iter().map(str::to_owned);
        let parts = [field("a", "x\r\n--plimsoll-a--\r\n"), field("b", "plimsoll-b")];
        let rendered: Vec<_> = parts.iter().map(|part| part.literal().unwrap()).collect();
        let body = assemble(&rendered, || guesses.next().unwrap());
        assert_eq!(content_type_of(&body).unwrap(), "multipart/form-data; boundary=plimsoll-c");
        let file = |bytes: &'static [u8]| File::from(Bytes::from_static(bytes)).may_hold_boundary;
        assert!(file(b"\x00plimsoll-\xff") && !file(b"plimsol-") && !file(b""));
    }

    #[test]
    fn a_body_that_is_known_is_the_same_each_time() {
        let body = Multipart(vec![field("a", "1"), field("q\"\r\n", "2")]);
        let (bytes, kind) = body.literal().unwrap();
        let boundary = kind.to_str().unwrap().rsplit_once('=').unwrap().1;
        let wanted = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--{boundary}\r\n\
             content-disposition: form-data; name=\"q%22%0D%0A\"\r\n\r\n2\r\n--{boundary}--\r\n"
        );
        assert_eq!(bytes, wanted);
        assert_eq!(body.literal().unwrap().0, bytes);
    }

    #[test]
    fn media_types() {
        for (text, is_one) in [
            ("image/png", true),
            ("text/plain; charset=utf-8", true),
            ("application/vnd.api+json", true),
            ("png", false),
            ("image/", false),
            ("image/png\r\nx: y", false),
            ("ímage/png", false),
            ("", false),
        ] {
            assert_eq!(is_media_type(text), is_one, "{text}");
        }
    }
}
