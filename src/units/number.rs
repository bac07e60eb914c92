//! The number at the front of a written unit. Must not know any unit.

use super::UnitError;

/// Splits `1.5s` into 1.5 and `s`. `None` when no number stands in front.
pub(super) fn leading_number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || digits.ends_with('.') {
        return None;
    }
    let number: f64 = digits.parse().ok()?;
    number.is_finite().then_some((number, rest))
}

/// Refuses a minus sign with words of its own: `-5s` is understood and still wrong.
pub(super) fn refuse_negative(text: &str, what: &str, help: &str) -> Result<(), UnitError> {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) if rest.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            Err(UnitError::new(format!("`{}` is negative; {what} cannot be", shown(text)), help))
        }
        _ => Ok(()),
    }
}

/// The text as it may stand in a message: cut, so that a hostile plan cannot flood the terminal.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
