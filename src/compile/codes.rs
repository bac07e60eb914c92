//! Stable codes of what can be wrong with a plan whose form is right. Lower ones belong to [`crate::plan`].

/// Nothing to run.
pub const NOTHING_TO_RUN: &str = "P100";
/// No target of that name, or none at all.
pub const UNKNOWN_TARGET: &str = "P101";
/// A request line that cannot be read.
pub const REQUEST_LINE: &str = "P102";
/// No endpoint of that name.
pub const UNKNOWN_ENDPOINT: &str = "P103";
/// A template that does not parse.
pub const TEMPLATE: &str = "P104";
/// A name no scope has.
pub const UNKNOWN_NAME: &str = "P105";
/// An expression that does not parse.
pub const EXPRESSION: &str = "P106";
/// A threshold that cannot be read.
pub const THRESHOLD: &str = "P107";
/// A secret without a value.
pub const SECRET: &str = "P108";
/// A data feed that cannot be used, or that nothing uses.
pub const DATA: &str = "P109";
/// A file of a body that cannot be used.
pub const BODY_FILE: &str = "P110";
/// A header that cannot be sent.
pub const HEADER: &str = "P111";
/// A URL that is no target.
pub const TARGET_URL: &str = "P112";
/// Two things of one name, or a reserved name.
pub const NAME: &str = "P113";
/// An auth rule that cannot work.
pub const AUTH: &str = "P114";
/// A value that cannot be computed before the run.
pub const VALUE: &str = "P115";
/// A threshold or endpoint that can never have data.
pub const UNREACHABLE: &str = "P116";
/// A credential written in the plan; a warning.
pub const CREDENTIAL: &str = "P117";
/// A baseline that is absent, or cannot be used; a warning where nothing is run.
pub const BASELINE: &str = "P118";
/// A body that cannot be sent as it is written.
pub const BODY: &str = "P120";
/// TLS settings that cannot be used, or weaken the run; the latter a warning.
pub const TLS: &str = "P121";
/// A place that a plan's report cannot have.
pub const REPORT_PATH: &str = "P122";
pub use crate::plan::codes::FILE_REFUSED;
/// A variable of the environment that a stranger's plan may not read.
pub const VARIABLE_REFUSED: &str = "P125";
/// A host that nothing may be sent to.
pub const TARGET_REFUSED: &str = "P126";
/// A file that `file()` names and that cannot be used.
pub const NAMED_FILE: &str = "P140";

/// Every code of this floor and what it stands for, in order.
pub const ALL: [(&str, &str); 26] = [
    (NOTHING_TO_RUN, "the plan has nothing to run"),
    (UNKNOWN_TARGET, "no target of that name"),
    (REQUEST_LINE, "the request line cannot be read"),
    (UNKNOWN_ENDPOINT, "no endpoint of that name"),
    (TEMPLATE, "a template cannot be read"),
    (UNKNOWN_NAME, "a name that can never have a value"),
    (EXPRESSION, "an expression cannot be read"),
    (THRESHOLD, "a threshold cannot be read"),
    (SECRET, "a secret has no value"),
    (DATA, "a data feed cannot be used, or nothing uses it"),
    (BODY_FILE, "a file of a body cannot be used"),
    (HEADER, "a header cannot be sent"),
    (TARGET_URL, "a URL is no target"),
    (NAME, "a name is taken or reserved"),
    (AUTH, "an auth rule cannot work"),
    (VALUE, "a value cannot be computed before the run"),
    (UNREACHABLE, "a threshold or endpoint can never have data"),
    (CREDENTIAL, "a credential is written in the plan"),
    (BASELINE, "a baseline is missing or cannot be used"),
    (BODY, "a body cannot be sent as it is written"),
    (TLS, "a TLS setting cannot work, or should not be meant"),
    (REPORT_PATH, "a report cannot go there"),
    (FILE_REFUSED, "a file that the plan may not read"),
    (VARIABLE_REFUSED, "a variable of the environment that the plan may not read"),
    (TARGET_REFUSED, "a host that the plan may not send to"),
    (NAMED_FILE, "a file named by `file()` cannot be used"),
];

/// An endpoint or flow nothing picks or uses.
pub const NEVER_RUNS: &str = "P200";
/// A time limit that can never be reached.
pub const LONG_TIMEOUT: &str = "P201";
/// A pause longer than the load.
pub const LONG_PAUSE: &str = "P202";
/// One header in two spellings.
pub const HEADER_TWICE: &str = "P203";
/// A threshold that another one makes pointless.
pub const POINTLESS_THRESHOLD: &str = "P204";
/// Expectations of which one never holds.
pub const NEVER_HOLDS: &str = "P205";
/// An `abort` that comes when the load is over.
pub const LATE_ABORT: &str = "P206";
/// A limit of 0 that follows from a baseline without failures.
pub const BELOW_NOTHING: &str = "P207";

/// Something said of a redirect, where redirects are followed.
pub const REDIRECT: &str = "P211";

/// Codes of warnings only: what is legal, and surely not meant.
pub const DOUBTS: [(&str, &str); 9] = [
    (NEVER_RUNS, "an endpoint or flow never runs"),
    (LONG_TIMEOUT, "a timeout is longer than the load"),
    (LONG_PAUSE, "a pause is longer than the load"),
    (HEADER_TWICE, "a header is written twice"),
    (POINTLESS_THRESHOLD, "a threshold adds nothing"),
    (NEVER_HOLDS, "an expectation can never hold"),
    (LATE_ABORT, "an abort comes too late"),
    (BELOW_NOTHING, "a limit may become 0, below which nothing is"),
    (REDIRECT, "a redirect is asked for and followed"),
];
