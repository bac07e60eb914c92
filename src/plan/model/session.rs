//! What surrounds the requests: secrets, HTTP defaults and readiness. Must not read any file.

use super::{Dns, Entries, Scalar, Tls};
use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use crate::plan::codes;
use crate::plan::decode::{Definitions, FromNode, Keys, LocalAddress, word};
use crate::plan::node::{Node, NodeValue};
use crate::units::Size;
use serde_json::{Value, json};
use std::time::Duration;

plan_keys! {
    /// A value that is masked in everything written.
    "a secret"
    pub struct Secret {
        /// Environment variable it is read from.
        env: Option<Located<String>>,
        /// File it is read from, without its last line break: relative to this plan, or below `/run/secrets`.
        file: Option<Located<String>>,
        /// Value when the variable is not set, or the file is not there.
        default: Option<Located<Scalar>>,
    }
    rules has_source
}

fn has_source(keys: &Keys<'_>, out: &mut Diagnostics) {
    keys.clash("env", "file", "a secret comes from one place: remove one of them", out);
    let entries = keys.node().as_map().unwrap_or_default();
    // A key that is neither may be a misspelt one; that is said already.
    if entries.iter().all(|(key, _)| key.value == "default") {
        let message = "a secret needs `env` or `file`";
        let error = Diagnostic::error(codes::MISSING_KEY, keys.span(), message).label("neither is here");
        out.push(error.help("write for example `{ env: API_KEY }`, or `{ file: /run/secrets/api_key }`"));
    }
}

plan_keys! {
    /// Defaults for every request.
    "the HTTP defaults"
    pub struct HttpDefaults {
        /// Longest wait for a whole answer.
        timeout: Option<Located<Duration>>,
        /// Headers of every request.
        headers: Entries<Located<Scalar>>,
        /// How many redirects a request follows; 0 for none, 10 when absent.
        redirects: Option<Located<u16>>,
        /// Addresses of this machine that connections are made from, in turn.
        local_addresses: Vec<Located<LocalAddress>>,
        /// What requests say they come from; `plimsoll/` and its version when absent.
        user_agent: Option<Located<String>>,
        /// `false` sends each request on a connection of its own; `true` when absent.
        keep_alive: Option<Located<bool>>,
        /// How old a look-up of a target's name may become before the next, or `once`; `30s` when absent.
        dns: Option<Located<Dns>>,
        /// Whom HTTPS connections trust, and what they show of the client.
        tls: Option<Tls>,
        /// How long cookies of answers are kept; absent: `user` where users loop, `iteration` with a rate.
        cookies: Option<Located<CookieJar>>,
        /// The most memory that the values of one answer take, and the values that a user remembers of its answers; `16MiB` when absent.
        max_values: Option<Located<Size>>,
    }
    later { "proxy", "version" }
    check check_http
}

/// How long cookies that answers set are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieJar {
    /// As long as the user lives.
    User,
    /// Until its iteration ends: each iteration is a visitor of its own.
    Iteration,
    /// Not at all.
    Off,
}

const JARS: [(&str, CookieJar); 3] =
    [("user", CookieJar::User), ("iteration", CookieJar::Iteration), ("off", CookieJar::Off)];

impl FromNode for CookieJar {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match node.value {
            NodeValue::Bool(false) => Some(Self::Off),
            _ => word(node, "a choice for `cookies`", &JARS, out),
        }
    }

    fn expected() -> String {
        "a choice for `cookies`: `user` or `iteration` or `off`".to_owned()
    }

    fn example() -> &'static str {
        "iteration"
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "oneOf": [
            { "const": "user", "description": "Kept as long as the user lives, over its iterations." },
            { "const": "iteration", "description": "Forgotten when the iteration ends: each is a visitor of its own." },
            { "const": "off", "description": "Not kept, and none sent back." },
            { "const": false, "description": "The same as `off`." },
        ] })
    }
}

fn check_http(http: &HttpDefaults, keys: &Keys<'_>, out: &mut Diagnostics) {
    let is_agent = |name: &str| name.trim().eq_ignore_ascii_case("user-agent");
    let header = http.headers.iter().find(|(name, _)| is_agent(&name.value));
    if let (Some(agent), Some((name, _))) = (keys.span_of("user_agent"), header) {
        let message = "`user_agent` and the header `user-agent` say the same";
        let error = Diagnostic::error(codes::CLASH, name.span, message).other(agent, "`user_agent` here");
        out.push(error.help("remove one of them"));
    }
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
