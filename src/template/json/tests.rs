//! Documents and single paths beside serde_json's tree, on texts that are JSON and on texts that nearly are.

use std::sync::Arc;

use bytes::Bytes;
use minijinja::Value;
use proptest::prelude::*;

use super::super::{EvalError, Expr, Names, Scope, to_text};
use super::*;

fn document(text: &str) -> Result<Arc<Document>, JsonError> {
    Document::parse(&Bytes::copy_from_slice(text.as_bytes()), usize::MAX)
}

fn value(text: &str) -> Value {
    document(text).unwrap_or_else(|error| panic!("{text}: {error}")).value()
}

/// The value of an expression over a text: read from the text where that is possible, and from the whole document.
fn both(text: &str, expression: &str) -> [Result<Value, EvalError>; 2] {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let whole = document(text).map(|document| document.value());
    [Answer::value(&bytes, usize::MAX), whole.unwrap_or_default()].map(|json| {
        let mut names = Names::default();
        let slot = names.add("doc");
        Expr::compile(expression).unwrap().eval(&Scope::new(Arc::new(names), &[(slot, json)]))
    })
}

fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<i128>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,6})?([eE][-+]?[0-9]{1,2})?",
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| serde_json::json!(f).to_string()),
        ".{0,8}".prop_map(|text| serde_json::json!(text).to_string()),
        Just(r#""\ud83d\ude00\u00e9\/\b\f\n\r\t""#.to_owned()),
    ]
}

/// Names that come twice, with and without escapes.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\"a\""),
        Just("\"b\""),
        Just("\"c\""),
        Just(r#""\u0061""#),
        Just("\"\""),
        Just(r#""a\"b""#)
    ]
    .prop_map(str::to_owned)
}

fn json() -> impl Strategy<Value = String> {
    let space = || prop_oneof![Just(""), Just(" "), Just("\n\t")];
    leaf().prop_recursive(4, 60, 20, move |inner| {
        let item = (space(), inner.clone(), space()).prop_map(|(a, item, b)| format!("{a}{item}{b}"));
        let member = (space(), name(), space(), item.clone())
            .prop_map(|(a, name, b, item)| format!("{a}{name}{b}:{item}"));
        prop_oneof![
            proptest::collection::vec(item, 0..20).prop_map(|all| format!("[{}]", all.join(","))),
            proptest::collection::vec(member, 0..20).prop_map(|all| format!("{{{}}}", all.join(","))),
        ]
    })
}

/// Whether a value is what serde_json reads; a number may hold more than its double.
fn agrees(value: &Value, other: &serde_json::Value) -> bool {
    use serde_json::Value as Other;
    match other {
        Other::Array(items) => {
            value.len() == Some(items.len())
                && items
                    .iter()
                    .enumerate()
                    .all(|(index, item)| agrees(&value.get_item(&Value::from(index)).unwrap(), item))
        }
        Other::Object(members) => {
            value.len() == Some(members.len())
                && value.try_iter().unwrap().all(|name| members.contains_key(name.as_str().unwrap()))
                && members.iter().all(|(name, item)| agrees(&value.get_attr(name).unwrap(), item))
        }
        Other::Number(number) => {
            to_text(value).parse::<f64>().unwrap().to_bits() == number.as_f64().unwrap().to_bits()
                || to_text(value) == number.to_string()
        }
        Other::String(text) => value.as_str() == Some(text),
        Other::Bool(truth) => *value == Value::from(*truth),
        Other::Null => value.is_none(),
    }
}

/// The parts of a text without what is between them.
fn without_space(text: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    let keep = |c: &char| {
        let keep = in_text || !c.is_ascii_whitespace();
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = in_text,
            '"' => in_text = !in_text,
            _ => {}
        }
        keep
    };
    text.chars().filter(keep).collect()
}

proptest! {
    #[test]
    fn a_document_is_what_serde_reads(text in json()) {
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        let value = value(&text);
        prop_assert!(agrees(&value, &read), "{text}\n{}", to_text(&value));
        // Written, it is its own text.
        let mut written = String::new();
        write_json(&value, &mut written);
        if value.as_str().is_none() {
            prop_assert_eq!(&written, &without_space(&text));
        }
        let mut again = String::new();
        write_json(&compact(value), &mut again);
        prop_assert_eq!(again, written);
    }

    #[test]
    fn a_path_leads_where_it_leads_in_the_document(
        text in json(),
        path in proptest::collection::vec(prop_oneof![
            Just(".a"), Just(".b"), Just(".c"), Just("[0]"), Just("[1]"), Just("[3]"), Just("[-1]"), Just("['a']"),
        ], 1..5),
    ) {
        let path = format!("doc{}", path.concat());
        let [from_text, from_document] = both(&text, &path);
        match (from_text, from_document) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(a.is_undefined(), b.is_undefined(), "{} {}", text, path);
                prop_assert_eq!(to_text(&a), to_text(&b), "{} {}", text, path);
            }
            // Both are missing.
            (Ok(a), Err(EvalError::Undefined(_))) => prop_assert!(a.is_undefined(), "{text} {path}"),
            (Err(EvalError::Undefined(_)), Err(EvalError::Undefined(_))) => {}
            (a, b) => prop_assert!(false, "{text} {path}: {a:?} {b:?}"),
        }
    }

    #[test]
    fn what_is_not_json_is_refused_alike(text in json(), at in any::<prop::sample::Index>(), with in "[\\[\\]{},:\"\\\\0-9eE.+a -]") {
        let place = at.index(text.len() + 1);
        prop_assume!(text.is_char_boundary(place));
        for damaged in [format!("{}{with}{}", &text[..place], &text[place..]), text[..place].to_owned()] {
            let is_json = match serde_json::from_str::<serde_json::Value>(&damaged) {
                Ok(_) => true,
                // Which we take: a number beyond a double, and half a surrogate pair.
                Err(error) if error.to_string().contains("out of range") => continue,
                Err(error) if error.to_string().contains("surrogate") || error.to_string().contains("hex escape") => continue,
                Err(_) => false,
            };
            prop_assert_eq!(document(&damaged).is_ok(), is_json, "{}", damaged);
            let bytes = Bytes::copy_from_slice(damaged.as_bytes());
            let answer = Answer::value(&bytes, usize::MAX);
            let answer = answer.downcast_object_ref::<Answer>().unwrap();
            prop_assert_eq!(answer.follow(&[Key::Name("a".into())]).is_ok(), is_json, "{}", damaged);
        }
    }
}

#[test]
fn the_last_of_the_same_names_is_the_value_and_all_are_the_text() {
    let many: String = (0..40).map(|number| format!("\"k{number}\":{number},")).collect();
    for text in [r#"{"a":1,"b":5,"a":2}"#.to_owned(), format!(r#"{{{many}"a":1,"b":5,{many}"\u0061":2}}"#)] {
        let value = value(&text);
        let length = value.len().unwrap();
        assert_eq!(value.try_iter().unwrap().count(), length);
        assert!(length == 2 || length == 42);
        assert_eq!(value.get_attr("a").unwrap(), Value::from(2));
        assert_eq!(value.get_attr("b").unwrap(), Value::from(5));
        assert!(value.get_attr("gone").unwrap().is_undefined());
        assert_eq!(to_text(&value), text);
        for (found, path) in both(&text, "doc.a").into_iter().zip(["text", "document"]) {
            assert_eq!(found, Ok(Value::from(2)), "{path}");
        }
    }
    assert_eq!(both(r#"{"a":{"b":1},"a":{}}"#, "doc.a.b"), [Ok(Value::UNDEFINED), Ok(Value::UNDEFINED)]);
    assert_eq!(both(r#"{"a":7,"a":{"b":1}}"#, "doc.a.b"), [Ok(Value::from(1)), Ok(Value::from(1))]);
}

#[test]
fn hostile_texts_end_as_errors() {
    for (text, words) in [
        ("[".repeat(100_000), "nest deeper than 128 levels at line 1 column 129"),
        ("{\"a\":".repeat(100_000), "nest deeper than 128 levels"),
        (String::new(), "it ends where a value is expected"),
        ("{\"a\":1".to_owned(), "it ends in the middle of a value"),
        ("{\"a\":1} x".to_owned(), "more follows the value at line 1 column 9"),
        ("[1,]".to_owned(), "expected a value"),
        ("{\"a\" 1}".to_owned(), "expected `:`"),
        ("{a:1}".to_owned(), "expected a name in quotes"),
        ("[\n01]".to_owned(), "expected `,` or `]` at line 2 column 2"),
        ("[\"\u{1}\"]".to_owned(), "a control character"),
        ("\"\\u12".to_owned(), "`\\u` needs four"),
        ("<html>".to_owned(), "expected a value at line 1 column 1"),
    ] {
        let error = document(&text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(document(&format!("{}1{}", "[".repeat(128), "]".repeat(128))).is_ok());
    let utf16 = Bytes::from_static(b"\xff\xfe{\0}\0");
    assert!(Document::parse(&utf16, usize::MAX).unwrap_err().to_string().contains("UTF-16"));
    // Half a pair is no text; the rest is.
    assert_eq!(to_text(&value(r#"["\ud83d", 1]"#).get_item(&Value::from(0)).unwrap()), "\u{fffd}");
    assert_eq!(value("\u{feff}5"), Value::from(5));
    assert_eq!(both("\u{feff}{\"a\":5}", "doc.a"), [Ok(Value::from(5)), Ok(Value::from(5))]);
}

#[test]
fn a_document_takes_no_more_than_allowed() {
    for unit in ["[],", "{},", "1,", "\"\",", "[[[[]]]],", "{\"a\":1},", "1.5,"] {
        let text = format!("[{}0]", unit.repeat(200_000 / unit.len()));
        let document = document(&text).unwrap();
        assert!(document.bytes() <= 6 * text.len() + 100, "{unit}: {}", document.bytes());
        let small = Document::parse(&Bytes::from(text.clone()), text.len() / 2);
        assert_eq!(small.unwrap_err(), JsonError::TooLarge(text.len() / 2), "{unit}");
        // One path needs none of it.
        let answer = Answer::value(&Bytes::from(text), 100);
        let answer = answer.downcast_object_ref::<Answer>().unwrap();
        for _ in 0..10 {
            assert!(answer.follow(&[Key::Index(0)]).is_ok(), "{unit}");
        }
    }
}

#[test]
fn what_is_remembered_holds_nothing_of_the_rest() {
    let text = format!(r#"{{"big": "{}", "small": {{"a": [1.10, 2]}}}}"#, "x".repeat(100_000));
    let small = compact(value(&text).get_attr("small").unwrap());
    assert!(memory_of(&small) < 200, "{}", memory_of(&small));
    assert_eq!(to_text(&small), r#"{"a":[1.10,2]}"#);
    let list: Value = [value("1.10"), value("[2.50]")].into_iter().collect();
    assert_eq!(to_text(&compact(list)), "[1.10,[2.50]]");
}
