//! What an iteration takes from what is shared: its turn, and its rows of data.

use std::sync::atomic::Ordering;

use crate::compile::model::Request;
use crate::data::{NoRow, OnEnd, feed_seed};
use crate::load::Load;

use super::stop::Level;
use super::user::User;

impl User {
    /// Takes the next iteration of a looping user; false when there is none left.
    pub(super) fn take_iteration(&self) -> bool {
        match self.plan().load {
            Load::Users(_) | Load::Arrivals(_) => true,
            Load::Iterations { total, .. } => {
                let taken = &self.local.shared.scenarios[self.scenario].iterations;
                taken.fetch_add(1, Ordering::Relaxed) < total
            }
            Load::IterationsPerUser { each, .. } => self.seat.iterations.get() < each,
        }
    }

    /// Puts the rows the user keeps for its whole life into scope; false when there is none for it.
    pub(super) fn take_user_rows(&mut self) -> bool {
        let local = self.local.clone();
        let feeds = &local.shared.plan.scenarios[self.scenario].row_per_user;
        feeds.iter().all(|(feed, first)| self.put_row(*feed, first + self.seat.number))
    }

    /// Puts the data rows of the iteration at `position` of its scenario into scope; false when a feed has ended.
    pub(super) fn take_rows(&mut self, position: u64) -> bool {
        let local = self.local.clone();
        let feeds = &local.shared.plan.scenarios[self.scenario].row_per_iteration;
        feeds.iter().all(|feed| {
            let position = if self.begins_again(*feed) { position } else { self.take_turn(*feed) };
            self.put_row(*feed, position)
        })
    }

    /// Puts the rows of a request into scope; false when a feed has ended, so that it is not sent.
    pub(super) fn take_request_rows(&mut self, request: &Request) -> bool {
        request.rows.iter().all(|feed| {
            // The requests of an arrival cannot be numbered beforehand: how many there are is seen when it runs.
            let is_open = self.plan().load.arrivals().is_some();
            let begins_again = self.begins_again(*feed);
            let users = u64::from(self.plan().load.peak());
            let position = match self.seat.request_rows.borrow_mut().get_mut(*feed) {
                Some(taken) if begins_again && !is_open => {
                    *taken += 1;
                    (*taken - 1) * users + self.seat.number
                }
                _ => self.take_turn(*feed),
            };
            self.put_row(*feed, position)
        })
    }

    /// Whether rows are handed out by computation: the same rows whatever the number of workers.
    fn begins_again(&self, feed: usize) -> bool {
        self.local.shared.plan.feeds[feed].on_end == OnEnd::Recycle
    }

    /// The next position of the run, which nobody else gets.
    fn take_turn(&self, feed: usize) -> u64 {
        self.local.shared.rows[feed].fetch_add(1, Ordering::Relaxed)
    }

    fn put_row(&mut self, feed: usize, position: u64) -> bool {
        let local = self.local.clone();
        let shared = &local.shared;
        let used = &shared.plan.feeds[feed];
        let seed = feed_seed(shared.options.seed, feed);
        match used.feed.row_at(position, seed, used.order, used.on_end) {
            Ok(row) => {
                self.scope.set(used.slot, row);
                return true;
            }
            Err(NoRow::UsedUp { .. }) if used.on_end == OnEnd::Stop => {
                shared.end_of_data(self.scenario, feed)
            }
            Err(NoRow::UsedUp { rows }) => {
                let name = &used.name;
                shared
                    .fail(format!("data `{name}` is used up: all its {rows} rows were taken (on_end: fail)"));
            }
            Err(changed) => shared.fail(format!("data `{}`: {changed}", used.name)),
        }
        self.is_out_of_rows = true;
        self.stop.raise(Level::AfterRequest);
        false
    }
}
