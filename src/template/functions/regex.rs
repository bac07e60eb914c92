//! Filters that search a text with a regular expression. Each pattern is compiled once a thread.

use std::cell::RefCell;

use ::regex::{Captures, Regex, RegexBuilder};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, State, Value};

use super::{Compiled, either, invalid, text_of};

/// Most matches of `regex_all`.
const MOST_MATCHES: usize = 10_000;

thread_local! {
    static PATTERNS: RefCell<Compiled<Regex>> = RefCell::new(Compiled::new());
}

pub(super) fn install(env: &mut Environment<'static>) {
    env.add_filter("regex", regex_filter);
    env.add_filter("regex_all", regex_all);
}

/// `text | regex("pattern")`: the group asked for, else the first group, or the whole match; undefined without one.
fn regex_filter(
    state: &State,
    text: Value,
    pattern: String,
    group: Option<Value>,
    named: Kwargs,
) -> Result<Value, Error> {
    search(state, &text, &pattern, group, &named, |text, regex, group| {
        Ok(regex.captures(text).map_or(Value::UNDEFINED, |found| group.of_match(&found)))
    })
}

/// The same of every match, in a list.
fn regex_all(
    state: &State,
    text: Value,
    pattern: String,
    group: Option<Value>,
    named: Kwargs,
) -> Result<Value, Error> {
    search(state, &text, &pattern, group, &named, |text, regex, group| {
        let mut all = vec![];
        for found in regex.captures_iter(text) {
            if all.len() == MOST_MATCHES {
                return Err(invalid(format!("regex_all: more than {MOST_MATCHES} matches")));
            }
            let value = group.of_match(&found);
            all.push(if value.is_undefined() { Value::from(()) } else { value });
        }
        Ok(Value::from(all))
    })
}

/// Reads the arguments both filters take.
fn search(
    state: &State,
    text: &Value,
    pattern: &str,
    group: Option<Value>,
    named: &Kwargs,
    work: impl FnOnce(&str, &Regex, Group) -> Result<Value, Error>,
) -> Result<Value, Error> {
    let group = either(group, named, "group")?;
    named.assert_all_used()?;
    let text = text_of(text)?;
    PATTERNS.with_borrow_mut(|patterns| {
        let regex = patterns.get(state, pattern, regex_of)?;
        work(&text, regex, Group::of(group.as_ref(), regex)?)
    })
}

/// Which part of a match is wanted, by its number.
struct Group(usize);

impl Group {
    fn of(wanted: Option<&Value>, regex: &Regex) -> Result<Self, Error> {
        let Some(wanted) = wanted else { return Ok(Self(usize::from(regex.captures_len() > 1))) };
        let number = match wanted.as_str() {
            Some(name) => regex.capture_names().position(|known| known == Some(name)),
            None => wanted.as_usize().filter(|number| *number < regex.captures_len()),
        };
        number.map(Self).ok_or_else(|| {
            let groups = regex.captures_len() - 1;
            invalid(format!("the pattern has no group {wanted}, but {groups} and the whole match, 0"))
        })
    }

    fn of_match(&self, found: &Captures<'_>) -> Value {
        found.get(self.0).map_or(Value::UNDEFINED, |part| Value::from(part.as_str()))
    }
}

/// A compiled pattern.
///
/// # Errors
/// In words, on one line, when it is none.
pub(super) fn regex_of(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|error| {
        let text = error.to_string();
        let last = text.lines().next_back().unwrap_or_default();
        format!("not a regular expression: {}", last.strip_prefix("error: ").unwrap_or(last))
    })
}
