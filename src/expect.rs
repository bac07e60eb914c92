//! What a response must be and what is remembered of it. Decides when the plan is compiled which parts of a
//! response an expression needs; must not know connections or rows.

mod response;
mod status;

pub use response::{Needs, Response, Unreadable, too_large};
pub use status::StatusSet;

use std::sync::Arc;

use minijinja::Value;

use crate::template::{EvalError, Expr, ExprError, Names, Scope, to_text};

/// The words of [`Check::default_status`]; no plan can write them.
const DEFAULT_STATUS: &str = "status below 400";

/// One expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    source: Arc<str>,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// Decided by the status alone: no scope, no allocation.
    Status(StatusSet),
    Expr {
        whole: Expr,
        /// The left side of a comparison: what the message shows.
        seen: Option<Expr>,
        needs: Needs,
    },
}

/// Why an expectation does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// It is false; with the expression and the value seen.
    False(String),
    /// The body is not what the expression needs.
    Decode(String),
    /// What it looks at needs more memory than a user has for values.
    TooLarge(String),
    /// The expression failed, or a name in it has no value.
    Eval(String),
}

impl Check {
    /// The expectation that the status is one of a set; `source` is what messages show.
    pub fn status(source: impl Into<Arc<str>>, set: StatusSet) -> Self {
        Self { source: source.into(), test: Test::Status(set) }
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// When it is not an expression.
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        let whole = Expr::compile(source)?;
        let source: Arc<str> = source.trim().into();
        if let Some(set) = StatusSet::from_expression(&source) {
            return Ok(Self { source, test: Test::Status(set) });
        }
        let needs = Needs::of_expression(&whole);
        let seen = left_side(&source).and_then(|left| Expr::compile(left).ok());
        Ok(Self { source, test: Test::Expr { whole, seen, needs } })
    }

    /// What holds when a plan says nothing about the status: below 400.
    pub fn default_status() -> Self {
        Self::status(DEFAULT_STATUS, StatusSet::below_400())
    }

    /// Whether it is [`Check::default_status`].
    pub fn is_default(&self) -> bool {
        &*self.source == DEFAULT_STATUS
    }

    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it needs of the response.
    pub fn needs(&self) -> Needs {
        match &self.test {
            Test::Status(_) => Needs::STATUS,
            Test::Expr { needs, .. } => *needs,
        }
    }

    /// Whether it holds of an answer with this status; `None` when that depends on more than the status.
    pub fn allows(&self, status: u16) -> Option<bool> {
        match &self.test {
            Test::Status(set) => Some(set.contains(status)),
            Test::Expr { whole, needs: Needs::STATUS, .. } if whole.names().len() == 1 => {
                let scope = Scope::new(Arc::new(Names::default()), &[]);
                scope.set(Response::STATUS, Value::from(status));
                Some(whole.eval(&scope).is_ok_and(|value| value.is_true()))
            }
            Test::Expr { .. } => None,
        }
    }

    /// The names it needs.
    pub fn names(&self) -> std::collections::BTreeSet<String> {
        match &self.test {
            Test::Status(_) => ["status".to_owned()].into(),
            Test::Expr { whole, .. } => whole.names(),
        }
    }

    /// Checks a response.
    ///
    /// # Errors
    /// When it does not hold, with the words for the report. Values in them are not masked yet.
    pub fn run(&self, response: &mut Response<'_>, scope: &Arc<Scope>) -> Result<(), Unmet> {
        let (whole, seen, needs) = match &self.test {
            Test::Status(set) if set.contains(response.status) => return Ok(()),
            Test::Status(_) => {
                return Err(Unmet::False(format!("{} — got {}", self.source, response.status)));
            }
            Test::Expr { whole, seen, needs } => (whole, seen, *needs),
        };
        response.fill(needs, scope)?;
        match whole.eval(scope) {
            Ok(value) if value.is_true() => Ok(()),
            Ok(value) if value.is_undefined() => {
                Err(Unmet::False(format!("{0} — `{0}` is missing", self.source)))
            }
            Ok(value) => {
                let left = seen.as_ref().and_then(|left| left.eval(scope).ok());
                let seen = left.filter(|left| !left.is_undefined()).unwrap_or(value);
                Err(Unmet::False(format!("{} — got {}", self.source, to_text(&seen))))
            }
            Err(EvalError::Undefined(name)) => {
                Err(Unmet::False(format!("{} — `{name}` is missing", self.source)))
            }
            Err(EvalError::NotJson(words)) => Err(response.not_json(&words).into()),
            Err(EvalError::TooLarge(limit)) => Err(too_large("what it asks of the answer", limit).into()),
            Err(error) => Err(Unmet::Eval(error.to_string())),
        }
    }
}

impl From<Unreadable> for Unmet {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Decode(words) => Self::Decode(words),
            Unreadable::TooLarge(words) => Self::TooLarge(words),
        }
    }
}

/// The text left of the comparison at the top of an expression.
fn left_side(source: &str) -> Option<&str> {
    const WORDS: [&str; 2] = [" in ", " not in "];
    const SIGNS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];
    let bytes = source.as_bytes();
    let (mut depth, mut quote, mut at) = (0i32, None, 0);
    let mut found = None;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), b'\\') => at += 1,
            (Some(_), _) => {}
            (None, c @ (b'"' | b'\'')) => quote = Some(c),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth -= 1,
            (None, _) if depth == 0 && source.is_char_boundary(at) => {
                let rest = &source[at..];
                if rest.starts_with(" and ") || rest.starts_with(" or ") || source.starts_with("not ") {
                    return None;
                }
                if found.is_none() && WORDS.iter().chain(&SIGNS).any(|sign| rest.starts_with(sign)) {
                    found = Some(source[..at].trim());
                }
            }
            _ => {}
        }
        at += 1;
    }
    found.filter(|left| !left.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn run(check: &str, status: u16, body: &str) -> Result<(), Unmet> {
        let mut headers = HeaderMap::new();
        headers.append("content-type", "application/json".parse().unwrap());
        headers.append("set-cookie", "sid=abc; Path=/".parse().unwrap());
        let scope = Scope::new(Arc::new(Names::default()), &[]);
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        let mut response = Response::new(status, &headers, (&body, body.len() as u64), 1500, usize::MAX);
        Check::compile(check).unwrap().run(&mut response, &scope)
    }

    #[test]
    fn expectations() {
        let body = r#"{"results": [1, 2], "name": "x", "ok": true}"#;
        for check in [
            "status == 200",
            "status in [200, 201]",
            "status < 400",
            "json.results | length > 0",
            "json.name == 'x' and json.ok",
            "headers['content-type'] == 'application/json'",
            "cookies.sid == 'abc'",
            "body | length == size",
            "latency_ms == 1.5",
            "'results' in body",
        ] {
            assert_eq!(run(check, 200, body), Ok(()), "{check}");
        }
    }

    #[test]
    fn failures_show_what_was_seen() {
        for (check, status, body, expected) in [
            ("status == 200", 503, "", Unmet::False("status == 200 — got 503".into())),
            (
                "json.results | length > 0",
                200,
                r#"{"results": []}"#,
                Unmet::False("json.results | length > 0 — got 0".into()),
            ),
            ("json.name == 'x'", 200, r#"{"name": "y"}"#, Unmet::False("json.name == 'x' — got y".into())),
            (
                "json.gone.id == 1",
                200,
                "{}",
                Unmet::False("json.gone.id == 1 — `json.gone.id` is missing".into()),
            ),
        ] {
            assert_eq!(run(check, status, body), Err(expected), "{check}");
        }
        assert!(matches!(run("json.a == 1", 200, "<html>"), Err(Unmet::Decode(_))));
    }
}
