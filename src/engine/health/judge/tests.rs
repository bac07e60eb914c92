//! The judge on observations made up here.

use super::*;
use crate::metric::Stall;

fn evidence<'a>(pace: &'a Pace, observed: &'a Observed) -> Evidence<'a> {
    Evidence {
        window_s: 0.0..60.0,
        pace,
        pace_by_second: &[],
        observed,
        workers: 2,
        strictest_latency_us: None,
        floods: &[],
        arrivals: None,
    }
}

fn pace_of(pacing_us: impl IntoIterator<Item = u64>) -> Pace {
    let mut pace = Pace::default();
    pacing_us.into_iter().for_each(|us| pace.pacing.record(us));
    pace
}

#[test]
fn a_busy_core_alone_is_a_warning() {
    let busy = |from_s: f64| HealthSecond {
        from_s,
        to_s: from_s + 1.0,
        cpu_share: Some(0.99),
        worker_cpu_share: vec![1.0, 0.98],
        worker_queued_share: vec![Some(0.02); 2],
        throttled_us: Some(0),
        ..HealthSecond::default()
    };
    let seconds = vec![busy(0.0), busy(1.0), HealthSecond { cpu_share: Some(0.2), ..busy(2.0) }, busy(3.0)];
    let observed = Observed { allowed_cores: 1.5, seconds, gaps_s: vec![(0.1, 0.4)] };
    let pace = pace_of((0..1000).map(|i| i % 2000));
    let evidence = evidence(&pace, &observed);
    assert_eq!(judge(&evidence), []);
    let warnings = warnings(&evidence);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let when = "more than 90 % of its 1.5 cores from 0 s to 2 s and from 3 s to 4 s";
    assert!(warnings[0].contains(when), "{warnings:?}");
}

#[test]
fn throttling_and_waiting_for_cores_are_warnings() {
    let second = HealthSecond {
        from_s: 4.0,
        to_s: 5.0,
        throttled_us: Some(300_000),
        worker_queued_share: vec![Some(0.4)],
        ..HealthSecond::default()
    };
    let observed = Observed { allowed_cores: 2.0, seconds: vec![second], gaps_s: vec![] };
    let pace = Pace::default();
    let warnings = warnings(&evidence(&pace, &observed));
    assert!(warnings[0].contains("quota") && warnings[0].contains("from 4 s to 5 s"), "{warnings:?}");
    assert!(warnings[1].contains("waited for a core"), "{warnings:?}");
}

#[test]
fn a_warning_of_the_warm_up_is_none() {
    let second = HealthSecond { from_s: 0.0, to_s: 1.0, cpu_share: Some(1.0), ..HealthSecond::default() };
    let observed = Observed { allowed_cores: 2.0, seconds: vec![second], gaps_s: vec![] };
    let pace = Pace::default();
    let evidence = Evidence { window_s: 1.0..10.0, ..evidence(&pace, &observed) };
    assert_eq!(warnings(&evidence), Vec::<String>::new());
}

fn stall(worker: usize, from_us: u64, to_us: u64) -> Stall {
    Stall { worker, from_us, to_us, cpu_us: Some(0), queued_us: Some(0) }
}

#[test]
fn standing_still_is_invalid_only_inside_the_window() {
    let stalls =
        vec![stall(0, 500_000, 900_000), stall(0, 12_000_000, 12_150_000), stall(1, 12_010_000, 12_160_000)];
    let pace = Pace { stalls, ..Pace::default() };
    let observed = Observed::default();
    let reasons = judge(&Evidence { window_s: 1.0..20.0, ..evidence(&pace, &observed) });
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert_eq!((reasons[0].kind, reasons[0].from_s, reasons[0].to_s), (ReasonKind::Stall, 12.0, 12.16));
    assert_eq!(judge(&Evidence { window_s: 13.0..20.0, ..evidence(&pace, &observed) }), []);
}

#[test]
fn many_standstills_end_in_one_line() {
    let stalls = (0..14).map(|i| stall(0, i * 1_000_000, i * 1_000_000 + 200_000)).collect();
    let pace = Pace { stalls, ..Pace::default() };
    let reasons = judge(&evidence(&pace, &Observed::default()));
    assert_eq!(reasons.len(), TOLD + 1);
    let last = &reasons[TOLD];
    assert_eq!((last.from_s, last.to_s), (10.0, 13.2));
    assert_eq!(last.detail, "it stood still 4 more times, 0.80 s in all");
}

#[test]
fn pacing_is_judged_by_the_strictest_threshold() {
    // 2 % are 20 ms late.
    let pace = pace_of((0..1000).map(|i| if i % 50 == 0 { 20_000 } else { 400 }));
    let observed = Observed::default();
    let of = |strictest_latency_us| judge(&Evidence { strictest_latency_us, ..evidence(&pace, &observed) });
    // Without a threshold 5 ms are allowed; 5 % of 200 ms are 10 ms; 5 % of 1 s are 50 ms.
    let kinds = |reasons: Vec<Reason>| reasons.iter().map(|reason| reason.kind).collect::<Vec<_>>();
    assert_eq!(kinds(of(None)), [ReasonKind::Lag]);
    assert_eq!(kinds(of(Some(200_000))), [ReasonKind::Lag]);
    assert_eq!(kinds(of(Some(1_000_000))), []);
    let second = |us| IntervalPace { pacing_p99_us: Some(us), lag_max_us: None };
    let seconds = [(3, second(900)), (4, second(21_000)), (5, second(800)), (6, second(22_000))];
    let named = Evidence {
        pace_by_second: &seconds,
        strictest_latency_us: Some(200_000),
        ..evidence(&pace, &observed)
    };
    let reason = &judge(&named)[0];
    assert_eq!((reason.from_s, reason.to_s), (3.0, 6.0));
    assert!(reason.detail.contains("5 % of the strictest latency threshold (200 ms) is 10 ms"), "{reason:?}");
}

/// Users that loop without a pause have nothing that is due at a moment of the plan.
#[test]
fn late_heartbeats_count_where_nothing_else_is_late() {
    let mut pace = pace_of([100; 50]);
    (0..1000).for_each(|i| pace.lag.record(if i % 50 == 0 { 14_000 } else { 1_000 }));
    let busy = |queued_share| HealthSecond {
        from_s: 0.0,
        to_s: 60.0,
        worker_cpu_share: vec![0.25, 0.95],
        worker_queued_share: vec![Some(queued_share); 2],
        throttled_us: Some(0),
        ..HealthSecond::default()
    };
    let reason = |second: HealthSecond| {
        let observed = Observed { allowed_cores: 2.0, seconds: vec![second], gaps_s: vec![] };
        let seconds = [(7, 900), (8, 15_000), (9, 800)]
            .map(|(at_s, us)| (at_s, IntervalPace { pacing_p99_us: None, lag_max_us: Some(us) }));
        let reasons = judge(&Evidence { pace_by_second: &seconds, ..evidence(&pace, &observed) });
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert_eq!((reasons[0].kind, reasons[0].from_s, reasons[0].to_s), (ReasonKind::Lag, 7.0, 8.0));
        reasons[0].detail.clone()
    };
    let words = reason(busy(0.73));
    assert!(words.contains("1 % of its heartbeats came 14 ms or more too late"), "{words}");
    assert!(words.contains("waited for a core 73 % of the time"), "{words}");
    assert!(reason(busy(0.02)).contains("busy with its own work"));
    let throttled = HealthSecond { throttled_us: Some(30_000_000), ..busy(0.73) };
    assert!(reason(throttled).contains("quota of its container"));
}

#[test]
fn a_target_that_sends_without_a_pause_is_named() {
    let mut pace = Pace::default();
    (0..1000).for_each(|i| pace.lag.record(if i % 50 == 0 { 14_000 } else { 1_000 }));
    let busy = HealthSecond {
        to_s: 60.0,
        cpu_share: Some(0.95),
        worker_cpu_share: vec![0.99],
        worker_queued_share: vec![Some(0.0)],
        ..HealthSecond::default()
    };
    let observed = Observed { allowed_cores: 1.0, seconds: vec![busy], gaps_s: vec![] };
    let seconds = [(8, IntervalPace { pacing_p99_us: None, lag_max_us: Some(15_000) })];
    let told = |bad_us: u64| {
        let floods = [("good", 100), ("bad", bad_us)];
        let evidence = Evidence { pace_by_second: &seconds, floods: &floods, ..evidence(&pace, &observed) };
        (judge(&evidence)[0].detail.clone(), warnings(&evidence)[0].clone())
    };
    let words = "reading what target `bad` sent without a pause took 31.0 s of its workers' time";
    let (reason, warning) = told(31_000_000);
    assert!(reason.contains(words) && !reason.contains("its own work"), "{reason}");
    assert!(warning.ends_with(words), "{warning}");
    let (reason, warning) = told(1_000_000);
    assert!(reason.contains("busy with its own work") && !warning.contains("bad"), "{reason}; {warning}");
}

/// The watch reads some ms after each full second, and other seconds say nothing of the late ones.
#[test]
fn the_cause_is_looked_for_in_the_late_seconds_only() {
    let mut pace = Pace::default();
    (0..1000).for_each(|i| pace.lag.record(if i % 50 == 0 { 14_000 } else { 1_000 }));
    let second = |at_s: f64, used, queued| HealthSecond {
        from_s: at_s - 0.98,
        to_s: at_s + 0.02,
        worker_cpu_share: vec![used],
        worker_queued_share: vec![Some(queued)],
        ..HealthSecond::default()
    };
    let lag = |at_s, us| (at_s, IntervalPace { pacing_p99_us: None, lag_max_us: Some(us) });
    // Late in the warm-up, in second 4 and in second 9.
    let seconds: Vec<_> =
        (1..=10).map(|at_s| lag(at_s, if [1, 4, 9].contains(&at_s) { 15_000 } else { 900 })).collect();
    let reason = |used, queued| {
        let of = |at_s| if [4, 9].contains(&at_s) { (used, queued) } else { (0.1, 0.0) };
        let unknown = HealthSecond { from_s: 10.02, to_s: 10.5, ..HealthSecond::default() };
        let observed = (1..=10).map(|at_s| second(f64::from(at_s), of(at_s).0, of(at_s).1)).chain([unknown]);
        let observed = Observed { allowed_cores: 1.0, seconds: observed.collect(), gaps_s: vec![] };
        let evidence =
            Evidence { window_s: 2.0..10.0, pace_by_second: &seconds, ..evidence(&pace, &observed) };
        judge(&evidence).remove(0)
    };
    let starved = reason(0.3, 0.5);
    assert_eq!((starved.from_s, starved.to_s), (3.0, 9.0));
    assert!(starved.detail.contains("waited for a core 49 % of the time"), "{starved:?}");
    assert!(reason(0.97, 0.0).detail.contains("busy with its own work"));
}

#[test]
fn a_few_late_timers_are_a_hiccup() {
    let pace = pace_of([300, 400, 60_000, 70_000]);
    let observed = Observed::default();
    assert_eq!(judge(&evidence(&pace, &observed)), []);
    let pace = pace_of(std::iter::repeat_n(60_000, 10));
    assert_eq!(judge(&evidence(&pace, &observed)).len(), 1);
}

#[test]
fn a_shortfall_counts_when_the_target_did_not_cause_it() {
    let pace = Pace::default();
    let of = |seconds: &[HealthSecond], offered, started| {
        let observed = Observed { allowed_cores: 2.0, seconds: seconds.to_vec(), gaps_s: vec![] };
        let arrivals = Some(Arrivals { offered, started });
        judge(&Evidence { arrivals, ..evidence(&pace, &observed) })
    };
    let second = |from_s: f64, used, queued| HealthSecond {
        from_s,
        to_s: from_s + 1.0,
        worker_cpu_share: vec![used],
        worker_queued_share: vec![Some(queued)],
        ..HealthSecond::default()
    };
    // A generator with time to spare waits for the target.
    assert_eq!(of(&[second(0.0, 0.3, 0.0)], 1000, 500), []);
    // Without a core to spare for half of the time it is its own doing; a core that something else uses is no better.
    for busy in [second(0.0, 0.97, 0.0), second(0.0, 0.25, 0.7)] {
        let seconds = [busy.clone(), second(1.0, 0.3, 0.0)];
        let reasons = of(&seconds, 1000, 500);
        assert_eq!(reasons[0].kind, ReasonKind::Shortfall);
        assert!(reasons[0].detail.contains("started 500 of 1000 arrivals"), "{reasons:?}");
        assert_eq!(of(&seconds, 1000, 989).len(), 1);
        assert_eq!(of(&seconds, 1000, 990), []);
        assert_eq!(of(&seconds, 0, 0), []);
        assert_eq!(of(&[busy, second(1.0, 0.3, 0.0), second(2.0, 0.3, 0.0)], 1000, 500), []);
    }
    // One of four workers is enough.
    let one_of_four = HealthSecond {
        worker_cpu_share: vec![0.2, 0.4, 0.2, 0.2],
        worker_queued_share: vec![Some(0.0), Some(0.55), None, Some(0.0)],
        ..second(0.0, 0.0, 0.0)
    };
    assert_eq!(of(&[one_of_four], 1000, 500).len(), 1);
    assert_eq!(Arrivals { offered: 4, started: 3 }.achieved_ratio(), Some(0.75));
    assert_eq!(Arrivals { offered: 0, started: 0 }.achieved_ratio(), None);
}
