//! Runs second by second, with what every second saw given.

use std::ops::Range;

use super::super::parse;
use super::*;
use crate::failure::Failure;
use crate::metric::{ABSENT, Outcome, Phase, Sample, SeriesId};

/// So many requests of one row, all with this latency.
#[derive(Clone, Copy)]
struct Seen {
    row: u16,
    requests: u64,
    ms: u32,
    outcome: Outcome,
}

const OK: Outcome = Outcome::Ok;
const FAILED: Outcome = Outcome::Failed(Failure::Status);

fn seen(requests: u64, ms: u32) -> Vec<Seen> {
    vec![Seen { row: 0, requests, ms, outcome: OK }]
}

fn recorder(all: &[Seen]) -> Recorder {
    let mut recorder = Recorder::new(2, 1);
    for seen in all {
        let mut phases = [ABSENT; Phase::COUNT];
        phases[Phase::Ttfb as usize] = seen.ms * 500;
        let sample = Sample { phases, ..Sample::bare(SeriesId(seen.row), seen.outcome, seen.ms * 1000) };
        (0..seen.requests).for_each(|_| recorder.record(&sample));
        recorder.scenarios[0].iterations += seen.requests;
    }
    recorder
}

fn threshold(text: &str, over_s: u32, for_s: u32, abort: bool) -> Threshold {
    let some = |seconds: u32| (seconds > 0).then_some(seconds);
    Threshold { over_s: some(over_s), for_s: some(for_s), abort, ..parse(text).unwrap() }
}

fn about<'a>(threshold: &'a Threshold, series: &[usize]) -> Watched<'a> {
    Watched { threshold, series: series.to_vec(), scenarios: vec![0], loaded_by: vec![0] }
}

fn load(measured: Range<f64>) -> [LoadWindow; 1] {
    [LoadWindow { from_s: 0.0, measured_from_s: measured.start, to_s: measured.end }]
}

/// A load without end.
const ENDLESS: [LoadWindow; 1] = [LoadWindow { from_s: 0.0, measured_from_s: 0.0, to_s: f64::INFINITY }];

fn watch(threshold: &Threshold, series: &[usize]) -> Watch {
    Watch::new([about(threshold, series)], None)
}

/// Ships each second in two halves, as two workers do. When the run had to end, and what was found.
fn run(threshold: &Threshold, seconds: &[Vec<Seen>]) -> (Option<u64>, Finding) {
    let mut watch = watch(threshold, &[0]);
    let mut broken = None;
    for (number, all) in (0..).zip(seconds) {
        let [half, rest]: [Vec<Seen>; 2] =
            [0, 1].map(|odd| all.iter().map(|s| Seen { requests: (s.requests + odd) / 2, ..*s }).collect());
        watch.add(number, &recorder(&half));
        watch.add(number, &recorder(&rest));
        broken = broken.or(watch.close(number, 1.0, false, &ENDLESS));
    }
    (broken.map(|broken| broken.at_s), watch.findings().remove(0))
}

/// Slow in seconds 4 and 5 of 12.
fn slow_for_two_seconds() -> Vec<Vec<Seen>> {
    (0..12).map(|second| seen(100, if second == 4 || second == 5 { 900 } else { 100 })).collect()
}

#[test]
fn windows_over_a_slow_stretch() {
    type Case = (&'static str, u32, u32, Standing, f64, (f64, f64), Option<u64>);
    let cases: [Case; 7] = [
        // Two slow seconds are 20 % of a window of ten: p90 sees them, p75 does not.
        ("p90 < 500ms", 10, 0, Standing::Missed, 0.9, (0.0, 10.0), Some(10)),
        ("p75 < 500ms", 10, 0, Standing::Met, 0.1, (0.0, 10.0), None),
        ("p75 < 500ms", 4, 0, Standing::Missed, 0.9, (2.0, 6.0), Some(6)),
        ("p75 < 500ms", 1, 0, Standing::Missed, 0.9, (4.0, 5.0), Some(5)),
        ("p75 < 500ms", 0, 2, Standing::Missed, 0.9, (4.0, 6.0), Some(6)),
        ("p75 < 500ms", 0, 3, Standing::Met, 0.1, (0.0, 3.0), None),
        ("ttfb.avg < 200ms", 2, 0, Standing::Missed, 0.45, (4.0, 6.0), Some(5)),
    ];
    for (text, over_s, for_s, standing, observed, (from_s, to_s), broken) in cases {
        let about = format!("{text} over {over_s} for {for_s}");
        let (at, finding) = run(&threshold(text, over_s, for_s, true), &slow_for_two_seconds());
        let evaluation = finding.evaluation.unwrap();
        assert_eq!((at, evaluation.standing), (broken, standing), "{about}");
        let value = evaluation.observed.unwrap();
        assert!((value - observed).abs() < observed * 0.002, "{about}: {value}");
        assert_eq!(finding.worst, Some(Span { from_s, to_s }), "{about}");
        let quiet = run(&threshold(text, over_s, for_s, false), &slow_for_two_seconds());
        assert_eq!((quiet.0, quiet.1.worst), (None, finding.worst), "{about}: without abort nothing ends");
    }
}

#[test]
fn windows_with_too_few_samples_are_passed_over() {
    let mut seconds = vec![seen(20, 900); 3];
    seconds.extend(vec![seen(30, 100); 6]);
    // 72 samples are needed: three seconds of 20 have 60, the next three have 20 + 30 + 30.
    let (_, finding) = run(&threshold("p95 < 500ms", 3, 0, false), &seconds);
    assert_eq!(finding.worst, Some(Span { from_s: 2.0, to_s: 5.0 }));
    let (_, finding) = run(&threshold("p95 < 500ms", 2, 0, false), &seconds);
    let evaluation = finding.evaluation.unwrap();
    assert_eq!((evaluation.standing, evaluation.samples, finding.worst), (Standing::NoData, 60, None));
    let (_, finding) = run(&threshold("p95 < 500ms", 10, 0, false), &seconds);
    assert_eq!(finding.evaluation.unwrap().standing, Standing::NoData, "never a full window");
    let few = Threshold { min_samples: Some(1), ..threshold("p95 < 500ms", 2, 0, false) };
    assert_eq!(run(&few, &seconds).1.evaluation.unwrap().standing, Standing::Missed);
}

#[test]
fn silence_is_no_data_for_times_and_a_rate_of_zero() {
    let seconds = [seen(100, 100), seen(100, 900), vec![], vec![], seen(100, 900), seen(100, 100)];
    let (at, _) = run(&threshold("p95 < 500ms", 0, 2, true), &seconds);
    assert_eq!(at, Some(5), "silent seconds mend nothing");
    let (at, finding) = run(&threshold("rps > 10/s", 0, 2, true), &seconds);
    assert_eq!((at, finding.evaluation.unwrap().observed), (Some(4), Some(0.0)));
    let mut skipping = watch(&threshold("rps > 10/s", 2, 0, true), &[0]);
    skipping.add(0, &recorder(&seen(50, 10)));
    assert_eq!(skipping.close(0, 1.0, false, &ENDLESS), None);
    // Seconds nobody shipped count as silent.
    skipping.add(3, &recorder(&seen(50, 10)));
    assert_eq!(skipping.close(3, 1.0, false, &ENDLESS), Some(Broken { threshold: 0, at_s: 3 }));
}

#[test]
fn after_the_load_rates_are_not_looked_at_and_times_are() {
    let (rate, time) = (threshold("rps > 10/s", 2, 0, false), threshold("p95 < 500ms", 2, 0, false));
    let mut watch = Watch::new([&rate, &time].map(|threshold| about(threshold, &[0])), None);
    let loads = load(0.0..4.0);
    for number in 0..4 {
        watch.add(number, &recorder(&seen(100, 100)));
        watch.close(number, 1.0, false, &loads);
    }
    watch.add(4, &recorder(&[Seen { row: 0, requests: 9, ms: 3000, outcome: Outcome::Interrupted }]));
    watch.close(4, 0.25, false, &loads);
    watch.close(5, 1.0, false, &loads);
    let found = watch.findings();
    let [rate, time] = [&found[0], &found[1]];
    assert_eq!(rate.evaluation.as_ref().unwrap().standing, Standing::Met);
    let lower_bound = time.evaluation.as_ref().unwrap();
    assert_eq!(lower_bound.standing, Standing::Missed);
    assert!(lower_bound.note.as_ref().unwrap().contains("lower bound"), "{lower_bound:?}");
    assert_eq!(time.worst, Some(Span { from_s: 3.0, to_s: 4.25 }));
}

#[test]
fn a_warm_up_is_in_no_window_and_neither_is_the_time_before_a_scenario() {
    let rate = threshold("rps > 50/s", 3, 0, true);
    let whole = threshold("rps > 50/s", 0, 0, true);
    let iterations = threshold("iterations >= 100", 2, 0, false);
    let loads = load(4.0..10.0);
    let mut watch = Watch::new([&rate, &whole, &iterations].map(|t| about(t, &[0])), None);
    for number in 0..12 {
        watch.add(number, &recorder(&seen(if (4..10).contains(&number) { 100 } else { 0 }, 10)));
        assert_eq!(watch.close(number, 1.0, false, &loads), None, "second {number}");
    }
    let found = watch.findings();
    let observed = |index: usize| found[index].evaluation.as_ref().and_then(|evaluation| evaluation.observed);
    assert_eq!((observed(0), observed(2)), (Some(100.0), Some(200.0)));
    assert_eq!(found[0].worst, Some(Span { from_s: 4.0, to_s: 7.0 }));
    assert_eq!(found[1], Finding::default(), "on the whole run, and never broken");
}

#[test]
fn the_whole_run_ends_once_there_are_enough_samples() {
    let failing =
        |second: u64| Seen { row: 0, requests: 2, ms: 10, outcome: if second < 3 { OK } else { FAILED } };
    let seconds: Vec<_> = (0..10).map(|second| vec![failing(second)]).collect();
    for (text, min_samples, at) in [
        ("errors < 10%", None, Some(4)),
        ("errors < 30%", None, Some(5)),
        ("errors < 10%", Some(14), Some(7)),
        ("errors < 10%", Some(100), None),
        ("p90 < 5ms", None, None),
        ("p50 < 5ms", None, Some(3)),
        ("failures < 100", None, None),
    ] {
        let threshold = Threshold { min_samples, ..threshold(text, 0, 0, true) };
        let (broken, finding) = run(&threshold, &seconds);
        assert_eq!(broken, at, "{text} {min_samples:?}");
        // As it was when it broke, not as it was at the end.
        let kept = finding.evaluation.map(|evaluation| (evaluation.standing, evaluation.samples));
        assert_eq!(kept, at.map(|at| (Standing::Missed, at * 2)), "{text} {min_samples:?}");
    }
}

#[test]
fn rows_of_a_scope_are_one() {
    let both = |ms| vec![seen(50, 100)[0], Seen { row: 1, requests: 50, ms, outcome: OK }];
    let threshold = threshold("p75 < 500ms", 2, 0, false);
    for (series, standing) in
        [(vec![0], Standing::Met), (vec![1], Standing::Missed), (vec![0, 1], Standing::Missed)]
    {
        let mut watch = watch(&threshold, &series);
        for number in 0..3 {
            watch.add(number, &recorder(&both(900)));
            watch.close(number, 1.0, false, &ENDLESS);
        }
        let evaluation = watch.findings().remove(0).evaluation.unwrap();
        assert_eq!((evaluation.standing, evaluation.samples), (standing, 100 * series.len() as u64));
    }
}

#[test]
fn an_interval_needs_twenty_seconds_of_the_whole_run() {
    // Much the same in every second, and a few more of another one in each.
    let second =
        |number: u32| (0..8).flat_map(|i| seen(15, 100 + if i < 7 { i } else { number * 3 % 7 })).collect();
    let seconds = |count: u32| -> Vec<Vec<Seen>> { (0..count).map(second).collect() };
    for text in ["p50 < 500ms", "avg < 500ms", "ttfb.p50 < 500ms"] {
        assert_eq!(run(&threshold(text, 0, 0, false), &seconds(19)).1.interval, None, "{text}");
        let [low, high] = run(&threshold(text, 0, 0, false), &seconds(25)).1.interval.unwrap();
        let scale = if text.starts_with("ttfb") { 0.5 } else { 1.0 };
        assert!(0.099 * scale < low && low <= high && high < 0.107 * scale, "{text}: {low} {high}");
        assert_eq!(run(&threshold(text, 5, 0, false), &seconds(25)).1.interval, None, "{text} over 5s");
    }
    assert_eq!(run(&threshold("errors < 1%", 0, 0, false), &seconds(25)).1.interval, None);
}

/// When a run had to end that sent nothing in its third and fourth second, and nothing from its seventh on.
fn with_two_gaps(threshold: &Threshold, is_first_held: bool) -> Option<u64> {
    let mut watch = watch(threshold, &[0]);
    let mut broken = None;
    for second in 0..8 {
        let requests = if matches!(second, 0 | 1 | 4 | 5) { 20 } else { 0 };
        watch.add(second, &recorder(&seen(requests, 1)));
        if is_first_held && matches!(second, 2 | 3) {
            watch.hold(second);
        }
        broken = broken.or(watch.close(second, 1.0, false, &ENDLESS));
    }
    broken.map(|broken| broken.at_s)
}

#[test]
fn a_pause_is_no_fall_of_the_rate() {
    let rate = threshold("rps > 5/s", 2, 0, true);
    assert_eq!(with_two_gaps(&rate, false), Some(4));
    assert_eq!(with_two_gaps(&rate, true), Some(8));
    let whole = threshold("rps > 15/s", 0, 0, true);
    assert_eq!(with_two_gaps(&whole, false), Some(3));
    assert_eq!(with_two_gaps(&whole, true), None);
}
