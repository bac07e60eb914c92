//! The places of a scenario's users on one worker. A user that starts where another has stopped is a new visitor (its
//! login, cookies and connections are its own), but nothing that is to differ in a run begins again with it: it takes
//! over the number, and iterations, counters and positions of rows continue. Must not know what a user does.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::sync::Arc;

use crate::compile::model::CompiledPlan;
use crate::template::{Rng, UserNumbers};

use super::crew::Post;
use super::{Stream, rng_of};

/// One place: a number of a user, and how far its users have come.
#[derive(Debug)]
pub(super) struct Seat {
    /// Index among the seats of its worker.
    pub index: usize,
    /// The user's number in its scenario, from 0.
    pub number: u64,
    /// `user` in templates, with its counters.
    pub numbers: Arc<UserNumbers>,
    id: u64,
    /// Users that have begun here.
    lives: Cell<u64>,
    /// Iterations begun here.
    pub iterations: Cell<u64>,
    /// Rows that requests have taken here, by feed; empty when they take none.
    pub request_rows: RefCell<Box<[u64]>>,
}

impl Seat {
    fn new(post: &Post, index: usize) -> Self {
        let plan = &post.local.shared.plan;
        let scenario = post.scenario();
        let number = (index * post.local.shared.options.workers + post.local.worker) as u64;
        let id = id_of(plan, post.index, number);
        let feeds_of_requests = if scenario.has_request_rows { plan.feeds.len() } else { 0 };
        Self {
            index,
            number,
            numbers: UserNumbers::new(id),
            id,
            lives: Cell::new(0),
            iterations: Cell::new(0),
            request_rows: RefCell::new(vec![0; feeds_of_requests].into()),
        }
    }

    /// A user begins here: its generator, which draws other values than those of users before it.
    pub(super) fn begin_life(&self, seed: u64) -> Rng {
        let life = self.lives.get();
        self.lives.set(life + 1);
        rng_of(seed, Stream::User { id: self.id, life })
    }

    /// Counts an iteration; which one it is, from 0.
    pub(super) fn next_iteration(&self) -> u64 {
        let iteration = self.iterations.get();
        self.iterations.set(iteration + 1);
        self.numbers.set_iteration(iteration);
        iteration
    }
}

/// `user.id`: no two users of a run share one. Those beyond the plan's most, started by hand, come after all of the plan's.
fn id_of(plan: &CompiledPlan, scenario: usize, number: u64) -> u64 {
    let own = &plan.scenarios[scenario];
    match number.checked_sub(u64::from(own.load.peak())) {
        None => own.user_base + number,
        Some(beyond) => plan.peak_users() + beyond * plan.scenarios.len() as u64 + scenario as u64,
    }
}

/// The seats of one scenario on one worker, each made when it is first taken.
#[derive(Debug, Default)]
pub(super) struct Seats {
    all: Vec<Rc<Seat>>,
    /// Those whose user has ended.
    free: BinaryHeap<Reverse<usize>>,
}

impl Seats {
    /// The free seat of the lowest number, of the first `most`; `None` while all of these are taken.
    pub(super) fn take(&mut self, post: &Post, most: usize) -> Option<Rc<Seat>> {
        if let Some(Reverse(index)) = self.free.peek().copied().filter(|Reverse(index)| *index < most) {
            self.free.pop();
            return self.all.get(index).cloned();
        }
        (self.all.len() < most).then(|| {
            let seat = Rc::new(Seat::new(post, self.all.len()));
            self.all.push(seat.clone());
            seat
        })
    }

    /// The user of a seat has ended.
    pub(super) fn give_back(&mut self, seat: &Seat) {
        self.free.push(Reverse(seat.index));
    }
}
