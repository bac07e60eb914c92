//! What one request was and what came back, whole, for a person who looks at one iteration. Off in every load: a
//! worker without a sender builds nothing of it. Everything in an [`Exchange`] is masked already.

use std::sync::mpsc::Sender;

use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::Body as _;

use crate::compile::model::Request;
use crate::expect::{Response, Unmet};
use crate::failure::Failure;
use crate::http::{Reply, shown_location};
use crate::mask::{MASK, is_sensitive_header, is_sensitive_parameter, shape_of};
use crate::metric::{SeriesId, SeriesKind};
use crate::template::to_text;

use super::judge::{Problem, without_value};
use super::send::{HttpRequest, Sent};
use super::user::User;

/// Where exchanges go.
pub type Trace = Sender<Exchange>;

/// Bytes of a body or value that are kept.
const MOST: usize = 64 << 10;

/// Names and values of headers, in order.
pub type HeaderTexts = Vec<(String, String)>;

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exchange {
    /// Its row.
    pub row: String,
    /// `METHOD target:/path`; `None` when nothing was sent.
    pub line: Option<String>,
    /// Request headers, in the order sent.
    pub headers: HeaderTexts,
    /// Request body.
    pub body: String,
    /// Status, headers and body of the answer.
    pub answer: Option<(u16, HeaderTexts, String)>,
    /// µs from the request to the end of the answer.
    pub latency_us: u32,
    /// Each expectation, and the words when it does not hold.
    pub checks: Vec<(String, Option<String>)>,
    /// Names that got a value, with it.
    pub captured: Vec<(String, String)>,
    /// Why it failed: the kind and words.
    pub problem: Option<(&'static str, String)>,
}

/// The headers of a request, kept before they are sent.
#[derive(Debug)]
pub(super) struct Kept(HeaderMap);

impl Kept {
    pub(super) fn of(request: Option<&HttpRequest>) -> Box<Self> {
        let mut headers = request.map(|request| request.headers().clone()).unwrap_or_default();
        let length =
            request.and_then(|request| request.body().size_hint().exact()).filter(|length| *length > 0);
        if let Some(length) = length {
            headers.insert(http::header::CONTENT_LENGTH, length.into());
        }
        Box::new(Self(headers))
    }
}

impl User {
    /// Whether somebody looks.
    pub(super) fn is_traced(&self) -> bool {
        self.local.trace.is_some()
    }

    /// Tells of an exchange that has ended.
    pub(super) fn trace(
        &self,
        request: &Request,
        kept: &Kept,
        sent: &Sent,
        reply: Option<&Reply>,
        latency_us: u32,
        problem: Option<&Problem>,
    ) {
        let Some(trace) = &self.local.trace else { return };
        let plan = &self.local.shared.plan;
        let is_auth = plan.series[request.series.0 as usize].kind == SeriesKind::Auth;
        let text = |bytes: &[u8]| self.hide(bytes, MOST);
        let body = |bytes: &[u8]| if is_auth { shape_of(bytes) } else { text(bytes) };
        let uri = sent.shown_uri(request);
        let line = format!("{} {}:{uri}", sent.method, plan.targets[sent.target].name);
        let failed = match problem {
            Some(Problem::Failed(kind, words)) => {
                let words = if is_auth { without_value(words) } else { words };
                Some((kind.name(), text(words.as_bytes())))
            }
            Some(Problem::NeedsLogin(_)) => {
                Some(("", "asks for a new login; sent again after it".to_owned()))
            }
            None => None,
        };
        let headers = |map: &HeaderMap| -> HeaderTexts {
            let shown = |name: &HeaderName, value: &HeaderValue| {
                // What a login adds is marked as sensitive.
                let is_secret = value.is_sensitive() || is_sensitive_header(name.as_str());
                match is_secret || name.as_str().contains("cookie") {
                    true => MASK.to_owned(),
                    false if *name == http::header::LOCATION => {
                        text(shown_location(value.as_bytes(), is_sensitive_parameter).as_bytes())
                    }
                    false => text(value.as_bytes()),
                }
            };
            map.iter().map(|(name, value)| (name.to_string(), shown(name, value))).collect()
        };
        let _ = trace.send(Exchange {
            row: plan.series[request.series.0 as usize].name.clone(),
            line: Some(text(line.as_bytes())),
            headers: headers(&kept.0),
            body: body(&sent.body),
            answer: reply.map(|reply| (reply.status, headers(&reply.headers), body(&reply.body))),
            latency_us,
            checks: reply.map_or(vec![], |reply| self.traced_checks(request, reply, latency_us, is_auth)),
            captured: if failed.is_none() && reply.is_some() {
                self.traced_captures(request)
            } else {
                vec![]
            },
            problem: failed,
        });
    }

    /// Tells of an answer that led elsewhere; it is not judged.
    pub(super) fn trace_unjudged(
        &self,
        request: &Request,
        kept: &Kept,
        sent: &Sent,
        reply: &Reply,
        latency_us: u32,
        problem: Option<&Problem>,
    ) {
        let hop = Request { checks: Box::default(), captures: Box::default(), ..request.clone() };
        self.trace(&hop, kept, sent, Some(reply), latency_us, problem);
    }

    fn traced_checks(
        &self,
        request: &Request,
        reply: &Reply,
        latency_us: u32,
        is_auth: bool,
    ) -> Vec<(String, Option<String>)> {
        let limit = self.local.shared.plan.max_values;
        let body = (&reply.body, reply.size);
        let mut response = Response::new(reply.status, &reply.headers, body, latency_us, limit);
        let mut all = vec![];
        for check in &request.checks {
            let words = check.run(&mut response, &self.scope).err().map(|unmet| match unmet {
                Unmet::False(words) | Unmet::Decode(words) | Unmet::TooLarge(words) | Unmet::Eval(words) => {
                    let words = if is_auth { without_value(&words).to_owned() } else { words };
                    self.hide_message(&words)
                }
            });
            all.push((check.source().to_owned(), words));
        }
        all
    }

    fn traced_captures(&self, request: &Request) -> Vec<(String, String)> {
        let value = |capture: &crate::compile::model::Capture| match capture.slot {
            Some(slot) => self.hide_message(&to_text(&self.scope.get(slot))),
            // Below `auth`: a token, most likely.
            None => MASK.to_owned(),
        };
        request.captures.iter().map(|capture| (capture.name.to_string(), value(capture))).collect()
    }

    /// Tells of something that failed without an exchange.
    pub(super) fn trace_problem(&self, series: SeriesId, kind: Failure, words: &str) {
        let Some(trace) = &self.local.trace else { return };
        let row = self.local.shared.plan.series[series.0 as usize].name.clone();
        let problem = Some((kind.name(), self.hide_message(words)));
        let _ = trace.send(Exchange { row, problem, ..Exchange::default() });
    }
}
