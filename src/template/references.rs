//! The files a template names: `include`, `import`, `from … import`, `extends`. Must not read them.

use std::ops::Range;

use super::SyntaxError;
use super::functions::signature::text_of;
use super::lexer::{Kind, Token, code_of, is_statement, tokens};

/// A statement that names other files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its word: `include`, `import`, `from`, `extends`.
    pub word: &'static str,
    /// The paths and where they stand; the first that exists is meant.
    pub paths: Vec<(String, Range<usize>)>,
    /// It does nothing when none exists.
    pub may_be_missing: bool,
    /// What is imported by its name, and where that stands.
    pub names: Vec<(String, Range<usize>)>,
}

impl Reference {
    /// Whether names of the file are taken, not its text.
    pub fn is_import(&self) -> bool {
        matches!(self.word, "import" | "from")
    }
}

/// Statements that name other files.
const WORDS: [&str; 4] = ["include", "import", "from", "extends"];

/// All files a template names, in its order.
///
/// # Errors
/// The first name that is not written out.
pub fn references(source: &str) -> Result<Vec<Reference>, SyntaxError> {
    let statements = code_of(source).into_iter().filter(|range| is_statement(source, range.start));
    let mut all = vec![];
    for range in statements {
        let code = &source[range.clone()];
        let Some(word) = WORDS.into_iter().find(|word| code.starts_with(word)) else { continue };
        let tokens: Vec<_> = tokens(code, range.start).collect();
        if tokens[0].text == word {
            all.push(reference(word, &tokens, range)?);
        }
    }
    Ok(all)
}

fn reference(
    word: &'static str,
    tokens: &[Token<'_>],
    whole: Range<usize>,
) -> Result<Reference, SyntaxError> {
    let ends = ["ignore", "with", "without", "as", "import"];
    let end = tokens.iter().skip(1).position(|token| ends.contains(&token.text));
    let (path, rest) = tokens[1..].split_at(end.unwrap_or(tokens.len() - 1));
    let Some(paths) = paths(path, word == "include") else {
        let range = match (path.first(), path.last()) {
            (Some(first), Some(last)) => first.range.start..last.range.end,
            _ => whole,
        };
        return Err(SyntaxError {
            message: format!("`{word}` needs a path that is written out: files are read before the run"),
            range,
            help: Some(format!(
                "write for example `{{% {word} \"part.j2\"{} %}}`, and choose between files with `{{% if %}}`",
                match word {
                    "import" => " as part",
                    "from" => " import name",
                    _ => "",
                }
            )),
        });
    };
    let may_be_missing = rest.first().is_some_and(|token| token.text == "ignore")
        || rest.get(2).is_some_and(|token| token.text == "ignore");
    let names = if word == "from" { names(rest) } else { vec![] };
    Ok(Reference { word, paths, may_be_missing, names })
}

/// `"path"` or `["path", "other"]`.
fn paths(tokens: &[Token<'_>], may_be_list: bool) -> Option<Vec<(String, Range<usize>)>> {
    let path = |token: &Token<'_>| Some((text_of(token)?, token.range.clone()));
    match tokens {
        [token] if token.kind == Kind::Text => Some(vec![path(token)?]),
        [open, inner @ .., close] if may_be_list && open.text == "[" && close.text == "]" => {
            let are_separate = inner.iter().skip(1).step_by(2).all(|token| token.text == ",");
            let are_paths = inner.iter().step_by(2).all(|token| token.kind == Kind::Text);
            (are_separate && are_paths && !inner.is_empty())
                .then(|| inner.iter().step_by(2).map(path).collect())
                .flatten()
        }
        _ => None,
    }
}

/// `import a, b as c`: a and b.
fn names(tokens: &[Token<'_>]) -> Vec<(String, Range<usize>)> {
    let is_name = |index: &usize| {
        let before = tokens[index - 1].text;
        let is_context = ["with", "without", "context"].contains(&tokens[*index].text);
        tokens[*index].kind == Kind::Word && (before == "import" || before == ",") && !is_context
    };
    let named = (1..tokens.len()).filter(is_name);
    named.map(|index| (tokens[index].text.to_owned(), tokens[index].range.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_where_they_are_named() {
        let source = "{% extends 'a.j2' %}{%- include [\"b\", 'c'] ignore missing -%}\
            {% import 'd' as d %}{% from \"e\" import f, g as h with context %}\
            {# {% include 'x' %} #}{% raw %}{% include 'x' %}{% endraw %}{{ 'include' }}";
        let found: Vec<_> = references(source)
            .unwrap()
            .into_iter()
            .map(|reference| {
                for (path, range) in &reference.paths {
                    assert_eq!(&source[range.start + 1..range.end - 1], path);
                }
                let of = |all: Vec<(String, Range<usize>)>| {
                    all.into_iter().map(|(text, _)| text).collect::<Vec<_>>().join(" ")
                };
                (reference.word, of(reference.paths), reference.may_be_missing, of(reference.names))
            })
            .collect();
        let expected = [
            ("extends", "a.j2", false, ""),
            ("include", "b c", true, ""),
            ("import", "d", false, ""),
            ("from", "e", false, "f g"),
        ];
        let expected =
            expected.map(|(word, paths, missing, names)| (word, paths.to_owned(), missing, names.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn computed_paths_are_refused_where_they_stand() {
        for (source, at) in [
            ("{% include name %}", "name"),
            ("{% include 'a' ~ b %}", "'a' ~ b"),
            ("{% include ['a', b] %}", "['a', b]"),
            ("{% extends x if y else 'z' %}", "x if y else 'z'"),
            ("{% import ('a') as b %}", "('a')"),
        ] {
            let error = references(source).unwrap_err();
            assert_eq!(&source[error.range], at, "{source}");
        }
    }
}
