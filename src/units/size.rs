//! Sizes in bytes: `10MiB`, `64KB`, `512B`.

use super::number::{leading_number, refuse_negative, shown};
use super::{Size, UnitError};

const HELP: &str = "write a number and a unit: 512B, 64KB, 10MiB";
/// The spellings accepted, with their length in bytes.
const UNITS: [(&str, u64); 8] = [
    ("B", 1),
    ("KB", 1_000),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];
/// Largest size accepted: 2^53, where floats stop being exact.
const MOST: f64 = 9_007_199_254_740_992.0;

/// Reads `10MiB` (1024-based) or `64KB` (1000-based).
///
/// # Errors
/// A bare number, a negative, an unknown unit, more than 2^53 bytes.
pub fn parse_size(text: &str) -> Result<Size, UnitError> {
    let text = text.trim();
    refuse_negative(text, "a size", HELP)?;
    let (number, unit) = leading_number(text)
        .ok_or_else(|| UnitError::new(format!("`{}` is not a size", shown(text)), HELP))?;
    let unit = unit.trim_start();
    if unit.is_empty() {
        let n = shown(text);
        return Err(UnitError::new(format!("{n} what?"), format!("write {n}B, {n}KB or {n}KiB")));
    }
    let Some((_, bytes)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let help = match UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) {
            Some((name, _)) => format!("write {}{name}", shown(&number.to_string())),
            None => HELP.to_owned(),
        };
        return Err(UnitError::new(format!("`{}` is not a unit of size", shown(unit)), help));
    };
    let total = number * *bytes as f64;
    if total > MOST {
        return Err(UnitError::new(
            format!("`{}` is too large", shown(text)),
            "the largest size is 8388608GiB",
        ));
    }
    Ok(Size(total.round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes() {
        for (text, bytes) in [
            ("512B", 512),
            ("64KB", 64_000),
            ("64kB", 64_000),
            ("10MiB", 10 << 20),
            ("1.5 KiB", 1_536),
            ("2GB", 2_000_000_000),
            ("0B", 0),
        ] {
            assert_eq!(parse_size(text), Ok(Size(bytes)), "{text}");
        }
        for (text, help) in [
            ("10", "write 10B, 10KB or 10KiB"),
            ("10mib", "write 10MiB"),
            ("10M", HELP),
            ("-1B", HELP),
            ("big", HELP),
            ("99999999999GiB", "the largest size is 8388608GiB"),
        ] {
            assert_eq!(parse_size(text).map_err(|e| e.help), Err(help.to_owned()), "{text}");
        }
    }
}
