//! How users log in and what their requests carry, as written: the flow, its shorthands, what is added, when to
//! log in again. Must not resolve anything.

use super::{Entries, OneOrMany, Scalar, Step};
use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use crate::plan::codes;
use crate::plan::decode::{Definitions, FromNode, Keys, unit};
use crate::plan::node::Node;
use crate::units::parse_duration;
use std::time::Duration;

plan_keys! {
    /// How users log in, and what their requests carry.
    "the auth flow"
    pub struct Auth {
        /// Whether each user logs in, or the run once; `user` when absent.
        scope: Option<Located<AuthScope>>,
        /// The steps that log in; what they capture is `auth.NAME` everywhere.
        steps: Vec<Step>,
        /// Token of the header `authorization: Bearer …`; short for `apply`.
        bearer: Option<Located<Scalar>>,
        /// User name and password of the header `authorization: Basic …`; short for `apply`.
        basic: Option<BasicAuth>,
        /// A key in a header or in the query; short for `apply`.
        api_key: Option<ApiKey>,
        /// A token by client credentials; short for `steps`, `apply` and `refresh`.
        oauth2: Option<OAuth2>,
        /// What is added to every request.
        apply: Option<AuthApply>,
        /// When to log in again.
        refresh: Option<AuthRefresh>,
    }
    rules one_login
}

const SAME_HEADER: &str = "both set the header `authorization`: keep one of them";

fn one_login(keys: &Keys<'_>, out: &mut Diagnostics) {
    keys.clash("bearer", "basic", SAME_HEADER, out);
    keys.clash("bearer", "oauth2", SAME_HEADER, out);
    keys.clash("basic", "oauth2", SAME_HEADER, out);
    keys.clash("steps", "oauth2", "both log in: keep one of them", out);
    const HELP: &str =
        "write `bearer:`, `basic:`, `api_key:` or `oauth2:`, or `steps:` with the request that logs in";
    let entries = keys.node().as_map().unwrap_or_default();
    if keys.is_empty_list("steps") {
        keys.required("steps", "`auth`", HELP, out);
    } else if entries.iter().all(|(key, value)| match key.value.as_str() {
        "scope" | "refresh" => true,
        "apply" => value.as_map().is_some_and(<[_]>::is_empty),
        _ => false,
    }) {
        // Any other key is one that does something, or is misspelt, which is said already.
        let error =
            Diagnostic::error(codes::MISSING_KEY, keys.span(), "this `auth` says nothing to log in with");
        out.push(error.help(HELP));
    }
}

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
    /// HTTP Basic authentication.
    "basic auth"
    pub struct BasicAuth {
        /// User name; may be a template.
        username: Located<Scalar>,
        /// Password; a template such as `{{ secrets.password }}`.
        password: Located<Scalar>,
    }
}

plan_keys! {
    /// An API key.
    "an API key"
    pub struct ApiKey {
        /// The key; a template such as `{{ secrets.api_key }}`.
        value: Located<Scalar>,
        /// Name of the header it is sent in.
        header: Option<Located<String>>,
        /// Name of the query parameter it is sent in.
        query: Option<Located<String>>,
    }
    rules one_place
}

fn one_place(keys: &Keys<'_>, out: &mut Diagnostics) {
    keys.clash("header", "query", "a key is sent in one place: remove one of them", out);
    if !keys.may_mean("header") && !keys.may_mean("query") {
        let message = "an API key needs `header` or `query`, the name it is sent under";
        let error = Diagnostic::error(codes::MISSING_KEY, keys.span(), message).label("neither is here");
        out.push(error.help("write for example `{ header: X-API-Key, value: \"{{ secrets.api_key }}\" }`"));
    }
}

plan_keys! {
    /// OAuth 2.0 with client credentials (RFC 6749, section 4.4).
    "an OAuth 2.0 client"
    pub struct OAuth2 {
        /// Where tokens are given: a URL, or `[target:]/path`; may be a template over `env`, `secrets` and variables.
        token_url: Located<String>,
        /// Name of the client; may be a template.
        client_id: Located<Scalar>,
        /// Its secret; a template such as `{{ secrets.client_secret }}`.
        client_secret: Located<Scalar>,
        /// Scopes asked for: a list, or a text with a space between two.
        scope: Option<OneOrMany<Located<Scalar>>>,
        /// Where the client's name and secret are sent; `basic` when absent.
        client_auth: Option<Located<ClientAuth>>,
        /// More form fields that the service wants, such as `audience`.
        params: Entries<Located<Scalar>>,
    }
}

plan_words! {
    /// Where a client's name and secret are sent.
    "a place for the client's credentials"
    pub enum ClientAuth {
        /// In the header `authorization: Basic …`.
        Basic = "basic",
        /// In the form, as `client_id` and `client_secret`.
        Body = "body",
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
        /// Cookies, joined with those of the request itself.
        cookies: Entries<Located<Scalar>>,
    }
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
