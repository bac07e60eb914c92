//! `plimsoll show`: the plan as it would run, secrets masked, and its load over time.

mod work;
mod yaml;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::cli::{Changes, EnvFile};
use crate::compile::model::Scenario;
use crate::compile::{CompiledPlan, Purpose, compile};
use crate::exit::Exit;
use crate::load::Load;
use crate::plan::load::load;
use crate::plan::node::Node;
use crate::report::text::clean;

use super::terminal::{out, show_diagnostics};

/// Steps of the timeline.
const POINTS: usize = 12;
/// Columns of its longest bar.
const BAR: u32 = 40;

pub fn show(path: &Path, changes: &Changes, environment: &EnvFile, all_origins: bool) -> Exit {
    let loaded = load(path, &super::overrides(changes, environment));
    let mut diagnostics = loaded.diagnostics.clone();
    let compiled = compile(&loaded, path, changes.profile.as_deref(), Purpose::Check, &mut diagnostics);
    show_diagnostics(&diagnostics, &loaded);
    let Some(plan) = compiled else { return Exit::Usage };
    let shown = |text: &str| clean(&plan.masker.mask(text));
    // What the plan's own text says needs no word, unless all is asked for.
    let origin = |node: &Node| {
        let is_told = yaml::is_single(node) && (all_origins || !loaded.is_own(node.span));
        is_told.then(|| shown(&loaded.origin(node.span)))
    };
    let text = yaml::text(&plan.info.effective, loaded.effective.as_ref(), &origin);
    out(&format!("# {}, as it would run\n{text}", shown(&plan.info.file)));
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
    let _ = writeln!(text, "# connections: at most {} at once", crate::engine::connections(plan));
    plan.scenarios.iter().for_each(|scenario| add_load(&mut text, scenario, plan.scenarios.len() > 1));
    text
}

fn add_load(text: &mut String, scenario: &Scenario, is_named: bool) {
    let words = |at: Duration| crate::units::format_duration_us(at.as_micros() as u64);
    let mut title = if is_named { format!("load of {}", scenario.name) } else { "load".to_owned() };
    if !scenario.start_after.is_zero() {
        let _ = write!(title, ", from {} on", words(scenario.start_after));
    }
    if !scenario.warmup.is_zero() {
        let _ = write!(title, ", the first {} as warm-up", words(scenario.warmup));
    }
    let (what, bars): (String, Vec<_>) = match &scenario.load {
        Load::Iterations { users, total } => (format!("{users} users share {total} iterations"), vec![]),
        Load::IterationsPerUser { users, each } => (format!("{users} users, {each} iterations each"), vec![]),
        Load::Users(curve) => {
            let peak = f64::from(curve.peak().max(1));
            let bar = |at| (at, curve.target(at).to_string(), f64::from(curve.target(at)) / peak);
            ("users over time".to_owned(), points(curve.total()).map(bar).collect())
        }
        Load::Arrivals(arrivals) => {
            let curve = &arrivals.curve;
            let peak = curve.peak_per_s().max(f64::MIN_POSITIVE);
            let bar = |at| (at, format!("{:.1}/s", curve.rate_at(at)), curve.rate_at(at) / peak);
            ("arrivals over time".to_owned(), points(curve.total()).map(bar).collect())
        }
    };
    let _ = writeln!(text, "# {title}: {what}");
    let _ = writeln!(text, "#   expected: {}", work::expected(scenario));
    for (index, (at, value, share)) in bars.iter().enumerate() {
        // Where nothing changes, the ends of the stretch say it.
        let is_same =
            |other: Option<&(Duration, String, f64)>| other.is_some_and(|(_, same, _)| same == value);
        if is_same(index.checked_sub(1).and_then(|before| bars.get(before))) && is_same(bars.get(index + 1)) {
            continue;
        }
        let bar = "█".repeat((share * f64::from(BAR)).ceil() as usize);
        let _ = writeln!(text, "#   {:>8} {value:>8} {bar}", words(*at));
    }
}

fn points(total: Duration) -> impl Iterator<Item = Duration> {
    (0..=POINTS).map(move |i| {
        let at = total.mul_f64(i as f64 / POINTS as f64);
        // The very end shows what ran until then.
        if i == POINTS { at.saturating_sub(Duration::from_nanos(1)) } else { at }
    })
}
