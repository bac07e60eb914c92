//! Kept connections and pauses: one that the target closed meanwhile is replaced, or says so.

use std::collections::BTreeSet;

use crate::support::fault_server::FaultServer;
use crate::support::tls::{Authority, Fault, TlsServer};
use crate::support::{Scratch, check_accounting, row};
use serde_json::{Value, json};

const CLOSED: &str =
    "a kept connection that the target closed while idle (idle for 1 s), as the request was sent";

/// Two users with three requests each and pauses between.
fn run(url: &str, request: &str, think: &str) -> Value {
    let plan = format!(
        "plan: 1\ntarget: \"{url}\"\nhttp: {{ tls: {{ insecure: true }} }}\nendpoints: {{ a: {{ {request} }} }}\nthink: {think}\n\
         load: {{ users: 2, iterations_per_user: 3 }}\nthresholds: [\"errors < 100%\"]\n"
    );
    let ran = Scratch::new().run(&plan, &[]);
    check_accounting(&ran.result);
    assert_eq!(row(&ran.result, "a")["requests"], 6, "{}", ran.done.output());
    ran.result
}

/// Parked (from a second on) and not.
const PAUSES: [&str; 2] = ["300ms", "1s"];

#[test]
fn a_connection_that_was_closed_in_a_pause_is_replaced() {
    for think in PAUSES {
        let server = FaultServer::start();
        let result = run(&server.url, "request: POST /kept/for-a-moment, text: once", think);
        let row = row(&result, "a");
        assert_eq!(
            (&row["failures"], &row["new_connections"]),
            (&json!(0), &json!(6)),
            "{}",
            result["failures"]
        );
        assert_eq!(server.log.count("/kept/for-a-moment"), 6);
    }
}

#[test]
fn one_that_said_goodbye_over_tls_is_replaced_too() {
    let authority = Authority::new();
    for think in PAUSES {
        let server = TlsServer::start(&authority, Fault::ClosesIdle);
        let result = run(&server.url, "request: GET /", think);
        let row = row(&result, "a");
        assert_eq!(
            (&row["failures"], &row["new_connections"]),
            (&json!(0), &json!(6)),
            "{}",
            result["failures"]
        );
    }
}

/// Closed as the request was sent: it may have been processed, so it is a failure that says what happened.
#[test]
fn a_close_that_crosses_the_request_says_so() {
    for how in ["close", "reset"] {
        let server = FaultServer::start();
        let result = run(&server.url, &format!("request: POST /kept/{how}, text: once"), "1s");
        // The second of each user; the third has a new connection.
        assert_eq!(server.log.count(&format!("/kept/{how}")), 6, "nothing was sent twice");
        assert_eq!(row(&result, "a")["failures"], 2, "{}", result["failures"]);
        let groups = result["failures"].as_array().unwrap();
        let told = |group: &&Value| group["message"].as_str().unwrap().starts_with(CLOSED);
        // A machine that is too busy to look for a quarter of a second takes it for another failure.
        let told: Vec<_> = groups.iter().filter(told).collect();
        assert_eq!(told.len(), 1, "{how}: {groups:?}");
        assert_eq!(told[0]["kind"], "closed.before_headers");
    }
}

/// Without a pause it is the request that the target did not like.
#[test]
fn a_close_without_a_pause_is_what_it_was() {
    let server = FaultServer::start();
    let result = run(&server.url, "request: GET /kept/close", "0s");
    let words = result["failures"].to_string();
    assert!(!words.contains("while idle"), "{words}");
    assert_eq!(row(&result, "a")["failure_kinds"], json!({ "closed.before_headers": 2 }));
}

#[test]
fn what_the_target_says_about_keeping_connections_is_respected() {
    // 800 ms are safe of 1 s, and most of a minute.
    for (seconds, think, connections) in [(1, "900ms", 6), (1, "1s", 6), (60, "900ms", 2), (60, "1s", 2)] {
        let server = FaultServer::start();
        let result = run(&server.url, &format!("request: GET /kept/timeout/{seconds}"), think);
        assert_eq!(row(&result, "a")["failures"], 0, "{}", result["failures"]);
        let used: BTreeSet<_> = server.log.all().iter().map(|seen| seen.connection).collect();
        assert_eq!(used.len(), connections, "timeout={seconds}, {think}");
        assert_eq!(row(&result, "a")["new_connections"], connections);
    }
}
