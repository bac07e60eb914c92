//! Workflow commands of GitHub Actions, which shows them beside the line of the plan. Nothing in a plan, in a file's name
//! or in an answer can make a second command. Must not know whether a workflow runs.

use super::model::{Level, ResultDocument, ThresholdResult, Verdict};
use super::text::clean;
use super::verdict::{judged, verdict_line};

/// One annotation for each threshold that is not met, and one for a run that says nothing about them.
pub fn annotations(doc: &ResultDocument) -> String {
    let is_one = |threshold: &ThresholdResult| threshold.verdict == Verdict::Invalid;
    let is_void = match doc.verdict {
        Verdict::Interrupted => true,
        // Only a threshold is, and it stands beside its line.
        Verdict::Invalid => !doc.generator.valid || !doc.thresholds.iter().any(is_one),
        _ => false,
    };
    let of_run = || command("error", &[("title", &doc.plan.name)], &verdict_line(doc));
    let missed = |threshold: &&ThresholdResult| threshold.verdict != Verdict::Pass;
    match is_void {
        true => of_run(),
        false => doc.thresholds.iter().filter(missed).map(annotation).collect(),
    }
}

fn annotation(threshold: &ThresholdResult) -> String {
    let words = judged(threshold);
    let is_soft = threshold.verdict == Verdict::Warn || threshold.level == Level::Warn;
    let severity = if is_soft { "warning" } else { "error" };
    let title = format!("{}: {}", words.scope, words.expression);
    let note = if words.note.is_empty() { String::new() } else { format!("; {}", words.note) };
    let message = format!("{}: {}, target {}{note}", words.word, words.observed, words.target);
    match &threshold.place {
        Some(place) => {
            let line = place.line.to_string();
            command(severity, &[("file", &place.file), ("line", &line), ("title", &title)], &message)
        }
        None => command(severity, &[("title", &title)], &message),
    }
}

/// One line: `::error file=…,line=…::message`. A line end in the message stays one.
pub fn command(severity: &str, properties: &[(&str, &str)], message: &str) -> String {
    let properties: Vec<_> =
        properties.iter().map(|(key, value)| format!("{key}={}", property(value))).collect();
    let message: Vec<_> = message.split('\n').map(data).collect();
    format!("::{severity} {}::{}\n", properties.join(","), message.join("%0A"))
}

/// Text of the message, harmless and on one line.
fn data(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn what_is_not_met_stands_beside_its_line() {
        let text = annotations(&fixture::failing());
        let first = text.lines().next().unwrap();
        assert_eq!(
            first,
            "::error file=plans/temponest general.yaml,line=12,title=execute agent%3A p95 < 2s::FAIL: 4.61 s, target < 2 s"
        );
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.lines().nth(1).unwrap().starts_with("::warning file="), "{text}");
        assert_eq!(annotations(&fixture::empty()), "");
    }

    #[test]
    fn a_run_that_says_nothing_is_one_error() {
        let doc = ResultDocument { verdict: Verdict::Invalid, exit_code: 4, ..fixture::failing() };
        assert_eq!(annotations(&doc).lines().count(), 1);
    }

    #[test]
    fn nothing_in_it_is_a_second_command() {
        let evil = "a%,b:c\n::set-output name=x::y\u{1b}[2J##[error]\r::error::z";
        let shown = command("error", &[("file", evil)], evil);
        assert!(shown.starts_with("::error file=a%25%2Cb%3Ac"), "{shown}");
        assert_eq!(shown.matches('\n').count(), 1, "{shown}");
        assert!(!shown.contains(['\r', '\u{1b}']) && !shown.contains("##[error]"), "{shown}");
    }
}
