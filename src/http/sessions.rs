//! What a user keeps of a target between two connections: its TLS session, and which address comes next. Must not
//! connect.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_rustls::rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, NamedGroup};

use super::tls::TlsClient;

/// One user as one target sees it. Holds nothing before its first connection over TLS.
#[derive(Debug, Default)]
pub struct Visitor {
    /// Counts its connections, beginning with the user's number: of a name's addresses that one comes first.
    turn: usize,
    /// With the store of its sessions.
    config: Option<Arc<ClientConfig>>,
}

impl Visitor {
    /// A user that begins with the address at `turn`.
    pub fn new(turn: usize) -> Self {
        Self { turn, config: None }
    }

    /// Forgets the TLS session: the next connection is that of somebody new.
    pub fn forget_session(&mut self) {
        self.config = None;
    }

    /// The number of the connection that is opened now.
    pub(super) fn take_turn(&mut self) -> usize {
        let turn = self.turn;
        self.turn = turn.wrapping_add(1);
        turn
    }

    /// The client as this user is: with its own sessions, where sessions are resumed at all.
    pub(super) fn config(&mut self, client: &TlsClient) -> Arc<ClientConfig> {
        if !client.resumes {
            return client.config.clone();
        }
        self.config.get_or_insert_with(|| client.with_sessions()).clone()
    }
}

/// The last session of one user with one target. rustls' own store is for 256 servers with 8 tickets each; a ticket
/// holds a copy of the target's certificates, so that one is kept. It is a store of rustls, which wants it to be `Sync`;
/// its lock is never waited for.
#[derive(Default)]
pub(super) struct SessionStore(Mutex<Session>);

#[derive(Default)]
struct Session {
    group: Option<NamedGroup>,
    tls12: Option<Tls12ClientSessionValue>,
    tls13: Option<Tls13ClientSessionValue>,
}

impl SessionStore {
    fn session(&self) -> MutexGuard<'_, Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows nothing: a session is a secret.
impl fmt::Debug for SessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStore").finish_non_exhaustive()
    }
}

impl ClientSessionStore for SessionStore {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.session().group = Some(group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.session().group
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.session().tls12 = Some(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.session().tls12.clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.session().tls12 = None;
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.session().tls13 = Some(value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.session().tls13.take()
    }
}
