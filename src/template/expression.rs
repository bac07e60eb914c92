//! One expression: a plain path (`json[0].id`, `auth.token`) looked up directly, one that is compared with something
//! fixed, or anything else compiled by minijinja.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use minijinja::value::ValueKind;
use minijinja::{Expression, Value};

use super::functions::weight;
use super::guard::{RESERVED, Woven};
use super::json::{Answer, JsonError, Key, can_find};
use super::lexer::{Kind, tokens};
use super::{ENVIRONMENT, EvalError, FUNCTIONS, Scope, flat, words};

mod comparison;

use comparison::Comparison;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Expr {
    source: Arc<str>,
    code: Code,
}

#[derive(Debug, Clone)]
enum Code {
    Path(Path),
    Comparison(Box<Comparison>),
    Full(Arc<Expression<'static, 'static>>),
}

/// A name with parts.
#[derive(Debug, Clone)]
struct Path {
    root: Box<str>,
    keys: Box<[Key]>,
}

/// An expression that does not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprError {
    /// What is wrong.
    pub message: String,
    /// Bytes of the expression's text it is about, when known.
    pub range: Option<Range<usize>>,
    /// What to write instead, when that is clear.
    pub help: Option<String>,
}

/// Two expressions are equal when their texts are.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Expr {
    /// Compiles an expression (without `{{ }}`).
    ///
    /// # Errors
    /// When it is not an expression, or names a filter, test or function there is not.
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        let text: Arc<str> = source.trim().into();
        if let Some(path) = Path::parse(&text) {
            return Ok(Self { source: text, code: Code::Path(path) });
        }
        if let Some(comparison) = Comparison::parse(&text) {
            return Ok(Self { source: text, code: Code::Comparison(Box::new(comparison)) });
        }
        words::check_size(&text)?;
        let compiled = ENVIRONMENT.compile_expression_owned(text.to_string()).map_err(|error| {
            let plain = || ExprError { message: explain(&error), range: error.range(), help: None };
            words::foreign_sign(&text).unwrap_or_else(plain)
        })?;
        words::check_expression(&text)?;
        let Some(woven) = Woven::expression(&text) else {
            let message = "this expression is written in a way that cannot be checked".to_owned();
            return Err(ExprError { message, range: None, help: None });
        };
        let compiled = match woven.is_guarded() {
            false => compiled,
            true => ENVIRONMENT.compile_expression_owned(woven.code).map_err(|error| ExprError {
                message: explain(&error),
                range: None,
                help: None,
            })?,
        };
        Ok(Self { source: text, code: Code::Full(Arc::new(compiled)) })
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names it needs, dotted as far as they are plain (`questions.text`, `env.HOST`), without functions.
    pub fn names(&self) -> BTreeSet<String> {
        match &self.code {
            Code::Path(path) => BTreeSet::from([path.dotted()]),
            Code::Comparison(comparison) => BTreeSet::from([comparison.path.dotted()]),
            Code::Full(expression) => expression
                .undeclared_variables(true)
                .into_iter()
                .filter(|name| !FUNCTIONS.contains(&name.as_str()) && !RESERVED.contains(&name.as_str()))
                .collect(),
        }
    }

    /// The single name this is, when it is a plain path: evaluating it cannot fail but for a missing value.
    pub fn is_path(&self) -> bool {
        matches!(self.code, Code::Path(_))
    }

    /// Of a document in `name` it asks one path at most, which can be read from the text.
    pub fn asks_one_path_of(&self, name: &str) -> bool {
        let path = match &self.code {
            Code::Path(path) => path,
            Code::Comparison(comparison) => &comparison.path,
            Code::Full(_) => return false,
        };
        *path.root != *name || can_find(&path.keys)
    }

    /// The value; undefined when the last part of a path is not there.
    ///
    /// # Errors
    /// When a name has no value, or the evaluation fails.
    pub fn eval(&self, scope: &Arc<Scope>) -> Result<Value, EvalError> {
        match &self.code {
            Code::Path(path) => path.eval(scope, &self.source),
            Code::Comparison(comparison) => comparison.eval(scope, &self.source),
            Code::Full(expression) => {
                let context = Value::from_dyn_object(scope.clone());
                expression.eval(context).map_err(|error| self.full_error(&error, scope))
            }
        }
    }

    /// The value as [`Expr::eval`], which is kept and may be written later: not too large for that.
    ///
    /// # Errors
    /// As [`Expr::eval`], and when the value is too large.
    pub fn eval_bounded(&self, scope: &Arc<Scope>) -> Result<Value, EvalError> {
        let value = self.eval(scope)?;
        if let (Code::Full(_), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) =
            (&self.code, value.kind())
        {
            let weight = weight::of(&value, weight::MOST_PARTS).map_err(|error| self.error(&error))?;
            // It may be kept and used by the next of its kind, and that by the next.
            if weight.has_views {
                return Ok(flat::without_views(&value));
            }
        }
        Ok(value)
    }

    /// The value, which must be there.
    ///
    /// # Errors
    /// As [`Expr::eval_bounded`], and when the value is undefined.
    pub fn eval_defined(&self, scope: &Arc<Scope>) -> Result<Value, EvalError> {
        let value = self.eval_bounded(scope)?;
        if value.is_undefined() { Err(EvalError::Undefined(self.source.to_string())) } else { Ok(value) }
    }

    fn full_error(&self, error: &minijinja::Error, scope: &Arc<Scope>) -> EvalError {
        if error.kind() == minijinja::ErrorKind::UndefinedError {
            let missing = missing_path(&self.source, scope);
            return EvalError::Undefined(missing.unwrap_or(&self.source).to_owned());
        }
        self.error(error)
    }

    fn error(&self, error: &minijinja::Error) -> EvalError {
        error_in(&self.source, error)
    }
}

impl Path {
    /// `name(.name | [int] | ["text"])*`, else `None`.
    fn parse(text: &str) -> Option<Self> {
        parse_path(text).map(|(root, keys)| Self { root, keys })
    }

    /// The name with the parts that are plain names.
    fn dotted(&self) -> String {
        let mut name = self.root.to_string();
        for key in &self.keys {
            let Key::Name(part) = key else { break };
            name.push('.');
            name.push_str(part);
        }
        name
    }

    fn eval(&self, scope: &Arc<Scope>, source: &str) -> Result<Value, EvalError> {
        let mut value = scope.by_name(&self.root).unwrap_or(Value::UNDEFINED);
        let mut keys = &*self.keys;
        if let Some(answer) = value.downcast_object_ref::<Answer>() {
            let followed = answer.follow(keys).map_err(|error| match error {
                JsonError::Syntax(words) => EvalError::NotJson(words),
                JsonError::TooLarge(limit) => EvalError::TooLarge(limit),
            });
            (value, keys) = followed?;
        }
        for key in keys {
            if value.is_undefined() {
                return Err(EvalError::Undefined(source.to_owned()));
            }
            value = step(&value, key).map_err(|error| error_in(source, &error))?;
        }
        Ok(value)
    }
}

fn error_in(source: &str, error: &minijinja::Error) -> EvalError {
    EvalError::Other { expression: source.to_owned(), message: explain(error) }
}

/// The first name with parts in some code that has no value.
fn missing_path<'s>(source: &'s str, scope: &Arc<Scope>) -> Option<&'s str> {
    let all: Vec<_> = tokens(source, 0).collect();
    for (index, token) in all.iter().enumerate() {
        let is_part = index > 0 && matches!(all[index - 1].text, "." | "|" | "is");
        if token.kind != Kind::Word || is_part {
            continue;
        }
        let from = token.range.start;
        let path = all[index..]
            .iter()
            .map(|token| &source[from..token.range.end])
            .take_while(|text| !text.contains(char::is_whitespace))
            .filter_map(|text| Some((text, Path::parse(text)?)))
            .last();
        if let Some((text, path)) = path
            && scope.knows(&path.root)
            && !matches!(path.eval(scope, text), Ok(value) if !value.is_undefined())
        {
            return Some(text);
        }
    }
    None
}

fn step(value: &Value, key: &Key) -> Result<Value, minijinja::Error> {
    match key {
        Key::Name(name) => value.get_attr(name),
        Key::Index(index) => value.get_item(&Value::from(*index)),
    }
}

/// minijinja's words without the location: places are ours to tell.
pub(super) fn explain(error: &minijinja::Error) -> String {
    match error.detail() {
        _ if error.kind() == minijinja::ErrorKind::OutOfFuel => {
            "this takes more than 50 000 steps, or makes or reads more than about 3 MB of text or 400 000 values"
                .to_owned()
        }
        Some(detail) => detail.to_string(),
        None => error.kind().to_string(),
    }
}

fn parse_path(text: &str) -> Option<(Box<str>, Box<[Key]>)> {
    const WORDS: [&str; 9] = ["true", "false", "none", "True", "False", "None", "not", "and", "or"];
    let (root, mut rest) = take_name(text)?;
    if WORDS.contains(&root) {
        return None;
    }
    let mut keys = vec![];
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let (name, next) = take_name(after)?;
            keys.push(Key::Name(name.into()));
            rest = next;
        } else {
            let (inside, next) = rest.strip_prefix('[')?.split_once(']')?;
            keys.push(match inside.parse::<i64>() {
                Ok(index) => Key::Index(index),
                Err(_) => Key::Name(quoted(inside)?.into()),
            });
            rest = next;
        }
    }
    Some((root.into(), keys.into()))
}

fn take_name(text: &str) -> Option<(&str, &str)> {
    let end = text
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_alphabetic() || *c == '_' || (*i > 0 && c.is_ascii_digit())))
        .map_or(text.len(), |(i, _)| i);
    (end > 0).then(|| text.split_at(end))
}

fn quoted(text: &str) -> Option<&str> {
    let inner = text
        .strip_prefix('"')
        .and_then(|t| t.strip_suffix('"'))
        .or_else(|| text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')))?;
    (!inner.contains(['"', '\'', '\\'])).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_expressions() {
        for (text, path) in [
            ("a", true),
            ("json[0].id", true),
            ("json[\"a b\"].c", true),
            ("a.b.c", true),
            ("json[-1]", true),
            ("true", false),
            ("a | length", false),
            ("a == 1", false),
            ("f()", false),
            ("1", false),
        ] {
            assert_eq!(parse_path(text).is_some(), path, "{text}");
        }
    }

    #[test]
    fn paths_and_expressions_mean_the_same() {
        let mut names = super::super::Names::default();
        let slot = names.add("doc");
        let value: Value = serde_json::from_str(r#"{"list": [{"id": 7}], "text": "x"}"#).unwrap();
        let scope = Scope::new(Arc::new(names), &[(slot, value)]);
        for (path, expression) in
            [("doc.list[0].id", "(doc.list[0].id)"), ("doc.text", "(doc.text)"), ("doc.nope", "(doc.nope)")]
        {
            let by_path = Expr::compile(path).unwrap();
            assert!(by_path.is_path());
            let by_machine = Expr::compile(expression).unwrap();
            assert!(!by_machine.is_path());
            assert_eq!(by_path.eval(&scope).unwrap(), by_machine.eval(&scope).unwrap(), "{path}");
        }
        let missing = Expr::compile("doc.nope.deeper").unwrap().eval_defined(&scope);
        assert_eq!(missing, Err(EvalError::Undefined("doc.nope.deeper".into())));
    }

    #[test]
    fn regex_gives_the_first_group_or_the_whole_match() {
        let mut names = super::super::Names::default();
        let (body, pattern) = (names.add("body"), names.add("pattern"));
        let scope = Scope::new(Arc::new(names), &[(body, Value::from("id=42; id=43"))]);
        let of = |expression: &str| Expr::compile(expression).unwrap().eval(&scope);
        // Twice: the second time the pattern is known.
        for _ in 0..2 {
            assert_eq!(of("body | regex('id=([0-9]+)')"), Ok(Value::from("42")));
            assert_eq!(of("body | regex('id=[0-9]+')"), Ok(Value::from("id=42")));
            assert_eq!(of("body | regex('name=') is undefined"), Ok(Value::from(true)));
        }
        // Patterns made up while running: more than are kept, each its own.
        for number in 0..200 {
            let wanted = format!("id={}", 43 - number % 2);
            scope.set(pattern, Value::from(format!("{wanted}|never {number}")));
            assert_eq!(of("body | regex(pattern)"), Ok(Value::from(wanted)));
        }
        scope.set(pattern, Value::from("(["));
        assert!(of("body | regex(pattern)").is_err());
    }
}
