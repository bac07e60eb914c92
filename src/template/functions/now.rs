//! The time. Must not read another clock than the system's, once a call.

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use minijinja::value::Kwargs;
use minijinja::{Error, Value};

use super::{either, invalid};
use crate::units::parse_duration;

/// `now()`, `now("%Y-%m-%d")`, `now("unix")`, `now("unix_ms")`, each with `offset="-1d"`. UTC.
pub(super) fn now(format: Option<String>, offset: Option<String>, named: Kwargs) -> Result<Value, Error> {
    let format = either(format, &named, "format")?;
    let offset = either(offset, &named, "offset")?;
    named.assert_all_used()?;
    let mut at = Timestamp::now();
    if let Some(offset) = offset {
        let offset = offset_of(&offset).map_err(invalid)?;
        at = at.checked_add(offset).map_err(|_| invalid("now: the offset leads out of time"))?;
    }
    shown(at, format.as_deref()).map_err(invalid)
}

fn shown(at: Timestamp, format: Option<&str>) -> Result<Value, String> {
    match format {
        None => Ok(Value::from(at.to_string())),
        Some("unix") => Ok(Value::from(at.as_second())),
        Some("unix_ms") => Ok(Value::from(at.as_millisecond())),
        Some(format) if !format.contains('%') => Err(format!(
            "now: `{format}` is no format; write \"unix\", \"unix_ms\" or one such as \"%Y-%m-%d\""
        )),
        Some(format) => match strtime::format(format, &at.to_zoned_datetime(TimeZone::UTC)) {
            Ok(text) => Ok(Value::from(text)),
            Err(error) => Err(format!("now: {error}")),
        },
    }
}

/// Refuses a format there is not.
pub(super) fn check_format(format: &str) -> Result<(), String> {
    shown(Timestamp::UNIX_EPOCH, Some(format)).map(|_| ())
}

/// `1d`, `+1h30m`, `-5m`.
pub(super) fn offset_of(text: &str) -> Result<SignedDuration, String> {
    let trimmed = text.trim();
    let bare = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    let length = parse_duration(bare).map_err(|error| format!("offset: {error}"))?;
    let length = SignedDuration::try_from(length).map_err(|_| format!("offset: `{text}` is too long"))?;
    Ok(if trimmed.starts_with('-') { -length } else { length })
}
