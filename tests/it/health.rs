//! Is the generator the bottleneck? One that stood still says so, names the seconds and the cause, and calls the
//! run invalid; one that did not is believed.
#![cfg(unix)]

use std::time::{Duration, Instant};

use crate::support::fault_server::FaultServer;
use crate::support::{Done, Running, Scratch, check_accounting, plimsoll, read_json};
use serde_json::Value;

fn plan(server: &FaultServer, load: &str) -> String {
    format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /ok }} }}\nload: {load}\n\
         thresholds: [errors == 0, p50 < 30s]\n",
        server.url
    )
}

/// Waits until the run has sent something: its load has begun by then.
fn wait_for_traffic(server: &FaultServer) {
    let give_up = Instant::now() + Duration::from_secs(30);
    while server.log.count("/ok") == 0 {
        assert!(Instant::now() < give_up, "nothing was sent");
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct Suspended {
    done: Done,
    result: Value,
    /// The suspension began before this second of the load, and ended after that one.
    seconds: (f64, f64),
}

/// A run stopped for a second with SIGSTOP.
fn suspended(flags: &[&str]) -> Suspended {
    const STOPPED: Duration = Duration::from_secs(1);
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let json = scratch.path("result.json");
    let path = scratch.write("plan.yaml", &plan(&server, "{ users: 4, duration: 4s }"));
    let mut command = plimsoll();
    command.arg("run").arg(path).arg("--quiet").arg("--json").arg(&json).args(flags);
    let spawned = Instant::now();
    let running = Running::start(command);
    wait_for_traffic(&server);
    let under_load = Instant::now();
    std::thread::sleep(Duration::from_millis(700));
    running.signal("STOP");
    let stopped = spawned.elapsed();
    std::thread::sleep(STOPPED);
    let goes_on = under_load.elapsed();
    running.signal("CONT");
    let done = running.finish();
    // The load began after the process did, and before its first request came. The first heartbeat missed was due
    // at most 20 ms after the last one.
    let seconds = (stopped.as_secs_f64() + 0.03, goes_on.as_secs_f64());
    Suspended { done, result: read_json(&json), seconds }
}

/// The reason that covers the suspension.
fn stall(run: &Suspended) -> &Value {
    let reasons = run.result["generator"]["reasons"].as_array().unwrap();
    let second = |reason: &Value, name: &str| reason[name].as_f64().unwrap();
    let covers = |reason: &&Value| {
        let (from_s, to_s) = (second(reason, "from_s"), second(reason, "to_s"));
        // Heartbeats come every 20 ms; a busy machine only makes the gap longer.
        reason["kind"] == "stall" && from_s <= run.seconds.0 && to_s >= run.seconds.1 && to_s - from_s >= 0.9
    };
    reasons.iter().find(covers).unwrap_or_else(|| panic!("{:?} is not in {reasons:?}", run.seconds))
}

#[test]
fn a_suspended_generator_is_invalid_and_names_the_second() {
    let run = suspended(&[]);
    run.done.assert_code(4);
    assert_eq!(run.result["verdict"], "invalid");
    assert_eq!(run.result["generator"]["valid"], false);
    check_accounting(&run.result);
    let reason = stall(&run);
    let detail = reason["detail"].as_str().unwrap();
    assert!(detail.contains("the generator stood still for"), "{detail}");
    if cfg!(target_os = "linux") {
        assert!(detail.contains("SIGSTOP"), "{detail}");
    }
    assert!(run.done.stdout.contains("stood still"), "{}", run.done.output());
    let middle_s = f64::midpoint(reason["from_s"].as_f64().unwrap(), reason["to_s"].as_f64().unwrap());
    let timeline = run.result["timeline"].as_array().unwrap();
    let marked = timeline.iter().find(|second| second["at_s"].as_f64() == Some(middle_s.ceil()));
    assert_eq!(marked.unwrap_or_else(|| panic!("no second {middle_s}"))["invalid"], true);
}

#[test]
fn an_invalid_run_can_be_judged_all_the_same() {
    let run = suspended(&["--allow-invalid"]);
    run.done.assert_code(0);
    assert_eq!(run.result["verdict"], "pass");
    assert_eq!(run.result["generator"]["valid"], false);
    stall(&run);
    assert!(run.done.stdout.contains("the run is INVALID"), "{}", run.done.output());
    let notes = run.result["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains("--allow-invalid")), "{notes:?}");
}

/// A run without a false alarm: should this machine have starved the generator, the reasons say just that, and not
/// that it was busy, late or stopped.
fn ordinary(load: &str) -> Value {
    let server = FaultServer::start();
    let ran = Scratch::new().run(&plan(&server, load), &[]);
    ran.done.assert_code(0);
    let reasons = ran.result["generator"]["reasons"].as_array().unwrap();
    assert_eq!(ran.result["generator"]["valid"], reasons.is_empty());
    for reason in reasons {
        let detail = reason["detail"].as_str().unwrap();
        let is_starved =
            detail.contains("waiting for a core") || detail.contains("held back by the CPU quota");
        assert!(reason["kind"] == "stall" && is_starved, "{reason}");
        assert!(reason["to_s"].as_f64().unwrap() - reason["from_s"].as_f64().unwrap() >= 0.0999, "{reason}");
    }
    ran.result
}

#[test]
#[cfg(target_os = "linux")]
fn an_ordinary_run_has_no_false_alarm_and_shows_its_figures() {
    let result = ordinary("{ users: 2, duration: 2s }");
    let generator = &result["generator"];
    assert!(generator["lag_us"]["count"].as_u64() > Some(0), "{generator}");
    assert!(generator["allowed_cores"].as_f64() > Some(0.0), "{generator}");
    assert!(generator["cpu_share"][0].as_f64() > Some(0.0), "{generator}");
    assert!(generator["worker_cpu_share"][0].as_f64() > Some(0.0), "{generator}");
    assert!(generator["max_fds"].as_u64() > Some(5), "{generator}");
    let timeline = result["timeline"].as_array().unwrap();
    assert!(timeline.iter().any(|second| second["lag_max_us"].is_u64()), "{timeline:?}");
    if generator["valid"] == true {
        assert!(timeline.iter().all(|second| second.get("invalid").is_none()), "{timeline:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn users_that_keep_a_core_busy_are_no_reason() {
    ordinary("{ users: 32, duration: 2s }");
}

/// Clearing 2 MiB at once is a pause of the worker that nobody planned.
#[test]
#[cfg(target_os = "linux")]
fn no_memory_comes_in_huge_pages() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let path = scratch.write("plan.yaml", &plan(&server, "{ users: 1, duration: 10m }"));
    let mut command = plimsoll();
    command.arg("run").arg(path).args(["--quiet", "--no-reports", "--allow-invalid"]);
    let running = Running::start(command);
    wait_for_traffic(&server);
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
    running.signal("INT");
    running.finish().assert_code(130);
    // Linux says so since 5.0.
    let line = status.lines().find(|line| line.starts_with("THP_enabled:")).unwrap();
    assert_eq!(line.split_whitespace().nth(1), Some("0"));
}
