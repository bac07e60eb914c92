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
    fn names_are_placed_as_words() {
        let source = "/ids/{{ id }}/{{ 'i' ~ i }}/{{ a.ids }}/{{ ids.x }}";
        for (name, at) in [("i", 23), ("ids.x", 43), ("ids.y", 43), ("id", 8)] {
            assert_eq!(name_in_template(source, name).map(|range| range.start), Some(at), "{name}");
        }
        assert_eq!(name_in_template(source, "x"), None);
    }
}
