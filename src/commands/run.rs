//! `plimsoll run`: text → plan → compiled plan → load → verdict → reports → exit code, top to bottom.

use std::path::Path;
use std::sync::Arc;

use rand::SeedableRng as _;

use crate::cli::{Changes, EnvFile, RunFlags};
use crate::compile::{CompiledPlan, Purpose, compile};
use crate::engine::{Commands, Event, Outcome, RunOptions};
use crate::exit::Exit;
use crate::plan::load::{Loaded, load};
use crate::report::json;
use crate::report::live::{LINE_EVERY, Live, Mode};
use crate::template::{Rng, with_rng};
use crate::threshold::Broken;

use super::baseline::{self, Baseline};
use super::by_hand;
use super::checkpoint::Build;
use super::document::{Grading, document};
use super::interrupt::{Interrupt, Phase};
use super::outputs::Outputs;
use super::progress::Progress;
use super::terminal::{complain, complain_of, is_colourful, is_interactive, show_diagnostics};

pub fn run(plan: &Path, flags: &RunFlags, environment: &EnvFile) -> Exit {
    let interrupt = match Interrupt::watch() {
        Ok(interrupt) => interrupt,
        Err(exit) => return exit,
    };
    let seed = flags.seed.unwrap_or_else(random_seed);
    match read(plan, &flags.changes, environment, seed) {
        Ok(plan) => run_compiled(plan, &RunFlags { seed: Some(seed), ..flags.clone() }, &interrupt),
        Err(exit) => exit,
    }
}

/// Reads and compiles a plan for a run with this seed, or says what is wrong with it.
pub fn read(path: &Path, changes: &Changes, environment: &EnvFile, seed: u64) -> Result<CompiledPlan, Exit> {
    let loaded = load(path, &super::overrides(changes, environment));
    // Variables are computed while the plan is compiled: from a generator of the same seed.
    let mut rng = Rng::seed_from_u64(!seed);
    with_rng(&mut rng, || compiled(&loaded, path, changes.profile.as_deref()))
}

/// Compiles a loaded plan, or says what is wrong with it.
pub fn compiled(loaded: &Loaded, path: &Path, profile: Option<&str>) -> Result<CompiledPlan, Exit> {
    let mut diagnostics = loaded.diagnostics.clone();
    let compiled = compile(loaded, path, profile, Purpose::Run, &mut diagnostics);
    show_diagnostics(&diagnostics, loaded);
    compiled.ok_or_else(|| {
        complain(&format!("{} is not valid; nothing was sent", crate::report::text::shown_path(path)));
        Exit::Usage
    })
}

/// Runs a compiled plan and writes what was asked for.
pub fn run_compiled(mut plan: CompiledPlan, flags: &RunFlags, interrupt: &Interrupt) -> Exit {
    let baseline = match baseline::bind(&mut plan, flags) {
        Ok(baseline) => baseline,
        Err(exit) => return exit,
    };
    let mut options = options(&plan, flags);
    // Before the first request: a report that cannot be written must not cost a run.
    let earlier = baseline.as_ref().and_then(Baseline::run).cloned();
    let mut outputs = match Outputs::open(&plan, flags, &options, earlier) {
        Ok(outputs) => outputs,
        Err(exit) => return exit,
    };
    options.samples = outputs.sample_log();
    let plan = Arc::new(plan);
    let grading = Grading { strict: flags.strict, allow_invalid: flags.allow_invalid, baseline };
    // Before the live view, which what it may complain of would be lost in.
    outputs.keep_checkpoint(checkpoints(&plan, &options, &grading));
    let (wish, commands) = Commands::channel();
    // When nobody takes it any more, the run is over.
    let mut live = Live::new(mode(flags, &plan), move |key| {
        let _ = wish.send(by_hand::command(key));
    });
    if !flags.quiet {
        live.message(&introduction(&plan, &options));
        grading.baseline.iter().for_each(|baseline| live.message(&baseline.introduction()));
    }
    let mut progress = Progress::new(plan.clone());
    let ran = crate::engine::run(plan.clone(), options.clone(), commands, &mut |event| match event {
        Event::Waiting => {
            interrupt.enter(Phase::Running);
            live.message("waiting until the target is ready …");
        }
        Event::Started => interrupt.enter(Phase::Running),
        Event::SoFar(take) => {
            let trouble = outputs.checkpoint().and_then(|checkpoint| checkpoint.offer(take));
            trouble.iter().for_each(|words| live.message(words));
        }
        Event::Second(seen) if live.is_shown() => {
            live.update(&progress.snapshot(&seen));
        }
        Event::Second(_) => {}
        Event::Aborting(broken) => live.message(&aborting(&plan, broken)),
        Event::Stopping => live.message("stopping: running requests may end; Ctrl-C again to stop at once"),
        Event::Abandoning => live.message("stopping at once"),
        Event::Changed(changed) => live.message(&by_hand::told(changed)),
        Event::Warning(words) => live.message(&format!("warning: {words}")),
        Event::Refused(why) => live.message(why),
    });
    interrupt.enter(Phase::Writing);
    live.finish();
    match ran {
        Ok(outcome) => {
            let written = outputs.write(document(&plan, &options, &outcome, &grading));
            // Only now may a terminal that hangs be waited for.
            let exit = written.exit();
            interrupt.enter(Phase::Telling(exit));
            live.settle();
            written.tell();
            exit
        }
        Err(error) => {
            outputs.discard();
            live.settle();
            complain_of(&error);
            Exit::CouldNotRun
        }
    }
}

/// How a checkpoint is made.
fn checkpoints(plan: &Arc<CompiledPlan>, options: &RunOptions, grading: &Grading) -> Build {
    let (plan, options, grading) = (plan.clone(), options.clone(), grading.clone());
    Box::new(move |outcome: &Outcome| json::to_string(&document(&plan, &options, outcome, &grading)))
}

fn options(plan: &CompiledPlan, flags: &RunFlags) -> RunOptions {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = flags.workers.map_or(cores, usize::from);
    RunOptions {
        seed: flags.seed.unwrap_or_else(random_seed),
        run_id: run_id(),
        // A worker without users would only wait.
        workers: workers.min(plan.peak_users().max(1) as usize),
        trace: None,
        samples: None,
    }
}

/// An id that no two runs are likely to share.
pub fn run_id() -> String {
    format!("{:08x}", rand::random::<u32>())
}

/// A seed that is short to write.
fn random_seed() -> u64 {
    u64::from(rand::random::<u32>())
}

fn aborting(plan: &CompiledPlan, broken: Broken) -> String {
    let words = plan.thresholds.get(broken.threshold).map_or_else(String::new, |scoped| {
        format!("`{}` ({}) is broken", scoped.threshold.expression, scoped.scope.name())
    });
    format!("{words} at {}s: ending the run, running requests may end", broken.at_s)
}

fn mode(flags: &RunFlags, plan: &CompiledPlan) -> Mode {
    if flags.quiet {
        Mode::Quiet
    } else if flags.headless || !is_interactive() {
        Mode::Plain { every: LINE_EVERY }
    } else {
        Mode::Terminal { title: plan.info.name.clone(), color: is_colourful(), offers: by_hand::offers(plan) }
    }
}

fn introduction(plan: &CompiledPlan, options: &RunOptions) -> String {
    let users = plan.peak_users();
    let users = if users == 1 { "1 user".to_owned() } else { format!("up to {users} users") };
    let iterations: Option<Vec<u64>> = plan.scenarios.iter().map(|s| s.load.iterations()).collect();
    let length = match (plan.planned(), iterations) {
        (Some(duration), _) => crate::units::format_duration_us(duration.as_micros() as u64),
        (None, Some(all)) => format!("{} iterations", all.iter().sum::<u64>()),
        (None, None) => "until done".to_owned(),
    };
    let workers =
        if options.workers == 1 { "1 worker".to_owned() } else { format!("{} workers", options.workers) };
    format!("{} · {users}, {length} · {workers}, seed {}", plan.info.name, options.seed)
}
