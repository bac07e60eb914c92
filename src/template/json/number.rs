//! Numbers as they were written. Most are plain values; one whose text could not be made again from its value (`1.10`,
//! `1e3`, `-0`, more digits than a value holds) carries its text. Must not know where numbers come from.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{DynObject, Object, ObjectRepr};

use super::scan::{Visit, scan};

/// Most digits of a decimal number that are certain to come back as they were.
const CERTAIN_DIGITS: usize = 15;

/// A number that keeps its text.
#[derive(Debug)]
pub(in crate::template) struct Number {
    text: Box<str>,
    value: Value,
}

impl Number {
    /// The number for arithmetic: exact for whole numbers of up to 128 bits, else the nearest double.
    pub fn value(&self) -> Value {
        self.value.clone()
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Object for Number {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.value.is_true()
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.value.cmp(&other.downcast_ref::<Self>()?.value))
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// The value of a number of JSON's grammar: rendered, it is the same text.
pub fn number(text: &str) -> Value {
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_whole {
        if text.len() <= 18 && text != "-0" {
            return text.parse::<i64>().map_or_else(|_| written(text), Value::from);
        }
        return match (text.parse::<i64>(), text.parse::<u64>(), text.parse::<i128>(), text.parse::<u128>()) {
            _ if text == "-0" => written(text),
            (Ok(number), ..) => Value::from(number),
            (_, Ok(number), ..) => Value::from(number),
            (_, _, Ok(number), _) => Value::from(number),
            (.., Ok(number)) => Value::from(number),
            _ => written(text),
        };
    }
    if is_canonical(text) {
        return text.parse::<f64>().map_or_else(|_| written(text), Value::from);
    }
    written(text)
}

fn written(text: &str) -> Value {
    let value = match text {
        "-0" => Value::from(0),
        _ => Value::from(text.parse::<f64>().unwrap_or(f64::NAN)),
    };
    Value::from_object(Number { text: text.into(), value })
}

/// Whether the text is what its double is written as. False where that is not certain.
fn is_canonical(text: &str) -> bool {
    let Some((whole, fraction)) = text.split_once('.') else { return false };
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(fraction)
        && whole.len() + fraction.len() <= CERTAIN_DIGITS
        && (fraction == "0" || !fraction.ends_with('0'))
        && !(whole == "0" && fraction.starts_with("0000"))
}

/// The number in a value that keeps its text, for arithmetic and comparisons.
pub(in crate::template) fn plain_number(value: &Value) -> Option<Value> {
    value.downcast_object_ref::<Number>().map(Number::value)
}

/// Whether a JSON text has a number that keeps its text.
pub fn has_written_number(text: &str) -> bool {
    struct Search<'t>(&'t str, bool);
    impl Visit for Search<'_> {
        fn open(&mut self, _: usize, _: bool) -> bool {
            true
        }

        fn key(&mut self, _: Range<usize>) -> bool {
            true
        }

        fn scalar(&mut self, at: Range<usize>) -> bool {
            let scalar = &self.0[at];
            let is_number = scalar.starts_with(|c: char| c == '-' || c.is_ascii_digit());
            self.1 = is_number && plain_number(&number(scalar)).is_some();
            !self.1
        }

        fn close(&mut self, _: usize) -> bool {
            true
        }
    }
    let mut search = Search(text, false);
    // The text of one row, which has been read already.
    scan(text.as_bytes(), &mut search).is_ok() && search.1
}

#[cfg(test)]
mod tests {
    use super::super::super::to_text;
    use super::*;

    #[test]
    fn numbers_are_written_as_they_came() {
        for text in [
            "0",
            "-0",
            "7",
            "-7",
            "12345678901234567890123",
            "18446744073709551615",
            "-9223372036854775809",
            "340282366920938463463374607431768211455",
            "1234567890123456789012345678901234567890123",
            "19.90",
            "1.10",
            "1.1",
            "1e3",
            "1E400",
            "1.5e-7",
            "0.1",
            "0.00001",
            "0.0001",
            "-0.0",
            "100.0",
            "100.00",
            "123456789012345.5",
            "0.1000000000000000055511151231257827",
            "1e-400",
            "12.50",
        ] {
            assert_eq!(to_text(&number(text)), text);
        }
    }

    #[test]
    fn certain_texts_need_no_copy() {
        for text in ["1.5", "0.1", "-12.25", "1000.0", "0.0001", "99999999999999.9"] {
            assert!(plain_number(&number(text)).is_none(), "{text}");
        }
        for text in ["1.50", "1e3", "-0", "0.00001"] {
            assert!(plain_number(&number(text)).is_some(), "{text}");
        }
    }
}
