//! A process that is killed leaves what it measured, and nothing else.

use serde_json::Value;

use super::{endless, names, run, short, wait_until};
use crate::support::fault_server::FaultServer;
use crate::support::{Running, Scratch, check_accounting, count, plimsoll, read_json};

const PARTIAL: &str = "result.json.partial";

/// The checkpoint at any moment: it is replaced as a whole, so it is never half a document.
fn partial(scratch: &Scratch) -> Value {
    read_json(&scratch.path(PARTIAL))
}

/// A run that was killed once it had measured something.
fn killed(server: &FaultServer) -> Scratch {
    let scratch = Scratch::new();
    let running = Running::start(run(&scratch, &endless(&server.url, "/ok")));
    wait_until("a checkpoint with requests", || {
        partial(&scratch)["accounting"]["started"].as_u64() > Some(0)
    });
    running.signal("KILL");
    assert_eq!(running.finish().code, -1);
    scratch
}

#[test]
fn what_it_had_measured_is_there() {
    let server = FaultServer::start();
    let scratch = killed(&server);
    let result = partial(&scratch);
    let schema = jsonschema::validator_for(&plimsoll::report::schema::schema()).unwrap();
    let errors: Vec<_> = schema.iter_errors(&result).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    check_accounting(&result);
    assert!(count(&result["accounting"]["started"]) <= server.log.count("/ok"));
    assert_eq!(result["run"]["ended"], "unfinished");
    assert_eq!((&result["verdict"], &result["exit_code"]), (&"interrupted".into(), &130.into()));
    assert!(
        result["reason"].as_str().unwrap().starts_with("killed some time after "),
        "{}",
        result["reason"]
    );
    assert!(!result["timeline"].as_array().unwrap().is_empty());
    assert!(!scratch.path("result.json").exists() && !scratch.path("report.html").exists());
}

#[test]
fn arrivals_that_wait_for_a_user_are_accounted_for() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = endless(&server.url, "/slow-head").replace("think: 10ms\n", "");
    let plan = plan.replace("users: 2, duration", "rate: 40/s, max_users: 4, on_saturation: queue, duration");
    let running = Running::start(run(&scratch, &plan));
    let arrivals = |name: &str| partial(&scratch)["accounting"]["arrivals"][name].as_u64().unwrap_or(0);
    wait_until("a checkpoint with a queue", || arrivals("not_started") > 0);
    running.signal("KILL");
    running.finish();
    check_accounting(&partial(&scratch));
    assert_eq!(arrivals("scheduled"), arrivals("started") + arrivals("dropped") + arrivals("not_started"));
    assert!(arrivals("started") <= 4);
}

#[test]
fn it_becomes_reports() {
    let scratch = killed(&FaultServer::start());
    let mut command = plimsoll();
    command.arg("report").arg(scratch.path(PARTIAL)).arg("--html").arg(scratch.path("page.html"));
    let done = Running::start(command).finish();
    done.assert_code(0);
    let first = done.stdout.lines().next().unwrap();
    assert!(first.starts_with("An unfinished run: killed some time after "), "{first}");
    assert!(done.stdout.trim_end().ends_with("exit 130"), "{}", done.stdout);
    let page = std::fs::read_to_string(scratch.path("page.html")).unwrap();
    assert!(page.contains("INTERRUPTED") && page.contains("killed some time after "));
    // Who asks for the report itself is told where to look.
    let mut command = plimsoll();
    command.arg("report").arg(scratch.path("result.json"));
    let done = Running::start(command).finish();
    done.assert_code(3);
    assert!(done.stderr.contains(PARTIAL), "{}", done.stderr);
}

#[test]
fn the_next_run_replaces_it_and_takes_it_away() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    scratch.write(PARTIAL, r#"{"stale": true}"#);
    let plan = short(&server.url, 2) + "ready: { timeout: 10m, checks: [GET /slow-head] }\n";
    let running = Running::start(run(&scratch, &plan));
    wait_until("a checkpoint of this run", || partial(&scratch)["run"]["ended"] == "unfinished");
    let reason = partial(&scratch)["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("killed before the load began"), "{reason}");
    running.signal("INT");
    running.finish().assert_code(130);
    assert_eq!(names(&scratch.path("")), ["plan.yaml", "report.html", "result.json"]);
    scratch.write(PARTIAL, r#"{"stale": true}"#);
    Running::start(run(&scratch, &short(&server.url, 2))).finish().assert_code(0);
    assert_eq!(names(&scratch.path("")), ["plan.yaml", "report.html", "result.json"]);
}

#[test]
fn the_demo_leaves_no_folder() {
    let (scratch, temporary) = (Scratch::new(), tempfile::tempdir().unwrap());
    let mut command = plimsoll();
    command.args(["demo", "-u", "2", "-t", "10m"]).env("TMPDIR", temporary.path());
    command.arg("--json").arg(scratch.path("result.json")).arg("--html").arg(scratch.path("report.html"));
    let running = Running::start(command);
    wait_until("a checkpoint", || scratch.path(PARTIAL).exists());
    running.signal("KILL");
    assert_eq!(running.finish().code, -1);
    assert_eq!(names(temporary.path()), [""; 0]);
}
