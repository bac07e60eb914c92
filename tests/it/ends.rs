//! Every way a run can end: by signals in each phase, killed, with streams closed or blocked, with a full disk,
//! in poor surroundings. Whatever can be reported is reported, and the exit code tells the truth.
#![cfg(target_os = "linux")]

mod killed;
mod reports;
mod signals;
mod surroundings;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Scratch, plimsoll};

/// Two users send to `route` until they are told to end; nothing but that ends a request that hangs.
fn endless(url: &str, route: &str) -> String {
    format!(
        r#"
plan: 1
target: "{url}"
http: {{ timeout: 10m }}
endpoints:
  one: {{ request: GET {route} }}
think: 10ms
load: {{ users: 2, duration: 10m, graceful_stop: 10m }}
"#
    )
}

/// One user, so many iterations that succeed.
fn short(url: &str, iterations: u32) -> String {
    format!(
        r#"
plan: 1
target: "{url}"
endpoints:
  one: {{ request: GET /ok }}
think: 20ms
load: {{ users: 1, iterations: {iterations} }}
thresholds: [errors < 1%]
"#
    )
}

/// `plimsoll run` of a plan with both reports into the scratch folder.
fn run(scratch: &Scratch, plan: &str) -> Command {
    let mut command = plimsoll();
    // A test machine may starve the generator; that is not what these tests are about.
    command.arg("run").arg("--allow-invalid").arg(scratch.write("plan.yaml", plan)).args(both(scratch));
    command
}

/// Both reports, into the scratch folder.
fn both(scratch: &Scratch) -> [PathBuf; 4] {
    ["--json".into(), scratch.path("result.json"), "--html".into(), scratch.path("report.html")]
}

/// The same by a shell: `script` runs it as `"$0" "$@"`.
fn shell(scratch: &Scratch, script: &str, plan: &str) -> Command {
    shell_with(scratch, script, plan, &both(scratch))
}

/// The same with these reports.
fn shell_with(scratch: &Scratch, script: &str, plan: &str, reports: &[PathBuf]) -> Command {
    let mut command = Command::new("sh");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("SCRATCH", scratch.path(""));
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("run").arg("--allow-invalid").arg(scratch.write("plan.yaml", plan)).args(reports);
    command
}

/// Waits, but not for ever.
#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < give_up, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Waits until the process has a handler for SIGINT.
#[track_caller]
fn wait_for_handlers(id: u32) {
    wait_until("a handler for SIGINT", || {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & 0b10 != 0
    });
}
