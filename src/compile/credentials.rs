//! What the shorthands of `auth` stand for: `bearer`, `basic`, `api_key`, and the token request of `oauth2`.

use http::header;

use crate::diagnostic::{Diagnostic, Located, Span};
use crate::plan::model::{self, Scalar};
use crate::template::Text;

use super::model::{Client, Credential, Request};
use super::names::Place;
use super::{Compiler, codes};

/// Row of the request that asks for a token.
const TOKEN_ROW: &str = "oauth2 token";
/// What the token request sends of its client: no template can name it.
pub(super) const CLIENT: &str = "__client";
/// Fields of the token request that have keys of their own, and what to write instead.
const OWN_FIELDS: [(&str, &str); 4] = [
    ("grant_type", "it is always `client_credentials`; for another grant write `steps`"),
    ("scope", "write it as `scope`, next to `params`"),
    ("client_id", "remove it; `client_auth: body` sends it in the form"),
    ("client_secret", "remove it; `client_auth: body` sends it in the form"),
];
/// RFC 6749, section 5.1, demands the type; some services leave it out.
const IS_BEARER: &str = r#"json.token_type | default("bearer", true) | lower == "bearer""#;

/// Headers and query parameters that shorthands set, with the shorthand and its place.
#[derive(Debug, Default)]
pub(super) struct Taken {
    headers: Vec<(String, &'static str, Span)>,
    query: Vec<(String, Span)>,
}

impl Taken {
    pub(super) fn header(&self, name: &str) -> Option<(&'static str, Span)> {
        let found = self.headers.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name.trim()));
        found.map(|(_, what, span)| (*what, *span))
    }

    pub(super) fn query(&self, name: &str) -> Option<(&'static str, Span)> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, span)| ("api_key", *span))
    }
}

impl Compiler<'_> {
    /// What `bearer`, `basic`, `api_key` and `oauth2` add to every request.
    pub(super) fn shorthands(&mut self, written: &model::Auth, taken: &mut Taken) -> Vec<Credential> {
        let mut all = vec![];
        let mut authorization = |what: &'static str, span: Span| {
            taken.headers.push((header::AUTHORIZATION.as_str().to_owned(), what, span));
        };
        if let Some(token) = &written.bearer {
            authorization("bearer", token.span);
            all.extend(self.bearer(token));
        }
        if let Some(basic) = &written.basic {
            authorization("basic", basic.span);
            all.extend(self.basic(basic));
        }
        if let Some(oauth2) = &written.oauth2 {
            authorization("oauth2", oauth2.span);
            all.extend(Text::compile("{{ auth.access_token }}").ok().map(Credential::Bearer));
        }
        if let Some(key) = &written.api_key {
            all.extend(self.api_key(key, taken));
        }
        all
    }

    /// The text of a credential; one written out in the plan is warned of.
    fn credential(&mut self, key: &str, value: &Located<Scalar>, place: Place) -> Option<Text> {
        self.warn_of_literal(key, value);
        self.text(&value.value, value.span, place)
    }

    fn bearer(&mut self, token: &Located<Scalar>) -> Option<Credential> {
        let text = self.credential("bearer", token, Place::Apply)?;
        let start = text.literal_parts().first().map_or("", |part| part.trim_start()).to_ascii_lowercase();
        if token.value.trim().is_empty() {
            let message = "the token is empty";
            self.error(
                Diagnostic::error(codes::AUTH, token.span, message)
                    .help("write for example `bearer: \"{{ secrets.token }}\"`"),
            );
        } else if token.value.trim_start().to_ascii_lowercase().starts_with("bearer ")
            || start.starts_with("bearer ")
        {
            let message = "`bearer` writes the word `Bearer` itself";
            self.error(
                Diagnostic::error(codes::AUTH, token.span, message).help("write the token alone").private(),
            );
        }
        Some(Credential::Bearer(text))
    }

    fn basic(&mut self, basic: &model::BasicAuth) -> Option<Credential> {
        let username = self.text(&basic.username.value, basic.username.span, Place::Apply);
        let password = self.credential("password", &basic.password, Place::Apply);
        let username = username?;
        if username.literal_parts().iter().any(|part| part.contains(':')) {
            let message = "a user name of Basic authentication cannot hold `:`, which ends it";
            self.error(
                Diagnostic::error(codes::AUTH, basic.username.span, message)
                    .help("write what follows it under `password`")
                    .private(),
            );
        }
        Some(Credential::Basic { username, password: password? })
    }

    fn api_key(&mut self, key: &model::ApiKey, taken: &mut Taken) -> Option<Credential> {
        let value = self.credential("api_key", &key.value, Place::Apply);
        if let Some(name) = &key.header {
            if let Some((what, span)) = taken.header(&name.value) {
                self.set_twice(what, span, "api_key.header", name.span);
            }
            taken.headers.push((name.value.trim().to_owned(), "api_key.header", name.span));
            let header = self.header_name(name)?;
            return Some(Credential::Header(header, value?));
        }
        let name = key.query.as_ref()?;
        taken.query.push((name.value.clone(), name.span));
        Some(Credential::Query(name.value.as_str().into(), value?))
    }

    /// The request for a token, and what it sends of the client in a header.
    pub(super) fn client_credentials(&mut self, oauth2: &model::OAuth2) -> (Option<Request>, Option<Client>) {
        let id = self.text(&oauth2.client_id.value, oauth2.client_id.span, Place::Auth);
        let secret = self.credential("client_secret", &oauth2.client_secret, Place::Auth);
        let in_body = oauth2.client_auth.as_ref().is_some_and(|place| place.value == model::ClientAuth::Body);
        let request = self.token_line(&oauth2.token_url).map(|line| token_request(oauth2, line, in_body));
        for (name, _) in &oauth2.params {
            if let Some((field, help)) = OWN_FIELDS.iter().find(|(field, _)| *field == name.value) {
                let message = format!("`{field}` is a field of every token request already");
                self.error(Diagnostic::error(codes::AUTH, name.span, message).help(*help));
            }
        }
        // Its values are known, whether the request can be read or not.
        let names = ["access_token", "expires_in"].map(str::to_owned);
        self.known.auth.get_or_insert_default().extend(names);
        let slot = self.names.add(CLIENT);
        let mut compiled = request.and_then(|request| self.login_step(&request));
        if let Some(compiled) = compiled.as_mut().filter(|_| !in_body)
            && let Ok(text) = Text::compile(&format!("Basic {{{{ {CLIENT} }}}}"))
        {
            let others = compiled.computed_headers.iter().filter(|(name, _)| *name != header::AUTHORIZATION);
            let all = others.cloned().chain([(header::AUTHORIZATION, text)]).collect();
            compiled.computed_headers = all;
            compiled.headers.remove(header::AUTHORIZATION);
        }
        let client = id.zip(secret).map(|(id, secret)| Client { slot, id, secret });
        (compiled, client)
    }

    /// The request line of `token_url`: a template over what is known before the run, as a target is.
    fn token_line(&mut self, url: &Located<String>) -> Option<Located<String>> {
        let text = self.text(&url.value, url.span, Place::Setup)?;
        let initial = self.values.clone();
        let rendered = self.render_now(&text, url, &initial)?;
        let rendered = rendered.trim();
        let problem = if rendered.contains(char::is_whitespace) {
            Some("`token_url` is a URL, without method and spaces")
        } else if rendered.is_empty() || rendered.contains("{{") || rendered.contains("{%") {
            Some("`token_url` does not come to a URL")
        } else {
            None
        };
        if let Some(message) = problem {
            self.error(
                Diagnostic::error(codes::AUTH, url.span, message)
                    .help("write for example `https://login.example.com/oauth/token`, or `auth:/oauth/token` for a path of a target"),
            );
            return None;
        }
        Some(Located { value: format!("POST {rendered}"), span: url.span })
    }
}

/// The long form of the login: RFC 6749, sections 4.4 and 2.3.1.
fn token_request(oauth2: &model::OAuth2, line: Located<String>, in_body: bool) -> model::Request {
    let at = line.span;
    let located = |text: &str| Located { value: text.to_owned(), span: at };
    let mut form =
        vec![(located("grant_type"), Located { value: Scalar("client_credentials".into()), span: at })];
    let scopes = oauth2.scope.as_ref().map_or(&[][..], |scopes| &scopes.0);
    if let Some(first) = scopes.first() {
        let all: Vec<_> = scopes.iter().map(|scope| scope.value.0.as_str()).collect();
        form.push((located("scope"), Located { value: Scalar(all.join(" ")), span: first.span }));
    }
    if in_body {
        form.push((located("client_id"), oauth2.client_id.clone()));
        form.push((located("client_secret"), oauth2.client_secret.clone()));
    }
    form.extend(oauth2.params.iter().cloned());
    let accept = Located { value: Scalar("application/json".into()), span: at };
    model::Request {
        name: Some(located(TOKEN_ROW)),
        form: Some(form.into_iter().map(|(name, value)| (name, model::OneOrMany(vec![value]))).collect()),
        headers: vec![(located("accept"), accept)],
        expect: Some(model::Expect::List(vec![located(IS_BEARER)])),
        capture: vec![
            (located("access_token"), located("json.access_token")),
            (located("expires_in"), located("json.expires_in | default(none)")),
        ],
        ..model::Request::of_line(line)
    }
}
