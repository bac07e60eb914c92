//! What is remembered of a target's addresses, and in which order they are tried. Must not look up or connect.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long an address that did not answer is tried only after the others.
const REST: Duration = Duration::from_secs(30);

/// An address to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub address: SocketAddr,
    /// It was connected to before.
    pub has_answered: bool,
}

/// The addresses that connections were made or tried to.
#[derive(Debug, Default)]
pub(super) struct Peers(Vec<Peer>);

#[derive(Debug)]
struct Peer {
    address: SocketAddr,
    has_answered: bool,
    rests_until: Option<Instant>,
}

impl Peers {
    fn of(&mut self, address: SocketAddr) -> &mut Peer {
        let at = self.0.iter().position(|peer| peer.address == address).unwrap_or_else(|| {
            self.0.push(Peer { address, has_answered: false, rests_until: None });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// Forgets all but these.
    pub(super) fn keep_only(&mut self, known: &[SocketAddr]) {
        self.0.retain(|peer| known.contains(&peer.address));
    }

    /// It was connected to.
    pub(super) fn answers(&mut self, address: SocketAddr) {
        let peer = self.of(address);
        peer.has_answered = true;
        peer.rests_until = None;
    }

    /// It did not answer while another did: for some time it is not the first that is tried. Where `localhost` is two
    /// addresses and the target listens at one, its users are not split among both.
    pub(super) fn rests(&mut self, address: SocketAddr, now: Instant) {
        self.of(address).rests_until = now.checked_add(REST);
    }

    /// The order to try: the address whose turn it is, then the families in turn, beginning with that of the first
    /// (RFC 8305 §4); then those that rest.
    pub(super) fn in_turn(&self, known: &[SocketAddr], turn: usize, now: Instant) -> Vec<Candidate> {
        let peer = |address: &SocketAddr| self.0.iter().find(|peer| peer.address == *address);
        let rests = |address: &&SocketAddr| {
            peer(address).and_then(|peer| peer.rests_until).is_some_and(|until| until > now)
        };
        let (mut resting, mut awake): (Vec<_>, Vec<_>) = known.iter().partition(rests);
        if awake.is_empty() {
            std::mem::swap(&mut awake, &mut resting);
        }
        if !awake.is_empty() {
            let first = turn % awake.len();
            awake.rotate_left(first);
        }
        let order = families_in_turn(awake).into_iter().chain(families_in_turn(resting));
        order
            .map(|address| {
                let has_answered = peer(&address).is_some_and(|peer| peer.has_answered);
                Candidate { address, has_answered }
            })
            .collect()
    }
}

fn families_in_turn(addresses: Vec<&SocketAddr>) -> Vec<SocketAddr> {
    let first = addresses.first().is_some_and(|address| address.is_ipv6());
    let (same, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().copied().partition(|address| address.is_ipv6() == first);
    let turns = same.len().max(other.len());
    (0..turns).flat_map(|turn| [same.get(turn), other.get(turn)]).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses<const N: usize>(texts: [&str; N]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn tried(peers: &Peers, known: &[SocketAddr], turn: usize, now: Instant) -> Vec<usize> {
        let order = peers.in_turn(known, turn, now);
        order.iter().map(|one| known.iter().position(|known| *known == one.address).unwrap()).collect()
    }

    #[test]
    fn users_and_families_take_turns() {
        let known = addresses(["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1", "127.0.0.2:1"]);
        let (peers, now) = (Peers::default(), Instant::now());
        assert_eq!(tried(&peers, &known, 0, now), [0, 3, 1, 4, 2]);
        assert_eq!(tried(&peers, &known, 2, now), [2, 3, 0, 4, 1]);
        assert_eq!(tried(&peers, &known, 4, now), [4, 0, 3, 1, 2]);
        assert_eq!(tried(&peers, &known, 5, now), tried(&peers, &known, 0, now));
        let firsts: std::collections::BTreeSet<_> =
            (0..5).map(|turn| tried(&peers, &known, turn, now)[0]).collect();
        assert_eq!(firsts.len(), 5);
        assert_eq!(tried(&peers, &[], 3, now), Vec::<usize>::new());
    }

    #[test]
    fn one_that_did_not_answer_comes_last_for_a_while() {
        let known = addresses(["[::1]:1", "127.0.0.1:1", "127.0.0.2:1"]);
        let (mut peers, now) = (Peers::default(), Instant::now());
        peers.answers(known[1]);
        peers.rests(known[0], now);
        assert_eq!(tried(&peers, &known, 0, now), [1, 2, 0]);
        assert_eq!(tried(&peers, &known, 1, now), [2, 1, 0]);
        assert!(peers.in_turn(&known, 0, now)[0].has_answered);
        assert!(!peers.in_turn(&known, 1, now)[0].has_answered);
        assert_eq!(tried(&peers, &known, 0, now + REST), [0, 1, 2], "it gets another chance");
        peers.rests(known[1], now);
        peers.rests(known[2], now);
        assert_eq!(tried(&peers, &known, 0, now), [0, 1, 2], "where all rest, none does");
        peers.answers(known[2]);
        assert_eq!(tried(&peers, &known, 0, now)[0], 2);
    }
}
