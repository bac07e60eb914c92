//! The engine: one thread a core, each with its own runtime, users, connections and recorder; one
//! coordinator that merges what they ship. Nothing here prints, reads arguments or knows reports.

mod auth;
mod by_hand;
mod cookies;
mod coordinator;
mod crew;
mod due;
mod events;
mod flow;
pub mod health;
mod in_flight;
mod interval;
mod judge;
mod load_end;
mod login;
mod open;
mod preflight;
mod ready;
mod redirect;
mod remembered;
mod rows;
mod samples;
mod seat;
mod send;
mod signals;
mod stop;
mod timer;
mod trace;
mod turn;
mod unasked;
mod user;
mod worker;

pub use by_hand::{ByHand, Change, Command, Commands};
pub use coordinator::{EngineError, RunOptions, run};
pub use events::{DataEnd, Event, Outcome, Seen, Stopped};
pub use health::Resources;
pub use interval::{IntervalPace, IntervalRow, IntervalSummary};
pub use preflight::{PreflightError, connections};
pub use samples::{Batch, LogState, Logged, SampleLog, ToLog};
pub use signals::Signals;
pub use trace::{Exchange, Trace};

use crate::compile::model::CompiledPlan;
use crate::template::Rng;
use rand::SeedableRng as _;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use stop::Level;

/// What all workers share. Nothing in it is touched by a static request.
#[derive(Debug)]
struct Shared {
    plan: Arc<CompiledPlan>,
    options: RunOptions,
    /// Start of the load.
    start: Instant,
    /// By scenario.
    scenarios: Box<[ScenarioState]>,
    /// Rows handed out, by feed, where each row is used once.
    rows: Box<[AtomicU64]>,
    /// A [`Level`] above `Run` when a feed with `on_end: stop` is used up, or the run cannot go on.
    end_early: AtomicU8,
    /// What ended the run before its load did.
    data_end: Mutex<Option<DataEnd>>,
    /// Why the run cannot go on.
    failed: Mutex<Option<Stopped>>,
}

/// What all workers share of one scenario.
#[derive(Debug, Default)]
struct ScenarioState {
    /// Iterations handed out, for a load of a fixed number of them.
    iterations: AtomicU64,
    /// Whether anyone has ever logged in.
    logged_in: AtomicBool,
    /// Logins of the run that failed before the first that worked.
    failed_logins: AtomicU64,
    /// A feed of which it takes rows, with `on_end: stop`, is used up.
    is_out_of_rows: AtomicBool,
    /// A login of the whole run.
    run_auth: auth::RunAuth,
    /// When its load ended.
    load_end: load_end::LoadEnd,
}

/// A seed for part `part` of what `seed` decides.
fn mix(seed: u64, part: u64) -> u64 {
    // SplitMix64's finalizer: neighbouring seeds and parts have nothing in common.
    let mut z = seed ^ part.wrapping_add(1).wrapping_mul(0xD1B5_4A32_D192_ED03);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Whose random values.
#[derive(Debug, Clone, Copy)]
enum Stream {
    /// Of the user that is number `life` to have this id.
    User { id: u64, life: u64 },
    /// Of an arrival of a scenario.
    Arrival { scenario: usize, index: u64 },
}

/// A generator for each user and each arrival: the same picks and values whatever the number of workers.
fn rng_of(seed: u64, stream: Stream) -> Rng {
    let (whose, which) = match stream {
        Stream::User { id, life } => (id, life),
        // From the other end of the numbers: no user has such an id.
        Stream::Arrival { scenario, index } => (!(scenario as u64), index),
    };
    // The first two words differ for any two streams of a run, so that no two generators begin in the same state.
    // With a seed of 64 bits some of 10⁸ arrivals would, by chance.
    let (first, second) = (mix(seed, whose), mix(!seed, which));
    let words = [first, second, mix(first, which), mix(second, whose)];
    let mut state = [0; 32];
    for (bytes, word) in state.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    Rng::from_seed(state)
}

impl Shared {
    fn new(plan: Arc<CompiledPlan>, options: RunOptions, start: Instant) -> Self {
        let rows = plan.feeds.iter().map(|_| AtomicU64::new(0)).collect();
        let scenarios = plan.scenarios.iter().map(|_| ScenarioState::default()).collect();
        Self {
            plan,
            options,
            start,
            scenarios,
            rows,
            end_early: AtomicU8::new(Level::Run as u8),
            data_end: Mutex::new(None),
            failed: Mutex::new(None),
        }
    }

    /// Asks all workers to end before the load does.
    fn end(&self, level: Level) {
        self.end_early.fetch_max(level as u8, Ordering::Relaxed);
    }

    /// How soon the workers must end, when that is before the load does.
    fn asked_to_end(&self) -> Option<Level> {
        let level = self.end_early.load(Ordering::Relaxed);
        [Level::AfterIteration, Level::AfterRequest].into_iter().find(|known| *known as u8 == level)
    }

    /// Ends the run because a feed with `on_end: stop` is used up; the first is kept.
    fn end_of_data(&self, scenario: usize, feed: usize) {
        let end = || DataEnd { feed, at: self.start.elapsed() };
        self.data_end.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(end);
        self.scenarios[scenario].is_out_of_rows.store(true, Ordering::Relaxed);
        self.end(Level::AfterIteration);
    }

    fn data_end(&self) -> Option<DataEnd> {
        *self.data_end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the run because it cannot go on; the first reason is kept.
    fn fail(&self, why: impl Into<String>) {
        self.end_as(Stopped::Failed(why.into()));
    }

    /// Ends the run because a target is at an address that nothing is sent to.
    fn refuse(&self, why: &str) {
        self.end_as(Stopped::Refused(self.plan.masker.mask(why).into_owned()));
    }

    fn end_as(&self, stopped: Stopped) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(stopped);
        self.end(Level::AfterRequest);
    }
}
