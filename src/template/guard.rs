//! Guards: code is given to minijinja with calls woven in that weigh a value before something walks all of it.
//!
//! minijinja counts steps and the bytes of texts, but not what it costs to compare a list, to make a text of it or
//! to take it apart; and lists can be repeated, joined and nested without taking memory. So `a ~ b` becomes
//! `__short(a) ~ __short(b)`. What a value is does not change, but views come out as values of their own (see `flat`).
//! Must not know what the code is for.

mod reader;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, State, Value};

use super::flat;
use super::functions::invalid;
use super::functions::weight::{self, Weight};
use super::lexer::{code_of, is_statement, tokens};

use reader::{Mark, Reader};

/// What is walked once: compared, searched, kept in a name.
const WEIGHED: &str = "__weighed";
/// What becomes a text, as minijinja writes it.
const SHORT: &str = "__short";
/// What a namespace keeps.
const KEPT: &str = "__kept";
/// What is cut, or walked letter by letter or item by item from its beginning: only that level is looked at.
const CUT: &str = "__cut";

/// Names that code cannot use itself.
pub(super) const RESERVED: [&str; 4] = [WEIGHED, SHORT, KEPT, CUT];

/// Values that are walked for one step.
const PARTS_A_STEP: usize = 8;
/// Bytes of text that are compared or copied for one step.
const BYTES_A_STEP: usize = 4096;
/// Most bytes of a list or map that becomes a text.
const LONGEST: usize = 1 << 20;

/// Code with guards.
#[derive(Debug)]
pub(super) struct Woven {
    /// The code.
    pub code: String,
    /// Where in it what was inserted ends, and how many bytes that were.
    inserted: Vec<(usize, usize)>,
}

impl Woven {
    /// An expression with guards; `None` when it cannot be read.
    pub fn expression(code: &str) -> Option<Self> {
        let all: Vec<_> = tokens(code, 0).collect();
        let mut reader = Reader::new(&all);
        reader.whole_expression()?;
        Some(Self::new(code, reader.marks))
    }

    /// A text with `{{ }}` and `{% %}` with guards; `None` when a part of it cannot be read.
    pub fn template(source: &str) -> Option<Self> {
        let mut marks = vec![];
        for range in code_of(source) {
            let all: Vec<_> = tokens(&source[range.clone()], range.start).collect();
            let mut reader = Reader::new(&all);
            match is_statement(source, range.start) {
                true => reader.statement()?,
                false => reader.whole_expression()?,
            }
            marks.append(&mut reader.marks);
        }
        Some(Self::new(source, marks))
    }

    fn new(source: &str, mut marks: Vec<Mark>) -> Self {
        // Of two that begin at the same place the later one is the outer one.
        marks.reverse();
        marks.sort_by_key(|mark| mark.at);
        let (mut code, mut inserted, mut from) = (String::with_capacity(source.len()), vec![], 0);
        for Mark { at, text } in marks {
            code.push_str(&source[from..at]);
            code.push_str(text);
            inserted.push((code.len(), text.len()));
            from = at;
        }
        code.push_str(&source[from..]);
        Self { code, inserted }
    }

    /// Whether there is any guard.
    pub fn is_guarded(&self) -> bool {
        !self.inserted.is_empty()
    }

    /// The place in the code as it was written.
    pub fn written(&self, at: usize) -> usize {
        let before = self.inserted.iter().take_while(|(end, _)| *end <= at);
        at - before.map(|(_, length)| length).sum::<usize>()
    }
}

/// Makes the guards known.
pub(super) fn install(env: &mut Environment<'static>) {
    env.add_function(WEIGHED, |state: &State, value: Value| weighed(state, value, usize::MAX));
    env.add_function(SHORT, |state: &State, value: Value| weighed(state, value, LONGEST));
    env.add_function(CUT, |state: &State, value: Value| {
        match flat::is_view(&value) || value.as_str().is_some() {
            true => weighed(state, value, usize::MAX),
            false => Ok(value),
        }
    });
    env.add_function(KEPT, |state: &State, value: Value| {
        let value = weighed(state, value, usize::MAX)?;
        if holds_namespace(&value) {
            // It could hold itself, and would never be freed.
            return Err(invalid("a namespace cannot hold a namespace"));
        }
        Ok::<_, Error>(value)
    });
}

/// Lets fuel pay for a walk through all of a value, which goes no further than fuel lasts.
///
/// # Errors
/// When the value is too large, or there is no fuel left.
pub(super) fn weigh(state: &State, value: &Value, most_bytes: usize) -> Result<(), Error> {
    weight(state, value, most_bytes).map(drop)
}

/// The value, paid for as in [`weigh`], without views in it.
fn weighed(state: &State, value: Value, most_bytes: usize) -> Result<Value, Error> {
    match weight(state, &value, most_bytes)? {
        // Twice the same walk.
        Some(weight) if weight.has_views => {
            state.consume_fuel((weight.parts / PARTS_A_STEP) as u64)?;
            Ok(flat::without_views(&value))
        }
        _ => Ok(value),
    }
}

/// What the value weighs, when it has parts.
fn weight(state: &State, value: &Value, most_bytes: usize) -> Result<Option<Weight>, Error> {
    if let Some(text) = value.as_str() {
        state.consume_fuel((text.len() / BYTES_A_STEP) as u64)?;
        return Ok(None);
    }
    if !is_container(value) {
        return Ok(None);
    }
    let left = state.fuel_levels().map_or(u64::MAX, |(_, left)| left);
    let most_parts = usize::try_from(left).unwrap_or(usize::MAX).saturating_mul(PARTS_A_STEP);
    let weight = weight::of(value, most_parts.min(weight::MOST_PARTS))?;
    state.consume_fuel((weight.parts / PARTS_A_STEP + weight.bytes / BYTES_A_STEP) as u64)?;
    if weight.bytes.saturating_add(weight.parts) > most_bytes {
        return Err(invalid(format!("makes a text of a list or map of more than {} MiB", LONGEST >> 20)));
    }
    Ok(Some(weight))
}

fn is_container(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map)
}

/// Called with what has been weighed: it ends, and is not deep.
fn holds_namespace(value: &Value) -> bool {
    if !is_container(value) {
        return false;
    }
    // The type itself is minijinja's own.
    if value.as_object().is_some_and(|object| object.type_name().ends_with("Namespace")) {
        return true;
    }
    let is_map = value.kind() == ValueKind::Map;
    value.try_iter().into_iter().flatten().any(|item| match is_map {
        true => holds_namespace(&item) || value.get_item(&item).is_ok_and(|item| holds_namespace(&item)),
        false => holds_namespace(&item),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{ENVIRONMENT, Names, Scope};
    use super::*;

    #[test]
    fn guards_stand_where_values_are_walked() {
        for (code, woven) in [
            ("a ~ b", "__short(a) ~ __short(b)"),
            ("a * 2 ~ b.c[0] | upper", "__short(a * 2) ~ __short(__short(b.c[0]) | upper)"),
            ("a ~ 'x' ~ 1.5e-3", "__short(a) ~ 'x' ~ 1.5e-3"),
            ("-a.b ~ -c | abs", "__short(-a.b) ~ __short(__short(-c) | abs)"),
            ("a == 'x' and b != c", "a == 'x' and b != __weighed(c)"),
            ("not a == b", "not a == __weighed(b)"),
            ("a in ['x']", "__short(a) in ['x']"),
            ("a not in b", "__short(a) not in b"),
            ("a | length > 0", "a | length > 0"),
            ("a | sort | first", "__weighed(a) | sort | first"),
            ("a | map(attribute='b') | join(c)", "__short(a | map(attribute='b')) | join(__short(c))"),
            ("a is defined", "a is defined"),
            ("a is not eq b.c", "__short(a) is not eq __short(b.c)"),
            ("f(a, *b, c=d)", "f(__weighed(a), *__weighed(b), c=__weighed(d))"),
            ("a[b][1:c]", "__cut(a[__weighed(b)])[1:c]"),
            ("a[1:][2:].b", "__cut(__cut(a)[1:])[2:].b"),
            ("'text'[1:2]", "'text'[1:2]"),
            ("(a + b)[1:]", "__cut((a + b))[1:]"),
            ("{a: b, 'c': [d]}", "{__weighed(a): b, 'c': [d]}"),
            ("x if a == b else y ~ z", "x if a == __weighed(b) else __short(y) ~ __short(z)"),
            ("(a, b) < (c,)", "(a, b) < __weighed((c,))"),
            ("2 ** a // b % c", "2 ** a // b % c"),
            ("status == 200", "status == 200"),
        ] {
            let found = Woven::expression(code).unwrap_or_else(|| panic!("{code} is not read"));
            assert_eq!(found.code, woven, "{code}");
            assert!(ENVIRONMENT.compile_expression(&found.code).is_ok(), "{code}");
        }
    }

    #[test]
    fn statements_are_guarded() {
        for (source, woven) in [
            ("{% set x = a %}", "{% set x = a %}"),
            ("{% set x = a[0:] %}", "{% set x = __weighed(__cut(a)[0:]) %}"),
            ("{% set x = a[0] %}", "{% set x = a[0] %}"),
            ("{%- set x = [a] -%}", "{%- set x = __weighed([a]) -%}"),
            ("{% set x, y = a %}", "{% set x, y = __weighed(a) %}"),
            ("{% set n.x = a %}", "{% set n.x = __kept(a) %}"),
            ("{% set x = a, b %}", "{% set x = a, b %}"),
            ("{% set x | upper %}a ~ b{% endset %}", "{% set x | upper %}a ~ b{% endset %}"),
            ("{% for x in a %}", "{% for x in __cut(a) %}"),
            ("{% for x, y in a if x ~ y %}", "{% for x, y in __weighed(a) if __short(x) ~ __short(y) %}"),
            ("{% for x in f(a) recursive %}", "{% for x in __weighed(f(__weighed(a))) recursive %}"),
            ("{% with x = a, y = b + c %}", "{% with x = a, y = __weighed(b + c) %}"),
            ("{% macro m(x, y=a, z=1) %}", "{% macro m(x, y=__weighed(a), z=1) %}"),
            ("{% call(x) m(a) %}", "{% call(x) m(__weighed(a)) %}"),
            ("{% filter replace(a, 'b') | upper %}", "{% filter replace(__short(a), 'b') | upper %}"),
            (
                "{% include 'a' %}{{ a ~ b }}{# a ~ b #}",
                "{% include 'a' %}{{ __short(a) ~ __short(b) }}{# a ~ b #}",
            ),
            ("{% raw %}{{ a ~ b }}{% endraw %}", "{% raw %}{{ a ~ b }}{% endraw %}"),
        ] {
            assert_eq!(Woven::template(source).map(|found| found.code).as_deref(), Some(woven), "{source}");
        }
    }

    #[test]
    fn places_are_those_of_the_source() {
        let source = "{{ a ~ b }} {{ c ~ d }}";
        let woven = Woven::template(source).unwrap();
        for name in ["a", "b", "c", "d"] {
            let call = format!("({name})");
            let at = woven.code.find(&call).unwrap() + 1;
            assert_eq!(source[woven.written(at)..].chars().next(), name.chars().next(), "{name}");
        }
        assert_eq!(woven.written(woven.code.len()), source.len());
    }

    /// With and without guards everything is worth the same.
    #[test]
    fn values_stay_what_they_are() {
        let mut names = Names::default();
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let slots = [
            (names.add("a"), json(r#"[3, "x", null, {"k": [1, 2.5]}]"#)),
            (names.add("m"), json(r#"{"k": "v", "x": {"y": [1]}, "3": true}"#)),
            (names.add("t"), Value::from("Text <&> ä")),
            (names.add("n"), Value::from(3)),
        ];
        names.add("later");
        let scope = Scope::new(Arc::new(names), &slots);
        for code in [
            "a ~ m",
            "t ~ n ~ a[1]",
            "a == a",
            "a == [3]",
            "m.x == {'y': [1]}",
            "a < [4]",
            "3 in a",
            "[1] in [[1]]",
            "'k' in m",
            "a[n - 2]",
            "m[t[0:0] ~ 'k']",
            "a | join(n)",
            "a | string",
            "a | length ~ t | length",
            "-n ~ -n | abs",
            "n * 2 ~ n ** 2 ~ n // 2",
            "t | replace('T', n)",
            "a | map('string') | list",
            "[[1, 2]] | map(attribute=1) | list",
            "a | select('eq', 3) | list",
            "n is eq 3",
            "n is in [3]",
            "later is defined",
            "later ~ 'x'",
            "later == 1",
            "later | default(n) ~ 'x'",
            "later | upper",
            "{n: m}[n].k",
            "(a, n) == (a, n)",
            "x if later is defined else n ~ 'y'",
            "not n == 3 or t == 'x'",
            "1.5e-3 ~ n",
            "'a' 'b' ~ n",
            "dict(a=n).a ~ dict(m, z=n).k",
            "range(n) | list ~ ''",
            "a | unique | list",
            "[n, 1] | sort",
            "m | dictsort",
            "m | items | list",
            "[m] | groupby('k')",
            "a | tojson ~ ''",
            "'%s-%s' | format(n, t)",
            "n ~ (n if n == 3)",
            "a[1:n] ~ a[::-1]",
            "t is startingwith('T')",
        ] {
            let plain = ENVIRONMENT.compile_expression(code).unwrap();
            let woven = Woven::expression(code).unwrap();
            let guarded = ENVIRONMENT.compile_expression(&woven.code).unwrap();
            let value = |expression: &minijinja::Expression<'_, '_>| {
                let value = expression.eval(Value::from_dyn_object(scope.clone()));
                value
                    .map(|value| format!("{value:?}"))
                    .map_err(|error| (error.kind(), error.detail().map(str::to_owned)))
            };
            assert_eq!(value(&guarded), value(&plain), "{code} as {}", woven.code);
        }
    }
}
