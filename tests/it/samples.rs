//! `--samples`: every request of a run is a line, nothing in it is secret, and nothing that becomes of the log changes the run.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;

use crate::support::fault_server::FaultServer;
use crate::support::{Running, Scratch, plimsoll, read_json};
use serde_json::Value;

const PLAN: &str = r#"
plan: 1
target: "URL"
secrets: { key: { env: NOT_SET_ANYWHERE, default: hunter2hunter2 } }
http: { headers: { x-key: "{{ secrets.key }}" } }
endpoints:
  fine: { request: "GET /ok?key={{ secrets.key }}", weight: 3 }
  broken: { request: GET /echo-400, weight: 1 }
flows:
  visit: { weight: 1, steps: [{ use: fine }, { group: { name: both, steps: [{ use: broken }, { use: fine }] } }] }
load: { users: 3, iterations: 200 }
"#;

/// The lines of a log: the first, those of requests, the last.
fn lines(text: &str) -> (Value, Vec<Value>, Value) {
    assert!(!text.contains("hunter2"), "a secret");
    let mut all: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let last = all.pop().unwrap();
    (all.remove(0), all, last)
}

#[test]
fn every_request_is_a_line() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let path = scratch.path("log/samples.ndjson");
    let ran = scratch.run(&PLAN.replace("URL", &server.url), &["--samples", path.to_str().unwrap()]);
    ran.done.assert_code(0);
    let (first, lines, last) = lines(&std::fs::read_to_string(&path).unwrap());
    assert_eq!((&first["samples"], &first["run"]), (&1.into(), &ran.result["run"]["id"]));
    let mut counts = BTreeMap::new();
    for line in &lines {
        let key = (line["name"].as_str().unwrap(), line["outcome"] == "ok", line["status"].as_u64());
        *counts.entry(key).or_insert(0u64) += 1;
    }
    let requests = |name: &str| crate::support::requests(&ran.result, name);
    let expected =
        [(("broken", false, Some(400)), requests("broken")), (("fine", true, Some(200)), requests("fine"))];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    let total = requests("broken") + requests("fine");
    let end =
        serde_json::json!({"end": true, "requests": total, "lost": 0, "beyond_limit": 0, "complete": true});
    assert_eq!(last, end);
    assert!(ran.done.stderr.contains(&format!("samples.ndjson: {total} requests")), "{}", ran.done.stderr);
    // The same times as in the result: phases add up, and none is longer than the longest.
    let longest = ran.result["totals"]["latency_us"]["max"].as_u64().unwrap();
    for line in &lines {
        let us = |name: &str| line[name].as_u64().unwrap_or(0);
        let phases = ["wait_us", "dns_us", "connect_us", "tls_us", "send_us", "ttfb_us", "receive_us"];
        let sum: u64 = phases.iter().map(|phase| us(phase)).sum();
        assert!(us("latency_us").abs_diff(sum) <= 10, "{line}");
        assert!(us("latency_us") <= longest && us("bytes_in") > 0, "{line}");
    }
}

#[test]
fn a_full_log_ends_with_a_line_that_says_so() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let path = scratch.path("samples.ndjson");
    let flags = ["--samples", path.to_str().unwrap(), "--samples-limit", "8KiB"];
    let ran = scratch.run(&PLAN.replace("URL", &server.url), &flags);
    ran.done.assert_code(0);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.len() <= 8 << 10, "{}", text.len());
    let (_, lines, last) = lines(&text);
    let total = crate::support::count(&ran.result["totals"]["requests"]);
    let beyond = total - lines.len() as u64;
    assert!(!lines.is_empty() && beyond > 0);
    assert_eq!((&last["beyond_limit"], &last["complete"]), (&beyond.into(), &false.into()));
    let note = format!("{} was full at 8.19 kB: {beyond} requests are not in it", path.display());
    assert!(
        ran.result["notes"].as_array().unwrap().contains(&note.clone().into()),
        "{}",
        ran.result["notes"]
    );
    assert!(ran.done.stdout.contains("requests are not in it"), "{}", ran.done.stdout);
}

#[test]
fn standard_output_is_the_logs() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let mut command = plimsoll();
    command
        .args(["run", "--allow-invalid", "--no-reports"])
        .arg(scratch.write("plan.yaml", &PLAN.replace("URL", &server.url)));
    let done = Running::start({
        command.args(["--samples", "-"]);
        command
    })
    .finish();
    done.assert_code(0);
    let (_, lines, last) = lines(&done.stdout);
    assert_eq!(last["requests"], lines.len());
    assert!(done.stderr.contains("WARN"), "{}", done.stderr);
}

#[test]
fn what_cannot_be_written() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = PLAN.replace("URL", &server.url);
    // At the end: the other reports are there, and know.
    let ran = scratch.run(&plan, &["--samples", "/dev/full"]);
    ran.done.assert_code(3);
    assert!(ran.done.stdout.trim_end().ends_with("cannot write /dev/full: no space left · exit 3"));
    assert_eq!(ran.result["exit_code"], 3);
    // Before the first request.
    let before = server.log.count("/ok");
    let folder = scratch.path("");
    let ran = scratch.run(&plan, &["--samples", folder.to_str().unwrap()]);
    ran.done.assert_code(3);
    assert!(ran.done.stderr.contains("it is a directory"), "{}", ran.done.stderr);
    let json = scratch.path("result.json");
    scratch.run(&plan, &["--samples", json.to_str().unwrap()]).done.assert_code(2);
    scratch.run(&plan, &["--samples-limit", "1MiB"]).done.assert_code(2);
    scratch.run(&plan, &["--samples", "x", "--samples-limit", "1B"]).done.assert_code(2);
    assert_eq!(server.log.count("/ok"), before);
    assert_eq!(read_json(&json)["exit_code"], 3, "that of the first run");
}
