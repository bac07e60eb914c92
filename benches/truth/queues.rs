//! A single server with exponential service times (mean 10 ms) at 70 requests a second. The stay in it is known:
//! exponential, with mean 1/(μ − λ) for random arrivals (M/M/1), and 1/(μ(1 − σ)) with σ = e^(−(1 − σ)μ/λ) for
//! even ones (D/M/1); Kleinrock, Queueing Systems I, chapters 3 and 6.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::runs::{Run, plain};
use crate::support::distribution::Distribution;
use crate::support::truth_server::{Draw, Spec};
use crate::table::{Table, Within};

const RATE_PER_S: f64 = 70.0;
const SERVICE_MS: f64 = 10.0;
/// An expected value may be so many standard errors off.
const ERRORS: f64 = 3.0;

/// M/M/1: mean 33.3 ms, p95 99.9 ms.
pub fn poisson_arrivals(table: &mut Table, quick: bool) {
    let mean_ms = 1.0 / (1.0 / SERVICE_MS - RATE_PER_S / 1e3);
    check(table, "poisson", mean_ms, quick);
}

/// D/M/1: mean 18.8 ms, p95 56.2 ms.
pub fn constant_arrivals(table: &mut Table, quick: bool) {
    let ratio = 1e3 / SERVICE_MS / RATE_PER_S;
    // A contraction: its factor at the root is σ·μ/λ = 0.67, so that 100 rounds are plenty.
    let sigma = (0..100).fold(0.5, |sigma: f64, _| (-(1.0 - sigma) * ratio).exp());
    check(table, "constant", SERVICE_MS / (1.0 - sigma), quick);
}

/// Independent repetitions side by side: a stay depends on those before it, so that only repetitions say how far a
/// mean may be off. Their service times are drawn anew in every run: fixed ones would be off by the same each time.
fn check(table: &mut Table, arrivals: &str, mean_ms: f64, quick: bool) {
    let (repetitions, seconds) = if quick { (8, 20) } else { (8, 120) };
    let load = format!(
        "load: {{ rate: {RATE_PER_S}/s, duration: {seconds}s, arrivals: {arrivals}, max_users: 500 }}"
    );
    let drawn = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    println!("{arrivals} arrivals: service times of seeds {} to {}", drawn + 1, drawn + repetitions);
    let spec = |seed| Spec::queue(Draw::Exponential { mean_us: SERVICE_MS * 1e3, seed: drawn + seed });
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let repetition = |seed: u64| {
            let load = &load;
            scope.spawn(move || plain(spec(seed), load, &["--workers", "1", "--seed", &seed.to_string()]))
        };
        let threads: Vec<_> = (1..=repetitions).map(repetition).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let latencies: Vec<Distribution> = runs.iter().map(|run| run.times("latency_us")).collect();
    let mut all = latencies[0].clone();
    latencies[1..].iter().for_each(|latency| all.merge(latency));
    let error = |of: &dyn Fn(&Distribution) -> f64| {
        Within::Amount(ERRORS * standard_error(&latencies.iter().map(of).collect::<Vec<_>>()))
    };
    table.near("mean", "ms", mean_ms, all.mean_us / 1e3, error(&|l| l.mean_us / 1e3));
    let p95 = |latency: &Distribution| latency.percentile_us(95.0) / 1e3;
    // The 95th percentile of an exponential is ln 20 of its mean.
    table.near("p95", "ms", mean_ms * 20_f64.ln(), p95(&all), error(&p95));
    let stays: Vec<u64> = runs.iter().flat_map(|run| run.log.stays_us()).collect();
    let due: Vec<u64> = runs
        .iter()
        .zip(1..)
        .flat_map(|(run, seed)| {
            spec(seed).due_stays_us(run.log.entries.iter().map(|entry| entry.received_us))
        })
        .collect();
    let (stay_ms, due_ms) = (mean_ms_of(&stays), mean_ms_of(&due));
    // Off here: the machine is too busy for this bench, whatever the generator does.
    table.near("the server itself: mean stay as computed", "ms", due_ms, stay_ms, Within::Amount(0.3));
    table.near("mean against the server's log", "ms", stay_ms, all.mean_us / 1e3, Within::Amount(1.0));
    let (started, received) =
        runs.iter().fold((0, 0), |(s, r), run| (s + run.started(), r + run.log.received()));
    table.same("requests the server received", started, received);
}

fn mean_ms_of(times_us: &[u64]) -> f64 {
    times_us.iter().sum::<u64>() as f64 / times_us.len() as f64 / 1e3
}

/// Of the mean of independent values.
fn standard_error(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (count - 1.0) / count).sqrt()
}
