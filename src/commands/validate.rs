//! `plimsoll validate`: many plans, every problem, nothing sent.

use std::path::PathBuf;

use crate::cli::EnvFile;
use crate::compile::model::Entry;
use crate::compile::{CompiledPlan, Purpose, compile};
use crate::exit::Exit;
use crate::plan::load::{Overrides, load};

use super::terminal::{out, show_diagnostics};

pub fn validate(plans: &[PathBuf], profile: Option<String>, environment: &EnvFile) -> Exit {
    let mut exit = Exit::Pass;
    let overrides = Overrides {
        profile: profile.clone(),
        env_file: environment.env_file.clone(),
        ..Overrides::default()
    };
    for path in plans {
        let loaded = load(path, &overrides);
        let mut diagnostics = loaded.diagnostics.clone();
        let compiled = compile(&loaded, path, profile.as_deref(), Purpose::Check, &mut diagnostics);
        show_diagnostics(&diagnostics, &loaded);
        match compiled {
            Some(plan) => out(&format!("ok    {} — {}\n", path.display(), contents(&plan))),
            None => {
                out(&format!("wrong {}\n", path.display()));
                exit = Exit::Usage;
            }
        }
    }
    exit
}

/// What a plan holds, in a few words.
pub fn contents(plan: &CompiledPlan) -> String {
    let entries = || plan.scenarios.iter().flat_map(|scenario| &scenario.entries);
    let flows = entries().filter(|entry| matches!(entry, Entry::Flow { .. })).count();
    let endpoints = entries().count() - flows;
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
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
