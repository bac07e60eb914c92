//! Guards: code is given to minijinja with calls woven in that weigh a value before something walks all of it.
//!
//! minijinja counts steps and the bytes of texts, but not what it costs to compare a list, to make a text of it or
//! to take it apart; and lists can be repeated, joined and nested without taking memory. So `a ~ b` becomes
//! `__short(a) ~ __short(b)`. What a value is does not change, but for two things: a value that is missing is an error
//! wherever it is compared, calculated with, tested or filtered; and a number that keeps its text (`1.10`) is a plain
//! number there. Views come out as values of their own (see `flat`). Must not know what the code is for.

mod reader;
#[cfg(test)]
mod tests;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::flat;
use super::functions::invalid;
use super::functions::weight::{self, Weight};
use super::json::{Container, plain, plain_number};
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

/// What must be there: only `is defined`, `is undefined` and `default()` look at what is not.
const THERE: &str = "__there";
/// What is calculated with: must be there, and a number is a plain one, without its text.
const NUMBER: &str = "__number";
/// What is compared or searched: must be there, and all numbers in it are plain ones.
const PLAIN: &str = "__plain";

/// Names that code cannot use itself.
pub(super) const RESERVED: [&str; 7] = [WEIGHED, SHORT, KEPT, CUT, THERE, NUMBER, PLAIN];

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
    env.add_function(THERE, there);
    env.add_function(NUMBER, |value: Value| {
        let value = there(value)?;
        Ok::<_, Error>(plain_number(&value).unwrap_or(value))
    });
    env.add_function(PLAIN, |state: &State, value: Value| {
        let value = there(value)?;
        if is_container(&value) && value.downcast_object_ref::<Container>().is_none() {
            weigh(state, &value, usize::MAX)?;
        }
        Ok::<_, Error>(plain(&value).unwrap_or(value))
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

fn there(value: Value) -> Result<Value, Error> {
    match value.is_undefined() {
        true => Err(ErrorKind::UndefinedError.into()),
        false => Ok(value),
    }
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
