//! A JSON document with `{{ … }}` in its texts: serialized when the plan is compiled, only the holes are
//! filled at run time. A lone `{{ x }}` keeps its type; inside a longer text values are escaped.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::text::Part;
use super::{EvalError, Scope, SyntaxError, Text, write_json, write_text};

/// A compiled JSON document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JsonText {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Raw(String),
    Value(super::Expr),
    Escaped(Text),
}

/// Why a text is not JSON, without the place in it: answers that break off at different lengths fail for one reason.
pub fn json_problem(error: &serde_json::Error) -> String {
    let words = error.to_string();
    words.split(" at line ").next().unwrap_or_default().to_owned()
}

impl JsonText {
    /// Appends JSON that is final.
    pub fn push_raw(&mut self, json: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Raw(text)) => text.push_str(json),
            _ => self.pieces.push(Piece::Raw(json.to_owned())),
        }
    }

    /// Appends a text value that may hold `{{ … }}`.
    ///
    /// # Errors
    /// When the text does not parse.
    pub fn push_text(&mut self, source: &str) -> Result<(), SyntaxError> {
        let text = Text::compile(source)?;
        if let Some(literal) = text.literal() {
            self.push_raw(&serde_json::Value::from(literal).to_string());
        } else if let Some(expr) = text.lone() {
            self.pieces.push(Piece::Value(expr.clone()));
        } else {
            self.push_raw("\"");
            match &text {
                Text::Parts(parts) => self.push_parts(parts),
                _ => self.pieces.push(Piece::Escaped(text)),
            }
            self.push_raw("\"");
        }
        Ok(())
    }

    fn push_parts(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Literal(text) => {
                    let mut escaped = String::new();
                    escape(text, &mut escaped);
                    self.push_raw(&escaped);
                }
                Part::Expr(expr) => {
                    self.pieces.push(Piece::Escaped(Text::Parts(Arc::from([Part::Expr(expr.clone())]))));
                }
            }
        }
    }

    /// The document, when nothing in it is computed.
    pub fn literal(&self) -> Option<&str> {
        match &*self.pieces {
            [Piece::Raw(text)] => Some(text),
            _ => None,
        }
    }

    /// The names it needs.
    pub fn names(&self) -> BTreeSet<String> {
        let of = |piece: &Piece| match piece {
            Piece::Raw(_) => BTreeSet::new(),
            Piece::Value(expr) => expr.names(),
            Piece::Escaped(text) => text.names(),
        };
        self.pieces.iter().flat_map(of).collect()
    }

    /// The document as a value.
    ///
    /// # Errors
    /// When a name has no value or an expression fails.
    pub fn value(&self, scope: &Arc<Scope>) -> Result<minijinja::Value, EvalError> {
        let mut json = String::new();
        self.render_into(scope, &mut json)?;
        serde_json::from_str(&json).map_err(|_| EvalError::Other {
            expression: "the value".into(),
            message: "cannot be kept: it is not JSON".into(),
        })
    }

    /// Appends the document.
    ///
    /// # Errors
    /// When a name has no value or an expression fails.
    pub fn render_into(&self, scope: &Arc<Scope>, out: &mut String) -> Result<(), EvalError> {
        for piece in &self.pieces {
            match piece {
                Piece::Raw(text) => out.push_str(text),
                Piece::Value(expr) => {
                    let value = expr.eval_defined(scope)?;
                    match value.as_str() {
                        Some(text) => {
                            out.push('"');
                            escape(text, out);
                            out.push('"');
                        }
                        None if value.is_integer() => write_text(&value, out),
                        None => write_json(&value, out),
                    }
                }
                Piece::Escaped(text) => {
                    let mut plain = String::new();
                    text.render_into(scope, &mut plain)?;
                    escape(&plain, out);
                }
            }
        }
        Ok(())
    }
}

/// Appends `text` as the inside of a JSON string (RFC 8259 section 7).
fn escape(text: &str, out: &mut String) {
    let mut clean_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[clean_from..at]);
        if short.is_empty() {
            use std::fmt::Write as _;
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(short);
        }
        clean_from = at + 1;
    }
    out.push_str(&text[clean_from..]);
}

#[cfg(test)]
mod tests {
    use minijinja::Value;

    use super::super::Names;
    use super::*;

    #[test]
    fn types_are_kept_and_texts_escaped() {
        let mut names = Names::default();
        let slots = [
            (names.add("n"), Value::from(5)),
            (names.add("q"), Value::from("say \"hi\"\n\u{1}")),
            (names.add("none"), Value::from(())),
        ];
        let scope = Scope::new(Arc::new(names), &slots);
        let mut json = JsonText::default();
        json.push_raw("[");
        for (i, text) in [
            "{{ n }}",
            "{{ q }}",
            "n={{ n }}, q={{ q }}",
            "a\"b",
            "{{ none }}",
            "{% if n %}{{ q }}{% endif %}",
        ]
        .iter()
        .enumerate()
        {
            if i > 0 {
                json.push_raw(",");
            }
            json.push_text(text).unwrap();
        }
        json.push_raw("]");
        let mut out = String::new();
        json.render_into(&scope, &mut out).unwrap();
        let quoted = "say \"hi\"\n\u{1}";
        let expected = serde_json::json!([5, quoted, format!("n=5, q={quoted}"), "a\"b", null, quoted]);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), expected);
    }
}
