//! JUnit XML: a case for each threshold and each group of failures, so that a CI system shows what broke. It is red
//! where the run is: failures that the thresholds allow are skipped cases. Must not judge.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::ReportError;
use super::model::{Ended, FailureGroup, Level, ResultDocument, ThresholdResult, Verdict};
use super::number;
use super::text::{clean, clean_block};
use super::verdict::{judged, verdict_line};

/// `doc` as JUnit XML.
///
/// # Errors
/// Only if XML cannot be written to memory.
pub fn render(doc: &ResultDocument) -> Result<String, ReportError> {
    let mut report = Report::new(clean(&doc.plan.name));
    let time = Duration::try_from_secs_f64(doc.run.duration_s).unwrap_or_default();
    report.set_time(time);
    let mut suites = [("run", vec![run(doc)]), ("thresholds", thresholds(doc)), ("failures", failures(doc))]
        .into_iter()
        .filter(|(_, cases)| !cases.is_empty())
        .map(|(name, cases)| suite(name, cases, doc));
    let mut first = suites.next();
    if let Some(first) = &mut first {
        first.set_time(time);
    }
    report.add_test_suites(first.into_iter().chain(suites));
    report.to_string().map_err(ReportError::Xml)
}

fn suite(name: &str, cases: Vec<TestCase>, doc: &ResultDocument) -> TestSuite {
    let mut suite = TestSuite::new(name);
    let of = [
        ("plan", &doc.plan.file),
        ("run", &doc.run.id),
        ("started_at", &doc.run.started_at),
        ("seed", &doc.run.seed.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), clean(value)));
    suite.add_properties(of);
    suite.add_test_cases(cases);
    suite
}

/// Whether the run went as planned and its numbers can be believed.
fn run(doc: &ResultDocument) -> TestCase {
    let line = verdict_line(doc);
    let is_whole = doc.run.ended == Ended::Completed || doc.run.ended == Ended::Aborted;
    let status = match doc.verdict {
        Verdict::Invalid if is_invalid(doc) => told(NonSuccessKind::Error, "invalid", &line, &reasons(doc)),
        Verdict::Interrupted => told(NonSuccessKind::Error, "interrupted", &line, ""),
        _ if !is_whole => told(NonSuccessKind::Error, "incomplete", &line, ""),
        // Without a threshold that is missed, what is wrong stands here.
        _ if doc.exit_code != 0 && !doc.thresholds.iter().any(is_red) => {
            told(NonSuccessKind::Failure, "verdict", &line, "")
        }
        _ => TestCaseStatus::success(),
    };
    let mut case = case("run", "the run is complete and valid", status);
    case.set_system_out(line);
    case
}

/// Whether all of the run is, and not only a threshold.
fn is_invalid(doc: &ResultDocument) -> bool {
    let is_one = |threshold: &ThresholdResult| threshold.verdict == Verdict::Invalid;
    doc.verdict == Verdict::Invalid && (!doc.generator.valid || !doc.thresholds.iter().any(is_one))
}

fn reasons(doc: &ResultDocument) -> String {
    let reasons = doc.generator.reasons.iter();
    reasons.map(|reason| clean(&reason.detail)).collect::<Vec<_>>().join("\n")
}

fn thresholds(doc: &ResultDocument) -> Vec<TestCase> {
    // A run that is invalid for a threshold that cannot be judged is believed otherwise.
    let is_void = doc.verdict == Verdict::Interrupted || is_invalid(doc);
    let one = |threshold: &ThresholdResult| {
        let words = judged(threshold);
        let seen = format!("{} {}, target {}", words.mark, words.observed, words.target);
        let told_of = |kind, of| told(kind, of, &seen, &words.note);
        let status = match threshold.verdict {
            _ if is_void => skipped(&format!("{seen}; the run is not judged")),
            Verdict::Fail => told_of(NonSuccessKind::Failure, "missed"),
            // One that only warns is not red where the exit code is not.
            Verdict::NoData | Verdict::Invalid if threshold.level == Level::Warn && doc.exit_code == 0 => {
                skipped(&format!("{seen}; {}", words.note))
            }
            Verdict::NoData => told_of(NonSuccessKind::Failure, "no_data"),
            Verdict::Invalid => told_of(NonSuccessKind::Error, "invalid"),
            // With --strict a warning ends the run with exit 1.
            Verdict::Warn if doc.exit_code == 1 && doc.verdict == Verdict::Warn => {
                told_of(NonSuccessKind::Failure, "warning")
            }
            _ => TestCaseStatus::success(),
        };
        let mut case = case(&words.scope, &format!("{}: {}", words.scope, words.expression), status);
        let note = if words.note.is_empty() { String::new() } else { format!("; {}", words.note) };
        case.set_system_out(format!("{}: {seen}{note}", words.word));
        case
    };
    doc.thresholds.iter().map(one).collect()
}

fn is_red(threshold: &ThresholdResult) -> bool {
    let is_hard = threshold.level == Level::Fail;
    match threshold.verdict {
        Verdict::Fail => true,
        Verdict::NoData | Verdict::Invalid => is_hard,
        Verdict::Pass | Verdict::Warn | Verdict::Interrupted => false,
    }
}

fn failures(doc: &ResultDocument) -> Vec<TestCase> {
    let fails = doc.verdict == Verdict::Fail;
    let one = |group: &FailureGroup| {
        let count = number::plural(group.count, "request");
        let when = format!("from {} to {}", number::moment(group.first_s), number::moment(group.last_s));
        let message = format!("{count} {when}: {}", clean(&group.message));
        let example = group.example.as_ref().map_or_else(String::new, |example| {
            let response = example.response.as_deref().unwrap_or("no response");
            format!("{}\n\n{}", clean_block(&example.request), clean_block(response))
        });
        let status = match fails {
            true => told(NonSuccessKind::Failure, &group.kind, &message, &example),
            false => skipped(&format!("{message} (the thresholds allow it)")),
        };
        let name = format!("{}: {}: {}", clean(&group.series), clean(&group.kind), clean(&group.message));
        case(&clean(&group.series), &name, status)
    };
    doc.failures.iter().map(one).collect()
}

fn case(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn told(kind: NonSuccessKind, of: &str, message: &str, details: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(clean(of)).set_message(message);
    if !details.is_empty() {
        status.set_description(details);
    }
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn cases(doc: &ResultDocument) -> Vec<(String, String)> {
        let report = Report::deserialize_from_str(&render(doc).unwrap()).unwrap();
        let kind = |status: &TestCaseStatus| match status {
            TestCaseStatus::Success { .. } => "ok",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "failure",
            TestCaseStatus::NonSuccess { .. } => "error",
            TestCaseStatus::Skipped { .. } => "skipped",
        };
        let all = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
        all.map(|case| (case.name.as_str().to_owned(), kind(&case.status).to_owned())).collect()
    }

    #[test]
    fn what_broke_is_red() {
        let doc = fixture::failing();
        let cases = cases(&doc);
        assert_eq!(cases.len(), 1 + doc.thresholds.len() + doc.failures.len());
        let of = |name: &str| cases.iter().find(|(case, _)| case.starts_with(name)).unwrap().1.clone();
        assert_eq!(of("the run is complete"), "ok");
        assert_eq!(of("execute agent: p95 < 2s"), "failure");
        assert_eq!(of("list agents: p95 < 200ms"), "ok");
        assert_eq!(of("execute agent: status: expected 2xx, got 500"), "failure");
    }

    #[test]
    fn nothing_is_red_in_a_run_that_passes() {
        let mut doc = fixture::failing();
        (doc.verdict, doc.exit_code) = (Verdict::Warn, 0);
        doc.thresholds.retain(|threshold| threshold.verdict != Verdict::Fail);
        // Without data, but it only warns.
        doc.thresholds
            .iter_mut()
            .filter(|t| t.verdict == Verdict::NoData)
            .for_each(|t| t.level = Level::Warn);
        assert!(cases(&doc).iter().all(|(_, kind)| kind == "ok" || kind == "skipped"));
        doc.exit_code = 1;
        assert!(cases(&doc).iter().any(|(_, kind)| kind == "failure"), "--strict");
    }

    #[test]
    fn a_run_that_says_nothing_is_an_error() {
        for verdict in [Verdict::Invalid, Verdict::Interrupted] {
            let doc = ResultDocument { verdict, exit_code: 4, ..fixture::failing() };
            let cases = cases(&doc);
            assert_eq!(cases[0].1, "error");
            assert!(cases[1..].iter().all(|(_, kind)| kind == "skipped"), "{cases:?}");
        }
        let mut doc = fixture::empty();
        (doc.verdict, doc.exit_code) = (Verdict::Fail, 1);
        assert_eq!(cases(&doc)[0].1, "failure");
    }

    #[test]
    fn a_threshold_that_cannot_be_judged_is_an_error_and_the_others_are_judged() {
        let mut doc = fixture::failing();
        doc.thresholds.retain(|threshold| threshold.verdict == Verdict::Pass);
        doc.thresholds[0].verdict = Verdict::Invalid;
        (doc.verdict, doc.exit_code) = (Verdict::Invalid, 4);
        let kinds: Vec<_> = cases(&doc).into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds[..3], ["ok", "error", "ok"]);
    }

    #[test]
    fn no_server_can_break_the_xml() {
        let mut doc = fixture::failing();
        doc.failures[0].message = "a\0b\u{1b}[31m]]>&<x/>\u{ffff}\u{fffe}".to_owned();
        let text = render(&doc).unwrap();
        assert!(!text.contains(['\0', '\u{1b}', '\u{ffff}', '\u{fffe}']), "{text}");
        assert_eq!(cases(&doc).len(), 1 + doc.thresholds.len() + doc.failures.len());
    }
}
