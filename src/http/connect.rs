//! From a target to an open stream: look up, connect, TLS; each timed, each with its own failures.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::failure::Failure;

use super::connection::ExchangeError;
use super::times::{Stream, micros};
use super::{Target, Timing};

/// The addresses of one target, looked up once a worker.
#[derive(Debug, Default)]
pub struct Addresses {
    known: RefCell<Rc<[SocketAddr]>>,
    /// The one that answered last is tried first.
    preferred: Cell<usize>,
}

/// Opens streams for one worker.
#[derive(Debug)]
pub struct Connector {
    tls: Option<Arc<ClientConfig>>,
    local: Arc<[IpAddr]>,
    /// Whose turn it is.
    next: Cell<usize>,
}

impl Connector {
    /// A connector; `tls` may be absent when no target needs it.
    pub fn new(tls: Option<Arc<ClientConfig>>) -> Self {
        Self { tls, local: Arc::new([]), next: Cell::new(0) }
    }

    /// The same, connecting from these addresses in turn, beginning with the one at `first`; from any when there
    /// are none.
    pub fn connecting_from(self, local: Arc<[IpAddr]>, first: usize) -> Self {
        Self { local, next: Cell::new(first), ..self }
    }

    /// Opens a stream and notes in `timing` what it took.
    ///
    /// # Errors
    /// With the failure's kind and words.
    pub async fn open(
        &self,
        target: &Target,
        addresses: &Addresses,
        timing: &mut Timing,
    ) -> Result<Stream, ExchangeError> {
        let known = look_up(target, addresses, timing).await?;
        let started = Instant::now();
        let connected = self.connect(&known, &addresses.preferred).await;
        timing.connect_us = micros(started, Instant::now());
        let tcp = connected.map_err(|error| connect_failure(&error, target))?;
        // Nagle's algorithm would add the peer's delayed ACK to every latency.
        tcp.set_nodelay(true).map_err(|error| connect_failure(&error, target))?;
        if !target.tls {
            return Ok(Stream::Plain(tcp));
        }
        let started = Instant::now();
        let stream = self.handshake(tcp, target).await;
        timing.tls_us = micros(started, Instant::now());
        stream
    }

    async fn connect(&self, known: &[SocketAddr], preferred: &Cell<usize>) -> io::Result<TcpStream> {
        let mut failed = None;
        for offset in 0..known.len() {
            let index = (preferred.get() + offset) % known.len();
            match self.connect_to(known[index]).await {
                Ok(stream) => {
                    preferred.set(index);
                    return Ok(stream);
                }
                // An address this machine has no way to (often ::1) says nothing about the target; any other does.
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable && failed.is_some() => {}
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
    }

    async fn connect_to(&self, peer: SocketAddr) -> io::Result<TcpStream> {
        if self.local.is_empty() {
            return TcpStream::connect(peer).await;
        }
        let socket = if peer.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Takes a port now, for this address and whatever peer: IP_BIND_ADDRESS_NO_PORT, which would let it serve
        // other peers too, is within no safe crate's reach.
        socket.bind(SocketAddr::new(self.next_local(peer.is_ipv4())?, 0))?;
        socket.connect(peer).await
    }

    /// The address whose turn it is, of those of the peer's family.
    fn next_local(&self, is_ipv4: bool) -> io::Result<IpAddr> {
        for _ in 0..self.local.len() {
            let index = self.next.get() % self.local.len();
            self.next.set(index + 1);
            if self.local[index].is_ipv4() == is_ipv4 {
                return Ok(self.local[index]);
            }
        }
        let family = if is_ipv4 { "IPv4" } else { "IPv6" };
        let words = format!("`http.local_addresses` has no {family} address");
        Err(io::Error::new(io::ErrorKind::AddrNotAvailable, words))
    }

    async fn handshake(&self, tcp: TcpStream, target: &Target) -> Result<Stream, ExchangeError> {
        let failed = |kind, message: String| ExchangeError::new(kind, message);
        let Some(config) = &self.tls else {
            return Err(failed(Failure::TlsHandshake, "TLS was not set up".into()));
        };
        let name = ServerName::try_from(target.host.clone()).map_err(|_| {
            failed(
                Failure::TlsCertificate,
                format!("`{}` is no host name a certificate can be for", target.host),
            )
        })?;
        match TlsConnector::from(config.clone()).connect(name, tcp).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(error) => Err(tls_failure(&error)),
        }
    }
}

async fn look_up(
    target: &Target,
    addresses: &Addresses,
    timing: &mut Timing,
) -> Result<Rc<[SocketAddr]>, ExchangeError> {
    let known = addresses.known.borrow().clone();
    if !known.is_empty() {
        return Ok(known);
    }
    let started = Instant::now();
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
    timing.dns_us = micros(started, Instant::now());
    let failed = |message: String| ExchangeError::new(Failure::Dns, message);
    let found: Rc<[SocketAddr]> = found.map_err(|error| look_up_failure(&error, target))?.collect();
    if found.is_empty() {
        return Err(failed(format!("`{}` has no address", target.host)));
    }
    *addresses.known.borrow_mut() = found.clone();
    Ok(found)
}

fn look_up_failure(error: &io::Error, target: &Target) -> ExchangeError {
    /// What glibc says when its resolver cannot open a socket.
    const EBUSY: i32 = 16;
    let shortage =
        if error.raw_os_error() == Some(EBUSY) { Some(Failure::LocalFds) } else { local_shortage(error) };
    ExchangeError::new(shortage.unwrap_or(Failure::Dns), format!("cannot look up `{}`: {error}", target.host))
}

/// The generator's own shortages, by errno of Linux and macOS.
fn local_shortage(error: &io::Error) -> Option<Failure> {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    const ENOMEM: i32 = 12;
    match error.raw_os_error() {
        Some(EMFILE | ENFILE) => Some(Failure::LocalFds),
        Some(ENOMEM) => Some(Failure::LocalMemory),
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
        _ => Failure::ConnectReset,
    });
    ExchangeError::new(kind, format!("cannot connect to {}:{}: {}", target.host, target.port, words(error)))
}

/// An I/O error without the platform's number.
pub(super) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn tls_failure(error: &io::Error) -> ExchangeError {
    use tokio_rustls::rustls::Error as Tls;
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>());
    let kind = match tls {
        Some(Tls::InvalidCertificate(_) | Tls::NoCertificatesPresented) => Failure::TlsCertificate,
        _ => Failure::TlsHandshake,
    };
    ExchangeError::new(kind, format!("TLS handshake failed: {}", words(error)))
}
