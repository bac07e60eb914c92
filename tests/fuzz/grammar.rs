//! Expressions and templates that parse, most of them: made by the grammar, out of hostile parts.

use proptest::prelude::*;
use proptest::sample::select;

use super::values::NAMES;

const FILTERS: [&str; 46] = [
    "upper",
    "lower",
    "title",
    "capitalize",
    "length",
    "first",
    "last",
    "reverse",
    "trim",
    "list",
    "string",
    "int",
    "float",
    "abs",
    "round",
    "bool",
    "sort",
    "unique",
    "min",
    "max",
    "sum",
    "items",
    "dictsort",
    "lines",
    "split",
    "join",
    "tojson",
    "fromjson",
    "pprint",
    "urlencode",
    "escape",
    "safe",
    "md5",
    "sha256",
    "b64encode",
    "b64decode",
    "b64urlencode",
    "default",
    "d",
    "count",
    "css('a')",
    "css_all('b')",
    "jsonpath('$..a')",
    "regex('(a+)+b')",
    "regex_all('.')",
    "hmac('k')",
];

/// Filters and tests that take what is put in for `_`.
const WITH_ARGUMENT: [&str; 30] = [
    "| join(_)",
    "| replace(_, 'xxxxxxxx')",
    "| replace('', _)",
    "| indent(_)",
    "| batch(_)",
    "| slice(_)",
    "| default(_)",
    "| attr(_)",
    "| map(attribute=_)",
    "| map('upper')",
    "| map('string')",
    "| select('eq', _)",
    "| reject('in', _)",
    "| selectattr('a', 'eq', _)",
    "| groupby('a')",
    "| format(_)",
    "| chain(_)",
    "| zip(_)",
    "| round(_)",
    "| split(_)",
    "| regex(_)",
    "| jsonpath(_)",
    "| css(_)",
    "| sort(reverse=_)",
    "| hmac(_)",
    "is eq(_)",
    "is in(_)",
    "is startingwith(_)",
    "is divisibleby(_)",
    "is sameas(_)",
];

const TESTS: [&str; 14] = [
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "sequence",
    "mapping",
    "iterable",
    "odd",
    "even",
    "true",
    "upper",
    "lower",
    "not none",
];

const OPERATORS: [&str; 20] = [
    "+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or",
    "~", "*",
];

const FUNCTIONS: [&str; 22] = [
    "uuid()",
    "now(_)",
    "now('%Y')",
    "random_int(_, _)",
    "random_int(1, 6)",
    "random_float(_, _)",
    "random_choice(_)",
    "random_string(_)",
    "random_string(5, _)",
    "weighted_choice(_)",
    "zipf(_)",
    "counter(_)",
    "range(_)",
    "range(_, _, _)",
    "dict(a=_)",
    "dict(_)",
    "namespace(a=_)",
    "fake.name()",
    "fake.email()",
    "range(10 ** 9)",
    "range(100000)",
    "file('no')",
];

const LITERALS: [&str; 30] = [
    "0",
    "1",
    "-1",
    "2",
    "1000",
    "1000000",
    "10 ** 8",
    "10 ** 30",
    "9223372036854775807",
    "1_000",
    "0.1",
    "1e308",
    "1e-5",
    "1.5e+3",
    "true",
    "none",
    "''",
    "'x'",
    "\"y\"",
    "'{{ a }}'",
    "'%}'",
    "'\\r\\n'",
    "'\\u0000'",
    "'a' 'b'",
    "[]",
    "{}",
    "()",
    "[1, 2, 3]",
    "{'a': 1}",
    "(1, 2)",
];

fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(&NAMES[..]).prop_map(str::to_owned),
        2 => select(&LITERALS[..]).prop_map(str::to_owned),
        1 => select(&["map.a", "map['a']", "list[0]", "list[-1]", "user.id", "deep[0][0]", "nested.a[0].a",
                      "map.nothing", "user.iteration", "list[1:5]", "long[::2]", "long[:-1]"][..])
            .prop_map(str::to_owned),
    ]
}

/// Puts values into the places of a pattern, in turn.
fn filled(pattern: &str, values: &[String]) -> String {
    let mut values = values.iter().cycle();
    pattern.split('_').enumerate().fold(String::new(), |text, (index, part)| {
        // A name may hold the sign too.
        let is_place = index > 0
            && !text.ends_with(|c: char| c.is_alphanumeric())
            && !part.starts_with(|c: char| c.is_alphanumeric());
        match (index, is_place) {
            (0, _) => part.to_owned(),
            (_, true) => text + values.next().map_or("1", String::as_str) + part,
            (_, false) => text + "_" + part,
        }
    })
}

/// An expression of all that the language has.
pub fn expression() -> impl Strategy<Value = String> {
    leaf().prop_recursive(6, 48, 4, |inner| {
        let values = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            6 => (inner.clone(), select(&OPERATORS[..]), inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            2 => (inner.clone(), select(&OPERATORS[..]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            4 => (inner.clone(), select(&FILTERS[..])).prop_map(|(a, filter)| format!("{a} | {filter}")),
            4 => (values.clone(), select(&WITH_ARGUMENT[..]))
                .prop_map(|(all, call)| format!("{} {}", all[0], filled(call, &all[1..]))),
            1 => (inner.clone(), select(&TESTS[..])).prop_map(|(a, test)| format!("{a} is {test}")),
            3 => (values.clone(), select(&FUNCTIONS[..])).prop_map(|(all, call)| filled(call, &all)),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, key)| format!("({a})[{key}]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, to)| format!("({a})[{to}:]")),
            2 => values.clone().prop_map(|all| format!("[{}]", all.join(", "))),
            1 => values.clone().prop_map(|all| format!("{{{}}}", all.iter().map(|v| format!("{v}: {v}"))
                .collect::<Vec<_>>().join(", "))),
            1 => values.prop_map(|all| format!("({},)", all.join(","))),
            1 => inner.clone().prop_map(|a| format!("not {a}")),
            1 => inner.clone().prop_map(|a| format!("-{a}")),
            1 => (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("{a} if {b} else {c}")),
        ]
    })
}

/// A template's text: statements of all kinds around expressions; `files` are what it may name.
pub fn template(files: &'static [&'static str]) -> impl Strategy<Value = String> {
    let text = prop_oneof![
        4 => expression().prop_map(|e| format!("{{{{ {e} }}}}")),
        1 => select(&["plain", "\r\n", "}}", "{# c #}", "\"", "{% raw %}{{ a }}{% endraw %}", "{", "%}"][..])
            .prop_map(str::to_owned),
        4 => select(files).prop_map(str::to_owned),
    ];
    text.prop_recursive(4, 24, 4, |inner| {
        let body = proptest::collection::vec(inner, 0..4).prop_map(|all| all.concat());
        let name = select(&["x", "y", "ns.x", "list", "marker"][..]);
        let plain = select(&["x", "y", "m", "list", "caller"][..]);
        prop_oneof![
            3 => (name, expression()).prop_map(|(name, e)| format!("{{% set {name} = {e} %}}")),
            1 => expression().prop_map(|e| format!("{{% set x, y = {e} %}}")),
            1 => Just("{% set ns = namespace() %}{% set ns.x = ns %}".to_owned()),
            1 => Just("{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}".to_owned()),
            1 => Just("{% for i in range(900) %}{% set ns.x = ns.x + ns.x %}{% endfor %}".to_owned()),
            2 => body.clone().prop_map(|b| format!("{{% set x %}}{b}{{% endset %}}{{{{ x }}}}")),
            2 => (expression(), body.clone()).prop_map(|(e, b)| format!("{{% if {e} %}}{b}{{% endif %}}")),
            3 => (plain.clone(), expression(), body.clone())
                .prop_map(|(x, e, b)| format!("{{% for {x} in {e} %}}{b}{{% else %}}-{{% endfor %}}")),
            1 => (expression(), body.clone())
                .prop_map(|(e, b)| format!("{{% for x in {e} recursive %}}{b}{{{{ loop([x]) }}}}{{% endfor %}}")),
            1 => (expression(), body.clone())
                .prop_map(|(e, b)| format!("{{% with x = {e}, y = x %}}{b}{{% endwith %}}")),
            2 => (expression(), body.clone()).prop_map(|(e, b)| {
                format!("{{% macro m(x, y={e}) %}}{b}{{{{ m([x, y]) }}}}{{% endmacro %}}{{{{ m(1) }}}}")
            }),
            1 => body.clone().prop_map(|b| format!("{{% call m(1) %}}{b}{{% endcall %}}")),
            1 => (select(&FILTERS[..]), body.clone())
                .prop_map(|(f, b)| format!("{{% filter {f} %}}{b}{{% endfilter %}}")),
            1 => (plain, body.clone()).prop_map(|(x, b)| format!("{{% block {x} %}}{b}{{% endblock %}}")),
            1 => select(&["{{ self.x() }}", "{{ super() }}", "{{ caller() }}", "{{ m(x=1) }}", "{{ m }}",
                          "{{ loop.index }}", "{% break %}", "{{ self }}", "{{ p.f(1) }}", "{{ g('a') }}"][..])
                .prop_map(str::to_owned),
            4 => body,
        ]
    })
}
