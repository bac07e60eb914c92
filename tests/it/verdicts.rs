//! What a run comes to, and the exit code that says so: pass, warn, fail, could not run, wrong usage.

use std::time::{Duration, Instant};

use crate::support::demo::Demo;
use crate::support::fault_server::{ClosedPort, FaultServer};
use crate::support::{Running, Scratch, check_accounting, count, plimsoll, read_json, row};
use plimsoll::demo::{DemoOptions, Service};
use serde_json::Value;

/// The agents plan against a demo this slow.
fn agents(demo: &Demo, scratch: &Scratch, name: &str, arguments: &[&str]) -> Running {
    let mut command = plimsoll();
    command.args(["run", "plans/temponest/agent_execution.yaml", "--headless", "--allow-invalid", "--quiet"]);
    // Enough users for every threshold's fewest samples in this short time.
    command.args(["--set", "think=0ms", "-u", "60", "-r", "30"]).args(arguments);
    // The quick endpoints must not decide: their milliseconds are those of a busy machine.
    for quick in ["create agent", "list agents"] {
        command.arg("--set").arg(format!("endpoints.{quick}.thresholds=[requests > 0]"));
    }
    command.args(demo.targets(&["auth", "agents"])).arg("--json").arg(scratch.path(name));
    Running::start(command)
}

/// The threshold of `execute agent`.
fn executing(result: &Value) -> &Value {
    let thresholds = result["thresholds"].as_array().unwrap();
    thresholds.iter().find(|threshold| threshold["scope"] == "endpoint:execute agent").unwrap()
}

#[test]
fn the_slower_the_agents_the_worse_the_verdict() {
    let scratch = Scratch::new();
    let demos = ["1", "1.5", "1.5", "4"].map(|slow| Demo::start(&["--slow", slow]));
    let normal = agents(&demos[0], &scratch, "pass", &["-t", "8"]);
    let slow = agents(&demos[1], &scratch, "warn", &["-t", "9"]);
    let strict = agents(&demos[2], &scratch, "strict", &["-t", "9", "--strict"]);
    let slowest = agents(&demos[3], &scratch, "fail", &["-t", "5"]);
    for (name, running, code) in
        [("pass", normal, 0), ("warn", slow, 0), ("strict", strict, 1), ("fail", slowest, 1)]
    {
        let done = running.finish();
        let result = read_json(&scratch.path(name));
        done.assert_code(code);
        check_accounting(&result);
        assert_eq!(result["exit_code"], code);
        let verdict = if name == "strict" { "warn" } else { name };
        assert_eq!(result["verdict"], verdict, "{}", result["reason"]);
        assert_eq!(executing(&result)["verdict"], verdict, "{}", executing(&result));
        assert!(count(&executing(&result)["samples"]) >= 72);
        assert!(done.stdout.contains(&verdict.to_uppercase()), "{}", done.output());
    }
}

/// Two endpoints and thresholds any machine meets.
fn easy(url: &str) -> String {
    format!(
        r#"
plan: 1
target: "{url}"
endpoints:
  a: {{ request: GET /ok, weight: 3 }}
  b: {{ request: GET /items/1, weight: 1 }}
load: {{ users: 2, iterations: 100 }}
thresholds: [errors < 1%, p95 < 60s, requests == 100]
"#
    )
}

#[test]
fn pass() {
    let server = FaultServer::start();
    let ran = Scratch::new().run(&easy(&server.url), &[]);
    ran.done.assert_code(0);
    assert_eq!(ran.result["verdict"], "pass");
    assert!(ran.done.stdout.contains("PASS"), "{}", ran.done.stdout);
    assert_eq!(server.log.all().len(), 100);
}

#[test]
fn too_few_samples_are_not_a_pass() {
    let server = FaultServer::start();
    let plan = easy(&server.url).replace("p95 < 60s", "p99 < 60s");
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(1);
    assert_eq!(ran.result["thresholds"][1]["verdict"], "no_data", "{}", ran.result["thresholds"]);
}

#[test]
fn a_service_that_does_not_run() {
    let (demo, closed) = (Demo::start(&[]), ClosedPort::new());
    let scratch = Scratch::new();
    let (json, html) = (scratch.path("result.json"), scratch.path("report.html"));
    let mut command = plimsoll();
    command.args(["run", "plans/temponest/general.yaml", "--headless", "--set", "ready.timeout=2s"]);
    command.args(demo.targets(&["auth", "rag"])).arg(format!("--target=agents={}", closed.url()));
    command.arg("--json").arg(&json).arg("--html").arg(&html);
    let done = Running::start(command).finish();
    done.assert_code(3);
    let result = read_json(&json);
    let reason = result["reason"].as_str().unwrap();
    assert!(reason.contains("agents") && reason.contains("refused"), "{reason}");
    assert!(done.output().contains("`agents` at 127.0.0.1"), "{}", done.output());
    assert_eq!((&result["exit_code"], &result["run"]["ended"]), (&3.into(), &"failed".into()));
    assert_eq!(result["accounting"]["started"], 0);
    assert!(row(&result, "GET agents:/health")["failure_kinds"]["connect.refused"].as_u64() >= Some(2));
    assert_eq!(demo.counters()["POST auth:/auth/register"], 0, "nobody logged in");
    assert!(html.exists());
}

#[test]
fn a_service_that_dies_mid_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let demo = runtime
        .block_on(plimsoll::demo::Demo::start(DemoOptions { slow: 0.3, ..DemoOptions::on_free_ports() }))
        .unwrap();
    let scratch = Scratch::new();
    let json = scratch.path("result.json");
    let mut command = plimsoll();
    command.args([
        "run",
        "plans/temponest/general.yaml",
        "--headless",
        "--allow-invalid",
        "--set",
        "think=5ms..30ms",
    ]);
    command.args(["-u", "10", "-r", "50", "-t", "4"]).arg("--json").arg(&json);
    for (name, url) in [("auth", demo.auth_url()), ("agents", demo.agents_url()), ("rag", demo.rag_url())] {
        command.arg(format!("--target={name}={url}"));
    }
    let mut running = Running::start(command);
    runtime.block_on(async {
        let give_up = Instant::now() + Duration::from_secs(60);
        while demo.counters()["POST agents:/agents/{id}/execute"] < 10 {
            assert!(Instant::now() < give_up, "no executions");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        demo.kill(Service::Agents);
        while !running.has_ended() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let done = running.finish();
    done.assert_code(1);
    let result = read_json(&json);
    check_accounting(&result);
    check_that_only_agents_died(&result);
}

fn check_that_only_agents_died(result: &Value) {
    const DEATH: [&str; 6] =
        ["connect.refused", "connect.reset", "reset", "closed.before_headers", "closed.mid_body", "send"];
    for name in ["list agents", "execute agent"] {
        let kinds = row(result, name)["failure_kinds"].as_object().unwrap();
        assert!(kinds.keys().all(|kind| DEATH.contains(&kind.as_str())), "{kinds:?}");
        assert!(kinds.contains_key("connect.refused"), "{name}: {kinds:?}");
        assert!(row(result, name)["status"]["200"].as_u64() > Some(0), "it worked before");
    }
    for name in ["health", "query documents"] {
        assert_eq!(row(result, name)["failures"], 0, "{}", result["failures"]);
        assert!(row(result, name)["requests"].as_u64() > Some(0));
    }
    assert_eq!((&result["verdict"], &result["run"]["ended"]), (&"fail".into(), &"completed".into()));
}
