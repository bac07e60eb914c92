//! How often the verdicts are right, on simulated runs.

use super::simulated::{WORLD, World, runs};
use super::*;

const OPTIONS: Options = Options { margin: 0.05, force: false };
const AS_BEFORE: [f64; 3] = [1.0; 3];

/// Worlds that differ in what makes runs and seconds differ.
const WORLDS: [World; 4] = [
    WORLD,
    World { drift: 0.0, memory: 0.0, between_runs: 0.0, ..WORLD },
    World { drift: 0.10, memory: 0.8, between_runs: 0.01, errors: 0.03, ..WORLD },
    World { drift: 0.04, memory: 0.97, between_runs: 0.025, errors: 0.0, seconds: 40, ..WORLD },
];

/// So many comparisons of so many runs a side, of each world in turn.
fn comparisons(worlds: &[World], count: u64, runs_each: u64, slower: [f64; 3]) -> Vec<Comparison> {
    let one = |number: u64| {
        let world = worlds[number as usize % worlds.len()];
        let seed = number * 1_000;
        let base = runs(world, seed..seed + runs_each, AS_BEFORE);
        let new = runs(world, seed + 500..seed + 500 + runs_each, slower);
        compare(&base, &new, OPTIONS)
    };
    (0..count).map(one).collect()
}

/// The share of them that came to this.
fn share(comparisons: &[Comparison], verdict: Verdict) -> f64 {
    let found = comparisons.iter().filter(|comparison| comparison.verdict == verdict).count();
    println!("{found} of {} are {verdict:?}", comparisons.len());
    found as f64 / comparisons.len() as f64
}

/// The same worlds with short runs, of which no histogram is looked at, and more that differs between runs.
fn short() -> [World; 4] {
    WORLDS.map(|world| World {
        seconds: 20,
        histograms: false,
        between_runs: world.between_runs.max(0.01) * 2.0,
        ..world
    })
}

#[test]
fn two_runs_of_the_same_are_seldom_told_apart() {
    let all = comparisons(&WORLDS, 200, 1, AS_BEFORE);
    let alarms = share(&all, Verdict::Worse) + share(&all, Verdict::Better);
    assert!(alarms <= 0.05, "{alarms}");
    assert!(share(&all, Verdict::Same) >= 0.75, "most say so, and not that nothing can be told");
    // Each interval for itself holds the truth, and is not so wide that this is nothing.
    let cells = all.iter().flat_map(|comparison| comparison.rows.iter().flat_map(|row| &row.cells));
    for metric in [Metric::P50, Metric::P95, Metric::Mean, Metric::ErrorRatio, Metric::Rps] {
        let intervals: Vec<_> =
            cells.clone().filter(|cell| cell.metric == metric).filter_map(|cell| cell.interval).collect();
        let held = intervals.iter().filter(|[low, high]| *low <= 0.0 && *high >= 0.0).count();
        let held = held as f64 / intervals.len() as f64;
        let mut widths: Vec<f64> = intervals.iter().map(|[low, high]| high - low).collect();
        widths.sort_by(f64::total_cmp);
        let width = widths[widths.len() / 2];
        assert!(intervals.len() > 500, "{metric:?}: {}", intervals.len());
        println!("{metric:?}: {held:.3} of intervals hold 0, half of them are narrower than {width:.3}");
        // Less than 95 %: in one of the worlds more differs between runs than is allowed for.
        assert!(held >= 0.9, "{metric:?}: {held}");
        assert!(width < if metric == Metric::ErrorRatio { 0.03 } else { 0.35 }, "{metric:?}: {width}");
    }
}

#[test]
fn one_run_a_side_shows_what_is_large() {
    let all = comparisons(&WORLDS, 40, 1, [1.4; 3]);
    assert!(share(&all, Verdict::Worse) >= 0.9, "{}", share(&all, Verdict::Worse));
}

#[test]
fn five_runs_of_the_same_are_seldom_told_apart() {
    let all = comparisons(&short(), 240, 5, AS_BEFORE);
    let alarms = share(&all, Verdict::Worse) + share(&all, Verdict::Better);
    assert!(alarms <= 0.05, "{alarms}");
    assert!(all.iter().all(|comparison| comparison.method == Method::Runs));
}

#[test]
fn five_runs_show_fifteen_percent() {
    let usual = [World { between_runs: 0.025, histograms: false, ..WORLD }];
    let all = comparisons(&usual, 30, 5, [1.15; 3]);
    assert!(share(&all, Verdict::Worse) >= 0.9, "{}", share(&all, Verdict::Worse));
    let faster = comparisons(&usual, 20, 5, [0.85; 3]);
    assert!(share(&faster, Verdict::Better) >= 0.9, "{}", share(&faster, Verdict::Better));

    // In one row of three; and no other is blamed for it.
    let all = comparisons(&usual, 30, 5, [1.0, 1.15, 1.0]);
    assert!(share(&all, Verdict::Worse) >= 0.9, "{}", share(&all, Verdict::Worse));
    let blamed = all.iter().filter(|comparison| {
        let others = comparison.rows.iter().filter(|row| ["search", "execute"].contains(&row.name.as_str()));
        others.flat_map(|row| &row.cells).any(|cell| cell.verdict == Verdict::Worse)
    });
    assert!(blamed.count() <= 1);
}
