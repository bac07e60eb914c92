//! The addresses of one target: looked up by one task at a time, however many users ask; again when they are old, or when
//! a connection failed. And whose turn it is among them. Must not connect.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::metric::TargetCounts;

use super::Target;
use super::connection::ExchangeError;
use super::peers::{Candidate, Peers};
use super::resolver::{Found, Resolver, Unresolved};

/// Shortest time between two look-ups because connections failed.
const SOONEST: Duration = Duration::from_secs(1);
/// Longest wait for a look-up while older addresses are known.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// When a name that is known is looked up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LookUps {
    /// Never.
    #[default]
    Once,
    /// When the last look-up is this old, and after a connection that failed.
    Every(Duration),
}

/// The addresses of one target, as one worker knows them.
#[derive(Debug, Default)]
pub struct Addresses {
    again: LookUps,
    resolver: Resolver,
    state: RefCell<State>,
    counts: RefCell<TargetCounts>,
}

#[derive(Debug, Default)]
struct State {
    known: Option<Arc<[SocketAddr]>>,
    peers: Peers,
    /// The host is an address itself.
    is_fixed: bool,
    /// When the last look-up began.
    asked_at: Option<Instant>,
    trouble: Trouble,
    /// All who ask meanwhile wait for the one look-up and share its outcome.
    asking: Option<watch::Receiver<Option<Found>>>,
}

/// What connections have met since the last look-up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    #[default]
    None,
    /// An address did not answer, or not as it should; another may have.
    Some,
    /// No address answered.
    All,
}

impl Addresses {
    /// Addresses that are looked up as `again` says.
    pub fn new(again: LookUps) -> Self {
        Self { again, ..Self::default() }
    }

    /// What was counted since the last time.
    pub fn take_counts(&self) -> TargetCounts {
        self.hear();
        self.counts.take()
    }

    /// The addresses, when nobody has to wait for them: known already, or the host is one itself. May begin a look-up whose
    /// outcome a later connection uses.
    pub(super) fn known(&self, target: &Target, now: Instant) -> Option<Arc<[SocketAddr]>> {
        self.hear();
        self.know_fixed(target);
        let known = self.state.borrow().known.clone()?;
        if self.is_due(now) {
            self.join_or_start(target, now);
        }
        let state = self.state.borrow();
        // While no address answers, what is known is of no use, unless the resolver does not answer either.
        (state.trouble < Trouble::All || state.asking.is_none()).then_some(known)
    }

    /// An address needs no look-up.
    fn know_fixed(&self, target: &Target) {
        let mut state = self.state.borrow_mut();
        if state.known.is_none()
            && let Ok(address) = target.host.parse::<IpAddr>()
        {
            state.known = Some([SocketAddr::new(address, target.port)].into());
            state.is_fixed = true;
            self.counts.borrow_mut().connected(address, 0);
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        let state = self.state.borrow();
        let (LookUps::Every(interval), Some(asked_at)) = (self.again, state.asked_at) else { return false };
        let age = now.saturating_duration_since(asked_at);
        let enough = if state.trouble == Trouble::None { interval } else { interval.min(SOONEST) };
        !state.is_fixed && state.asking.is_none() && age >= enough
    }

    /// Waits for the resolver, asking it unless somebody has already.
    ///
    /// # Errors
    /// With the failure of that one look-up, when no addresses are known from an earlier one; the next request asks anew.
    pub(super) async fn look_up(&self, target: &Target) -> Result<Arc<[SocketAddr]>, ExchangeError> {
        let mut outcome = self.join_or_start(target, Instant::now());
        let before = self.state.borrow().known.clone();
        let heard = outcome.wait_for(Option::is_some);
        let found = match before {
            Some(_) => tokio::time::timeout(LONGEST_WAIT, heard).await.ok(),
            None => Some(heard.await),
        };
        let found = found.map(|heard| heard.ok().and_then(|found| found.clone()));
        self.hear();
        if let Some(known) = self.state.borrow().known.clone() {
            return Ok(known);
        }
        match found.flatten() {
            Some(Ok(known)) => Ok(known),
            Some(Err(unresolved)) => Err(unresolved.error()),
            None => Err(Unresolved::without_answer().error()),
        }
    }

    /// Begins a look-up unless one runs. It is a task of its own: who began it may run out of time, and the others
    /// still wait for it.
    fn join_or_start(&self, target: &Target, now: Instant) -> watch::Receiver<Option<Found>> {
        let mut state = self.state.borrow_mut();
        if let Some(running) = &state.asking {
            return running.clone();
        }
        let (answer, outcome) = watch::channel(None);
        let resolving = self.resolver.resolve(target.host.clone(), target.port);
        tokio::task::spawn(async move {
            let found = resolving.await;
            // Nobody may be left to hear it.
            let _ = answer.send(Some(found.map_err(Arc::new)));
        });
        state.asked_at = Some(now);
        state.asking = Some(outcome.clone());
        outcome
    }

    /// Notes the outcome of a look-up that has ended.
    fn hear(&self) {
        let mut state = self.state.borrow_mut();
        let Some(outcome) = &state.asking else { return };
        let found = outcome.borrow().clone();
        let found = match found {
            Some(found) => found,
            None if outcome.has_changed().is_ok() => return,
            // Its task is gone without an answer.
            None => Err(Arc::new(Unresolved::without_answer())),
        };
        state.asking = None;
        state.trouble = Trouble::None;
        let mut counts = self.counts.borrow_mut();
        counts.look_ups += 1;
        match found {
            Ok(known) => {
                known.iter().for_each(|address| counts.connected(address.ip(), 0));
                state.peers.keep_only(&known);
                state.known = Some(known);
            }
            Err(unresolved) if state.known.is_some() => {
                counts.failed_look_ups += 1;
                counts.last_problem = Some(unresolved.message.clone());
            }
            Err(_) => {}
        }
    }

    /// The addresses in the order to try for a user's connection.
    pub(super) fn in_turn(&self, known: &[SocketAddr], turn: usize, now: Instant) -> Vec<Candidate> {
        self.state.borrow().peers.in_turn(known, turn, now)
    }

    /// The candidate at `winner` was connected to; those before it did not answer, or not in time.
    pub(super) fn connected(&self, candidates: &[Candidate], winner: usize, now: Instant) {
        let mut state = self.state.borrow_mut();
        if winner > 0 {
            state.trouble = state.trouble.max(Trouble::Some);
        }
        for late in &candidates[..winner] {
            state.peers.rests(late.address, now);
        }
        state.peers.answers(candidates[winner].address);
        self.counts.borrow_mut().connected(candidates[winner].address.ip(), 1);
    }

    /// No address answered, for a reason that is not this machine's.
    pub(super) fn none_answered(&self) {
        self.state.borrow_mut().trouble = Trouble::All;
    }

    /// An address answered, and no TLS connection came of it.
    pub(super) fn doubt(&self) {
        let mut state = self.state.borrow_mut();
        state.trouble = state.trouble.max(Trouble::Some);
    }

    /// A TLS handshake was completed.
    pub(super) fn shook_hands(&self, resumed: bool) {
        let mut counts = self.counts.borrow_mut();
        if resumed {
            counts.resumed_handshakes += 1;
        } else {
            counts.full_handshakes += 1;
        }
    }
}

#[cfg(test)]
mod tests;
