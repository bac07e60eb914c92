//! Body templates of several files made by the grammar, over hostile values: no panic, no overflow, bounded time and
//! memory, mistakes shown at their place, a value never rendered as a template. The seed is fixed; `PROPTEST_CASES`
//! asks for more cases.
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

mod fuzz;

use std::path::Path;

use fuzz::grammar::template;
use fuzz::values::{self, COMPUTED};
use fuzz::{bounded, run};
use plimsoll::compile::model::{CompiledPlan, Entry};
use plimsoll::compile::{Purpose, ROOT_MARK, compile};
use plimsoll::diagnostic::{Source, render_all};
use plimsoll::plan::load::{Overrides, load_str};
use plimsoll::plan::parse::Format;
use plimsoll::template::{Rng, Scope, UserNumbers, with_rng};
use rand::SeedableRng as _;

/// Cases when nothing else is asked for.
const CASES: u32 = 1_500;

const FILES: [&str; 4] = ["main.j2", "a.j2", "sub/b.j2", "templates/c.j2"];

/// What any of the files may say of the others.
const NAMES_OF_FILES: [&str; 14] = [
    "{% include 'a.j2' %}",
    "{% include 'sub/b.j2' %}",
    "{% include 'b.j2' %}",
    "{% include 'c.j2' %}",
    "{% include ['no.j2', 'c.j2'] %}",
    "{% include 'no.j2' ignore missing %}",
    "{% include '../../etc/passwd' %}",
    "{% include marker %}",
    "{% import 'c.j2' as m %}{{ m.m(1) }}",
    "{% from 'a.j2' import m %}{{ m(marker) }}",
    "{% from 'c.j2' import m as g %}",
    "{% extends 'c.j2' %}",
    "{% for x in list %}{% include 'c.j2' %}{% endfor %}",
    "{% block x %}{% include 'c.j2' %}{% endblock %}",
];

fn plan() -> String {
    let captured: Vec<_> = values::NAMES.iter().filter(|name| **name != "user").collect();
    let captured: Vec<_> = captured.iter().map(|name| format!("{name}: json.{name}")).collect();
    format!(
        "plan: 1\ntarget: http://127.0.0.1:1\nsecrets: {{ password: {{ env: FUZZED_PASSWORD, default: hidden }} }}\nendpoints:\n  it: {{ request: POST /, template: main.j2 }}\n  \
         all: {{ request: GET /, capture: {{ {} }} }}\n",
        captured.join(", ")
    )
}

/// The body that the files give, and the messages about them.
fn body(folder: &Path) -> (Option<String>, String) {
    let source = Source { name: "plan.yaml".into(), dir: folder.into(), text: plan() };
    let loaded = load_str(Format::Yaml, source, &Overrides::default());
    let mut found = loaded.diagnostics.clone();
    assert!(!found.has_errors(), "{}", render_all(&found, &loaded.sources, false));
    let compiled = compile(&loaded, &folder.join("plan.yaml"), None, Purpose::Check, &mut found);
    assert_eq!(compiled.is_none(), found.has_errors());
    let shown = render_all(&found, &loaded.sources, false);
    (compiled.and_then(|plan| rendered(&plan)), shown)
}

fn rendered(plan: &CompiledPlan) -> Option<String> {
    let Entry::Endpoint(request) = &plan.scenarios[0].entries[0] else { panic!("an endpoint") };
    let mut slots = plan.initial.clone();
    slots.extend(values::all().into_iter().filter_map(|(name, value)| Some((plan.names.get(name)?, value))));
    slots.push((plan.user, minijinja::Value::from_dyn_object(UserNumbers::new(0))));
    let scope = Scope::new(plan.names.clone(), &slots);
    let body = with_rng(&mut Rng::seed_from_u64(1), || request.body.render(&scope));
    match body {
        Ok(bytes) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
        Err(error) => {
            assert!(!error.to_string().contains(COMPUTED));
            None
        }
    }
}

fn check(files: &[String]) -> (Option<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join(ROOT_MARK), "").unwrap();
    for (name, text) in FILES.iter().zip(files) {
        let file = path.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let (body, shown) = bounded(files, || body(path));
    // It may stand in a file, for `31337 * 31337` is no part of the grammar.
    assert!(!body.as_deref().unwrap_or_default().contains(COMPUTED), "a value was a template: {files:?}");
    assert!(!shown.contains("cannot be checked"), "{files:?}\n{shown}");
    (body, shown)
}

#[test]
fn templates_are_bounded() {
    let files = proptest::collection::vec(template(&NAMES_OF_FILES), FILES.len());
    run(CASES, &files, |files| drop(check(&files)));
}

/// What has been found, or was feared: all of these are refused, some before the run.
#[test]
fn known_templates_are_refused() {
    let many = |count: usize, text: &str| text.repeat(count);
    for main in [
        "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}".to_owned(),
        "{% macro m(x) %}{{ n(x) }}{% endmacro %}{% macro n(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}".to_owned(),
        "{% macro m() %}{% call m() %}x{% endcall %}{% endmacro %}{{ m() }}".to_owned(),
        "{% block x %}{{ self.x() }}{% endblock %}".to_owned(),
        "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}".to_owned(),
        "{% set ns = namespace() %}{% set ns.x = ns %}".to_owned(),
        "{% set ns = namespace() %}{% set ns.x = [[ns]] %}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for i in range(2000) %}{% set ns.x = [ns.x] %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}".to_owned(),
        "{% set ns = namespace(x='x') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}".to_owned(),
        "{% set a, b = list * 10 ** 5 %}".to_owned(),
        "{% for a, b in [list * 10 ** 5] %}{% endfor %}".to_owned(),
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}".to_owned(),
        "{% filter indent(10 ** 9) %}a\nb{% endfilter %}".to_owned(),
        "{% filter replace('', 'xxxxxxxxxxxxxxxx') | replace('', 'xxxxxxxxxxxxxxxx') | replace('', 'xxxxxxxxxxxxxx') | replace('', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxx') %}aaaaaaaa{% endfilter %}".to_owned(),
        "{% macro m(x) %}{{ m([[[[[[[[[[x]]]]]]]]]]) }}{% endmacro %}{{ m(1) }}".to_owned(),
        "{{ list * 10 ** 5 ~ 'x' }}".to_owned(),
        "{% include 'main.j2' %}".to_owned(),
        "{% include 'a.j2' %}".to_owned(),
        format!("{}{{{{ list * 10 ** 5 ~ '' }}}}", many(20_000, "{{ number }}")),
        many(200, "{% for x in [[1]] %}"),
        many(140, "{% if yes %}"),
    ] {
        let files = [main, "{% extends 'c.j2' %}".to_owned(), String::new(), "{% include 'a.j2' %}".to_owned()];
        let (body, shown) = check(&files);
        assert_eq!(body, None, "{:?} gave a body; {shown}", &files[0][..files[0].len().min(200)]);
    }
}

/// Values that are computed only when somebody walks through them, and work that is paid by the length of a text: with
/// each round of a loop they must not take longer. 3 s of an unoptimized build are some 0.2 s of a release.
#[test]
fn known_templates_take_little_time() {
    let rounds = |start: &str, code: &str| {
        format!(
            "{{% set ns = namespace({start}) %}}{{% for i in range(12000) %}}{{% set {code} %}}{{% endfor %}}x"
        )
    };
    let long = |text: &str, code: &str| {
        format!("{{% set s = '{text}' * 1400000 %}}{{% for i in range(9000) %}}{code}{{% endfor %}}x")
    };
    let made_up = |code: &str| format!("{{% for i in range(9000) %}}{{% set x = {code} %}}{{% endfor %}}x");
    for main in [
        rounds("a=[1]", "ns.a = ns.a[0:]"),
        rounds("a=[1, 2, 3]", "ns.a = ns.a[::-1]"),
        rounds("a=[1]", "ns.a = ns.a | reverse"),
        rounds("a=[1]", "ns.a = ns.a + [1]"),
        rounds("a=[1]", "ns.a = [] + ns.a"),
        rounds("a=[1]", "ns.a = [] | chain(ns.a)"),
        rounds("a=[1]", "ns.a = ns.a | zip(ns.a) | list"),
        rounds("a=[1]", "ns.a = {'k': ns.a[0:]}.k"),
        rounds("a=[[1]]", "ns.a = [ns.a[0][0:]]"),
        rounds("a={'k': [1]}", "ns.a = {'k': ns.a.k[0:]}"),
        rounds("a={'k': 1}", "ns.a = dict(ns.a, x=1)"),
        rounds("a={'k': 1}", "ns.a = ns.a | chain({'x': 1})"),
        rounds("a={'k': {'l': 1}}", "ns.a = {'k': ns.a.k | chain({'x': 1})}"),
        rounds("a={'k': 1}", "ns.a = ns.a | items | list"),
        rounds("a=[1]", "ns.a = ns.a | map('string') | select | list"),
        format!("{{% set a = [1] %}}{}x", "{% set a = a[0:] %}".repeat(12_000)),
        format!("{{% set a = {{}} %}}{}x", "{% set a = dict(a, x=1) %}".repeat(4_000)),
        "{% macro m(x) %}{{ x | length }}{{ m(x[0:]) }}{% endmacro %}{{ m([1]) }}".to_owned(),
        format!(
            "{{% set x = (range(40000) | list){} %}}{{% for i in range(40) %}}{{{{ x | length }}}}{{% endfor %}}",
            "[0:]".repeat(90)
        ),
        long("ä", "{% set x = s[5:6] %}"),
        long("a", "{% set x = s[5:6] %}"),
        long("ä", "{% set x = s[::2] %}"),
        long("ä", "{% for c in s %}{% break %}{% endfor %}"),
        long("ä", "{% set x = s[1000000] %}"),
        long("ä", "{% set x = s == s ~ '' %}"),
        long("ä", "{% if s %}{% endif %}{% set x = [s] %}"),
        made_up("'a' | regex('a{' ~ (i % 500) ~ '}b{300}' ~ i)"),
        made_up("'a' | regex('(' ~ i ~ '[a-z]{1000}){1000}')"),
        made_up("'<a>' | css('a.b' ~ i ~ ' > c')"),
        made_up("[1] | jsonpath('$.a' ~ i)"),
        made_up("'%999999d' | format(1)"),
        made_up("range(9000) | list | sort | unique | list"),
    ] {
        let shown = main[..main.floor_char_boundary(160)].to_owned();
        let files = [main, String::new(), String::new(), String::new()];
        let before = fuzz::cpu_time();
        check(&files);
        if let (Some(before), Some(after)) = (before, fuzz::cpu_time()) {
            assert!(after - before < std::time::Duration::from_secs(3), "{:?}: {shown}", after - before);
        }
    }
}
