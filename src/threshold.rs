//! Thresholds: `<metric> <op> <value>` parsed once, evaluated on totals, or second by second while a run goes on.
//! While running nothing here sees a string.

mod blocks;
mod evaluate;
mod interval;
mod parse;
mod relative;
mod rows;
mod timed;
mod watch;

pub use evaluate::{Evaluation, Standing, View};
pub use parse::{METRICS, ParseError, parse};
pub use relative::{BASELINE, Baseline, Relative, Target};
pub use timed::Span;
pub use watch::{Broken, Finding, Watch, Watched};

use crate::metric::Phase;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// A statistic of latency, or of one phase.
    Time {
        /// `None` for latency.
        phase: Option<Phase>,
        /// Which statistic.
        stat: Stat,
    },
    /// Requests.
    Requests,
    /// Requests failed or interrupted.
    Failures,
    /// Their share.
    Errors,
    /// Requests a second.
    Rps,
    /// Share of expectations that held.
    Checks,
    /// Share of responses with a status in an inclusive range.
    Status(u16, u16),
    /// Iterations ended.
    Iterations,
    /// Arrivals given up because all users were busy.
    Dropped,
}

/// A statistic of times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stat {
    /// 0–1.
    Percentile(f64),
    /// Mean.
    Avg,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Standard deviation.
    Stddev,
}

/// How it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Op {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

impl Op {
    fn holds(self, observed: f64, target: f64) -> bool {
        match self {
            Self::Less => observed < target,
            Self::LessOrEqual => observed <= target,
            Self::Greater => observed > target,
            Self::GreaterOrEqual => observed >= target,
            Self::Equal => observed == target,
        }
    }

    /// Whether smaller is better.
    pub fn is_upper_bound(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual)
    }
}

/// One threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// As written.
    pub expression: String,
    /// What is compared.
    pub metric: Metric,
    /// How.
    pub op: Op,
    /// With what.
    pub target: Target,
    /// Fewer samples than this are no data.
    pub min_samples: Option<u64>,
    /// Seconds of the windows it is evaluated on.
    pub over_s: Option<u32>,
    /// Windows (single seconds without `over_s`) in a row it must be broken in.
    pub for_s: Option<u32>,
    /// Whether the run ends when it is broken.
    pub abort: bool,
}

impl Threshold {
    /// Whether it is evaluated on windows, not on the whole run.
    pub fn is_timed(&self) -> bool {
        self.over_s.is_some() || self.for_s.is_some()
    }

    /// Whether it does not hold before the first request, as `requests > 1000` does not.
    pub fn is_broken_at_start(&self) -> bool {
        let is_count =
            matches!(self.metric, Metric::Requests | Metric::Failures | Metric::Iterations | Metric::Dropped);
        let holds = match &self.target {
            Target::Fixed(target) => self.op.holds(0.0, *target),
            // An earlier run had some of what it counts.
            Target::Relative(_) => self.op.is_upper_bound(),
        };
        is_count && !holds
    }

    /// Fewest samples for a verdict.
    pub fn needed(&self) -> u64 {
        // In a window that nobody sent anything in, the rate is known: it is 0.
        let by_metric =
            if self.is_timed() && self.metric == Metric::Rps { 0 } else { self.metric.min_samples() };
        self.min_samples.unwrap_or(by_metric)
    }
}

impl Metric {
    /// `s`, `ratio`, `1/s` or `count`.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Time { .. } => "s",
            Self::Errors | Self::Checks | Self::Status(..) => "ratio",
            Self::Rps => "1/s",
            Self::Requests | Self::Failures | Self::Iterations | Self::Dropped => "count",
        }
    }

    /// Whether it sees requests that fail.
    pub fn is_about_failures(self) -> bool {
        matches!(self, Self::Errors | Self::Failures | Self::Checks | Self::Status(..))
    }

    /// Whether it falls when the load ends: then seconds after that say nothing about the target.
    pub fn follows_load(self) -> bool {
        matches!(self, Self::Rps | Self::Requests | Self::Iterations)
    }

    /// Fewest samples for a verdict: enough that the largest of them bounds the percentile with 95 %
    /// confidence on either side, n ≥ ln 0.025 / ln q (p50 6, p90 36, p95 72, p99 368, p99.9 3 688).
    pub fn min_samples(self) -> u64 {
        match self {
            Self::Time { stat: Stat::Percentile(q), .. } if q > 0.0 && q < 1.0 => {
                (0.025f64.ln() / q.max(1.0 - q).ln()).ceil() as u64
            }
            Self::Requests | Self::Failures | Self::Iterations | Self::Dropped => 0,
            _ => 1,
        }
    }
}
