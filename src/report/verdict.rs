//! Verdicts in words and marks, and what a threshold came to. Must not decide anything: the document has decided.

use super::model::{ResultDocument, ThresholdResult, Verdict, WorstWindow};
use super::number;
use super::text::clean;

/// `✓`, `⚠` or `✗`.
pub fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Warn => "⚠",
        Verdict::NoData | Verdict::Fail | Verdict::Invalid | Verdict::Interrupted => "✗",
    }
}

/// The verdict in capitals.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Warn => "WARN",
        Verdict::NoData => "NO DATA",
        Verdict::Fail => "FAIL",
        Verdict::Invalid => "INVALID",
        Verdict::Interrupted => "INTERRUPTED",
    }
}

/// The one line that says how it went, why, and with which exit code.
pub fn verdict_line(doc: &ResultDocument) -> String {
    let reason = clean(&doc.reason);
    let reason = reason.trim().trim_end_matches('.');
    let why = if reason.is_empty() { String::new() } else { format!(" — {reason}") };
    format!("{} {}{why} · exit {}", mark(doc.verdict), word(doc.verdict), doc.exit_code)
}

/// A threshold as cells of text.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Judged {
    /// `✓`, `⚠` or `✗`.
    pub mark: &'static str,
    /// `pass`, `warn` or `fail`: a class, not a sentence.
    pub class: &'static str,
    /// The verdict in words.
    pub word: &'static str,
    /// What it is about.
    pub scope: String,
    /// As written in the plan.
    pub expression: String,
    /// What was seen, or `no data`.
    pub observed: String,
    /// What was demanded, with its comparison.
    pub target: String,
    /// Of a threshold relative to a baseline: the value there; else empty.
    pub baseline: String,
    /// How far from the target: `27 % under`.
    pub margin: String,
    /// Remarks.
    pub note: String,
}

/// `threshold` as cells of text.
pub fn judged(threshold: &ThresholdResult) -> Judged {
    // Where only the baseline says nothing, what was seen is known.
    let is_seen = threshold.verdict != Verdict::NoData || lacks_baseline(threshold);
    let seen = threshold.observed.filter(|v| v.is_finite() && is_seen);
    Judged {
        mark: mark(threshold.verdict),
        class: class(threshold.verdict),
        word: word(threshold.verdict),
        scope: scope(&threshold.scope),
        expression: expression(threshold),
        observed: seen.map_or_else(|| "no data".into(), |v| beside_target(threshold, v)),
        target: target(threshold),
        baseline: threshold.baseline.as_ref().map_or_else(String::new, |baseline| {
            baseline.value.map_or_else(|| "no data".into(), |v| number::value(v, &threshold.unit))
        }),
        margin: seen.zip(threshold.target).map_or_else(String::new, |(v, target)| margin(v, target)),
        note: note(threshold),
    }
}

/// What was demanded, with its comparison: `< 200 ms`.
pub fn target(threshold: &ThresholdResult) -> String {
    match threshold.target {
        Some(value) => format!("{}{}", comparison(&threshold.expression), goal(threshold, value)),
        None => number::NONE.to_owned(),
    }
}

/// What was demanded, as it was written; a limit that was computed is not written to its last digit.
pub fn goal(threshold: &ThresholdResult, target: f64) -> String {
    match threshold.baseline {
        Some(_) => number::limit(target, threshold.observed, &threshold.unit),
        None => number::target(target, &threshold.unit),
    }
}

/// A value with as many digits as it takes not to look like a target it is not.
pub fn beside_target(threshold: &ThresholdResult, value: f64) -> String {
    let target = threshold.target.unwrap_or(value);
    number::unlike(value, target, &goal(threshold, target), &threshold.unit)
}

/// Whether the baseline is what keeps it from being judged.
fn lacks_baseline(threshold: &ThresholdResult) -> bool {
    threshold.baseline.as_ref().is_some_and(|baseline| baseline.lacks.is_some())
}

/// The class of a verdict in reports.
pub fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::NoData | Verdict::Fail => "fail",
        Verdict::Invalid | Verdict::Interrupted => "void",
    }
}

fn scope(scope: &str) -> String {
    match scope.split_once(':') {
        Some(("endpoint", name)) => clean(name),
        Some((kind, name)) => clean(&format!("{kind} {name}")),
        None => clean(scope),
    }
}

/// As written, with its windows.
fn expression(threshold: &ThresholdResult) -> String {
    let mut words = clean(&threshold.expression);
    for (name, seconds) in [("over", threshold.over_s), ("for", threshold.for_s)] {
        if let Some(seconds) = seconds {
            words += &format!(" {name} {}", number::span(f64::from(seconds)));
        }
    }
    words
}

/// When a window was: ` from 30 s to 1m`.
pub fn during(window: &WorstWindow) -> String {
    format!(" from {} to {}", number::moment(window.from_s), number::moment(window.to_s))
}

fn comparison(expression: &str) -> &'static str {
    ["<=", ">=", "==", "!=", "<", ">"].into_iter().find(|sign| expression.contains(sign)).map_or("", |sign| {
        match sign {
            "<=" => "≤ ",
            ">=" => "≥ ",
            "==" => "= ",
            "!=" => "≠ ",
            "<" => "< ",
            _ => "> ",
        }
    })
}

fn margin(observed: f64, target: f64) -> String {
    let off = (observed - target) / target.abs() * 100.0;
    match off {
        off if !off.is_finite() => String::new(),
        0.0 => "at the target".into(),
        off if off.abs() < 0.5 => format!("<1 % {}", if off > 0.0 { "over" } else { "under" }),
        off => format!("{:.0} % {}", off.abs(), if off > 0.0 { "over" } else { "under" }),
    }
}

/// The 95 % interval: `139 ms – 151 ms`.
pub fn interval(threshold: &ThresholdResult) -> Option<String> {
    let limits = threshold.interval?;
    let [low, high] = limits.map(|limit| beside_target(threshold, limit));
    Some(format!("{low} – {high}"))
}

/// `baseline 145 ms, limit 159.5 ms, 5 % under`.
fn relation(threshold: &ThresholdResult) -> Option<String> {
    let baseline = threshold.baseline.as_ref()?.value?;
    let limit = threshold.target?;
    let (baseline, limit_shown) = (number::value(baseline, &threshold.unit), goal(threshold, limit));
    let off = threshold.observed.map(|observed| margin(observed, limit)).filter(|off| !off.is_empty());
    let off = off.map_or_else(String::new, |off| format!(", {off}"));
    Some(format!("baseline {baseline}, limit {limit_shown}{off}"))
}

fn note(threshold: &ThresholdResult) -> String {
    let mut notes: Vec<_> = relation(threshold).into_iter().collect();
    notes.extend(interval(threshold).into_iter().map(|limits| format!("95 % interval {limits}")));
    notes.extend(threshold.worst_window.iter().map(|window| during(window).trim_start().to_owned()));
    notes.extend(threshold.note.iter().map(|n| clean(n)));
    if threshold.verdict == Verdict::NoData && !lacks_baseline(threshold) {
        notes.push(format!("has {}", number::plural(threshold.samples, "sample")));
    }
    notes.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::model::BaselineValue;

    #[test]
    fn the_verdict_line_says_why() {
        assert_eq!(
            verdict_line(&fixture::failing()),
            "✗ FAIL — p95 of \"execute agent\" was 4.61 s, target < 2 s (1 of 6 thresholds missed) · exit 1"
        );
        let mut doc = fixture::empty();
        doc.reason = "all met.\n::error::".into();
        assert_eq!(verdict_line(&doc), "✓ PASS — all met. : :error:: · exit 0");
        doc.reason.clear();
        assert_eq!(verdict_line(&doc), "✓ PASS · exit 0");
    }

    #[test]
    fn margins() {
        assert_eq!(margin(4.6, 2.0), "130 % over");
        assert_eq!(margin(0.145, 0.2), "28 % under");
        assert_eq!(margin(2.0, 2.0), "at the target");
        assert_eq!(margin(2.0004, 2.0), "<1 % over");
        assert_eq!(margin(1.0, 0.0), "");
    }

    #[test]
    fn a_relative_threshold_shows_what_its_limit_follows_from() {
        let mut threshold = ThresholdResult {
            expression: "p95 < 1.1 * baseline".into(),
            observed: Some(0.152),
            target: Some(0.1595),
            baseline: Some(BaselineValue { value: Some(0.145), lacks: None }),
            verdict: Verdict::Pass,
            ..fixture::failing().thresholds[0].clone()
        };
        let cells = judged(&threshold);
        assert_eq!((cells.observed.as_str(), cells.baseline.as_str()), ("152 ms", "145 ms"));
        assert_eq!((cells.target.as_str(), cells.margin.as_str()), ("< 159.5 ms", "5 % under"));
        assert_eq!(cells.note, "baseline 145 ms, limit 159.5 ms, 5 % under");
        threshold.baseline = Some(BaselineValue { value: None, lacks: Some("another load".into()) });
        (threshold.target, threshold.verdict) = (None, Verdict::NoData);
        threshold.note = Some("another load".into());
        let cells = judged(&threshold);
        assert_eq!((cells.observed.as_str(), cells.baseline.as_str()), ("152 ms", "no data"));
        assert_eq!((cells.target.as_str(), cells.margin.as_str()), ("–", ""));
        assert_eq!(cells.note, "another load");
    }

    #[test]
    fn no_data_says_what_is_missing() {
        let doc = fixture::failing();
        let cells = judged(doc.thresholds.iter().find(|t| t.verdict == Verdict::NoData).unwrap());
        assert_eq!((cells.mark, cells.observed.as_str()), ("✗", "no data"));
        assert_eq!(cells.note, "needs 3688 samples; has 240 samples");
    }
}
