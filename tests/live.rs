//! The live view on a real (pseudo) terminal: what it shows, the keys, and that the terminal is always given back.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod support;

use std::process::{Command, Stdio};

use support::fault_server::FaultServer;
use support::pty::Pty;
use support::{Scratch, check_accounting, plimsoll, read_json};

/// Two users send to `route` until they are told to end.
fn endless(url: &str, route: &str) -> String {
    format!(
        r#"
plan: 1
name: "a look \u001B]0;x\u0007"
target: "{url}"
http: {{ timeout: 10m }}
endpoints:
  one: {{ request: GET {route}, thresholds: ["p95 < 9s", "failures < 1"] }}
think: 10ms
load: {{ users: 2, duration: 10m, graceful_stop: 10m }}
thresholds: [errors < 1%]
"#
    )
}

fn run(scratch: &Scratch, plan: &str) -> Command {
    let mut command = plimsoll();
    command.arg("run").arg("--allow-invalid").arg(scratch.write("plan.yaml", plan));
    command.arg("--json").arg(scratch.path("result.json"));
    command
}

#[test]
fn a_run_from_its_first_second_to_the_tables() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = endless(&server.url, "/ok").replace("duration: 10m", "duration: 3s");
    let pty = Pty::start(&run(&scratch, &plan), 90, 24);
    pty.wait_for("GET one");
    assert!(pty.is_taken());
    let screen = pty.screen();
    for words in
        ["a look ␛]0;x␇", "users 2", " rps", "0 failed", "p95 < 9s", "plan  errors < 1%  0 %", "generator"]
    {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    let (done, rest) = pty.finish();
    assert_eq!(done.code, 0, "{rest}");
    // What it said stays, and the tables are where they always were.
    for words in ["up to 2 users", "# reqs", "Thresholds:", "✓ PASS"] {
        assert!(rest.contains(words), "{words}: {rest}");
    }
    let result = read_json(&scratch.path("result.json"));
    check_accounting(&result);
    assert_eq!(result["run"]["ended"], "completed");
}

#[test]
fn ctrl_c_is_the_signal_it_always_is() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let mut pty = Pty::start(&run(&scratch, &endless(&server.url, "/slow-head")), 80, 24);
    pty.wait_for("GET one");
    pty.press("\u{3}");
    pty.wait_for("stopping");
    assert!(!pty.process.has_ended(), "the first waits for requests that run");
    pty.press("\u{3}");
    let (done, rest) = pty.finish();
    assert_eq!(done.code, 130, "{rest}");
    let result = read_json(&scratch.path("result.json"));
    check_accounting(&result);
    assert_eq!(result["accounting"]["interrupted"], 2);
}

#[test]
fn signals_give_the_terminal_back() {
    for kind in ["TERM", "HUP", "INT"] {
        let (server, scratch) = (FaultServer::start(), Scratch::new());
        let pty = Pty::start(&run(&scratch, &endless(&server.url, "/ok")), 80, 24);
        pty.wait_for("GET one");
        pty.process.signal(kind);
        let (done, rest) = pty.finish();
        assert_eq!(done.code, 130, "{kind}: {rest}");
        assert!(rest.contains("INTERRUPTED"), "{kind}: {rest}");
    }
}

#[test]
fn a_process_that_gives_up_gives_the_terminal_back() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = endless(&server.url, "/ok") + "ready: { timeout: 1s, checks: [GET /status/500] }\n";
    let pty = Pty::start(&run(&scratch, &plan), 80, 24);
    let (done, rest) = pty.finish();
    assert_eq!(done.code, 3, "{rest}");
    assert!(rest.contains("could not be done"), "{rest}");
    // A report that nobody reads: the end comes from outside, while it is written.
    let fifo = scratch.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut command = plimsoll();
    let plan = endless(&server.url, "/ok").replace("duration: 10m", "duration: 1s");
    command.arg("run").arg(scratch.write("plan.yaml", &plan)).arg("--json").arg(&fifo);
    let pty = Pty::start(&command, 80, 24);
    support::pty::wait_until("the end of the display", || pty.written().contains("\u{1b}[?1049l"));
    pty.process.signal("INT");
    assert_eq!(pty.finish().0.code, 3);
}

#[test]
fn a_closed_standard_output_and_a_small_window() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let plan = endless(&server.url, "/ok").replace("duration: 10m", "duration: 4s");
    let mut pty = Pty::start_with(&run(&scratch, &plan), 100, 30, Some(Stdio::from(writer)));
    pty.wait_for("requests failed");
    pty.resize(40, 10);
    pty.wait_for("endpoint       failed     rps     p95");
    assert!(pty.screen().lines().all(|line| line.chars().count() <= 40), "{}", pty.screen());
    assert_eq!(pty.finish().0.code, 0);
}

#[test]
fn no_colour_where_none_is_wanted_and_no_display_where_it_cannot_be() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = endless(&server.url, "/ok").replace("duration: 10m", "duration: 2s");
    let mut plain = run(&scratch, &plan);
    plain.env("NO_COLOR", "1");
    let pty = Pty::start(&plain, 80, 24);
    pty.wait_for("GET one");
    let written = pty.written();
    assert!(![";2m", ";32m", ";36m"].iter().any(|code| written.contains(code)), "{written:?}");
    assert_eq!(pty.finish().0.code, 0);
    for (argument, variable) in [("--headless", "NOTHING"), ("--quiet", "NOTHING"), ("--strict", "CI")] {
        let mut command = run(&scratch, &plan);
        command.arg(argument).env(variable, "true");
        let pty = Pty::start(&command, 80, 24);
        support::pty::wait_until("its verdict", || pty.written().contains("PASS"));
        assert!(!pty.written().contains("\u{1b}[?"), "{argument}: {:?}", pty.written());
        assert_eq!(pty.finish().0.code, 0);
    }
}
