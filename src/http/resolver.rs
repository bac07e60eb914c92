//! Asks the system for the addresses of a name. Must not know when that is to be done.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use crate::failure::Failure;

use super::connect::local_shortage;
use super::connection::ExchangeError;

/// The outcome of a look-up, for all who wait for it.
pub(super) type Found = Result<Arc<[SocketAddr]>, Arc<Unresolved>>;

/// A look-up that runs.
pub(super) type Resolving =
    Pin<Box<dyn Future<Output = Result<Arc<[SocketAddr]>, Unresolved>> + Send + 'static>>;

/// Who is asked.
#[derive(Default, Clone)]
pub(super) enum Resolver {
    /// The system, as `getaddrinfo` has it.
    #[default]
    System,
    /// What a test says.
    #[cfg(test)]
    Scripted(Arc<dyn Fn() -> Resolving>),
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl Resolver {
    /// Begins to look up `host`.
    pub(super) fn resolve(&self, host: String, port: u16) -> Resolving {
        match self {
            Self::System => Box::pin(ask_system(host, port)),
            #[cfg(test)]
            Self::Scripted(answer) => answer(),
        }
    }
}

/// A look-up that failed.
#[derive(Debug)]
pub(super) struct Unresolved {
    pub kind: Failure,
    pub message: String,
}

impl Unresolved {
    /// One whose task ended before it had an answer.
    pub(super) fn without_answer() -> Self {
        Self { kind: Failure::Dns, message: "the look-up ended without an answer".to_owned() }
    }

    pub(super) fn error(&self) -> ExchangeError {
        ExchangeError::new(self.kind, self.message.clone())
    }
}

async fn ask_system(host: String, port: u16) -> Result<Arc<[SocketAddr]>, Unresolved> {
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
    let found: Vec<SocketAddr> = found.map_err(|error| unresolved(&error, &host))?.collect();
    if found.is_empty() {
        return Err(Unresolved { kind: Failure::Dns, message: format!("`{host}` has no address") });
    }
    Ok(in_order(found))
}

/// The family that the system prefers first, and the addresses of each in their own order: resolvers give them in
/// another order each time, and users take turns.
fn in_order(mut found: Vec<SocketAddr>) -> Arc<[SocketAddr]> {
    let first = found.first().is_some_and(SocketAddr::is_ipv6);
    found.sort_by_key(|address| (address.is_ipv6() != first, *address));
    found.dedup();
    found.into()
}

fn unresolved(error: &io::Error, host: &str) -> Unresolved {
    /// What glibc says when its resolver cannot open a socket.
    const EBUSY: i32 = 16;
    let shortage =
        if error.raw_os_error() == Some(EBUSY) { Some(Failure::LocalFds) } else { local_shortage(error) };
    Unresolved {
        kind: shortage.unwrap_or(Failure::Dns),
        message: format!("cannot look up `{host}`: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_an_answer_does_not_matter_but_for_its_first_family() {
        let all =
            |texts: [&str; 4]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let one = in_order(all(["127.0.0.2:1", "[::1]:1", "127.0.0.1:1", "127.0.0.2:1"]));
        assert_eq!(*one, all(["127.0.0.1:1", "127.0.0.2:1", "[::1]:1", "[::1]:1"])[..3]);
        assert_eq!(
            in_order(all(["[::1]:1", "127.0.0.2:1", "127.0.0.1:1", "127.0.0.2:1"]))[0].ip().to_string(),
            "::1"
        );
    }
}
