//! One worker: a thread with its own runtime, its part of every scenario, and one recorder, which it ships once
//! a second.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};

use crate::http::{Addresses, Connector, Flooded, keep_gate};
use crate::metric::{ABSENT, Phase, Recorder, Sample};

use super::Shared;
use super::by_hand::Hand;
use super::crew::Post;
use super::health::Heartbeat;
use super::samples::Tap;

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
    /// Index of the worker.
    pub worker: usize,
    pub recorder: RefCell<Recorder>,
    pub connector: Connector,
    pub addresses: Box<[Addresses]>,
    /// By target: the time it took from other users by sending without a pause, since the last shipment.
    pub flooded: Box<[Flooded]>,
    pub running: Cell<u64>,
    /// When the load of each scenario ended here, µs since the start of the run's; `None` while it goes on.
    pub load_ends: Box<[Cell<Option<u64>>]>,
    /// Whether any has.
    pub is_draining: Cell<bool>,
    /// What was changed by hand.
    pub hand: Cell<Hand>,
    /// Wakes users when a pause is over.
    pub resumed: Notify,
    /// Where exchanges are told to.
    pub trace: Option<super::Trace>,
    /// Where single requests are logged to.
    pub samples: Option<Tap>,
}

impl Local {
    /// Keeps up with what is changed by hand; never ends.
    async fn keep_up(&self, hand: &mut watch::Receiver<Hand>) {
        while hand.changed().await.is_ok() {
            self.hand.set(*hand.borrow_and_update());
            if !self.hand.get().paused {
                self.resumed.notify_waiters();
            }
        }
        // Nobody changes anything any more.
        std::future::pending().await
    }

    /// µs since the start of the load.
    pub fn at_us(&self) -> u64 {
        self.shared.start.elapsed().as_micros() as u64
    }

    /// The load of a scenario is over here; what is recorded of it from now on is drain.
    pub fn load_is_over(&self, scenario: usize, at_us: u64) {
        self.load_ends[scenario].set(Some(at_us));
        self.is_draining.set(true);
    }

    /// Records a request that has ended.
    pub fn record(&self, sample: &Sample) {
        self.record_ended(sample, waited_us(sample), || self.at_us());
    }

    /// Records a request, or a row of several, that has ended and began so long after it was due.
    pub fn record_begun(&self, sample: &Sample, waited_us: u32) {
        self.record_ended(sample, waited_us, || self.at_us());
    }

    /// Records a request that had ended at `ended_us` since the start of the load.
    pub fn record_late(&self, sample: &Sample, ended_us: u64) {
        self.record_ended(sample, waited_us(sample), || ended_us);
    }

    /// Records a run of a flow or group that sent nothing, as [`Local::record_begun`].
    pub fn record_unsent(&self, sample: &Sample, waited_us: u32) {
        self.recorder.borrow_mut().record_unsent(sample.series, sample.outcome);
        if self.is_draining.get() {
            self.note_drain(sample, waited_us, &|| self.at_us());
        }
    }

    /// Asks when it ended only where somebody needs it.
    fn record_ended(&self, sample: &Sample, waited_us: u32, ended_us: impl Fn() -> u64) {
        self.recorder.borrow_mut().record(sample);
        if self.is_draining.get() {
            self.note_drain(sample, waited_us, &ended_us);
        }
        if let Some(samples) = &self.samples {
            samples.put(sample, ended_us());
        }
    }

    #[cold]
    fn note_drain(&self, sample: &Sample, waited_us: u32, ended_us: &dyn Fn() -> u64) {
        let scenario = self.shared.plan.series[sample.series.0 as usize].scenario;
        let Some(over_us) = self.load_ends[scenario].get() else { return };
        let ended_us = ended_us();
        if ended_us >= over_us {
            let begun_us = ended_us.saturating_sub(u64::from(sample.latency_us)) + u64::from(waited_us);
            self.recorder.borrow_mut().note_drain(sample, begun_us >= over_us);
        }
    }
}

/// How long a request waited until it began.
fn waited_us(sample: &Sample) -> u32 {
    match sample.phases[Phase::Wait as usize] {
        ABSENT => 0,
        waited_us => waited_us,
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
    pub hand: watch::Receiver<Hand>,
}

impl Worker {
    /// Runs until all users have ended.
    ///
    /// # Errors
    /// When no runtime can be made.
    pub fn run(self) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())?;
        runtime.block_on(self.work());
        runtime.shutdown_background();
        Ok(())
    }

    async fn work(mut self) {
        let plan = &self.shared.plan;
        let local = Rc::new(Local {
            shared: self.shared.clone(),
            worker: self.index,
            recorder: RefCell::new(Recorder::new(plan.series.len(), plan.scenarios.len())),
            connector: std::mem::replace(&mut self.connector, Connector::new(None)),
            addresses: plan.targets.iter().map(|_| Addresses::new(plan.look_ups)).collect(),
            flooded: plan.targets.iter().map(|_| Flooded::default()).collect(),
            running: Cell::new(0),
            load_ends: plan.scenarios.iter().map(|_| Cell::new(None)).collect(),
            is_draining: Cell::new(false),
            hand: Cell::default(),
            resumed: Notify::new(),
            trace: self.shared.options.trace.clone(),
            samples: self.shared.options.samples.clone().map(|log| Tap::new(log, plan, self.shared.start)),
        });
        let mut shipping = Shipping::new(local.clone(), self.ship.clone());
        let mut hand = self.hand.clone();
        let heartbeat = Heartbeat::start(local.clone());
        let gate = tokio::task::spawn_local(keep_gate());
        // Shipping is a branch here, not a task: nothing may be recorded after the last shipment.
        tokio::select! {
            () = shipping.every_second() => {}
            () = local.keep_up(&mut hand) => {}
            () = self.load(&local) => {}
        }
        drop(heartbeat);
        gate.abort();
        shipping.ship(true);
    }

    /// Runs this worker's part of all scenarios.
    async fn load(&self, local: &Rc<Local>) {
        let posts = (0..self.shared.plan.scenarios.len())
            .map(|index| Post::new(local, index, self.orders.clone()))
            .map(|post| tokio::task::spawn_local(post.run()));
        for scenario in posts.collect::<Vec<_>>() {
            if scenario.await.is_err() {
                self.shared.fail("a scenario panicked; this is a bug in plimsoll");
            }
        }
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
        // The last shipment is what the second that was cut saw; a full one when the load ends just before it is due.
        let second = self.next;
        self.local.samples.iter().for_each(Tap::flush);
        for (target, flooded) in self.local.flooded.iter().enumerate().filter(|(_, us)| us.get() > 0) {
            self.local.recorder.borrow_mut().record_flood(target, flooded.take());
        }
        let plan = &self.local.shared.plan;
        let new = || Recorder::new(plan.series.len(), plan.scenarios.len());
        let empty = self.returned.try_recv().unwrap_or_else(|_| new());
        let mut recorder = self.local.recorder.replace(empty);
        recorder.targets.extend(self.local.addresses.iter().map(Addresses::take_counts));
        let users = self.local.running.get();
        self.next = second + 1;
        // A closed channel means the coordinator is gone; then nobody reads it.
        let _ = self.ship.send(Shipment { second, users, recorder, last, back: self.back.clone() });
    }
}
