//! Values as a hostile server, data file or environment may give them.

use std::sync::Arc;

use minijinja::Value;
use plimsoll::template::{Names, Scope, UserNumbers};

/// What must never be computed: the value of the text [`MARKER`], were it a template.
pub const COMPUTED: &str = "982007569";
/// A text that is a template.
pub const MARKER: &str = "{{ 31337 * 31337 }}{% set x = 31337 * 31337 %}{{ x }}{{ secrets.password }}";

/// Names of values, in any template.
pub const NAMES: [&str; 24] = [
    "crlf", "marker", "nul", "bidi", "long", "empty", "number", "negative", "huge", "wide", "nan",
    "infinite", "tiny", "yes", "nothing", "list", "texts", "pairs", "deep", "map", "nested", "keys", "later",
    "user",
];

/// The values; `later` has none.
pub fn all() -> Vec<(&'static str, Value)> {
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    let nested = format!("{}1{}", "{\"a\":[".repeat(50), "]}".repeat(50));
    vec![
        ("crlf", "a\r\nset-cookie: evil=1\r\n\r\nGET /evil HTTP/1.1\r\n\r\n".into()),
        ("marker", MARKER.into()),
        ("nul", "\0\u{1}\u{7f}".into()),
        ("bidi", "\u{202e}日本語👩‍👩‍👧\u{feff}ß\u{130}".into()),
        ("long", "äb\n".repeat(20_000).into()),
        ("empty", "".into()),
        ("number", 7.into()),
        ("negative", (-3).into()),
        ("huge", i64::MAX.into()),
        ("wide", u128::MAX.into()),
        ("nan", f64::NAN.into()),
        ("infinite", f64::INFINITY.into()),
        ("tiny", 5e-324.into()),
        ("yes", true.into()),
        ("nothing", ().into()),
        ("list", Value::from_iter(0..1_000)),
        ("texts", Value::from(vec!["b", "a", "", MARKER, "{% raw %}", "}}"])),
        ("pairs", json(r#"[["a", 1], ["b", 2], {"a": 1}, [null]]"#)),
        ("deep", json(&deep)),
        (
            "map",
            json(r#"{"a": 1, "b": "{{ a }}", "": null, "a.b": [], "status": {"code": 200}, "1": "\r\n"}"#),
        ),
        ("nested", json(&nested)),
        ("keys", Value::from_iter((0..500).map(|i| (format!("k{i}"), i)))),
    ]
}

/// A scope with them.
pub fn scope() -> Arc<Scope> {
    let mut names = Names::default();
    let mut slots: Vec<_> = all().into_iter().map(|(name, value)| (names.add(name), value)).collect();
    slots.push((names.add("user"), Value::from_dyn_object(UserNumbers::new(0))));
    names.add("later");
    Scope::new(Arc::new(names), &slots)
}
