//! Dates of cookies, in all the forms servers write (RFC 6265, section 5.1.1). Must not read a clock.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// ms since 1970, 0 for what is earlier; `None` for what is no date.
pub(super) fn read(text: &str) -> Option<u64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        // Each token is the first of these that it can be and that is not known yet.
        if time.is_none() && time_of(token).is_some() {
            time = time_of(token);
        } else if day.is_none() && number(token, 1..=2).is_some() {
            day = number(token, 1..=2);
        } else if month.is_none() && month_of(token).is_some() {
            month = month_of(token);
        } else if year.is_none() {
            year = number(token, 2..=4);
        }
    }
    let ((hour, minute, second), (day, _), month, (year, _)) = (time?, day?, month?, year?);
    let year = match year {
        70..=99 => year + 1900,
        0..=69 => year + 2000,
        _ => year,
    };
    if year < 1601 {
        return None;
    }
    let part = |number: u16| i8::try_from(number).ok();
    let date = DateTime::new(
        i16::try_from(year).ok()?,
        month,
        part(day)?,
        part(hour)?,
        part(minute)?,
        part(second)?,
        0,
    );
    let at = TimeZone::UTC.to_timestamp(date.ok()?).ok()?;
    Some(u64::try_from(at.as_millisecond()).unwrap_or(0))
}

fn is_delimiter(c: char) -> bool {
    matches!(c, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~')
}

/// The digits a token begins with, so many of them, and what follows.
fn number(token: &str, digits: std::ops::RangeInclusive<usize>) -> Option<(u16, &str)> {
    let end = token.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = token.split_at(end);
    digits.contains(&end).then_some(())?;
    Some((number.parse().ok()?, rest))
}

fn time_of(token: &str) -> Option<(u16, u16, u16)> {
    let (hour, rest) = number(token, 1..=2)?;
    let (minute, rest) = number(rest.strip_prefix(':')?, 1..=2)?;
    let (second, _) = number(rest.strip_prefix(':')?, 1..=2)?;
    Some((hour, minute, second))
}

fn month_of(token: &str) -> Option<i8> {
    let start = token.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| *month == start)?;
    i8::try_from(at + 1).ok()
}
