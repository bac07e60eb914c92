//! From a target to an open stream within a time limit: look up, connect, TLS; each timed, each with its own
//! failures. Must not know requests.

use std::cell::RefCell;
use std::future::Future as _;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::failure::Failure;
use crate::metric::ABSENT;

use super::connection::ExchangeError;
use super::dial::dial;
use super::local::{LocalAddresses, Refused, is_no_way_from_here};
use super::paced::Paced;
use super::permit::AllowedHost;
use super::times::{Lap, Stream};
use super::tls::TlsClient;
use super::tls_failure::handshake_failure;
use super::{Addresses, Deadline, Target, Timing, Visitor};

/// Opens streams for one worker.
#[derive(Debug)]
pub struct Connector {
    tls: Option<TlsClient>,
    local: LocalAddresses,
    /// Why an address was not connected to, when plimsoll refused it.
    refused: RefCell<Option<String>>,
}

impl Connector {
    /// A connector; `tls` may be absent when no target needs it.
    pub fn new(tls: Option<TlsClient>) -> Self {
        Self { tls, local: LocalAddresses::default(), refused: RefCell::default() }
    }

    /// The same, connecting from these addresses in turn, beginning with the one at `first`; from any when there
    /// are none.
    pub fn connecting_from(self, local: Arc<[IpAddr]>, first: usize) -> Self {
        Self { local: LocalAddresses::new(local, first), ..self }
    }

    /// The same, connecting also to those link-local addresses that `allowed` names.
    pub fn allowing(self, allowed: Arc<[AllowedHost]>) -> Self {
        Self { local: self.local.allowing(allowed), ..self }
    }

    /// Why a target cannot be connected to, when that is because plimsoll refuses its address: it is no use to try again.
    pub fn refusal(&self) -> Option<String> {
        self.refused.borrow().clone()
    }

    /// Opens a stream for a user before `deadline` and notes in `timing` what it took.
    ///
    /// # Errors
    /// With the failure's kind and words.
    pub async fn open(
        &self,
        target: &Target,
        addresses: &Addresses,
        visitor: &mut Visitor,
        timing: &mut Timing,
        deadline: &mut Deadline,
    ) -> Result<Stream, ExchangeError> {
        (timing.dns_us, timing.connect_us, timing.tls_us) = (ABSENT, ABSENT, ABSENT);
        let opened = {
            let mut opening = pin!(self.phases(target, addresses, visitor, timing, deadline.left()));
            std::future::poll_fn(|cx| match opening.as_mut().poll(cx) {
                Poll::Ready(opened) => Poll::Ready(Some(opened)),
                Poll::Pending if deadline.poll_expired(cx) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            })
            .await
        };
        // Dropping the phases has noted how long the last of them ran.
        opened.unwrap_or_else(|| {
            if timing.tls_us != ABSENT {
                addresses.doubt();
            } else if timing.connect_us != ABSENT {
                addresses.none_answered();
            }
            Err(out_of_time(timing, target))
        })
    }

    async fn phases(
        &self,
        target: &Target,
        addresses: &Addresses,
        visitor: &mut Visitor,
        timing: &mut Timing,
        patience: Option<Duration>,
    ) -> Result<Stream, ExchangeError> {
        let started = Instant::now();
        let known = match addresses.known(target, started) {
            Some(known) => known,
            None => {
                let _lap = Lap::start(&mut timing.dns_us);
                addresses.look_up(target).await?
            }
        };
        let patience = patience.map(|patience| patience.saturating_sub(started.elapsed()));
        let tcp = {
            let _lap = Lap::start(&mut timing.connect_us);
            let candidates = addresses.in_turn(&known, visitor.take_turn(), started);
            let dialed = dial(&candidates, patience, &self.local).await;
            let (winner, tcp) = dialed.map_err(|error| {
                if local_shortage(&error).is_none() {
                    addresses.none_answered();
                }
                let failure = connect_failure(&error, target);
                if error.get_ref().is_some_and(|inner| inner.is::<Refused>()) {
                    self.refused.borrow_mut().get_or_insert_with(|| failure.message.clone());
                }
                failure
            })?;
            addresses.connected(&candidates, winner, Instant::now());
            tcp
        };
        // Nagle's algorithm would add the peer's delayed ACK to every latency.
        tcp.set_nodelay(true).map_err(|error| connect_failure(&error, target))?;
        if !target.tls {
            return Ok(Stream::Plain(tcp));
        }
        let _lap = Lap::start(&mut timing.tls_us);
        let stream = self.handshake(tcp, target, visitor).await.inspect_err(|_| addresses.doubt())?;
        addresses.shook_hands(stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed));
        Ok(Stream::Tls(Box::new(stream)))
    }

    async fn handshake(
        &self,
        tcp: TcpStream,
        target: &Target,
        visitor: &mut Visitor,
    ) -> Result<TlsStream<Paced>, ExchangeError> {
        let failed = |kind, message: String| ExchangeError::new(kind, message);
        let Some(tls) = &self.tls else {
            return Err(failed(Failure::TlsHandshake, "TLS was not set up".into()));
        };
        let of_host = || ServerName::try_from(target.host.clone());
        let name = tls.server_name.clone().map_or_else(of_host, Ok).map_err(|_| {
            failed(
                Failure::TlsCertificate,
                format!("a certificate cannot be for `{}`: it is not a valid host name", target.host),
            )
        })?;
        let connector = TlsConnector::from(visitor.config(tls));
        connector.connect(name, Paced::new(tcp)).await.map_err(|error| handshake_failure(&error))
    }
}

/// The phase that ran when the time was over is the last that has begun.
fn out_of_time(timing: &Timing, target: &Target) -> ExchangeError {
    let (host, port) = (&target.host, target.port);
    let (kind, message) = if timing.tls_us != ABSENT {
        (
            Failure::TlsTimeout,
            format!("the TLS handshake with {host}:{port} did not end within the time limit"),
        )
    } else if timing.connect_us != ABSENT {
        (Failure::ConnectTimeout, format!("no connection to {host}:{port} within the time limit"))
    } else {
        (Failure::Dns, format!("the look-up of `{host}` did not end within the time limit"))
    };
    ExchangeError::new(kind, message)
}

/// The generator's own shortages, by errno of Linux and macOS.
pub(super) fn local_shortage(error: &io::Error) -> Option<Failure> {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    const ENOMEM: i32 = 12;
    const ENOBUFS: [i32; 2] = [105, 55];
    if is_no_way_from_here(error) {
        return Some(Failure::LocalRoute);
    }
    match error.raw_os_error() {
        Some(EMFILE | ENFILE) => Some(Failure::LocalFds),
        Some(ENOMEM) => Some(Failure::LocalMemory),
        Some(number) if ENOBUFS.contains(&number) => Some(Failure::LocalMemory),
        _ => match error.kind() {
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => Some(Failure::LocalPorts),
            io::ErrorKind::OutOfMemory => Some(Failure::LocalMemory),
            _ => None,
        },
    }
}

fn connect_failure(error: &io::Error, target: &Target) -> ExchangeError {
    let kind = local_shortage(error).unwrap_or(match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::ConnectRefused,
        io::ErrorKind::TimedOut => Failure::ConnectTimeout,
        _ if is_unreachable(error) => Failure::ConnectUnreachable,
        _ => Failure::ConnectReset,
    });
    let (host, port, words) = (&target.host, target.port, words(error));
    let message = match kind {
        Failure::LocalRoute => format!("this machine has no way to {host}:{port}: {words}"),
        _ => format!("cannot connect to {host}:{port}: {words}"),
    };
    ExchangeError::new(kind, message)
}

/// Whether somebody on the way, or this machine after it has looked for the host in vain, says that it cannot be
/// reached: what ICMP and ICMPv6 can say, by errno of Linux where there is no word for it.
fn is_unreachable(error: &io::Error) -> bool {
    const ENONET: i32 = 64;
    const EHOSTDOWN: i32 = 112;
    use io::ErrorKind as Kind;
    // Permission: a filter on the way (ICMPv6, "administratively prohibited").
    matches!(error.kind(), Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::PermissionDenied)
        || matches!(error.raw_os_error(), Some(ENONET | EHOSTDOWN))
}

/// An I/O error without the platform's number.
pub(super) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generator's own shortages are never the target's; what the target did is never ours.
    #[test]
    fn shortages() {
        for (number, kind) in [
            (24, Some(Failure::LocalFds)),
            (23, Some(Failure::LocalFds)),
            (12, Some(Failure::LocalMemory)),
            (105, Some(Failure::LocalMemory)),
            (111, None),
            (104, None),
            (110, None),
            (101, None),
        ] {
            assert_eq!(local_shortage(&io::Error::from_raw_os_error(number)), kind, "errno {number}");
        }
        for kind in [io::ErrorKind::AddrNotAvailable, io::ErrorKind::AddrInUse] {
            assert_eq!(local_shortage(&kind.into()), Some(Failure::LocalPorts), "{kind}");
        }
        let target = Target::parse("t", "http://host.invalid").unwrap();
        let kind = |kind: io::ErrorKind| connect_failure(&kind.into(), &target).kind;
        assert_eq!(kind(io::ErrorKind::ConnectionRefused), Failure::ConnectRefused);
        assert_eq!(kind(io::ErrorKind::TimedOut), Failure::ConnectTimeout);
        assert_eq!(kind(io::ErrorKind::ConnectionReset), Failure::ConnectReset);
        assert_eq!(kind(io::ErrorKind::HostUnreachable), Failure::ConnectUnreachable);
        assert_eq!(kind(io::ErrorKind::NetworkUnreachable), Failure::ConnectUnreachable);
        let of_errno = |number| connect_failure(&io::Error::from_raw_os_error(number), &target).kind;
        for number in [101, 113, 112, 64, 13] {
            assert_eq!(of_errno(number), Failure::ConnectUnreachable, "errno {number}, said by others");
        }
        assert_eq!(of_errno(92), Failure::ConnectReset, "a protocol that is unavailable");
        assert_eq!(kind(io::ErrorKind::AddrNotAvailable), Failure::LocalPorts);
    }

    #[test]
    fn the_phase_that_ran_out_of_time_is_named() {
        let target = Target::parse("t", "https://host.invalid").unwrap();
        let mut timing = Timing::starting(Instant::now());
        assert_eq!(out_of_time(&timing, &target).kind, Failure::Dns);
        timing.dns_us = 5;
        timing.connect_us = 400;
        assert_eq!(out_of_time(&timing, &target).kind, Failure::ConnectTimeout);
        timing.tls_us = 400;
        assert_eq!(out_of_time(&timing, &target).kind, Failure::TlsTimeout);
    }
}
