//! How much load and what must hold: the load forms, thresholds and their grading. Must not compute a load curve.

use super::codes;
use super::foreign::load::{of_load, of_stage};
use crate::diagnostic::{Diagnostic, Diagnostics, Located, Span};
use crate::plan::decode::Keys;
use crate::units::Rate;
use std::time::Duration;

plan_keys! {
    /// How much load, for how long; exactly one form: `users` with `duration`, `rate` with `duration`, `stages`, or `iterations`.
    "the load"
    pub struct Load {
        /// How many users loop at the same time.
        users: Option<Located<u32>>,
        /// How many iterations arrive, for example `50/s`, whether or not the target keeps up.
        rate: Option<Located<Rate>>,
        /// How long the load lasts.
        duration: Option<Located<Duration>>,
        /// How fast users are started, for example `5/s`.
        spawn_rate: Option<Located<Rate>>,
        /// Load that changes: one stage after the other.
        stages: Vec<Stage>,
        /// How many iterations all users do together.
        iterations: Option<Located<u64>>,
        /// How many iterations each user does.
        iterations_per_user: Option<Located<u64>>,
        /// How arrivals follow the rate; `constant` when absent.
        arrivals: Option<Located<Process>>,
        /// The most users that arrivals may keep busy at once; 10000 when absent.
        max_users: Option<Located<u32>>,
        /// What happens to an arrival when all users are busy; `queue` when absent.
        on_saturation: Option<Located<Saturation>>,
        /// How long at the start requests are sent and shown but kept out of thresholds and totals.
        warmup: Option<Located<Duration>>,
        /// How long running iterations may take to end; 30s when absent.
        graceful_stop: Option<Located<Duration>>,
    }
    example "{ users: 10, duration: 2m }"
    foreign of_load
    check check_load
}

plan_words! {
    /// How arrivals follow the rate.
    "an arrival process"
    pub enum Process {
        /// Evenly spaced.
        Constant = "constant",
        /// At random, as independent clients come.
        Poisson = "poisson",
    }
}

plan_words! {
    /// What happens to an arrival when all users are busy.
    "a choice for saturation"
    pub enum Saturation {
        /// It waits for a user; the wait is part of its latency.
        Queue = "queue",
        /// It is given up and counted as dropped.
        Drop = "drop",
    }
}

/// The one form a [`Load`] has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LoadForm<'a> {
    /// So many users for so long.
    Users {
        /// How many.
        users: &'a Located<u32>,
        /// How long.
        duration: &'a Located<Duration>,
        /// How fast they start.
        spawn_rate: Option<&'a Located<Rate>>,
    },
    /// One stage of users after the other; never empty.
    Stages(&'a [Stage]),
    /// So many arrivals a second for so long.
    Rate {
        /// How many.
        rate: &'a Located<Rate>,
        /// How long.
        duration: &'a Located<Duration>,
    },
    /// One stage of arrivals after the other; never empty.
    RateStages(&'a [Stage]),
    /// A fixed number of iterations shared by the users.
    Iterations {
        /// How many users; 1 when absent.
        users: Option<&'a Located<u32>>,
        /// How many iterations.
        iterations: &'a Located<u64>,
    },
    /// A fixed number of iterations for each user.
    IterationsPerUser {
        /// How many users; 1 when absent.
        users: Option<&'a Located<u32>>,
        /// How many iterations each.
        iterations: &'a Located<u64>,
    },
}

impl Load {
    /// The form written; `None` only when the plan has an error that says so.
    pub fn form(&self) -> Option<LoadForm<'_>> {
        let users = self.users.as_ref();
        if let Some(first) = self.stages.first() {
            let open = first.rate.is_some();
            return Some(if open {
                LoadForm::RateStages(&self.stages)
            } else {
                LoadForm::Stages(&self.stages)
            });
        }
        if let (Some(rate), Some(duration)) = (&self.rate, &self.duration) {
            return Some(LoadForm::Rate { rate, duration });
        }
        if let Some(iterations) = &self.iterations {
            return Some(LoadForm::Iterations { users, iterations });
        }
        if let Some(iterations) = &self.iterations_per_user {
            return Some(LoadForm::IterationsPerUser { users, iterations });
        }
        let (users, duration) = (users?, self.duration.as_ref()?);
        Some(LoadForm::Users { users, duration, spawn_rate: self.spawn_rate.as_ref() })
    }
}

fn check_load(load: &Load, keys: &Keys<'_>, out: &mut Diagnostics) {
    const ONE: &str =
        "a load has one form: `users` or `rate` with `duration`, `stages`, or `users` with `iterations`";
    let clashes = [
        ("stages", "users"),
        ("stages", "rate"),
        ("stages", "duration"),
        ("stages", "spawn_rate"),
        ("stages", "iterations"),
        ("stages", "iterations_per_user"),
        ("rate", "users"),
        ("rate", "spawn_rate"),
        ("rate", "iterations"),
        ("rate", "iterations_per_user"),
        ("iterations", "duration"),
        ("iterations", "spawn_rate"),
        ("iterations", "iterations_per_user"),
        ("iterations_per_user", "duration"),
        ("iterations_per_user", "spawn_rate"),
    ];
    let clashed = clashes.iter().find(|(a, b)| keys.span_of(a).is_some() && keys.span_of(b).is_some());
    if let Some((a, b)) = clashed {
        keys.clash(a, b, ONE, out);
        return;
    }
    check_counts(load, out);
    if let Some(stages) = keys.span_of("stages") {
        if load.stages.is_empty() && keys.is_empty_list("stages") {
            out.push(Diagnostic::error(codes::MISSING_KEY, stages, "`stages` is empty").help(ONE));
        }
    } else if keys.span_of("rate").is_some() {
        keys.required(
            "duration",
            "a load by rate",
            "write `duration: 2m`, or -t 2m on the command line",
            out,
        );
    } else if !["iterations", "iterations_per_user", "stages", "rate"].iter().any(|key| keys.may_mean(key)) {
        let who = "a load by time";
        keys.required("users", who, "write `users: 10`, or -u 10 on the command line", out);
        keys.required("duration", who, "write `duration: 2m`, or -t 2m on the command line", out);
    }
    check_open(load, keys, out);
}

/// More arrivals a second than any machine can begin.
const FASTEST_PER_S: f64 = 1e6;

/// Keys of arrivals in a load without them, stages of two kinds, rates at which nothing ever arrives.
fn check_open(load: &Load, keys: &Keys<'_>, out: &mut Diagnostics) {
    // One that is neither is misspelt, and that is said already.
    let mut stages = load.stages.iter().filter(|stage| stage.rate.is_some() || stage.users.is_some());
    let first = stages.next();
    let first_kind = first.map(|stage| stage.rate.is_some());
    let mixed = stages.find(|stage| Some(stage.rate.is_some()) != first_kind);
    if let (Some(stage), Some(first)) = (mixed, first) {
        let message = "the stages of one load are all of `users` or all of `rate`";
        out.push(
            Diagnostic::error(codes::CLASH, stage.span, message)
                .other(first.span, "the first stage is of the other kind")
                .help("put the two kinds into two scenarios"),
        );
    }
    let is_open = load.rate.is_some() || first_kind == Some(true);
    // A rate that is wrong is one all the same.
    let has_arrivals = is_open || keys.span_of("rate").is_some();
    for key in ["arrivals", "max_users", "on_saturation"] {
        if let Some(span) = keys.span_of(key).filter(|_| !has_arrivals) {
            let message = format!("`{key}` is about arrivals, and this load has none");
            out.push(
                Diagnostic::error(codes::CLASH, span, message)
                    .help("write `rate: 50/s` instead of `users`, or remove it"),
            );
        }
    }
    let rates = load.rate.iter().chain(load.stages.iter().filter_map(|stage| stage.rate.as_ref()));
    if let Some(rate) = rates.into_iter().find(|rate| rate.value.per_second > FASTEST_PER_S) {
        let message = "more than 1000000 arrivals a second are beyond any machine";
        out.push(
            Diagnostic::error(codes::OUT_OF_RANGE, rate.span, message)
                .help("use several machines, or a lower rate"),
        );
    }
    let silent = match &load.rate {
        Some(rate) => (rate.value.per_second <= 0.0).then_some(rate.span),
        None if is_open => {
            let never =
                load.stages.iter().all(|s| s.rate.as_ref().is_some_and(|r| r.value.per_second <= 0.0));
            never.then(|| load.stages[0].span)
        }
        None => None,
    };
    if let Some(span) = silent {
        let message = "the rate is 0, so nothing would ever arrive";
        out.push(
            Diagnostic::error(codes::OUT_OF_RANGE, span, message).help("write for example `rate: 50/s`"),
        );
    }
}

fn check_counts(load: &Load, out: &mut Diagnostics) {
    let zero = |span: Span, what: &str, out: &mut Diagnostics| {
        let message = format!("`{what}` is 0, so nothing would run");
        out.push(
            Diagnostic::error(codes::OUT_OF_RANGE, span, message).help(format!("write `{what}: 1` or more")),
        );
    };
    for (name, count) in [("users", &load.users), ("max_users", &load.max_users)] {
        if let Some(count) = count.as_ref().filter(|c| c.value == 0) {
            zero(count.span, name, out);
        }
    }
    for (name, count) in
        [("iterations", &load.iterations), ("iterations_per_user", &load.iterations_per_user)]
    {
        if let Some(count) = count.as_ref().filter(|c| c.value == 0) {
            zero(count.span, name, out);
        }
    }
    if let Some(duration) = load.duration.as_ref().filter(|d| d.value.is_zero()) {
        out.push(
            Diagnostic::error(codes::OUT_OF_RANGE, duration.span, "`duration` is 0, so nothing would run")
                .help("write for example `duration: 1m`"),
        );
    }
    if let Some(rate) = &load.spawn_rate {
        check_spawn_rate(rate, out);
    }
}

fn check_spawn_rate(rate: &Located<Rate>, out: &mut Diagnostics) {
    if rate.value.per_second <= 0.0 {
        out.push(
            Diagnostic::error(
                codes::OUT_OF_RANGE,
                rate.span,
                "`spawn_rate` is 0, so no user would ever start",
            )
            .help("write for example `spawn_rate: 1/s`, or leave it out"),
        );
    }
}

plan_keys! {
    /// One stage of a changing load.
    "a stage"
    pub struct Stage {
        /// How long the stage lasts, counted from the end of the stage before.
        duration: Located<Duration>,
        /// How many users there are at its end.
        users: Option<Located<u32>>,
        /// How many iterations arrive at its end; a straight line from the stage before.
        rate: Option<Located<Rate>>,
        /// How fast users are started or stopped; a straight line over the stage when absent.
        spawn_rate: Option<Located<Rate>>,
    }
    foreign of_stage
    check check_stage
}

fn check_stage(stage: &Stage, keys: &Keys<'_>, out: &mut Diagnostics) {
    keys.clash("users", "rate", "a stage has users that loop, or a rate of arrivals: keep one of them", out);
    keys.clash("rate", "spawn_rate", "`spawn_rate` starts users; a rate of arrivals needs none", out);
    if stage.rate.is_none() && !keys.may_mean("rate") {
        keys.required("users", "a stage", "write `users: 10`, or `rate: 50/s` for arrivals", out);
    }
    if let Some(rate) = &stage.spawn_rate {
        check_spawn_rate(rate, out);
    }
}

/// Refuses a weight that cannot be a share of picks.
pub(super) fn check_weight(weight: &Located<f64>, out: &mut Diagnostics) {
    if weight.value < 0.0 {
        out.push(
            Diagnostic::error(codes::OUT_OF_RANGE, weight.span, "`weight` is negative")
                .help("write 0 for never, or a positive number"),
        );
    }
}
