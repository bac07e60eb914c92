//! The filter `jsonpath("$.a[*].b")` (RFC 9535). What a path may hold is bounded, so that no document makes it
//! run for long.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use minijinja::{Error, ErrorKind, State, Value};

use super::super::json::{Document, to_serde};
use super::{Compiled, LARGEST_DOCUMENT, invalid, weight};

/// Longest path in bytes.
const LONGEST: usize = 500;
/// Deepest `[` and `(` in each other: parsing tries again at each.
const MOST_LEVELS: usize = 6;
/// Most `..`: each visits all that is below all that the one before has found.
const MOST_DESCENTS: usize = 2;
/// Most selectors in one `[ ]`.
const MOST_SELECTORS: usize = 4;
/// Most `[ ]` with several selectors: each multiplies what is found.
const MOST_UNIONS: usize = 2;

thread_local! {
    static PATHS: RefCell<Compiled<Path>> = RefCell::new(Compiled::new());
}

/// A compiled path.
pub(super) struct Path {
    query: JpQuery,
    /// Names and indexes alone: there is one value, or none.
    single: bool,
}

impl Path {
    /// Whether it names one value, not a list of them.
    pub fn is_single(&self) -> bool {
        self.single
    }
}

/// `json | jsonpath("$.a[0].b")`: the value, undefined when it is not there. A path that may lead to several
/// values, such as `$.a[*].b`, gives a list. A text is read as JSON.
pub(super) fn filter(state: &State, value: Value, path: String) -> Result<Value, Error> {
    let value = match value.as_str() {
        Some(text) => {
            let read = Document::parse_copy(text.as_bytes(), LARGEST_DOCUMENT);
            read.map_err(|error| invalid(format!("jsonpath: not JSON: {}", error.reason())))?.value()
        }
        None if value.is_undefined() => return Err(ErrorKind::UndefinedError.into()),
        None => value,
    };
    weight::check(&value)?;
    let document = to_serde(&value);
    PATHS.with_borrow_mut(|paths| {
        let path = paths.get(state, &path, path_of)?;
        let found = js_path_process(&path.query, &document);
        let found = found.map_err(|_| invalid("jsonpath: the path cannot be followed"))?;
        let found: Vec<_> = found.into_iter().map(|found| found.val).collect();
        let written = as_written(&document, &value, &found);
        let mut values = found
            .into_iter()
            .map(|found| written.get(&std::ptr::from_ref(found)).cloned().unwrap_or(Value::UNDEFINED));
        Ok(match path.single {
            true => values.next().unwrap_or(Value::UNDEFINED),
            false => values.collect(),
        })
    })
}

/// What was found, each with the value it was made of: that one has its numbers as they were written.
fn as_written<'d>(
    document: &'d serde_json::Value,
    value: &Value,
    found: &[&'d serde_json::Value],
) -> HashMap<*const serde_json::Value, Value> {
    let mut wanted: HashSet<_> = found.iter().map(|found| std::ptr::from_ref(*found)).collect();
    let (mut written, mut open) = (HashMap::new(), vec![(document, value.clone())]);
    while let Some((document, value)) = open.pop() {
        match document {
            serde_json::Value::Array(items) => {
                open.extend(items.iter().zip(value.try_iter().into_iter().flatten()));
            }
            serde_json::Value::Object(members) => {
                let member = |name: &str| value.get_attr(name).unwrap_or_default();
                open.extend(members.iter().map(|(name, below)| (below, member(name))));
            }
            _ => {}
        }
        let place = std::ptr::from_ref(document);
        if wanted.remove(&place) {
            written.insert(place, value);
        }
        if wanted.is_empty() {
            break;
        }
    }
    written
}

/// A compiled path.
///
/// # Errors
/// In words, on one line.
pub(super) fn path_of(path: &str) -> Result<Path, String> {
    check_form(path).map_err(|words| format!("jsonpath: {words}"))?;
    let query = parse_json_path(path).map_err(|error| {
        let words = error.to_string();
        let column =
            words.split_once("--> 1:").map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
        let place = column.flatten().map_or(String::new(), |column| format!(" at character {column}"));
        format!("not a JSONPath{place}; write one such as \"$.items[0].id\" or \"$.items[*].id\"")
    })?;
    let is_one = |segment: &Segment| match segment {
        Segment::Selector(Selector::Name(_) | Selector::Index(_)) => true,
        Segment::Selectors(all) => matches!(all.as_slice(), [Selector::Name(_) | Selector::Index(_)]),
        _ => false,
    };
    let single = query.segments.iter().all(is_one);
    Ok(Path { query, single })
}

/// Refuses what would take too long, or is not of the standard.
fn check_form(path: &str) -> Result<(), String> {
    if !path.starts_with('$') {
        return Err("a path begins with `$`, as in \"$.items[0].id\"".to_owned());
    }
    if path.len() > LONGEST {
        return Err(format!("a path has at most {LONGEST} bytes"));
    }
    let plain = without_texts(path);
    for function in ["match", "search", "in", "nin", "none_of", "any_of", "subset_of"] {
        if calls(&plain, function) {
            return Err(format!(
                "`{function}()` is not supported; pick with a filter such as `select`, or regex_all"
            ));
        }
    }
    if plain.matches("..").count() > MOST_DESCENTS {
        return Err(format!("a path has at most {MOST_DESCENTS} `..`"));
    }
    if plain.matches('$').count() > 1 {
        return Err("`$` inside a filter is not supported; compare with a value".to_owned());
    }
    let (mut deepest, mut commas, mut unions) = (0, vec![], 0);
    for c in plain.chars() {
        match c {
            '[' | '(' => commas.push(0),
            ',' => {
                if let Some(count) = commas.last_mut() {
                    *count += 1;
                    unions += usize::from(*count == 1);
                    if *count >= MOST_SELECTORS {
                        return Err(format!("one `[ ]` has at most {MOST_SELECTORS} selectors"));
                    }
                }
            }
            ']' | ')' => drop(commas.pop()),
            _ => {}
        }
        deepest = deepest.max(commas.len());
    }
    if unions > MOST_UNIONS {
        return Err(format!("a path has at most {MOST_UNIONS} `[ ]` with several selectors"));
    }
    if deepest > MOST_LEVELS {
        return Err(format!("`[` and `(` stand in each other at most {MOST_LEVELS} deep"));
    }
    Ok(())
}

/// The path with its quoted texts emptied.
fn without_texts(path: &str) -> String {
    let (mut quote, mut escaped) = (None, false);
    let keep = |c: &char| match quote {
        Some(end) => {
            match *c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == end => quote = None,
                _ => {}
            }
            false
        }
        None => {
            if matches!(c, '"' | '\'') {
                quote = Some(*c);
            }
            true
        }
    };
    path.chars().filter(keep).collect()
}

fn calls(plain: &str, function: &str) -> bool {
    plain.match_indices(function).any(|(at, _)| {
        let before = plain[..at].chars().next_back();
        let after = plain[at + function.len()..].trim_start();
        after.starts_with('(') && !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
    })
}
