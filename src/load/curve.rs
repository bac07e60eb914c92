//! Users over time, built from stages. Holds the meaning of `duration`, `users` and `spawn_rate`; must not know
//! how the plan spells them, nor what a user does.

use super::line::{LONGEST_NS, Line, USER, users_at};
use std::time::Duration;

/// One stage as the plan says it; `duration` counts from the end of the stage before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// How long the stage lasts; zero jumps.
    pub duration: Duration,
    /// Users to move towards.
    pub users: u32,
    /// Users a second, up or down, then hold; `None` = a straight line over the whole stage. A rate that is
    /// not above zero moves nobody.
    pub spawn_rate_per_s: Option<f64>,
}

/// Users wanted at every moment: straight lines joined end to end.
///
/// The line is continuous over stages: a stage too short for its `spawn_rate` hands on the exact height it
/// reached, so two stages of 30 s are the same as one of 60 s. At the joint itself the next stage already
/// counts: after a rise to 10, a further rise starts user 10 (the eleventh) at that very moment.
#[derive(Debug, Clone, PartialEq)]
pub struct UserCurve {
    /// In time order, without gaps, each longer than zero.
    lines: Vec<Line>,
    /// Height at the end, billionths of a user.
    last: i128,
    /// Length of all stages.
    total_ns: i128,
}

impl UserCurve {
    /// The curve of `stages`, from 0 users. Stages after the hundredth year are cut off.
    pub fn from_stages(stages: &[Stage]) -> Self {
        let mut curve = Self { lines: Vec::with_capacity(stages.len() + 1), last: 0, total_ns: 0 };
        for stage in stages {
            curve.add_stage(stage);
        }
        curve
    }

    /// `users` for `duration`: all at once, or `spawn_rate_per_s` users a second and then hold.
    pub fn constant(users: u32, duration: Duration, spawn_rate_per_s: Option<f64>) -> Self {
        let stage = Stage { duration, users, spawn_rate_per_s };
        match spawn_rate_per_s {
            Some(_) => Self::from_stages(&[stage]),
            None => Self::from_stages(&[Stage { duration: Duration::ZERO, ..stage }, stage]),
        }
    }

    /// Users wanted at `at` after the start. From the end on it stays what it was: stopping everyone at
    /// [`UserCurve::total`] is the engine's decision.
    pub fn target(&self, at: Duration) -> u32 {
        let at_ns = nanos(at);
        match self.line_at(at_ns) {
            Some(index) => self.lines[index].users(at_ns - self.lines[index].start_ns),
            None => users_at(self.last),
        }
    }

    /// The next time after `after` at which [`UserCurve::target`] differs, to the nanosecond; `None` when it
    /// never does again. Computed, not searched: one division for each line until the change.
    pub fn next_change(&self, after: Duration) -> Option<Duration> {
        let now = self.target(after);
        let index = self.line_at(nanos(after))?;
        if let Some(into_ns) = self.lines[index].leaves(now) {
            return Some(duration(self.lines[index].start_ns + into_ns));
        }
        for line in &self.lines[index + 1..] {
            if line.users(0) != now {
                return Some(duration(line.start_ns));
            }
            if let Some(into_ns) = line.leaves(now) {
                return Some(duration(line.start_ns + into_ns));
            }
        }
        (users_at(self.last) != now).then(|| duration(self.total_ns))
    }

    /// Where one straight line ends and the next begins, with the users there.
    pub fn bends(&self) -> Vec<(Duration, u32)> {
        self.lines.iter().skip(1).map(|line| (duration(line.start_ns), users_at(line.from))).collect()
    }

    /// Length of all stages together.
    pub fn total(&self) -> Duration {
        duration(self.total_ns)
    }

    /// The most users ever wanted at once.
    pub fn peak(&self) -> u32 {
        let heights = self.lines.iter().flat_map(|line| [line.from, line.to]);
        users_at(heights.fold(self.last, i128::max))
    }

    /// `points` moments from the start to the end, evenly spaced, each with its users.
    pub fn timeline(&self, points: usize) -> Vec<(Duration, u32)> {
        let steps = points.saturating_sub(1).max(1) as i128;
        (0..points as i128)
            .map(|i| duration(self.total_ns * i / steps))
            .map(|at| (at, self.target(at)))
            .collect()
    }

    /// The line that holds `at_ns`; `None` from the end on.
    fn line_at(&self, at_ns: i128) -> Option<usize> {
        if at_ns >= self.total_ns {
            return None;
        }
        self.lines.partition_point(|line| line.start_ns <= at_ns).checked_sub(1)
    }

    fn add_stage(&mut self, stage: &Stage) {
        let length_ns = nanos(stage.duration).min(LONGEST_NS - self.total_ns);
        let goal = i128::from(stage.users) * USER;
        if length_ns == 0 {
            self.last = goal;
            return;
        }
        match stage.spawn_rate_per_s {
            None => self.add_line(length_ns, goal),
            Some(rate_per_s) => self.add_ramp(length_ns, goal, rate_per_s),
        }
    }

    /// Towards `goal` at a rate, then hold.
    fn add_ramp(&mut self, length_ns: i128, goal: i128, rate_per_s: f64) {
        if rate_per_s.is_nan() || rate_per_s <= 0.0 {
            return self.add_line(length_ns, self.last);
        }
        let way = goal - self.last;
        // Billionths of a user ÷ users a second = nanoseconds.
        let needed_ns = (way.abs() as f64 / rate_per_s).round();
        if needed_ns > length_ns as f64 {
            let moved = (length_ns as f64 * rate_per_s).round() as i128;
            return self.add_line(length_ns, self.last + moved.min(way.abs()) * way.signum());
        }
        let ramp_ns = (needed_ns as i128).min(length_ns);
        if ramp_ns > 0 {
            self.add_line(ramp_ns, goal);
        }
        self.last = goal;
        if length_ns > ramp_ns {
            self.add_line(length_ns - ramp_ns, goal);
        }
    }

    fn add_line(&mut self, length_ns: i128, to: i128) {
        self.lines.push(Line { start_ns: self.total_ns, length_ns, from: self.last, to });
        self.total_ns += length_ns;
        self.last = to;
    }
}

fn nanos(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).map_or(LONGEST_NS, |ns| ns.min(LONGEST_NS))
}

fn duration(ns: i128) -> Duration {
    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}
