//! A text with `{{ … }}` in it, split when the plan is compiled.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use minijinja::Value;

use super::block::{Block, FileMistake, TemplateFile};
use super::{EvalError, Expr, Scope, write_text};

/// A compiled text.
#[derive(Debug, Clone, PartialEq)]
pub enum Text {
    /// Nothing to compute.
    Literal(Arc<str>),
    /// Plain text and expressions in turn.
    Parts(Arc<[Part]>),
    /// Needs the template engine: `{% … %}`, comments or white-space control.
    Block(Block),
}

/// A piece of a [`Text`].
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// As it is.
    Literal(Box<str>),
    /// The value of an expression.
    Expr(Expr),
}

/// A text that does not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// Bytes of the text it is about.
    pub range: Range<usize>,
    /// What to write instead, when that is clear.
    pub help: Option<String>,
}

impl Text {
    /// Compiles a text.
    ///
    /// # Errors
    /// The first part that does not parse.
    pub fn compile(source: &str) -> Result<Self, SyntaxError> {
        if !source.contains("{{") && !source.contains("{%") && !source.contains("{#") {
            return Ok(Self::Literal(source.into()));
        }
        if ["{%", "{#", "{{-", "-}}", "{{+"].iter().any(|mark| source.contains(mark)) {
            return Block::inline(source).map(Self::Block);
        }
        split(source).map(|parts| Self::Parts(parts.into()))
    }

    /// Compiles files that name each other; the first is the one that is rendered. A single file that names no
    /// other is better given to [`Text::compile`].
    ///
    /// # Errors
    /// The first mistake of each file.
    pub fn compile_files(files: &[TemplateFile]) -> Result<Self, Vec<FileMistake>> {
        Block::of_files(files).map(Self::Block)
    }

    /// The names that each of its files needs; one that stands in the plan is one file.
    pub fn names_of_files(&self) -> Vec<BTreeSet<String>> {
        if let Self::Block(block) = self { block.names_of_files() } else { vec![self.names()] }
    }

    /// The whole text is one `{{ expression }}`.
    pub fn lone(&self) -> Option<&Expr> {
        match self {
            Self::Parts(parts) => match &**parts {
                [Part::Expr(expr)] => Some(expr),
                _ => None,
            },
            _ => None,
        }
    }

    /// The text, when nothing in it is computed.
    pub fn literal(&self) -> Option<&str> {
        if let Self::Literal(text) = self { Some(text) } else { None }
    }

    /// What stands between the expressions; nothing of a text with statements.
    pub fn literal_parts(&self) -> Vec<&str> {
        match self {
            Self::Literal(text) => vec![text],
            Self::Parts(parts) => parts
                .iter()
                .filter_map(|p| if let Part::Literal(text) = p { Some(&**text) } else { None })
                .collect(),
            Self::Block(_) => vec![],
        }
    }

    /// The names it needs, as [`Expr::names`].
    pub fn names(&self) -> BTreeSet<String> {
        match self {
            Self::Literal(_) => BTreeSet::new(),
            Self::Parts(parts) => parts
                .iter()
                .filter_map(|part| if let Part::Expr(expr) = part { Some(expr.names()) } else { None })
                .flatten()
                .collect(),
            Self::Block(block) => block.names(),
        }
    }

    /// Appends the text, each value passed through `write`.
    ///
    /// # Errors
    /// When a name has no value or an expression fails.
    pub fn render_with(
        &self,
        scope: &Arc<Scope>,
        out: &mut String,
        write: impl Fn(&Value, &mut String),
    ) -> Result<(), EvalError> {
        match self {
            Self::Literal(text) => out.push_str(text),
            Self::Parts(parts) => {
                for part in parts.iter() {
                    match part {
                        Part::Literal(text) => out.push_str(text),
                        Part::Expr(expr) => write(&expr.eval_defined(scope)?, out),
                    }
                }
            }
            Self::Block(block) => block.render(scope, out)?,
        }
        Ok(())
    }

    /// Appends the text.
    ///
    /// # Errors
    /// When a name has no value or an expression fails.
    pub fn render_into(&self, scope: &Arc<Scope>, out: &mut String) -> Result<(), EvalError> {
        self.render_with(scope, out, write_text)
    }

    /// The text, rendered.
    ///
    /// # Errors
    /// When a name has no value or an expression fails.
    pub fn render(&self, scope: &Arc<Scope>) -> Result<String, EvalError> {
        let mut out = String::new();
        self.render_into(scope, &mut out)?;
        Ok(out)
    }
}

fn split(source: &str) -> Result<Vec<Part>, SyntaxError> {
    let mut parts = vec![];
    let mut at = 0;
    while let Some(open) = source[at..].find("{{").map(|i| at + i) {
        if open > at {
            parts.push(Part::Literal(source[at..open].into()));
        }
        let start = open + 2;
        let Some(end) = find_close(&source[start..]).map(|i| start + i) else {
            return Err(SyntaxError {
                message: "`{{` is never closed by `}}`".into(),
                range: open..source.len(),
                help: None,
            });
        };
        parts.push(Part::Expr(compile_part(source, start..end)?));
        at = end + 2;
    }
    if at < source.len() {
        parts.push(Part::Literal(source[at..].into()));
    }
    Ok(parts)
}

fn compile_part(source: &str, range: Range<usize>) -> Result<Expr, SyntaxError> {
    let text = &source[range.clone()];
    if text.trim().is_empty() {
        let range = range.start - 2..range.end + 2;
        return Err(SyntaxError { message: "nothing between `{{` and `}}`".into(), range, help: None });
    }
    let indent = text.len() - text.trim_start().len();
    Expr::compile(text).map_err(|error| {
        let start = range.start + indent;
        let place = error.range.map_or(start..start + text.trim().len(), |r| start + r.start..start + r.end);
        SyntaxError { message: error.message, range: place, help: error.help }
    })
}

/// The `}}` that ends an expression: not one inside a quoted text or a map literal.
fn find_close(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut quote, mut depth, mut at) = (None, 0usize, 0);
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, c @ (b'"' | b'\'')) => quote = Some(c),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::Names;
    use super::*;

    fn scope() -> Arc<Scope> {
        let mut names = Names::default();
        let slots = [
            (names.add("a"), Value::from("A")),
            (names.add("n"), Value::from(5)),
            (names.add("yes"), Value::from(true)),
            (names.add("nothing"), Value::from(())),
        ];
        names.add("later");
        Scope::new(Arc::new(names), &slots)
    }

    #[test]
    fn texts_render() {
        for (source, expected) in [
            ("plain", "plain"),
            ("x{{ a }}y{{n}}", "xAy5"),
            ("{{ '}}' }}", "}}"),
            ("{{ {'k': 1}['k'] }}", "1"),
            ("{{ yes }}/{{ nothing }}", "true/null"),
            ("{% if yes %}on{% endif %}", "on"),
            ("{% for i in range(3) %}{{ i }}{% endfor %}", "012"),
            ("{{ later | default('d') }}", "d"),
            ("{{ [1, 'x'] }}", "[1,\"x\"]"),
        ] {
            assert_eq!(Text::compile(source).unwrap().render(&scope()).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_has_no_value_is_never_an_empty_text() {
        for source in ["{{ later }}", "{{ later | upper }}", "{% if yes %}{{ later }}{% endif %}"] {
            let error = Text::compile(source).unwrap().render(&scope()).unwrap_err();
            assert!(
                matches!(&error, EvalError::Undefined(name) if name.contains("later")),
                "{source}: {error:?}"
            );
        }
    }

    #[test]
    fn endless_work_ends() {
        let text = Text::compile("{% for i in range(99999) %}{{ i }}{% endfor %}").unwrap();
        assert!(text.render(&scope()).is_err());
    }

    #[test]
    fn mistakes_are_placed() {
        for (source, range) in [("ab {{ a", 3..7), ("{{ }}", 0..5), ("{{ a + }}", 3..6)] {
            let error = Text::compile(source).unwrap_err();
            assert!(
                error.range.start >= range.start && error.range.end <= range.end + 1,
                "{source}: {error:?}"
            );
        }
    }
}
