//! Built-in functions and filters. Random ones draw from the user's own generator, so that a seed repeats a
//! run whatever the number of threads.

use std::cell::RefCell;
use std::collections::HashMap;

use base64::Engine as _;
use minijinja::{Environment, Error, ErrorKind, Value};
use rand::{RngExt as _, SeedableRng as _};

/// The generator of picks, rows and random values: small, fast and the same on every release of `rand`.
pub type Rng = rand_xoshiro::Xoshiro256PlusPlus;

/// Names of the functions a template can call.
pub const FUNCTIONS: &[&str] =
    &["uuid", "now", "random_int", "random_choice", "random_string", "range", "dict", "namespace"];

thread_local! {
    /// The generator of the user whose template is being rendered on this thread.
    static CURRENT: RefCell<Rng> = RefCell::new(Rng::seed_from_u64(0));
    /// Patterns this thread has compiled: that costs far more than a search.
    static PATTERNS: RefCell<HashMap<String, regex::Regex>> = RefCell::default();
}

/// Runs `work` with `rng` as the generator of random functions on this thread.
pub fn with_rng<T>(rng: &mut Rng, work: impl FnOnce() -> T) -> T {
    CURRENT.with(|current| std::mem::swap(&mut *current.borrow_mut(), rng));
    let done = work();
    CURRENT.with(|current| std::mem::swap(&mut *current.borrow_mut(), rng));
    done
}

fn draw<T>(take: impl FnOnce(&mut Rng) -> T) -> T {
    CURRENT.with(|current| take(&mut current.borrow_mut()))
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

pub(super) fn install(env: &mut Environment<'static>) {
    env.add_function("uuid", || {
        let bytes = draw(|rng| rng.random::<[u8; 16]>());
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    });
    env.add_function("now", || jiff::Timestamp::now().to_string());
    env.add_function("random_int", random_int);
    env.add_function("random_choice", random_choice);
    env.add_function("random_string", random_string);
    env.add_filter("tojson", |value: Value| {
        let mut out = String::new();
        super::write_json(&value, &mut out);
        Value::from_safe_string(out)
    });
    env.add_filter("b64encode", |text: String| base64::engine::general_purpose::STANDARD.encode(text));
    env.add_filter("regex", regex_filter);
}

fn random_int(from: i64, to: i64) -> Result<i64, Error> {
    if from > to {
        return Err(invalid(format!("random_int({from}, {to}): the first number must not be larger")));
    }
    Ok(draw(|rng| rng.random_range(from..=to)))
}

fn random_choice(list: Value) -> Result<Value, Error> {
    match list.len() {
        None | Some(0) => Err(invalid("random_choice needs a list with at least one entry")),
        Some(len) => {
            let index = draw(|rng| rng.random_range(0..len));
            if list.kind() == minijinja::value::ValueKind::Seq {
                return list.get_item_by_index(index);
            }
            list.try_iter()?.nth(index).ok_or_else(|| invalid("random_choice needs a list"))
        }
    }
}

/// Lower-case letters and digits from the generator of [`with_rng`].
pub fn random_letters(length: usize) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    draw(|rng| (0..length).map(|_| LETTERS[rng.random_range(0..LETTERS.len())] as char).collect())
}

fn random_string(length: u32) -> Result<String, Error> {
    const LONGEST: u32 = 1 << 20;
    if length > LONGEST {
        return Err(invalid(format!("random_string({length}): at most {LONGEST}")));
    }
    Ok(random_letters(length as usize))
}

/// `text | regex("pattern")`: the first group, or the whole match; undefined without one.
fn regex_filter(text: String, pattern: String) -> Result<Value, Error> {
    /// A plan has a few patterns; one that makes them up from data must not fill the memory.
    const MOST: usize = 64;
    PATTERNS.with_borrow_mut(|patterns| {
        if !patterns.contains_key(&pattern) {
            let regex = regex_of(&pattern).map_err(invalid)?;
            if patterns.len() >= MOST {
                patterns.clear();
            }
            patterns.insert(pattern.clone(), regex);
        }
        let found = patterns.get(&pattern).and_then(|regex| regex.captures(&text));
        let found = found.and_then(|found| found.get(1).or_else(|| found.get(0)));
        Ok(found.map_or(Value::UNDEFINED, |m| Value::from(m.as_str())))
    })
}

/// A compiled pattern.
///
/// # Errors
/// In words, on one line, when it is none.
pub(super) fn regex_of(pattern: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|error| {
        let text = error.to_string();
        let last = text.lines().next_back().unwrap_or_default();
        format!("not a regular expression: {}", last.strip_prefix("error: ").unwrap_or(last))
    })
}
