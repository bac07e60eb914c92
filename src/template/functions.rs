//! Built-in functions and filters. Random ones draw from the user's own generator, so that a seed repeats a
//! run whatever the number of threads. Must not know what a plan or a request is.

mod css;
mod digest;
mod fake;
mod files;
mod jsonpath;
mod now;
mod random;
pub use random::random_letters;
mod regex;
mod selector;
pub(super) mod signature;
pub(super) mod weight;

#[cfg(test)]
mod tests;

pub use files::{FILES, Files};

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use minijinja::value::{ArgType, Kwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use rand::SeedableRng as _;

use super::UserNumbers;
use super::json::Document;

/// The generator of picks, rows and random values: small, fast and the same on every release of `rand`.
pub type Rng = rand_xoshiro::Xoshiro256PlusPlus;

/// Names of the functions a template can call.
pub const FUNCTIONS: &[&str] = &[
    "uuid",
    "now",
    "counter",
    "file",
    "random_int",
    "random_float",
    "random_choice",
    "random_string",
    "weighted_choice",
    "zipf",
    "range",
    "dict",
    "namespace",
    "fake.name",
    "fake.first_name",
    "fake.last_name",
    "fake.username",
    "fake.email",
    "fake.password",
    "fake.word",
    "fake.sentence",
    "fake.paragraph",
    "fake.company",
    "fake.job",
    "fake.phone",
    "fake.street",
    "fake.city",
    "fake.state",
    "fake.postcode",
    "fake.country",
    "fake.country_code",
    "fake.address",
    "fake.ipv4",
    "fake.ipv6",
    "fake.domain",
    "fake.url",
    "fake.user_agent",
    "fake.date",
];

/// Names of plimsoll's own filters.
pub const FILTERS: &[&str] = &[
    "b64encode",
    "b64decode",
    "b64urlencode",
    "b64urldecode",
    "md5",
    "sha1",
    "sha256",
    "sha512",
    "hmac",
    "regex",
    "regex_all",
    "jsonpath",
    "css",
    "css_all",
    "fromjson",
    "tojson",
];

/// Whether a name is a function's, or what functions hang on (`fake`).
pub fn is_function(name: &str) -> bool {
    name == fake::ROOT || FUNCTIONS.contains(&name)
}

/// Most memory of what `fromjson` reads, beside the text, bytes.
const LARGEST_DOCUMENT: usize = 64 << 20;

thread_local! {
    /// The generator of the user whose template is being rendered on this thread.
    static CURRENT: RefCell<Rng> = RefCell::new(Rng::seed_from_u64(0));
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

pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

pub(super) fn install(env: &mut Environment<'static>) {
    env.add_function("counter", counter);
    env.add_function("file", files::file);
    env.add_function("now", now::now);
    random::install(env);
    fake::install(env);
    digest::install(env);
    regex::install(env);
    css::install(env);
    env.add_filter("jsonpath", jsonpath::filter);
    env.add_filter("tojson", |value: Value| -> Result<Value, Error> {
        weight::check(&value)?;
        let mut out = String::new();
        super::write_json(&value, &mut out);
        Ok(Value::from_safe_string(out))
    });
    env.add_filter("fromjson", |text: Value| -> Result<Value, Error> {
        let text = text_of(&text)?;
        let document = Document::parse_copy(text.as_bytes(), LARGEST_DOCUMENT);
        let document = document.map_err(|error| invalid(format!("fromjson: not JSON: {}", error.reason())));
        Ok(document?.value())
    });
}

/// `counter()`, `counter("name")`: 1, 2, 3 … of this user.
fn counter(state: &State, name: Option<String>) -> Result<u64, Error> {
    let user = state.lookup("user");
    let numbers = user.as_ref().and_then(|user| user.downcast_object_ref::<UserNumbers>());
    let numbers = numbers.ok_or_else(|| invalid("counter() counts for a user, and there is none here"))?;
    numbers.count(name.as_deref().unwrap_or_default()).ok_or_else(|| {
        invalid(format!("a user has at most {} counters; give them fixed names", UserNumbers::MOST_COUNTERS))
    })
}

/// Refuses what is no CSS selector.
fn css_check(text: &str) -> Result<(), String> {
    selector::Selector::parse(text).map(|_| ())
}

/// A value as the text a filter works on: text as it is, everything else as JSON.
fn text_of(value: &Value) -> Result<Cow<'_, str>, Error> {
    match value.as_str() {
        Some(text) => Ok(Cow::Borrowed(text)),
        None if value.is_undefined() => Err(ErrorKind::UndefinedError.into()),
        None => {
            weight::check(value)?;
            Ok(Cow::Owned(super::to_text(value)))
        }
    }
}

/// An argument that may be given by its place or by its name.
fn either<T>(placed: Option<T>, named: &Kwargs, name: &'static str) -> Result<Option<T>, Error>
where
    T: for<'a> ArgType<'a, Output = T>,
{
    match placed {
        Some(value) => Ok(Some(value)),
        None => named.get(name),
    }
}

/// What a thread has compiled of the texts given to filters: that costs far more than to use it.
struct Compiled<T>(HashMap<String, T>);

impl<T> Compiled<T> {
    /// A plan has a few; one that makes them up from data must not fill the memory.
    const MOST: usize = 64;
    /// Steps that one takes: up to some ms. 50 new ones are all that one evaluation can pay for.
    const STEPS: u64 = 1_000;

    fn new() -> Self {
        Self(HashMap::new())
    }

    /// What `source` compiles to.
    ///
    /// # Errors
    /// What `compile` says; or there is no fuel left for it.
    fn get(
        &mut self,
        state: &State,
        source: &str,
        compile: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<&T, Error> {
        if !self.0.contains_key(source) {
            state.consume_fuel(Self::STEPS)?;
            let made = compile(source).map_err(invalid)?;
            if self.0.len() >= Self::MOST {
                self.0.clear();
            }
            self.0.insert(source.to_owned(), made);
        }
        self.0.get(source).ok_or_else(|| invalid("cannot be compiled"))
    }
}
