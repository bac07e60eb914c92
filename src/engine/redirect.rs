//! Follows redirects within a request's time limit. Each hop is a request of its own in the same row, as the servers
//! count them. Leads only to targets of the plan: nobody else asked for load.

use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body_util::Full;

use crate::body::{NO_LENGTH, expects_body};
use crate::compile::model::Request;
use crate::failure::Failure;
use crate::http::{Astray, ExchangeError, Origin, Reply, Target, origin_of, read_location, shown_location};
use crate::mask::is_sensitive_header;

use super::in_flight::InFlight;
use super::judge::Problem;
use super::send::{Attempt, HttpRequest, Sent};
use super::user::User;

/// Bytes shown of a `location`.
const SHOWN: usize = 120;

/// Whether an answer of this status leads elsewhere. 300 leaves the choice to a person, 304 to the cache.
pub(super) fn leads_on(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// What of a request cannot be made again from the plan alone, when a redirect may need it.
pub(super) fn rendered_headers(request: &Request, headers: &HeaderMap) -> Box<[(HeaderName, HeaderValue)]> {
    if request.redirects == 0 || request.computed_headers.is_empty() && request.cookies.is_empty() {
        return Box::default();
    }
    let cookie = Some(http::header::COOKIE).filter(|_| !request.cookies.is_empty());
    let names = request.computed_headers.iter().map(|(name, _)| name.clone()).chain(cookie);
    names.filter_map(|name| Some((name.clone(), headers.get(name)?.clone()))).collect()
}

impl User {
    /// Follows an answer that leads elsewhere. What is on the way becomes that of the last request.
    pub(super) async fn follow(
        &mut self,
        request: &Request,
        first: Reply,
        may_renew: bool,
        (attempt, sent, in_flight): (&mut Attempt, &mut Sent, &mut InFlight),
    ) -> Result<Reply, ExchangeError> {
        let mut left = request.redirects;
        let mut headers = self.headers_again(request, sent);
        let mut reply = first;
        let mut slot = None;
        while let Some(method) = next_method(reply.status, &sent.method) {
            if may_renew && self.asks_for_login(request, reply.status) {
                // Where it leads to is the page of a login that is not ours.
                break;
            }
            self.keep_cookies(request, sent, &reply.headers);
            let (target, uri) = match self.next_place(request, sent, &reply, left) {
                Ok(place) => place,
                Err(refused) => {
                    self.trace_refused(request, attempt, sent, &reply, &refused);
                    return Err(refused);
                }
            };
            left -= 1;
            self.record_hop(attempt, &reply, in_flight);
            self.trace_hop(request, attempt, sent, &reply);
            if attempt.cut_short || !self.local.shared.plan.keep_alive {
                // What is left of the request would stand before the next one; or the plan wants no next one.
                self.connections[attempt.target] = None;
            }
            let keeps_body = method == sent.method;
            self.change_headers(&mut headers, (sent.target, target), keeps_body);
            let body = if keeps_body { sent.body.clone() } else { Bytes::new() };
            slot.replace(built(&method, &uri, &headers, &body));
            let host = headers.get(HOST).cloned().map(Box::new);
            *sent =
                Sent { method, target, uri: Some(uri), body, host, rendered: Box::default(), is_hop: true };
            let now = Instant::now();
            *attempt = Attempt::new(attempt.row, target, now, now);
            *in_flight = InFlight::new(self.local.clone(), attempt.row, now, now);
            in_flight.expect(request.checks.len());
            // Not into `headers`: another place gets its own.
            self.add_cookies_to(request, sent, &mut slot);
            reply = self.attempt(request, &mut slot, attempt).await?;
        }
        Ok(reply)
    }

    /// The headers of the request that was sent, but for the cookies that answers have set.
    fn headers_again(&self, request: &Request, sent: &Sent) -> HeaderMap {
        let mut headers = request.headers.clone();
        if let Some(login) = self.login.as_ref().filter(|_| request.auth) {
            login.add_headers(&mut headers);
        }
        if let Some(kind) = request.body.content_type(&sent.body) {
            headers.insert(CONTENT_TYPE, kind);
        }
        for (name, value) in &sent.rendered {
            headers.insert(name.clone(), value.clone());
        }
        headers
    }

    /// The target an answer leads to, and the path and query there. What cannot be followed has failed: a plan that
    /// follows redirects does not want to measure them.
    fn next_place(
        &self,
        request: &Request,
        sent: &Sent,
        reply: &Reply,
        left: u16,
    ) -> Result<(usize, Uri), ExchangeError> {
        let refused = |kind, message: String| {
            Err(ExchangeError { status: reply.status, ..ExchangeError::new(kind, message) })
        };
        let mut locations = reply.headers.get_all(LOCATION).iter();
        let Some(location) = locations.next() else {
            let message =
                "redirected to nowhere: the answer has no `location`; `redirects: 0` takes it as it is";
            return refused(Failure::RedirectOutside, message.to_owned());
        };
        if locations.any(|other| other != location) {
            return refused(Failure::Protocol, "the answer has two different headers `location`".to_owned());
        }
        let to = || self.hide(shown_location(location.as_bytes(), |_| true).as_bytes(), SHOWN);
        if left == 0 {
            let most = request.redirects;
            return refused(
                Failure::RedirectLoop,
                format!("redirected more than {most} times, the last time to {}", to()),
            );
        }
        let target = &self.local.shared.plan.targets[sent.target];
        let own = sent.uri_of(request).cloned().unwrap_or_default();
        let why = match read_location(location.as_bytes(), target.tls, &own) {
            Ok(place) => match self.target_at(request, sent, place.origin.as_ref()) {
                Some(target) => return Ok((target, place.path)),
                None => format!("redirected to {}, a place outside the plan's targets", to()),
            },
            Err(Astray::Empty) => "redirected to nowhere: the answer's `location` is empty".to_owned(),
            Err(Astray::Scheme) => format!("redirected to {}, which is not http or https", to()),
            Err(Astray::NotUrl) => format!("redirected to {}, which is not a URL", to()),
            Err(Astray::TooLong) => {
                format!("redirected to a `location` of {} bytes, which is too long for a URL", location.len())
            }
        };
        refused(Failure::RedirectOutside, why)
    }

    /// The target at a place; the one the request went to before others.
    fn target_at(&self, request: &Request, sent: &Sent, origin: Option<&Origin>) -> Option<usize> {
        let Some(origin) = origin else { return Some(sent.target) };
        let targets = &self.local.shared.plan.targets;
        let own = targets.get(sent.target)?;
        // A server that is asked for another name than the target's calls itself by that name.
        let host = sent.host.as_deref().or_else(|| request.headers.get(HOST));
        let named = host.and_then(|host| origin_of(host.to_str().ok()?, own.tls));
        if is_at(own, origin) || named.as_ref() == Some(origin) {
            return Some(sent.target);
        }
        targets.iter().position(|known| is_at(known, origin))
    }

    fn record_hop(&self, attempt: &Attempt, reply: &Reply, in_flight: &mut InFlight) {
        in_flight.disarm();
        let connection = self.connections[attempt.target].as_ref();
        // Without checks: what the plan expects, it expects of the last answer.
        self.record(attempt.measured(connection, reply.status));
        self.local.recorder.borrow_mut().redirected += 1;
    }

    fn trace_hop(&self, request: &Request, attempt: &Attempt, sent: &Sent, reply: &Reply) {
        if let Some(kept) = &attempt.kept {
            let latency_us = crate::http::micros(attempt.begun(), Instant::now());
            self.trace_unjudged(request, kept, sent, reply, latency_us, None);
        }
    }

    /// Shows the answer that cannot be followed; whoever records the failure knows it no more.
    fn trace_refused(
        &self,
        request: &Request,
        attempt: &mut Attempt,
        sent: &Sent,
        reply: &Reply,
        refused: &ExchangeError,
    ) {
        if let Some(kept) = attempt.kept.take() {
            let latency_us = crate::http::micros(attempt.begun(), Instant::now());
            let problem = Problem::Failed(refused.kind, refused.message.clone());
            self.trace_unjudged(request, &kept, sent, reply, latency_us, Some(&problem));
        }
    }

    fn change_headers(&self, headers: &mut HeaderMap, (from, to): (usize, usize), keeps_body: bool) {
        let targets = &self.local.shared.plan.targets;
        if !is_same_origin(&targets[from], &targets[to]) {
            headers.insert(HOST, targets[to].authority.clone());
            // Credentials are for those they were meant for.
            let of_login = self.login.iter().flat_map(|login| login.header_names()).cloned();
            let written = headers.iter().filter(|(name, value)| self.is_credential(name, value));
            let all: Vec<_> = of_login.chain(written.map(|(name, _)| name.clone())).collect();
            all.iter().for_each(|name| drop(headers.remove(name)));
        }
        if !keeps_body {
            let about_it = [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH];
            about_it.iter().for_each(|name| drop(headers.remove(name)));
        }
    }

    /// Whether a header is one by its name, or holds something that must not be shown.
    fn is_credential(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        is_sensitive_header(name.as_str())
            || self.hide(value.as_bytes(), usize::MAX) != String::from_utf8_lossy(value.as_bytes())
    }
}

fn built(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> HttpRequest {
    let mut request = http::Request::new(Full::new(body.clone()));
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers.clone();
    if body.is_empty() && expects_body(method) {
        request.headers_mut().insert(CONTENT_LENGTH, NO_LENGTH);
    }
    request
}

/// The method of the next request, as browsers have it (Fetch, 4.4); `None` for a status that does not redirect.
fn next_method(status: u16, method: &Method) -> Option<Method> {
    if !leads_on(status) {
        return None;
    }
    let becomes_get = match StatusCode::from_u16(status).ok()? {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *method == Method::POST,
        StatusCode::SEE_OTHER => *method != Method::HEAD,
        _ => false,
    };
    Some(if becomes_get { Method::GET } else { method.clone() })
}

fn is_at(target: &Target, origin: &Origin) -> bool {
    target.tls == origin.tls && target.port == origin.port && target.host.eq_ignore_ascii_case(&origin.host)
}

fn is_same_origin(one: &Target, other: &Target) -> bool {
    one.tls == other.tls && one.port == other.port && one.host.eq_ignore_ascii_case(&other.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods() {
        for (status, method, next) in [
            (301, Method::POST, Some(Method::GET)),
            (302, Method::POST, Some(Method::GET)),
            (302, Method::PUT, Some(Method::PUT)),
            (303, Method::PUT, Some(Method::GET)),
            (303, Method::HEAD, Some(Method::HEAD)),
            (307, Method::POST, Some(Method::POST)),
            (308, Method::DELETE, Some(Method::DELETE)),
            (300, Method::GET, None),
            (304, Method::GET, None),
            (305, Method::GET, None),
            (200, Method::GET, None),
        ] {
            assert_eq!(next_method(status, &method), next, "{status} {method}");
        }
    }
}
