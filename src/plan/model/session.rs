//! What surrounds the requests: secrets, HTTP defaults, readiness and auth. Must not read any file.

use super::{Entries, Scalar, Step};
use crate::diagnostic::{Diagnostics, Located};
use crate::plan::decode::{Definitions, FromNode, Keys, LocalAddress, unit};
use crate::plan::node::Node;
use crate::units::parse_duration;
use std::time::Duration;

plan_keys! {
    /// A value that is masked in everything written.
    "a secret"
    pub struct Secret {
        /// Environment variable it is read from.
        env: Located<String>,
        /// Value when the variable is not set.
        default: Option<Located<Scalar>>,
    }
    later { "file" }
}

plan_keys! {
    /// Defaults for every request.
    "the HTTP defaults"
    pub struct HttpDefaults {
        /// Longest wait for a whole answer.
        timeout: Option<Located<Duration>>,
        /// Headers of every request.
        headers: Entries<Located<Scalar>>,
        /// How many redirects a request follows; 0, which is the default, for none.
        redirects: Option<Located<u16>>,
        /// Addresses of this machine that connections are made from, in turn.
        local_addresses: Vec<Located<LocalAddress>>,
    }
    later { "tls", "proxy", "version", "cookies", "keep_alive", "user_agent" }
}

plan_keys! {
    /// Checks that must pass before the load starts.
    "the readiness checks"
    pub struct Ready {
        /// How long to wait for all of them.
        timeout: Option<Located<Duration>>,
        /// Pause between two tries.
        interval: Option<Located<Duration>>,
        /// Request lines such as `GET auth:/health`.
        checks: Vec<Located<String>>,
    }
    rules has_checks
}

fn has_checks(keys: &Keys<'_>, out: &mut Diagnostics) {
    keys.required("checks", "`ready`", "write for example `checks: [GET /health]`", out);
}

plan_keys! {
    /// How users log in.
    "the auth flow"
    pub struct Auth {
        /// Whether each user logs in, or the run once; `user` when absent.
        scope: Option<Located<AuthScope>>,
        /// The steps that log in; what they capture is `auth.NAME` everywhere.
        steps: Vec<Step>,
        /// What is added to every request.
        apply: Option<AuthApply>,
        /// When to log in again.
        refresh: Option<AuthRefresh>,
    }
    later { "bearer", "basic", "api_key", "oauth2" }
    rules has_login
}

fn has_login(keys: &Keys<'_>, out: &mut Diagnostics) {
    if AUTH_SHORTHANDS.iter().all(|key| keys.span_of(key).is_none()) {
        keys.required("steps", "`auth`", "write `steps:` with the request that logs in", out);
    }
}

/// Written instead of `steps`; of a later version.
const AUTH_SHORTHANDS: [&str; 4] = ["bearer", "basic", "api_key", "oauth2"];

plan_words! {
    /// Who logs in.
    "a scope"
    pub enum AuthScope {
        /// Every virtual user.
        User = "user",
        /// The run, once.
        Run = "run",
    }
}

plan_keys! {
    /// What auth adds to every request.
    "what auth adds"
    pub struct AuthApply {
        /// Headers, usually `authorization`.
        headers: Entries<Located<Scalar>>,
        /// Query parameters.
        query: Entries<Located<Scalar>>,
    }
    later { "cookies" }
}

plan_keys! {
    /// When to log in again.
    "the refresh rule"
    pub struct AuthRefresh {
        /// Duration after a login; may be a template such as `"{{ auth.ttl * 0.8 }}s"`.
        after: Option<Located<MaybeTemplate>>,
        /// Statuses that cause a new login and one more try.
        on_status: Vec<Located<u16>>,
    }
}

/// A duration, or a template that becomes one while running.
#[derive(Debug, Clone, PartialEq)]
pub enum MaybeTemplate {
    /// Known now.
    Duration(Duration),
    /// Text with `{{ }}`.
    Template(String),
}

impl FromNode for MaybeTemplate {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match node.as_str() {
            Some(text) if text.contains("{{") => Some(Self::Template(text.to_owned())),
            _ => unit(node, &Self::expected(), parse_duration, out).map(Self::Duration),
        }
    }

    fn expected() -> String {
        "a duration such as 5m, or a template".to_owned()
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        let duration = Duration::schema(defs);
        serde_json::json!({ "anyOf": [duration, { "type": "string", "pattern": "\\{\\{" }] })
    }
}
