//! Targets: their URLs are computed before the run.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use minijinja::Value;

use crate::diagnostic::{Diagnostic, Located, Span};
use crate::http::{LookUps, Target, TargetError};
use crate::plan::codes::LIMIT;
use crate::plan::model::{Dns, NO_LINE, Plan};
use crate::template::{EvalError, Scope, SlotId, Text};

use super::effort::Effort;
use super::names::Place;
use super::scenario::groups;
use super::{Compiler, codes};

/// Age at which a look-up is done again when a plan says nothing.
const LOOK_UP_INTERVAL: Duration = Duration::from_secs(30);

impl Compiler<'_> {
    pub(super) fn compile_targets(&mut self, initial: &[(SlotId, Value)]) {
        let all = of_plan(self.plan);
        if all.is_empty() && self.needs_target() && !self.written.holds(&["target", "targets"]) {
            let some_have = groups(self.plan).iter().any(|g| g.target.is_some() || !g.targets.is_empty());
            let message = match some_have {
                true => "the plan has no target, and not every scenario that sends has one of its own",
                false => "the plan has no target",
            };
            self.error(
                Diagnostic::error(codes::UNKNOWN_TARGET, self.start_of_plan(), message)
                    .help("write `target: http://localhost:9002`, or `targets:` with a name for each"),
            );
        }
        for (name, url) in all {
            let target = self.target_of(&name, url, initial).unwrap_or_else(placeholder);
            self.reach.put(&name, self.targets.len());
            self.targets.push(target);
        }
    }

    /// Addresses to connect from.
    pub(super) fn local_addresses(&self) -> Arc<[IpAddr]> {
        let http = self.plan.http.iter();
        http.flat_map(|http| &http.local_addresses).map(|address| address.value.0).collect()
    }

    /// When names are looked up again.
    pub(super) fn look_ups(&self) -> LookUps {
        match self.plan.http.as_ref().and_then(|http| http.dns.as_ref()).map(|dns| dns.value) {
            Some(Dns::Once) => LookUps::Once,
            Some(Dns::Every(interval)) => LookUps::Every(interval),
            None => LookUps::Every(LOOK_UP_INTERVAL),
        }
    }

    /// Whether connections are used again.
    pub(super) fn keeps_alive(&self) -> bool {
        self.plan.http.as_ref().and_then(|http| http.keep_alive.as_ref()).is_none_or(|keep| keep.value)
    }

    /// Most memory of a user's values, bytes.
    pub(super) fn max_values(&self) -> usize {
        const DEFAULT: usize = 16 << 20;
        let written = self.plan.http.as_ref().and_then(|http| http.max_values.as_ref());
        written.map_or(DEFAULT, |size| usize::try_from(size.value.0).unwrap_or(usize::MAX))
    }

    /// Whether something is sent that only a target of the plan can give an address.
    fn needs_target(&self) -> bool {
        let ready = self.plan.ready.iter().flat_map(|ready| &ready.checks);
        let without_target =
            groups(self.plan).into_iter().filter(|g| g.target.is_none() && g.targets.is_empty());
        let mut lines = ready.chain(
            without_target
                .clone()
                .flat_map(|group| group.endpoints.iter().map(|(_, request)| &request.request)),
        );
        lines.any(|line| !line.value.contains("://") && line.value != NO_LINE)
            || without_target.clone().any(|group| !group.flows.is_empty())
    }

    pub(super) fn start_of_plan(&self) -> crate::diagnostic::Span {
        self.plan.plan.span
    }

    pub(super) fn target_of(
        &mut self,
        name: &str,
        url: &Located<String>,
        initial: &[(SlotId, Value)],
    ) -> Option<Target> {
        let text = self.text(&url.value, url.span, Place::Setup)?;
        let rendered = self.render_now(&text, url, initial)?;
        match Target::parse(name, &rendered) {
            Ok(target) => {
                self.check_host(&target, url.span);
                Some(target)
            }
            Err(error) => {
                self.error(url_error(&error, url.span));
                None
            }
        }
    }

    /// The error for values that take too long together; once for all.
    pub(super) fn too_much_effort(&mut self, span: Span) {
        if !self.out.any(|known| known.code == LIMIT) {
            let error =
                Diagnostic::error(LIMIT, span, Effort::is_spent()).label("this one is not computed any more");
            self.error(error.help("move large values and lists to a data file"));
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
        let Some(rendered) = self.effort.within(|| text.render(&scope)) else {
            self.too_much_effort(at.span);
            return None;
        };
        match rendered {
            Ok(rendered) => Some(rendered),
            Err(error) => {
                self.error(not_computed(&error, at.span));
                None
            }
        }
    }
}

/// The targets as the plan writes them, by name.
pub(super) fn of_plan(plan: &Plan) -> Vec<(String, &Located<String>)> {
    let one = plan.target.iter().map(|url| ("target".to_owned(), url));
    one.chain(plan.targets.iter().map(|(name, url)| (name.value.clone(), url))).collect()
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
        EvalError::Other { .. } | EvalError::NotJson(_) | EvalError::TooLarge(_) => {
            problem(error.to_string())
        }
    }
}

/// Stands in for a target whose URL is wrong, so that the rest of the plan is checked too.
pub(super) fn placeholder() -> Target {
    Target {
        name: String::new(),
        tls: false,
        host: "invalid".into(),
        port: 1,
        authority: http::HeaderValue::from_static("invalid"),
        prefix: String::new(),
    }
}
