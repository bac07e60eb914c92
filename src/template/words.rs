//! The words of an expression: which filters, tests and functions it names. They are checked when the plan is
//! compiled, because minijinja looks them up only when it gets there. Must not evaluate anything of a plan.

use std::collections::BTreeSet;
use std::ops::Range;

use minijinja::ErrorKind;

use super::functions::{FILTERS as OWN_FILTERS, FUNCTIONS, signature};
use super::guard::RESERVED;
use super::lexer::{Kind, Token, code_of, is_too_large, tokens, too_large_in};
use super::{ENVIRONMENT, ExprError};
use crate::diagnostic::nearest;

/// minijinja's filters, for "did you mean"; whether there is one is asked of minijinja.
pub const OTHER_FILTERS: &str = "abs attr batch bool capitalize chain count default dictsort escape first float format \
    groupby indent int items join last length lines list lower map max min pprint reject \
    rejectattr replace reverse round safe select selectattr slice sort split string sum title \
    trim unique upper urlencode zip";
/// A few to show.
const COMMON_FILTERS: &str = "default first join length lower regex replace tojson";

/// A few to show.
const COMMON_FUNCTIONS: &str = "uuid now random_int random_choice random_string counter fake.name";

/// minijinja's tests, for "did you mean".
pub const TESTS: &str = "boolean defined divisibleby endingwith eq even false float ge gt in integer iterable le lower lt \
    mapping ne none number odd sameas sequence startingwith string true undefined upper";
/// A few to show.
const COMMON_TESTS: &str = "defined none number string sequence mapping";

/// Words before a `(` that are no calls.
const KEYWORDS: &[&str] =
    &["and", "or", "not", "in", "is", "if", "else", "elif", "call", "caller", "super", "loop"];
/// Statements that name another template.
const OTHER_FILES: &[&str] = &["include", "import", "from", "extends"];

/// Refuses what minijinja would need too much stack for.
pub(super) fn check_size(code: &str) -> Result<(), ExprError> {
    if is_too_large(code) { Err(too_large(0..code.len())) } else { Ok(()) }
}

/// As [`check_size`], for all the code of a text with `{{ }}` and `{% %}`.
pub(super) fn check_template_size(source: &str) -> Result<(), ExprError> {
    too_large_in(source).map_or(Ok(()), |range| Err(too_large(range)))
}

fn too_large(range: Range<usize>) -> ExprError {
    let help = "move a part of it to `variables`, or into a data file".to_owned();
    ExprError { message: "this expression is too large".to_owned(), range: Some(range), help: Some(help) }
}

/// The first word of an expression that nobody knows.
pub(super) fn check_expression(code: &str) -> Result<(), ExprError> {
    check(&tokens(code, 0).collect::<Vec<_>>(), &|_| false)
}

/// As [`check_expression`], for all the code of a text with `{{ }}` and `{% %}` that stands in the plan.
pub(super) fn check_template(source: &str) -> Result<(), ExprError> {
    let parts = parts(source);
    for tokens in &parts {
        if let [first, ..] = tokens.as_slice()
            && first.kind == Kind::Word
            && OTHER_FILES.contains(&first.text)
        {
            let message = format!("`{}` is not possible here", first.text);
            let help =
                "only a file can name other files: put this text into one, and name it with `template`";
            return Err(wrong(first, message, Some(help.to_owned())));
        }
    }
    let own = bound(&parts);
    check_parts(&parts, &|name| own.contains(name))
}

/// As [`check_template`], for a file; which names it has, its own too, is asked.
pub(super) fn check_file(source: &str, is_bound: &dyn Fn(&str) -> bool) -> Result<(), ExprError> {
    check_parts(&parts(source), is_bound)
}

/// The names a template may give a value to, or a macro: rather too many than too few.
pub(super) fn bound_names(source: &str) -> BTreeSet<String> {
    bound(&parts(source)).into_iter().map(str::to_owned).collect()
}

/// The macros a template has or imports. A macro may use one that stands after it.
pub(super) fn macro_names(source: &str) -> BTreeSet<String> {
    let named = parts(source).into_iter().filter_map(|tokens| match tokens.as_slice() {
        [first, name, ..] if first.text == "macro" => Some(vec![name.text]),
        [first, rest @ ..] if matches!(first.text, "import" | "from") => {
            Some(rest.iter().filter(|token| token.kind == Kind::Word).map(|token| token.text).collect())
        }
        _ => None,
    });
    named.flatten().map(str::to_owned).collect()
}

fn parts(source: &str) -> Vec<Vec<Token<'_>>> {
    let all = code_of(source).into_iter();
    all.map(|at| tokens(&source[at.clone()], at.start).collect()).collect()
}

fn bound<'t>(parts: &[Vec<Token<'t>>]) -> BTreeSet<&'t str> {
    let mut all = BTreeSet::new();
    for tokens in parts {
        let Some((first, rest)) = tokens.split_first() else { continue };
        let end =
            |signs: &[&str]| rest.iter().position(|token| signs.contains(&token.text)).unwrap_or(rest.len());
        let named = match first.text {
            "set" => &rest[..end(&["=", "|"])],
            "for" => &rest[..end(&["in"])],
            "import" => &rest[end(&["as"])..],
            "from" => &rest[end(&["import"])..],
            "with" | "macro" | "call" => rest,
            _ => continue,
        };
        all.extend(named.iter().filter(|token| token.kind == Kind::Word).map(|token| token.text));
    }
    all
}

fn check_parts(parts: &[Vec<Token<'_>>], is_bound: &dyn Fn(&str) -> bool) -> Result<(), ExprError> {
    for tokens in parts {
        if let [first, name, ..] = tokens.as_slice()
            && first.text == "filter"
            && name.kind == Kind::Word
        {
            check_filter(name)?;
        }
        check(tokens, is_bound)?;
    }
    Ok(())
}

fn check(tokens: &[Token<'_>], is_bound: &dyn Fn(&str) -> bool) -> Result<(), ExprError> {
    if let Some(pair) =
        tokens.windows(2).find(|pair| matches!((pair[0].text, pair[1].text), ("]", "*") | ("*", "[")))
    {
        // minijinja repeats a list without counting what it takes; one in a call, `f(*[1])`, is as rare.
        let message = "a list cannot be repeated with `*`".to_owned();
        return Err(wrong(&pair[0], message, Some("write it out, or make it with a `{% for %}`".to_owned())));
    }
    for (index, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Word) {
        if RESERVED.contains(&token.text) {
            let message = format!("`{}` is reserved", token.text);
            return Err(wrong(token, message, Some("choose another name".to_owned())));
        }
        let text_of = |back: usize| index.checked_sub(back).map_or("", |at| tokens[at].text);
        let after = tokens.get(index + 1).map_or("", |next| next.text);
        match text_of(1) {
            "." => {}
            "|" => {
                check_filter(token)?;
                check_call(&tokens[index..], true)?;
            }
            "is" if text_of(2) != "." && token.text != "not" => check_test(token)?,
            "not" if text_of(2) == "is" => check_test(token)?,
            before => {
                if before != "macro" && !is_bound(token.text) {
                    check_fake(&tokens[index..])?;
                    check_call(&tokens[index..], false)?;
                }
                let is_known =
                    is_bound(token.text) || [FUNCTIONS, KEYWORDS].iter().any(|l| l.contains(&token.text));
                if after == "(" && !is_known && before != "macro" {
                    let problem = unknown(token, "function", FUNCTIONS.iter().copied(), COMMON_FUNCTIONS);
                    let help = filter_instead(token.text).or_else(|| problem.help.clone());
                    return Err(ExprError { help, ..problem });
                }
            }
        }
    }
    Ok(())
}

fn check_filter(token: &Token<'_>) -> Result<(), ExprError> {
    match ENVIRONMENT.empty_state().apply_filter(token.text, &[]) {
        Err(error) if error.kind() == ErrorKind::UnknownFilter => Err(unknown(
            token,
            "filter",
            OTHER_FILTERS.split_whitespace().chain(OWN_FILTERS.iter().copied()),
            COMMON_FILTERS,
        )),
        _ => Ok(()),
    }
}

fn check_test(token: &Token<'_>) -> Result<(), ExprError> {
    match ENVIRONMENT.empty_state().perform_test(token.text, &[]) {
        Err(error) if error.kind() == ErrorKind::UnknownTest => {
            Err(unknown(token, "test", TESTS.split_whitespace(), COMMON_TESTS))
        }
        _ => Ok(()),
    }
}

/// A call whose arguments are written out.
fn check_call(tokens: &[Token<'_>], is_filter: bool) -> Result<(), ExprError> {
    if let [name, open, path, close, bar, next, ..] = tokens
        && (name.text, open.text, close.text, bar.text) == ("jsonpath", "(", ")", "|")
        && matches!(next.text, "first" | "last")
        && signature::is_single_path(path)
    {
        let message = format!("this path gives one value, and `{}` would cut a letter out of it", next.text);
        return Err(wrong(next, message, Some(format!("leave `| {}` away", next.text))));
    }
    signature::check(tokens, is_filter)
        .map_err(|mistake| wrong(&mistake.at, mistake.message, Some(mistake.help)))
}

/// How a filter that is called like a function is written.
fn filter_instead(name: &str) -> Option<String> {
    let filter = if ["len", "size"].contains(&name) { "length" } else { name };
    let is_filter =
        OWN_FILTERS.contains(&filter) || OTHER_FILTERS.split_whitespace().any(|known| known == filter);
    is_filter.then(|| match filter {
        "length" => "write `json.items | length`".to_owned(),
        _ => format!("it is a filter: write `json.name | {filter}(…)`"),
    })
}

/// `fake.name()`: whether there is one.
fn check_fake(tokens: &[Token<'_>]) -> Result<(), ExprError> {
    let [root, dot, child, open, ..] = tokens else { return Ok(()) };
    if root.text != "fake" || dot.text != "." || child.kind != Kind::Word || open.text != "(" {
        return Ok(());
    }
    let known = || FUNCTIONS.iter().filter_map(|name| name.strip_prefix("fake."));
    if known().any(|name| name == child.text) {
        return Ok(());
    }
    let help = match nearest(child.text, known()) {
        Some(near) => format!("did you mean `fake.{near}`?"),
        None => format!("there are fake.{}", known().collect::<Vec<_>>().join(", ")),
    };
    Err(wrong(child, format!("there is no `fake.{}`", child.text), Some(help)))
}

fn unknown<'a>(token: &Token<'_>, what: &str, known: impl Iterator<Item = &'a str>, some: &str) -> ExprError {
    let help = match nearest(token.text, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what}s are for example {}", some.replace(' ', ", ")),
    };
    wrong(token, format!("there is no {what} `{}`", token.text), Some(help))
}

fn wrong(token: &Token<'_>, message: String, help: Option<String>) -> ExprError {
    ExprError { message, range: Some(token.range.clone()), help }
}

/// Signs of other languages, longest first, with what is written here.
const FOREIGN: [(&str, &str); 11] = [
    ("=~", "| regex(\"…\")"),
    ("!==", "!="),
    ("===", "=="),
    ("&&", "and"),
    ("||", "or"),
    ("<>", "!="),
    ("=<", "<="),
    ("=>", ">="),
    ("$", ""),
    ("!", "not "),
    ("=", "=="),
];

/// What another language's sign means here, for an expression that does not parse.
pub(super) fn foreign_sign(code: &str) -> Option<ExprError> {
    let own = ["==", "!=", "<=", ">="];
    let mut end = 0;
    for token in tokens(code, 0).filter(|token| token.kind == Kind::Sign) {
        let at = token.range.start;
        let rest = &code[at..];
        if at < end {
            continue;
        }
        let foreign = FOREIGN.iter().find(|(sign, _)| rest.starts_with(sign));
        let is_own = own.iter().any(|sign| rest.starts_with(sign));
        match foreign {
            Some((sign, here)) if sign.len() > 2 || !is_own => {
                let range = Some(at..at + sign.len());
                let help = match *here {
                    "" => jsonpath_help(rest),
                    here => format!("write `{}`", here.trim_end()),
                };
                return Some(ExprError {
                    message: format!("`{sign}` has no meaning here"),
                    range,
                    help: Some(help),
                });
            }
            _ => end = at + if is_own { 2 } else { 1 },
        }
    }
    None
}

/// What stands here for a JSONPath, from its `$` on.
fn jsonpath_help(path: &str) -> String {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "$._[]".contains(c);
    let path = &path[..path.find(|c| !is_path(c)).unwrap_or(path.len())];
    let is_whole = path.matches('[').count() == path.matches(']').count() && !path.contains("[]");
    let is_plain = is_whole && !path.contains("..") && path[1..].starts_with(['.', '[']);
    match is_plain {
        true => format!("write `json{}`", &path[1..]),
        false if path[1..].starts_with(['.', '[']) => "write `json | jsonpath(\"$…\")`".to_owned(),
        false => "names stand here as they are, without `$`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jsonpath_gets_its_expression() {
        for (code, help) in [
            ("$.items[0].id", "write `json.items[0].id`"),
            ("$[0].a == 1", "write `json[0].a`"),
            ("$..id", "write `json | jsonpath(\"$…\")`"),
            ("$.a[*].b", "write `json | jsonpath(\"$…\")`"),
            ("$a", "names stand here as they are, without `$`"),
            ("$", "names stand here as they are, without `$`"),
            ("json.a =~ 'x'", "write `| regex(\"…\")`"),
        ] {
            assert_eq!(foreign_sign(code).unwrap().help.unwrap(), help, "{code}");
        }
    }

    #[test]
    fn unknown_words_are_found() {
        for (code, message) in [
            ("a | uper", "there is no filter `uper`"),
            ("a|lower|frobnicate(1)", "there is no filter `frobnicate`"),
            ("a is strng", "there is no test `strng`"),
            ("a is not strng", "there is no test `strng`"),
            ("uid()", "there is no function `uid`"),
            ("1 + (uid ())", "there is no function `uid`"),
            ("a | regex('([')", "not a regular expression: unclosed character class"),
        ] {
            assert_eq!(check_expression(code).unwrap_err().message, message, "{code}");
        }
        for code in [
            "a | upper",
            "a is string",
            "a is not defined",
            "uuid()",
            "'x | uper'",
            "\"a is strng\"",
            "a.uid()",
            "a == 1 and (b)",
            "not (a)",
            "a in (1, 2)",
            "a.is.strng",
            "a is not none",
            "a | map('upper') | join(',')",
            "a | default('d')",
            "a | regex(pattern)",
            "a is divisibleby(3)",
        ] {
            assert_eq!(check_expression(code), Ok(()), "{code}");
        }
    }

    #[test]
    fn templates_are_checked_where_there_is_code() {
        for source in [
            "{% macro m(a) %}{{ a | upper }}{% endmacro %}{{ m(1) }}",
            "{# | uper #}x | uper {% raw %}{{ a | uper }}{% endraw %}",
            "{%- for i in range(3) -%}{{ loop.cycle(1, 2) }}{% endfor %}",
            "{% filter upper %}x{% endfilter %}",
        ] {
            assert_eq!(check_template(source), Ok(()), "{source}");
        }
        for (source, word) in [
            ("{% for i in a | revers %}{% endfor %}", "revers"),
            ("x {% if a is strng %}{% endif %}", "strng"),
            ("{{ a }} {{- b | uper }}", "uper"),
            ("{% include 'x' %}", "include"),
            ("{% filter uper %}x{% endfilter %}", "uper"),
        ] {
            let range = check_template(source).unwrap_err().range.unwrap();
            assert_eq!(&source[range], word, "{source}");
        }
    }

    #[test]
    fn signs_of_other_languages_are_explained() {
        for (code, sign) in [
            ("a === 1", "==="),
            ("a == 1 && b", "&&"),
            ("a != 1 || b", "||"),
            ("a = 1", "="),
            ("!a", "!"),
            ("'&&' == a !== b", "!=="),
            ("$a", "$"),
        ] {
            let range = foreign_sign(code).unwrap().range.unwrap();
            assert_eq!(&code[range], sign, "{code}");
        }
        assert_eq!(foreign_sign("a == 1 and b != '='"), None);
    }
}
