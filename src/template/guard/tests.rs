//! Where guards stand, that they change nothing but what they are for, and what they are for.

use std::sync::Arc;

use super::super::{ENVIRONMENT, Names, Scope};
use super::*;

#[test]
fn guards_stand_where_values_are_walked() {
    for (code, woven) in [
        ("a ~ b", "__short(a) ~ __short(b)"),
        ("a * 2 ~ b.c[0] | upper", "__short(__number(a) * 2) ~ __short(__there(__short(b.c[0])) | upper)"),
        ("a ~ 'x' ~ 1.5e-3", "__short(a) ~ 'x' ~ 1.5e-3"),
        ("-a.b ~ -c | abs", "__short(-__number(a.b)) ~ __short(__plain(__short(-__number(c))) | abs)"),
        ("a == 'x' and b != c", "__plain(a) == 'x' and __plain(b) != __plain(__weighed(c))"),
        ("not a == b", "not __plain(a) == __plain(__weighed(b))"),
        ("a in ['x']", "__plain(__short(a)) in ['x']"),
        ("a not in b", "__plain(__short(a)) not in __plain(b)"),
        ("a | length > 0", "__there(a) | length > 0"),
        ("a | sort | first", "__there(__plain(__weighed(a)) | sort) | first"),
        (
            "a | map(attribute='b') | join(c)",
            "__there(__short(__there(a) | map(attribute='b'))) | join(__short(c))",
        ),
        ("a is defined", "a is defined"),
        ("a is not eq b.c", "__plain(__short(a)) is not eq __plain(__short(b.c))"),
        ("a is not none", "__number(a) is not none"),
        ("a | default(b) > 1", "__plain(a | default(__weighed(b))) > 1"),
        ("f(a, *b, c=d)", "f(__weighed(a), *__weighed(b), c=__weighed(d))"),
        ("a[b][1:c]", "__cut(a[__weighed(b)])[1:c]"),
        ("a[1:][2:].b", "__cut(__cut(a)[1:])[2:].b"),
        ("'text'[1:2]", "'text'[1:2]"),
        ("(a + b)[1:]", "__cut((__number(a) + __number(b)))[1:]"),
        ("{a: b, 'c': [d]}", "{__weighed(a): b, 'c': [d]}"),
        ("x if a == b else y ~ z", "x if __plain(a) == __plain(__weighed(b)) else __short(y) ~ __short(z)"),
        ("(a, b) < (c,)", "__plain((a, b)) < __plain(__weighed((c,)))"),
        ("2 ** a // b", "__number(2 ** __number(a)) // __number(b)"),
        ("status == 200", "__plain(status) == 200"),
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
        ("{% with x = a, y = b + c %}", "{% with x = a, y = __weighed(__number(b) + __number(c)) %}"),
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
fn what_is_missing_is_looked_at_by_three_words_only() {
    let mut names = Names::default();
    let json: Value = serde_json::from_str(r#"{"a": 4, "b": null}"#).unwrap();
    let scope = Scope::new(Arc::new(names.clone()), &[(names.add("json"), json)]);
    let eval = |code: &str| super::super::Expr::compile(code).unwrap().eval(&scope);
    for code in [
        "json.c is defined or json.a == 4",
        "json.c is undefined",
        "json.c is undefined or json.c > 3",
        "json.c | default(9) > 3",
        "json.c | d('x') == 'x'",
        "json.b is none",
        "json.a is not none",
        "not json.b",
        "json.a == 4 or json.c == 1",
    ] {
        assert_eq!(eval(code).map(|value| value.is_true()), Ok(true), "{code}");
    }
    for code in [
        "json.c is none",
        "json.c is not none",
        "json.c is not none and json.a == 4",
        "json.c != 3",
        "json.c == 3",
        "3 != json.c",
        "not (json.c == 3)",
        "not json.c",
        "json.c < 3",
        "json.c is not string",
        "json.c is not eq 3",
        "json.c | length == 0",
        "json.c | bool == false",
        "json.c in [1]",
        "json.c not in [1]",
        "1 not in json.c",
        "json.c + 1 == 1",
        "-json.c < 1",
        "json.c ~ '' == ''",
        "json.c | upper == ''",
        "json.c | list == []",
        "json.c | int == 0",
        "json.c | tojson == 'null'",
        "json.c and true",
        "json.c or true",
        "1 if json.c else 2",
        "[1, 2] | select('gt', json.c) | list == []",
    ] {
        let missing = super::super::EvalError::Undefined("json.c".to_owned());
        assert_eq!(eval(code), Err(missing), "{code}");
    }
}

#[test]
fn numbers_are_compared_by_value_and_written_as_they_came() {
    let mut names = Names::default();
    let text = r#"{"p": 19.90, "e": 1e3, "z": -0, "big": 1234567890123456789012345678901234567890123,
        "items": [{"p": 1.50, "n": "a"}, {"p": 2, "n": "b"}, {"p": 1e0, "n": "c"}], "list": [1.10, 2]}"#;
    let document = super::super::Document::parse(&bytes::Bytes::from(text), usize::MAX).unwrap();
    let scope = Scope::new(Arc::new(names.clone()), &[(names.add("json"), document.value())]);
    for (code, expected) in [
        ("json.p", "19.90"),
        ("json.p == 19.9", "true"),
        ("json.p in [19.9, 5]", "true"),
        ("1.1 in json.list", "true"),
        ("json.list == [1.1, 2]", "true"),
        ("[json.p, 1] == [19.9, 1]", "true"),
        ("json.list[0] + 1", "2.1"),
        ("json.p * 2", "39.8"),
        ("-json.e", "-1000.0"),
        ("json.z == 0", "true"),
        ("not json.z", "true"),
        ("json.big > 1e42", "true"),
        ("json.e | int", "1000"),
        ("json.p | round", "20.0"),
        ("'%.1f' | format(json.p)", "19.9"),
        ("json.p is number", "true"),
        ("json.p is eq 19.9", "true"),
        ("json.list | sum", "3.1"),
        ("json.list | min", "1.1"),
        ("json.items | sum(attribute='p')", "4.5"),
        ("json.items | selectattr('p', 'gt', 1.2) | map(attribute='n') | join", "ab"),
        ("json.items | sort(attribute='p') | map(attribute='n') | join", "cab"),
        ("range(json.items[2].p | int) | list", "[0]"),
        ("json.p ~ ' EUR'", "19.90 EUR"),
        ("json.items | map(attribute='p') | join(' ')", "1.50 2 1e0"),
        ("json.list | first", "1.10"),
        ("json.list | tojson", "[1.10,2]"),
        ("json.p | default(1)", "19.90"),
        ("json.p | string | length", "5"),
        ("json.items", r#"[{"p":1.50,"n":"a"},{"p":2,"n":"b"},{"p":1e0,"n":"c"}]"#),
        ("[json.p, {'x': json.e}]", r#"[19.90,{"x":1e3}]"#),
        ("json | jsonpath('$.items[0].p')", "1.50"),
        ("json | jsonpath('$.items[?@.p == 1].p')", "[1e0]"),
    ] {
        let value = super::super::Expr::compile(code).unwrap().eval(&scope);
        assert_eq!(value.map(|value| super::super::to_text(&value)).as_deref(), Ok(expected), "{code}");
    }
    let block = "{% for item in json.items %}{{ item.p }}{% if item.p > 1.2 %}!{% endif %} {% endfor %}";
    let rendered = super::super::Text::compile(block).unwrap().render(&scope);
    assert_eq!(rendered.as_deref(), Ok("1.50! 2! 1e0 "));
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

/// With and without guards everything that is there is worth the same.
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
