//! The auth flow.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::metric::SeriesKind;
use crate::plan::model;

use super::header::Headers;
use super::model::Auth;
use super::names::Place;
use super::{Compiler, codes};

impl Compiler<'_> {
    pub(super) fn auth(&mut self, written: Option<&model::Auth>) -> Option<Auth> {
        self.known.auth = None;
        let written = written?;
        let slot = self.names.add("auth");
        self.known.auth = Some(BTreeSet::new());
        let mut steps = vec![];
        for step in &written.steps {
            match step {
                model::Step::Request(request) => {
                    let series = self.row_of(request, SeriesKind::Auth);
                    let compiled = self.request(request, series, Place::Auth);
                    if let Some(known) = &mut self.known.auth {
                        known.extend(request.capture.iter().map(|(name, _)| name.value.clone()));
                    }
                    if let Some(compiled) = compiled {
                        self.series[series.0 as usize].method = Some(compiled.method.clone());
                        steps.push(compiled);
                    }
                }
                model::Step::Use(step) => self.only_requests(step.use_.span, "write the request itself here"),
                model::Step::Think(step) => self.only_requests(step.think.span, "remove the pause"),
                other => self.only_requests(other.span(), "write the requests one after the other"),
            }
        }
        let mut headers = Headers::default();
        let mut query = crate::body::Pairs::default();
        if let Some(apply) = &written.apply {
            self.add_headers(&apply.headers, Place::Apply, &mut headers);
            query = self.pairs(&apply.query, Place::Apply);
        }
        let refresh = written.refresh.as_ref();
        let refresh_after =
            refresh.and_then(|refresh| refresh.after.as_ref()).and_then(|after| match &after.value {
                model::MaybeTemplate::Duration(duration) => {
                    Some(crate::template::Text::Literal(format!("{}us", duration.as_micros()).into()))
                }
                model::MaybeTemplate::Template(text) => self.text(text, after.span, Place::Apply),
            });
        let refresh_on = refresh.map_or(vec![], |r| r.on_status.iter().map(|status| status.value).collect());
        if let Some(scope) = written.scope.as_ref().filter(|scope| scope.value == model::AuthScope::Run)
            && self.feeds.are_used()
        {
            let message = "the login of the run belongs to no user, so it has no data row";
            let problem = Diagnostic::error(codes::AUTH, scope.span, message);
            self.error(problem.help("write `scope: user`, or use `variables` or `secrets` here"));
        }
        let fixed = headers.fixed.iter().map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            (name.clone(), crate::template::Text::Literal(text.as_ref().into()))
        });
        Some(Auth {
            shared: written.scope.as_ref().is_some_and(|scope| scope.value == model::AuthScope::Run),
            steps: steps.into(),
            slot,
            headers: fixed.chain(headers.computed.iter().cloned()).collect(),
            query,
            refresh_after,
            refresh_on: refresh_on.into(),
        })
    }

    fn only_requests(&mut self, span: crate::diagnostic::Span, help: &str) {
        let message = "an auth flow has only `request` steps";
        self.error(Diagnostic::error(codes::AUTH, span, message).help(help));
    }
}
