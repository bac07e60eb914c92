//! One worker: a thread with its own runtime, its users, their connections and one recorder. Starts and
//! stops users as the load says and ships its recorder once a second.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, LocalSet};

use crate::http::{Addresses, Connector};
use crate::load::share;
use crate::metric::Recorder;

use super::Shared;
use super::stop::{Level, Stop};
use super::user::User;

/// What the coordinator asks of all workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Follow the plan.
    Run,
    /// Let running requests end, start no more.
    Drain,
    /// End at once.
    Abandon,
}

/// What a worker ships.
#[derive(Debug)]
pub struct Shipment {
    /// Second of the run the recorder is about, from 0.
    pub second: u64,
    /// Users running.
    pub users: u64,
    /// What was seen.
    pub recorder: Recorder,
    /// The worker ships nothing after it.
    pub last: bool,
    /// To send the recorder back for reuse.
    pub back: mpsc::UnboundedSender<Recorder>,
}

/// What the users of one worker share. On one thread: no locks.
#[derive(Debug)]
pub struct Local {
    pub shared: Arc<Shared>,
    pub recorder: RefCell<Recorder>,
    pub connector: Connector,
    pub addresses: Box<[Addresses]>,
    pub running: Cell<u64>,
}

impl Local {
    /// µs since the start of the load.
    pub fn at_us(&self) -> u64 {
        self.shared.start.elapsed().as_micros() as u64
    }
}

/// One worker's part of the run.
#[derive(Debug)]
pub struct Worker {
    pub shared: Arc<Shared>,
    pub index: usize,
    pub connector: Connector,
    pub ship: mpsc::UnboundedSender<Shipment>,
    pub orders: watch::Receiver<Order>,
}

struct Running {
    stop: Rc<Stop>,
    task: JoinHandle<()>,
}

impl Worker {
    /// Runs until all users have ended.
    ///
    /// # Errors
    /// When no runtime can be made.
    pub fn run(self) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let set = LocalSet::new();
        set.block_on(&runtime, self.work());
        drop(set);
        runtime.shutdown_background();
        Ok(())
    }

    async fn work(mut self) {
        let plan = &self.shared.plan;
        let local = Rc::new(Local {
            shared: self.shared.clone(),
            recorder: RefCell::new(Recorder::new(plan.series.len())),
            connector: std::mem::replace(&mut self.connector, Connector::new(None)),
            addresses: plan.targets.iter().map(|_| Addresses::default()).collect(),
            running: Cell::new(0),
        });
        let mut shipping = Shipping::new(local.clone(), self.ship.clone());
        let mut crew = Crew::default();
        // Shipping is a branch here, not a task: nothing may be recorded after the last shipment.
        tokio::select! {
            () = shipping.every_second() => {}
            () = self.load(&local, &mut crew) => {}
        }
        shipping.ship(true);
    }

    async fn load(&self, local: &Rc<Local>, crew: &mut Crew) {
        let level = self.follow_load(local, crew).await;
        crew.raise(level);
        let graceful = tokio::time::sleep(self.shared.plan.graceful_stop);
        tokio::pin!(graceful);
        let mut orders = self.orders.clone();
        let mut draining = level >= Level::AfterRequest;
        loop {
            let patience = if draining { Order::Abandon } else { Order::Drain };
            let order = tokio::select! {
                () = crew.ended() => return,
                () = &mut graceful => Order::Abandon,
                order = next_order(&mut orders, patience) => order,
            };
            if order == Order::Abandon {
                break;
            }
            draining = true;
            crew.raise(Level::AfterRequest);
        }
        crew.abandon();
        // Waits for the drop of the users' futures, which records their requests as interrupted.
        crew.ended().await;
    }

    /// Starts and stops users as the load says; how soon they must end after it.
    async fn follow_load(&self, local: &Rc<Local>, crew: &mut Crew) -> Level {
        /// How often a worker looks whether its users have nothing left to do.
        const LOOK: Duration = Duration::from_millis(20);
        let load = &self.shared.plan.load;
        let mut orders = self.orders.clone();
        let end = load.planned();
        loop {
            let now = self.shared.start.elapsed();
            if end.is_some_and(|end| now >= end) {
                return Level::AfterIteration;
            }
            let wanted = share(load.target(now), self.index, self.shared.options.workers) as usize;
            while crew.active.len() < wanted {
                self.start_user(local, crew);
            }
            crew.shrink_to(wanted);
            if end.is_none() && crew.active.iter().all(|user| user.task.is_finished()) {
                return Level::AfterIteration;
            }
            let next = [load.next_change(now), end].into_iter().flatten().min();
            let pause = next.map_or(LOOK, |at| at.saturating_sub(now).min(LOOK));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = next_order(&mut orders, Order::Drain) => return Level::AfterRequest,
            }
            if let Some(level) = self.shared.asked_to_end() {
                return level;
            }
        }
    }

    fn start_user(&self, local: &Rc<Local>, crew: &mut Crew) {
        let id = (crew.started * self.shared.options.workers + self.index) as u64;
        crew.started += 1;
        let stop = Rc::new(Stop::default());
        let user = User::new(local.clone(), id, stop.clone());
        local.running.set(local.running.get() + 1);
        let leaving = Leaving(local.clone());
        let task = tokio::task::spawn_local(async move {
            let _leaving = leaving;
            user.run().await;
        });
        crew.active.push(Running { stop, task });
    }
}

/// The users of one worker.
#[derive(Default)]
struct Crew {
    /// In the order they were started; the last is stopped first.
    active: Vec<Running>,
    /// Asked to end after their iteration.
    leaving: Vec<Running>,
    started: usize,
}

impl Crew {
    fn shrink_to(&mut self, wanted: usize) {
        for user in self.active.drain(wanted.min(self.active.len())..) {
            user.stop.raise(Level::AfterIteration);
            self.leaving.push(user);
        }
        self.leaving.retain(|user| !user.task.is_finished());
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

async fn next_order(orders: &mut watch::Receiver<Order>, at_least: Order) -> Order {
    match orders.wait_for(|order| *order >= at_least).await {
        Ok(order) => *order,
        // The coordinator is gone: nobody would read what is measured.
        Err(_) => Order::Abandon,
    }
}

struct Shipping {
    local: Rc<Local>,
    ship: mpsc::UnboundedSender<Shipment>,
    back: mpsc::UnboundedSender<Recorder>,
    returned: mpsc::UnboundedReceiver<Recorder>,
    next: u64,
}

impl Shipping {
    fn new(local: Rc<Local>, ship: mpsc::UnboundedSender<Shipment>) -> Self {
        let (back, returned) = mpsc::unbounded_channel();
        Self { local, ship, back, returned, next: 0 }
    }

    async fn every_second(&mut self) {
        loop {
            let due = self.local.shared.start + Duration::from_secs(self.next + 1);
            tokio::time::sleep_until(due.into()).await;
            self.ship(false);
        }
    }

    /// Swaps the recorder for an empty one and ships the full one.
    fn ship(&mut self, last: bool) {
        let now = Instant::now();
        let second = if last {
            // What the last, cut second saw.
            (now.saturating_duration_since(self.local.shared.start).as_secs()).max(self.next)
        } else {
            self.next
        };
        let empty =
            self.returned.try_recv().unwrap_or_else(|_| Recorder::new(self.local.shared.plan.series.len()));
        let recorder = self.local.recorder.replace(empty);
        let users = self.local.running.get();
        self.next = second + 1;
        // A closed channel means the coordinator is gone; then nobody reads it.
        let _ = self.ship.send(Shipment { second, users, recorder, last, back: self.back.clone() });
    }
}
