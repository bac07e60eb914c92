//! How far a plan is trusted: with all that its user may reach, or, when it comes from a stranger, with what the command
//! line allows. Must not look at a plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::http::AllowedHost;

/// What a plan may reach besides itself.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// `--untrusted`: only what the others name.
    pub is_stranger: bool,
    /// `--allow-env NAME`
    pub variables: BTreeSet<String>,
    /// `--allow-target HOST`; of one who is no stranger only link-local metadata addresses.
    pub hosts: Arc<[AllowedHost]>,
}

impl Trust {
    /// Whether it may read this variable of the environment.
    pub fn may_read(&self, variable: &str) -> bool {
        !self.is_stranger || self.variables.contains(variable)
    }

    /// Whether it may send to this host.
    pub fn may_send_to(&self, host: &str, port: u16) -> bool {
        !self.is_stranger || self.hosts.iter().any(|allowed| allowed.permits(host, port))
    }
}
