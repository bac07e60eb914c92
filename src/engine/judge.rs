//! Is the answer what the plan expects? And what a report shows when it is not.

use std::sync::Arc;

use bytes::Bytes;
use minijinja::Value;

use crate::compile::model::Request;
use crate::expect::{Needs, Response, Unmet, Unreadable, too_large};
use crate::failure::Failure;
use crate::http::Reply;
use crate::mask::Masker;
use crate::metric::{Checks, Described, SeriesId, SeriesKind};
use crate::template::{EvalError, SlotId, compact, memory_of};

use super::in_flight::Held;
use super::login::Login;
use super::send::Sent;
use super::user::User;

/// Bytes of a value or message shown.
const MESSAGE_LIMIT: usize = 200;
/// Bytes of a body shown.
const BODY_SHOWN: usize = 1000;

/// Why a request is not simply done.
#[derive(Debug)]
pub(super) enum Problem {
    /// It failed; with words that are not masked yet.
    Failed(Failure, String),
    /// Its status asks for a new login and one more try; the answer, once it is measured.
    NeedsLogin(Option<Held>),
}

impl Problem {
    pub(super) fn kind(&self) -> Failure {
        match self {
            Self::Failed(kind, _) => *kind,
            Self::NeedsLogin(_) => Failure::Status,
        }
    }
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub status: u16,
    pub body: Bytes,
}

impl User {
    /// Checks expectations, then captures. `checks` becomes how many held, unless none was looked at.
    pub(super) fn judge(
        &mut self,
        request: &Request,
        reply: &Reply,
        latency_us: u32,
        may_renew: bool,
        checks: &mut Checks,
    ) -> Result<(), Problem> {
        if may_renew && self.asks_for_login(request, reply.status) {
            return Err(Problem::NeedsLogin(None));
        }
        let body = (&reply.body, reply.size);
        let limit = self.local.shared.plan.max_values;
        let mut response = Response::new(reply.status, &reply.headers, body, latency_us, limit);
        *checks = Checks::default();
        let mut done = self.check(request, &mut response, checks);
        if done.is_ok() {
            done = self.capture(request, &mut response);
        }
        let later = if done.is_ok() { request.kept } else { Needs::default() };
        response.release(later, &self.scope);
        if done.is_ok() && !later.is_empty() {
            done = response.keep(later, &self.scope).map_err(unreadable);
        }
        done
    }

    fn check(
        &self,
        request: &Request,
        response: &mut Response<'_>,
        checks: &mut Checks,
    ) -> Result<(), Problem> {
        let mut first_unmet = None;
        // All of them even after one that does not hold: each counts in `checks`.
        for check in &request.checks {
            match check.run(response, &self.scope) {
                Ok(()) => checks.held += 1,
                Err(unmet) => {
                    checks.failed += 1;
                    first_unmet.get_or_insert((unmet, check.is_default()));
                }
            }
        }
        let Some((unmet, is_default)) = first_unmet else { return Ok(()) };
        let (kind, words) = match unmet {
            Unmet::False(words) if is_default => (Failure::Status, words),
            Unmet::False(words) | Unmet::Eval(words) => (Failure::Expect, words),
            Unmet::Decode(words) => (Failure::Decode, words),
            Unmet::TooLarge(words) => (Failure::BodyTooLarge, words),
        };
        Err(Problem::Failed(kind, words))
    }

    fn capture(&mut self, request: &Request, response: &mut Response<'_>) -> Result<(), Problem> {
        for capture in &request.captures {
            response.fill(capture.needs, &self.scope).map_err(unreadable)?;
            let missing = |why: String| Problem::Failed(Failure::Capture, format!("{}: {why}", capture.name));
            let value = match capture.expr.eval_bounded(&self.scope) {
                Ok(value) if value.is_undefined() => {
                    return Err(missing(format!("`{}` is not in the response", capture.expr.source())));
                }
                Ok(value) => compact(value),
                Err(EvalError::NotJson(words)) => return Err(unreadable(response.not_json(&words))),
                Err(EvalError::TooLarge(limit)) => return Err(unreadable(too_large(&capture.name, limit))),
                Err(error) => return Err(missing(error.to_string())),
            };
            self.remember(&capture.name, capture.slot, value).map_err(unreadable)?;
        }
        Ok(())
    }

    /// Keeps a value under a name: of this user, or of its login.
    pub(super) fn remember(
        &mut self,
        name: &Arc<str>,
        slot: Option<SlotId>,
        value: Value,
    ) -> Result<(), Unreadable> {
        let (bytes, limit) = (memory_of(&value), self.local.shared.plan.max_values);
        if self.remembered.replace(slot, bytes) > limit {
            self.remembered.replace(slot, 0);
            return Err(too_large(&format!("`{name}`, with what is remembered already,"), limit));
        }
        match slot {
            Some(slot) => self.scope.set(slot, value),
            None => self.keep_auth_value(name, value),
        }
        Ok(())
    }

    /// Whether an answer of this status means that the login is over.
    pub(super) fn asks_for_login(&self, request: &Request, status: u16) -> bool {
        request.auth && self.plan().auth.as_ref().is_some_and(|auth| auth.refresh_on.contains(&status))
    }

    /// Puts a failure's words into the recorder, masked and cut.
    pub(super) fn describe(
        &self,
        request: &Request,
        row: SeriesId,
        problem: &Problem,
        sent: Option<Sent>,
        seen: Seen,
    ) {
        let Problem::Failed(kind, words) = problem else { return };
        let is_auth = self.local.shared.plan.series[request.series.0 as usize].kind == SeriesKind::Auth;
        let words = if is_auth { without_value(words) } else { words };
        let local = &self.local;
        let failure = Described { series: row, kind: *kind, at_us: local.at_us(), words };
        let target_name = |index: usize| local.shared.plan.targets[index].name.as_str();
        let message = || self.hide(words.as_bytes(), MESSAGE_LIMIT);
        local.recorder.borrow_mut().describe(failure, message, || {
            let (line, body) = match &sent {
                Some(sent) => {
                    let uri = sent.shown_uri(request);
                    (format!("{} {}:{uri}", sent.method, target_name(sent.target)), sent.body.clone())
                }
                None => {
                    (format!("{} {}: not sent", request.method, target_name(request.target)), Bytes::new())
                }
            };
            let mut shown = self.hide(line.as_bytes(), BODY_SHOWN);
            if is_auth {
                // Its bodies hold credentials and tokens nobody has named yet.
                let why = oauth2_error(&seen.body).map_or(String::new(), |error| format!(" {error}"));
                return (
                    shown,
                    (seen.status != 0)
                        .then(|| format!("{}{why} (body of an auth request, not shown)", seen.status)),
                );
            }
            if !body.is_empty() {
                shown = format!("{shown}\n{}", self.hide(&body, BODY_SHOWN));
            }
            let response = (seen.status != 0).then(|| {
                format!("{} {}", seen.status, self.hide(&seen.body, BODY_SHOWN)).trim_end().to_owned()
            });
            (shown, response)
        });
    }

    /// A message for a report.
    pub(super) fn hide_message(&self, words: &str) -> String {
        self.hide(words.as_bytes(), MESSAGE_LIMIT)
    }

    /// Text for a report: the plan's secrets, this user's login and its cookies hidden, then cut.
    pub(super) fn hide(&self, bytes: &[u8], limit: usize) -> String {
        let of_cookies: Vec<_> = self.cookie_maskers().collect();
        let of_login = self.login.as_ref().map(Login::masker);
        let plans = [&self.local.shared.plan.masker];
        let all: Vec<_> = plans.into_iter().chain(of_login).chain(of_cookies.iter().map(|m| &**m)).collect();
        Masker::mask_bytes_with(&all, bytes, limit)
    }
}

fn unreadable(unreadable: Unreadable) -> Problem {
    match unreadable {
        Unreadable::Decode(words) => Problem::Failed(Failure::Decode, words),
        Unreadable::TooLarge(words) => Problem::Failed(Failure::BodyTooLarge, words),
    }
}

/// What a token service says is wrong, when it is one of the standard's words (RFC 6749, section 5.2).
fn oauth2_error(body: &[u8]) -> Option<&'static str> {
    const WORDS: [&str; 6] = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ];
    /// Such an answer is short.
    const MOST: usize = 16 << 10;
    let text = std::str::from_utf8(body.get(..MOST).unwrap_or(body)).ok()?;
    let (_, rest) = text.split_once("\"error\"")?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    WORDS.into_iter().find(|word| value.strip_prefix(word).is_some_and(|rest| rest.starts_with('"')))
}

/// Of what an auth step expected only the expression, and the value seen when that is a status: any other may be
/// a token.
pub(super) fn without_value(words: &str) -> &str {
    match words.split_once(" — got ") {
        Some((_, seen)) if seen.len() <= 3 && seen.bytes().all(|byte| byte.is_ascii_digit()) => words,
        Some((expected, _)) => expected,
        None => words,
    }
}
