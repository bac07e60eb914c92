//! Requests that are answered before they are written, on connections that break off: a complete answer is the answer.

use std::time::Duration;

use crate::support::raw_server::{Answer, RawServer};
use crate::support::tls::Authority;
use crate::support::{Scratch, check_accounting, row};
use serde_json::json;

const ROUNDS: u64 = 20;

/// Uploads far more than the sockets' buffers hold, which is refused with 413 as soon as its head has come.
#[track_caller]
fn refused(authority: Option<&Authority>, pieces: &[&str], closes_after: Duration) {
    let scratch = Scratch::new();
    scratch.write("large.bin", &"x".repeat(8 << 20));
    let mut answer = Answer::of("").early().closing(closes_after);
    for piece in pieces {
        answer = answer.then(Duration::ZERO, piece);
    }
    let server = RawServer::start_with(authority, move |_| answer.clone());
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nload: {{ users: 2, iterations: {ROUNDS} }}\nthresholds: [errors < 1%]\n\
         endpoints: {{ up: {{ request: POST /, file: large.bin, expect: [status == 413, \"body == \\\"too large\\\"\"] }} }}\n",
        server.url
    );
    let roots = scratch.path("roots.pem");
    authority.iter().for_each(|authority| authority.write(&roots));
    let trusted = [("SSL_CERT_FILE", roots.to_str().unwrap())];
    let ran = scratch.run_with(&plan, &[], if authority.is_some() { &trusted } else { &[] });
    check_accounting(&ran.result);
    let up = row(&ran.result, "up");
    let seen = format!("{pieces:?}, closes after {closes_after:?}: {}", ran.result["failures"]);
    assert_eq!((&up["failure_kinds"], &up["status"]), (&json!({}), &json!({ "413": ROUNDS })), "{seen}");
    assert_eq!(server.asked().len() as u64, ROUNDS);
    assert_eq!(up["new_connections"], ROUNDS, "a connection takes no second request behind half of one");
    ran.done.assert_code(0);
}

const CHUNKED: &str =
    "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
const WITH_LENGTH: &str = "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\n";
const KEPT_ALIVE: &str = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 9\r\n\r\n";

fn all(authority: Option<&Authority>) {
    for closes_after in [Duration::ZERO, Duration::from_millis(30)] {
        refused(authority, &[CHUNKED, "9\r\ntoo large\r\n", "0\r\n\r\n"], closes_after);
        refused(authority, &[&format!("{CHUNKED}9\r\ntoo large\r\n0\r\n\r\n")], closes_after);
        refused(authority, &[WITH_LENGTH, "too l", "arge"], closes_after);
        refused(authority, &[&format!("{KEPT_ALIVE}too large")], closes_after);
    }
}

#[test]
fn over_tcp() {
    all(None);
}

#[test]
fn over_tls() {
    all(Some(&Authority::new()));
}

/// An upload that breaks off without an answer has failed, and so has one whose answer breaks off too.
#[test]
fn without_an_answer_it_is_a_failure() {
    for (answer, kind) in [
        (Answer::of(""), "send"),
        (Answer::of("HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo"), "closed.mid_body"),
    ] {
        let scratch = Scratch::new();
        scratch.write("large.bin", &"x".repeat(8 << 20));
        let answer = answer.early().closing(Duration::ZERO);
        let server = RawServer::start(move |_| answer.clone());
        let plan = format!(
            "plan: 1\ntarget: \"{}\"\nload: {{ users: 2, iterations: 10 }}\nendpoints: {{ up: {{ request: POST /, file: large.bin }} }}\n",
            server.url
        );
        let ran = scratch.run(&plan, &[]);
        ran.done.assert_code(1);
        check_accounting(&ran.result);
        let kinds = row(&ran.result, "up")["failure_kinds"].as_object().unwrap();
        // Which of the two the system tells first is not ours to say.
        let known = [kind, "reset"];
        assert!(kinds.keys().all(|kind| known.contains(&kind.as_str())), "{}", ran.result["failures"]);
    }
}
