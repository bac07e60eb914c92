//! What an iteration takes from what is shared: its turn, and its rows of data.

use std::sync::atomic::Ordering;

use crate::data::{OnEnd, feed_seed};
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
            Load::IterationsPerUser { each, .. } => self.iteration < each,
        }
    }

    /// Puts the data rows of the iteration at `position` of its scenario into scope; false when a feed has ended.
    pub(super) fn take_rows(&self, position: u64) -> bool {
        let shared = &self.local.shared;
        for (index, used) in shared.plan.feeds.iter().enumerate() {
            let position = match used.on_end {
                // By computation: the same rows whatever the number of workers.
                OnEnd::Recycle => position,
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
}
