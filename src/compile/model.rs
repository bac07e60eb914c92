//! The plan compiled: resolved, interned, immutable, shared by all workers. No text here is looked up again
//! while running.

mod reports;
mod step;
mod threshold;

pub use reports::{ReportPlace, Reports};
pub use step::{Poll, Rounds, Step};
pub use threshold::{BaselineFile, Place, ScopedThreshold, TagScope, ThresholdScope};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, Method, Uri};
use minijinja::Value;

use crate::body::{Body, Pairs};
use crate::data::Feed;
use crate::expect::{Check, Needs};
use crate::http::{AllowedHost, LookUps, Target, TlsSettings};
use crate::load::{Load, Pause};
use crate::mask::Masker;
use crate::metric::{SeriesId, SeriesKind};
use crate::template::{Expr, Names, SlotId, Text};

/// A plan, ready to run.
#[derive(Debug)]
pub struct CompiledPlan {
    /// What reports say about the plan.
    pub info: Info,
    /// Base URLs.
    pub targets: Box<[Target]>,
    /// Addresses connections are made from, in turn; the system chooses when empty.
    pub local_addresses: Arc<[IpAddr]>,
    /// Hosts that the command line allows: the only ones whose link-local addresses are connected to.
    pub allowed_hosts: Arc<[AllowedHost]>,
    /// When the names of targets are looked up again.
    pub look_ups: LookUps,
    /// Whom HTTPS connections trust, and what they show.
    pub tls: TlsSettings,
    /// Reports that every run writes; `None` when the plan says nothing of them.
    pub reports: Option<Reports>,
    /// Whether connections are used again.
    pub keep_alive: bool,
    /// Most memory of what one user's answers are made into, and of what it remembers of them: bytes each.
    pub max_values: usize,
    /// Labels of all of them.
    pub tags: BTreeMap<String, String>,
    /// Rows.
    pub series: Box<[SeriesInfo]>,
    /// What must answer before the load starts.
    pub ready: Option<Ready>,
    /// Groups of users; never empty.
    pub scenarios: Box<[Scenario]>,
    /// All thresholds.
    pub thresholds: Box<[ScopedThreshold]>,
    /// The earlier run that thresholds are relative to.
    pub baseline: Option<BaselineFile>,
    /// Factor of `grading.tolerance`.
    pub tolerance: Option<f64>,
    /// Names of all scopes.
    pub names: Arc<Names>,
    /// Values every user starts with.
    pub initial: Vec<(SlotId, Value)>,
    /// Slot of `user`.
    pub user: SlotId,
    /// Slot of `run`.
    pub run: SlotId,
    /// Slot of `repeat`.
    pub repeat: SlotId,
    /// Data feeds.
    pub feeds: Box<[FeedUse]>,
    /// Hides the plan's secrets.
    pub masker: Masker,
}

impl CompiledPlan {
    /// The most users there may be at once.
    pub fn peak_users(&self) -> u64 {
        self.scenarios.iter().map(|scenario| u64::from(scenario.load.peak())).sum()
    }

    /// Users that closed loads want at `at` after the start of the run.
    pub fn target_users(&self, at: Duration) -> u64 {
        let wanted =
            |s: &Scenario| at.checked_sub(s.start_after).map_or(0, |at| u64::from(s.load.target(at)));
        self.scenarios.iter().map(wanted).sum()
    }

    /// How long the load is planned to take; `None` when that depends on how fast the target answers.
    pub fn planned(&self) -> Option<Duration> {
        self.scenarios
            .iter()
            .try_fold(Duration::ZERO, |longest, s| Some(longest.max(s.start_after + s.load.planned()?)))
    }

    /// Where the measured part begins: the earliest end of a warm-up.
    pub fn measured_from(&self) -> Duration {
        self.scenarios
            .iter()
            .map(|s| s.start_after + s.warmup)
            .filter(|_| self.has_warmup())
            .min()
            .unwrap_or_default()
    }

    /// Whether any scenario warms up.
    pub fn has_warmup(&self) -> bool {
        self.scenarios.iter().any(|s| !s.warmup.is_zero())
    }

    /// Whether any scenario has users over time.
    pub fn has_looping_users(&self) -> bool {
        self.scenarios.iter().any(|s| matches!(s.load, Load::Users(_)))
    }

    /// Whether any scenario has arrivals.
    pub fn is_open(&self) -> bool {
        self.scenarios.iter().any(|s| s.load.arrivals().is_some())
    }
}

/// A group of users with its requests, login, pauses and load.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Name.
    pub name: String,
    /// What an iteration can be.
    pub entries: Box<[Entry]>,
    /// Running sums of the entries' weights.
    pub weights: Box<[f64]>,
    /// The auth flow.
    pub auth: Option<Auth>,
    /// Pause between iterations.
    pub think: Option<Pause>,
    /// Shortest time from the start of an iteration to the next.
    pub pacing: Option<Duration>,
    /// Users over time, or arrivals.
    pub load: Load,
    /// How long after the start of the run it begins.
    pub start_after: Duration,
    /// How long at its start requests count in rows of their own.
    pub warmup: Duration,
    /// Values its users start with instead of the plan's, or besides them.
    pub initial: Box<[(SlotId, Value)]>,
    /// Feeds of which each iteration takes a row; indices in [`CompiledPlan::feeds`].
    pub row_per_iteration: Box<[usize]>,
    /// Feeds of which each user has a row, and the position of the first user's.
    pub row_per_user: Box<[(usize, u64)]>,
    /// Whether requests take rows of their own.
    pub has_request_rows: bool,
    /// Whether each iteration begins without the cookies of the one before; those of a login stay.
    pub forgets_cookies: bool,
    /// How long running iterations may go on at the end.
    pub graceful_stop: Duration,
    /// `user.id` of its first user: no two users of a run share one.
    pub user_base: u64,
}

/// What reports say about the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    /// `name`, else the file's name.
    pub name: String,
    /// `description`.
    pub description: Option<String>,
    /// Path as given.
    pub file: String,
    /// SHA-256 of the file and those it includes, hex.
    pub sha256: String,
    /// `--profile`.
    pub profile: Option<String>,
    /// The plan after profile and overrides, secrets masked.
    pub effective: serde_json::Value,
    /// Files that were read for the run: no report may take their place.
    pub inputs: Box<[PathBuf]>,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesInfo {
    /// Name.
    pub name: String,
    /// What it is about.
    pub kind: SeriesKind,
    /// Method, where there is one.
    pub method: Option<Method>,
    /// Index of its scenario.
    pub scenario: usize,
    /// Its labels, the plan's among them.
    pub tags: BTreeMap<String, String>,
    /// The row of its warm-up, when there is one.
    pub warmup: Option<SeriesId>,
    /// Of a warm-up's row: the row it belongs to.
    pub measured: Option<SeriesId>,
}

/// What must answer before the load starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// How long to wait.
    pub timeout: Duration,
    /// Pause between tries.
    pub interval: Duration,
    /// The checks.
    pub checks: Box<[Request]>,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its row.
    pub series: SeriesId,
    /// Index in [`CompiledPlan::targets`].
    pub target: usize,
    /// Method.
    pub method: Method,
    /// Path and query.
    pub uri: UriPlan,
    /// Headers that are the same every time, `host` among them.
    pub headers: HeaderMap,
    /// Headers that are rendered per request.
    pub computed_headers: Box<[(HeaderName, Text)]>,
    /// Cookies it writes itself.
    pub cookies: Box<[(String, Text)]>,
    /// Whose cookies it sends back, and who keeps those of its answers.
    pub jar: JarUse,
    /// Body.
    pub body: Body,
    /// Whether `auth` applies.
    pub auth: bool,
    /// Time limit of the whole answer.
    pub timeout: Duration,
    /// Redirects that are followed, at most; 0 for none.
    pub redirects: u16,
    /// Expectations, in order.
    pub checks: Box<[Check]>,
    /// What is remembered.
    pub captures: Box<[Capture]>,
    /// Parts of the response all of these need, and those that are kept.
    pub needs: Needs,
    /// Parts of the response that later steps of its flow look at.
    pub kept: Needs,
    /// Feeds of which it takes a row; indices in [`CompiledPlan::feeds`].
    pub rows: Box<[usize]>,
}

/// Whose cookies a request has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JarUse {
    /// Nobody's.
    None,
    /// Its user's.
    User,
    /// Its user's and those of the login it carries.
    UserAndLogin,
    /// Those of the login it is a step of.
    Login,
}

/// Path and query.
#[derive(Debug, Clone, PartialEq)]
pub enum UriPlan {
    /// The same every time.
    Static(Uri),
    /// Rendered per request; `path` starts with the target's prefix.
    Computed {
        /// Path, maybe with a query.
        path: Text,
        /// Query pairs to append.
        query: Pairs,
    },
}

/// A value to remember.
#[derive(Debug, Clone, PartialEq)]
pub struct Capture {
    /// Its name: in scope, or below `auth`.
    pub name: Arc<str>,
    /// Its slot; `None` in auth steps, whose values live below `auth`.
    pub slot: Option<SlotId>,
    /// Where it is found.
    pub expr: Expr,
    /// Parts of the response it needs.
    pub needs: Needs,
}

/// The auth flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Auth {
    /// One login for the whole run instead of one a user.
    pub shared: bool,
    /// The login; empty when what is added needs no request.
    pub steps: Box<[Request]>,
    /// Who asks for a token, in `oauth2`.
    pub client: Option<Client>,
    /// Slot of `auth`.
    pub slot: SlotId,
    /// What shorthands add to requests.
    pub credentials: Box<[Credential]>,
    /// Headers added to requests.
    pub headers: Box<[(HeaderName, Text)]>,
    /// Query pairs added to requests.
    pub query: Pairs,
    /// Cookies added to requests.
    pub cookies: Box<[(String, Text)]>,
    /// When a login is renewed.
    pub renewal: Renewal,
    /// Statuses that renew it.
    pub refresh_on: Box<[u16]>,
}

/// A client of OAuth 2.0, known to its token request by a header that `slot` holds the value of.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Slot of what follows `Basic `.
    pub slot: SlotId,
    /// Its name.
    pub id: Text,
    /// Its secret.
    pub secret: Text,
}

/// What a shorthand adds to every request: rendered once a login, and never shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Credential {
    /// `authorization: Bearer …`
    Bearer(Text),
    /// `authorization: Basic …`
    Basic {
        /// Without `:`.
        username: Text,
        /// Any text.
        password: Text,
    },
    /// A header.
    Header(HeaderName, Text),
    /// A query parameter.
    Query(Box<str>, Text),
}

/// Age at which a login is renewed.
#[derive(Debug, Clone, PartialEq)]
pub enum Renewal {
    /// Whatever its age.
    Never,
    /// The text renders to a duration.
    After(Text),
    /// As the answer's `expires_in` says; never when it says nothing.
    ByExpiry,
}

/// What an iteration can be.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// One request.
    Endpoint(Box<Request>),
    /// Several steps.
    Flow {
        /// Row of the whole flow.
        series: SeriesId,
        /// The steps.
        steps: Box<[Step]>,
    },
}

/// A data feed in use.
#[derive(Debug, Clone)]
pub struct FeedUse {
    /// Slot of its row.
    pub slot: SlotId,
    /// Name in the plan.
    pub name: String,
    /// The rows.
    pub feed: Arc<Feed>,
    /// Who has a row of its own.
    pub per: Per,
    /// Which row comes next.
    pub order: crate::data::Order,
    /// What comes after the last.
    pub on_end: crate::data::OnEnd,
    /// Whether there must be a row for everyone who takes one.
    pub must_suffice: bool,
}

/// Who has a row of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// An iteration.
    Iteration,
    /// A user, for its whole life.
    User,
    /// A request that uses the feed.
    Request,
}
