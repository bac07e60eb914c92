//! Plans as trees of values: read from either format, and written in either with the order of keys kept. Knows no key of
//! a plan.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use plimsoll::diagnostic::FileId;
use plimsoll::plan::parse::Format;
use serde_json::{Map, Value};

/// Plans below a folder of the repository, without those that are only parts of others.
pub fn plans_below(folder: &str) -> Vec<PathBuf> {
    let (mut all, mut folders) = (vec![], vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true if path.ends_with("parts") => {}
                true => folders.push(path),
                false if Format::of_path(&path).is_some() => all.push(path),
                false => {}
            }
        }
    }
    all.sort();
    all
}

/// The tree of a text without problems.
pub fn read(format: Format, text: &str) -> Value {
    let (node, problems) = format.parse(text, FileId(0));
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    node.unwrap().to_json()
}

/// The tree with a text in the place of each null, which TOML cannot say, and where they stood.
pub fn without_nulls(mut value: Value) -> (Value, Vec<String>) {
    fn replace(value: &mut Value, at: &str, nulls: &mut Vec<String>) {
        match value {
            Value::Null => {
                nulls.push(at.to_owned());
                *value = "nothing".into();
            }
            Value::Array(items) => items.iter_mut().for_each(|item| replace(item, at, nulls)),
            Value::Object(map) => {
                map.iter_mut().for_each(|(key, item)| replace(item, &format!("{at}/{key}"), nulls));
            }
            _ => {}
        }
    }
    let mut nulls = vec![];
    replace(&mut value, "", &mut nulls);
    (value, nulls)
}

/// The text of a tree.
pub fn write(format: Format, value: &Value) -> String {
    let mut out = String::new();
    match (format, value) {
        (Format::Yaml, value) => yaml(value, 0, &mut out),
        (Format::Toml, Value::Object(map)) => toml_table(map, "", &mut out),
        (Format::Toml, _) => panic!("not a table: {value}"),
    }
    out
}

/// In quotes that both formats read: their escapes are JSON's.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap();
    json.chars().fold(String::new(), |mut out, c| {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{feff}' => write!(out, "\\u{:04X}", c as u32).unwrap(),
            c => out.push(c),
        }
        out
    })
}

fn yaml(value: &Value, indent: usize, out: &mut String) {
    let below = |value: &Value, out: &mut String| match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            yaml(value, indent + 2, out);
        }
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            yaml(value, indent + 2, out);
        }
        Value::String(text) => writeln!(out, " {}", quoted(text)).unwrap(),
        // `[]`, `{}`, numbers, truth values and null are written as in JSON.
        other => writeln!(out, " {other}").unwrap(),
    };
    match value {
        Value::Array(items) => items.iter().for_each(|item| {
            write!(out, "{:indent$}-", "").unwrap();
            below(item, out);
        }),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            write!(out, "{:indent$}{}:", "", quoted(key)).unwrap();
            below(item, out);
        }),
        other => panic!("neither a map nor a list: {other}"),
    }
}

/// Whether it is written under headers: `[x]`, or `[[x]]` for each item.
fn has_header(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_object),
        value => value.as_object().is_some_and(|map| !map.is_empty()),
    }
}

/// A table: what has no header comes first. At the top, where order means nothing, that is all such keys; below, only what
/// stands behind the last of them gets headers, so that the order is kept.
fn toml_table(map: &Map<String, Value>, path: &str, out: &mut String) {
    let (plain, tables): (Vec<_>, Vec<_>) = match path {
        "" => map.iter().partition(|(_, value)| !has_header(value)),
        _ => {
            let first = map.values().rposition(|value| !has_header(value)).map_or(0, |last| last + 1);
            let (plain, tables) = map.iter().enumerate().partition::<Vec<_>, _>(|(at, _)| *at < first);
            let entries = |all: Vec<(usize, (_, _))>| all.into_iter().map(|(_, entry)| entry).collect();
            (entries(plain), entries(tables))
        }
    };
    for (key, value) in plain {
        writeln!(out, "{} = {}", toml_key(key), toml_value(value)).unwrap();
    }
    for (key, value) in tables {
        let path = if path.is_empty() { toml_key(key) } else { format!("{path}.{}", toml_key(key)) };
        match value {
            Value::Array(items) => items.iter().filter_map(Value::as_object).for_each(|item| {
                writeln!(out, "\n[[{path}]]").unwrap();
                toml_table(item, &path, out);
            }),
            value => value.as_object().into_iter().for_each(|item| {
                writeln!(out, "\n[{path}]").unwrap();
                toml_table(item, &path, out);
            }),
        }
    }
}

fn toml_key(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !key.is_empty() && key.chars().all(is_bare) {
        true => key.to_owned(),
        false => quoted(key),
    }
}

fn toml_value(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entry =
                |(key, value): (&String, &Value)| format!("{} = {}", toml_key(key), toml_value(value));
            format!("{{ {} }}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Null => panic!("TOML has no null"),
        other => other.to_string(),
    }
}
