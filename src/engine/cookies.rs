//! The cookies of a user and of its login: kept from answers, sent back with requests. By which rules is in
//! [`crate::cookie`]. Must not send anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{COOKIE, HOST, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::compile::model::{CompiledPlan, JarUse, Request};
use crate::cookie::{Cookie, Jar, Place, is_loopback, is_value, join, push_pair};
use crate::mask::Masker;
use crate::template::{EvalError, with_rng};

use super::send::Sent;
use super::user::User;

/// What the requests of a login have been given; all users of the run's login share it, as tabs of one browser do.
#[derive(Debug, Clone, Default)]
pub(super) struct LoginJar(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether there is anything to lock it for.
    has_any: AtomicBool,
    jar: Mutex<Jar>,
}

impl LoginJar {
    /// One of its own that begins with the same cookies.
    pub(super) fn copy(&self) -> Self {
        let jar = self.with(|jar| jar.clone());
        let has_any = AtomicBool::new(!jar.is_empty());
        Self(Arc::new(Shared { has_any, jar: Mutex::new(jar) }))
    }

    fn is_empty(&self) -> bool {
        !self.0.has_any.load(Ordering::Acquire)
    }

    fn with<T>(&self, look: impl FnOnce(&mut Jar) -> T) -> T {
        look(&mut self.0.jar.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, cookie: Cookie, now_ms: u64) {
        self.with(|jar| {
            jar.put(cookie, now_ms);
            self.0.has_any.store(!jar.is_empty(), Ordering::Release);
        });
    }
}

impl User {
    /// The login's jar, when this request sends it or fills it.
    fn login_jar(&self, request: &Request) -> Option<&LoginJar> {
        match request.jar {
            JarUse::UserAndLogin | JarUse::Login => self.login.as_ref().map(|login| &login.jar),
            JarUse::None | JarUse::User => None,
        }
    }

    /// Puts the cookies that the request itself writes before those of its headers and of its login.
    ///
    /// # Errors
    /// When one has no value, or one that would end it.
    pub(super) fn add_written_cookies(
        &mut self,
        request: &Request,
        headers: &mut HeaderMap,
    ) -> Result<(), EvalError> {
        let (rng, scope) = (&mut self.rng, &self.scope);
        let mut line = vec![];
        for (name, text) in &request.cookies {
            let value = with_rng(rng, || text.render(scope))?;
            if !is_value(&value) {
                let message = "its value would hold `;` or a control character".into();
                return Err(EvalError::Other { expression: format!("cookie {name}"), message });
            }
            push_pair(&mut line, name.as_bytes(), value.as_bytes());
        }
        if let Some(more) = headers.get(COOKIE) {
            line = join(&line, more.as_bytes());
        }
        set_cookies(headers, line);
        Ok(())
    }

    /// Adds what the jars have for the place a request goes to. Costs a look when they are empty.
    pub(super) fn add_kept_cookies(&self, request: &Request, sent: &Sent, headers: &mut HeaderMap) {
        let login = self.login_jar(request).filter(|jar| !jar.is_empty());
        let own = Some(&self.jar).filter(|jar| !jar.is_empty() && uses_own(request.jar));
        if login.is_none() && own.is_none() {
            return;
        }
        let Some(place) = place_of(&self.local.shared.plan, request, sent) else { return };
        let now_ms = now_ms();
        let mut line = headers.get(COOKIE).map_or_else(Vec::new, |written| written.as_bytes().to_vec());
        let before = line.len();
        if let Some(login) = login {
            login.with(|jar| jar.write(place, now_ms, &mut line));
        }
        if let Some(own) = own {
            own.write(place, now_ms, &mut line);
        }
        if line.len() > before {
            set_cookies(headers, line);
        }
    }

    /// Keeps what an answer sets. Costs one look-up when that is nothing.
    pub(super) fn keep_cookies(&mut self, request: &Request, sent: &Sent, headers: &HeaderMap) {
        if request.jar == JarUse::None || !headers.contains_key(SET_COOKIE) {
            return;
        }
        let local = self.local.clone();
        let Some(place) = place_of(&local.shared.plan, request, sent) else { return };
        let now_ms = now_ms();
        for line in headers.get_all(SET_COOKIE) {
            let text = std::str::from_utf8(line.as_bytes()).ok();
            let Some(cookie) = text.and_then(|line| Cookie::read(line, place, now_ms)) else { continue };
            match (request.jar, self.login_jar(request)) {
                (JarUse::Login, Some(login)) => login.put(cookie, now_ms),
                // What a login was given stays with it, also when a later answer changes it.
                (JarUse::UserAndLogin, Some(login)) if login.with(|jar| jar.holds(&cookie)) => {
                    login.put(cookie, now_ms);
                }
                _ => self.jar.put(cookie, now_ms),
            }
        }
    }

    /// What hides the values of its cookies.
    pub(super) fn cookie_maskers(&self) -> impl Iterator<Item = Arc<Masker>> {
        let login = self.login.as_ref().map(|login| login.jar.with(|jar| jar.masker()));
        std::iter::once(self.jar.masker()).chain(login)
    }
}

fn uses_own(jar: JarUse) -> bool {
    match jar {
        JarUse::User | JarUse::UserAndLogin => true,
        JarUse::None | JarUse::Login => false,
    }
}

/// Where a request goes. Its host is the one that its header `host` names, as the server sees it.
fn place_of<'a>(plan: &'a CompiledPlan, request: &'a Request, sent: &'a Sent) -> Option<Place<'a>> {
    let target = plan.targets.get(sent.target)?;
    let host = sent.host.as_deref().or_else(|| request.headers.get(HOST))?;
    Some(Place {
        host: without_port(host.to_str().ok()?),
        path: sent.uri_of(request)?.path(),
        is_secure: target.tls || is_loopback(&target.host),
    })
}

/// The host of `host:port` or `[address]:port`.
fn without_port(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn set_cookies(headers: &mut HeaderMap, line: Vec<u8>) {
    // Its parts are values of headers already, or were looked at.
    if let Ok(mut value) = HeaderValue::from_maybe_shared(Bytes::from(line)) {
        value.set_sensitive(true);
        headers.insert(COOKIE, value);
    }
}

/// The time of day, as servers mean it.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_ports() {
        for (authority, host) in
            [("a.example:80", "a.example"), ("a.example", "a.example"), ("[::1]:80", "::1"), ("[::1]", "::1")]
        {
            assert_eq!(without_port(authority), host);
        }
    }

    #[test]
    fn a_copy_of_a_login_goes_its_own_way() {
        let place = Place { host: "h", path: "/", is_secure: false };
        let cookie = |line: &str| Cookie::read(line, place, 0).expect("a cookie");
        let first = LoginJar::default();
        assert!(first.is_empty() && first.copy().is_empty());
        first.put(cookie("a=b"), 0);
        let second = first.copy();
        second.put(cookie("a=b; max-age=0"), 0);
        assert!(!first.is_empty() && second.is_empty());
    }
}
