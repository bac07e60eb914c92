//! One virtual user: log in, then pick, run, think, until asked to end.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use minijinja::Value;
use rand::RngExt as _;

use crate::compile::model::{Entry, Step};
use crate::data::{OnEnd, feed_seed};
use crate::http::{Connection, Deadline, micros};
use crate::load::Load;
use crate::metric::{Outcome, Sample, SeriesId};
use crate::template::{Rng, Scope, UserNumbers};
use crate::units::DurationRange;

use super::auth::Login;
use super::in_flight::InFlight;
use super::rng_of;
use super::stop::{Level, Stop};
use super::worker::Local;

/// One virtual user.
#[derive(Debug)]
pub struct User {
    pub local: Rc<Local>,
    pub id: u64,
    pub stop: Rc<Stop>,
    pub rng: Rng,
    pub scope: Arc<Scope>,
    /// One connection a target.
    pub connections: Box<[Option<Connection>]>,
    pub deadline: Deadline,
    pub login: Option<Login>,
    /// Logins that failed before the first that worked.
    pub failed_logins: u64,
    numbers: Arc<UserNumbers>,
    iteration: u64,
    /// Whether this iteration has sent a request.
    pub has_sent: bool,
}

/// Pause between two logins of a user.
const LOGIN_PAUSE: Duration = Duration::from_secs(1);
/// Logins a user tries in a load of a fixed amount of work, which must come to an end.
const LOGIN_TRIES: u32 = 5;
/// Pause after an iteration that could send nothing.
const NOTHING_SENT: Duration = Duration::from_millis(10);

impl User {
    pub fn new(local: Rc<Local>, id: u64, stop: Rc<Stop>) -> Self {
        let plan = &local.shared.plan;
        let scope = Scope::new(plan.names.clone(), &plan.initial);
        scope.set(plan.run, Value::from_pairs([("id", local.shared.options.run_id.as_str())]));
        let numbers = UserNumbers::new(id);
        scope.set(plan.user, Value::from_dyn_object(numbers.clone()));
        Self {
            id,
            stop,
            rng: rng_of(local.shared.options.seed, id),
            scope,
            connections: plan.targets.iter().map(|_| None).collect(),
            deadline: Deadline::default(),
            login: None,
            failed_logins: 0,
            numbers,
            iteration: 0,
            has_sent: false,
            local,
        }
    }

    /// Lives until asked to end, or until there is nothing left to do.
    pub async fn run(mut self) {
        if !self.come_in().await {
            return;
        }
        while self.stop.level() == Level::Run && self.take_iteration() {
            self.numbers.set_iteration(self.iteration);
            if !self.take_rows() {
                break;
            }
            self.has_sent = false;
            // A turn of the thread is bounded even when nothing in an iteration ever waits.
            tokio::task::coop::consume_budget().await;
            self.iterate().await;
            self.iteration += 1;
            if let Some(think) = self.local.shared.plan.think {
                self.think(think, Level::AfterIteration).await;
            }
            if !self.has_sent {
                // No connection, or nothing to send: trying at full speed would only take the machine away from
                // the other users.
                self.stop.unless(Level::AfterIteration, tokio::time::sleep(NOTHING_SENT)).await;
            }
        }
    }

    /// Logs in, again and again if need be; false when that is no use any more.
    async fn come_in(&mut self) -> bool {
        if self.local.shared.plan.auth.is_none() {
            return true;
        }
        let mut tries = 0;
        while !Box::pin(self.log_in()).await {
            tries += 1;
            let fixed_work = self.local.shared.plan.load.planned().is_none();
            if fixed_work && tries >= LOGIN_TRIES {
                return false;
            }
            // At a pace that does not storm the auth service.
            self.stop.unless(Level::AfterIteration, tokio::time::sleep(LOGIN_PAUSE)).await;
            if self.stop.level() != Level::Run {
                return false;
            }
        }
        true
    }

    fn take_iteration(&self) -> bool {
        match self.local.shared.plan.load {
            Load::Users(_) => true,
            Load::Iterations { total, .. } => {
                self.local.shared.iterations.fetch_add(1, Ordering::Relaxed) < total
            }
            Load::IterationsPerUser { each, .. } => self.iteration < each,
        }
    }

    /// Puts this iteration's data rows into scope; false when a feed has ended.
    fn take_rows(&self) -> bool {
        let shared = &self.local.shared;
        for (index, used) in shared.plan.feeds.iter().enumerate() {
            let position = match used.on_end {
                // Any user can tell its own rows: the same ones whatever the number of workers.
                OnEnd::Recycle => self.iteration * u64::from(shared.plan.load.peak()) + self.id,
                OnEnd::Stop | OnEnd::Fail => shared.rows[index].fetch_add(1, Ordering::Relaxed),
            };
            let seed = feed_seed(shared.options.seed, index);
            match used.feed.row_at(position, seed, used.order, used.on_end) {
                Ok(row) => self.scope.set(used.slot, row.clone()),
                Err(_) if used.on_end == OnEnd::Fail => {
                    let rows = used.feed.len();
                    shared.fail(format!(
                        "data `{}` is used up: all its {rows} rows were taken (on_end: fail)",
                        used.name
                    ));
                    return false;
                }
                Err(_) => {
                    shared.end(Level::AfterIteration);
                    return false;
                }
            }
        }
        true
    }

    fn pick(&mut self) -> usize {
        let weights = &self.local.shared.plan.weights;
        let total = weights.last().copied().unwrap_or(0.0);
        if weights.len() < 2 {
            return 0;
        }
        let at = self.rng.random::<f64>() * total;
        weights.partition_point(|sum| *sum <= at).min(weights.len() - 1)
    }

    async fn iterate(&mut self) {
        let local = self.local.clone();
        let entry = self.pick();
        match &local.shared.plan.entries[entry] {
            Entry::Endpoint(request) => {
                // Whether it failed is in the row already.
                let _ = self.send(request).await;
            }
            Entry::Flow { series, steps } => {
                if !self.flow(*series, steps).await {
                    return;
                }
            }
        }
        local.recorder.borrow_mut().iterations += 1;
    }

    /// Runs the steps up to the first that fails; false when it was asked to end in between.
    async fn flow(&mut self, series: SeriesId, steps: &[Step]) -> bool {
        let started = Instant::now();
        let mut running = InFlight::new(self.local.clone(), series, started);
        let mut outcome = Outcome::Ok;
        for step in steps {
            if self.stop.level() >= Level::AfterRequest {
                return false;
            }
            match step {
                Step::Think(range) => {
                    if !self.think(*range, Level::AfterRequest).await {
                        return false;
                    }
                }
                Step::Request(request) => {
                    if let Err(failure) = self.send(request).await {
                        outcome = Outcome::Failed(failure);
                        break;
                    }
                }
            }
        }
        running.disarm();
        let sample = Sample::bare(series, outcome, micros(started, Instant::now()));
        self.local.recorder.borrow_mut().record(&sample);
        true
    }

    /// Pauses; false when asked to end before it was over.
    async fn think(&mut self, range: DurationRange, limit: Level) -> bool {
        let pause =
            if range.min == range.max { range.min } else { self.rng.random_range(range.min..=range.max) };
        self.stop.unless(limit, tokio::time::sleep(pause)).await
    }
}
