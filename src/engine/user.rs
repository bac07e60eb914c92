//! One virtual user: log in, then pick, run, think, until asked to end.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use minijinja::Value;
use rand::RngExt as _;

use crate::compile::model::{Entry, Scenario};
use crate::cookie::Jar;
use crate::expect::Needs;
use crate::http::{Connection, Deadline, Visitor, micros};
use crate::load::Pause;
use crate::metric::SeriesId;
use crate::template::{Rng, Scope};

use super::crew::Post;
use super::flow::Ended;
use super::login::Login;
use super::remembered::Remembered;
use super::seat::Seat;
use super::stop::{Level, Stop};
use super::worker::Local;
use super::{Stream, rng_of};

/// One virtual user.
#[derive(Debug)]
pub struct User {
    pub local: Rc<Local>,
    /// Index of its scenario.
    pub scenario: usize,
    /// Its place, with what continues when the next user takes it.
    pub seat: Rc<Seat>,
    pub stop: Rc<Stop>,
    pub rng: Rng,
    pub scope: Arc<Scope>,
    /// One connection a target.
    pub connections: Box<[Option<Connection>]>,
    /// The row of the last request on each of them.
    pub asked_by: Box<[Option<SeriesId>]>,
    /// What it keeps of each target between connections.
    pub visitors: Box<[Visitor]>,
    pub deadline: Deadline,
    /// The header map of the last answer, emptied, for the next request.
    pub spare_headers: HeaderMap,
    pub login: Option<Login>,
    /// What answers have set, but for those of a login.
    pub jar: Jar,
    /// Logins that failed before the first that worked.
    pub failed_logins: u64,
    pub remembered: Remembered,
    /// When the arrival of this iteration was due; taken by its first request.
    pub intended: Option<Instant>,
    /// Until then rows of the warm-up count.
    warm_until: Option<Instant>,
    /// Whether this iteration has sent a request.
    pub has_sent: bool,
    /// Requests it was about to send. Shared with what is recorded when the user is dropped.
    pub attempts: Rc<Cell<u64>>,
    /// A feed has ended, and the user with it.
    pub is_out_of_rows: bool,
}

/// A pause in which it pays to give the memory of idle connections back; bringing one back costs some µs.
const LONG_PAUSE: Duration = Duration::from_secs(1);
/// Pause after an iteration that could send nothing.
pub(super) const NOTHING_SENT: Duration = Duration::from_millis(10);

impl User {
    pub(super) fn new(post: &Post, seat: Rc<Seat>, stop: Rc<Stop>) -> Self {
        let local = post.local.clone();
        let plan = &local.shared.plan;
        let scenario = post.scenario();
        let scope = Scope::new(plan.names.clone(), &plan.initial);
        scope.set(plan.run, Value::from_pairs([("id", local.shared.options.run_id.as_str())]));
        scope.set(plan.user, Value::from_dyn_object(seat.numbers.clone()));
        scenario.initial.iter().for_each(|(slot, value)| scope.set(*slot, value.clone()));
        Self {
            scenario: post.index,
            stop,
            visitors: plan.targets.iter().map(|_| Visitor::new(seat.number as usize)).collect(),
            rng: seat.begin_life(local.shared.options.seed),
            seat,
            scope,
            connections: plan.targets.iter().map(|_| None).collect(),
            asked_by: vec![None; plan.targets.len()].into(),
            deadline: Deadline::default(),
            spare_headers: HeaderMap::new(),
            login: None,
            jar: Jar::default(),
            failed_logins: 0,
            remembered: Remembered::default(),
            intended: None,
            warm_until: (!scenario.warmup.is_zero()).then(|| post.start + scenario.warmup),
            has_sent: false,
            attempts: Rc::default(),
            is_out_of_rows: false,
            local,
        }
    }

    pub(super) fn plan(&self) -> &Scenario {
        &self.local.shared.plan.scenarios[self.scenario]
    }

    /// In an open model picks, rows and random values belong to the arrival, whichever user runs it. Counters belong to
    /// the user: together with its number they are unique in the run.
    pub(super) fn seed_for_arrival(&mut self, index: u64) {
        let stream = Stream::Arrival { scenario: self.scenario, index };
        self.rng = rng_of(self.local.shared.options.seed, stream);
    }

    /// Lives until asked to end, or until there is nothing left to do.
    pub(super) async fn run(mut self) {
        if !self.goes_on().await || !self.take_user_rows() || !self.come_in().await {
            return;
        }
        let (think, pacing) = (self.plan().think, self.plan().pacing);
        let is_fixed_work = self.plan().load.planned().is_none();
        let pauses = think.is_some() || pacing.is_some();
        let mut worked_until = None;
        while self.goes_on().await && self.take_iteration() {
            // A turn of the thread is bounded even when nothing in an iteration ever waits.
            tokio::task::coop::consume_budget().await;
            let position = self.seat.iterations.get() * u64::from(self.plan().load.peak()) + self.seat.number;
            if !self.take_rows(position) {
                break;
            }
            let started = Instant::now();
            self.iterate(started, started).await;
            if is_fixed_work && pauses {
                // The pause after the last iteration is no work.
                worked_until = Some(self.local.at_us());
            }
            if let Some(think) = think {
                self.think(think, Level::AfterIteration).await;
            }
            if let Some(pacing) = pacing {
                self.pause_until(started + pacing, Level::AfterIteration).await;
            }
            if !self.has_sent {
                // No connection, or nothing to send: trying at full speed would only take the machine away from
                // the other users.
                self.stop.unless(Level::AfterIteration, tokio::time::sleep(NOTHING_SENT)).await;
            }
        }
        if is_fixed_work && self.seat.iterations.get() > 0 {
            let until_us = worked_until.unwrap_or_else(|| self.local.at_us());
            self.local.shared.scenarios[self.scenario].load_end.worked_until(until_us);
        }
    }

    /// Whether it is to go on, once no pause holds it.
    async fn goes_on(&self) -> bool {
        while self.local.hand.get().paused {
            if !self.stop.unless(Level::AfterIteration, self.local.resumed.notified()).await {
                return false;
            }
        }
        self.stop.level() == Level::Run
    }

    fn pick(&mut self, iteration: u64) -> usize {
        let weights = &self.local.shared.plan.scenarios[self.scenario].weights;
        if weights.len() < 2 {
            return 0;
        }
        if self.is_traced() {
            return iteration as usize % weights.len();
        }
        pick_by_weight(weights, &mut self.rng)
    }

    /// The row of what begins at `started`: its own, or that of the warm-up.
    pub(super) fn row(&self, series: SeriesId, started: Instant) -> SeriesId {
        // Not once and for all: an arrival that waited may be due earlier than what its user did last.
        match self.warm_until {
            Some(until) if started < until => {
                self.local.shared.plan.series[series.0 as usize].warmup.unwrap_or(series)
            }
            _ => series,
        }
    }

    /// One iteration, which begins `now`; `started` is when it was due, in a closed model the same.
    pub(super) async fn iterate(&mut self, started: Instant, now: Instant) {
        let iteration = self.seat.next_iteration();
        if self.plan().forgets_cookies && !self.jar.is_empty() {
            self.jar = Jar::default();
        }
        self.has_sent = false;
        let in_warmup = self.warm_until.is_some_and(|until| started < until);
        let local = self.local.clone();
        let entry = self.pick(iteration);
        match &local.shared.plan.scenarios[self.scenario].entries[entry] {
            Entry::Endpoint(request) => {
                // Whether it failed is in the row already.
                let _ = self.send(request, now).await;
                if self.is_out_of_rows {
                    return;
                }
            }
            Entry::Flow { series, steps } => {
                let ended = self.timed(*series, steps, started, now).await;
                // One that ended early may have left something.
                Needs::all_large().release(&self.scope);
                if ended == Ended::Stopped {
                    return;
                }
            }
        }
        if !in_warmup {
            local.recorder.borrow_mut().scenarios[self.scenario].iterations += 1;
        }
    }

    /// Pauses; false when asked to end before it was over.
    pub(super) async fn think(&mut self, pause: Pause, limit: Level) -> bool {
        let pause = pause.draw(&mut self.rng);
        // What an arrival's flow pauses before its first request is nobody's latency.
        self.intended = self.intended.map(|at| at + pause);
        self.pause_until(Instant::now() + pause, limit).await
    }

    /// Pauses, and notes how late it woke up; false when asked to end before it was over.
    pub(super) async fn pause_until(&mut self, until: Instant, limit: Level) -> bool {
        let now = Instant::now();
        if until <= now {
            return self.stop.level() < limit;
        }
        if until - now >= LONG_PAUSE {
            self.connections.iter_mut().flatten().for_each(Connection::park);
        }
        let done = self.stop.unless(limit, tokio::time::sleep_until(until.into())).await;
        if done {
            let late_us = micros(until, Instant::now());
            self.local.recorder.borrow_mut().record_end_of_pause(u64::from(late_us));
        }
        done
    }
}

/// The index of one of several things, by the running sums of their weights.
pub(super) fn pick_by_weight(sums: &[f64], rng: &mut Rng) -> usize {
    let at = rng.random::<f64>() * sums.last().copied().unwrap_or(0.0);
    sums.partition_point(|sum| *sum <= at).min(sums.len().saturating_sub(1))
}
