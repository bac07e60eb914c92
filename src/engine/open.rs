//! The open model: arrivals are released when the plan says so, each with its own intended start, and run by
//! users that are started when they are needed and the thread can afford it. Nothing the target does moves an arrival.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::http::Visitor;
use crate::load::{Arrivals, Saturation};

use super::crew::{Crew, Post, next_order};
use super::due::Due;
use super::stop::Level;
use super::timer::Timer;
use super::turn::{affordable, turn};
use super::user::User;
use super::worker::Order;

/// Shortest time between two releases: at high rates what comes due together is released together, which costs
/// a wake-up less each. The wait is part of the latency, and of the pacing error that the result shows.
const BATCH: Duration = Duration::from_micros(250);

/// Users without an iteration, and arrivals without a user; never both.
#[derive(Default)]
pub(super) struct Pool {
    idle: RefCell<Vec<Rc<Place>>>,
    queue: RefCell<VecDeque<Due>>,
    /// No arrival comes any more.
    closed: Cell<bool>,
}

/// Where an idle user waits.
#[derive(Default)]
struct Place {
    due: Cell<Option<Due>>,
    waker: Cell<Option<Waker>>,
}

impl Place {
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
        let Some(place) = self.idle.borrow_mut().pop() else { return Some(due) };
        place.due.set(Some(due));
        place.wake();
        None
    }

    /// The next arrival for a user; `None` when it may go.
    async fn next(&self, place: &Rc<Place>) -> Option<Due> {
        if let Some(due) = self.queue.borrow_mut().pop_front() {
            return Some(due);
        }
        if self.closed.get() {
            return None;
        }
        self.idle.borrow_mut().push(place.clone());
        poll_fn(|cx| {
            if let Some(due) = place.due.take() {
                return Poll::Ready(Some(due));
            }
            if self.closed.get() {
                return Poll::Ready(None);
            }
            place.waker.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// No more arrivals come: idle users go, the others once the queue is empty.
    fn close(&self) {
        self.closed.set(true);
        self.idle.take().iter().for_each(|place| place.wake());
    }

    /// How many arrivals wait for a user.
    fn waiting(&self) -> usize {
        self.queue.borrow().len()
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
        let most = self.own_share(arrivals.max_users);
        let end = self.start + arrivals.curve.total();
        let timer = Timer::new();
        let mut orders = self.orders.clone();
        let mut coming = arrivals.of_worker(self.local.worker, options.workers, self.seed());
        let mut next = coming.next();
        let mut released = self.start;
        // Set once no more arrivals become due; those that wait for a user to be started still get it.
        let mut ended = None;
        loop {
            let is_adding = pool.waiting() > 0 && crew.len() < most;
            if let Some(level) = ended.filter(|level| !is_adding || *level >= Level::AfterRequest) {
                return level;
            }
            // The load lasts to the end of its last stage.
            let at = next.map_or(end, |arrival| (self.start + arrival.at).max(released + BATCH));
            let wait = async {
                // Behind or not, the users get their turn.
                if is_adding || at <= Instant::now() {
                    return turn().await;
                }
                timer.until(at).await;
                Duration::ZERO
            };
            let took = tokio::select! {
                biased;
                _ = next_order(&mut orders, Order::Drain) => return Level::AfterRequest,
                level = self.asked_to_end(Level::AfterIteration), if ended.is_none() => {
                    ended = Some(level);
                    continue;
                }
                took = wait => took,
            };
            if is_adding {
                self.add_users(affordable(took), most, crew, pool);
            }
            if ended.is_some() {
                continue;
            }
            // When the data has ended meanwhile, nothing more is due.
            ended = self.local.shared.asked_to_end();
            let now = Instant::now();
            while let Some(arrival) = next.filter(|at| ended.is_none() && self.start + at.at <= now) {
                self.dispatch(arrivals.on_saturation, most, Due::new(self, arrival), crew, pool);
                next = coming.next();
                released = now;
            }
            if next.is_none() && now >= end {
                ended = ended.or(Some(Level::AfterIteration));
            }
        }
    }

    /// Hands an arrival to an idle user; else it waits for one, or for one that is to be started.
    fn dispatch(&self, on_saturation: Saturation, most: usize, due: Due, crew: &Crew, pool: &Pool) {
        let Some(mut due) = pool.hand(due) else { return };
        let (waiting, startable) = (pool.waiting(), most - crew.len());
        if on_saturation == Saturation::Drop && waiting >= startable {
            return due.give_up();
        }
        if startable == 0 {
            due.note_lag();
        }
        pool.queue.borrow_mut().push_back(due);
    }

    /// Starts users for arrivals that wait, `affordable` at most.
    fn add_users(&self, affordable: usize, most: usize, crew: &mut Crew, pool: &Rc<Pool>) {
        for _ in 0..affordable.min(pool.waiting()) {
            let Some(seat) = crew.seats.take(self, most) else { break };
            let Some(due) = pool.queue.borrow_mut().pop_front() else { break };
            let pool = pool.clone();
            self.start_user(crew, seat, |user| user.serve(pool, due));
        }
        if crew.len() == most {
            // From here on it is up to the target when one becomes free.
            pool.queue.borrow_mut().iter_mut().for_each(Due::note_lag);
        }
    }
}

impl User {
    /// Runs the iterations of arrivals until there are no more, or until asked to end.
    async fn serve(mut self, pool: Rc<Pool>, first: Due) {
        let place = Rc::new(Place::default());
        if !self.take_user_rows() {
            return;
        }
        let mut next = Some(first);
        while let Some(mut due) = next.take() {
            if self.stop.level() >= Level::AfterRequest {
                break;
            }
            due.note_lag();
            // A turn of the thread is bounded even when nothing in an iteration ever waits.
            tokio::task::coop::consume_budget().await;
            self.arrive(due).await;
            next = pool.next(&place).await;
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
