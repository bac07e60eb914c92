//! A run of the generator against the truth server, each in a process of its own.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::cores;
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

/// Runs `rest` of a plan with one endpoint against a server, each on its core; `meanwhile` may send signals to both.
pub fn run(
    spec: Spec,
    rest: &str,
    arguments: &[&str],
    meanwhile: impl FnOnce(&Running, &ServerProcess),
) -> Run {
    run_on(cores::GENERATOR, spec, rest, arguments, meanwhile)
}

/// The same with the generator on these cores.
pub fn run_on(
    cores: &str,
    spec: Spec,
    rest: &str,
    arguments: &[&str],
    meanwhile: impl FnOnce(&Running, &ServerProcess),
) -> Run {
    let program = std::env::current_exe().unwrap();
    let server = program.to_str().unwrap();
    let server = ServerProcess::start(command(cores::SERVER, server), spec);
    let scratch = Scratch::new();
    let text =
        format!("plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /a }} }}\n{rest}\n", server.url);
    let (plan, json) = (scratch.write("plan.yaml", &text), scratch.path("result.json"));
    let mut generator = command(cores, env!("CARGO_BIN_EXE_plimsoll"));
    generator.arg("run").arg(plan).arg("--json").arg(&json).arg("--quiet");
    generator.args(arguments);
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
    run(spec, rest, arguments, |_, _| {})
}

fn command(cores: &str, program: &str) -> Command {
    let mut command = cores::pinned(cores);
    command.args(["sh", "-c", WITH_ALL_DESCRIPTORS, program]);
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
