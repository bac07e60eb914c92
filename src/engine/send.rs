//! One request of one user: build it, send it on the user's connection, judge the answer, record it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use http_body_util::Full;

use crate::body::{Body, NO_LENGTH, expects_body, in_ascii, render_path};
use crate::compile::model::{Request, UriPlan};
use crate::failure::Failure;
use crate::http::{Connection, ExchangeError, Keep, Reply, Timing, shown_location};
use crate::mask::is_sensitive_parameter;
use crate::metric::{Checks, Outcome, Sample, SeriesId};
use crate::template::{EvalError, Scope, Text, with_rng};

use super::in_flight::{Held, InFlight};
use super::judge::{Problem, Seen};
use super::redirect::{leads_on, rendered_headers};
use super::trace::Kept;
use super::user::User;

pub(super) type HttpRequest = http::Request<Full<Bytes>>;

/// What a report shows of a request.
pub(super) struct Sent {
    pub method: Method,
    /// Index of the target.
    pub target: usize,
    /// `None` for the plan's own static path.
    pub uri: Option<Uri>,
    pub body: Bytes,
    /// Its header `host`; `None` for the one the plan has fixed. In a box, as it is rare.
    pub host: Option<Box<HeaderValue>>,
    /// Headers that were rendered for it, for a redirect to send them as they were.
    pub rendered: Box<[(HeaderName, HeaderValue)]>,
    /// An answer led there: its path and query are the target's words.
    pub is_hop: bool,
}

impl Sent {
    /// Path and query, the plan's own where it is static.
    pub(super) fn uri_of<'s>(&'s self, request: &'s Request) -> Option<&'s Uri> {
        match (&self.uri, &request.uri) {
            (Some(uri), _) | (None, UriPlan::Static(uri)) => Some(uri),
            (None, UriPlan::Computed { .. }) => None,
        }
    }

    /// Path and query for people. What a target puts into a redirect may hold credentials that nobody has named.
    pub(super) fn shown_uri(&self, request: &Request) -> String {
        let uri = self.uri_of(request).map_or_else(String::new, ToString::to_string);
        if self.is_hop { shown_location(uri.as_bytes(), is_sensitive_parameter) } else { uri }
    }
}

/// What one attempt took.
pub(super) struct Attempt {
    pub row: SeriesId,
    /// Index of the target.
    pub target: usize,
    begun: Instant,
    timing: Timing,
    ended: Instant,
    new_connection: bool,
    /// The answer came before the whole request was written.
    pub cut_short: bool,
    /// What was sent, when somebody looks.
    pub kept: Option<Box<Kept>>,
}

impl Attempt {
    pub(super) fn new(row: SeriesId, target: usize, ready: Instant, begun: Instant) -> Self {
        let timing = Timing::starting(ready);
        Self { row, target, begun, timing, ended: begun, new_connection: false, cut_short: false, kept: None }
    }

    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    /// Its latency, µs, and its sample.
    pub(super) fn measured(&self, connection: Option<&Connection>, status: u16) -> Sample {
        let times = connection.map(Connection::times);
        let (latency_us, phases) = self.timing.finish(self.ended, times);
        let (bytes_in, bytes_out) = times.map_or((0, 0), |times| times.bytes());
        let new_connection = self.new_connection;
        Sample {
            status,
            phases,
            bytes_in,
            bytes_out,
            new_connection,
            ..Sample::bare(self.row, Outcome::Ok, latency_us)
        }
    }
}

impl User {
    /// Sends one request and records it; once more after a new login when the status asks for one.
    pub async fn send(&mut self, request: &Request, mut now: Instant) -> Result<(), Failure> {
        if !request.rows.is_empty() {
            if !self.take_request_rows(request) {
                // Nothing is sent and nothing is recorded: the user ends.
                return Err(Failure::Template);
            }
            now = Instant::now();
        }
        if request.auth && self.is_login_due() {
            // A renewal that fails is in its row; the old login may still do. In a box for its size.
            Box::pin(self.log_in()).await;
            now = Instant::now();
        }
        let first = self.send_once(request, now, true).await;
        let held = match first {
            Err(Problem::NeedsLogin(Some(held))) => held,
            other => return other.map_err(|problem| problem.kind()),
        };
        if !Box::pin(self.log_in()).await {
            return Err(Failure::Status);
        }
        held.renewed();
        self.send_once(request, Instant::now(), false).await.map_err(|problem| problem.kind())
    }

    /// One request, one sample. With `may_renew` a status that asks for a new login is reported as such.
    pub(super) async fn send_once(
        &mut self,
        request: &Request,
        begun: Instant,
        may_renew: bool,
    ) -> Result<(), Problem> {
        // In an open model the first request of an iteration was due when its arrival was.
        let ready = self.intended.take().unwrap_or(begun);
        let row = self.row(request.series, ready);
        let mut in_flight = InFlight::new(self.local.clone(), row, ready, begun);
        in_flight.expect(request.checks.len());
        let mut slot = None;
        match self.build(request, &mut slot) {
            Err(error) => {
                in_flight.disarm();
                self.record_unsent(request, row, ready, &error)
            }
            Ok(mut sent) => {
                self.attempts.set(self.attempts.get() + 1);
                self.deadline.set(begun + request.timeout);
                let mut attempt = Attempt::new(row, request.target, ready, begun);
                self.add_cookies_to(request, &sent, &mut slot);
                let mut result = self.attempt(request, &mut slot, &mut attempt).await;
                if request.redirects > 0 && matches!(&result, Ok(reply) if leads_on(reply.status)) {
                    // In a box, as all that is rare: it would make every request's future large to move.
                    result = match result {
                        Ok(reply) => {
                            let on_the_way = (&mut attempt, &mut sent, &mut in_flight);
                            Box::pin(self.follow(request, reply, may_renew, on_the_way)).await
                        }
                        failed => failed,
                    };
                }
                self.deadline.clear();
                in_flight.disarm();
                self.finish(request, &attempt, result, sent, may_renew)
            }
        }
    }

    /// Puts the request into `slot`; what a report shows of it is cheap, its parts are shared.
    fn build(&mut self, request: &Request, slot: &mut Option<HttpRequest>) -> Result<Sent, EvalError> {
        let body = self.render_body(request)?;
        let built = slot.insert(http::Request::new(Full::new(body.clone())));
        *built.method_mut() = request.method.clone();
        *built.uri_mut() = self.uri(request)?;
        *built.headers_mut() = self.headers_of(request);
        if !request.computed_headers.is_empty() {
            let (rng, scope) = (&mut self.rng, &self.scope);
            with_rng(rng, || computed_headers(&request.computed_headers, scope, built.headers_mut()))?;
        }
        if request.auth
            && let Some(login) = &self.login
        {
            login.add_headers(built.headers_mut());
        }
        if let Some(kind) = request.body.content_type(&body) {
            built.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        if !request.cookies.is_empty() {
            self.add_written_cookies(request, built.headers_mut())?;
        }
        if body.is_empty() && !request.body.is_fixed() && expects_body(&request.method) {
            built.headers_mut().insert(header::CONTENT_LENGTH, NO_LENGTH);
        }
        let uri = if let UriPlan::Static(_) = request.uri { None } else { Some(built.uri().clone()) };
        let computes_host = request.computed_headers.iter().any(|(name, _)| *name == header::HOST);
        let host = computes_host.then(|| built.headers().get(header::HOST).cloned().map(Box::new)).flatten();
        let rendered = rendered_headers(request, built.headers());
        let (method, target) = (request.method.clone(), request.target);
        Ok(Sent { method, target, uri, body, host, rendered, is_hop: false })
    }

    /// Adds the cookies that answers have set to the request in `slot`.
    pub(super) fn add_cookies_to(&self, request: &Request, sent: &Sent, slot: &mut Option<HttpRequest>) {
        if let Some(built) = slot {
            self.add_kept_cookies(request, sent, built.headers_mut());
        }
    }

    /// The request's fixed headers in the map the last answer came in: hyper passes it on from request to answer,
    /// so that from the second request on no header map is allocated or grown.
    fn headers_of(&mut self, request: &Request) -> HeaderMap {
        let mut headers = std::mem::take(&mut self.spare_headers);
        for (name, value) in &request.headers {
            headers.append(name, value.clone());
        }
        headers
    }

    fn render_body(&mut self, request: &Request) -> Result<Bytes, EvalError> {
        let (rng, scope) = (&mut self.rng, &self.scope);
        match &request.body {
            Body::Empty => Ok(Bytes::new()),
            Body::Static(bytes) => Ok(bytes.clone()),
            body => with_rng(rng, || body.render(scope)),
        }
    }

    fn uri(&mut self, request: &Request) -> Result<Uri, EvalError> {
        let added = self.login.as_ref().filter(|_| request.auth).map_or("", |login| login.query());
        let (rng, scope) = (&mut self.rng, &self.scope);
        let mut text = match &request.uri {
            UriPlan::Static(uri) if added.is_empty() => return Ok(uri.clone()),
            UriPlan::Static(uri) => uri.to_string(),
            UriPlan::Computed { path, query } => {
                let mut text = String::new();
                with_rng(rng, || {
                    render_path(path, scope, &mut text)?;
                    let before = if text.contains('?') { "&" } else { "?" };
                    query.render_into(scope, before, &mut text)
                })?;
                text
            }
        };
        if !added.is_empty() {
            text.push(if text.contains('?') { '&' } else { '?' });
            text.push_str(added);
        }
        in_ascii(text).parse().map_err(|_| EvalError::Other {
            expression: "the request's path".into(),
            message: "does not render to a URL path".into(),
        })
    }

    /// Sends on the user's connection, or on a new one; once more when a connection that the target had
    /// closed hands the request back unsent.
    pub(super) async fn attempt(
        &mut self,
        request: &Request,
        slot: &mut Option<HttpRequest>,
        attempt: &mut Attempt,
    ) -> Result<Reply, ExchangeError> {
        let is_traced = self.is_traced();
        let keep = if request.needs.keeps_body() || is_traced { Keep::Body } else { Keep::Nothing };
        if is_traced {
            attempt.kept = Some(Kept::of(slot.as_ref()));
        }
        let target = attempt.target;
        let mut resent = false;
        loop {
            let usable = match &mut self.connections[target] {
                Some(connection) => connection.is_usable(attempt.begun, &mut self.deadline).await,
                None => false,
            };
            if !usable {
                if let Some(error) = self.unasked(target) {
                    attempt.ended = Instant::now();
                    return Err(error);
                }
                attempt.new_connection = true;
                // In a box: a rare and large future would make every request's future large to move.
                let connected = Box::pin(self.connect(target, &mut attempt.timing)).await;
                attempt.ended = Instant::now();
                connected?;
            }
            let Some(connection) = &mut self.connections[target] else {
                return Err(ExchangeError::new(Failure::ConnectReset, "the connection is gone"));
            };
            self.has_sent = true;
            let result = connection.exchange(slot, keep, &mut self.deadline).await;
            attempt.ended = if result.is_ok() { connection.times().read_until() } else { Instant::now() };
            match result {
                Err(_) if slot.is_some() && !resent => {
                    if let Some(error) = self.unasked(target) {
                        return Err(error);
                    }
                    resent = true;
                    self.local.recorder.borrow_mut().resent += 1;
                    self.connections[target] = None;
                }
                result => {
                    connection.rest(attempt.ended);
                    attempt.cut_short = connection.times().is_cut_short();
                    self.asked_by[target] = Some(attempt.row);
                    return result;
                }
            }
        }
    }

    /// Opens a connection within the request's time limit.
    async fn connect(&mut self, target: usize, timing: &mut Timing) -> Result<(), ExchangeError> {
        self.connections[target] = None;
        self.asked_by[target] = None;
        let local = self.local.clone();
        let (base, addresses) = (&local.shared.plan.targets[target], &local.addresses[target]);
        let visitor = &mut self.visitors[target];
        let stream = local.connector.open(base, addresses, visitor, timing, &mut self.deadline).await;
        let stream = stream.inspect_err(|_| {
            // The plan leads where nothing may be sent: that is no failure of a target.
            local.connector.refusal().iter().for_each(|why| local.shared.refuse(why));
        })?;
        let connection = Connection::new(stream).await?;
        connection.count_floods(&local.flooded[target]);
        self.connections[target] = Some(connection);
        Ok(())
    }

    fn record_unsent(
        &mut self,
        request: &Request,
        row: SeriesId,
        ready: Instant,
        error: &EvalError,
    ) -> Result<(), Problem> {
        let (latency_us, _) = Timing::starting(ready).finish(Instant::now(), None);
        let problem = Problem::Failed(Failure::Template, error.to_string());
        let checks = Checks::all_failed(request.checks.len());
        let sample = Sample::bare(row, Outcome::Failed(Failure::Template), latency_us);
        self.record(Sample { checks, ..sample });
        self.describe(request, row, &problem, None, Seen::default());
        self.trace_problem(request.series, Failure::Template, &error.to_string());
        Err(problem)
    }

    fn finish(
        &mut self,
        request: &Request,
        attempt: &Attempt,
        result: Result<Reply, ExchangeError>,
        sent: Sent,
        may_renew: bool,
    ) -> Result<(), Problem> {
        let connection = self.connections[attempt.target].as_ref();
        let mut sample = attempt.measured(connection, 0);
        // None holds of an answer that never came.
        sample.checks = Checks::all_failed(request.checks.len());
        let (judged, seen) = match result {
            Ok(reply) => {
                // Before anything is told of the answer, so that what it sets is hidden.
                self.keep_cookies(request, &sent, &reply.headers);
                let judged = self.judge(request, &reply, sample.latency_us, may_renew, &mut sample.checks);
                if let Some(kept) = &attempt.kept {
                    self.trace(request, kept, &sent, Some(&reply), sample.latency_us, judged.as_ref().err());
                }
                self.spare_headers = reply.headers;
                // Now, not when it is used: its values hold the buffer the answer was read into, which the next
                // answer of any user can have.
                self.spare_headers.clear();
                (judged, Seen { status: reply.status, body: reply.body })
            }
            Err(error) => {
                // A redirect that leads nowhere is a whole answer all the same.
                if !matches!(error.kind, Failure::RedirectLoop | Failure::RedirectOutside) {
                    self.connections[attempt.target] = None;
                }
                let seen = Seen { status: error.status, body: Bytes::new() };
                let problem = Problem::Failed(error.kind, error.message);
                if let Some(kept) = &attempt.kept {
                    self.trace(request, kept, &sent, None, sample.latency_us, Some(&problem));
                }
                (Err(problem), seen)
            }
        };
        sample.status = seen.status;
        sample.outcome = match &judged {
            Ok(()) | Err(Problem::NeedsLogin(_)) => Outcome::Ok,
            Err(Problem::Failed(kind, _)) => Outcome::Failed(*kind),
        };
        if attempt.cut_short || !self.local.shared.plan.keep_alive {
            // What is left of the request would stand before the next one; or the plan wants no next one.
            self.connections[attempt.target] = None;
        }
        match &judged {
            Err(Problem::NeedsLogin(_)) => {
                return Err(Problem::NeedsLogin(Some(Held::new(self.local.clone(), sample))));
            }
            Err(problem) => {
                self.record(sample);
                self.describe(request, attempt.row, problem, Some(sent), seen);
            }
            Ok(()) => self.record(sample),
        }
        judged
    }

    pub(super) fn record(&self, sample: Sample) {
        self.local.record(&sample);
    }
}

pub(super) fn computed_headers(
    computed: &[(HeaderName, Text)],
    scope: &Arc<Scope>,
    headers: &mut HeaderMap,
) -> Result<(), EvalError> {
    for (name, text) in computed {
        // A value with CR or LF is refused here: it never becomes another header.
        let value = HeaderValue::from_str(&text.render(scope)?).map_err(|_| EvalError::Other {
            expression: format!("header {name}"),
            message: "its value holds characters a header cannot".into(),
        })?;
        headers.insert(name.clone(), value);
    }
    Ok(())
}
