//! Results are read through this deserializer, because anybody may have written the file: it counts the memory that the
//! values take and stops at a limit, refuses numbers that no run has, and makes every text harmless before anything keeps
//! it. It knows no field of the document, so a new field is guarded too. Must not print or judge.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::mem::size_of;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::text::harmless;

/// Most bytes that the values of one result may take in memory.
pub const MOST_BYTES: usize = 64 << 20;

/// Most bytes of one text; longer ones cost more to show than anybody reads.
pub(super) const LONGEST_TEXT: usize = 4 << 20;

/// Largest count, number of bytes or of microseconds of one field: the sum of as many as fit into a result is below 2⁶³.
const MOST_COUNT: u64 = 1 << 47;
/// Largest of other numbers, in any unit.
const MOST_NUMBER: f64 = 1e15;

/// What one entry of a map with texts as keys takes besides key and value: its share of the tree's nodes.
const ENTRY_BYTES: usize = 48;

/// The bytes that are left for one result.
#[derive(Debug)]
pub struct Budget(Cell<Option<usize>>);

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(Some(MOST_BYTES)))
    }
}

impl Budget {
    /// Whether the reading ended because nothing was left.
    pub fn is_exhausted(&self) -> bool {
        self.0.get().is_none()
    }

    /// Says that nothing is left.
    pub(super) fn exhaust(&self) {
        self.0.set(None);
    }

    fn take<E: Error>(&self, bytes: usize) -> Result<(), E> {
        self.0.set(self.0.get().and_then(|left| left.checked_sub(bytes)));
        match self.is_exhausted() {
            true => Err(E::custom(format_args!("takes more than {} MiB of memory", MOST_BYTES >> 20))),
            false => Ok(()),
        }
    }

    fn text<'t, E: Error>(&self, text: &'t str, is_kept: bool) -> Result<Cow<'t, str>, E> {
        if text.len() > LONGEST_TEXT {
            self.exhaust();
        }
        self.take(if is_kept { text.len() } else { 0 })?;
        Ok(harmless(text))
    }
}

/// Anything of serde's that reads, with the budget it is read within.
pub struct Guarded<'b, T> {
    inner: T,
    budget: &'b Budget,
    /// Whether a text is kept by what reads it; names of fields are not.
    keeps_text: bool,
    /// Whether parts are charged one by one; the fields of a struct are charged with the struct.
    charges: bool,
}

impl<'b, T> Guarded<'b, T> {
    /// A deserializer whose values are counted.
    pub fn new(inner: T, budget: &'b Budget) -> Self {
        Self { inner, budget, keeps_text: true, charges: true }
    }

    fn around<U>(&self, inner: U) -> Guarded<'b, U> {
        Guarded { inner, budget: self.budget, keeps_text: self.keeps_text, charges: self.charges }
    }

    /// The seed of a part, paid for. What is smaller than a `String` holds no text.
    fn part<S, V, E: Error>(&self, seed: S, more: usize) -> Result<Guarded<'b, S>, E> {
        if self.charges {
            self.budget.take(size_of::<V>() + more)?;
        }
        let keeps_text = size_of::<V>() >= size_of::<String>();
        Ok(Guarded { inner: seed, budget: self.budget, keeps_text, charges: true })
    }
}

/// Deserializer methods that only hand the visitor on.
macro_rules! forward {
    ($($method:ident($($name:ident: $kind:ty),*);)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($name: $kind,)* visitor: V) -> Result<V::Value, D::Error> {
            let visitor = self.around(visitor);
            self.inner.$method($($name,)* visitor)
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guarded<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_map();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = Guarded { charges: false, ..self.around(visitor) };
        self.inner.deserialize_struct(name, fields, visitor)
    }
}

/// Visitor methods for values that are no text and have no parts.
macro_rules! plain {
    ($($method:ident: $kind:ty;)*) => {
        $(fn $method<E: Error>(self, value: $kind) -> Result<V::Value, E> {
            self.inner.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Guarded<'_, V> {
    /// Refuses a number that a field cannot have. Values of any kind, such as those of the plan, are larger than a number.
    fn check_number<E: Error>(&self, is_possible: bool) -> Result<(), E> {
        match is_possible || size_of::<V::Value>() != size_of::<u64>() {
            true => Ok(()),
            false => Err(E::custom("a number that no run has")),
        }
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Guarded<'_, V> {
    type Value = V::Value;

    plain! {
        visit_bool: bool;
        visit_i8: i8;
        visit_i16: i16;
        visit_i32: i32;
        visit_i128: i128;
        visit_u8: u8;
        visit_u16: u16;
        visit_u32: u32;
        visit_u128: u128;
        visit_f32: f32;
        visit_char: char;
        visit_bytes: &[u8];
        visit_byte_buf: Vec<u8>;
    }

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(out)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<V::Value, E> {
        self.check_number(value.unsigned_abs() <= MOST_COUNT)?;
        self.inner.visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        self.check_number(value <= MOST_COUNT)?;
        self.inner.visit_u64(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        self.check_number(value.abs() <= MOST_NUMBER)?;
        self.inner.visit_f64(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        match self.budget.text(text, self.keeps_text)? {
            Cow::Borrowed(text) => self.inner.visit_str(text),
            Cow::Owned(text) => self.inner.visit_string(text),
        }
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<V::Value, E> {
        match self.budget.text(text, self.keeps_text)? {
            Cow::Borrowed(text) => self.inner.visit_borrowed_str(text),
            Cow::Owned(text) => self.inner.visit_string(text),
        }
    }

    fn visit_string<E: Error>(self, text: String) -> Result<V::Value, E> {
        let harmless = match self.budget.text(&text, self.keeps_text)? {
            Cow::Borrowed(_) => None,
            Cow::Owned(changed) => Some(changed),
        };
        self.inner.visit_string(harmless.unwrap_or(text))
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let inner = Guarded { charges: true, ..self.around(inner) };
        self.inner.visit_some(inner)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let inner = Guarded { charges: true, ..self.around(inner) };
        self.inner.visit_newtype_struct(inner)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        let list = self.around(list);
        self.inner.visit_seq(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let map = self.around(map);
        self.inner.visit_map(map)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, choice: A) -> Result<V::Value, A::Error> {
        let choice = self.around(choice);
        self.inner.visit_enum(choice)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Guarded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let inner = self.around(inner);
        self.inner.deserialize(inner)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        // A list that grows has room for as many again.
        let seed = self.part::<S, S::Value, _>(seed, size_of::<S::Value>())?;
        self.inner.next_element_seed(seed)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let more = if size_of::<S::Value>() >= size_of::<String>() { ENTRY_BYTES } else { 0 };
        let seed = self.part::<S, S::Value, _>(seed, more)?;
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.part::<S, S::Value, _>(seed, 0)?;
        self.inner.next_value_seed(seed)
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'de> for Guarded<'b, A> {
    type Error = A::Error;
    type Variant = Guarded<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (budget, seed) = (self.budget, self.around(seed));
        let (value, variant) = self.inner.variant_seed(seed)?;
        Ok((value, Guarded::new(variant, budget)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.around(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.around(visitor);
        self.inner.tuple_variant(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.around(visitor);
        self.inner.struct_variant(fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    fn read<T: for<'de> Deserialize<'de>>(text: &str) -> (Result<T, serde_json::Error>, Budget) {
        let budget = Budget::default();
        let mut json = serde_json::Deserializer::from_str(text);
        let read = T::deserialize(Guarded::new(&mut json, &budget));
        (read, budget)
    }

    #[test]
    fn every_text_is_made_harmless() {
        let text = r#"{"a\u001b[31m": ["x\u0007", {"k": "\u202ey\r"}], "b": "honest \u00e9"}"#;
        let (value, _) = read::<Value>(text);
        let expected = serde_json::json!({"a␛[31m": ["x␇", {"k": "\u{fffd}y\u{240d}"}], "b": "honest é"});
        assert_eq!(value.expect("JSON"), expected);
        let (map, _) = read::<BTreeMap<String, Option<String>>>(r#"{"\u0000": "\u009b2J", "n": null}"#);
        let shown: Vec<_> = map.expect("a map").into_iter().collect();
        assert_eq!(shown, [("n".to_owned(), None), ("␀".to_owned(), Some("\u{fffd}2J".to_owned()))]);
    }

    /// Four hours with a hundred rows.
    #[test]
    fn a_long_run_is_within_the_budget() {
        let row =
            |n: usize| format!(r#""row {n}":{{"requests":9,"failures":0,"p50_us":9,"p95_us":9,"p99_us":9}}"#);
        let rows: Vec<_> = (0..100).map(row).collect();
        let second =
            format!(r#"{{"at_s":1,"users":1,"rps":1.5,"failures":0,"per_series":{{{}}}}}"#, rows.join(","));
        let (read, budget) = read::<Vec<crate::report::model::Interval>>(&format!("[{second},{second}]"));
        assert_eq!(read.expect("seconds").len(), 2);
        let each = (MOST_BYTES - budget.0.get().expect("left")) / 2;
        assert!(each * 4 * 3600 < MOST_BYTES * 9 / 10, "{each} bytes a second");
    }

    #[test]
    fn numbers_that_no_run_has_are_refused() {
        for text in ["[18446744073709551615]", "[140737488355329]"] {
            let words = read::<Vec<Option<u64>>>(text).0.expect_err("too large").to_string();
            assert!(words.starts_with("a number that no run has"), "{words}");
            assert!(read::<Vec<Value>>(text).0.is_ok(), "a plan's value");
        }
        assert!(read::<Vec<f64>>("[1e300]").0.is_err() && read::<Vec<f64>>("[-1e16]").0.is_err());
        assert!(read::<Vec<f64>>("[1e14, -3]").0.is_ok());
        assert_eq!(read::<Vec<u64>>("[140737488355328]").0.expect("a count"), [MOST_COUNT]);
    }

    #[test]
    fn what_takes_more_memory_than_a_result_may_is_refused() {
        let many = |one: &str, count: usize| format!("[{}{one}]", format!("{one},").repeat(count));
        for text in [many("0", 3_000_000), many("[]", 3_000_000), many(r#""""#, 3_000_000)] {
            let (read, budget) = read::<Vec<Value>>(&text);
            assert!(read.is_err() && budget.is_exhausted());
        }
        let (read, budget) = read::<Vec<String>>(&many(&format!("{:?}", "x".repeat(100_000)), 700));
        assert!(read.expect_err("too much").to_string().starts_with("takes more than 64 MiB of memory"));
        assert!(budget.is_exhausted());
        let (read, budget) = self::read::<Vec<Value>>(&many("0", 300_000));
        assert!(read.is_ok() && !budget.is_exhausted());
    }
}
