//! One request: request line, headers, query. Its body stands in [`super::body`], what it makes of the answer in
//! [`super::answer`].

use http::{HeaderValue, Method, Uri, header};

use crate::body::{NO_LENGTH, Pairs, expects_body, in_ascii};
use crate::diagnostic::{Diagnostic, Located, Span};
use crate::expect::{Check, Needs};
use crate::http::Target;
use crate::metric::SeriesId;
use crate::plan::model::{self, Entries, OneOrMany, Scalar};

use super::header::Headers;
use super::model::{Request, UriPlan};
use super::names::Place;
use super::session::literal;
use super::{Compiler, TIMEOUT, codes};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const AGENT: &str = concat!("plimsoll/", env!("CARGO_PKG_VERSION"));

/// A request line, taken apart.
pub(super) struct Line {
    pub method: Method,
    pub target: usize,
    /// Starts with `/`; still a template.
    pub path: String,
}

impl Compiler<'_> {
    /// Compiles a request that will be counted in `series`.
    pub(super) fn request(
        &mut self,
        written: &model::Request,
        series: SeriesId,
        place: Place,
    ) -> Option<Request> {
        let answer = if place == Place::Auth { Place::AuthAnswer } else { Place::Answer };
        self.feeds.begin_request();
        let line = self.line(&written.request);
        let mut headers = Headers::default();
        let body = self.body(written, place, &mut headers);
        if let Some(line) = &line {
            self.check_method(written, line);
        }
        let framing = headers.fixed.get(header::CONTENT_TYPE).cloned();
        self.default_headers(&line, &mut headers);
        self.all_default_headers(place, &mut headers);
        self.add_headers(&written.headers, place, &mut headers);
        if written.multipart.is_some() {
            self.keep_boundary(written, framing, &mut headers);
        }
        let query = self.lists(&written.query, place);
        let cookies = self.cookies(&written.cookies, place);
        let checks = self.checks(written.expect.as_ref(), answer);
        let captures = self.captures(&written.capture, answer);
        let of_scenario = self.http.and_then(|http| http.timeout.as_ref());
        let of_plan = self.plan.http.as_ref().and_then(|http| http.timeout.as_ref());
        let timeout = written.timeout.as_ref().or(of_scenario).or(of_plan);
        if line.is_none() && written.request.value != model::NO_LINE {
            // What can be said about it all the same: its templates.
            self.text(&written.request.value, written.request.span, place);
        }
        let line = line?;
        let asked = (&*checks, &*captures);
        let redirects = self.redirects(written.redirects.as_ref(), place, written.request.span, asked);
        if body.is_empty() && expects_body(&line.method) {
            headers.fixed.insert(header::CONTENT_LENGTH, NO_LENGTH);
        }
        let uri = self.uri(&written.request, &line, query, place)?;
        let auth = place == Place::Request && self.known.auth.is_some() && written.auth.is_none();
        let needs = checks.iter().map(Check::needs).chain(captures.iter().map(|c| c.needs));
        Some(Request {
            series,
            target: line.target,
            method: line.method,
            uri,
            needs: needs.fold(Needs::default(), Needs::and),
            headers: headers.fixed,
            computed_headers: headers.computed.into(),
            cookies,
            jar: self.jar_use(place, auth),
            body,
            auth,
            timeout: timeout.map_or(TIMEOUT, |d| d.value),
            redirects,
            checks: checks.into(),
            captures: captures.into(),
            kept: Needs::default(),
            rows: self.feeds.of_request(&[]),
        })
    }

    fn default_headers(&mut self, line: &Option<Line>, headers: &mut Headers) {
        let target = line.as_ref().and_then(|line| self.targets.get(line.target));
        if let Some(target) = target {
            headers.fixed.insert(header::HOST, target.authority.clone());
        }
        headers.fixed.insert(header::USER_AGENT, HeaderValue::from_static(AGENT));
        if !self.keeps_alive() {
            headers.fixed.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }

    /// Takes `METHOD [target:]/path` or `METHOD URL` apart.
    pub(super) fn line(&mut self, written: &Located<String>) -> Option<Line> {
        if written.value == model::NO_LINE {
            return None;
        }
        let text = written.value.trim();
        let error = |message: String| Diagnostic::error(codes::REQUEST_LINE, written.span, message);
        let Some((method, rest)) = text.split_once(char::is_whitespace) else {
            let help = if METHODS.contains(&text) {
                format!("write `{text} /path`")
            } else {
                format!("write `GET {text}`")
            };
            self.error(error("a request needs a method and a path".into()).help(help));
            return None;
        };
        if !METHODS.contains(&method) {
            let upper = method.to_uppercase();
            let problem = Diagnostic::error(
                codes::REQUEST_LINE,
                self.place(written.span, method),
                format!("`{method}` is no HTTP method"),
            );
            let near = crate::diagnostic::nearest(&upper, METHODS);
            self.error(match near {
                Some(near) if near == upper => {
                    problem.help(format!("did you mean `{near}`?")).fix(method, near)
                }
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("use one of {}", METHODS.join(", "))),
            });
            return None;
        }
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        let (target, path) = self.target_and_path(rest.trim(), written.span)?;
        Some(Line { method, target, path })
    }

    fn target_and_path(&mut self, rest: &str, span: Span) -> Option<(usize, String)> {
        if rest.starts_with("http://") || rest.starts_with("https://") {
            return self.full_url(rest, span);
        }
        if rest.starts_with('/') {
            // That there is none is said once for the whole plan.
            return self.reach.default.map(|target| (target, rest.to_owned()));
        }
        let Some((name, path)) = rest.split_once(":/") else {
            let help = if rest.starts_with("{{") {
                "a path starts with `/`; put what is in the template behind it".to_owned()
            } else {
                format!("a path starts with `/`: write `/{}`, or `target:/{0}`", rest.trim_start_matches('/'))
            };
            self.error(
                Diagnostic::error(codes::REQUEST_LINE, self.place(span, rest), "not a path").help(help),
            );
            return None;
        };
        let Some(target) = self.reach.find(name) else {
            let known = &self.reach.names;
            let problem = Diagnostic::error(
                codes::UNKNOWN_TARGET,
                self.place(span, name),
                format!("there is no target `{name}`"),
            )
            .did_you_mean_or_list(name, known.iter().map(|(name, _)| name.as_str()));
            if !self.written.defines(name) {
                self.error(problem);
            }
            return None;
        };
        Some((target, format!("/{path}")))
    }

    fn full_url(&mut self, url: &str, span: Span) -> Option<(usize, String)> {
        let after_scheme = url.find("://").map_or(0, |at| at + 3);
        let end = url[after_scheme..].find(['/', '?']).map_or(url.len(), |at| after_scheme + at);
        let (base, path) = url.split_at(end);
        let name = &base[after_scheme..];
        let target = match Target::parse(name, base) {
            Ok(target) => target,
            Err(error) => {
                let at = self.place(span, base);
                match base.contains("{{") {
                    true => self.error(
                        Diagnostic::error(codes::TARGET_URL, at, "the host of a request cannot be computed")
                            .help("write the URL under `targets`, where it may be a template"),
                    ),
                    false => self.error(super::target::url_error(&error, at)),
                }
                return None;
            }
        };
        let index = match self
            .targets
            .iter()
            .position(|known| known.name == target.name && known.tls == target.tls)
        {
            Some(index) => index,
            None => {
                self.check_host(&target, self.place(span, base));
                self.targets.push(target);
                self.targets.len() - 1
            }
        };
        Some((index, if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }))
    }

    fn uri(&mut self, written: &Located<String>, line: &Line, query: Pairs, place: Place) -> Option<UriPlan> {
        let prefix = self.targets.get(line.target)?.prefix.clone();
        let source = format!("{prefix}{}", line.path);
        let path = self.text(&source, written.span, place)?;
        let fits = |part: &&str| !part.contains('#') && format!("/{part}").parse::<Uri>().is_ok();
        if let Some(culprit) = path.literal_parts().into_iter().find(|part| !fits(part)) {
            let message = "the path holds characters a URL cannot";
            let at = self.place(written.span, culprit.strip_prefix(prefix.as_str()).unwrap_or(culprit));
            self.error(
                Diagnostic::error(codes::REQUEST_LINE, at, message)
                    .help("write a space as %20, and query values under `query:`"),
            );
            return None;
        }
        let pairs = match (path.literal(), query.literal()) {
            (Some(_), Some(pairs)) => pairs,
            _ => return Some(UriPlan::Computed { path, query }),
        };
        let separator = if pairs.is_empty() {
            ""
        } else if source.contains('?') {
            "&"
        } else {
            "?"
        };
        in_ascii(format!("{source}{separator}{pairs}")).parse().ok().map(UriPlan::Static)
    }

    pub(super) fn pairs(&mut self, written: &Entries<Located<Scalar>>, place: Place) -> Pairs {
        let mut pairs = vec![];
        for (name, value) in written {
            self.warn_of_literal(&name.value, value);
            if let Some(text) = self.text(&value.value, value.span, place) {
                pairs.push((literal(&name.value), text));
            }
        }
        Pairs(pairs)
    }

    /// As [`Compiler::pairs`], a list once for each of its values.
    pub(super) fn lists(&mut self, written: &Entries<OneOrMany<Located<Scalar>>>, place: Place) -> Pairs {
        let each = written
            .iter()
            .flat_map(|(name, values)| values.0.iter().map(|value| (name.clone(), value.clone())));
        self.pairs(&each.collect(), place)
    }
}
