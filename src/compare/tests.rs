//! How often the verdicts are right, on simulated runs; and what cannot be compared.

use super::simulated::{WORLD, World, run, runs};
use super::*;

const OPTIONS: Options = Options { margin: 0.05, force: false };
const AS_BEFORE: [f64; 3] = [1.0; 3];
const SLOWER: [f64; 3] = [1.15; 3];
/// One row of three.
const ONE_SLOWER: [f64; 3] = [1.0, 1.15, 1.0];

/// Of so many comparisons of so many runs a side, the share with each verdict: better, same, worse, unclear.
fn shares(world: World, comparisons: u64, runs_each: u64, slower: [f64; 3]) -> [f64; 4] {
    let mut counts = [0.0; 4];
    for number in 0..comparisons {
        let seed = number * 1_000;
        let base = runs(world, seed..seed + runs_each, AS_BEFORE);
        let new = runs(world, seed + 500..seed + 500 + runs_each, slower);
        let verdict = compare(&base, &new, OPTIONS).verdict;
        let all = [Verdict::Better, Verdict::Same, Verdict::Worse, Verdict::Unclear];
        let at = all.iter().position(|other| *other == verdict).expect("they can be compared");
        counts[at] += 1.0 / comparisons as f64;
    }
    counts
}

#[test]
fn survey() {
    let started = std::time::Instant::now();
    for between_runs in [0.02, 0.04] {
        let world = World { between_runs, ..WORLD };
        for n in [5, 1, 3, 4, 2] {
            let world = World { histograms: n < 4, ..world };
            println!("{n}v{n} {between_runs} same {:?}", shares(world, 60, n, AS_BEFORE));
            println!("{n}v{n} {between_runs} slower {:?}", shares(world, 20, n, SLOWER));
            println!("{n}v{n} {between_runs} one slower {:?}", shares(world, 20, n, ONE_SLOWER));
            println!("{:?}", started.elapsed());
        }
    }
    let _ = run;
}
