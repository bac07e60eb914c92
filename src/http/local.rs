//! Which addresses of this machine connections come from: any, or those of the plan in turn, each with its own range
//! of ports. Must not know targets.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpSocket, TcpStream};

/// The addresses of one worker.
#[derive(Debug, Default)]
pub(super) struct LocalAddresses {
    /// Empty for any.
    all: Arc<[IpAddr]>,
    /// Whose turn it is.
    next: Cell<usize>,
}

impl LocalAddresses {
    /// These in turn, beginning with the one at `first`.
    pub(super) fn new(all: Arc<[IpAddr]>, first: usize) -> Self {
        Self { all, next: Cell::new(first) }
    }

    /// Connects from the address whose turn it is.
    pub(super) fn connect(&self, peer: SocketAddr) -> impl Future<Output = io::Result<TcpStream>> + 'static {
        let local = (!self.all.is_empty()).then(|| self.take(peer.is_ipv4()));
        async move {
            let Some(local) = local else { return TcpStream::connect(peer).await };
            let socket = if peer.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // Takes a port now, for this address and whatever peer: IP_BIND_ADDRESS_NO_PORT, which would let it serve
            // other peers too, is within no safe crate's reach.
            socket.bind(SocketAddr::new(local?, 0))?;
            socket.connect(peer).await
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
