//! Request headers: checked when the plan is compiled, split into what is always the same and the rest.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::diagnostic::{Diagnostic, Located};
use crate::plan::model::{Entries, Scalar};
use crate::template::Text;

use super::names::Place;
use super::{Compiler, codes};

/// Headers that say how a message is framed; plimsoll sets them.
const FRAMING: [&str; 6] = ["content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade"];

/// Headers of one request.
#[derive(Debug, Default, Clone)]
pub(super) struct Headers {
    pub fixed: HeaderMap,
    pub computed: Vec<(HeaderName, Text)>,
}

impl Headers {
    /// Sets a header, whatever it was before.
    pub(super) fn set(&mut self, name: HeaderName, text: Text) -> Result<(), ()> {
        self.computed.retain(|(known, _)| *known != name);
        self.fixed.remove(&name);
        match text.literal() {
            Some(literal) => {
                let value = HeaderValue::from_str(literal).map_err(|_| ())?;
                self.fixed.insert(name, value);
            }
            None => self.computed.push((name, text)),
        }
        Ok(())
    }
}

impl Compiler<'_> {
    /// Adds the headers a plan writes.
    pub(super) fn add_headers(
        &mut self,
        written: &Entries<Located<Scalar>>,
        place: Place,
        into: &mut Headers,
    ) {
        for (name, value) in written {
            let Some(header) = self.header_name(name) else { continue };
            self.warn_of_literal(&name.value, value);
            let Some(text) = self.text(&value.value, value.span, place) else { continue };
            if into.set(header, text).is_err() {
                let message = format!("the value of `{}` holds characters a header cannot", name.value);
                self.error(
                    Diagnostic::error(codes::HEADER, value.span, message)
                        .help("a header is one line of visible characters"),
                );
            }
        }
    }

    /// Adds the plan's default headers. Where the users of a plan are not there yet (readiness, login), those
    /// that need a user's values are left out.
    pub(super) fn add_default_headers(
        &mut self,
        written: &Entries<Located<Scalar>>,
        place: Place,
        into: &mut Headers,
    ) {
        if place == Place::Request {
            return self.add_headers(written, place, into);
        }
        let known: Entries<_> = written
            .iter()
            .filter(|(_, value)| {
                Text::compile(&value.value).is_ok_and(|text| self.are_known(&text.names(), value.span, place))
            })
            .cloned()
            .collect();
        self.add_headers(&known, place, into);
    }

    /// Adds the default headers of the plan, each in its place the scenario's of the same name, and the others of the
    /// scenario.
    pub(super) fn all_default_headers(&mut self, place: Place, into: &mut Headers) {
        let (plan, own) = (self.plan.http.as_ref(), self.http);
        let (of_plan, own) = (plan.map(|http| &http.headers), own.map(|http| &http.headers));
        let is_own =
            |name: &str| own.is_some_and(|own| own.iter().any(|(n, _)| n.value.eq_ignore_ascii_case(name)));
        let agent =
            plan.and_then(|http| http.user_agent.as_ref()).filter(|_| !is_own("user-agent")).map(|text| {
                let name = Located { value: "user-agent".to_owned(), span: text.span };
                (name, Located { value: Scalar(text.value.clone()), span: text.span })
            });
        let others = of_plan.into_iter().flatten().filter(|(name, _)| !is_own(&name.value));
        let others = others.chain(own.into_iter().flatten()).cloned();
        let joined: Entries<_> = agent.into_iter().chain(others).collect();
        self.add_default_headers(&joined, place, into);
    }

    pub(super) fn header_name(&mut self, name: &Located<String>) -> Option<HeaderName> {
        let lower = name.value.trim().to_ascii_lowercase();
        let Ok(header) = HeaderName::from_bytes(lower.as_bytes()) else {
            let message = format!("`{}` is no header name", name.value);
            self.error(
                Diagnostic::error(codes::HEADER, name.span, message)
                    .help("a header name has letters, digits and `-`, no spaces and no colon"),
            );
            return None;
        };
        if FRAMING.contains(&header.as_str()) {
            let message = format!("`{}` is set by plimsoll", name.value);
            self.error(
                Diagnostic::error(codes::HEADER, name.span, message)
                    .help("it says how the message is framed; remove it"),
            );
            return None;
        }
        Some(header)
    }
}
