//! Durations and ranges of them: text to [`Duration`] and microseconds to text.

use std::time::Duration;

use super::number::{leading_number, refuse_negative, shown};
use super::{DurationRange, UnitError};

const HELP: &str = "write a number and a unit: 500us, 200ms, 5s, 1m30s, 2h";
/// Longest accepted duration: one hundred years, far from any overflow.
const MOST_NS: f64 = 100.0 * 365.0 * 86_400.0 * 1e9;
/// Units from large to small with their length in nanoseconds.
const UNITS: [(&str, f64); 7] =
    [("d", 86_400e9), ("h", 3_600e9), ("m", 60e9), ("s", 1e9), ("ms", 1e6), ("us", 1e3), ("µs", 1e3)];

/// Reads `200ms`, `1m30s`, `1.5s`, `500us`, `2h`.
///
/// # Errors
/// A bare number, a negative, an unknown unit, units not from large to small, more than a hundred years.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let text = text.trim();
    refuse_negative(text, "a duration", HELP)?;
    let (mut rest, mut total_ns, mut last_unit_ns) = (text, 0.0, f64::INFINITY);
    while !rest.is_empty() {
        let (number, tail) = leading_number(rest)
            .ok_or_else(|| UnitError::new(format!("`{}` is not a duration", shown(text)), HELP))?;
        let tail = tail.trim_start();
        let (unit, tail) = tail.split_at(tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len()));
        let unit_ns = unit_length(text, number, unit)?;
        if unit_ns >= last_unit_ns {
            let message = format!("units of `{}` do not go from large to small", shown(text));
            return Err(UnitError::new(message, "write for example 1h30m or 1m30s"));
        }
        total_ns += number * unit_ns;
        last_unit_ns = unit_ns;
        rest = tail.trim_start();
    }
    if last_unit_ns.is_infinite() {
        return Err(UnitError::new("a duration is missing", HELP));
    }
    if total_ns > MOST_NS {
        return Err(UnitError::new(
            format!("`{}` is too long for a duration", shown(text)),
            "the longest is 100 years",
        ));
    }
    Ok(Duration::from_nanos(total_ns.round() as u64))
}

fn unit_length(text: &str, number: f64, unit: &str) -> Result<f64, UnitError> {
    if unit.is_empty() {
        let n = shown(&number.to_string());
        return Err(match text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            // Nobody waits for 200 s: what is likelier comes first.
            true if number >= 100.0 => UnitError::new(format!("{n} what?"), format!("write {n}ms or {n}s")),
            true => UnitError::new(format!("{n} what?"), format!("write {n}s or {n}ms")),
            false => {
                let text = shown(text);
                UnitError::new(format!("`{text}` ends without a unit"), format!("write {text}s"))
            }
        });
    }
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, ns)| *ns).ok_or_else(|| {
        let n = shown(&number.to_string());
        let near = match unit.to_lowercase().as_str() {
            "sec" | "secs" | "second" | "seconds" => format!("write {n}s"),
            "min" | "mins" | "minute" | "minutes" => format!("write {n}m"),
            "hour" | "hours" | "hr" | "hrs" => format!("write {n}h"),
            "msec" | "millis" | "milliseconds" => format!("write {n}ms"),
            lower if UNITS.iter().any(|(name, _)| *name == lower) => format!("write {n}{lower}"),
            _ => "units are us, ms, s, m, h and d".to_owned(),
        };
        UnitError::new(format!("`{}` is not a unit of time", shown(unit)), near)
    })
}

/// Reads a duration or a range of them, `1s..5s`.
///
/// # Errors
/// As [`parse_duration`] for either end; an end before the beginning.
pub fn parse_range(text: &str) -> Result<DurationRange, UnitError> {
    let Some((from, to)) = text.split_once("..") else {
        if let Some(meant) = ["-", "–", " to "].into_iter().find_map(|between| meant(text, between)) {
            let message = format!("`{}` is no range", shown(text));
            return Err(UnitError::new(message, format!("write {meant}")));
        }
        let only = parse_duration(text)?;
        return Ok(DurationRange { min: only, max: only });
    };
    if from.trim().is_empty() || to.trim().is_empty() {
        return Err(UnitError::new(
            format!("`{}` lacks one end of the range", shown(text)),
            "write both ends: 1s..5s",
        ));
    }
    if let Some(meant) = meant(text, "..").filter(|_| parse_duration(from).is_err()) {
        let message = format!("`{}` what?", shown(from.trim()));
        return Err(UnitError::new(message, format!("write {meant}")));
    }
    let (min, max) = (parse_duration(from)?, parse_duration(to)?);
    if min > max {
        let help = format!("write {}..{}", shown(to.trim()), shown(from.trim()));
        return Err(UnitError::new(format!("`{}` ends before it begins", shown(text)), help));
    }
    Ok(DurationRange { min, max })
}

/// The range of two durations with something else between, the first perhaps without a unit: `100-200ms`.
fn meant(text: &str, between: &str) -> Option<String> {
    let (from, to) = text.split_once(between)?;
    let (from, to) = (from.trim(), to.trim());
    parse_duration(to).ok()?;
    let unit = to.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '));
    let with_unit = format!("{from}{unit}");
    let from = [from, &with_unit].into_iter().find(|from| parse_duration(from).is_ok())?;
    Some(format!("{from}..{to}"))
}

/// Microseconds for people, three digits of precision: `640 µs`, `89 ms`, `1.24 s`, `2m05s`, `3h02m`.
pub fn format_duration_us(us: u64) -> String {
    let rounded_ms = us.saturating_add(500) / 1_000;
    let rounded_s = us.saturating_add(500_000) / 1_000_000;
    match us {
        0 => "0 ms".to_owned(),
        1..=999 => format!("{us} µs"),
        1_000..=9_949 => format!("{:.1} ms", us as f64 / 1e3),
        9_950..=999_499 => format!("{rounded_ms} ms"),
        999_500..=9_994_999 => format!("{:.2} s", us as f64 / 1e6),
        9_995_000..=59_949_999 => format!("{:.1} s", us as f64 / 1e6),
        _ if rounded_s < 3_600 => format!("{}m{:02}s", rounded_s / 60, rounded_s % 60),
        _ => {
            let minutes = (rounded_s + 30) / 60;
            format!("{}h{:02}m", minutes / 60, minutes % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, us) in [
            ("200ms", 200_000),
            ("1m30s", 90_000_000),
            ("1m 30s", 90_000_000),
            ("1.5s", 1_500_000),
            ("500us", 500),
            ("500µs", 500),
            ("2h", 7_200_000_000),
            ("1d", 86_400_000_000),
            ("0s", 0),
            (" 5s ", 5_000_000),
            ("5 s", 5_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_micros(us)), "{text}");
        }
    }

    #[test]
    fn wrong_durations_say_what_to_write() {
        for (text, message, help) in [
            ("5", "5 what?", "write 5s or 5ms"),
            ("0.5", "0.5 what?", "write 0.5s or 0.5ms"),
            ("1m30", "`1m30` ends without a unit", "write 1m30s"),
            ("-5s", "`-5s` is negative; a duration cannot be", HELP),
            ("", "a duration is missing", HELP),
            ("soon", "`soon` is not a duration", HELP),
            ("5 minutes", "`minutes` is not a unit of time", "write 5m"),
            ("5minutes", "`minutes` is not a unit of time", "write 5m"),
            ("5S", "`S` is not a unit of time", "write 5s"),
            ("30s1m", "units of `30s1m` do not go from large to small", "write for example 1h30m or 1m30s"),
            ("1.s", "`1.s` is not a duration", HELP),
            ("999999999h", "`999999999h` is too long for a duration", "the longest is 100 years"),
        ] {
            assert_eq!(parse_duration(text), Err(UnitError::new(message, help)), "{text}");
        }
        assert!(parse_duration(&"9".repeat(5_000)).is_err());
        assert!(parse_duration(&format!("{}s", "9".repeat(5_000))).is_err());
    }

    #[test]
    fn ranges_are_read() {
        let s = Duration::from_secs;
        assert_eq!(parse_range("1s..5s"), Ok(DurationRange { min: s(1), max: s(5) }));
        assert_eq!(parse_range("1s .. 5s"), Ok(DurationRange { min: s(1), max: s(5) }));
        assert_eq!(parse_range("2s"), Ok(DurationRange { min: s(2), max: s(2) }));
        for text in ["5s..1s", "1..5s", "1s..", "..5s", "1s...5s", "1s..5s..9s"] {
            assert!(parse_range(text).is_err(), "{text}");
        }
        for (text, message, help) in [
            ("100-200ms", "`100-200ms` is no range", "write 100ms..200ms"),
            ("1s - 1m30s", "`1s - 1m30s` is no range", "write 1s..1m30s"),
            ("0.1 to 0.3s", "`0.1 to 0.3s` is no range", "write 0.1s..0.3s"),
            ("100..200ms", "`100` what?", "write 100ms..200ms"),
            ("1s..5", "5 what?", "write 5s or 5ms"),
            ("-5s", "`-5s` is negative; a duration cannot be", HELP),
        ] {
            assert_eq!(parse_range(text), Err(UnitError::new(message, help)), "{text}");
        }
    }

    #[test]
    fn durations_are_written_for_people() {
        for (us, text) in [
            (0, "0 ms"),
            (640, "640 µs"),
            (1_240, "1.2 ms"),
            (9_960, "10 ms"),
            (89_400, "89 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (1_240_000, "1.24 s"),
            (12_340_000, "12.3 s"),
            (59_990_000, "1m00s"),
            (125_000_000, "2m05s"),
            (3_599_700_000, "1h00m"),
            (10_920_000_000, "3h02m"),
        ] {
            assert_eq!(format_duration_us(us), text, "{us}");
        }
        assert!(format_duration_us(u64::MAX).ends_with('m'));
    }
}
