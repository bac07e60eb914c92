//! The users of one scenario on one worker: started as its load says, and asked to end.

use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::compile::model::Scenario;
use crate::load::{Load, share};

use super::mix;
use super::open::Pool;
use super::seat::{Seat, Seats};
use super::stop::{Level, Stop};
use super::turn::{MOST_AT_ONCE, turn};
use super::user::User;
use super::worker::{Local, Order};

/// One worker's part of one scenario.
pub(super) struct Post {
    pub local: Rc<Local>,
    /// Index of the scenario.
    pub index: usize,
    /// When the scenario begins.
    pub start: Instant,
    pub orders: watch::Receiver<Order>,
}

impl Post {
    pub(super) fn new(local: &Rc<Local>, index: usize, orders: watch::Receiver<Order>) -> Self {
        let start = local.shared.start + local.shared.plan.scenarios[index].start_after;
        Self { local: local.clone(), index, start, orders }
    }

    pub(super) fn scenario(&self) -> &Scenario {
        &self.local.shared.plan.scenarios[self.index]
    }

    /// Seed of the arrivals: of the run and the scenario, never of the worker.
    pub(super) fn seed(&self) -> u64 {
        mix(self.local.shared.options.seed, self.index as u64)
    }

    /// Runs the scenario to its end.
    pub(super) async fn run(self) {
        let mut orders = self.orders.clone();
        tokio::select! {
            biased;
            _ = next_order(&mut orders, Order::Drain) => return self.load_is_over(None),
            _ = self.asked_to_end(Level::AfterIteration) => return self.load_is_over(None),
            () = tokio::time::sleep_until(self.start.into()) => {}
        }
        let mut crew = Crew::default();
        let pool = Rc::new(Pool::default());
        let level = match &self.scenario().load {
            Load::Arrivals(arrivals) => self.release(arrivals, &mut crew, &pool).await,
            load => self.follow(load, &mut crew).await,
        };
        self.load_is_over(Some(&crew));
        self.wind_down(level, &mut crew, &pool).await;
    }

    /// Waits until the run is to end before its load does, at least so soon.
    pub(super) async fn asked_to_end(&self, at_least: Level) -> Level {
        /// How often a worker looks.
        const LOOK: Duration = Duration::from_millis(50);
        loop {
            if let Some(level) = self.local.shared.asked_to_end().filter(|level| *level >= at_least) {
                return level;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn wind_down(&self, level: Level, crew: &mut Crew, pool: &Pool) {
        let mut draining = level >= Level::AfterRequest;
        // In an open model the iterations that are due still begin; its users go by themselves.
        let is_open = self.scenario().load.arrivals().is_some();
        if draining || !is_open {
            crew.raise(level);
        }
        let graceful = tokio::time::sleep(self.scenario().graceful_stop);
        tokio::pin!(graceful);
        let mut orders = self.orders.clone();
        loop {
            if draining {
                pool.clear();
            }
            let patience = if draining { Order::Abandon } else { Order::Drain };
            let order = tokio::select! {
                () = crew.ended() => return,
                () = &mut graceful => Order::Abandon,
                _ = self.asked_to_end(Level::AfterRequest), if !draining => Order::Drain,
                order = next_order(&mut orders, patience) => order,
            };
            if order == Order::Abandon {
                break;
            }
            draining = true;
            crew.raise(Level::AfterRequest);
        }
        pool.clear();
        crew.abandon();
        // Waits for the drop of the users' futures, which records their requests as interrupted.
        crew.ended().await;
    }

    /// Starts and stops looping users as the load says; how soon they must end after it.
    async fn follow(&self, load: &Load, crew: &mut Crew) -> Level {
        /// How often a worker looks whether its users have nothing left to do.
        const LOOK: Duration = Duration::from_millis(20);
        let mut orders = self.orders.clone();
        let end = load.planned();
        loop {
            let now = self.start.elapsed();
            if end.is_some_and(|end| now >= end) {
                return Level::AfterIteration;
            }
            let hand = self.local.hand.get();
            let wanted = self.own_share(hand.target(load, now));
            let seats = self.own_share(hand.seats(load));
            crew.shrink_to(wanted);
            let mut startable = MOST_AT_ONCE;
            while crew.active.len() < wanted
                && startable > 0
                && let Some(seat) = crew.seats.take(self, seats)
            {
                self.start_user(crew, seat, User::run);
                startable -= 1;
            }
            let is_complete = crew.active.len() >= wanted;
            if end.is_none() && is_complete && crew.has_ended() {
                return Level::AfterIteration;
            }
            let next = [load.next_change(now), end].into_iter().flatten().min();
            let pause = next.map_or(LOOK, |at| at.saturating_sub(now).min(LOOK));
            let wait = async {
                match startable {
                    // There may be more; those that were started get their turn first.
                    0 => drop(turn().await),
                    _ => tokio::time::sleep(pause).await,
                }
            };
            tokio::select! {
                () = wait => {}
                _ = next_order(&mut orders, Order::Drain) => return Level::AfterRequest,
            }
            if let Some(level) = self.local.shared.asked_to_end() {
                return level;
            }
        }
    }

    /// How many of so many users of the scenario are this worker's.
    pub(super) fn own_share(&self, users: u32) -> usize {
        share(users, self.local.worker, self.local.shared.options.workers) as usize
    }

    pub(super) fn start_user<F>(&self, crew: &mut Crew, seat: Rc<Seat>, live: impl FnOnce(User) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        let stop = Rc::new(Stop::default());
        let life = live(User::new(self, seat.clone(), stop.clone()));
        self.local.running.set(self.local.running.get() + 1);
        let leaving = Leaving(self.local.clone());
        let task = tokio::task::spawn_local(async move {
            let _leaving = leaving;
            life.await;
        });
        crew.active.push(Running { seat, stop, task });
    }
}

struct Running {
    seat: Rc<Seat>,
    stop: Rc<Stop>,
    task: JoinHandle<()>,
}

/// The users of one scenario on one worker.
#[derive(Default)]
pub(super) struct Crew {
    pub(super) seats: Seats,
    /// In the order they were started; the last is stopped first.
    active: Vec<Running>,
    /// Asked to end after their iteration.
    leaving: Vec<Running>,
}

impl Crew {
    /// Users that have not been asked to end.
    pub(super) fn len(&self) -> usize {
        self.active.len()
    }

    /// Whether nobody who was not asked to end is left.
    pub(super) fn has_ended(&self) -> bool {
        self.active.iter().all(|user| user.task.is_finished())
    }

    /// Asks the users beyond `wanted` to end. The seat of one that was asked is free once the user is gone, so that no two
    /// users share a number.
    fn shrink_to(&mut self, wanted: usize) {
        for user in self.active.drain(wanted.min(self.active.len())..) {
            user.stop.raise(Level::AfterIteration);
            self.leaving.push(user);
        }
        for gone in self.leaving.extract_if(.., |user| user.task.is_finished()) {
            self.seats.give_back(&gone.seat);
        }
    }

    fn raise(&self, level: Level) {
        self.active.iter().chain(&self.leaving).for_each(|user| user.stop.raise(level));
    }

    fn abandon(&self) {
        self.active.iter().chain(&self.leaving).for_each(|user| user.task.abort());
    }

    async fn ended(&mut self) {
        self.active.append(&mut self.leaving);
        while let Some(user) = self.active.last_mut() {
            // How it ended is told by what it left behind.
            let _ = (&mut user.task).await;
            self.active.pop();
        }
    }
}

/// Counts a user out, however its task ends.
struct Leaving(Rc<Local>);

impl Drop for Leaving {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.shared.fail("a virtual user panicked; this is a bug in plimsoll");
        }
        self.0.running.set(self.0.running.get() - 1);
    }
}

pub(super) async fn next_order(orders: &mut watch::Receiver<Order>, at_least: Order) -> Order {
    match orders.wait_for(|order| *order >= at_least).await {
        Ok(order) => *order,
        // The coordinator is gone: nobody would read what is measured.
        Err(_) => Order::Abandon,
    }
}
