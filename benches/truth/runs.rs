//! A run of the generator against the truth server, each in a process of its own.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::distribution::Distribution;
use crate::support::truth_server::{Log, ServerProcess, Spec};
use crate::support::{Done, Running, Scratch, count, read_json};
use crate::table::Table;

/// Takes as many file descriptors as it may have, then becomes the program.
const WITH_ALL_DESCRIPTORS: &str = "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" \"$@\"";
/// No part runs nearly as long.
const LIMIT: Duration = Duration::from_secs(3600);

/// What came of a run.
pub struct Run {
    pub result: Value,
    pub done: Done,
    pub log: Log,
}

/// How the generator is started.
#[derive(Default)]
pub struct Start<'a> {
    /// Further arguments.
    pub arguments: &'a [&'a str],
    /// The core the generator is pinned to, and the one of the server.
    pub cores: Option<(usize, usize)>,
}

/// Runs `rest` of a plan with one endpoint against a server; `meanwhile` may send signals to both.
pub fn run(
    spec: Spec,
    rest: &str,
    start: &Start<'_>,
    meanwhile: impl FnOnce(&Running, &ServerProcess),
) -> Run {
    let program = std::env::current_exe().unwrap();
    let server = program.to_str().unwrap();
    let server = ServerProcess::start(command(start.cores.map(|cores| cores.1), server), spec);
    let scratch = Scratch::new();
    let text =
        format!("plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /a }} }}\n{rest}\n", server.url);
    let (plan, json) = (scratch.write("plan.yaml", &text), scratch.path("result.json"));
    let mut generator = command(start.cores.map(|cores| cores.0), env!("CARGO_BIN_EXE_plimsoll"));
    generator.arg("run").arg(plan).arg("--json").arg(&json).arg("--quiet");
    generator.args(start.arguments);
    let running = Running::start(generator);
    meanwhile(&running, &server);
    let done = running.finish_within(LIMIT);
    let log = server.finish();
    let result = read_json(&json);
    assert!(!result.is_null(), "no result: {}", done.output());
    Run { result, done, log }
}

/// The same without anything meanwhile.
pub fn plain(spec: Spec, rest: &str, arguments: &[&str]) -> Run {
    run(spec, rest, &Start { arguments, cores: None }, |_, _| {})
}

fn command(core: Option<usize>, program: &str) -> Command {
    let mut command = match core {
        Some(core) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &core.to_string(), "sh"]);
            command
        }
        None => Command::new("sh"),
    };
    command.args(["-c", WITH_ALL_DESCRIPTORS, program]);
    command
}

impl Run {
    /// A distribution of all requests together.
    pub fn times(&self, name: &str) -> Distribution {
        Distribution::read(&self.result["totals"], name)
    }

    /// One of `accounting.arrivals`.
    pub fn arrivals(&self, name: &str) -> u64 {
        count(&self.result["accounting"]["arrivals"][name])
    }

    pub fn started(&self) -> u64 {
        count(&self.result["accounting"]["started"])
    }

    /// Claims that nothing is lost: the server's log, and the sum of what became of the arrivals.
    pub fn check_sums(&self, table: &mut Table, claim: &str, scheduled: u64) {
        table.same(&format!("{claim}: arrivals scheduled"), scheduled, self.arrivals("scheduled"));
        table.same(&format!("{claim}: requests the server received"), self.started(), self.log.received());
        let sum = self.arrivals("started") + self.arrivals("dropped") + self.arrivals("not_started");
        table.same(&format!("{claim}: started + dropped + not started"), self.arrivals("scheduled"), sum);
    }

    /// Why the run is invalid, in words.
    pub fn reasons(&self) -> Vec<String> {
        let reasons = self.result["generator"]["reasons"].as_array().cloned().unwrap_or_default();
        reasons.iter().map(|reason| format!("{}: {}", reason["kind"], reason["detail"])).collect()
    }
}
