//! The addresses of one target: looked up once a worker, however many of its users ask at the same time. Must
//! not connect.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::watch;

use crate::failure::Failure;

use super::Target;
use super::connect::local_shortage;
use super::connection::ExchangeError;

/// The addresses of one target, looked up once a worker.
#[derive(Debug, Default)]
pub struct Addresses {
    state: RefCell<State>,
    /// The one that answered last is tried first.
    pub(super) answered: Cell<Option<usize>>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Unknown,
    /// All who ask meanwhile wait for the one look-up and share its outcome.
    Asking(watch::Receiver<Option<Found>>),
    Known(Arc<[SocketAddr]>),
}

type Found = Result<Arc<[SocketAddr]>, Arc<Unresolved>>;

/// A look-up that failed.
#[derive(Debug)]
pub(super) struct Unresolved {
    kind: Failure,
    message: String,
}

impl Unresolved {
    fn error(&self) -> ExchangeError {
        ExchangeError::new(self.kind, self.message.clone())
    }
}

impl Addresses {
    /// The addresses, when nothing has to be asked for them: known already, or the host is one itself.
    pub(super) fn known(&self, target: &Target) -> Option<Arc<[SocketAddr]>> {
        if let State::Known(known) = &*self.state.borrow() {
            return Some(known.clone());
        }
        let address: IpAddr = target.host.parse().ok()?;
        let known: Arc<[SocketAddr]> = [SocketAddr::new(address, target.port)].into();
        *self.state.borrow_mut() = State::Known(known.clone());
        Some(known)
    }

    /// Asks the system's resolver, or waits for who has asked it already.
    ///
    /// # Errors
    /// With the failure of that one look-up; the next request asks anew.
    pub(super) async fn look_up(&self, target: &Target) -> Result<Arc<[SocketAddr]>, ExchangeError> {
        let (host, port) = (target.host.clone(), target.port);
        self.ask(|| resolve(host, port)).await
    }

    /// Starts `resolve` unless one runs. It is a task of its own: who started it may run out of time, and the
    /// others go on waiting for it.
    async fn ask<F>(&self, resolve: impl FnOnce() -> F) -> Result<Arc<[SocketAddr]>, ExchangeError>
    where
        F: Future<Output = Result<Arc<[SocketAddr]>, Unresolved>> + Send + 'static,
    {
        let mut outcome = self.join_or_start(resolve);
        let found = match outcome.wait_for(Option::is_some).await {
            Ok(found) => found.clone(),
            Err(_) => None,
        };
        let found = found.unwrap_or_else(|| {
            let message = "the look-up ended without an answer".to_owned();
            Err(Arc::new(Unresolved { kind: Failure::Dns, message }))
        });
        self.settle(&outcome, &found);
        found.map_err(|unresolved| unresolved.error())
    }

    fn join_or_start<F>(&self, resolve: impl FnOnce() -> F) -> watch::Receiver<Option<Found>>
    where
        F: Future<Output = Result<Arc<[SocketAddr]>, Unresolved>> + Send + 'static,
    {
        let mut state = self.state.borrow_mut();
        // Its sender lives as long as the look-up runs.
        if let State::Asking(running) = &*state
            && running.has_changed().is_ok()
        {
            return running.clone();
        }
        let (told, outcome) = watch::channel(None);
        let resolving = resolve();
        tokio::task::spawn(async move {
            let found = resolving.await;
            // Nobody may be left to hear it.
            let _ = told.send(Some(found.map_err(Arc::new)));
        });
        *state = State::Asking(outcome.clone());
        outcome
    }

    /// The first who hears the outcome notes it; a newer look-up stays as it is.
    fn settle(&self, outcome: &watch::Receiver<Option<Found>>, found: &Found) {
        let mut state = self.state.borrow_mut();
        if matches!(&*state, State::Asking(running) if running.same_channel(outcome)) {
            *state = match found {
                Ok(known) => State::Known(known.clone()),
                Err(_) => State::Unknown,
            };
        }
    }
}

async fn resolve(host: String, port: u16) -> Result<Arc<[SocketAddr]>, Unresolved> {
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
    let found: Arc<[SocketAddr]> = found.map_err(|error| unresolved(&error, &host))?.collect();
    if found.is_empty() {
        return Err(Unresolved { kind: Failure::Dns, message: format!("`{host}` has no address") });
    }
    Ok(found)
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
    use std::rc::Rc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::task::{JoinSet, LocalSet, yield_now};

    use super::*;

    const USERS: u32 = 100;
    const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 80);

    /// Each of 100 users asks; how many look-ups that took, and how many were told an address. With
    /// `first_leaves` the one who started the look-up does not wait for its end.
    fn ask_together(works: bool, first_leaves: bool) -> (u32, u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let count = Arc::new(AtomicU32::new(0));
        let asked = count.clone();
        let told = LocalSet::new().block_on(&runtime, async move {
            let addresses = Rc::new(Addresses::default());
            let (go, gate) = watch::channel(false);
            let mut users = JoinSet::new();
            for user in 0..USERS {
                let (addresses, asked, mut gate) = (addresses.clone(), asked.clone(), gate.clone());
                let resolve = move || async move {
                    asked.fetch_add(1, Ordering::Relaxed);
                    let _ = gate.wait_for(|open| *open).await;
                    let failed = Unresolved { kind: Failure::Dns, message: "no such name".into() };
                    if works { Ok([ADDRESS].into()) } else { Err(failed) }
                };
                let task = users.spawn_local(async move { addresses.ask(resolve).await.is_ok() });
                yield_now().await;
                if user == 0 && first_leaves {
                    task.abort();
                }
            }
            let _ = go.send(true);
            let mut told = 0;
            while let Some(done) = users.join_next().await {
                told += u32::from(done.is_ok_and(|known| known));
            }
            told
        });
        (count.load(Ordering::Relaxed), told)
    }

    #[test]
    fn all_who_ask_at_once_share_one_look_up() {
        assert_eq!(ask_together(true, false), (1, USERS));
        assert_eq!(ask_together(true, true), (1, USERS - 1));
    }

    #[test]
    fn a_failure_is_shared_too() {
        assert_eq!(ask_together(false, false), (1, 0));
    }

    #[test]
    fn the_next_request_asks_again_after_a_failure_and_never_after_an_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let addresses = Addresses::default();
            let failed = || async { Err(Unresolved { kind: Failure::Dns, message: "no such name".into() }) };
            let error = addresses.ask(failed).await.unwrap_err();
            assert_eq!((error.kind, &*error.message), (Failure::Dns, "no such name"));
            let target = Target::parse("t", "http://host.invalid").unwrap();
            assert!(addresses.known(&target).is_none());
            assert_eq!(*addresses.ask(|| async { Ok([ADDRESS].into()) }).await.unwrap(), [ADDRESS]);
            assert_eq!(*addresses.known(&target).unwrap(), [ADDRESS]);
        });
    }

    #[test]
    fn a_look_up_that_dies_is_a_failure_not_a_hang() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let addresses = Addresses::default();
            let error = addresses.ask(|| async { panic!("a bug in the resolver") }).await.unwrap_err();
            assert_eq!(error.kind, Failure::Dns);
        });
    }

    #[test]
    fn an_address_needs_no_look_up() {
        for (url, known) in [("http://127.0.0.1:1", "127.0.0.1:1"), ("https://[::1]", "[::1]:443")] {
            let target = Target::parse("t", url).unwrap();
            let addresses = Addresses::default();
            assert_eq!(*addresses.known(&target).unwrap(), [known.parse::<SocketAddr>().unwrap()]);
        }
        let named = Target::parse("t", "http://localhost").unwrap();
        assert!(Addresses::default().known(&named).is_none());
    }
}
