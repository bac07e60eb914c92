//! From a target's addresses to one TCP connection: each address is given a head start, then the next is tried
//! beside it (RFC 8305 §5), so that one that never answers does not use up the time of the others.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::failure::Failure;

use super::connect::local_shortage;
use super::local::LocalAddresses;
use super::peers::Candidate;

/// Head start of an address over the next: the Connection Attempt Delay recommended in RFC 8305 §5.
const HEAD_START: Duration = Duration::from_millis(250);

type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>>>>;

/// Connects to the first candidate that answers, and says which it was.
///
/// `patience` is the time there is; when it is short the head starts are too, so that every address gets its turn.
///
/// # Errors
/// When all failed, with the error that tells most.
pub(super) async fn dial(
    candidates: &[Candidate],
    patience: Option<Duration>,
    local: &LocalAddresses,
) -> Result<(usize, TcpStream), io::Error> {
    if let [only] = candidates {
        return Ok((0, local.connect(only.address).await?));
    }
    let turns = u32::try_from(candidates.len()).unwrap_or(u32::MAX).max(1);
    let head_start = patience.map_or(HEAD_START, |patience| HEAD_START.min(patience / turns));
    let waiting = (0..candidates.len()).rev().collect();
    let mut race = Race { candidates, local, waiting, running: vec![], failed: None };
    let mut next = pin!(tokio::time::sleep(head_start));
    race.start_next();
    std::future::poll_fn(|cx| race.poll(cx, next.as_mut(), head_start)).await
}

/// Attempts that run side by side.
struct Race<'a> {
    candidates: &'a [Candidate],
    local: &'a LocalAddresses,
    /// Not tried yet, in reverse.
    waiting: Vec<usize>,
    running: Vec<(usize, Attempt)>,
    failed: Option<(Tells, io::Error)>,
}

/// How much an attempt's error says about why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tells {
    /// An address this machine has no way to (often `::1`) says nothing about the target.
    Little,
    /// The target's own answer.
    Target,
    /// The generator's own shortage, whatever other addresses say.
    Shortage,
}

impl Race<'_> {
    fn start_next(&mut self) {
        if let Some(index) = self.waiting.pop() {
            self.running.push((index, Box::pin(self.local.connect(self.candidates[index].address))));
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut next: Pin<&mut Sleep>,
        head_start: Duration,
    ) -> Poll<io::Result<(usize, TcpStream)>> {
        loop {
            if let Poll::Ready(connected) = self.poll_running(cx) {
                return Poll::Ready(Ok(connected));
            }
            let all_failed = self.running.is_empty();
            if all_failed && self.waiting.is_empty() {
                let failed = self.failed.take().map(|(_, error)| error);
                return Poll::Ready(Err(failed.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into())));
            }
            if self.waiting.is_empty() || !all_failed && next.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.start_next();
            next.as_mut().reset(Instant::now() + head_start);
        }
    }

    /// The first connection there is; notes what failed.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Poll<(usize, TcpStream)> {
        let mut at = 0;
        while let Some((index, attempt)) = self.running.get_mut(at) {
            let index = *index;
            match attempt.as_mut().poll(cx) {
                Poll::Pending => at += 1,
                Poll::Ready(Ok(stream)) => return Poll::Ready((index, stream)),
                Poll::Ready(Err(error)) => {
                    drop(self.running.swap_remove(at));
                    self.note(index, error);
                }
            }
        }
        Poll::Pending
    }

    fn note(&mut self, index: usize, error: io::Error) {
        let tells = tells(&error, self.candidates[index].has_answered);
        if self.failed.as_ref().is_none_or(|(known, _)| *known <= tells) {
            self.failed = Some((tells, error));
        }
    }
}

/// An address that has answered before can be reached: if none of ours is left for it, the ports are used up; if there
/// is no route to it, it has gone.
fn tells(error: &io::Error, has_answered: bool) -> Tells {
    match local_shortage(error) {
        Some(Failure::LocalPorts | Failure::LocalRoute) if !has_answered => Tells::Little,
        Some(_) => Tells::Shortage,
        None => Tells::Target,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    fn candidates(addresses: &[SocketAddr]) -> Vec<Candidate> {
        addresses.iter().map(|address| Candidate { address: *address, has_answered: false }).collect()
    }

    async fn dial_from_any(
        addresses: &[SocketAddr],
        patience: Option<Duration>,
    ) -> io::Result<(usize, TcpStream)> {
        dial(&candidates(addresses), patience, &LocalAddresses::default()).await
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// A listener whose queue is full answers nothing; the sockets must be kept.
    async fn black_hole() -> (tokio::net::TcpListener, Vec<TcpStream>, SocketAddr) {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = vec![];
        for _ in 0..20 {
            match tokio::time::timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
                Ok(stream) => queued.push(stream.unwrap()),
                Err(_) => return (listener, queued, address),
            }
        }
        panic!("the queue never fills");
    }

    #[test]
    fn a_black_hole_does_not_use_up_the_time_of_the_next_address() {
        run(async {
            let (_full, _queued, hole) = black_hole().await;
            let (_open, good) = listener();
            let limit = Duration::from_secs(60);
            let dialed = tokio::time::timeout(limit, dial_from_any(&[hole, good], Some(limit))).await;
            assert_eq!(dialed.expect("the hole alone would take minutes").unwrap().0, 1);
        });
    }

    #[test]
    fn every_address_gets_its_turn_within_a_short_limit() {
        run(async {
            let (_full, _queued, hole) = black_hole().await;
            let (_open, good) = listener();
            // The good one's turn comes long before the head start of RFC 8305 is over, and all turns do within
            // the limit: (1 000 µs ÷ 4) × 3. The limit itself is kept by the caller.
            let addresses = [hole, hole, hole, good];
            assert_eq!(dial_from_any(&addresses, Some(Duration::from_millis(1))).await.unwrap().0, 3);
        });
    }

    #[test]
    fn a_refusal_moves_on_at_once_and_is_what_is_told() {
        run(async {
            let (gone, refused) = listener();
            drop(gone);
            let (_open, good) = listener();
            assert_eq!(dial_from_any(&[refused, good], None).await.unwrap().0, 1);
            let error = dial_from_any(&[refused, refused], None).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            let nowhere = dial_from_any(&[], None).await.unwrap_err();
            assert_eq!(nowhere.kind(), io::ErrorKind::AddrNotAvailable);
        });
    }

    #[test]
    fn what_tells_most() {
        let unavailable = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        let (refused, fds) =
            (io::Error::from(io::ErrorKind::ConnectionRefused), io::Error::from_raw_os_error(24));
        assert_eq!(tells(&unavailable(), false), Tells::Little);
        assert_eq!(tells(&unavailable(), true), Tells::Shortage);
        assert_eq!(tells(&fds, false), Tells::Shortage);
        let addresses: Vec<SocketAddr> =
            ["[::1]:1", "127.0.0.1:1"].map(|text| text.parse().unwrap()).to_vec();
        let local = LocalAddresses::default();
        let [new, mut known] = [candidates(&addresses), candidates(&addresses)];
        known[1].has_answered = true;
        let race =
            |candidates| Race { candidates, local: &local, waiting: vec![], running: vec![], failed: None };
        let mut of_new = race(&new[..]);
        of_new.note(1, refused);
        of_new.note(0, unavailable());
        assert_eq!(of_new.failed.unwrap().1.kind(), io::ErrorKind::ConnectionRefused);
        let mut of_known = race(&known[..]);
        of_known.note(1, unavailable());
        of_known.note(0, io::ErrorKind::ConnectionRefused.into());
        assert_eq!(of_known.failed.unwrap().1.kind(), io::ErrorKind::AddrNotAvailable, "ports are used up");
    }
}
