//! What thresholds that cannot be judged make of a run.

use std::time::Duration;

use super::*;
use crate::engine::Resources;
use crate::engine::health::Observed;
use crate::report::fixture;

fn outcome(stopped: Stopped) -> Outcome {
    Outcome {
        stopped,
        started_at: jiff::Timestamp::UNIX_EPOCH,
        duration: Duration::from_secs(10),
        loads: vec![],
        totals: Totals::new(1, 1),
        timeline: vec![],
        findings: vec![],
        resources: Resources::default(),
        health: Observed::default(),
        by_hand: vec![],
        data_end: None,
    }
}

/// A threshold `p95 < 8ms` that came to this, with 7.5 ms seen.
fn threshold(verdict: Verdict, level: Level) -> ThresholdResult {
    let found = fixture::failing().thresholds.swap_remove(0);
    let lateness_s = (verdict == Verdict::Invalid).then_some(0.002);
    let expression = "p95 < 8ms".to_owned();
    ThresholdResult {
        expression,
        verdict,
        level,
        lateness_s,
        observed: Some(0.0075),
        target: Some(0.008),
        ..found
    }
}

fn judged(stopped: Stopped, thresholds: &[ThresholdResult]) -> Judgement {
    let mut whole = SeriesTotal::default();
    (0..100).for_each(|_| whole.ok.record(1_000));
    let sent = Sent { whole: &whole, in_warmup: 0 };
    let generator = Generator { valid: true, ..Generator::default() };
    judge(&outcome(stopped), thresholds, &generator, sent, &Grading::default())
}

#[test]
fn one_that_cannot_be_judged_makes_the_run_invalid_unless_another_is_missed() {
    use Level::{Fail, Warn};
    let of = |all: &[(Verdict, Level)]| {
        let thresholds: Vec<_> = all.iter().map(|(verdict, level)| threshold(*verdict, *level)).collect();
        let judged = judged(Stopped::Completed, &thresholds);
        (judged.verdict, judged.exit)
    };
    let (pass, invalid) = ((Verdict::Pass, Fail), (Verdict::Invalid, Fail));
    assert_eq!(of(&[pass]), (Verdict::Pass, Exit::Pass));
    assert_eq!(of(&[pass, invalid]), (Verdict::Invalid, Exit::Invalid));
    assert_eq!(of(&[(Verdict::Fail, Fail), invalid]), (Verdict::Fail, Exit::Fail));
    assert_eq!(of(&[(Verdict::NoData, Fail), invalid]), (Verdict::Fail, Exit::Fail));
    assert_eq!(of(&[(Verdict::Warn, Warn), invalid]), (Verdict::Invalid, Exit::Invalid));
    assert_eq!(of(&[pass, (Verdict::Invalid, Warn)]), (Verdict::Warn, Exit::Pass));
}

#[test]
fn the_reason_says_why_and_an_abort_so_near_its_limit_fails_nothing() {
    let invalid = [threshold(Verdict::Invalid, Level::Fail)];
    let words = "p95 of \"execute agent\" was 7.5 ms, target < 8 ms; the generator was up to 2 ms late (p99), so nothing \
                 can be said";
    assert_eq!(judged(Stopped::Completed, &invalid).reason, words);
    let aborted = judged(Stopped::Aborted(Broken { threshold: 0, at_s: 4 }), &invalid);
    assert_eq!((aborted.verdict, aborted.exit), (Verdict::Invalid, Exit::Invalid));
    assert_eq!(aborted.reason, format!("{words}; it ended the run at 4 s"));
}

#[test]
fn allow_invalid_judges_it_with_a_remark() {
    let undecided = || Undecided { lateness_s: 0.002, words: "too late".into() };
    let mut met = threshold(Verdict::Pass, Level::Fail);
    met.note = Some("few samples".into());
    let invalid = not_judged(met.clone(), undecided(), false);
    assert_eq!((invalid.verdict, invalid.lateness_s), (Verdict::Invalid, Some(0.002)));
    assert_eq!(invalid.note.as_deref(), Some("too late; few samples"));
    let judged = not_judged(met, undecided(), true);
    assert_eq!((judged.verdict, judged.note.as_deref()), (Verdict::Pass, Some("too late; few samples")));
}
