//! Each built-in against known values, and that no call runs for long or takes much memory.

use std::sync::Arc;
use std::time::Duration;

use minijinja::Value;
use rand::SeedableRng as _;

use super::{FUNCTIONS, Rng, with_rng};
use crate::template::{EvalError, Expr, Names, Scope, Text, UserNumbers};

fn scope() -> Arc<Scope> {
    let mut names = Names::default();
    let html = r#"<!doctype html><title>a<b></title><ul class=nav><li><a class="btn next" href="/p?a=1&amp;b=2">Next
        <b>page</b></a><li>two</ul><form id=f><input name=csrf value="t&quot;k"><p>one<p>two</form><table><tr><td>1<td>2</table>"#;
    let document: Value =
        serde_json::from_str(r#"{"a": [{"b": 1, "c": "x"}, {"b": 5}], "d": {"b": null}}"#).unwrap();
    let slots = [
        (names.add("html"), Value::from(html)),
        (names.add("doc"), document),
        (names.add("user"), Value::from_dyn_object(UserNumbers::new(0))),
    ];
    names.add("later");
    Scope::new(Arc::new(names), &slots)
}

fn eval(expression: &str) -> Result<Value, EvalError> {
    Expr::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error:?}")).eval(&scope())
}

fn json_of(expression: &str) -> String {
    serde_json::to_string(&eval(expression).unwrap_or_else(|error| panic!("{expression}: {error}"))).unwrap()
}

#[test]
fn filters_give_known_values() {
    for (expression, wanted) in [
        ("'abc' | md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("'abc' | sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("'abc' | sha256(encoding='base64')", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
        ("'abc' | sha256('base64url')", "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"),
        // RFC 4231, test case 2.
        (
            "'what do ya want for nothing?' | hmac('Jefe')",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "'what do ya want for nothing?' | hmac('Jefe', algorithm='sha1', encoding='base64')",
            "7/zfauXrL6LSdBbV8YTfnCWafHk=",
        ),
        ("'what do ya want for nothing?' | hmac('Jefe', 'md5')", "750c783e6ab0b503eaa86e310a5db738"),
        ("'?>~' | b64encode", "Pz5+"),
        ("'?>~' | b64urlencode", "Pz5-"),
        ("'Pz5-' | b64urldecode ~ ('Pz5+' | b64decode)", "?>~?>~"),
        ("'YQ' | b64decode ~ ('YQ==' | b64urldecode)", "aa"),
        ("'a=1;b=2' | regex('(a)=([0-9])', group=2)", "1"),
        ("'a=1;b=2' | regex('(a)=([0-9])', 0)", "a=1"),
        ("'a=1;b=2' | regex('b=(?P<n>[0-9])', group='n')", "2"),
        ("html | css('a.next')", "Next\n        page"),
        ("html | css('a.next', attr='href')", "/p?a=1&b=2"),
        ("html | css('#f > input[name=csrf]', 'value')", "t\"k"),
        ("html | css('title')", "a<b>"),
        ("html | css('form p:nth-child(3)')", "two"),
        ("html | css('h1, ul li:first-child b')", "page"),
    ] {
        assert_eq!(json_of(expression), serde_json::to_string(wanted).unwrap(), "{expression}");
    }
    for (expression, wanted) in [
        ("doc | jsonpath('$.a[1].b')", "5"),
        ("doc | jsonpath('$.a[*].b')", "[1,5]"),
        ("doc | jsonpath('$..b') | length", "3"),
        ("doc | jsonpath('$.a[?@.b > 1].b') | first", "5"),
        ("doc | jsonpath('$.a[9].b') is undefined", "true"),
        ("doc | jsonpath('$.a[?@.b > 9]')", "[]"),
        ("doc | jsonpath('$.d.b')", "null"),
        ("'[1, 2]' | jsonpath('$[1]') + ('[3]' | fromjson | first)", "5"),
        ("'a1b22' | regex_all('[0-9]+')", r#"["1","22"]"#),
        ("html | css_all('li')", r#"["Next\n        page","two"]"#),
        ("html | css_all('td')", r#"["1","2"]"#),
        ("html | css_all('a', attr='id')", "[]"),
        ("html | css('video') is undefined", "true"),
        ("{'b': [1, none]} | tojson | fromjson", r#"{"b":[1,null]}"#),
        ("'abc' | sha512 | length", "128"),
        ("[counter(), counter(), counter('x'), counter()]", "[1,2,1,3]"),
        ("zipf(1)", "1"),
        ("weighted_choice({'a': 0, 'b': 2})", "\"b\""),
        ("weighted_choice([['a', 0], [[1], 0.5]])", "[1]"),
        ("now('unix') - now('unix', offset='-1h') >= 3600", "true"),
        ("now('unix_ms') > 1700000000000", "true"),
        ("now('%Y', offset='+366d') > now('%Y')", "true"),
        ("random_string(9, alphabet='é')", "\"ééééééééé\""),
    ] {
        assert_eq!(json_of(expression), wanted, "{expression}");
    }
    for missing in ["later | md5", "later | jsonpath('$.a')", "later | css('a')", "later | regex('a')"] {
        assert!(matches!(eval(missing), Err(EvalError::Undefined(_))), "{missing}");
    }
    for wrong in [
        "'{' | fromjson",
        "'*' | b64decode",
        "'/w==' | b64decode",
        "'x' | jsonpath('$.a')",
        "'x' | regex('x', group=1)",
    ] {
        assert!(matches!(eval(wrong), Err(EvalError::Other { .. })), "{wrong}");
    }
}

fn many(expression: &str, seed: u64, count: usize) -> Vec<Value> {
    let (compiled, scope) = (Expr::compile(expression).unwrap(), scope());
    with_rng(&mut Rng::seed_from_u64(seed), || {
        (0..count)
            .map(|_| compiled.eval(&scope).unwrap_or_else(|error| panic!("{expression}: {error}")))
            .collect()
    })
}

#[test]
fn a_seed_repeats_what_is_random() {
    for name in FUNCTIONS.iter().filter(|name| name.starts_with("fake.")) {
        let call = format!("{name}()");
        let some = many(&call, 7, 50);
        assert_eq!(some, many(&call, 7, 50), "{call}");
        assert_ne!(some, many(&call, 8, 50), "{call}");
        assert!(
            some.iter().all(|value| value.as_str().is_some_and(|text| !text.trim().is_empty())),
            "{call}"
        );
    }
    for call in [
        "uuid()",
        "random_float(0, 1)",
        "zipf(1000)",
        "weighted_choice({'a': 1, 'b': 1})",
        "random_string(4)",
    ] {
        assert_eq!(many(call, 7, 50), many(call, 7, 50), "{call}");
        assert_ne!(many(call, 7, 50), many(call, 8, 50), "{call}");
    }
    for (call, pattern) in [
        ("fake.email()", r"^[a-z]+\.[a-z]+[0-9]{1,4}@example\.(com|net|org)$"),
        ("fake.phone()", r"^\+1-[2-9][0-9]{2}-555-01[0-9]{2}$"),
        ("fake.ipv6()", "^2001:db8:"),
        ("fake.url()", r"^https://[a-z]+\.example\.(com|net|org)/[a-z]+/[a-z]+$"),
        ("fake.date()", "^(19[7-9]|20[0-2])[0-9]-[01][0-9]-[0-3][0-9]$"),
        ("fake.password()", r"^[a-z][A-Z][2-9][^a-zA-Z0-9][a-zA-Z2-9]{12}$"),
        ("fake.country_code()", "^[A-Z]{2}$"),
    ] {
        let pattern = regex::Regex::new(pattern).unwrap();
        for value in many(call, 1, 200) {
            assert!(pattern.is_match(value.as_str().unwrap()), "{call}: {value}");
        }
    }
}

#[test]
fn draws_follow_their_weights() {
    let share = |call: &str, wanted: &str| {
        let all = many(call, 3, 20_000);
        all.iter().filter(|value| value.to_string() == wanted).count() as f64 / all.len() as f64
    };
    // 1 / (1 + 1/2 + 1/3 + 1/4) and 1/4 of it; five standard deviations are 0.018.
    assert!((share("zipf(4)", "1") - 0.48).abs() < 0.018);
    assert!((share("zipf(4, s=1)", "4") - 0.12).abs() < 0.012);
    assert!((share("zipf(4, 0)", "2") - 0.25).abs() < 0.016);
    assert!((share("weighted_choice({'a': 3, 'b': 1})", "a") - 0.75).abs() < 0.016);
    let numbers = many("random_float(2, 3)", 3, 2_000);
    assert!(numbers.iter().all(|value| (2.0..3.0).contains(&f64::try_from(value.clone()).unwrap())));
}

/// Of the calling thread: what else the machine does is not in it.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
#[cfg(unix)]
fn hostile_work_ends() {
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for source in [
        "{{ range(10**9) | list | length }}",
        "{{ range(10**9) }}",
        "{{ 'x' * 10**9 }}",
        "{{ 'x' * 10**8 }}",
        "{{ [1] * 10**8 }}",
        "{{ [[1] * 10**6] * 10**6 }}",
        "{{ ['x' * 10**6] * 10**5 }}",
        "{{ [1] * 10**8 | tojson }}",
        "{% set a = [1] %}{{ a * 10**8 }}",
        "{% set a = [['a', 1]] %}{{ weighted_choice(a * 10**8) }}",
        "{% set a = [1] %}{{ random_choice(a * 10**8) }}",
        "{% set a = [1] %}{% set a = a * 10**6 %}{{ a * 10**6 }}",
        "{% set a = [1] %}{{ (a * 10**8) | md5 }}",
        "{% set a = [1] %}{{ (a * 10**8) | tojson }}",
        "{% set a = [1] %}{{ (a * 10**8) | jsonpath('$[*]') }}",
        "{% set a = [1] %}{{ (a * 10**8) | join('') }}",
        "{{ [1] | batch(10**9, 'x') | list }}",
        "{{ [1] | slice(10**9) | list }}",
        "{{ 'x' | indent(10**9) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ random_string(10**9) }}",
        "{{ random_string(10**6) * 1000 }}",
        "{{ random_choice(range(10**9)) }}",
        "{{ weighted_choice([['a', 1]] * 10**8) }}",
        "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(a) %}{{ m(a ~ a) }}{% endmacro %}{{ m('x') }}",
        "{% for i in range(40) recursive %}{{ loop(range(40)) }}{% endfor %}",
        "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        &format!("{{{{ '{deep}' | fromjson }}}}"),
        "{{ ('<b>' * 100000) | css('b') }}",
        "{{ (('<b>' * 500) ~ ('x' * 10**5)) | css_all('b') }}",
        "{{ 'x' * 2000000 | regex_all('') }}",
    ] {
        let before = cpu_time();
        let done = Text::compile(source).map(|text| text.render(&scope()));
        let took = cpu_time() - before;
        assert!(!matches!(done, Ok(Ok(_))), "{source} gives a text of {}", done.unwrap().unwrap().len());
        // A debug build; released it is a tenth.
        assert!(took < Duration::from_secs(5), "{source} took {took:?}");
    }
}

#[test]
fn calls_are_checked_before_the_run() {
    for (expression, message) in [
        ("random_int(1)", "`random_int` needs `to`"),
        ("random_int(1, 2, 3)", "`random_int` takes at most 2 values"),
        ("random_int('1', 2)", "`from` of `random_int` is a whole number"),
        ("random_int(1.5, 2)", "`from` of `random_int` is a whole number"),
        ("uuid(4)", "`uuid` takes nothing"),
        ("now(5)", "`format` of `now` is a text in quotes"),
        ("now(ofset='-1d')", "`now` has no `ofset`"),
        ("now('%Y', format='%Y')", "`format` is given twice"),
        ("now('yyyy')", "now: `yyyy` is no format"),
        ("now('%')", "now: "),
        ("now(offset='-1 day')", "offset: `day` is not a unit of time"),
        ("zipf()", "`zipf` needs `n`"),
        ("fake.nme()", "there is no `fake.nme`"),
        ("fake.name('en')", "`fake.name` takes nothing"),
        ("file(later)", "`file` needs a path that is written out"),
        ("file('a' ~ later)", "`file` needs a path that is written out"),
        ("later | hmac", "`hmac` needs `key`"),
        ("later | hmac(key='k')", "`key` is given without its name"),
        ("later | hmac('k', algorithm='sha3')", "there is no algorithm `sha3`"),
        ("later | sha256('b64')", "there is no encoding `b64`"),
        ("later | jsonpath", "`jsonpath` needs `path`"),
        ("later | jsonpath('a.b')", "jsonpath: a path begins with `$`"),
        ("later | jsonpath('$.a[')", "not a JSONPath"),
        ("later | jsonpath('$..a..b..c')", "jsonpath: a path has at most 2 `..`"),
        ("later | jsonpath('$.a') | first", "this path gives one value"),
        ("later | jsonpath(\"$[?match(@.a, 'x')]\")", "jsonpath: `match()` is not supported"),
        ("later | css('a:hover')", "css: `:hover` is not supported"),
        ("later | regex_all('(')", "not a regular expression"),
        ("later | sha265", "there is no filter `sha265`"),
        ("wieghted_choice({})", "there is no function `wieghted_choice`"),
    ] {
        let error = Expr::compile(expression).expect_err(expression);
        assert!(error.message.starts_with(message), "{expression}: {}", error.message);
        assert!(error.help.is_some_and(|help| !help.is_empty()), "{expression} has no help");
    }
    for fine in [
        "random_int(1, n)",
        "random_int(-5, a.b[1] + (2))",
        "now(format='%H', offset=later)",
        "weighted_choice({'a': 1})",
        "random_choice(list)",
        "random_choice([1, 2] + [3])",
        "later | regex('a', group=1) | default('x')",
        "later | jsonpath('$.a[*]') | first",
        "a.now(1, 2, 3)",
    ] {
        assert!(Expr::compile(fine).is_ok(), "{fine}: {:?}", Expr::compile(fine));
    }
}
