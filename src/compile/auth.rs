//! The auth flow: its steps, what it adds to requests, when it is renewed. What the shorthands stand for is in
//! [`super::credentials`].

use std::collections::BTreeSet;

use http::{HeaderName, header};

use crate::diagnostic::{Diagnostic, Span};
use crate::metric::SeriesKind;
use crate::plan::model;
use crate::template::Text;

use super::credentials::Taken;
use super::header::Headers;
use super::model::{Auth, Renewal, Request};
use super::names::Place;
use super::{Compiler, codes};

impl Compiler<'_> {
    pub(super) fn auth(&mut self, written: Option<&model::Auth>) -> Option<Auth> {
        self.known.auth = None;
        let written = written?;
        let slot = self.names.add("auth");
        self.known.auth = Some(BTreeSet::new());
        let mut steps = self.login_steps(&written.steps);
        let mut client = None;
        if let Some(oauth2) = &written.oauth2 {
            let (request, given) = self.client_credentials(oauth2);
            steps.extend(request);
            client = given;
        }
        self.check_there_is_a_login(written);
        let mut taken = Taken::default();
        let credentials = self.shorthands(written, &mut taken);
        let apply = written.apply.as_ref();
        let refresh = written.refresh.as_ref();
        let auth = Auth {
            shared: written.scope.as_ref().is_some_and(|scope| scope.value == model::AuthScope::Run),
            steps: steps.into(),
            client,
            slot,
            credentials: credentials.into(),
            headers: apply.map_or(vec![], |apply| self.applied_headers(apply, &taken)).into(),
            query: apply.map_or_else(Default::default, |apply| self.applied_query(apply, &taken)),
            cookies: apply.map_or_else(Default::default, |apply| self.cookies(&apply.cookies, Place::Apply)),
            renewal: self.renewal(written),
            refresh_on: refresh.map_or(vec![], |r| r.on_status.iter().map(|s| s.value).collect()).into(),
        };
        if let Some(scope) = written.scope.as_ref().filter(|_| auth.shared && self.feeds.are_used()) {
            let message = "the login of the run belongs to no user, so it has no data row";
            let problem = Diagnostic::error(codes::AUTH, scope.span, message);
            self.error(problem.help("write `scope: user`, or use `variables` or `secrets` here"));
        }
        Some(auth)
    }

    fn login_steps(&mut self, written: &[model::Step]) -> Vec<Request> {
        let mut steps = vec![];
        for step in written {
            match step {
                model::Step::Request(request) => steps.extend(self.login_step(request)),
                model::Step::Use(step) => self.only_requests(step.use_.span, "write the request itself here"),
                model::Step::Think(step) => self.only_requests(step.think.span, "remove the pause"),
                other => self.only_requests(other.span(), "write the requests one after the other"),
            }
        }
        steps
    }

    pub(super) fn login_step(&mut self, request: &model::Request) -> Option<Request> {
        let series = self.row_of(request, SeriesKind::Auth);
        let compiled = self.request(request, series, Place::Auth);
        if let Some(known) = &mut self.known.auth {
            known.extend(request.capture.iter().map(|(name, _)| name.value.clone()));
        }
        let compiled = compiled?;
        self.series[series.0 as usize].method = Some(compiled.method.clone());
        Some(compiled)
    }

    fn only_requests(&mut self, span: Span, help: &str) {
        let message = "an auth flow has only `request` steps";
        self.error(Diagnostic::error(codes::AUTH, span, message).help(help));
    }

    /// Who logs in and when again has no meaning where nobody logs in.
    fn check_there_is_a_login(&mut self, written: &model::Auth) {
        if !written.steps.is_empty() || written.oauth2.is_some() || self.written.has_errors() {
            return;
        }
        let scope = written.scope.as_ref().map(|scope| ("scope", scope.span));
        let refresh = written.refresh.as_ref().map(|refresh| ("refresh", refresh.span));
        for (key, span) in scope.into_iter().chain(refresh) {
            let message = format!("`{key}` is about a login, and this `auth` has none");
            let help = match key {
                "scope" => "remove it: these values need no request, each user computes them for itself",
                _ => "remove it, or write `steps` or `oauth2`, which can be done again",
            };
            self.error(Diagnostic::error(codes::AUTH, span, message).help(help));
        }
    }

    fn applied_headers(&mut self, apply: &model::AuthApply, taken: &Taken) -> Vec<(HeaderName, Text)> {
        for (name, _) in &apply.headers {
            if let Some((what, span)) = taken.header(&name.value) {
                self.set_twice(what, span, &format!("apply.headers.{}", name.value), name.span);
            }
            if let (true, Some((first, _))) =
                (name.value.eq_ignore_ascii_case(header::COOKIE.as_str()), apply.cookies.first())
            {
                self.set_twice("apply.cookies", first.span, "apply.headers.cookie", name.span);
            }
        }
        let mut headers = Headers::default();
        self.add_headers(&apply.headers, Place::Apply, &mut headers);
        let fixed = headers.fixed.iter().map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            (name.clone(), Text::Literal(text.as_ref().into()))
        });
        fixed.chain(headers.computed.iter().cloned()).collect()
    }

    fn applied_query(&mut self, apply: &model::AuthApply, taken: &Taken) -> crate::body::Pairs {
        for (name, _) in &apply.query {
            if let Some((what, span)) = taken.query(&name.value) {
                self.set_twice(what, span, &format!("apply.query.{}", name.value), name.span);
            }
        }
        self.pairs(&apply.query, Place::Apply)
    }

    /// Reports two keys that both set one header, parameter or cookie.
    pub(super) fn set_twice(&mut self, first: &str, at: Span, second: &str, span: Span) {
        let message = format!("`{first}` and `{second}` exclude each other");
        self.error(
            Diagnostic::error(crate::plan::codes::CLASH, span, message)
                .label(format!("`{second}` here"))
                .other(at, format!("`{first}` here"))
                .help("both set the same: keep one of them"),
        );
    }

    fn renewal(&mut self, written: &model::Auth) -> Renewal {
        let after = written.refresh.as_ref().and_then(|refresh| refresh.after.as_ref());
        match after.map(|after| (&after.value, after.span)) {
            Some((model::MaybeTemplate::Duration(duration), _)) => {
                Renewal::After(Text::Literal(format!("{}us", duration.as_micros()).into()))
            }
            Some((model::MaybeTemplate::Template(text), span)) => {
                self.text(text, span, Place::Apply).map_or(Renewal::Never, Renewal::After)
            }
            None if written.oauth2.is_some() => Renewal::ByExpiry,
            None => Renewal::Never,
        }
    }
}
