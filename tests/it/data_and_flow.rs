//! What reaches the server: rows of data in their order, captured values in later steps, bodies with their
//! types, and the picks and rows that a seed repeats.

use std::collections::BTreeSet;

use crate::support::fault_server::{FaultServer, Seen};
use crate::support::{Ran, Scratch, check_accounting, requests, row};
use serde_json::Value;

const ROWS: &str = "word,n\nalpha,1\nbravo,2\n\"char,lie\",3\ndelta,4\necho,5\n";
const WORDS: [&str; 5] = ["alpha", "bravo", "char,lie", "delta", "echo"];

/// Sends each iteration's row.
fn rows_plan(url: &str, feed: &str, load: &str) -> String {
    format!(
        r#"
plan: 1
target: "{url}"
data: {{ rows: {{ file: rows.csv, {feed} }} }}
endpoints:
  send: {{ request: POST /ok, json: {{ word: "{{{{ rows.word }}}}", again: "{{{{ rows.word }}}}", user: "{{{{ user.id }}}}" }} }}
load: {{ {load} }}
"#
    )
}

fn run_rows(server: &FaultServer, feed: &str, load: &str, arguments: &[&str]) -> Ran {
    let scratch = Scratch::new();
    scratch.write("rows.csv", ROWS);
    let ran = scratch.run(&rows_plan(&server.url, feed, load), arguments);
    check_accounting(&ran.result);
    ran
}

fn bodies(seen: &[Seen]) -> Vec<Value> {
    seen.iter().map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect()
}

/// The words sent, in the order they came.
fn words(server: &FaultServer) -> Vec<String> {
    let bodies = bodies(&server.log.of("/ok"));
    for body in &bodies {
        assert_eq!(body["word"], body["again"], "one row an iteration");
    }
    bodies.iter().map(|body| body["word"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn rows_in_order_until_they_are_used_up() {
    let server = FaultServer::start();
    let ran = run_rows(&server, "on_end: stop", "users: 1, duration: 10m", &[]);
    ran.done.assert_code(0);
    assert_eq!(ran.result["run"]["ended"], "completed");
    assert_eq!(words(&server), WORDS);
}

#[test]
fn rows_that_begin_again() {
    let server = FaultServer::start();
    run_rows(&server, "on_end: recycle", "users: 1, iterations: 12", &[]).done.assert_code(0);
    assert_eq!(words(&server), [&WORDS[..], &WORDS[..], &WORDS[..2]].concat());
}

#[test]
fn each_row_goes_to_one_of_many_users() {
    let server = FaultServer::start();
    let arguments = ["--workers", "2"];
    run_rows(&server, "on_end: stop", "users: 4, duration: 10m", &arguments).done.assert_code(0);
    let mut sent = words(&server);
    sent.sort();
    assert_eq!(sent, WORDS);
}

#[test]
fn rows_that_must_suffice() {
    let server = FaultServer::start();
    let ran = run_rows(&server, "on_end: fail", "users: 2, duration: 10m", &[]);
    ran.done.assert_code(3);
    let reason = ran.result["reason"].as_str().unwrap();
    assert!(reason.contains("`rows`") && reason.contains("5 rows"), "{reason}");
    assert_eq!(words(&server).len(), 5, "what there was has been sent");
    let server = FaultServer::start();
    run_rows(&server, "on_end: fail", "users: 2, iterations: 5", &[]).done.assert_code(0);
    assert_eq!(words(&server).len(), 5);
}

#[test]
fn shuffled_rows_come_once_a_round_and_repeat_with_the_seed() {
    let run = |seed: &str| {
        let server = FaultServer::start();
        let arguments = ["--seed", seed];
        run_rows(&server, "order: shuffled", "users: 1, iterations: 10", &arguments).done.assert_code(0);
        words(&server)
    };
    let first = run("1");
    for round in first.chunks(5) {
        assert_eq!(round.iter().map(String::as_str).collect::<BTreeSet<_>>(), WORDS.into());
    }
    assert_eq!(run("1"), first);
    assert!(["2", "3", "4"].iter().any(|seed| run(seed) != first), "other seeds, other orders");
}

#[test]
fn captured_values_flow_into_later_steps() {
    let server = FaultServer::start();
    let plan = format!(
        r#"
plan: 1
target: "{}"
endpoints:
  list: {{ request: GET /ok, capture: {{ id: "json.items[0].id" }} }}
  get: {{ request: "GET /items/{{{{ id }}}}", query: {{ of: "{{{{ id }}}}" }} }}
flows:
  visit:
    weight: 1
    steps:
      - use: list
        capture: {{ amount: "json.items | map(attribute='size') | first" }}
      - use: get
      - {{ name: order, request: POST /echo, json: {{ id: "{{{{ id }}}}", size: "{{{{ amount }}}}", next: "{{{{ amount + 1 }}}}" }},
          headers: {{ x-size: "size {{{{ amount }}}}" }}, expect: [status == 200, "amount in [7]"] }}
load: {{ users: 2, iterations: 6 }}
"#,
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    for name in ["list", "get", "order", "visit"] {
        assert_eq!(requests(&ran.result, name), 6);
        assert_eq!(row(&ran.result, name)["failures"], 0, "{}", ran.result["failures"]);
    }
    assert!(server.log.of("/items/a-1").iter().all(|seen| seen.path == "/items/a-1?of=a-1"));
    for seen in server.log.of("/echo") {
        assert_eq!(seen.text(), r#"{"id":"a-1","size":7,"next":8}"#, "numbers stay numbers");
        assert_eq!(seen.header("x-size"), Some("size 7"));
    }
}

#[test]
fn a_flow_ends_at_the_step_that_fails() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints:\n  bad: {{ request: GET /status/503 }}\n  after: {{ request: GET /ok }}\n\
         flows: {{ both: {{ weight: 1, steps: [use: bad, use: after] }} }}\nload: {{ users: 1, iterations: 3 }}\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    check_accounting(&ran.result);
    assert_eq!((requests(&ran.result, "bad"), requests(&ran.result, "after")), (3, 0));
    assert_eq!(row(&ran.result, "both")["failures"], 3);
    assert_eq!(server.log.count("/ok"), 0);
}
