//! Where in an expression or a text a name stands, for messages. Must not know what a name means.

use std::ops::Range;

use super::functions::signature::text_of;
use super::lexer::{Kind, Token, code_of, tokens};

/// Where a dotted name stands in an expression, or its first part when it is written in another way.
pub fn name_in_expression(code: &str, dotted: &str) -> Option<Range<usize>> {
    name_among(&tokens(code, 0).collect::<Vec<_>>(), dotted)
}

/// As [`name_in_expression`], for all the code of a text with `{{ }}` and `{% %}`.
pub fn name_in_template(source: &str, dotted: &str) -> Option<Range<usize>> {
    let all = code_of(source).into_iter().flat_map(|at| tokens(&source[at.clone()], at.start));
    name_among(&all.collect::<Vec<_>>(), dotted)
}

/// The paths that `file("…")` names in an expression, and where they stand.
pub fn files_in_expression(code: &str) -> Vec<(String, Range<usize>)> {
    files_among(&tokens(code, 0).collect::<Vec<_>>())
}

/// As [`files_in_expression`], for all the code of a text with `{{ }}` and `{% %}`.
pub fn files_in_template(source: &str) -> Vec<(String, Range<usize>)> {
    let all = code_of(source).into_iter().flat_map(|at| tokens(&source[at.clone()], at.start));
    files_among(&all.collect::<Vec<_>>())
}

/// Every use of a name in an expression, with the part of it that is written out (`name.PART`, `name["PART"]`) if any; also
/// where a statement gives the name another meaning, which the list of a text's names passes over.
pub fn uses_in_expression(code: &str, name: &str) -> Vec<(Option<String>, Range<usize>)> {
    uses_among(&tokens(code, 0).collect::<Vec<_>>(), name)
}

/// As [`uses_in_expression`], for all the code of a text with `{{ }}` and `{% %}`.
pub fn uses_in_template(source: &str, name: &str) -> Vec<(Option<String>, Range<usize>)> {
    let all = code_of(source).into_iter();
    all.flat_map(|at| uses_among(&tokens(&source[at.clone()], at.start).collect::<Vec<_>>(), name)).collect()
}

fn uses_among(tokens: &[Token<'_>], name: &str) -> Vec<(Option<String>, Range<usize>)> {
    let is_use = |(index, token): &(usize, &Token<'_>)| {
        token.kind == Kind::Word && token.text == name && (*index == 0 || tokens[index - 1].text != ".")
    };
    let uses = tokens.iter().enumerate().filter(is_use).map(|(index, token)| match &tokens[index + 1..] {
        [dot, part, ..] if dot.text == "." && part.kind == Kind::Word => {
            (Some(part.text.to_owned()), token.range.start..part.range.end)
        }
        [open, part, close, ..] if open.text == "[" && part.kind == Kind::Text && close.text == "]" => {
            (text_of(part), token.range.start..close.range.end)
        }
        _ => (None, token.range.clone()),
    });
    uses.collect()
}

fn files_among(tokens: &[Token<'_>]) -> Vec<(String, Range<usize>)> {
    let calls = tokens.windows(3).enumerate().filter(|(index, window)| {
        let is_part = *index > 0 && matches!(tokens[index - 1].text, "." | "|");
        window[0].text == "file" && window[1].text == "(" && window[2].kind == Kind::Text && !is_part
    });
    calls.filter_map(|(_, window)| Some((text_of(&window[2])?, window[2].range.clone()))).collect()
}

fn name_among(tokens: &[Token<'_>], dotted: &str) -> Option<Range<usize>> {
    let wanted: Vec<_> = dotted.split('.').collect();
    let mut root = None;
    for (index, token) in tokens.iter().enumerate() {
        let is_part = index > 0 && tokens[index - 1].text == ".";
        if token.kind != Kind::Word || is_part || token.text != wanted[0] {
            continue;
        }
        let parts = tokens[index..].iter().step_by(2).map(|token| token.text);
        let dots = tokens[index..].iter().skip(1).step_by(2).map(|token| token.text);
        let matches = parts.take(wanted.len()).eq(wanted.iter().copied())
            && dots.take(wanted.len() - 1).all(|dot| dot == ".");
        if let (true, Some(last)) = (matches, tokens.get(index + 2 * (wanted.len() - 1))) {
            return Some(token.range.start..last.range.end);
        }
        root.get_or_insert(token.range.clone());
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_use_of_a_name() {
        let source = "env {{ env.A ~ x.env ~ 'env' }}{# env #}{{ env [ 'B' ] }}{% with env = env %}{{ env|list }}{{ env['C' ~ 1] }}";
        let all: Vec<_> = uses_in_template(source, "env").into_iter().map(|(part, _)| part).collect();
        let part = |name: &str| Some(name.to_owned());
        assert_eq!(all, [part("A"), part("B"), None, None, None, None]);
        assert_eq!(uses_in_expression("a == env.B", "env"), [(part("B"), 5..10)]);
    }

    #[test]
    fn names_are_placed_as_words() {
        let source = "/ids/{{ id }}/{{ 'i' ~ i }}/{{ a.ids }}/{{ ids.x }}";
        for (name, at) in [("i", 23), ("ids.x", 43), ("ids.y", 43), ("id", 8)] {
            assert_eq!(name_in_template(source, name).map(|range| range.start), Some(at), "{name}");
        }
        assert_eq!(name_in_template(source, "x"), None);
    }
}
