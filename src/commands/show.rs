//! `plimsoll show`: the plan as it would run, secrets masked, and its load over time.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::cli::Changes;
use crate::compile::{CompiledPlan, Purpose, compile};
use crate::exit::Exit;
use crate::load::Load;
use crate::plan::load::load;

use super::terminal::{complain, out, show_diagnostics};

/// Steps of the timeline.
const POINTS: usize = 12;
/// Columns of its longest bar.
const BAR: u32 = 40;

pub fn show(path: &Path, changes: &Changes) -> Exit {
    let loaded = load(path, &super::overrides(changes));
    let mut diagnostics = loaded.diagnostics.clone();
    let compiled = compile(&loaded, path, changes.profile.as_deref(), Purpose::Check, &mut diagnostics);
    show_diagnostics(&diagnostics, &loaded);
    let Some(plan) = compiled else { return Exit::Usage };
    match serde_yaml::to_string(&plan.info.effective) {
        Ok(text) => out(&format!("# {}, as it would run\n{}\n", plan.info.file, text.trim_end())),
        Err(error) => {
            complain(&format!("error: the plan cannot be shown: {error}"));
            return Exit::CouldNotRun;
        }
    }
    out(&timeline(&plan));
    Exit::Pass
}

fn timeline(plan: &CompiledPlan) -> String {
    let mut text = format!("\n# {}\n", super::validate::contents(plan));
    let targets: Vec<_> = plan
        .targets
        .iter()
        .map(|t| {
            format!("{} {}://{}:{}{}", t.name, if t.tls { "https" } else { "http" }, t.host, t.port, t.prefix)
        })
        .collect();
    let _ = writeln!(text, "# targets: {}", targets.join(", "));
    match &plan.load {
        Load::Iterations { users, total } => {
            let _ = writeln!(text, "# load: {users} users share {total} iterations");
        }
        Load::IterationsPerUser { users, each } => {
            let _ = writeln!(text, "# load: {users} users, {each} iterations each");
        }
        Load::Users(curve) => {
            let _ = writeln!(text, "# load over time:");
            for (at, users) in points(curve.total()).map(|at| (at, curve.target(at))) {
                let length = (users * BAR).div_ceil(curve.peak().max(1));
                let time = crate::units::format_duration_us(at.as_micros() as u64);
                let _ = writeln!(text, "#   {time:>8} {users:>6} {}", "█".repeat(length as usize));
            }
        }
    }
    text
}

fn points(total: Duration) -> impl Iterator<Item = Duration> {
    (0..=POINTS).map(move |i| {
        let at = total.mul_f64(i as f64 / POINTS as f64);
        // The very end shows what ran until then.
        if i == POINTS { at.saturating_sub(Duration::from_nanos(1)) } else { at }
    })
}
