//! GraphQL documents: enough of their form to tell a misspelt operation before the first request. Must not judge
//! fields or types; the target does.

/// What is wrong with a document, and what to do.
#[derive(Debug, PartialEq)]
pub(super) struct Mistake {
    pub message: String,
    pub help: String,
}

fn mistake(message: impl Into<String>, help: impl Into<String>) -> Option<Mistake> {
    Some(Mistake { message: message.into(), help: help.into() })
}

/// The mistake of a document of which `operation` is to run.
pub(super) fn mistake_in(document: &str, operation: Option<&str>) -> Option<Mistake> {
    let words = words_of(document);
    let count = |sign: &str| words.iter().filter(|word| **word == sign).count();
    if words.is_empty() {
        return mistake("the GraphQL document is empty", "write for example `query: \"{ me { id } }\"`");
    }
    let (open, closed) = (count("{"), count("}"));
    if open != closed {
        let message = format!("the GraphQL document opens {open} braces and closes {closed}");
        return mistake(message, "each `{` needs its `}`");
    }
    let (names, unnamed) = operations(&words);
    let Some(wanted) = operation else {
        let several = names.len() + unnamed > 1;
        let help = match names.first() {
            Some(first) => format!("write for example `operation: {first}`"),
            None => "keep one of them, or name them and say which with `operation:`".to_owned(),
        };
        return several
            .then(|| mistake("the GraphQL document holds several operations; which one is to run?", help))
            .flatten();
    };
    if names.contains(&wanted) {
        return None;
    }
    let help = match (crate::diagnostic::nearest(wanted, names.iter().copied()), names.as_slice()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => format!("name it, as in `query {wanted} {{ … }}`, or remove `operation`"),
        (None, names) => format!("it holds `{}`", names.join("`, `")),
    };
    mistake(format!("the GraphQL document has no operation `{wanted}`"), help)
}

/// Names of the operations, and how many have none.
fn operations<'a>(words: &[&'a str]) -> (Vec<&'a str>, usize) {
    let (mut names, mut unnamed, mut depth) = (vec![], 0, 0_usize);
    // A definition begins where the one before has ended.
    let mut begins = true;
    for (index, word) in words.iter().enumerate() {
        match *word {
            "query" | "mutation" | "subscription" if begins => match words.get(index + 1) {
                Some(name) if name.starts_with(is_name) => names.push(*name),
                _ => unnamed += 1,
            },
            "{" if begins => unnamed += 1,
            _ => {}
        }
        match *word {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        begins = *word == "}" && depth == 0;
    }
    (names, unnamed)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Names and signs of a document, without comments and texts.
fn words_of(document: &str) -> Vec<&str> {
    let (mut words, mut rest) = (vec![], document);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' => text_length(rest),
            c if is_name(c) => rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        if !(first == '#' || first == '"' || first.is_whitespace()) {
            words.push(word);
        }
        rest = after;
    }
    words
}

/// Bytes of the text at the start, with its quotes.
fn text_length(rest: &str) -> usize {
    if let Some(block) = rest.strip_prefix("\"\"\"") {
        return block.find("\"\"\"").map_or(rest.len(), |end| end + 6);
    }
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' | '\n' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_found() {
        let two = "query A($x: In = {a: 1}) { a(s: \"}\") } # }\nmutation B { b } fragment F on T { c }";
        for (document, operation, wanted) in [
            ("{ me { id } }", None, None),
            ("query A { query }", None, None),
            ("query { a }", None, None),
            (two, Some("B"), None),
            (two, Some("C"), Some("the GraphQL document has no operation `C`")),
            (two, None, Some("the GraphQL document holds several operations; which one is to run?")),
            (
                "{ a } { b }",
                None,
                Some("the GraphQL document holds several operations; which one is to run?"),
            ),
            ("{ me { id }", None, Some("the GraphQL document opens 2 braces and closes 1")),
            ("\"\"\"{\"\"\" { a }", None, None),
            (" # nothing\n", None, Some("the GraphQL document is empty")),
        ] {
            let found = mistake_in(document, operation).map(|found| found.message);
            assert_eq!(found.as_deref(), wanted, "{document}");
        }
        assert_eq!(
            mistake_in("query GetUser { a }", Some("GetUsr")).unwrap().help,
            "did you mean `GetUser`?"
        );
    }
}
