//! A generator that cannot do its part says so and ends in time: iterations in which nothing can be sent.

use std::process::Command;
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

use crate::support::fault_server::FaultServer;
#[cfg(target_os = "linux")]
use crate::support::plimsoll;
use crate::support::{Done, Running, Scratch, check_accounting, read_json, row};

/// A run of `users` in a shell that first says `limit`.
fn limited(server: &FaultServer, scratch: &Scratch, limit: &str, users: u32) -> Done {
    let plan = scratch.write(
        "plan.yaml",
        &format!(
            "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /ok }} }}\nload: {{ users: {users}, duration: 1s }}\n",
            server.url
        ),
    );
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limit}; exec \"$0\" run \"$1\" --quiet --allow-invalid --json \"$2\"")]);
    command.arg(env!("CARGO_BIN_EXE_plimsoll")).arg(plan).arg(scratch.path("result.json"));
    Running::start(command).finish()
}

#[test]
fn too_few_file_descriptors_for_the_users_is_refused_before_the_first_request() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let done = limited(&server, &scratch, "ulimit -n 60", 90);
    done.assert_code(3);
    for words in ["90 users", "may open 60", "ulimit -Hn"] {
        assert!(done.stderr.contains(words), "{words}: {}", done.output());
    }
    assert!(server.log.all().is_empty(), "nothing was sent");
}

#[test]
fn a_soft_limit_is_raised_as_far_as_needed() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    limited(&server, &scratch, "ulimit -Sn 60", 90).assert_code(0);
    let result = read_json(&scratch.path("result.json"));
    let row = row(&result, "a");
    assert_eq!(row["failures"], 0, "{row}");
    assert_eq!(row["new_connections"], 90, "{row}");
}

#[test]
#[cfg(target_os = "linux")]
fn running_out_of_file_descriptors_is_invalid_not_the_target() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let json = scratch.path("result.json");
    let plan = scratch.write(
        "plan.yaml",
        &format!(
            "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /ok }} }}\nthink: 20ms\n\
             load: {{ users: 200, spawn_rate: 50/s, duration: 3s }}\n",
            server.url
        ),
    );
    let mut command = plimsoll();
    // One worker, which has all it needs by its first request.
    command.arg("run").arg(plan).args(["--workers", "1", "--quiet", "--json"]).arg(&json);
    let running = Running::start(command);
    let give_up = Instant::now() + Duration::from_secs(30);
    while server.log.count("/ok") == 0 {
        assert!(Instant::now() < give_up, "nothing was sent");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The preflight has passed; from now on no more can be opened.
    let limit = Some(20);
    let pid = Pid::from_raw(running.id().cast_signed());
    prlimit(pid, Resource::Nofile, Rlimit { current: limit, maximum: limit }).unwrap();
    let done = running.finish();
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
