//! Thresholds relative to a baseline: `p95 < 1.1 * baseline`. The text of the value, and the limit that follows once the
//! value of the earlier run is known. Must not know where that run is kept.

use std::cmp::Ordering;

use crate::diagnostic::nearest;
use crate::units::UnitError;

use super::{Metric, Op, Threshold};

/// The word that stands for the value of the earlier run.
pub const BASELINE: &str = "baseline";
/// What can be written.
const HELP: &str = "write `baseline`, `1.1 * baseline`, `baseline + 20ms` or `1.1 * baseline + 20ms`";

/// What a metric is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A value in the metric's unit.
    Fixed(f64),
    /// What follows from the value of an earlier run.
    Relative(Relative),
}

/// `factor * baseline + plus`.
#[derive(Debug, Clone, PartialEq)]
pub struct Relative {
    /// Above 0.
    pub factor: f64,
    /// In the metric's unit; below 0 for `baseline - …`.
    pub plus: f64,
    /// The value of the earlier run.
    pub baseline: Baseline,
}

/// What an earlier run says about a metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Baseline {
    /// Nobody has asked it yet.
    Unread,
    /// This.
    Is {
        /// In the metric's unit.
        value: f64,
        /// Samples behind it.
        samples: u64,
    },
    /// Nothing; why, in words.
    Lacks(String),
}

impl Threshold {
    /// The value that is demanded, in the metric's unit; `None` when it depends on a baseline that does not say.
    pub fn limit(&self) -> Option<f64> {
        match &self.target {
            Target::Fixed(value) => Some(*value),
            Target::Relative(relative) => relative.limit(),
        }
    }

    /// What it is relative to; `None` when it is not.
    pub fn relative(&self) -> Option<&Relative> {
        match &self.target {
            Target::Fixed(_) => None,
            Target::Relative(relative) => Some(relative),
        }
    }

    /// Tells it what the earlier run says.
    pub fn bind(&mut self, baseline: Baseline) {
        if let Target::Relative(relative) = &mut self.target {
            relative.baseline = baseline;
        }
    }

    /// Whether a baseline in which nothing failed makes a limit of 0, below which nothing is.
    pub fn is_below_nothing(&self) -> bool {
        let may_be_0 =
            matches!(self.metric, Metric::Errors | Metric::Failures | Metric::Status(..) | Metric::Dropped);
        may_be_0 && self.op == Op::Less && self.relative().is_some_and(|relative| relative.plus <= 0.0)
    }
}

impl Relative {
    /// Whether its limit is lower, the same or higher, whatever the baseline says; `None` when that depends.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        let (by_factor, by_sum) =
            (self.factor.partial_cmp(&other.factor)?, self.plus.partial_cmp(&other.plus)?);
        let agree = by_factor.is_eq() || by_sum.is_eq() || by_factor == by_sum;
        agree.then_some(by_factor.then(by_sum))
    }

    /// The limit that follows.
    pub fn limit(&self) -> Option<f64> {
        match self.baseline {
            Baseline::Is { value, .. } => {
                Some(self.factor * value + self.plus).filter(|limit| limit.is_finite())
            }
            Baseline::Unread | Baseline::Lacks(_) => None,
        }
    }

    /// Samples behind the value of the earlier run; `None` without one.
    pub(super) fn samples(&self) -> Option<u64> {
        match self.baseline {
            Baseline::Is { samples, .. } => Some(samples),
            Baseline::Unread | Baseline::Lacks(_) => None,
        }
    }

    /// Why there is no limit, in words.
    pub fn lack(&self) -> Option<&str> {
        match &self.baseline {
            Baseline::Lacks(words) => Some(words),
            Baseline::Unread => Some("no baseline was read"),
            Baseline::Is { .. } if self.limit().is_none() => Some("no limit follows from the baseline"),
            Baseline::Is { .. } => None,
        }
    }
}

/// The value after the comparison, when it names the baseline; `fixed` reads a value in the metric's unit.
///
/// # Errors
/// When the word is there, or nearly so, and the rest cannot be read.
pub(super) fn relative(
    metric: Metric,
    value: &str,
    fixed: impl Fn(&str) -> Result<f64, UnitError>,
) -> Result<Option<Relative>, UnitError> {
    let Some((before, after)) = value.split_once(BASELINE) else {
        let words = value.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 4);
        let meant = |word: &&str| nearest(word, [BASELINE]).is_some();
        return match words.into_iter().find(meant) {
            Some(word) => Err(wrong(format!("`{word}` is no value"), "did you mean `baseline`?")),
            None => Ok(None),
        };
    };
    let no = || wrong(format!("`{value}` is no value relative to a baseline"), HELP);
    let (before, after) = (before.trim(), after.trim());
    let mut factor = match before {
        "" => None,
        before => Some(number(before.strip_suffix('*').ok_or_else(no)?).ok_or_else(no)?),
    };
    let (product, term) = match after.find(['+', '-']) {
        Some(at) => (after[..at].trim(), Some(after[at..].split_at(1))),
        None => (after, None),
    };
    match product {
        "" => {}
        product if factor.is_none() => {
            factor = Some(number(product.strip_prefix('*').ok_or_else(no)?).ok_or_else(no)?);
        }
        _ => return Err(no()),
    }
    let plus = match term {
        None => 0.0,
        Some((_, share)) if share.trim().ends_with('%') && metric.unit() != "ratio" => {
            let message = format!("{} of what?", share.trim());
            return Err(wrong(message, "write `1.1 * baseline` for a tenth more than the baseline"));
        }
        Some((sign, term)) => {
            let term = fixed(term.trim())?;
            if sign == "-" { -term } else { term }
        }
    };
    Ok(Some(Relative { factor: factor.unwrap_or(1.0), plus, baseline: Baseline::Unread }))
}

/// A factor: a plain number above 0.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_plain = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|factor: &f64| is_plain && factor.is_finite() && *factor > 0.0)
}

fn wrong(message: String, help: &str) -> UnitError {
    UnitError { message, help: help.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn what_can_be_written() {
        for (text, value, limit) in [
            ("p95 < baseline", 0.2, 0.2),
            ("p95 < 1.1 * baseline", 0.2, 0.22),
            ("p95<1.1*baseline", 0.2, 0.22),
            ("p95 < baseline * 1.1", 0.2, 0.22),
            ("p95 < baseline + 20ms", 0.2, 0.22),
            ("p95 < baseline - 20ms", 0.2, 0.18),
            ("p95 < 1.1 * baseline + 20ms", 0.2, 0.24),
            ("p95 < baseline * 1.1 - 20ms", 0.2, 0.2),
            ("p(95) < baseline + 20", 0.2, 0.22),
            ("errors <= baseline + 0.5%", 0.01, 0.015),
            ("rps > 0.95 * baseline", 100.0, 95.0),
            ("rps > baseline - 5/s", 100.0, 95.0),
            ("requests >= .5 * baseline", 100.0, 50.0),
        ] {
            let mut threshold = parse(text).unwrap();
            assert_eq!(threshold.limit(), None, "{text}");
            threshold.bind(Baseline::Is { value, samples: 100 });
            assert!((threshold.limit().unwrap() - limit).abs() < 1e-12, "{text}: {:?}", threshold.limit());
        }
    }

    #[test]
    fn mistakes_are_told_with_what_to_write() {
        for (text, message, help) in [
            ("p95 < basline * 1.1", "`basline` is no value", "did you mean `baseline`?"),
            ("p95 < 1.1 baseline", "is no value relative to a baseline", "1.1 * baseline"),
            ("p95 < 1.1 * baseline * 2", "is no value relative to a baseline", "1.1 * baseline"),
            ("p95 < 110% * baseline", "is no value relative to a baseline", "1.1 * baseline"),
            ("p95 < 0 * baseline", "is no value relative to a baseline", "1.1 * baseline"),
            ("p95 < -1 * baseline", "is no value relative to a baseline", "1.1 * baseline"),
            ("p95 < inf * baseline", "is no value relative to a baseline", "1.1 * baseline"),
            ("p95 < baseline + baseline", "", ""),
            ("p95 < baseline + 10%", "10% of what?", "write `1.1 * baseline`"),
            ("p95 < baseline + 20", "20 what?", "20ms"),
            ("errors < baseline + 0.01", "0.01 what?", "1%"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(message), "{text}: {error:?}");
            assert!(error.help.as_deref().unwrap_or_default().contains(help), "{text}: {error:?}");
        }
    }

    #[test]
    fn a_limit_of_0_is_known_where_it_traps() {
        let traps = |text: &str| parse(text).unwrap().is_below_nothing();
        assert!(traps("errors < 1.1 * baseline") && traps("status.5xx < baseline"));
        for text in ["errors <= 1.1 * baseline", "errors < baseline + 1%", "p95 < baseline", "errors < 1%"] {
            assert!(!traps(text), "{text}");
        }
    }
}
