//! `json.status == "done"`, `json.items | length > 0`: a path beside something fixed, which needs no machine. Must give
//! what minijinja gives.

use std::sync::Arc;

use minijinja::Value;

use super::super::json::plain_number;
use super::super::lexer::{Kind, Token, tokens};
use super::super::{EvalError, Scope};
use super::{Path, quoted};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    pub path: Path,
    /// The path as written.
    written: Box<str>,
    /// Its length is compared.
    is_length: bool,
    sign: Sign,
    other: Value,
}

#[derive(Debug, Clone, Copy)]
enum Sign {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub fn parse(text: &str) -> Option<Self> {
        let all: Vec<_> = tokens(text, 0).collect();
        let is_sign =
            |token: &Token<'_>| token.kind == Kind::Sign && matches!(token.text, "=" | "!" | "<" | ">");
        let at = all.iter().find(|token| is_sign(token))?.range.start;
        let (left, rest) = text.split_at(at);
        let signs = [
            ("==", Sign::Equal),
            ("!=", Sign::NotEqual),
            ("<=", Sign::LessOrEqual),
            (">=", Sign::GreaterOrEqual),
            ("<", Sign::Less),
            (">", Sign::Greater),
        ];
        let (sign, other) =
            signs.into_iter().find_map(|(word, sign)| Some((sign, rest.strip_prefix(word)?)))?;
        let other = literal(other.trim())?;
        let (path, is_length) = match left.split_once('|') {
            Some((path, filter)) => {
                (path.trim(), matches!(filter.trim(), "length" | "count").then_some(true)?)
            }
            None => (left.trim(), false),
        };
        Some(Self { path: Path::parse(path)?, written: path.into(), is_length, sign, other })
    }

    pub fn eval(&self, scope: &Arc<Scope>, source: &str) -> Result<Value, EvalError> {
        let mut value = self.path.eval(scope, &self.written)?;
        if value.is_undefined() {
            return Err(EvalError::Undefined(self.written.to_string()));
        }
        if self.is_length {
            let length = value.len().ok_or_else(|| EvalError::Other {
                expression: source.to_owned(),
                message: format!("cannot calculate length of value of type {}", value.kind()),
            });
            value = Value::from(length?);
        }
        let value = plain_number(&value).unwrap_or(value);
        Ok(Value::from(match self.sign {
            Sign::Equal => value == self.other,
            Sign::NotEqual => value != self.other,
            Sign::Less => value < self.other,
            Sign::LessOrEqual => value <= self.other,
            Sign::Greater => value > self.other,
            Sign::GreaterOrEqual => value >= self.other,
        }))
    }
}

/// A number, a text without escapes, or a word for what is true, false or nothing.
fn literal(text: &str) -> Option<Value> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    Some(match text {
        "true" | "True" => Value::from(true),
        "false" | "False" => Value::from(false),
        "none" | "None" => Value::from(()),
        _ if is_digits(unsigned) && unsigned.len() <= 18 => Value::from(text.parse::<i64>().ok()?),
        _ if unsigned.split_once('.').is_some_and(|(whole, part)| is_digits(whole) && is_digits(part)) => {
            Value::from(text.parse::<f64>().ok()?)
        }
        _ => Value::from(quoted(text)?),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::{Expr, Names};
    use super::*;

    #[test]
    fn what_the_machine_says_is_said_without_it() {
        let mut names = Names::default();
        let slot = names.add("doc");
        let text = r#"{"n": 3, "f": 19.90, "e": 3e0, "big": 12345678901234567890123, "s": "x", "empty": "",
            "list": [1, 2], "map": {}, "t": true, "none": null, "neg": -0}"#;
        let document = super::super::super::json::Document::parse(&bytes::Bytes::from(text), usize::MAX);
        let scope = Scope::new(Arc::new(names), &[(slot, document.unwrap().value())]);
        let paths = ["n", "f", "e", "big", "s", "empty", "list", "map", "t", "none", "neg", "gone", "gone.x"];
        let others = ["3", "-3", "19.9", "3.0", "'x'", "\"\"", "true", "none", "0", "2"];
        for path in paths {
            for filter in ["", " | length", " |count"] {
                for sign in ["==", "!=", "<", "<=", ">", ">="] {
                    for other in others {
                        let code = format!("doc.{path}{filter} {sign} {other}");
                        assert!(Comparison::parse(&code).is_some(), "{code}");
                        let quick = Expr::compile(&code).unwrap().eval(&scope);
                        let slow = Expr::compile(&format!("({code})")).unwrap().eval(&scope);
                        match (quick, slow) {
                            (Ok(quick), Ok(slow)) => assert_eq!(quick, slow, "{code}"),
                            (Err(EvalError::Undefined(quick)), Err(EvalError::Undefined(slow))) => {
                                assert_eq!(quick, slow, "{code}");
                            }
                            (Err(EvalError::Other { .. }), Err(EvalError::Other { .. })) => {}
                            (quick, slow) => panic!("{code}: {quick:?}, {slow:?}"),
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_more_than_that_is_left_to_the_machine() {
        for code in [
            "a == b",
            "a == 1 and b",
            "a + 1 == 2",
            "a == 1.5e3",
            "a == [1]",
            "f(1) == 1",
            "a === 1",
            "1 == a",
        ] {
            assert!(Comparison::parse(code).is_none(), "{code}");
        }
    }
}
