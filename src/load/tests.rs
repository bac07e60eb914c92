//! Tables and properties of the closed model; no clock.

use super::*;
use proptest::prelude::*;

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

fn stage(duration_s: f64, users: u32, spawn_rate_per_s: Option<f64>) -> Stage {
    Stage { duration: secs(duration_s), users, spawn_rate_per_s }
}

fn check(name: &str, curve: &UserCurve, table: &[(f64, u32)]) {
    for &(at, users) in table {
        assert_eq!(curve.target(secs(at)), users, "{name} at {at} s");
    }
}

/// Every change as (seconds, users), found with `next_change` alone.
fn changes(curve: &UserCurve) -> Vec<(f64, u32)> {
    let mut found = vec![(0.0, curve.target(Duration::ZERO))];
    let mut at = Duration::ZERO;
    while let Some(next) = curve.next_change(at) {
        at = next;
        found.push((at.as_secs_f64(), curve.target(at)));
    }
    found
}

#[test]
fn a_spawn_rate_climbs_and_then_holds() {
    let curve = UserCurve::constant(10, secs(60.0), Some(5.0));
    check("5/s", &curve, &[(0.0, 1), (0.199, 1), (0.2, 2), (1.0, 6), (1.8, 10), (2.0, 10), (60.0, 10)]);
    assert_eq!((curve.total(), curve.peak()), (secs(60.0), 10));
    assert_eq!(curve.next_change(secs(1.8)), None);
}

#[test]
fn without_a_spawn_rate_the_constant_form_starts_everyone_at_once() {
    let curve = UserCurve::constant(10, secs(60.0), None);
    assert_eq!(changes(&curve), [(0.0, 10)]);
    assert_eq!(curve.total(), secs(60.0));
}

#[test]
fn a_straight_line_starts_user_i_when_it_reaches_i_and_stops_it_when_it_falls_to_i() {
    let curve = UserCurve::from_stages(&[stage(4.0, 4, None), stage(2.0, 4, None), stage(4.0, 0, None)]);
    let expected = [(0.0, 1), (1.0, 2), (2.0, 3), (3.0, 4), (7.0, 3), (8.0, 2), (9.0, 1), (10.0, 0)];
    assert_eq!(changes(&curve), expected);
}

#[test]
fn a_spawn_rate_works_downwards_too() {
    let curve = UserCurve::from_stages(&[stage(0.0, 10, None), stage(10.0, 6, Some(2.0))]);
    assert_eq!(changes(&curve), [(0.0, 10), (0.5, 9), (1.0, 8), (1.5, 7), (2.0, 6)]);
}

/// A Locust `StagesShape` with absolute times 60/120/180/240 s and 10/50/100/100 users.
#[test]
fn a_locust_stages_shape_becomes_relative_stages() {
    let rates = [Some(1.0), Some(5.0), Some(10.0), Some(10.0)];
    let absolute = [(60.0, 10), (120.0, 50), (180.0, 100), (240.0, 100)];
    let mut before = 0.0;
    let mut stages = vec![];
    for ((until, users), rate) in absolute.into_iter().zip(rates) {
        stages.push(stage(until - before, users, rate));
        before = until;
    }
    let curve = UserCurve::from_stages(&stages);
    let table = [
        (0.0, 1),
        (5.0, 6),
        (9.0, 10),
        (59.9, 10),
        (60.0, 11),
        (64.0, 31),
        (67.8, 50),
        (119.9, 50),
        (120.0, 51),
        (124.9, 100),
        (180.0, 100),
        (239.9, 100),
        (240.0, 100),
    ];
    check("locust", &curve, &table);
    assert_eq!((curve.total(), curve.peak()), (secs(240.0), 100));
}

#[test]
fn a_stage_too_short_hands_on_what_it_reached() {
    let halves = [stage(2.5, 100, Some(1.0)), stage(2.5, 100, Some(1.0))];
    let whole = UserCurve::from_stages(&[stage(5.0, 100, Some(1.0))]);
    assert_eq!(changes(&UserCurve::from_stages(&halves)), changes(&whole));
    assert_eq!(whole.target(secs(5.0)), 5);
    assert_eq!(whole.peak(), 5);
    let turned = UserCurve::from_stages(&[stage(2.5, 100, Some(1.0)), stage(2.5, 0, Some(1.0))]);
    assert_eq!(changes(&turned), [(0.0, 1), (1.0, 2), (2.0, 3), (3.0, 2), (4.0, 1), (5.0, 0)]);
}

#[test]
fn zero_seconds_jump() {
    let curve = UserCurve::from_stages(&[
        stage(0.0, 5, None),
        stage(10.0, 5, None),
        stage(0.0, 50, Some(1.0)),
        stage(10.0, 50, None),
        stage(0.0, 0, None),
    ]);
    assert_eq!(changes(&curve), [(0.0, 5), (10.0, 50), (20.0, 0)]);
}

#[test]
fn odd_input_does_no_harm() {
    assert_eq!(UserCurve::from_stages(&[]).target(secs(1.0)), 0);
    assert_eq!(UserCurve::from_stages(&[]).timeline(2), [(secs(0.0), 0), (secs(0.0), 0)]);
    for rate in [0.0, -1.0, f64::NAN] {
        assert_eq!(changes(&UserCurve::constant(9, secs(9.0), Some(rate))), [(0.0, 0)], "{rate}");
    }
    assert_eq!(changes(&UserCurve::constant(9, secs(9.0), Some(f64::INFINITY))), [(0.0, 9)]);
    let huge = Stage { duration: Duration::MAX, users: u32::MAX, spawn_rate_per_s: None };
    let curve = UserCurve::from_stages(&[huge, huge, Stage { users: 0, ..huge }]);
    assert_eq!(curve.target(Duration::MAX), 0);
    assert!(curve.next_change(curve.total() / 2).is_some());
    let slow = UserCurve::from_stages(&[Stage { spawn_rate_per_s: Some(1e-300), ..huge }]);
    assert_eq!(slow.target(slow.total()), 0);
}

#[test]
fn a_timeline_spans_the_whole_run() {
    let curve = UserCurve::constant(4, secs(8.0), Some(1.0));
    let expected = [(0.0, 1), (2.0, 3), (4.0, 4), (6.0, 4), (8.0, 4)].map(|(s, n)| (secs(s), n));
    assert_eq!(curve.timeline(5), expected);
    assert_eq!(curve.timeline(1), [(secs(0.0), 1)]);
    assert_eq!(curve.timeline(0), []);
}

#[test]
fn fixed_work_wants_its_users_from_the_start_and_no_idle_ones() {
    for (load, users, iterations) in [
        (Load::Iterations { users: 5, total: 100 }, 5, 100),
        (Load::Iterations { users: 5, total: 3 }, 3, 3),
        (Load::Iterations { users: 5, total: u64::MAX }, 5, u64::MAX),
        (Load::Iterations { users: 0, total: 9 }, 0, 0),
        (Load::IterationsPerUser { users: 5, each: 3 }, 5, 15),
        (Load::IterationsPerUser { users: 5, each: 0 }, 0, 0),
    ] {
        assert_eq!(load.target(secs(7.0)), users, "{load:?}");
        assert_eq!(load.peak(), users, "{load:?}");
        assert_eq!(load.iterations(), Some(iterations), "{load:?}");
        assert_eq!((load.planned(), load.total()), (None, Duration::MAX), "{load:?}");
        assert_eq!(load.next_change(Duration::ZERO), None, "{load:?}");
    }
    let timed = Load::Users(UserCurve::constant(2, secs(3.0), Some(1.0)));
    assert_eq!((timed.planned(), timed.iterations()), (Some(secs(3.0)), None));
    assert_eq!(timed.next_change(Duration::ZERO), Some(secs(1.0)));
}

#[test]
fn shares_of_missing_workers_are_empty() {
    assert_eq!((share(5, 0, 2), share(5, 1, 2), share(5, 2, 2), share(5, 0, 0)), (3, 2, 0, 0));
    assert_eq!(share(u32::MAX, 0, 1), u32::MAX);
}

prop_compose! {
    fn any_stage()(ms in 0u64..20_000, users in 0u32..200, rate in proptest::option::of(0.01f64..500.0)) -> Stage {
        Stage { duration: Duration::from_millis(ms), users, spawn_rate_per_s: rate }
    }
}

proptest! {
    #[test]
    fn never_above_the_peak(stages in prop::collection::vec(any_stage(), 0..6), at_us in 0u64..150_000_000) {
        let curve = UserCurve::from_stages(&stages);
        prop_assert!(curve.target(Duration::from_micros(at_us)) <= curve.peak());
        prop_assert!(curve.peak() <= stages.iter().map(|s| s.users).max().unwrap_or(0));
    }

    #[test]
    fn the_next_change_is_the_first_and_is_one(
        stages in prop::collection::vec(any_stage(), 1..6),
        at_us in 0u64..120_000_000,
        part in 0.0f64..1.0,
    ) {
        let curve = UserCurve::from_stages(&stages);
        let at = Duration::from_micros(at_us);
        let now = curve.target(at);
        match curve.next_change(at) {
            Some(next) => {
                prop_assert!(next > at);
                prop_assert_ne!(curve.target(next), now);
                prop_assert_eq!(curve.target(next - Duration::from_nanos(1)), now);
                prop_assert_eq!(curve.target(at + (next - at).mul_f64(part * 0.999)), now);
            }
            None => prop_assert_eq!(curve.target(at + Duration::from_secs(200).mul_f64(part)), now),
        }
    }

    #[test]
    fn rising_stages_never_fall(mut stages in prop::collection::vec(any_stage(), 1..6), reverse: bool) {
        stages.sort_by_key(|s| s.users);
        if reverse {
            stages.reverse();
            stages.insert(0, Stage { duration: Duration::ZERO, users: 200, spawn_rate_per_s: None });
        }
        let curve = UserCurve::from_stages(&stages);
        for pair in curve.timeline(300).windows(2) {
            prop_assert!(if reverse { pair[0].1 >= pair[1].1 } else { pair[0].1 <= pair[1].1 }, "{:?}", pair);
        }
    }

    #[test]
    fn shares_add_up(users in 0u32..5_000_000, workers in 1usize..300) {
        let shares: Vec<u32> = (0..workers).map(|w| share(users, w, workers)).collect();
        prop_assert_eq!(shares.iter().map(|s| u64::from(*s)).sum::<u64>(), u64::from(users));
        prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
    }
}

fn rate_stage(duration_s: f64, rate_per_s: f64) -> RateStage {
    RateStage { duration: secs(duration_s), rate_per_s }
}

fn arrivals(curve: RateCurve, process: Process) -> Arrivals {
    Arrivals { curve, process, max_users: 10, on_saturation: Saturation::Queue }
}

fn all_of(arrivals: &Arrivals) -> Vec<Arrival> {
    arrivals.of_worker(0, 1, 7).collect()
}

#[test]
fn a_constant_rate_is_even_and_exact() {
    for (rate, seconds, count) in
        [(1000.0, 20.0, 20_000), (3.0, 1.0, 3), (0.5, 3.0, 2), (7.0, 0.5, 4), (1e5, 3.0, 300_000)]
    {
        let all = all_of(&arrivals(RateCurve::constant(rate, secs(seconds)), Process::Constant));
        assert_eq!(all.len(), count, "{rate}/s for {seconds} s");
        for Arrival { index, at } in all {
            let exact = index as f64 / rate;
            assert!((at.as_secs_f64() - exact).abs() < 2e-9, "{rate}/s: arrival {index} at {at:?}");
        }
    }
}

#[test]
fn a_ramp_arrives_by_its_integral() {
    // From 0 to 100/s in 10 s: 5 t² arrivals by t.
    let ramp = RateCurve::from_stages(&[rate_stage(10.0, 100.0)]);
    let all = all_of(&arrivals(ramp.clone(), Process::Constant));
    assert_eq!(all.len(), 500);
    for Arrival { index, at } in &all {
        assert!((at.as_secs_f64() - (*index as f64 / 5.0).sqrt()).abs() < 1e-8, "{index} at {at:?}");
    }
    assert!((ramp.rate_at(secs(5.0)) - 50.0).abs() < 1e-9);
    assert!((ramp.expected_before(secs(5.0)) - 125.0).abs() < 1e-9);
    assert_eq!((ramp.rate_at(secs(10.0)), ramp.peak_per_s()), (0.0, 100.0));
}

#[test]
fn a_stage_of_no_length_jumps() {
    let stages =
        [rate_stage(0.0, 10.0), rate_stage(1.0, 10.0), rate_stage(0.0, 100.0), rate_stage(1.0, 100.0)];
    let all = all_of(&arrivals(RateCurve::from_stages(&stages), Process::Constant));
    let before = all.iter().filter(|arrival| arrival.at < secs(1.0)).count();
    assert_eq!((before, all.len()), (10, 110));
}

#[test]
fn a_pause_in_the_rate_has_no_arrivals() {
    let stages = [
        rate_stage(0.0, 10.0),
        rate_stage(1.0, 10.0),
        rate_stage(0.0, 0.0),
        rate_stage(5.0, 0.0),
        rate_stage(0.0, 10.0),
        rate_stage(1.0, 10.0),
    ];
    let all = all_of(&arrivals(RateCurve::from_stages(&stages), Process::Constant));
    assert_eq!(all.len(), 20);
    assert!(all.iter().all(|arrival| arrival.at < secs(1.0) || arrival.at >= secs(6.0)), "{all:?}");
}

#[test]
fn poisson_arrivals_have_the_mean_and_spread_of_independent_clients() {
    let all = all_of(&arrivals(RateCurve::constant(100.0, secs(1000.0)), Process::Poisson));
    // 100 000 expected, standard deviation 316; the seed is fixed.
    assert!((99_000..101_000).contains(&all.len()), "{}", all.len());
    let gaps: Vec<f64> = all.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    assert!((variance.sqrt() / mean - 1.0).abs() < 0.02, "an exponential's deviation is its mean");
    let other: Vec<_> =
        arrivals(RateCurve::constant(100.0, secs(10.0)), Process::Poisson).of_worker(0, 1, 8).collect();
    assert_ne!(all[..other.len()], other[..], "another seed, other moments");
}

proptest! {
    #[test]
    fn workers_share_one_sequence(
        stages in prop::collection::vec((0.0f64..3.0, 0.0f64..200.0), 1..5),
        workers in 1usize..9,
        max_users in 1u32..20,
        poisson: bool,
        seed: u64,
    ) {
        let stages: Vec<_> = stages.iter().map(|(s, rate)| rate_stage(*s, *rate)).collect();
        let process = if poisson { Process::Poisson } else { Process::Constant };
        let load = Arrivals { max_users, ..arrivals(RateCurve::from_stages(&stages), process) };
        let whole: Vec<_> = load.of_worker(0, 1, seed).collect();
        let mut shared: Vec<_> =
            (0..workers).flat_map(|worker| load.of_worker(worker, workers, seed).collect::<Vec<_>>()).collect();
        shared.sort_by_key(|arrival| arrival.index);
        prop_assert_eq!(&whole, &shared);
        for worker in 0..workers {
            let users = u64::from(share(max_users, worker, workers));
            let own = load.of_worker(worker, workers, seed).count() as u64;
            let rounds = whole.len() as u64 / u64::from(max_users);
            prop_assert!((rounds * users..=(rounds + 1) * users).contains(&own), "{} for {} users", own, users);
        }
        for (n, pair) in whole.windows(2).enumerate() {
            prop_assert!(pair[0].at <= pair[1].at && pair[0].index == n as u64);
        }
        prop_assert!(whole.iter().all(|arrival| arrival.at <= load.curve.total()));
        if !poisson {
            let expected = load.curve.expected_before(load.curve.total());
            prop_assert!((whole.len() as f64 - expected).abs() <= 1.0, "{} against {}", whole.len(), expected);
        }
    }

    #[test]
    fn when_and_expected_before_undo_each_other(
        stages in prop::collection::vec((0.01f64..100.0, 0.1f64..5000.0), 1..6), part in 0.0f64..1.0,
    ) {
        let stages: Vec<_> = stages.iter().map(|(s, rate)| rate_stage(*s, *rate)).collect();
        let curve = RateCurve::from_stages(&stages);
        let count = curve.expected_before(curve.total()) * part;
        if let Some(at) = curve.when(count) {
            prop_assert!((curve.expected_before(at) - count).abs() <= 1e-4 + count * 1e-9);
        }
    }

    #[test]
    fn pauses_stay_in_their_range(min_ms in 0u64..5_000, more_ms in 0u64..5_000, seed: u64) {
        let range = crate::units::DurationRange {
            min: Duration::from_millis(min_ms),
            max: Duration::from_millis(min_ms + more_ms),
        };
        let mut rng = <rand_xoshiro::Xoshiro256PlusPlus as rand::SeedableRng>::seed_from_u64(seed);
        let drawn = Pause::Between(range).draw(&mut rng);
        prop_assert!(range.min <= drawn && drawn <= range.max);
    }
}

#[test]
fn exponential_pauses_have_their_mean() {
    let mut rng = <rand_xoshiro::Xoshiro256PlusPlus as rand::SeedableRng>::seed_from_u64(1);
    let drawn = (0..50_000).map(|_| Pause::Exponential(secs(2.0)).draw(&mut rng).as_secs_f64());
    let mean = drawn.sum::<f64>() / 50_000.0;
    assert!((mean - 2.0).abs() < 0.05, "{mean}");
}

#[test]
fn bends_are_where_the_load_changes_its_course() {
    let stages = [stage(20.0, 10, Some(2.0)), stage(30.0, 30, Some(4.0)), stage(10.0, 0, None)];
    let bends = UserCurve::from_stages(&stages).bends();
    let expected = [(5.0, 10), (20.0, 10), (25.0, 30), (50.0, 30)];
    assert_eq!(bends, expected.map(|(at, users)| (secs(at), users)));
    assert!(UserCurve::constant(10, secs(60.0), None).bends().is_empty());
    let rates =
        [rate_stage(0.0, 50.0), rate_stage(60.0, 50.0), rate_stage(0.0, 80.0), rate_stage(60.0, 200.0)];
    assert_eq!(RateCurve::from_stages(&rates).bends(), [(secs(60.0), 80.0)]);
    assert!(RateCurve::constant(50.0, secs(60.0)).bends().is_empty());
}
