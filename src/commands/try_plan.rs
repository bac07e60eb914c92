//! `plimsoll try`: one user runs every endpoint and flow once; each request and answer is shown as it comes.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, mpsc};

use crate::cli::{Changes, EnvFile};
use crate::compile::CompiledPlan;
use crate::compile::model::{Entry, Scenario};
use crate::diagnostic::nearest;
use crate::engine::{Commands, Event, Exchange, RunOptions, Stopped};
use crate::exit::Exit;
use crate::load::Load;
use crate::report::text::clean;

use super::document::{Grading, document};
use super::indent::indented;
use super::interrupt::{Interrupt, Phase};
use super::terminal::{complain, complain_of, out};

/// Bytes of a body that are shown without `--full`.
const SHOWN: usize = 2_000;

/// How to try.
#[derive(Debug)]
pub struct Flags {
    pub changes: Changes,
    pub environment: EnvFile,
    pub full: bool,
    pub seed: u64,
}

pub fn try_plan(path: &Path, names: &[String], flags: &Flags) -> Exit {
    let interrupt = match Interrupt::watch() {
        Ok(interrupt) => interrupt,
        Err(exit) => return exit,
    };
    let mut plan = match super::run::read(path, &flags.changes, &flags.environment, flags.seed) {
        Ok(plan) => plan,
        Err(exit) => return exit,
    };
    if let Err(words) = once_each(&mut plan, names) {
        complain(&format!("error: {words}"));
        return Exit::Usage;
    }
    let (trace, exchanges) = mpsc::channel();
    let full = flags.full;
    let shown = std::thread::spawn(move || show(&exchanges, full));
    let mut options = RunOptions {
        seed: flags.seed,
        run_id: super::run::run_id(),
        workers: 1,
        trace: Some(trace),
        samples: None,
    };
    let plan = Arc::new(plan);
    let ran = crate::engine::run(plan.clone(), options.clone(), Commands::none(), &mut |event| {
        if matches!(event, Event::Waiting | Event::Started) {
            interrupt.enter(Phase::Running);
        }
    });
    interrupt.enter(Phase::Writing);
    let failed = match ran {
        // With the last sender what is shown comes to an end.
        Ok(outcome) => {
            options.trace = None;
            let tried = shown.join().unwrap_or(Tried { failed: 1, ..Tried::default() });
            // A target that is not ready, say; or one that nothing is sent to.
            if tried.requests == 0 || matches!(outcome.stopped, Stopped::Refused(_)) {
                let result = document(&plan, &options, &outcome, &Grading::default());
                if result.exit_code == Exit::CouldNotRun as u8 {
                    complain(&format!("error: {}", result.reason));
                    return Exit::CouldNotRun;
                }
            }
            tried
        }
        Err(error) => {
            complain_of(&error);
            return Exit::CouldNotRun;
        }
    };
    out(&format!("\n{}\n", failed.summary()));
    if failed.failed > 0 || failed.requests == 0 { Exit::Fail } else { Exit::Pass }
}

/// Makes each scenario one user that runs each of its entries once.
fn once_each(plan: &mut CompiledPlan, names: &[String]) -> Result<(), String> {
    let known: Vec<String> =
        plan.scenarios.iter().flat_map(|s| &s.entries).map(|e| name_of(plan, e)).collect();
    for name in names {
        if !known.contains(name) {
            let near = nearest(name, known.iter().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", known.join(", ")),
            };
            return Err(format!("no endpoint or flow that can be picked is called `{name}`; {help}"));
        }
    }
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let mut scenarios = plan.scenarios.to_vec();
    for scenario in &mut scenarios {
        let entries = scenario.entries.iter().filter(|entry| is_wanted(&name_of(plan, entry)));
        scenario.entries = entries.cloned().collect();
        scenario.weights = (1..=scenario.entries.len()).map(|at| at as f64).collect();
        scenario.load = Load::Iterations { users: 1, total: scenario.entries.len() as u64 };
        (scenario.think, scenario.pacing) = (None, None);
        (scenario.start_after, scenario.warmup) = Default::default();
    }
    plan.scenarios =
        scenarios.into_iter().filter(|scenario: &Scenario| !scenario.entries.is_empty()).collect();
    plan.thresholds = Box::default();
    Ok(())
}

fn name_of(plan: &CompiledPlan, entry: &Entry) -> String {
    let series = match entry {
        Entry::Endpoint(request) => request.series,
        Entry::Flow { series, .. } => *series,
    };
    plan.series[series.0 as usize].name.clone()
}

/// What came of it.
#[derive(Debug, Default)]
struct Tried {
    requests: u64,
    failed: u64,
}

impl Tried {
    fn summary(&self) -> String {
        match (self.requests, self.failed) {
            (0, 0) => "nothing was sent".to_owned(),
            (requests, 0) => format!("{requests} requests, all as expected"),
            (requests, failed) => format!("{requests} requests, {failed} failed"),
        }
    }
}

fn show(exchanges: &mpsc::Receiver<Exchange>, full: bool) -> Tried {
    let mut tried = Tried::default();
    for exchange in exchanges {
        tried.requests += u64::from(exchange.line.is_some());
        tried.failed += u64::from(exchange.problem.as_ref().is_some_and(|(kind, _)| !kind.is_empty()));
        out(&words_of(&exchange, full));
    }
    tried
}

/// One exchange, as a person reads it. What servers sent cannot move the cursor.
fn words_of(exchange: &Exchange, full: bool) -> String {
    let line = exchange.line.as_deref().unwrap_or("nothing was sent");
    let mut text = format!("\n── {} ──\n> {}\n", clean(&exchange.row), clean(line));
    add_message(&mut text, '>', &exchange.headers, &exchange.body, full);
    if let Some((status, headers, body)) = &exchange.answer {
        let reason = http::StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
        let took = crate::units::format_duration_us(u64::from(exchange.latency_us));
        let _ = writeln!(text, "< {status} {} in {took}", reason.unwrap_or_default());
        add_message(&mut text, '<', headers, body, full);
    }
    for (check, unmet) in &exchange.checks {
        let _ = match unmet {
            None => writeln!(text, "  ✓ {}", clean(check)),
            Some(words) => writeln!(text, "  ✗ {}", clean(words)),
        };
    }
    for (name, value) in &exchange.captured {
        let _ = writeln!(text, "  {name} = {}", clean(value));
    }
    if let Some((kind, words)) = &exchange.problem {
        let _ = match kind.is_empty() {
            true => writeln!(text, "  → {}", clean(words)),
            false => writeln!(text, "  ✗ failed as {kind}: {}", clean(words)),
        };
    }
    text
}

fn add_message(text: &mut String, mark: char, headers: &[(String, String)], body: &str, full: bool) {
    for (name, value) in headers {
        let _ = writeln!(text, "{mark} {name}: {}", clean(value));
    }
    if body.is_empty() {
        return;
    }
    let pretty = indented(body);
    let body = pretty.as_deref().unwrap_or(body);
    let end = if full { body.len() } else { body.floor_char_boundary(SHOWN) };
    let _ = writeln!(text, "{mark}");
    for line in body[..end].lines() {
        let _ = writeln!(text, "{mark} {}", clean(line));
    }
    if end < body.len() {
        let _ = writeln!(text, "{mark} … {} more bytes; --full shows them", body.len() - end);
    }
}
