//! A generator that cannot do its part says so and ends in time: short of file descriptors, or with iterations
//! in which nothing can be sent.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::Command;

use support::fault_server::FaultServer;
use support::{Running, Scratch, check_accounting, read_json, row};

#[test]
fn out_of_file_descriptors_is_invalid_not_the_target() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = scratch.write(
        "plan.yaml",
        &format!(
            "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /ok }} }}\nload: {{ users: 60, duration: 1s }}\n",
            server.url
        ),
    );
    let json = scratch.path("result.json");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" run \"$1\" --quiet --json \"$2\""]);
    command.arg(env!("CARGO_BIN_EXE_plimsoll")).arg(plan).arg(&json);
    let done = Running::start(command).finish();
    done.assert_code(4);
    let result = read_json(&json);
    check_accounting(&result);
    assert_eq!(result["verdict"], "invalid");
    assert_eq!(result["generator"]["reasons"][0]["kind"], "fds");
    assert!(row(&result, "a")["failure_kinds"]["local.fds"].as_u64() > Some(0));
}

#[test]
fn iterations_that_send_nothing_do_not_hold_up_the_end() {
    let server = FaultServer::start();
    let plan = format!(
        r#"
plan: 1
target: "{}"
endpoints:
  never: {{ request: "GET /ok/{{{{ nothing }}}}", weight: 1 }}
  source: {{ request: GET /ok, weight: 0, capture: {{ nothing: json.nothing }} }}
load: {{ users: 8, duration: 1s }}
"#,
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    let kinds = &row(&ran.result, "never")["failure_kinds"];
    assert_eq!(kinds["template"], row(&ran.result, "never")["requests"]);
    assert!(server.log.all().is_empty(), "nothing was sent");
}
