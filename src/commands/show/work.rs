//! How much a plan asks for, as far as that is known before it runs: iterations, requests, connections. Must not
//! guess: what depends on the target is said to.

use std::time::Duration;

use crate::compile::model::{Entry, Rounds, Scenario, Step};
use crate::load::{Load, Pause, Process, UserCurve};
use crate::units::format_duration_us;

/// Most changes of a curve that are added up one by one.
const MOST_CHANGES: usize = 1_000_000;

/// What is known about a number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Count {
    Exactly(f64),
    About(f64),
    AtMost(f64),
    Unknown,
}

impl Count {
    /// So many times as many.
    fn times(self, each: Self) -> Self {
        use Count::{About, AtMost, Exactly, Unknown};
        match (self, each) {
            (Unknown, _) | (_, Unknown) => Unknown,
            (Exactly(a), Exactly(b)) => Exactly(a * b),
            (AtMost(a), Exactly(b) | AtMost(b)) | (Exactly(a) | About(a), AtMost(b)) => AtMost(a * b),
            // At most so many of what is so many on average is no bound.
            (AtMost(_), About(_)) => Unknown,
            (Exactly(a) | About(a), About(b)) | (About(a), Exactly(b)) => About(a * b),
        }
    }

    fn words(self, what: &str) -> Option<String> {
        let number = |n: f64| format!("{} {what}{}", grouped(n), if n.round() == 1.0 { "" } else { "s" });
        match self {
            Self::Exactly(n) => Some(number(n)),
            Self::About(n) => Some(format!("about {}", number(n))),
            Self::AtMost(n) => Some(format!("at most {}", number(n.floor()))),
            Self::Unknown => None,
        }
    }
}

/// One line about a scenario: what it is expected to do.
pub fn expected(scenario: &Scenario) -> String {
    let shortest = shortest_iteration(scenario);
    let iterations = iterations(scenario, shortest);
    let requests = iterations.times(requests_each(scenario));
    let Some(words) = iterations.words("iteration") else {
        return "as many iterations as the target's answers allow: no pause or pacing limits them".to_owned();
    };
    let mut text = match requests.words("request") {
        Some(requests) => format!("{words}, {requests}"),
        None => words,
    };
    if let (Count::AtMost(_), false) = (iterations, shortest.is_zero()) {
        text.push_str(&format!(": one takes {} or longer", format_duration_us(shortest.as_micros() as u64)));
    }
    if scenario.load.arrivals().is_some() {
        text.push_str(", fewer where arrivals are dropped or not started");
    } else if scenario.entries.iter().any(|entry| matches!(entry, Entry::Flow { .. }))
        && requests != Count::Unknown
    {
        text.push_str(", fewer where a flow breaks off");
    }
    text
}

fn iterations(scenario: &Scenario, shortest: Duration) -> Count {
    match &scenario.load {
        Load::Iterations { total, .. } => Count::Exactly(*total as f64),
        Load::IterationsPerUser { users, each } => Count::Exactly(f64::from(*users) * *each as f64),
        Load::Arrivals(arrivals) => {
            let count = arrivals.curve.expected_before(arrivals.curve.total());
            match arrivals.process {
                // The first is due at once, and one due at the very end is not.
                Process::Constant => Count::Exactly(count.ceil()),
                Process::Poisson => Count::About(count),
            }
        }
        Load::Users(_) if shortest.is_zero() => Count::Unknown,
        Load::Users(curve) => match user_time(curve) {
            Some((seconds, starts)) => Count::AtMost(seconds / shortest.as_secs_f64() + starts),
            None => Count::Unknown,
        },
    }
}

/// Seconds that all users of a curve run together, and how often one starts.
fn user_time(curve: &UserCurve) -> Option<(f64, f64)> {
    let (mut at, mut seconds, mut starts) = (Duration::ZERO, 0.0, f64::from(curve.target(Duration::ZERO)));
    for _ in 0..MOST_CHANGES {
        let users = curve.target(at);
        let Some(next) = curve.next_change(at) else {
            return Some((
                seconds + f64::from(users) * curve.total().saturating_sub(at).as_secs_f64(),
                starts,
            ));
        };
        seconds += f64::from(users) * (next - at).as_secs_f64();
        starts += f64::from(curve.target(next).saturating_sub(users));
        at = next;
    }
    None
}

/// The least time from the start of a user's iteration to that of the next.
fn shortest_iteration(scenario: &Scenario) -> Duration {
    let inside = scenario.entries.iter().map(|entry| match entry {
        Entry::Endpoint(_) => Duration::ZERO,
        // A flow that breaks off at its first request pauses only before it.
        Entry::Flow { steps, .. } => steps
            .iter()
            .map_while(|step| if let Step::Think(pause) = step { Some(least(pause)) } else { None })
            .sum(),
    });
    let between = scenario.think.as_ref().map_or(Duration::ZERO, least);
    (inside.min().unwrap_or_default() + between).max(scenario.pacing.unwrap_or_default())
}

fn least(pause: &Pause) -> Duration {
    match pause {
        Pause::Between(range) => range.min,
        Pause::Exponential(_) => Duration::ZERO,
    }
}

/// Requests of one iteration: the mean over what it can be, as often as that is picked.
fn requests_each(scenario: &Scenario) -> Count {
    let each: Vec<_> = scenario
        .entries
        .iter()
        .map(|entry| match entry {
            Entry::Endpoint(_) => ONE_REQUEST,
            Entry::Flow { steps, .. } => requests_in(steps),
        })
        .collect();
    let most = |bound: f64| each.iter().map(|(_, most)| *most).fold(bound, f64::max);
    let (fewest, most) = (each.iter().map(|(least, _)| *least).fold(f64::INFINITY, f64::min), most(0.0));
    if fewest == most {
        return Count::Exactly(most);
    }
    if !most.is_finite() {
        return Count::Unknown;
    }
    if each.iter().any(|(least, most)| least != most) {
        return Count::AtMost(most);
    }
    let total = scenario.weights.last().copied().unwrap_or(1.0);
    let weights =
        scenario.weights.iter().scan(0.0, |before, sum| Some(sum - std::mem::replace(before, *sum)));
    Count::About(each.iter().zip(weights).map(|((count, _), weight)| count * weight / total).sum())
}

/// Fewest and most requests of one request. Those that redirects add depend on the target, and are not counted.
const ONE_REQUEST: (f64, f64) = (1.0, 1.0);

/// Fewest and most requests of steps that all end well.
fn requests_in(steps: &[Step]) -> (f64, f64) {
    let all = steps.iter().map(|step| match step {
        Step::Request(_) => ONE_REQUEST,
        Step::Think(_) | Step::Set(_) | Step::Release(_) => (0.0, 0.0),
        Step::If(_, inner, other) => {
            let (a, b) = (requests_in(inner), requests_in(other));
            (a.0.min(b.0), a.1.max(b.1))
        }
        Step::Repeat(rounds, inner) => {
            let (least, most) = requests_in(inner);
            let times = if let Rounds::Times(text) = rounds {
                text.literal().and_then(|t| t.trim().parse::<f64>().ok())
            } else {
                None
            };
            match times {
                Some(times) => (least * times, most * times),
                None if most == 0.0 => (0.0, 0.0),
                None => (0.0, f64::INFINITY),
            }
        }
        // How long each answer takes is not known, so neither is how many fit into the time.
        Step::Poll(_) => (1.0, f64::INFINITY),
        Step::Group(_, inner) => requests_in(inner),
        Step::Choose(_, all) => {
            let each = || all.iter().map(|inner| requests_in(inner));
            let least = each().map(|(least, _)| least).fold(f64::INFINITY, f64::min);
            (least, each().map(|(_, most)| most).fold(0.0, f64::max))
        }
    });
    all.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

/// A whole number with thin groups: `12 500`.
fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.round());
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}
