//! `over`, `for` and `abort` of thresholds, and thresholds that this load can never decide: found here, before
//! anything is sent.

use std::time::Duration;

use crate::diagnostic::{Diagnostic, Located};
use crate::load::{Arrivals, Load, Process};
use crate::plan::model;
use crate::threshold::{Metric, Threshold};
use crate::units::format_duration_us;

use super::model::{TagScope, ThresholdScope};
use super::scenario::{Group, groups, load_of};
use super::{Compiler, codes};

impl Compiler<'_> {
    /// Completes `threshold` with what is written about time, and checks that it can be decided at all.
    pub(super) fn add_time(
        &mut self,
        written: &model::Threshold,
        scope: &ThresholdScope,
        threshold: &mut Threshold,
    ) {
        threshold.over_s = written.over.as_ref().and_then(seconds);
        threshold.for_s = written.for_.as_ref().and_then(seconds);
        if threshold.is_timed() && threshold.metric.unit() == "count" && threshold.relative().is_some() {
            let message = "a count of a window has nothing to be compared with in a whole run";
            let help = "use `rps` or `errors`, or remove `over` and `for`";
            self.error(Diagnostic::error(codes::THRESHOLD, written.that.span, message).help(help));
        }
        threshold.abort = written.abort.as_ref().is_some_and(|abort| abort.value);
        let groups = match scope {
            ThresholdScope::Plan | ThresholdScope::Tags(TagScope { scenario: None, .. }, _) => {
                groups(self.plan)
            }
            ThresholdScope::Scenario(..) | ThresholdScope::Series(..) | ThresholdScope::Tags(..) => {
                vec![self.group]
            }
        };
        // A load that is not right says so itself.
        if groups.iter().all(|group| group.load.is_none_or(|load| load.form().is_some())) {
            self.check_windows(written, &groups);
            self.check_samples(written, &groups, threshold);
        }
        let abort = written.abort.as_ref().filter(|_| threshold.abort && !threshold.is_timed());
        if let Some(abort) = abort.filter(|_| threshold.is_broken_at_start()) {
            let message = format!(
                "`{}` is broken before the first request, so `abort` would end the run at once",
                threshold.expression
            );
            let help = match threshold.relative() {
                None => "give it `over: 10s` to ask that of every 10 seconds, or remove `abort`",
                Some(_) => "remove `abort`",
            };
            self.error(Diagnostic::error(codes::THRESHOLD, abort.span, message).help(help));
        }
    }

    /// A row of windows longer than the load never comes to its end.
    fn check_windows(&mut self, written: &model::Threshold, groups: &[Group<'_>]) {
        let (over, held) = (written.over.as_ref(), written.for_.as_ref());
        let (Some(key), Some(planned)) = (over.or(held), measured(groups)) else { return };
        let windows = held.map_or(Duration::ZERO, |held| held.value.saturating_sub(Duration::from_secs(1)));
        let needed = over.map_or(Duration::from_secs(1), |over| over.value).saturating_add(windows);
        if needed <= planned {
            if let Some(abort) = written.abort.as_ref().filter(|a| a.value && needed == planned) {
                let message = "its first window ends with the load, so `abort` can end nothing";
                let help = "make `over` or `for` shorter, or remove `abort`";
                self.error(Diagnostic::warning(codes::LATE_ABORT, abort.span, message).help(help));
            }
            return;
        }
        let [needed, planned] = [needed, planned].map(|time| format_duration_us(micros(time)));
        let what = match (over, held) {
            (Some(_), Some(_)) => "`over` and `for` together take",
            (Some(_), None) => "`over` takes",
            _ => "`for` takes",
        };
        let message = format!(
            "{what} {needed} and the load is measured for {planned}, so this threshold can never have data"
        );
        self.error(
            Diagnostic::error(codes::UNREACHABLE, key.span, message)
                .help("make it shorter, or run the load for longer"),
        );
    }

    /// A load of so many iterations or arrivals of one request each makes no more samples than that.
    fn check_samples(&mut self, written: &model::Threshold, groups: &[Group<'_>], threshold: &Threshold) {
        let sends_one = |group: &Group<'_>| {
            group.flows.is_empty() && group.auth.is_none_or(|auth| auth.refresh.is_none())
        };
        if threshold.metric == Metric::Checks || !groups.iter().all(sends_one) {
            return;
        }
        let mut iterations = groups.iter().map(|group| most_iterations(&load_of(group.load), warmup(group)));
        let most = iterations.try_fold(0u64, |sum, count| Some(sum.saturating_add(count?)));
        let Some(most) = most else { return };
        let needed = threshold.needed();
        if needed <= most {
            return;
        }
        let message = format!(
            "this needs {needed} samples and the load makes at most {most}, so it will be `no data`, which is not a pass"
        );
        let span = written.min_samples.as_ref().map_or(written.that.span, |samples| samples.span);
        self.out.push(
            Diagnostic::warning(codes::UNREACHABLE, span, message)
                .help("run more of them, set a lower `min_samples`, or remove the threshold"),
        );
    }
}

/// From the first end of a warm-up to the last end of a load; `None` when that depends on the target.
fn measured(groups: &[Group<'_>]) -> Option<Duration> {
    let start = |group: &Group<'_>| group.start_after.map_or(Duration::ZERO, |after| after.value);
    let from = groups.iter().map(|group| start(group).saturating_add(warmup(group))).min()?;
    let ends = groups.iter().map(|group| Some(start(group).saturating_add(load_of(group.load).planned()?)));
    let until = ends.collect::<Option<Vec<_>>>()?.into_iter().max()?;
    Some(until.saturating_sub(from))
}

/// How long a load is not measured at its beginning.
fn warmup(group: &Group<'_>) -> Duration {
    let warmup = group.load.and_then(|load| load.warmup.as_ref());
    warmup.map_or(Duration::ZERO, |warmup| warmup.value)
}

/// The most iterations a load can begin after its warm-up, when that is known before it runs; of random arrivals six
/// standard deviations more than expected.
fn most_iterations(load: &Load, warmup: Duration) -> Option<u64> {
    let of_arrivals = |arrivals: &Arrivals| {
        let curve = &arrivals.curve;
        let mean = (curve.expected_before(curve.total()) - curve.expected_before(warmup)).max(0.0);
        let more = if arrivals.process == Process::Poisson { 6.0 * mean.sqrt() } else { 0.0 };
        (mean + more).ceil() as u64
    };
    load.iterations().or_else(|| load.arrivals().map(of_arrivals))
}

fn seconds(time: &Located<Duration>) -> Option<u32> {
    u32::try_from(time.value.as_secs()).ok().filter(|seconds| *seconds > 0)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
