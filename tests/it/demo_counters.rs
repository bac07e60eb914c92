//! Nothing lost: the requests of every row of the result are the requests the demo platform received on that
//! route, after a normal end and after Ctrl-C.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::demo::Demo;
use crate::support::fault_server::FaultServer;
use crate::support::{Running, Scratch, check_accounting, count, plimsoll, read_json};
use serde_json::Value;

/// The general plan's rows that are requests, and where each goes.
const ROUTES: [(&str, &str, &str); 11] = [
    ("endpoint", "health", "GET auth:/health"),
    ("endpoint", "list agents", "GET agents:/agents/"),
    ("endpoint", "who am I", "GET auth:/auth/me"),
    ("endpoint", "query documents", "POST rag:/query"),
    ("endpoint", "execute agent", "POST agents:/agents/{id}/execute"),
    ("auth", "register", "POST auth:/auth/register"),
    ("auth", "log in", "POST auth:/auth/login"),
    ("auth", "pick an agent", "GET agents:/agents/"),
    ("ready", "GET auth:/health", "GET auth:/health"),
    ("ready", "GET agents:/health", "GET agents:/health"),
    ("ready", "GET rag:/health", "GET rag:/health"),
];

/// Requests by route as the result has them.
fn requests_by_route(result: &Value) -> BTreeMap<String, u64> {
    let mut routes = BTreeMap::new();
    for row in result["series"].as_array().unwrap().iter().filter(|row| row["kind"] != "flow") {
        let known = ROUTES.iter().find(|(kind, name, _)| row["kind"] == *kind && row["name"] == *name);
        let (_, _, route) = known.unwrap_or_else(|| panic!("a row of no route: {row}"));
        *routes.entry((*route).to_owned()).or_default() += count(&row["requests"]);
    }
    routes.retain(|_, requests| *requests > 0);
    routes
}

fn received_by_route(demo: &Demo) -> BTreeMap<String, u64> {
    demo.counters().into_iter().filter(|(_, requests)| *requests > 0).collect()
}

struct Files {
    html: PathBuf,
    json: PathBuf,
}

/// The general plan against this demo, with both reports.
fn start(demo: &Demo, scratch: &Scratch, arguments: &[&str]) -> (Running, Files) {
    let files = Files { html: scratch.path("report.html"), json: scratch.path("result.json") };
    let mut command = plimsoll();
    command.args([
        "run",
        "plans/temponest/general.yaml",
        "--headless",
        "--allow-invalid",
        "--set",
        "think=0ms..20ms",
    ]);
    command.args(demo.targets(&["auth", "agents", "rag"])).args(arguments);
    command.arg("--html").arg(&files.html).arg("--json").arg(&files.json);
    (Running::start(command), files)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < give_up, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn executes(demo: &Demo) -> u64 {
    demo.counters()["POST agents:/agents/{id}/execute"]
}

#[test]
fn after_a_normal_end() {
    let (demo, scratch) = (Demo::start(&["--slow", "0.2"]), Scratch::new());
    let (running, files) = start(&demo, &scratch, &["-u", "8", "-r", "8", "-t", "3"]);
    let done = running.finish();
    let result = read_json(&files.json);
    assert!(done.code == 0 || done.code == 1, "{}", done.output());
    assert_eq!(result["run"]["ended"], "completed");
    check_accounting(&result);
    assert_eq!(requests_by_route(&result), received_by_route(&demo));
    assert!(count(&result["accounting"]["ok"]) > 20, "{}", result["accounting"]);
    assert_eq!(result["accounting"]["failed"], 0, "{}", result["failures"]);
}

#[test]
fn after_injected_errors_and_new_logins() {
    let (demo, scratch) =
        (Demo::start(&["--slow", "0.1", "--error-rate", "0.2", "--token-ttl", "1"]), Scratch::new());
    let (running, files) = start(&demo, &scratch, &["-u", "6", "-r", "6", "-t", "3"]);
    running.finish();
    let result = read_json(&files.json);
    check_accounting(&result);
    assert_eq!(requests_by_route(&result), received_by_route(&demo), "{}", result["failures"]);
    assert!(count(&result["accounting"]["failed"]) > 0, "{}", result["accounting"]);
}

#[test]
fn after_ctrl_c() {
    let (demo, scratch) = (Demo::start(&[]), Scratch::new());
    let (running, files) = start(&demo, &scratch, &["-u", "10", "-r", "10", "-t", "10m"]);
    wait_until("ten executions begun", || executes(&demo) >= 10);
    running.signal("INT");
    let done = running.finish();
    done.assert_code(130);
    let result = read_json(&files.json);
    check_accounting(&result);
    assert_eq!((&result["verdict"], &result["exit_code"]), (&"interrupted".into(), &130.into()));
    assert_eq!(result["run"]["ended"], "interrupted");
    assert_eq!(requests_by_route(&result), received_by_route(&demo));
    assert_eq!(result["accounting"]["interrupted"], 0, "running requests were let end");
    assert!(std::fs::read_to_string(&files.html).unwrap().ends_with("</html>\n"), "a whole page");
    assert!(done.stdout.contains("Aggregated"), "the table is printed: {}", done.stdout);
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let json = scratch.path("result.json");
    let plan = scratch.write("plan.yaml", &NEVER_ANSWERED.replace("URL", &server.url));
    let mut command = plimsoll();
    command.arg("run").arg(plan).arg("--allow-invalid").arg("--json").arg(&json);
    let mut running = Running::start(command);
    wait_until("four requests begun", || server.log.count("/slow-head") >= 4);
    running.signal("INT");
    std::thread::sleep(Duration::from_millis(500));
    assert!(!running.has_ended(), "the first signal lets running requests end");
    running.signal("INT");
    running.finish().assert_code(130);
    let result = read_json(&json);
    check_accounting(&result);
    assert_eq!(result["verdict"], "interrupted");
    assert_eq!(result["accounting"]["interrupted"], 4);
    assert_eq!(result["accounting"]["started"], 4);
    assert!(count(&result["totals"]["latency_us"]["min"]) >= 500_000, "with the time they had reached");
}

/// Without the second signal this would wait ten minutes.
const NEVER_ANSWERED: &str = r#"
plan: 1
target: URL
endpoints: { wait: { request: GET /slow-head, timeout: 10m } }
load: { users: 4, duration: 10m, graceful_stop: 10m }
"#;
