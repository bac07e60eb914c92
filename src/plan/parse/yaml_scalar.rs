//! What an unquoted YAML word is: YAML 1.2's core schema, with `no`, `007` and `1_000` as text. Must not
//! know anything but one word.

use crate::plan::node::{Decimal, NodeValue};

/// The value of a plain word, or why it cannot be one.
pub(super) fn resolve(word: &str) -> Result<NodeValue, &'static str> {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(NodeValue::Null),
        "true" | "True" | "TRUE" => return Ok(NodeValue::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(NodeValue::Bool(false)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN" | ".NAN" => {
            return Err("is not a finite number");
        }
        _ => {}
    }
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    let bytes = unsigned.as_bytes();
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return Ok(radix(word, digits, 16));
    }
    if let Some(digits) = unsigned.strip_prefix("0o") {
        return Ok(radix(word, digits, 8));
    }
    let leading_zero = bytes.len() > 1 && bytes[0] == b'0' && bytes[1].is_ascii_digit();
    if leading_zero || !is_number(unsigned) {
        return Ok(NodeValue::String(word.to_owned()));
    }
    if bytes.iter().all(u8::is_ascii_digit)
        && let Ok(number) = word.strip_prefix('+').unwrap_or(word).parse()
    {
        return Ok(NodeValue::Int(number));
    }
    Decimal::read(word).map(NodeValue::Float).ok_or("is too large for a number")
}

fn radix(word: &str, digits: &str, radix: u32) -> NodeValue {
    match (word.starts_with('0') && !digits.starts_with(['+', '-']))
        .then(|| i64::from_str_radix(digits, radix))
    {
        Some(Ok(number)) => NodeValue::Int(number),
        _ => NodeValue::String(word.to_owned()),
    }
}

/// Digits, at most one point, and at most one exponent, as `[0-9]*(\.[0-9]*)?([eE][-+]?[0-9]+)?` with a digit.
fn is_number(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|e| !e.is_empty() && digits(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_yaml_1_2_says() {
        let text = |s: &str| Ok(NodeValue::String(s.to_owned()));
        let decimal = |s: &str| Ok(NodeValue::Float(Decimal::read(s).unwrap()));
        for (word, value) in [
            ("", Ok(NodeValue::Null)),
            ("~", Ok(NodeValue::Null)),
            ("true", Ok(NodeValue::Bool(true))),
            ("no", text("no")),
            ("yes", text("yes")),
            ("on", text("on")),
            ("5", Ok(NodeValue::Int(5))),
            ("-5", Ok(NodeValue::Int(-5))),
            ("+5", Ok(NodeValue::Int(5))),
            ("0", Ok(NodeValue::Int(0))),
            ("007", text("007")),
            ("1_000", text("1_000")),
            ("0x1F", Ok(NodeValue::Int(31))),
            ("0o17", Ok(NodeValue::Int(15))),
            ("0xzz", text("0xzz")),
            ("1.5", decimal("1.5")),
            (".5", decimal("0.5")),
            ("5.", decimal("5")),
            ("1.10", decimal("1.10")),
            ("+1.10", decimal("1.10")),
            ("1e3", decimal("1e3")),
            ("1e", text("1e")),
            ("e", text("e")),
            (".", text(".")),
            ("-", text("-")),
            ("1.2.3", text("1.2.3")),
            ("200ms", text("200ms")),
            ("nan", text("nan")),
            ("inf", text("inf")),
            ("12:30", text("12:30")),
            ("2026-01-01", text("2026-01-01")),
            (".nan", Err("is not a finite number")),
            ("1e999", Err("is too large for a number")),
            ("99999999999999999999", decimal("99999999999999999999")),
        ] {
            assert_eq!(resolve(word), value, "{word}");
        }
    }
}
