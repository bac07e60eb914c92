//! How numbers are written, once for every report. Must not know the result document.

/// Stands where there is no number.
pub const NONE: &str = "–";

/// A time in ms for the tables: whole from 1 ms, with decimals below.
pub fn ms(us: f64) -> String {
    if !us.is_finite() {
        return NONE.to_owned();
    }
    match us {
        0.0 => "0".to_owned(),
        us if us < 9.95 => format!("{:.3}", us / 1e3),
        us if us < 995.0 => format!("{:.2}", us / 1e3),
        us => format!("{:.0}", us / 1e3),
    }
}

/// Events a second, one decimal; what would read 0.0 and is not gets more.
pub fn rate(per_s: f64) -> String {
    match per_s {
        r if !r.is_finite() => NONE.to_owned(),
        r if r > 0.0 && r < 0.005 => "<0.01".to_owned(),
        r if r > 0.0 && r < 0.095 => format!("{r:.2}"),
        r => format!("{r:.1}"),
    }
}

/// A time in the unit that suits it: `4.61 s`, `145 ms`, `420 µs`.
pub fn seconds(s: f64) -> String {
    seconds_to(s, 3)
}

fn seconds_to(s: f64, digits: usize) -> String {
    match s.abs() {
        a if !a.is_finite() => NONE.to_owned(),
        a if a >= 1.0 || a == 0.0 => format!("{} s", significant(s, digits)),
        a if a >= 1e-3 => format!("{} ms", significant(s * 1e3, digits)),
        _ => format!("{} µs", significant(s * 1e6, digits)),
    }
}

/// A value of a threshold in its unit (`s`, `ratio`, `1/s`, `count`).
pub fn value(value: f64, unit: &str) -> String {
    value_to(value, unit, 3)
}

/// The demanded value of a threshold: as many digits as it was written with, within reason.
pub fn target(value: f64, unit: &str) -> String {
    value_to(value, unit, 6)
}

/// The observed value, with as many digits as it takes not to look like a target it is not.
pub fn observed(value: f64, beside: f64, unit: &str) -> String {
    unlike(value, beside, &target(beside, unit), unit)
}

/// The same beside a goal that is written in this way.
pub fn unlike(value: f64, beside: f64, goal: &str, unit: &str) -> String {
    let differs = |digits: &usize| value == beside || value_to(value, unit, *digits) != goal;
    value_to(value, unit, (3..9).find(differs).unwrap_or(9))
}

/// A computed limit in its unit, with as many digits as it takes not to look like the value seen, which is not it.
pub fn limit(value: f64, seen: Option<f64>, unit: &str) -> String {
    let differs = |digits: &usize| {
        seen.is_none_or(|seen| {
            seen == value || value_to(value, unit, *digits) != value_to(seen, unit, *digits)
        })
    };
    value_to(value, unit, (4..9).find(differs).unwrap_or(9))
}

fn value_to(value: f64, unit: &str, digits: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    match unit {
        "s" => seconds_to(value, digits),
        "ratio" => format!("{} %", significant(value * 100.0, digits)),
        "1/s" => format!("{}/s", significant(value, digits)),
        "count" => significant(value, digits.max(15)),
        other => format!("{} {other}", significant(value, digits)),
    }
}

/// `digits` significant digits, the whole part never cut, zeros at the end dropped.
fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let whole = value.abs().log10().floor() as i64 + 1;
    let decimals = (digits as i64 - whole).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A span of time: `45.2 s`, `2m`, `1h 03m 20s`.
pub fn span(s: f64) -> String {
    if !s.is_finite() || s < 0.0 {
        return NONE.to_owned();
    }
    if s < 59.95 {
        return format!("{} s", significant((s * 10.0).round() / 10.0, 3));
    }
    let whole = s.round() as u64;
    let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (h, m, s) {
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m {s:02}s"),
        (h, 0, 0) => format!("{h}h"),
        (h, m, 0) => format!("{h}h {m:02}m"),
        (h, m, s) => format!("{h}h {m:02}m {s:02}s"),
    }
}

/// A moment of the run: `6.2 s`, `2m 05s`.
pub fn moment(s: f64) -> String {
    span(s.max(0.0))
}

/// An amount of data in powers of 1000.
pub fn bytes(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 999.5 && unit + 1 < units.len() {
        amount /= 1000.0;
        unit += 1;
    }
    format!("{} {}", significant(amount, 3), units[unit])
}

/// A share of a whole.
pub fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => NONE.to_owned(),
        _ => format!("{} %", significant(part as f64 / whole as f64 * 100.0, 3)),
    }
}

/// `n` things, in grammar: `1 request`, `2 requests`.
pub fn plural(n: u64, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_times() {
        let shown: Vec<_> = [0.0, 4.0, 42.0, 420.0, 996.0, 1_400.0, 2_567_200.0, f64::NAN].map(ms).into();
        assert_eq!(shown, ["0", "0.004", "0.04", "0.42", "1", "1", "2567", "–"]);
    }

    #[test]
    fn rates_are_never_silently_zero() {
        let shown: Vec<_> = [0.0, 0.001, 0.02, 0.2, 20.83, 12_345.67, f64::INFINITY].map(rate).into();
        assert_eq!(shown, ["0.0", "<0.01", "0.02", "0.2", "20.8", "12345.7", "–"]);
    }

    #[test]
    fn values_in_their_units() {
        assert_eq!(seconds(4.6136), "4.61 s");
        assert_eq!(seconds(0.1452), "145 ms");
        assert_eq!(seconds(0.00042), "420 µs");
        assert_eq!(value(0.0123, "ratio"), "1.23 %");
        assert_eq!(value(20.83, "1/s"), "20.8/s");
        assert_eq!(value(1_234_567.0, "count"), "1234567");
        assert_eq!(target(2.0, "s"), "2 s");
        assert_eq!(target(0.0, "ratio"), "0 %");
        assert_eq!(value(f64::NAN, "s"), "–");
    }

    #[test]
    fn an_observed_value_never_looks_like_a_target_it_missed() {
        assert_eq!(observed(2.0004, 2.0, "s"), "2.0004 s");
        assert_eq!(observed(2.0, 2.0, "s"), "2 s");
        assert_eq!(observed(4.614, 2.0, "s"), "4.61 s");
        assert_eq!(observed(0.010_04, 0.01, "ratio"), "1.004 %");
        assert_eq!(limit(0.011_499_6, None, "s"), "11.5 ms");
        assert_eq!(limit(0.011_499_6, Some(0.008), "s"), "11.5 ms");
        assert_eq!(limit(0.011_499_6, Some(0.011_5), "s"), "11.4996 ms");
        assert_eq!(unlike(0.011_5, 0.011_499_6, "11.4996 ms", "s"), "11.5 ms");
    }

    #[test]
    fn spans_and_sizes() {
        let shown: Vec<_> = [0.0, 6.24, 59.97, 60.0, 90.0, 3600.0, 3800.0, f64::NAN].map(span).into();
        assert_eq!(shown, ["0 s", "6.2 s", "1m", "1m", "1m 30s", "1h", "1h 03m 20s", "–"]);
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1_234_567), "1.23 MB");
        assert_eq!(percent(1, 0), "–");
    }
}
