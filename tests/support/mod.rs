//! What the end-to-end tests share: the binary as its user runs it, with a limit on every wait, scratch
//! folders, results read back, and what must hold for every result whatever happened.
#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

pub mod both;
pub mod compiled;
pub mod demo;
pub mod distribution;
pub mod fault_server;
pub mod needles;
pub mod pages;
pub mod process;
#[cfg(unix)]
pub mod pty;
pub mod raw_server;
pub mod reports;
pub mod tls;
pub mod tree;
pub mod truth_server;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

pub use both::both;
pub use process::{Done, Running};

/// The binary under test, in the repository's folder and without what a CI environment may set.
pub fn plimsoll() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    for name in ["AUTH_URL", "AGENTS_URL", "RAG_URL", "PERF_PASSWORD", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        command.env_remove(name);
    }
    command
}

/// A folder of one test.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs a plan with `--json` and reads the result.
    pub fn run(&self, plan: &str, arguments: &[&str]) -> Ran {
        self.run_with(plan, arguments, &[])
    }

    /// The same with variables in the environment.
    pub fn run_with(&self, plan: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
        let plan = self.write("plan.yaml", plan);
        let json = self.path("result.json");
        let mut command = plimsoll();
        // A test machine may starve the generator; what a test is about is told by thresholds and counts.
        command.arg("run").arg(plan).arg("--allow-invalid").arg("--json").arg(&json).args(arguments);
        command.envs(environment.iter().copied());
        let done = Running::start(command).finish();
        Ran { result: read_json(&json), done }
    }
}

/// A run that has ended.
pub struct Ran {
    pub done: Done,
    /// Null when none was written.
    pub result: Value,
}

/// Makes a result look as if nothing had kept the generator from its work: whether this machine was quiet is another test's
/// matter.
pub fn quiet(result: &mut Value) {
    result["generator"]["valid"] = Value::Bool(true);
    for name in ["queued_share", "throttled_us", "lateness_us"] {
        result["generator"].as_object_mut().unwrap().remove(name);
    }
}

/// A JSON file; null when it is absent or empty.
pub fn read_json(path: &std::path::Path) -> Value {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.is_empty() => serde_json::from_str(&text).unwrap(),
        _ => Value::Null,
    }
}

/// The row of this name.
pub fn row<'r>(result: &'r Value, name: &str) -> &'r Value {
    let rows = result["series"].as_array().unwrap_or_else(|| panic!("no result: {result}"));
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no row `{name}`: {result}"))
}

/// Requests of the row of this name.
pub fn requests(result: &Value, name: &str) -> u64 {
    count(&row(result, name)["requests"])
}

/// A number that must be there.
pub fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a count: {value}"))
}

/// The sum of a row's failures of all kinds, interrupted ones included.
fn failures_by_kind(row: &Value) -> u64 {
    row["failure_kinds"].as_object().unwrap().values().map(count).sum()
}

/// What holds for every result: nothing is lost, and the parts of each row add up.
pub fn check_accounting(result: &Value) {
    let of = |name: &str| count(&result["accounting"][name]);
    assert_eq!(
        of("scheduled"),
        of("started") + of("dropped") + of("not_started"),
        "{}",
        result["accounting"]
    );
    assert_eq!(of("started"), of("ok") + of("failed") + of("interrupted"), "{}", result["accounting"]);
    let rows = result["series"].as_array().unwrap();
    let endpoints: u64 =
        rows.iter().filter(|row| row["kind"] == "endpoint").map(|row| count(&row["requests"])).sum();
    assert_eq!(endpoints, of("started"), "rows of endpoints against the accounting");
    assert_eq!(count(&result["totals"]["requests"]), of("started"), "totals against the accounting");
    for row in rows.iter().chain([&result["totals"]]) {
        assert_eq!(count(&row["failures"]), failures_by_kind(row), "failures by kind: {row}");
        if let Some(latencies) = row["latency_us"]["count"].as_u64() {
            let without = row["runs_without_requests"].as_u64().unwrap_or(0);
            assert_eq!(latencies + without, count(&row["requests"]), "every request has a latency: {row}");
        }
    }
    for row in rows {
        let described: u64 = result["failures"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|group| group["series"] == row["name"])
            .map(|group| count(&group["count"]))
            .sum();
        let interrupted = row["failure_kinds"]["interrupted"].as_u64().unwrap_or(0);
        if row["kind"] == "endpoint" {
            assert_eq!(described, count(&row["failures"]) - interrupted, "groups of failures: {row}");
        }
    }
}
