//! The live view on a real (pseudo) terminal: what it shows, the keys, and that the terminal is always given back.
#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};

use crate::support::fault_server::FaultServer;
use crate::support::pty::{Pty, wait_until};
use crate::support::{Running, Scratch, check_accounting, plimsoll, quiet, read_json};

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

/// A run that is told to end while its terminal takes nothing; `then` is done when its result is there.
fn ended_while_it_hangs(scratch: &Scratch, then: impl FnOnce(&mut Running)) -> Pty {
    let server = FaultServer::start();
    let mut pty = Pty::start(&run(scratch, &endless(&server.url, "/ok")), 80, 24);
    pty.wait_for("GET one");
    pty.hang(|process| {
        process.signal("TERM");
        wait_until("the result", || scratch.path("result.json").exists());
        then(process);
    });
    pty
}

#[test]
fn a_terminal_that_hangs_holds_up_no_report() {
    let scratch = Scratch::new();
    let pty = ended_while_it_hangs(&scratch, |_| {
        assert_eq!(read_json(&scratch.path("result.json"))["run"]["ended"], "interrupted");
    });
    // When it takes something again, all is there.
    let (done, rest) = pty.finish();
    assert_eq!(done.code, 130, "{rest}");
    assert!(rest.contains("up to 2 users") && rest.contains("INTERRUPTED"), "{rest}");
}

#[test]
fn nobody_has_to_wait_for_a_terminal_that_hangs() {
    let pty = ended_while_it_hangs(&Scratch::new(), |process| {
        process.signal("TERM");
        wait_until("the end", || process.has_ended());
    });
    // All there is to know is in the reports, and the exit code is the run's.
    assert_eq!(pty.process.finish().code, 130);
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
    wait_until("the end of the display", || pty.written().contains("\u{1b}[?1049l"));
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
        wait_until("its verdict", || pty.written().contains("PASS"));
        assert!(!pty.written().contains("\u{1b}[?"), "{argument}: {:?}", pty.written());
        assert_eq!(pty.finish().0.code, 0);
    }
}

/// Forty users of one endpoint for some seconds.
fn crowd(url: &str) -> String {
    endless(url, "/ok")
        .replace("think: 10ms", "think: 50ms")
        .replace("users: 2, duration: 10m, graceful_stop: 10m", "users: 40, duration: 15s")
}

#[test]
fn q_ends_the_run_as_the_first_signal_does() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let mut pty = Pty::start(&run(&scratch, &endless(&server.url, "/ok")), 80, 24);
    pty.wait_for("q end  + more  - fewer users  p pause");
    pty.wait_for("GET one");
    // An arrow is no key of ours, nor are letters.
    pty.press("\u{1b}[Aabc");
    pty.press("q");
    let (done, rest) = pty.finish();
    assert_eq!(done.code, 130, "{rest}");
    assert!(rest.contains("INTERRUPTED — ended by hand after"), "{rest}");
    let result = read_json(&scratch.path("result.json"));
    check_accounting(&result);
    assert_eq!(result["accounting"]["interrupted"], 0, "running requests may end");
    assert_eq!(result["run"]["by_hand"][0]["kind"], "end");
    assert!(!rest.contains("CHANGED BY HAND"), "the load was the plan's as long as it lasted: {rest}");
}

#[test]
fn q_before_the_load_and_ctrl_c_after_q() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = endless(&server.url, "/slow-head");
    let waiting = plan.clone() + "ready: { timeout: 10m, checks: [GET /slow-head] }\n";
    let mut pty = Pty::start(&run(&scratch, &waiting), 80, 24);
    pty.wait_for("waiting until");
    pty.press("+");
    pty.wait_for("the load has not begun");
    pty.press("q");
    assert_eq!(pty.finish().0.code, 130);
    assert_eq!(read_json(&scratch.path("result.json"))["accounting"]["started"], 0);
    let mut pty = Pty::start(&run(&scratch, &plan), 80, 24);
    pty.wait_for("GET one");
    pty.press("q");
    pty.wait_for("stopping");
    pty.press("+");
    pty.wait_for("the run is ending already");
    pty.press("\u{3}");
    assert_eq!(pty.finish().0.code, 130);
    let result = read_json(&scratch.path("result.json"));
    assert_eq!(result["accounting"]["interrupted"], 2);
    assert_eq!(result["run"]["by_hand"].as_array().unwrap().len(), 1);
}

#[test]
fn more_and_fewer_users_are_in_the_result() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let mut pty = Pty::start(&run(&scratch, &crowd(&server.url)), 100, 30);
    pty.wait_for("users 40");
    pty.press("+");
    pty.wait_for("+4 users by hand");
    pty.wait_for("users 44 (+4 by hand)");
    // Sooner, it would be the same change.
    std::thread::sleep(std::time::Duration::from_millis(600));
    pty.press("--");
    pty.wait_for("users 36 (-4 by hand)");
    let (done, rest) = pty.finish();
    assert_eq!(done.code, 0, "{rest}");
    for words in ["THE LOAD WAS CHANGED BY HAND: +4 users from", "WARN", "but the load was not the plan's"] {
        assert!(rest.contains(words), "{words}: {rest}");
    }
    let result = read_json(&scratch.path("result.json"));
    check_accounting(&result);
    assert_eq!((&result["verdict"], &result["exit_code"]), (&"warn".into(), &0.into()));
    let users = |at: usize| result["run"]["by_hand"][at]["users"].as_i64().unwrap();
    assert_eq!((users(0), users(1)), (4, -4));
    let marks = result["run"]["marks"].as_array().unwrap();
    assert!(
        marks.iter().any(|mark| mark["kind"] == "by_hand" && mark["label"] == "+4 users by hand"),
        "{marks:?}"
    );
    let running: Vec<u64> = result["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|second| second["users"].as_u64().unwrap())
        .collect();
    assert!(running.contains(&44) && running.contains(&36), "{running:?}");
    // Nobody compares it with a run of the plan, wherever it was made.
    let mut result = result.clone();
    quiet(&mut result);
    let json = scratch.write("changed.json", &result.to_string());
    let compared = plimsoll().arg("compare").arg(&json).arg(&json).output().unwrap();
    assert_eq!(compared.status.code(), Some(4));
    let words = String::from_utf8_lossy(&compared.stdout).into_owned();
    assert!(words.contains("changed by hand"), "{words}");
}

#[test]
fn users_removed_and_added_by_hand_repeat_nothing() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan =
        crowd(&server.url).replace("GET /ok", "\"GET /ok?{{ uuid() }}&k={{ user.id }}-{{ counter() }}\"");
    let plan = plan.replace("duration: 15s", "duration: 10m");
    let mut pty = Pty::start(&run(&scratch, &plan), 100, 30);
    let connections = || server.log.all().iter().map(|seen| seen.connection).max().map_or(0, |last| last + 1);
    for round in 1..=2 {
        pty.wait_for("users 40");
        pty.press("-");
        pty.wait_for("users 36");
        pty.press("+");
        wait_until("four new users", || connections() == 40 + 4 * round);
    }
    // Beyond the plan's most users, and those again.
    for round in 0..2 {
        pty.wait_for("users 40");
        pty.press("+");
        pty.wait_for("users 44");
        wait_until("four more users", || connections() == 52 + 4 * round);
        pty.press("-");
    }
    pty.press("q");
    pty.finish();
    let paths: Vec<_> = server.log.all().into_iter().map(|seen| seen.path).collect();
    for part in [0, 1] {
        let values: Vec<_> = paths.iter().map(|path| path.split("&k=").nth(part).unwrap()).collect();
        let different: std::collections::BTreeSet<_> = values.iter().collect();
        assert_eq!(different.len(), values.len(), "part {part}");
    }
}

#[test]
fn a_pause_begins_nothing_and_is_in_the_result() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = crowd(&server.url) + "  - { that: rps > 1, over: 1s, abort: true }\n";
    let plan = plan.replace("thresholds: [errors < 1%]", "thresholds:\n  - errors < 1%");
    let plan = plan.replace("duration: 15s", "iterations: 4000");
    let mut pty = Pty::start(&run(&scratch, &plan), 100, 30);
    pty.wait_for("users 40");
    pty.press("p");
    pty.wait_for("PAUSED");
    pty.wait_for("p go on");
    // What ran has ended when a whole second was shown without a request.
    pty.wait_for("\n0.0 rps");
    let before = server.log.count("/ok");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(server.log.count("/ok"), before, "nothing begins");
    pty.press("p");
    pty.wait_for("goes on after a pause of");
    wait_until("new requests", || server.log.count("/ok") > before);
    let (done, rest) = pty.finish();
    assert_eq!(done.code, 0, "{rest}");
    assert!(rest.contains("THE LOAD WAS CHANGED BY HAND: paused for"), "{rest}");
    let result = read_json(&scratch.path("result.json"));
    check_accounting(&result);
    assert_eq!(result["run"]["ended"], "completed", "a pause aborts nothing: {rest}");
    assert_eq!(result["verdict"], "warn");
    let pause = &result["run"]["by_hand"][0];
    let length_s = pause["to_s"].as_f64().unwrap() - pause["at_s"].as_f64().unwrap();
    assert!(pause["kind"] == "pause" && length_s >= 1.0, "{pause}");
}

#[test]
fn a_key_that_cannot_says_why() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let open = endless(&server.url, "/ok").replace("users: 2, duration: 10m", "rate: 20/s, duration: 10m");
    let rows = "data: { people: { rows: [{ n: 1 }, { n: 2 }], per: user } }\n";
    let bound = endless(&server.url, "/ok").replace("GET /ok", "\"GET /ok?n={{ people.n }}\"") + rows;
    let fixed = endless(&server.url, "/ok").replace("duration: 10m", "iterations: 100000");
    for (plan, offered, refusals) in [
        (open, "q end", &[("+", "arrivals come at the plan's rate"), ("p", "arrivals cannot be paused")][..]),
        (bound, "- fewer users", &[("+", "a row of data of its own"), ("--", "no user would be left")]),
        (fixed, "q end  p pause", &[("-", "the plan's iterations are shared")]),
    ] {
        let mut pty = Pty::start(&run(&scratch, &plan), 110, 24);
        pty.wait_for(offered);
        pty.wait_for("0 failed");
        pty.wait_for("GET one");
        for (key, why) in refusals {
            pty.press(key);
            pty.wait_for(why);
        }
        pty.press("q");
        assert_eq!(pty.finish().0.code, 130);
        let by_hand = &read_json(&scratch.path("result.json"))["run"]["by_hand"];
        assert_eq!(by_hand.as_array().unwrap().last().unwrap()["kind"], "end", "{by_hand}");
        assert!(by_hand.as_array().unwrap().iter().all(|change| change["users"] != 1), "{by_hand}");
    }
}
