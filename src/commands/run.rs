//! `plimsoll run`: text → plan → compiled plan → load → verdict → reports → exit code, top to bottom.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::RunFlags;
use crate::compile::{CompiledPlan, Purpose, compile};
use crate::engine::{Event, RunOptions};
use crate::exit::Exit;
use crate::plan::load::{Loaded, load};
use crate::report::live::{Live, Mode};
use crate::report::model::ResultDocument;
use crate::report::sink::Sink;
use crate::report::{console, html, json};

use super::document::document;
use super::progress::Progress;
use super::terminal::{complain, complain_of, is_interactive, out, show_diagnostics, style};

/// Time between progress lines in a log.
const LINE_EVERY: Duration = Duration::from_secs(5);

pub fn run(plan: &Path, flags: &RunFlags) -> Exit {
    let loaded = load(plan, &super::overrides(&flags.changes));
    match compiled(&loaded, plan, flags.changes.profile.as_deref()) {
        Ok(plan) => run_compiled(plan, flags),
        Err(exit) => exit,
    }
}

/// Compiles a loaded plan, or says what is wrong with it.
pub fn compiled(loaded: &Loaded, path: &Path, profile: Option<&str>) -> Result<CompiledPlan, Exit> {
    let mut diagnostics = loaded.diagnostics.clone();
    let compiled = compile(loaded, path, profile, Purpose::Run, &mut diagnostics);
    show_diagnostics(&diagnostics, loaded);
    compiled.ok_or_else(|| {
        complain(&format!("{} is not valid; nothing was sent", path.display()));
        Exit::Usage
    })
}

/// Runs a compiled plan and writes what was asked for.
pub fn run_compiled(plan: CompiledPlan, flags: &RunFlags) -> Exit {
    // Before the first request: a report that cannot be written must not cost a run.
    let outputs = match Outputs::open(flags) {
        Ok(outputs) => outputs,
        Err(exit) => return exit,
    };
    let plan = Arc::new(plan);
    let options = options(&plan, flags);
    let mut live = Live::new(mode(flags));
    if !flags.quiet {
        live.message(&introduction(&plan, &options));
    }
    let mut progress = Progress::new(plan.clone());
    let ran = crate::engine::run(plan.clone(), options.clone(), &mut |event| match event {
        Event::Waiting => live.message("waiting until the target is ready …"),
        Event::Started => {}
        Event::Second(second, totals) => live.update(&progress.snapshot(second, totals)),
        Event::Stopping => live.message("stopping: running requests may end; Ctrl-C again to stop at once"),
        Event::Abandoning => live.message("stopping at once"),
    });
    live.finish();
    match ran {
        Ok(outcome) => outputs.write(&document(&plan, &options, &outcome, flags.strict), flags.quiet),
        Err(error) => {
            complain_of(&error);
            Exit::CouldNotRun
        }
    }
}

fn options(plan: &CompiledPlan, flags: &RunFlags) -> RunOptions {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = flags.workers.map_or(cores, usize::from);
    RunOptions {
        seed: flags.seed.unwrap_or_else(|| u64::from(rand::random::<u32>())),
        run_id: format!("{:08x}", rand::random::<u32>()),
        // A worker without users would only wait.
        workers: workers.min(plan.peak_users().max(1) as usize),
    }
}

fn mode(flags: &RunFlags) -> Mode {
    if flags.quiet {
        Mode::Quiet
    } else if flags.headless || !is_interactive() {
        Mode::Plain { every: LINE_EVERY }
    } else {
        Mode::Terminal
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

/// Reports to write, opened before the first request.
struct Outputs {
    html: Option<Sink>,
    json: Option<Sink>,
}

impl Outputs {
    fn open(flags: &RunFlags) -> Result<Self, Exit> {
        if flags.html.is_some() && flags.html == flags.json {
            complain("error: --html and --json name the same file");
            return Err(Exit::Usage);
        }
        let open = |path: &Option<std::path::PathBuf>| match path.as_ref().map(Sink::open).transpose() {
            Ok(sink) => Ok(sink),
            Err(error) => {
                complain_of(&error);
                Err(Exit::CouldNotRun)
            }
        };
        Ok(Self { html: open(&flags.html)?, json: open(&flags.json)? })
    }

    fn write(self, result: &ResultDocument, quiet: bool) -> Exit {
        let to_stdout = [&self.html, &self.json].into_iter().flatten().any(Sink::is_stdout);
        let text = if quiet {
            format!("{}\n", console::verdict_line(result))
        } else {
            console::summary(result, style())
        };
        if to_stdout {
            // Standard output is the report's then.
            complain(text.trim_end());
        } else {
            out(&text);
        }
        let mut exit = exit_of(result);
        for (sink, rendered) in [(self.html, html::render(result)), (self.json, json::to_string(result))] {
            let Some(sink) = sink else { continue };
            let path = sink.path().to_owned();
            let shown = !quiet && !sink.is_stdout();
            match rendered.and_then(|text| sink.write(&text)) {
                Ok(()) if shown => complain(&format!("wrote {path}")),
                Ok(()) => {}
                Err(error) => {
                    complain_of(&error);
                    exit = Exit::CouldNotRun;
                }
            }
        }
        exit
    }
}

fn exit_of(result: &ResultDocument) -> Exit {
    [Exit::Pass, Exit::Fail, Exit::Usage, Exit::CouldNotRun, Exit::Invalid, Exit::Interrupted]
        .into_iter()
        .find(|exit| *exit as u8 == result.exit_code)
        .unwrap_or(Exit::CouldNotRun)
}
