//! `plimsoll try`: what a person sees of one iteration, and what must not be seen.

use crate::support::fault_server::{ClosedPort, FaultServer};
use crate::support::{Running, Scratch, plimsoll};

/// Tries a plan; exit code and what was printed.
fn try_plan(plan: &str, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let scratch = Scratch::new();
    let plan = scratch.write("plan.yaml", plan);
    let mut command = plimsoll();
    command.arg("try").arg(plan).args(arguments).envs(environment.iter().copied());
    let done = Running::start(command).finish();
    (done.code, format!("{}{}", done.stdout, done.stderr))
}

fn plan(server: &FaultServer) -> String {
    format!(
        r#"
plan: 1
target: "{}"
secrets: {{ key: {{ env: TRY_KEY }} }}
auth:
  steps: [{{ request: POST /login, json: {{ key: "{{{{ secrets.key }}}}" }}, capture: {{ token: json.token }} }}]
  apply: {{ headers: {{ x-team: "{{{{ auth.token }}}}" }} }}
endpoints:
  good: {{ request: "GET /ok?key={{{{ secrets.key }}}}", weight: 99, capture: {{ id: "json.items[0].id" }} }}
  bad: {{ request: POST /echo-400, weight: 1, text: "hello", expect: [status == 400, size < 5] }}
flows:
  journey:
    weight: 1
    steps: [{{ use: good }}, {{ request: "GET /redirect/302//ok", redirects: 1, name: hop }}, {{ if: json.nothing.there, steps: [{{ use: good }}] }}, {{ set: {{ there: "{{{{ json.nothing.there }}}}" }} }}]
think: 1h
load: {{ users: 500, duration: 1h }}
thresholds: [p95 < 1us]
"#,
        server.url
    )
}

#[test]
fn everything_once_in_full() {
    let server = FaultServer::start();
    let (code, shown) = try_plan(&plan(&server), &[], &[("TRY_KEY", "s3cr3t-of-the-test")]);
    assert_eq!(code, 1, "{shown}");
    for part in [
        "── good ──",
        "> GET target:/ok?key=***",
        "< 200 OK in",
        "  ✓ status below 400",
        "  id = a-1",
        "── bad ──",
        "> content-length: 5",
        "> hello",
        "> x-team: ***",
        "  ✓ status == 400",
        "  ✗ size < 5 — got",
        "  ✗ failed as expect:",
        "── hop ──",
        "> GET target:/redirect/302//ok",
        "< 302 Found in",
        "< location: /ok",
        "── journey ──",
        "  ✗ failed as template: `json.nothing.there` has no value yet",
        "6 requests, 2 failed",
    ] {
        assert!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
    for secret in ["s3cr3t-of-the-test", "x-team: token-1"] {
        assert!(!shown.contains(secret), "`{secret}` is in\n{shown}");
    }
    // One user, each entry once, whatever the weights and the load say; `/ok` twice more in the flow.
    let count = |path: &str| server.log.count(path);
    assert_eq!((count("/login"), count("/echo-400"), count("/ok")), (1, 1, 3));
}

#[test]
fn only_what_is_named() {
    let server = FaultServer::start();
    let (code, shown) = try_plan(&plan(&server), &["good"], &[("TRY_KEY", "k")]);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("2 requests, all as expected"), "{shown}");
    assert_eq!((server.log.count("/ok"), server.log.count("/echo-400")), (1, 0));
    let (code, shown) = try_plan(&plan(&server), &["godo"], &[("TRY_KEY", "k")]);
    assert_eq!(code, 2);
    assert!(shown.contains("did you mean `good`?"), "{shown}");
}

#[test]
fn long_bodies_are_cut_unless_asked_for() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: POST /echo, text: \"{}\" }} }}\n",
        server.url,
        "x".repeat(9000)
    );
    let (code, shown) = try_plan(&plan, &[], &[]);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("more bytes; --full shows them") && !shown.contains(&"x".repeat(5000)));
    let (_, shown) = try_plan(&plan, &["--full"], &[]);
    assert!(shown.contains(&"x".repeat(9000)) && !shown.contains("--full"));
}

#[test]
fn a_target_that_is_not_there() {
    let port = ClosedPort::new();
    let plan = format!("plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /x }} }}\n", port.url());
    let (code, shown) = try_plan(&plan, &[], &[]);
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("  ✗ failed as connect.refused:"), "{shown}");
}

#[test]
fn a_target_that_is_not_ready() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nready: {{ timeout: 100ms, checks: [GET /status/500] }}\n\
         endpoints: {{ a: {{ request: GET /ok }} }}\nload: {{ users: 1, duration: 1s }}\n",
        server.url
    );
    let (code, output) = try_plan(&plan, &[], &[]);
    assert_eq!(code, 3, "{output}");
    assert!(
        output.contains("error: the run could not be done: ") && output.contains("was not ready within"),
        "{output}"
    );
}
