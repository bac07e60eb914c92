//! The open model: arrivals are released when the plan says so, each with its own intended start, and run by
//! users that are started when they are needed. Nothing the target does moves an arrival.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::http::{Visitor, micros};
use crate::load::{Arrival, Arrivals, Saturation, share};
use crate::metric::ArrivalCounts;

use super::crew::{Crew, Post, next_order};
use super::stop::Level;
use super::timer::Timer;
use super::user::User;
use super::worker::{Local, Order};

/// Shortest time between two releases: at high rates what comes due together is released together, which costs
/// a wake-up less each. The wait is part of the latency, and of the pacing error that the result shows.
const BATCH: Duration = Duration::from_micros(250);

/// An arrival that is due, until it is begun or given up. Dropped, it was not started.
#[derive(Debug)]
pub(super) struct Due {
    local: Rc<Local>,
    scenario: usize,
    pub index: u64,
    pub intended: Instant,
    /// It waited for a user: its delay is not the generator's.
    queued: bool,
    in_warmup: bool,
    is_dealt_with: bool,
}

impl Due {
    fn new(post: &Post, arrival: Arrival) -> Self {
        let scenario = post.scenario();
        let due = Self {
            local: post.local.clone(),
            scenario: post.index,
            index: arrival.index,
            intended: post.start + arrival.at,
            queued: false,
            in_warmup: arrival.at < scenario.warmup,
            is_dealt_with: false,
        };
        due.count(|counts| counts.due += 1);
        due
    }

    fn count(&self, change: impl FnOnce(&mut ArrivalCounts)) {
        let mut recorder = self.local.recorder.borrow_mut();
        let counts = &mut recorder.scenarios[self.scenario];
        change(if self.in_warmup { &mut counts.warmup_arrivals } else { &mut counts.arrivals });
    }

    /// A user has it. A wait in the queue is not the generator's delay.
    fn taken(&self) {
        if !self.queued {
            self.note_lag();
        }
    }

    /// A user begins its iteration.
    fn begin(mut self) {
        self.is_dealt_with = true;
        self.count(|counts| counts.started += 1);
    }

    fn give_up(mut self) {
        self.is_dealt_with = true;
        self.count(|counts| counts.dropped += 1);
        self.note_lag();
    }

    fn wait(mut self, queue: &mut VecDeque<Self>) {
        self.queued = true;
        self.note_lag();
        queue.push_back(self);
    }

    fn note_lag(&self) {
        let late_us = micros(self.intended, Instant::now());
        self.local.recorder.borrow_mut().record_pacing(u64::from(late_us));
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        if !self.is_dealt_with {
            self.count(|counts| counts.not_started += 1);
        }
    }
}

/// Users without an iteration, and arrivals without a user; never both.
#[derive(Default)]
pub(super) struct Pool {
    idle: RefCell<Vec<Rc<Seat>>>,
    queue: RefCell<VecDeque<Due>>,
    /// No arrival comes any more.
    closed: Cell<bool>,
}

/// Where an idle user waits.
#[derive(Default)]
struct Seat {
    due: Cell<Option<Due>>,
    waker: Cell<Option<Waker>>,
}

impl Seat {
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Pool {
    /// Hands an arrival to an idle user, or gives it back. The one that became idle last comes first: its connection
    /// is the warmest, and no more are kept busy than needed.
    fn hand(&self, due: Due) -> Option<Due> {
        let Some(seat) = self.idle.borrow_mut().pop() else { return Some(due) };
        seat.due.set(Some(due));
        seat.wake();
        None
    }

    /// The next arrival for a user; `None` when it may go.
    async fn next(&self, seat: &Rc<Seat>) -> Option<Due> {
        if let Some(due) = self.queue.borrow_mut().pop_front() {
            return Some(due);
        }
        if self.closed.get() {
            return None;
        }
        self.idle.borrow_mut().push(seat.clone());
        poll_fn(|cx| {
            if let Some(due) = seat.due.take() {
                return Poll::Ready(Some(due));
            }
            if self.closed.get() {
                return Poll::Ready(None);
            }
            seat.waker.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// No more arrivals come: idle users go, the others once the queue is empty.
    fn close(&self) {
        self.closed.set(true);
        self.idle.take().iter().for_each(|seat| seat.wake());
    }

    /// What waits for a user will not be started.
    pub(super) fn clear(&self) {
        let waiting = self.queue.take();
        drop(waiting);
    }
}

impl Post {
    /// Releases this worker's arrivals until the last, or until told to end; how soon users must end after it.
    pub(super) async fn release(&self, arrivals: &Arrivals, crew: &mut Crew, pool: &Rc<Pool>) -> Level {
        let level = self.release_all(arrivals, crew, pool).await;
        pool.close();
        level
    }

    async fn release_all(&self, arrivals: &Arrivals, crew: &mut Crew, pool: &Rc<Pool>) -> Level {
        let options = &self.local.shared.options;
        let most = share(arrivals.max_users, self.local.worker, options.workers) as usize;
        let timer = Timer::new();
        let mut orders = self.orders.clone();
        let mut coming = arrivals.of_worker(self.local.worker, options.workers, self.seed());
        let mut next = coming.next();
        while let Some(arrival) = next {
            let at = self.start + arrival.at;
            tokio::select! {
                biased;
                _ = next_order(&mut orders, Order::Drain) => return Level::AfterRequest,
                level = self.asked_to_end(Level::AfterIteration) => return level,
                () = timer.until(at) => {}
            }
            let now = Instant::now();
            while let Some(arrival) = next.filter(|arrival| self.start + arrival.at <= now) {
                self.dispatch(arrivals.on_saturation, most, Due::new(self, arrival), crew, pool);
                next = coming.next();
            }
            if next.is_some_and(|arrival| self.start + arrival.at < now + BATCH) {
                timer.until(now + BATCH).await;
                // When dispatching takes longer than that, the users still get their turn.
                tokio::task::yield_now().await;
            }
        }
        // The load lasts to the end of its last stage.
        tokio::select! {
            biased;
            _ = next_order(&mut orders, Order::Drain) => Level::AfterRequest,
            level = self.asked_to_end(Level::AfterIteration) => level,
            () = timer.until(self.start + arrivals.curve.total()) => Level::AfterIteration,
        }
    }

    fn dispatch(&self, on_saturation: Saturation, most: usize, due: Due, crew: &mut Crew, pool: &Rc<Pool>) {
        let Some(due) = pool.hand(due) else { return };
        if crew.len() < most {
            let pool = pool.clone();
            self.start_user(crew, |user| user.serve(pool, due));
        } else if on_saturation == Saturation::Queue {
            due.wait(&mut pool.queue.borrow_mut());
        } else {
            due.give_up();
        }
    }
}

impl User {
    /// Runs the iterations of arrivals until there are no more, or until asked to end.
    async fn serve(mut self, pool: Rc<Pool>, first: Due) {
        let seat = Rc::new(Seat::default());
        if !self.take_user_rows() {
            return;
        }
        let mut next = Some(first);
        while let Some(due) = next.take() {
            if self.stop.level() >= Level::AfterRequest {
                break;
            }
            due.taken();
            // A turn of the thread is bounded even when nothing in an iteration ever waits.
            tokio::task::coop::consume_budget().await;
            self.arrive(due).await;
            next = pool.next(&seat).await;
        }
    }

    /// Runs the iteration of an arrival. One that cannot log in or has no data is not started.
    async fn arrive(&mut self, due: Due) {
        self.intended = Some(due.intended);
        // An arrival is somebody new: a connection it opens resumes no session of the one before.
        self.visitors.iter_mut().for_each(Visitor::forget_session);
        if !self.come_in_once().await || self.stop.level() >= Level::AfterRequest {
            return;
        }
        self.seed_for_arrival(due.index);
        if self.take_rows(due.index) {
            let started = self.intended.unwrap_or(due.intended);
            due.begin();
            self.iterate(started, Instant::now()).await;
        }
    }
}
