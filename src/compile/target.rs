//! Targets: their URLs are computed before the run.

use std::net::IpAddr;
use std::sync::Arc;

use minijinja::Value;

use crate::diagnostic::{Diagnostic, Located, Span};
use crate::http::{Target, TargetError};
use crate::template::{EvalError, Scope, SlotId, Text};

use super::names::Place;
use super::scenario::groups;
use super::{Compiler, codes};

impl Compiler<'_> {
    pub(super) fn compile_targets(&mut self, initial: &[(SlotId, Value)]) {
        let plan = self.plan;
        let one = plan.target.iter().map(|url| ("target".to_owned(), url));
        let many = plan.targets.iter().map(|(name, url)| (name.value.clone(), url));
        let all: Vec<_> = one.chain(many).collect();
        if all.is_empty()
            && groups(plan).iter().any(|group| !group.endpoints.is_empty() || !group.flows.is_empty())
            && !self.all_urls_are_full()
            && !self.written.holds(&["target", "targets"])
        {
            let span = self.start_of_plan();
            self.error(
                Diagnostic::error(codes::UNKNOWN_TARGET, span, "the plan has no target")
                    .help("write `target: http://localhost:9002`, or `targets:` with a name for each"),
            );
        }
        for (name, url) in all {
            self.target_names.push(name.clone());
            let target = self.target_of(&name, url, initial).unwrap_or_else(placeholder);
            self.targets.push(target);
        }
    }

    /// Addresses to connect from.
    pub(super) fn local_addresses(&self) -> Arc<[IpAddr]> {
        let http = self.plan.http.iter();
        http.flat_map(|http| &http.local_addresses).map(|address| address.value.0).collect()
    }

    fn all_urls_are_full(&self) -> bool {
        groups(self.plan).iter().all(|group| {
            let mut requests = group.endpoints.iter().map(|(_, request)| &request.request.value);
            requests.all(|line| line.contains("://")) && group.flows.is_empty()
        })
    }

    pub(super) fn start_of_plan(&self) -> crate::diagnostic::Span {
        self.plan.plan.span
    }

    fn target_of(
        &mut self,
        name: &str,
        url: &Located<String>,
        initial: &[(SlotId, Value)],
    ) -> Option<Target> {
        let text = self.text(&url.value, url.span, Place::Setup)?;
        let rendered = self.render_now(&text, url, initial)?;
        match Target::parse(name, &rendered) {
            Ok(target) => Some(target),
            Err(error) => {
                self.error(url_error(&error, url.span));
                None
            }
        }
    }

    /// The value of a text before the run.
    pub(super) fn render_now(
        &mut self,
        text: &Text,
        at: &Located<String>,
        initial: &[(SlotId, Value)],
    ) -> Option<String> {
        if let Some(literal) = text.literal() {
            return Some(literal.to_owned());
        }
        if self.out.has_errors()
            && !text.names().is_empty()
            && text.names().iter().any(|n| !n.starts_with("env"))
        {
            // What it needs may be what is wrong already.
            return None;
        }
        let scope = Scope::new(Arc::new(self.names.clone()), initial);
        match text.render(&scope) {
            Ok(rendered) => Some(rendered),
            Err(error) => {
                self.error(not_computed(&error, at.span));
                None
            }
        }
    }
}

/// The error for a URL that is no target; one with a password in it is not shown.
pub(super) fn url_error(error: &TargetError, span: Span) -> Diagnostic {
    let problem = super::in_words(codes::TARGET_URL, span, &error.to_string());
    if *error == TargetError::Credentials { problem.private() } else { problem }
}

/// The error for a value that is needed before the run and cannot be computed.
pub(super) fn not_computed(error: &EvalError, span: Span) -> Diagnostic {
    let problem = |message: String| Diagnostic::error(codes::VALUE, span, message);
    match error {
        EvalError::Undefined(name) => match name.strip_prefix("env.") {
            Some(variable) => problem(format!("the environment variable {variable} is not set"))
                .help(format!("set it, or write `{{{{ {name} | default('…') }}}}`")),
            None => problem(format!("`{name}` has no value")),
        },
        EvalError::Other { .. } => problem(error.to_string()),
    }
}

/// Stands in for a target whose URL is wrong, so that the rest of the plan is checked too.
fn placeholder() -> Target {
    Target {
        name: String::new(),
        tls: false,
        host: "invalid".into(),
        port: 1,
        authority: http::HeaderValue::from_static("invalid"),
        prefix: String::new(),
    }
}
