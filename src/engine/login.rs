//! What a login left behind: what its user's requests carry, and what must not be shown of it. Must not send
//! anything.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use minijinja::Value;
use minijinja::value::ValueKind;

use crate::body::push_pair;
use crate::compile::model::{Auth, Client, Credential, Renewal};
use crate::cookie;
use crate::mask::{Masker, SHORTEST_LEARNT, is_sensitive_header, is_sensitive_key};
use crate::template::{Scope, Text};
use crate::units::parse_duration;

use super::cookies::LoginJar;

/// Share of a token's life after which a new one is asked for.
const SHARE_OF_LIFE: f64 = 0.8;
/// A lifetime of 0 would log in before every request.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);

/// What a login left behind.
#[derive(Debug, Clone, Default)]
pub struct Login {
    pub(super) values: BTreeMap<Arc<str>, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    query: String,
    /// Value of a `cookie` header.
    cookies: Vec<u8>,
    /// What its steps were given.
    pub(super) jar: LoginJar,
    /// What was rendered and is a credential by what the plan calls it.
    secrets: Vec<String>,
    pub(super) renew_at: Option<Instant>,
    /// Shared by all who hold this login.
    pub(super) masker: Arc<OnceLock<Masker>>,
    /// Of the run's login: which one it is.
    pub(super) generation: u64,
    /// Of the run's login: it is an old one, because the try to renew it failed.
    pub(super) renewal_failed: bool,
}

impl Login {
    /// One that is being made; it goes on with the cookies of the one it renews.
    pub(super) fn begun(before: Option<&Self>) -> Self {
        let generation = before.map_or(0, |login| login.generation);
        let jar = before.map(|login| login.jar.copy()).unwrap_or_default();
        Self { generation, jar, ..Self::default() }
    }

    /// The headers it adds, beside `cookie`.
    pub fn header_names(&self) -> impl Iterator<Item = &HeaderName> {
        self.headers.iter().map(|(name, _)| name)
    }

    /// Adds its headers to a request; cookies join those that are there.
    pub fn add_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        if self.cookies.is_empty() {
            return;
        }
        let joined = match headers.get(header::COOKIE) {
            Some(own) => cookie::join(own.as_bytes(), &self.cookies),
            None => self.cookies.clone(),
        };
        // Both halves are values of headers already.
        if let Ok(mut value) = HeaderValue::try_from(joined) {
            value.set_sensitive(true);
            headers.insert(header::COOKIE, value);
        }
    }

    /// Query added to requests, without `?`.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Hides the texts that must not be shown: credentials, and what was captured, also inside captured objects.
    /// Made when it is first needed: a login whose requests all do well has none.
    pub fn masker(&self) -> &Masker {
        self.masker.get_or_init(|| {
            let mut found = self.secrets.clone();
            self.values.values().for_each(|value| collect_texts(value, &mut found));
            Masker::new(found)
        })
    }

    pub(super) fn value(&self) -> Value {
        Value::from(
            self.values
                .iter()
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect::<BTreeMap<_, _>>(),
        )
    }

    /// Renders what the token request sends of its client; the slot's value is that of the Basic header.
    ///
    /// # Errors
    /// In words, without any value, when something has none.
    pub(super) fn introduce(&mut self, client: &Client, scope: &Arc<Scope>) -> Result<(), String> {
        let [id, secret] = [&client.id, &client.secret].map(|text| render(text, scope));
        let (id, secret) = (id?, secret?);
        if id.is_empty() {
            return Err("`oauth2.client_id` is empty".to_owned());
        }
        // RFC 6749, section 2.3.1: both encoded as in a form.
        let mut pair = String::new();
        push_pair(&id, &secret, &mut pair);
        let encoded = pair.replacen('=', ":", 1);
        let header = STANDARD.encode(&encoded);
        scope.set(client.slot, Value::from(header.as_str()));
        self.secrets.extend([header, encoded, secret]);
        Ok(())
    }

    /// Renders once what it adds to every request, and when it is renewed.
    ///
    /// # Errors
    /// In words, without any value, when something has none or cannot be sent.
    pub(super) fn prepare(&mut self, auth: &Auth, scope: &Arc<Scope>) -> Result<(), String> {
        for credential in &auth.credentials {
            self.add_credential(credential, scope)?;
        }
        for (name, text) in &auth.headers {
            let value = render(text, scope)?;
            if is_sensitive_header(name.as_str()) {
                // Of `Bearer TOKEN` both the whole and the token.
                let last = value.rsplit(' ').next().unwrap_or_default().to_owned();
                self.hide([value.clone(), last]);
            }
            self.add_header(name, &value)?;
        }
        for (name, value) in &auth.query.0 {
            let (name, value) = (render(name, scope)?, render(value, scope)?);
            push_pair(&name, &value, &mut self.query);
            if is_sensitive_key(&name) {
                self.hide([value]);
            }
        }
        for (name, text) in &auth.cookies {
            let value = render(text, scope)?;
            if !cookie::is_value(&value) {
                return Err(format!("the cookie {name} would hold `;` or a control character"));
            }
            cookie::push_pair(&mut self.cookies, name.as_bytes(), value.as_bytes());
            self.hide([value]);
        }
        let after = self.renew_after(&auth.renewal, scope)?.map(|after| after.max(SHORTEST_LIFE));
        self.renew_at = after.and_then(|after| Instant::now().checked_add(after));
        self.masker = Arc::default();
        Ok(())
    }

    fn add_credential(&mut self, credential: &Credential, scope: &Arc<Scope>) -> Result<(), String> {
        match credential {
            Credential::Bearer(text) => {
                let token = not_empty("bearer token", render(text, scope)?)?;
                self.add_header(&header::AUTHORIZATION, &format!("Bearer {token}"))?;
                self.secrets.push(token);
            }
            Credential::Basic { username, password } => {
                let (username, password) = (render(username, scope)?, render(password, scope)?);
                if username.contains(':') {
                    return Err("`basic.username` would hold `:`, which ends it".to_owned());
                }
                if [&username, &password].iter().any(|text| text.contains(char::is_control)) {
                    return Err(
                        "`basic` would hold a control character; is there a line break at its end?".into()
                    );
                }
                let pair = format!("{username}:{password}");
                let encoded = STANDARD.encode(&pair);
                self.add_header(&header::AUTHORIZATION, &format!("Basic {encoded}"))?;
                self.secrets.extend([encoded, pair, password]);
            }
            Credential::Header(name, text) => {
                let value = not_empty("API key", render(text, scope)?)?;
                self.add_header(name, &value)?;
                self.secrets.push(value);
            }
            Credential::Query(name, text) => {
                let value = not_empty("API key", render(text, scope)?)?;
                push_pair(name, &value, &mut self.query);
                self.secrets.push(value);
            }
        }
        Ok(())
    }

    fn add_header(&mut self, name: &HeaderName, value: &str) -> Result<(), String> {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| format!("the header {name} would hold characters a header cannot"))?;
        value.set_sensitive(true);
        self.headers.push((name.clone(), value));
        Ok(())
    }

    fn hide<const N: usize>(&mut self, values: [String; N]) {
        self.secrets.extend(values.into_iter().filter(|value| value.len() >= SHORTEST_LEARNT));
    }

    fn renew_after(&self, renewal: &Renewal, scope: &Arc<Scope>) -> Result<Option<Duration>, String> {
        match renewal {
            Renewal::Never => Ok(None),
            Renewal::After(text) => {
                let after = parse_duration(&render(text, scope)?);
                after.map(Some).map_err(|_| "`refresh.after` does not render to a duration".to_owned())
            }
            Renewal::ByExpiry => Ok(self
                .values
                .get("expires_in")
                .and_then(seconds)
                .and_then(|life_s| Duration::try_from_secs_f64(life_s * SHARE_OF_LIFE).ok())),
        }
    }
}

fn render(text: &Text, scope: &Arc<Scope>) -> Result<String, String> {
    text.render(scope).map_err(|error| error.to_string())
}

fn not_empty(what: &str, value: String) -> Result<String, String> {
    if value.trim().is_empty() { Err(format!("the {what} is empty")) } else { Ok(value) }
}

/// A token's life: a number, or one in a text, as some services send it. None that is not above 0.
fn seconds(value: &Value) -> Option<f64> {
    let number = match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => f64::try_from(value.clone()).ok(),
    };
    number.filter(|seconds| *seconds > 0.0)
}

fn collect_texts(value: &Value, found: &mut Vec<String>) {
    match value.as_str() {
        Some(text) if text.len() >= SHORTEST_LEARNT => found.push(text.to_owned()),
        Some(_) => {}
        None => {
            for item in value.try_iter().into_iter().flatten() {
                // A map yields its keys.
                match value.get_item(&item) {
                    Ok(below) if value.kind() == ValueKind::Map => collect_texts(&below, found),
                    _ => collect_texts(&item, found),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_a_number_or_one_in_a_text() {
        for (value, expected) in [
            (Value::from(3600), Some(3600.0)),
            (Value::from(0.5), Some(0.5)),
            (Value::from(" 60 "), Some(60.0)),
            (Value::from(0), None),
            (Value::from(-1), None),
            (Value::from("soon"), None),
            (Value::from(()), None),
            (Value::from(f64::NAN), None),
        ] {
            assert_eq!(seconds(&value), expected, "{value}");
        }
    }

    #[test]
    fn cookies_join_those_of_the_request() {
        let login = Login { cookies: "a=1; b=2".into(), ..Login::default() };
        let mut headers = HeaderMap::new();
        login.add_headers(&mut headers);
        assert_eq!(headers["cookie"], "a=1; b=2");
        headers.insert(header::COOKIE, HeaderValue::from_static("own=0; b=3"));
        login.add_headers(&mut headers);
        assert_eq!(headers["cookie"], "own=0; b=3; a=1");
    }
}
