//! What a plan may not have: files that are hidden or lie elsewhere, and, of a stranger's plan, variables and hosts that the
//! command line does not allow. Must not read files or look up names.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::Path;

use crate::diagnostic::{Diagnostic, FileId, Located, Span};
use crate::http::{Target, refusal};
use crate::plan::bounds::{Bounds, Refusal};
use crate::template::{uses_in_expression, uses_in_template};

use super::names::Place;
use super::{Compiler, codes};

/// What becomes of a file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It may be sent.
    Sent,
    /// It stays here: certificates, keys, results of earlier runs.
    Kept,
}

/// Why the file at `path` is not to be read, when that is because it is hidden. Where it must lie is said by what reads it.
pub(super) fn hidden(bounds: &Bounds, path: &Path, used: Use, at: Span) -> Option<Diagnostic> {
    let Some(Refusal::Hidden(part)) = bounds.refusal(path) else { return None };
    if used == Use::Kept && !bounds.is_strict() {
        return None;
    }
    let error =
        Diagnostic::error(codes::FILE_REFUSED, at, format!("{}: is hidden, by `{part}`", path.display()));
    Some(match bounds.is_strict() {
        true => error.help("with `--untrusted` a plan reads no hidden file, and its `allow` counts for nothing"),
        false => error.help(format!(
            "a plan reads hidden files, which often hold credentials, only if it says so: `allow: {{ files: [\"{}\"] }}`",
            bounds.from_plan(path)
        )),
    })
}

impl Compiler<'_> {
    /// Says that the file at `path` may not be read; whether it is so.
    pub(super) fn is_hidden(&mut self, path: &Path, used: Use, at: Span) -> bool {
        let problem = hidden(&self.bounds, path, used, at);
        let is_hidden = problem.is_some();
        problem.into_iter().for_each(|problem| self.error(problem));
        is_hidden
    }

    /// Paths of `allow` that can allow nothing.
    pub(super) fn check_allowed(&mut self) {
        let plan = self.plan;
        for file in plan.allow.iter().flat_map(|allow| &allow.files) {
            let path = super::files::path_of(file, self.sources);
            let words = match file.value.as_str() {
                path if path.contains("{{") => "is computed; write the path out".to_owned(),
                path if path.contains(['*', '?']) => "is a pattern; name each file".to_owned(),
                _ if path.is_dir() => "is a folder; name each file".to_owned(),
                _ if self.bounds.refusal(&path) == Some(Refusal::Outside) => {
                    format!("lies outside {}; copy it into that folder", self.bounds.root().display())
                }
                _ => continue,
            };
            self.error_in_words(codes::FILE_REFUSED, file.span, &format!("{}: {words}", file.value));
        }
    }

    /// Why a stranger's plan may not read a variable of the environment; `None` for `env` as a whole, of which nobody knows
    /// what is read.
    pub(super) fn variable_problem(&self, variable: Option<&str>, at: Span) -> Option<Diagnostic> {
        let error = |message: String| Diagnostic::error(codes::VARIABLE_REFUSED, at, message);
        match variable {
            _ if !self.trust.is_stranger => None,
            Some(name) if self.trust.may_read(name) => None,
            Some(name) => {
                Some(error(format!("the environment variable {name} is not allowed to this plan")).help(
                    format!("with `--untrusted` a plan reads only those named with `--allow-env {name}`"),
                ))
            }
            None => Some(
                error("which environment variable is read here is computed".to_owned())
                    .help("with `--untrusted` write the name out: `env.NAME`"),
            ),
        }
    }

    /// Uses of variables that are not among the `names` of a stranger's text, because a statement gives `env` another meaning
    /// there, or seems to; and why each may not be.
    pub(super) fn variable_problems(
        &self,
        names: &BTreeSet<String>,
        source: &str,
        place: Place,
    ) -> Vec<(Range<usize>, Diagnostic)> {
        if !self.trust.is_stranger || !source.contains("env") {
            return vec![];
        }
        let uses = match place {
            Place::Answer | Place::AuthAnswer => uses_in_expression(source, "env"),
            _ => uses_in_template(source, "env"),
        };
        let is_named = |part: &Option<String>| match part {
            Some(part) => names.contains(&format!("env.{part}")),
            None => names.contains("env"),
        };
        let nowhere = Span { file: FileId(0), start: 0, end: 0 };
        let unnamed = uses.into_iter().filter(|(part, _)| !is_named(part));
        unnamed
            .filter_map(|(part, range)| Some((range, self.variable_problem(part.as_deref(), nowhere)?)))
            .collect()
    }

    /// Says why nothing may be sent to a target, as far as its URL tells.
    pub(super) fn check_host(&mut self, target: &Target, at: Span) {
        let Target { host, port, .. } = target;
        let error = |message: String| Diagnostic::error(codes::TARGET_REFUSED, at, message);
        if !self.trust.may_send_to(host, *port) {
            let shown = if host.contains(':') { format!("[{host}]") } else { host.clone() };
            let help =
                format!("with `--untrusted` a plan sends only to hosts named with `--allow-target {shown}`");
            self.error(error(format!("{shown}:{port} is not allowed to this plan")).help(help));
        } else if let Some(words) = host
            .parse::<IpAddr>()
            .ok()
            .and_then(|address| refusal(SocketAddr::new(address, *port), &self.trust.hosts))
        {
            let (message, help) = words.rsplit_once("; ").unwrap_or((&words, ""));
            self.error(error(message.to_owned()).help(help));
        }
    }

    /// Whether a secret may be read from this variable; says so if not.
    pub(super) fn may_read_secret(&mut self, variable: &Located<String>) -> bool {
        let problem = self.variable_problem(Some(&variable.value), variable.span);
        let is_fine = problem.is_none();
        problem.into_iter().for_each(|problem| self.error(problem));
        is_fine
    }
}
