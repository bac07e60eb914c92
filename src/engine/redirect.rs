//! Follows redirects within a request's time limit. Each hop is a request of its own in the same row, as the servers
//! count them. Leads only to targets of the plan: nobody else asked for load.

use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::Full;
use iri_string::types::{UriAbsoluteStr, UriReferenceStr};
use percent_encoding::utf8_percent_encode;

use crate::body::NOT_IN_URL;
use crate::compile::model::Request;
use crate::failure::Failure;
use crate::http::{ExchangeError, Reply, Target};
use crate::mask::is_sensitive_header;

use super::in_flight::InFlight;
use super::send::{Attempt, HttpRequest, Sent};
use super::user::User;

/// Where an answer leads.
#[derive(Debug, PartialEq)]
struct Hop {
    method: Method,
    /// Absolute.
    url: String,
}

impl User {
    /// Sends the request in `slot`, and what its answers redirect to. `attempt` and `sent` become those of the last.
    pub(super) async fn follow(
        &mut self,
        request: &Request,
        slot: &mut Option<HttpRequest>,
        attempt: &mut Attempt,
        sent: &mut Sent,
        in_flight: &mut InFlight,
    ) -> Result<Reply, ExchangeError> {
        let mut left = request.redirects;
        let mut headers = slot.as_ref().map(|built| built.headers().clone()).unwrap_or_default();
        loop {
            // Not into `headers`: another place gets its own.
            self.add_cookies_to(request, sent, slot);
            let reply = self.attempt(request, slot, attempt).await?;
            let Some(hop) = self.hop(request, sent, &reply) else { return Ok(reply) };
            self.keep_cookies(request, sent, &reply.headers);
            let refused = |message: String| ExchangeError {
                kind: Failure::RedirectLoop,
                message,
                status: reply.status,
            };
            if left == 0 {
                let most = request.redirects;
                return Err(refused(format!("redirected more than {most} times")));
            }
            left -= 1;
            let Some((target, uri)) = self.place_of(&hop.url) else {
                let place = origin_of(&hop.url);
                let words = format!("redirected to {place}, which is no target of the plan");
                return Err(refused(words));
            };
            self.record_hop(attempt, &reply, in_flight);
            if !self.local.shared.plan.keep_alive {
                self.connections[attempt.target] = None;
            }
            if let Some(kept) = &attempt.kept {
                let latency_us = crate::http::micros(attempt.begun(), Instant::now());
                self.trace_hop(request, kept, sent, &reply, latency_us);
            }
            let keeps_body = hop.method == sent.method;
            self.change_headers(&mut headers, (sent.target, target), keeps_body);
            let body = if keeps_body { sent.body.clone() } else { Bytes::new() };
            slot.replace(built(&hop.method, &uri, &headers, &body));
            let host = headers.get(HOST).cloned().map(Box::new);
            *sent = Sent { method: hop.method, target, uri: Some(uri), body, host };
            let now = Instant::now();
            *attempt = Attempt::new(attempt.row, target, now, now);
            *in_flight = InFlight::new(self.local.clone(), attempt.row, now, now);
            in_flight.expect(request.checks.len());
        }
    }

    /// Where an answer leads to, if anywhere: without a `location` that can be read it is an answer like others.
    fn hop(&self, request: &Request, sent: &Sent, reply: &Reply) -> Option<Hop> {
        let method = next_method(reply.status, &sent.method)?;
        let uri = sent.uri_of(request)?;
        let target = self.local.shared.plan.targets.get(sent.target)?;
        let url = resolve(target, uri, &reply.headers)?;
        Some(Hop { method, url })
    }

    /// The target a URL belongs to, and the path and query there.
    fn place_of(&self, url: &str) -> Option<(usize, Uri)> {
        let whole: Uri = url.parse().ok()?;
        let origin = Target::parse("", &origin_of(url)).ok()?;
        let targets = &self.local.shared.plan.targets;
        let target = targets.iter().position(|known| is_same_origin(known, &origin))?;
        let path = whole.path_and_query().map_or("/", |path| path.as_str());
        Some((target, path.parse().ok()?))
    }

    fn record_hop(&self, attempt: &Attempt, reply: &Reply, in_flight: &mut InFlight) {
        in_flight.disarm();
        let connection = self.connections[attempt.target].as_ref();
        // Without checks: what the plan expects, it expects of the last answer.
        self.record(attempt.measured(connection, reply.status));
        self.local.recorder.borrow_mut().redirected += 1;
    }

    fn change_headers(&self, headers: &mut HeaderMap, (from, to): (usize, usize), keeps_body: bool) {
        let targets = &self.local.shared.plan.targets;
        headers.insert(HOST, targets[to].authority.clone());
        if !is_same_origin(&targets[from], &targets[to]) {
            // Credentials are for those they were meant for.
            let of_login = self.login.iter().flat_map(|login| login.header_names()).cloned();
            let written = headers.keys().filter(|name| is_sensitive_header(name.as_str())).cloned();
            let all: Vec<_> = of_login.chain(written).collect();
            all.iter().for_each(|name| drop(headers.remove(name)));
        }
        if !keeps_body {
            let about_it = [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE];
            about_it.iter().for_each(|name| drop(headers.remove(name)));
        }
    }
}

fn built(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> HttpRequest {
    let mut request = http::Request::new(Full::new(body.clone()));
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers.clone();
    request
}

/// The method of the next request, as browsers have it (Fetch, 4.4); `None` for a status that does not redirect.
fn next_method(status: u16, method: &Method) -> Option<Method> {
    let becomes_get = match StatusCode::from_u16(status).ok()? {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *method == Method::POST,
        StatusCode::SEE_OTHER => *method != Method::HEAD,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
        _ => return None,
    };
    Some(if becomes_get { Method::GET } else { method.clone() })
}

/// The absolute URL a `location` means, without its fragment.
fn resolve(target: &Target, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let location = std::str::from_utf8(headers.get(LOCATION)?.as_bytes()).ok()?;
    let location = location.trim().split('#').next().unwrap_or_default();
    // What servers write is not always encoded.
    let location = utf8_percent_encode(location, NOT_IN_URL).to_string();
    let scheme = if target.tls { "https" } else { "http" };
    let base = format!("{scheme}://{}{uri}", target.authority.to_str().ok()?);
    let base = UriAbsoluteStr::new(&base).ok()?;
    Some(UriReferenceStr::new(&location).ok()?.resolve_against(base).to_string())
}

/// `scheme://host:port` of a URL.
fn origin_of(url: &str) -> String {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[after_scheme..].find(['/', '?']).map_or(url.len(), |at| after_scheme + at);
    url[..end].to_owned()
}

fn is_same_origin(one: &Target, other: &Target) -> bool {
    one.tls == other.tls && one.port == other.port && one.host.eq_ignore_ascii_case(&other.host)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn locations() {
        let target = Target::parse("t", "http://shop.example:8080/api").unwrap();
        for (location, url) in [
            ("/login", Some("http://shop.example:8080/login")),
            ("next?x=1#part", Some("http://shop.example:8080/api/a/next?x=1")),
            ("../up", Some("http://shop.example:8080/api/up")),
            ("../../../../up", Some("http://shop.example:8080/up")),
            ("?page=2", Some("http://shop.example:8080/api/a/b?page=2")),
            ("//other.example/x", Some("http://other.example/x")),
            ("https://shop.example/x", Some("https://shop.example/x")),
            ("/caf\u{e9} au lait", Some("http://shop.example:8080/caf%C3%A9%20au%20lait")),
            ("javascript:alert(1)", Some("javascript:alert(1)")),
            ("http://[::1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, HeaderValue::from_bytes(location.as_bytes()).unwrap());
            let uri = "/api/a/b?q=1".parse().unwrap();
            assert_eq!(resolve(&target, &uri, &headers).as_deref(), url, "{location}");
        }
        assert_eq!(resolve(&target, &"/".parse().unwrap(), &HeaderMap::new()), None);
    }

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
            (304, Method::GET, None),
            (200, Method::GET, None),
        ] {
            assert_eq!(next_method(status, &method), next, "{status} {method}");
        }
    }
}
