//! Rates (`50/s`), shares (`1%`) and factors (`2x`).

use super::number::{leading_number, refuse_negative, shown};
use super::{Factor, Rate, Share, UnitError};

const RATE_HELP: &str = "write a number and a time: 50/s, 3000/m, 10/h";

/// Reads `50/s`, `3000/m`, `10/h`.
///
/// # Errors
/// A bare number, a negative, another unit of time, more than can be counted.
pub fn parse_rate(text: &str) -> Result<Rate, UnitError> {
    let text = text.trim();
    refuse_negative(text, "a rate", RATE_HELP)?;
    let wrong = || UnitError::new(format!("`{}` is not a rate", shown(text)), RATE_HELP);
    let (number, rest) = leading_number(text).ok_or_else(wrong)?;
    let rest = rest.trim_start();
    if rest.is_empty() {
        let n = shown(text);
        return Err(UnitError::new(format!("{n} per what?"), format!("write {n}/s or {n}/m")));
    }
    let unit = rest.strip_prefix('/').ok_or_else(wrong)?.trim_start();
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => {
            let n = shown(&number.to_string());
            return Err(UnitError::new(
                format!("`{}` is not a unit of a rate", shown(unit)),
                format!("write {n}/s, {n}/m or {n}/h"),
            ));
        }
    };
    Ok(Rate { per_second: number / seconds })
}

/// Reads `1%` as 0.01.
///
/// # Errors
/// No percent sign, a negative.
pub fn parse_share(text: &str) -> Result<Share, UnitError> {
    let text = text.trim();
    refuse_negative(text, "a share", "write a percentage: 1%")?;
    match leading_number(text) {
        Some((number, rest)) if rest.trim_start() == "%" => Ok(Share(number / 100.0)),
        Some((number, "")) => {
            let n = shown(text);
            let share = shown(&(number * 100.0).to_string());
            let help = match number < 1.0 {
                true => format!("write {n}% or, if you meant the share {n}, {share}%"),
                false => format!("write {n}%"),
            };
            Err(UnitError::new(format!("{n} what?"), help))
        }
        _ => Err(UnitError::new(
            format!("`{}` is not a percentage", shown(text)),
            "write for example 1% or 0.5%",
        )),
    }
}

/// Reads `2x` as 2.
///
/// # Errors
/// No `x`, a negative.
pub fn parse_factor(text: &str) -> Result<Factor, UnitError> {
    let text = text.trim();
    refuse_negative(text, "a factor", "write for example 2x or 1.5x")?;
    match leading_number(text) {
        Some((number, "x" | "×")) => Ok(Factor(number)),
        Some((_, "")) => {
            let n = shown(text);
            Err(UnitError::new(format!("{n} what?"), format!("write {n}x")))
        }
        _ => {
            Err(UnitError::new(format!("`{}` is not a factor", shown(text)), "write for example 2x or 1.5x"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second() {
        for (text, per_second) in
            [("50/s", 50.0), ("3000/m", 50.0), ("10/h", 10.0 / 3600.0), ("0.5/s", 0.5), ("5 / s", 5.0)]
        {
            assert_eq!(parse_rate(text), Ok(Rate { per_second }), "{text}");
        }
        for (text, help) in [
            ("50", "write 50/s or 50/m"),
            ("50/day", "write 50/s, 50/m or 50/h"),
            ("-5/s", RATE_HELP),
            ("fast", RATE_HELP),
            ("50s", RATE_HELP),
            ("50/", "write 50/s, 50/m or 50/h"),
        ] {
            assert_eq!(parse_rate(text).map_err(|e| e.help), Err(help.to_owned()), "{text}");
        }
        assert!(parse_rate(&format!("{}/s", "9".repeat(400))).is_err());
    }

    #[test]
    fn shares_and_factors_need_their_sign() {
        assert_eq!(parse_share("1%"), Ok(Share(0.01)));
        assert_eq!(parse_share("0.5 %"), Ok(Share(0.005)));
        assert_eq!(parse_factor("2x"), Ok(Factor(2.0)));
        for text in ["1", "0.01", "-1%", "%", "one", "1%%"] {
            assert!(parse_share(text).is_err(), "{text}");
        }
        for text in ["2", "-2x", "x", "2xx"] {
            assert!(parse_factor(text).is_err(), "{text}");
        }
    }
}
