//! What functions and filters take, and the check of calls that are written out: count, names and kinds of their
//! arguments, and texts that must be a pattern, a path or a format. Must not evaluate anything but literals.

use super::{css_check, digest, jsonpath, now, regex};
use crate::diagnostic::nearest;
use crate::template::ENVIRONMENT;
use crate::template::lexer::{Kind, Token};

/// Our functions with what they take: `name:kind`, with `?` when it may be left out or given by its name.
const FUNCTIONS: &[(&str, &str)] = &[
    ("uuid", ""),
    ("now", "format:text? offset:text?"),
    ("counter", "name:text?"),
    ("file", "path:text"),
    ("random_int", "from:int to:int"),
    ("random_float", "from:number to:number"),
    ("random_choice", "list:list"),
    ("random_string", "length:int alphabet:text?"),
    ("weighted_choice", "choices:list"),
    ("zipf", "n:int s:number?"),
    ("range", "from:int to:int? step:int?"),
];

/// As [`FUNCTIONS`], for filters; what stands before the `|` is not counted.
const FILTERS: &[(&str, &str)] = &[
    ("b64encode", ""),
    ("b64decode", ""),
    ("b64urlencode", ""),
    ("b64urldecode", ""),
    ("md5", "encoding:text?"),
    ("sha1", "encoding:text?"),
    ("sha256", "encoding:text?"),
    ("sha512", "encoding:text?"),
    ("hmac", "key:any algorithm:text? encoding:text?"),
    ("regex", "pattern:text group:any?"),
    ("regex_all", "pattern:text group:any?"),
    ("jsonpath", "path:text"),
    ("css", "selector:text attr:text?"),
    ("css_all", "selector:text attr:text?"),
    ("fromjson", ""),
    ("tojson", ""),
];

/// A mistake in a call.
pub(in crate::template) struct Mistake<'t> {
    pub at: Token<'t>,
    pub message: String,
    pub help: String,
}

struct Parameter {
    name: &'static str,
    kind: &'static str,
    optional: bool,
}

/// Checks a call that begins at its name; nothing is said of names that are not ours.
pub(in crate::template) fn check<'t>(tokens: &[Token<'t>], is_filter: bool) -> Result<(), Mistake<'t>> {
    let Some((name, mut rest)) = tokens.split_first() else { return Ok(()) };
    let mut full = name.text.to_owned();
    if let [dot, child, after @ ..] = rest
        && name.text == super::fake::ROOT
        && dot.text == "."
    {
        full = format!("{full}.{}", child.text);
        rest = after;
    }
    let table = if is_filter { FILTERS } else { FUNCTIONS };
    let takes = match table.iter().find(|(known, _)| *known == full) {
        Some((_, takes)) => *takes,
        None if !is_filter && full.starts_with("fake.") => "",
        None => return Ok(()),
    };
    let parameters: Vec<_> = takes.split_whitespace().filter_map(parameter).collect();
    let call = Call { name, full: &full, parameters: &parameters };
    let arguments = match rest.first() {
        Some(open) if open.text == "(" => arguments(&rest[1..]),
        _ if is_filter => Some(vec![]),
        _ => return Ok(()),
    };
    // One that is not closed, or that hands a whole list on, is left to the evaluation.
    arguments.map_or(Ok(()), |arguments| call.check(&arguments))
}

fn parameter(text: &'static str) -> Option<Parameter> {
    let (name, kind) = text.split_once(':')?;
    Some(Parameter { name, kind: kind.trim_end_matches('?'), optional: kind.ends_with('?') })
}

/// The arguments up to the `)` that ends the call.
fn arguments<'a, 't>(tokens: &'a [Token<'t>]) -> Option<Vec<&'a [Token<'t>]>> {
    let (mut all, mut depth, mut start) = (vec![], 0_usize, 0);
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Sign) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth > 0 => depth -= 1,
            "," if depth == 0 => {
                all.push(&tokens[start..at]);
                start = at + 1;
            }
            ")" => {
                all.push(&tokens[start..at]);
                all.retain(|argument| !argument.is_empty());
                return (!all.iter().any(|argument| argument[0].text == "*")).then_some(all);
            }
            _ => {}
        }
    }
    None
}

struct Call<'a, 't> {
    name: &'a Token<'t>,
    full: &'a str,
    parameters: &'a [Parameter],
}

impl<'t> Call<'_, 't> {
    fn check(&self, arguments: &[&[Token<'t>]]) -> Result<(), Mistake<'t>> {
        let mut given = vec![false; self.parameters.len()];
        for (place, argument) in arguments.iter().enumerate() {
            let (index, value) = match argument {
                [name, equals, value @ ..]
                    if name.kind == Kind::Word
                        && equals.text == "="
                        && value.first().is_some_and(|first| first.text != "=") =>
                {
                    (self.named(name)?, value)
                }
                value => (place, *value),
            };
            let Some(parameter) = self.parameters.get(index) else {
                return Err(self.mistake(&argument[0], format!("`{}` takes {}", self.full, self.count())));
            };
            if std::mem::replace(&mut given[index], true) {
                return Err(self.mistake(&argument[0], format!("`{}` is given twice", parameter.name)));
            }
            self.check_value(parameter, value)?;
        }
        let missing =
            self.parameters.iter().zip(given).find(|(parameter, given)| !parameter.optional && !given);
        match missing {
            Some((parameter, _)) => {
                Err(self.mistake(self.name, format!("`{}` needs `{}`", self.full, parameter.name)))
            }
            None => Ok(()),
        }
    }

    fn named(&self, name: &Token<'t>) -> Result<usize, Mistake<'t>> {
        let found = self.parameters.iter().position(|parameter| parameter.name == name.text);
        match found {
            Some(index) if self.parameters[index].optional => Ok(index),
            Some(_) => Err(self.mistake(name, format!("`{}` is given without its name", name.text))),
            None => {
                let options = self.parameters.iter().filter(|parameter| parameter.optional);
                let mistake = self.mistake(name, format!("`{}` has no `{}`", self.full, name.text));
                Err(match nearest(name.text, options.map(|parameter| parameter.name)) {
                    Some(near) => Mistake { help: format!("did you mean `{near}`?"), ..mistake },
                    None => mistake,
                })
            }
        }
    }

    fn check_value(&self, parameter: &Parameter, value: &[Token<'t>]) -> Result<(), Mistake<'t>> {
        let Some(kind) = kind_of(value) else {
            if self.full == "file" {
                let message = "`file` needs a path that is written out: it is read before the run".to_owned();
                let help =
                    "write one such as file(\"terms.txt\"), or use `data` for many files' texts".to_owned();
                return Err(Mistake { at: value[0].clone(), message, help });
            }
            return Ok(());
        };
        let fits = match parameter.kind {
            "text" => kind == "text",
            "int" => kind == "int",
            "number" => kind == "int" || kind == "number",
            "list" => kind == "list" || (kind == "map" && self.full == "weighted_choice"),
            _ => true,
        };
        if !fits {
            let words = match parameter.kind {
                "text" => "a text in quotes",
                "int" => "a whole number",
                "number" => "a number",
                _ => "a list",
            };
            return Err(
                self.mistake(&value[0], format!("`{}` of `{}` is {words}", parameter.name, self.full))
            );
        }
        let ([literal], "text") = (value, kind) else { return Ok(()) };
        let Some(text) = text_of(literal) else { return Ok(()) };
        let checked = match (self.full, parameter.name) {
            ("regex" | "regex_all", "pattern") => regex::regex_of(&text).map(|_| ()),
            ("jsonpath", _) => jsonpath::path_of(&text).map(|_| ()),
            ("css" | "css_all", "selector") => css_check(&text),
            ("now", "format") => now::check_format(&text),
            ("now", _) => now::offset_of(&text).map(|_| ()),
            (_, "encoding") => digest::check_encoding(&text),
            (_, "algorithm") => digest::check_algorithm(&text),
            _ => Ok(()),
        };
        checked.map_err(|words| {
            let (message, help) = match words.split_once("; ") {
                Some((message, help)) => (message.to_owned(), help.to_owned()),
                None if parameter.name == "pattern" => {
                    let help = "look-around and back references are not supported; a `(` or `[` that is meant needs `\\\\`";
                    (words, help.to_owned())
                }
                None => (words, self.usage()),
            };
            Mistake { at: literal.clone(), message, help }
        })
    }

    fn mistake(&self, at: &Token<'t>, message: String) -> Mistake<'t> {
        Mistake { at: at.clone(), message, help: self.usage() }
    }

    fn usage(&self) -> String {
        let shown = |parameter: &Parameter| match parameter.optional {
            true => format!("{}=…", parameter.name),
            false => parameter.name.to_owned(),
        };
        let all = self.parameters.iter().map(shown).collect::<Vec<_>>().join(", ");
        format!(
            "write `{}({all})`{}",
            self.full,
            if all.contains('=') { "; what has a `=` may be left out" } else { "" }
        )
    }

    fn count(&self) -> String {
        match self.parameters.len() {
            0 => "nothing".to_owned(),
            1 => "one value".to_owned(),
            most => format!("at most {most} values"),
        }
    }
}

/// What a literal is; `None` for what must be computed.
fn kind_of(value: &[Token<'_>]) -> Option<&'static str> {
    let is_digits = |token: &Token<'_>| token.text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    match value {
        [text] if text.kind == Kind::Text => Some("text"),
        [sign, rest @ ..] if matches!(sign.text, "-" | "+") && !rest.is_empty() => {
            kind_of(rest).filter(|kind| *kind != "text")
        }
        [number] if number.kind == Kind::Word && is_digits(number) => Some("int"),
        [whole, dot, part] if dot.text == "." && is_digits(whole) && is_digits(part) => Some("number"),
        [word] if matches!(word.text, "true" | "false" | "none") => Some("constant"),
        [open, .., close] if (open.text, close.text) == ("[", "]") => is_one(value).then_some("list"),
        [open, .., close] if (open.text, close.text) == ("{", "}") => is_one(value).then_some("map"),
        _ => None,
    }
}

/// Whether the first bracket is closed by the last one.
fn is_one(value: &[Token<'_>]) -> bool {
    let mut depth = 0_i32;
    let ends = value.iter().position(|token| {
        depth += match token.text {
            "[" | "{" | "(" => 1,
            "]" | "}" | ")" => -1,
            _ => 0,
        };
        depth == 0
    });
    ends == Some(value.len() - 1)
}

/// Whether a literal is a path that leads to one value at most.
pub(in crate::template) fn is_single_path(literal: &Token<'_>) -> bool {
    text_of(literal).and_then(|text| jsonpath::path_of(&text).ok()).is_some_and(|path| path.is_single())
}

/// The text a literal stands for.
pub(in crate::template) fn text_of(literal: &Token<'_>) -> Option<String> {
    let value = ENVIRONMENT.compile_expression(literal.text).and_then(|literal| literal.eval(()));
    value.ok().and_then(|value| value.as_str().map(str::to_owned))
}
