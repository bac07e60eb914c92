//! Which addresses of this machine connections come from: any, or those of the plan in turn, each with its own range
//! of ports. Must not know targets.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;

use tokio::net::{TcpSocket, TcpStream};

use super::permit::{AllowedHost, refusal};

#[cfg(target_os = "linux")]
use super::ip_option::set_ip_option;

/// That an address is not connected to, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub String);

/// The addresses of one worker.
#[derive(Debug, Default)]
pub(super) struct LocalAddresses {
    /// Empty for any.
    all: Arc<[IpAddr]>,
    /// Whose turn it is.
    next: Cell<usize>,
    /// Peers that are refused unless one of these names them.
    allowed: Arc<[AllowedHost]>,
}

impl LocalAddresses {
    /// These in turn, beginning with the one at `first`.
    pub(super) fn new(all: Arc<[IpAddr]>, first: usize) -> Self {
        Self { all, next: Cell::new(first), allowed: Arc::default() }
    }

    /// The same, connecting also to those of `allowed` that are refused without being named.
    pub(super) fn allowing(self, allowed: Arc<[AllowedHost]>) -> Self {
        Self { allowed, ..self }
    }

    /// Connects from the address whose turn it is.
    pub(super) fn connect(&self, peer: SocketAddr) -> impl Future<Output = io::Result<TcpStream>> + 'static {
        // Here, at the address itself, whatever name led to it, and each time.
        let refused = refusal(peer, &self.allowed);
        let local = (!self.all.is_empty()).then(|| self.take(peer.is_ipv4()));
        async move {
            if let Some(words) = refused {
                return Err(io::Error::new(io::ErrorKind::NetworkUnreachable, Refused(words)));
            }
            let socket = if peer.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
            let socket = socket.map_err(no_way_from_here)?;
            port_when_connecting(&socket);
            if let Some(local) = local {
                socket.bind(SocketAddr::new(local?, 0))?;
            }
            let mut connecting = pin!(socket.connect(peer));
            let mut is_first = true;
            std::future::poll_fn(|cx| {
                let connected = connecting.as_mut().poll(cx);
                // What is refused before a packet leaves, this machine refuses.
                let refused_here = std::mem::replace(&mut is_first, false);
                connected.map_err(|error| if refused_here { no_way_from_here(error) } else { error })
            })
            .await
        }
    }

    /// The address whose turn it is, of those of the peer's family.
    fn take(&self, is_ipv4: bool) -> io::Result<IpAddr> {
        for _ in 0..self.all.len() {
            let index = self.next.get() % self.all.len();
            self.next.set(index + 1);
            if self.all[index].is_ipv4() == is_ipv4 {
                return Ok(self.all[index]);
            }
        }
        let family = if is_ipv4 { "IPv4" } else { "IPv6" };
        let words = format!("`http.local_addresses` has no {family} address");
        Err(io::Error::new(io::ErrorKind::AddrNotAvailable, words))
    }
}

/// This machine itself has no way to an address: no route, a rule that forbids it, a family it does not speak.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoWay(io::Error);

/// Whether an error of [`LocalAddresses::connect`] is such.
pub(super) fn is_no_way_from_here(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NoWay>())
}

/// Marks what this machine refuses for want of a way; what it is short of stays as it is.
fn no_way_from_here(error: io::Error) -> io::Error {
    use io::ErrorKind as Kind;
    /// By errno of Linux and macOS: a family that this system does not speak.
    const EAFNOSUPPORT: [i32; 2] = [97, 47];
    /// A route of type `blackhole`.
    const EINVAL: i32 = 22;
    let kind = error.kind();
    let is_route = matches!(kind, Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::NetworkDown)
        || kind == Kind::PermissionDenied
        || error.raw_os_error().is_some_and(|number| number == EINVAL || EAFNOSUPPORT.contains(&number));
    if is_route { io::Error::new(kind, NoWay(error)) } else { error }
}

/// Lets the socket take its port when it connects, so that the port can serve other peers too, and take the next free
/// one, odd or even. Linux else gives connections every second port first: when these are used up (14 000 connections
/// to one peer, by its default) each further one looks through all of them, for some milliseconds of the generator's
/// time. Kernels before 6.8 go on doing that.
#[cfg(target_os = "linux")]
fn port_when_connecting(socket: &TcpSocket) {
    /// Of `linux/in.h`.
    const IP_LOCAL_PORT_RANGE: libc::c_int = 51;
    /// Last and first port; the kernel keeps to its own range where that is narrower.
    const ALL: u32 = 65535 << 16 | 1;
    set_ip_option(socket, libc::IP_BIND_ADDRESS_NO_PORT, 1);
    set_ip_option(socket, IP_LOCAL_PORT_RANGE, ALL);
}

#[cfg(not(target_os = "linux"))]
fn port_when_connecting(_: &TcpSocket) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Major and minor version of the running kernel.
    fn kernel() -> (u32, u32) {
        let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux tells");
        let mut numbers = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }

    async fn ports(all: &LocalAddresses, peer: SocketAddr) -> (Vec<TcpStream>, Vec<u16>) {
        let mut streams = vec![];
        for _ in 0..40 {
            streams.push(all.connect(peer).await.expect("a connection"));
        }
        let ports = streams.iter().map(|stream| stream.local_addr().expect("one").port()).collect();
        (streams, ports)
    }

    #[tokio::test]
    async fn connections_take_odd_and_even_ports() {
        if kernel() < (6, 8) {
            return;
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let peer = listener.local_addr().expect("one");
        let named = LocalAddresses::new(Arc::new(["127.0.0.3".parse().expect("one")]), 0);
        for all in [LocalAddresses::default(), named] {
            let (_open, ports) = ports(&all, peer).await;
            let odd = ports.iter().filter(|port| **port % 2 == 1).count();
            assert!((1..40).contains(&odd), "{odd} of 40 ports are odd");
        }
    }
}
