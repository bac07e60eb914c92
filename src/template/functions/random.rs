//! Functions that draw: numbers, picks and texts. All from the generator of the user.

use std::borrow::Cow;

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, Value};
use rand::RngExt as _;
use rand_distr::{Distribution as _, Zipf};

use super::{draw, either, invalid};

/// Letters of `random_string` when none are given.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
/// Most characters of `random_string`.
const LONGEST: u32 = 1 << 20;
/// Most entries to choose from.
const MOST_CHOICES: usize = 1_000_000;
/// Most ranks of `zipf`: as far as its numbers are whole.
const MOST_RANKS: i64 = 1 << 53;

pub(super) fn install(env: &mut Environment<'static>) {
    env.add_function("uuid", || {
        let bytes = draw(|rng| rng.random::<[u8; 16]>());
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    });
    env.add_function("random_int", random_int);
    env.add_function("random_float", random_float);
    env.add_function("random_choice", random_choice);
    env.add_function("random_string", random_string);
    env.add_function("weighted_choice", weighted_choice);
    env.add_function("zipf", zipf);
}

fn random_int(from: i64, to: i64) -> Result<i64, Error> {
    if from > to {
        return Err(invalid(format!("random_int({from}, {to}): the first number must not be larger")));
    }
    Ok(draw(|rng| rng.random_range(from..=to)))
}

/// Evenly from `from`, included, to `to`, not included.
fn random_float(from: f64, to: f64) -> Result<f64, Error> {
    if !(from <= to && (to - from).is_finite()) {
        return Err(invalid(format!("random_float({from}, {to}): the first number must not be larger")));
    }
    Ok(if from < to { draw(|rng| rng.random_range(from..to)) } else { from })
}

fn random_choice(list: Value) -> Result<Value, Error> {
    match list.len() {
        None | Some(0) => Err(invalid("random_choice needs a list with at least one entry")),
        Some(len) if len > MOST_CHOICES => {
            Err(invalid(format!("random_choice: the list has more than {MOST_CHOICES} entries")))
        }
        Some(len) => {
            let index = draw(|rng| rng.random_range(0..len));
            if list.kind() == ValueKind::Seq {
                return list.get_item_by_index(index);
            }
            list.try_iter()?.nth(index).ok_or_else(|| invalid("random_choice needs a list"))
        }
    }
}

/// Lower-case letters and digits from the generator of [`super::with_rng`].
pub fn random_letters(length: usize) -> String {
    let letters = LETTERS.as_bytes();
    draw(|rng| (0..length).map(|_| letters[rng.random_range(0..letters.len())] as char).collect())
}

/// `random_string(length)`, `random_string(length, alphabet)`.
fn random_string(length: u32, alphabet: Option<Cow<'_, str>>, named: Kwargs) -> Result<String, Error> {
    let alphabet = match alphabet {
        Some(alphabet) => Some(alphabet.into_owned()),
        None => named.get::<Option<String>>("alphabet")?,
    };
    named.assert_all_used()?;
    if length > LONGEST {
        return Err(invalid(format!("random_string({length}): at most {LONGEST}")));
    }
    let Some(alphabet) = alphabet else { return Ok(random_letters(length as usize)) };
    let letters: Vec<char> = alphabet.chars().collect();
    if letters.is_empty() {
        return Err(invalid("random_string: the alphabet is empty"));
    }
    Ok(draw(|rng| (0..length).map(|_| letters[rng.random_range(0..letters.len())]).collect()))
}

/// `weighted_choice({"a": 3, "b": 1})` or `weighted_choice([["a", 3], ["b", 1]])`.
fn weighted_choice(choices: Value) -> Result<Value, Error> {
    const NEEDS: &str = "weighted_choice needs a map of choices to weights, or a list of [choice, weight]";
    let is_map = choices.kind() == ValueKind::Map;
    let mut all = vec![];
    let mut total = 0.0;
    for entry in choices.try_iter().map_err(|_| invalid(NEEDS))? {
        let (choice, weight) = match is_map {
            true => {
                let weight = choices.get_item(&entry)?;
                (entry, weight)
            }
            false => (entry.get_item_by_index(0)?, entry.get_item_by_index(1)?),
        };
        let weight = f64::try_from(weight).map_err(|_| invalid(NEEDS))?;
        if !weight.is_finite() || weight < 0.0 {
            return Err(invalid(format!("weighted_choice: {weight} is no weight")));
        }
        if all.len() == MOST_CHOICES {
            return Err(invalid(format!("weighted_choice: more than {MOST_CHOICES} choices")));
        }
        total += weight;
        all.push((choice, total));
    }
    if !(total > 0.0 && total.is_finite()) {
        return Err(invalid("weighted_choice needs at least one weight above 0"));
    }
    let at = draw(|rng| rng.random::<f64>()) * total;
    let index = all.partition_point(|(_, sum)| *sum <= at);
    // Rounding may bring `at` up to the sum; the last choice that has a weight is meant then.
    let found = all.get(index).or_else(|| all.iter().find(|(_, sum)| *sum >= total));
    found.map(|(choice, _)| choice.clone()).ok_or_else(|| invalid(NEEDS))
}

/// A rank from 1 to `n`; rank k comes in proportion to 1/k^s.
fn zipf(n: i64, s: Option<f64>, named: Kwargs) -> Result<u64, Error> {
    let s = either(s, &named, "s")?.unwrap_or(1.0);
    named.assert_all_used()?;
    if !(1..=MOST_RANKS).contains(&n) {
        return Err(invalid(format!("zipf({n}): there are from 1 to {MOST_RANKS} ranks")));
    }
    let ranks = if s >= 0.0 && s.is_finite() { Zipf::new(n as f64, s).ok() } else { None };
    let ranks = ranks.ok_or_else(|| invalid(format!("zipf({n}, {s}): the exponent must be 0 or more")))?;
    // Rejection-inversion: exact, and its cost does not depend on `n`.
    Ok((draw(|rng| ranks.sample(rng)) as u64).clamp(1, n.unsigned_abs()))
}
