//! `plimsoll validate`: many plans, every problem, nothing sent.

mod fix;
mod github;
mod plans;
mod problem;
mod sarif;

use std::path::Path;

use crate::cli::{Changes, Format, Validate};
use crate::compile::model::Entry;
use crate::compile::{CompiledPlan, Purpose, compile};
use crate::diagnostic::Diagnostics;
use crate::exit::Exit;
use crate::plan::load::{Loaded, Overrides, load};
use crate::report::text::shown_path;

use super::terminal::{complain, count, hint, out, out_exactly, show_problems};
use problem::Problem;

pub fn validate(options: &Validate) -> Exit {
    let found = plans::find(&options.plans);
    found.complaints.iter().for_each(|words| complain(&format!("error: {words}")));
    let is_refused = !found.complaints.is_empty();
    let mut seen = Seen { skipped: found.skipped, is_refused, ..Seen::default() };
    for path in &found.plans {
        if options.fix && !fix::fix(path, options) {
            seen.is_refused = true;
        }
        seen.add(path, options);
    }
    seen.tell(options.format);
    if seen.wrong > 0 || seen.is_refused { Exit::Usage } else { Exit::Pass }
}

/// Loads and compiles one plan.
fn check(loaded: &Loaded, path: &Path, profile: Option<&str>) -> (Option<CompiledPlan>, Diagnostics) {
    let mut diagnostics = loaded.diagnostics.clone();
    let compiled = compile(loaded, path, profile, Purpose::Check, &mut diagnostics);
    (compiled, diagnostics)
}

fn overrides(options: &Validate) -> Overrides {
    let changes = Changes { profile: options.profile.clone(), ..Changes::default() };
    crate::commands::overrides(&changes, &options.environment)
}

/// What was found so far.
#[derive(Debug, Default)]
struct Seen {
    right: usize,
    wrong: usize,
    skipped: usize,
    errors: usize,
    warnings: usize,
    /// A folder could not be searched, or a file not corrected.
    is_refused: bool,
    problems: Vec<Problem>,
}

impl Seen {
    fn add(&mut self, path: &Path, options: &Validate) {
        let loaded = load(path, &overrides(options));
        let (compiled, diagnostics) = check(&loaded, path, options.profile.as_deref());
        let (errors, warnings) = diagnostics.counts();
        self.errors += errors;
        self.warnings += warnings;
        self.problems.extend(Problem::all(&diagnostics, &loaded));
        let is_right = compiled.is_some() && !(options.strict && warnings > 0);
        if is_right {
            self.right += 1
        } else {
            self.wrong += 1
        }
        if options.format != Format::Human {
            return;
        }
        show_problems(&diagnostics, &loaded);
        let name = shown_path(path);
        out(&match compiled.filter(|_| is_right) {
            Some(plan) => format!("ok    {name} — {}\n", contents(&plan)),
            None => format!("wrong {name}\n"),
        });
    }

    fn tell(&self, format: Format) {
        match format {
            Format::Human => {
                if self.right + self.wrong + self.skipped > 1 {
                    out(&format!("{}\n", self.summary()));
                }
                let fixes = self.problems.iter().filter(|problem| problem.fix.is_some()).count();
                hint(self.problems.iter().map(|problem| problem.code).collect(), fixes);
            }
            Format::Json => out_exactly(&format!("{:#}\n", serde_json::json!(self.problems))),
            Format::Sarif => out_exactly(&format!("{:#}\n", sarif::log(&self.problems))),
            Format::Github => {
                self.problems.iter().for_each(|problem| out_exactly(&github::command(problem)));
                complain(&self.summary());
            }
        }
    }

    fn summary(&self) -> String {
        let mut words = format!("{}: {} ok", count(self.right + self.wrong, "plan"), self.right);
        let parts = [
            (self.wrong, format!(", {} wrong", self.wrong)),
            (self.errors, format!(", {}", count(self.errors, "error"))),
            (self.warnings, format!(", {}", count(self.warnings, "warning"))),
            (self.skipped, format!("; {} skipped, no `plan` in it", count(self.skipped, "file"))),
        ];
        parts.into_iter().filter(|(number, _)| *number > 0).for_each(|(_, part)| words.push_str(&part));
        words
    }
}

/// What a plan holds, in a few words.
pub fn contents(plan: &CompiledPlan) -> String {
    let entries = || plan.scenarios.iter().flat_map(|scenario| &scenario.entries);
    let flows = entries().filter(|entry| matches!(entry, Entry::Flow { .. })).count();
    let endpoints = entries().count() - flows;
    let mut parts = vec![];
    if plan.scenarios.len() > 1 {
        parts.push(count(plan.scenarios.len(), "scenario"));
    }
    parts.push(count(endpoints, "endpoint"));
    if flows > 0 {
        parts.push(count(flows, "flow"));
    }
    parts.push(count(plan.thresholds.len(), "threshold"));
    parts.push(format!("up to {}", count(plan.peak_users() as usize, "user")));
    if let Some(duration) = plan.planned() {
        parts.push(crate::units::format_duration_us(duration.as_micros() as u64));
    }
    parts.join(", ")
}
