//! Which names templates and expressions can use, where, and what happens when one cannot.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, FileId, Span};
use crate::plan::model::{Scenario, ScenarioAuth};
use crate::template::{FUNCTIONS, RESPONSE_NAMES, Text, is_function, name_in_expression, name_in_template};

use super::model::Per;
use super::template_file::in_body;
use super::{Compiler, codes, syntax_help};

/// Where a template stands: what is known there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the run: targets and variables.
    Setup,
    /// In the auth flow.
    Auth,
    /// What auth adds to requests: rendered once a login.
    Apply,
    /// In a request.
    Request,
    /// In `expect` and `capture`.
    Answer,
    /// In `expect` and `capture` of the auth flow.
    AuthAnswer,
    /// In `set`, between the requests of a flow.
    Between,
}

/// What is below a name.
#[derive(Debug, Clone)]
pub(super) enum Below {
    /// Anything, or nothing.
    Any,
    /// Only these.
    Only(BTreeSet<String>),
}

/// A data feed.
#[derive(Debug, Clone)]
pub(super) struct KnownFeed {
    /// Its columns.
    pub below: Below,
    /// Who has a row of it.
    pub per: Per,
}

/// The names of a plan.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Of the plan: secrets, variables.
    pub fixed: BTreeMap<String, Below>,
    /// Data feeds.
    pub feeds: BTreeMap<String, KnownFeed>,
    /// Captured by endpoints and flows.
    pub captures: BTreeSet<String>,
    /// Captured by the auth flow; `None` without one.
    pub auth: Option<BTreeSet<String>>,
    /// Inside `repeat`.
    pub repeats: bool,
}

impl Known {
    fn below(&self, root: &str, place: Place) -> Option<Below> {
        let only = |names: &[&str]| Some(Below::Only(names.iter().map(|n| (*n).to_owned()).collect()));
        let iteration = matches!(place, Place::Request | Place::Answer | Place::Between);
        match root {
            "repeat" if iteration && self.repeats => return only(&["index"]),
            "env" => return Some(Below::Any),
            "user" if place != Place::Setup => return only(&["id", "iteration"]),
            "run" if place != Place::Setup => return only(&["id"]),
            "auth" if place != Place::Setup => return self.auth.clone().map(Below::Only),
            _ => {}
        }
        if matches!(place, Place::Answer | Place::AuthAnswer | Place::Between)
            && RESPONSE_NAMES.contains(&root)
        {
            return Some(Below::Any);
        }
        let feed = self.feeds.get(root).filter(|_| place != Place::Setup);
        if let Some(feed) = feed.filter(|feed| iteration || feed.per == Per::User) {
            return Some(feed.below.clone());
        }
        if iteration && self.captures.contains(root) {
            return Some(Below::Any);
        }
        self.fixed.get(root).cloned()
    }

    /// Whether it is something of the plan, known at some place.
    fn has(&self, root: &str) -> bool {
        self.fixed.contains_key(root) || self.feeds.contains_key(root) || self.captures.contains(root)
    }

    fn all(&self, place: Place) -> Vec<String> {
        let builtin = ["env", "user", "run", "auth", "repeat"].into_iter().map(str::to_owned);
        let of_plan = self.fixed.keys().chain(self.feeds.keys()).chain(&self.captures).cloned();
        let of_answer = RESPONSE_NAMES.into_iter().map(str::to_owned);
        let functions = FUNCTIONS.iter().map(|name| (*name).to_owned());
        builtin
            .chain(of_plan)
            .chain(of_answer)
            .chain(functions)
            .filter(|name| self.below(name, place).is_some() || FUNCTIONS.contains(&&**name))
            .collect()
    }
}

impl Compiler<'_> {
    /// Reports each of `names` (dotted) that can have no value at this place.
    pub(super) fn check_names(&mut self, names: &BTreeSet<String>, source: &str, span: Span, place: Place) {
        self.note(names);
        self.load_files(source, span, place);
        for (range, problem) in self.variable_problems(names, source, place) {
            let span = self.place_of(span, source, range);
            self.error(Diagnostic { span, ..problem });
        }
        let problems =
            names.iter().filter_map(|dotted| Some((dotted, self.name_problem(dotted, span, place)?)));
        for (dotted, problem) in problems.take(MOST_NAMES).collect::<Vec<_>>() {
            let range = match place {
                Place::Answer | Place::AuthAnswer => name_in_expression(source, dotted),
                _ => name_in_template(source, dotted),
            };
            let span = range.map_or(span, |range| self.place_of(span, source, range));
            let of_an_answer = matches!(place, Place::Answer | Place::AuthAnswer);
            let problem = match syntax_help::instead_of(dotted, source).filter(|_| of_an_answer) {
                Some(help) => Diagnostic { help: vec![help], ..problem },
                None => problem,
            };
            self.error(Diagnostic { span, ..problem });
        }
    }

    /// Remembers what a text uses.
    fn note(&mut self, names: &BTreeSet<String>) {
        self.feeds.note(names);
        self.note_variables(names);
    }

    /// Whether all of `names` can have a value at this place.
    pub(super) fn are_known(&self, names: &BTreeSet<String>, span: Span, place: Place) -> bool {
        names.iter().all(|dotted| self.name_problem(dotted, span, place).is_none())
    }

    /// As [`Compiler::check_names`] for a file of a template, which is rendered for what stands at `at`.
    pub(super) fn check_names_of_file(
        &mut self,
        names: &BTreeSet<String>,
        file: FileId,
        at: Span,
        place: Place,
    ) {
        self.note(names);
        let sources = self.sources;
        let source = &sources.get(file).text;
        let place_of = |dotted: &str| {
            let range = name_in_template(source, dotted).unwrap_or(0..0);
            Span { file, start: range.start as u32, end: range.end as u32 }
        };
        let problems = names.iter().filter_map(|dotted| self.name_problem(dotted, place_of(dotted), place));
        let mut problems = problems.take(MOST_NAMES).collect::<Vec<_>>();
        for (range, problem) in self.variable_problems(names, source, place) {
            let span = Span { file, start: range.start as u32, end: range.end as u32 };
            problems.push(Diagnostic { span, ..problem });
        }
        for problem in problems {
            self.error(in_body(problem, at));
        }
    }

    fn name_problem(&self, dotted: &str, at: Span, place: Place) -> Option<Diagnostic> {
        let mut parts = dotted.split('.');
        let root = parts.next().unwrap_or_default();
        let child = parts.next();
        if root == "env"
            && let Some(problem) = self.variable_problem(child, at)
        {
            return Some(problem);
        }
        let Some(below) = self.known.below(root, place) else {
            let explained =
                self.refused.contains(root) || (self.written.defines(root) && !self.known.has(root));
            return (!explained).then(|| match uncalled(dotted, root) {
                Some(help) => {
                    Diagnostic::error(codes::UNKNOWN_NAME, at, format!("`{dotted}` is no value")).help(help)
                }
                None => self.unknown_root(root, place, at),
            });
        };
        if let Some(child) = child.filter(|_| RESPONSE_NAMES.contains(&root) && !self.known.has(root))
            && let Some((kind, help)) = syntax_help::part_of_plain_value(root, child)
        {
            let message = format!("`{root}` is {kind}, which has no `{child}`");
            return Some(Diagnostic::error(codes::UNKNOWN_NAME, at, message).help(help));
        }
        let (Below::Only(allowed), Some(child)) = (below, child) else { return None };
        if allowed.contains(child) || self.written.defines(child) {
            return None;
        }
        let problem = Diagnostic::error(codes::UNKNOWN_NAME, at, format!("`{root}` has no `{child}`"));
        let problem = match root {
            "secrets" if allowed.is_empty() => {
                let variable = child.to_ascii_uppercase();
                return Some(problem.help(format!("write `secrets: {{ {child}: {{ env: {variable} }} }}`")));
            }
            // A login that could not be read may be what gives it.
            "auth" if allowed.is_empty() && self.login_is_misspelt() => return None,
            "auth" if allowed.is_empty() => {
                let help = format!(
                    "no step before this captures anything: write `capture: {{ {child}: … }}` in one of `steps`"
                );
                return Some(problem.help(help));
            }
            _ => problem,
        };
        Some(problem.did_you_mean_or_list(child, allowed.iter().map(String::as_str)))
    }

    fn unknown_root(&self, root: &str, place: Place, at: Span) -> Diagnostic {
        let known_elsewhere = match root {
            "auth" => Some("the plan has no `auth` flow that could capture it"),
            _ if RESPONSE_NAMES.contains(&root) => {
                Some("it is known only in `expect` and `capture`, once there is a response")
            }
            _ if place == Place::Setup && self.plan.data.iter().any(|(name, _)| name.value == root) => {
                Some("data rows belong to users; they are not known before the run")
            }
            _ if self.known.feeds.contains_key(root) => Some(
                "its rows belong to iterations, which come later; with `per: user` a row is known here too",
            ),
            _ if self.known.captures.contains(root) => {
                Some("it is captured by an endpoint or flow, which runs after this")
            }
            _ if self.known.auth.as_ref().is_some_and(|captured| captured.contains(root)) => {
                return Diagnostic::error(codes::UNKNOWN_NAME, at, format!("nothing defines `{root}`"))
                    .help(format!("`auth` captures it: write `auth.{root}`"));
            }
            "repeat" => Some("it is known only in the steps of a `repeat`"),
            "user" | "run" => Some("targets, variables and `token_url` are computed before the run starts"),
            _ => None,
        };
        let error = Diagnostic::error(codes::UNKNOWN_NAME, at, format!("nothing defines `{root}`"));
        if let Some(help) = known_elsewhere {
            return error.help(help);
        }
        let all = self.known.all(place);
        let near = crate::diagnostic::nearest(root, all.iter().map(String::as_str));
        if let Some(scenario) = self.only_in_scenario(root) {
            let message = format!("it is known in the scenario `{scenario}`, and ");
            return error.help(match self.group.name.filter(|_| place != Place::Setup) {
                Some(own) => format!("{message}`{}` sends this too", own.value),
                None => format!("{message}this belongs to the whole plan"),
            });
        }
        // Whoever writes `user_id` means a part of it, not all.
        let is_part = |(whole, part): &(&str, &str)| {
            root.replace('_', "") == part.replace('.', "") || near == Some(whole) && root.starts_with(whole)
        };
        let parts = [("user", "user.id"), ("run", "run.id"), ("repeat", "repeat.index")];
        let part = parts.into_iter().find(is_part);
        match near {
            _ if let Some((_, part)) = part => error.help(format!("did you mean `{part}`?")),
            Some(near) => error
                .help(format!("did you mean `{near}`?"))
                .fix_if_certain(root, all.iter().map(String::as_str)),
            None => error.help(
                "names come from `capture`, `data`, `auth`, `variables`, `secrets`, `env`, `user` and `run`",
            ),
        }
    }

    /// Whether a key below some `auth` is not known.
    fn login_is_misspelt(&self) -> bool {
        let of_scenarios = self.plan.scenarios.iter().filter_map(|(_, scenario)| match &scenario.auth {
            Some(ScenarioAuth::Flow(auth)) => Some(auth.span),
            _ => None,
        });
        let all = self.plan.auth.iter().map(|auth| auth.span).chain(of_scenarios);
        all.into_iter().any(|auth| self.written.misses_a_key_in(auth))
    }

    /// The scenario that defines a name for itself.
    fn only_in_scenario(&self, name: &str) -> Option<&str> {
        let plan = self.plan;
        let defines = |scenario: &Scenario| {
            scenario.variables.iter().any(|(known, _)| known.value == name)
                || scenario.data.iter().any(|(known, _)| known.value == name)
        };
        plan.scenarios.iter().find(|(_, scenario)| defines(scenario)).map(|(known, _)| known.value.as_str())
    }

    /// Compiles a text that stands in the plan and checks its names.
    pub(super) fn text(&mut self, source: &str, span: Span, place: Place) -> Option<Text> {
        match Text::compile(source) {
            Ok(text) => {
                self.check_names(&text.names(), source, span, place);
                Some(text)
            }
            Err(error) => {
                let at = self.place_of(span, source, error.range);
                let help = error.help.unwrap_or_else(|| TEMPLATE_HELP.to_owned());
                self.error(Diagnostic::error(codes::TEMPLATE, at, error.message).help(help));
                None
            }
        }
    }
}

/// What to write for a function that is not called.
fn uncalled(dotted: &str, root: &str) -> Option<String> {
    if FUNCTIONS.contains(&dotted) || FUNCTIONS.contains(&root) {
        let name = if FUNCTIONS.contains(&dotted) { dotted } else { root };
        return Some(format!("it is a function: write `{name}()`"));
    }
    let near = crate::diagnostic::nearest(dotted, FUNCTIONS.iter().copied()).unwrap_or("fake.name");
    is_function(root).then(|| format!("did you mean `{near}()`?"))
}

/// Most unknown names reported for one text.
const MOST_NAMES: usize = 20;
pub(super) const TEMPLATE_HELP: &str =
    "between `{{` and `}}` stands one expression, such as `{{ user.id }}` or `{{ random_int(1, 10) }}`";
