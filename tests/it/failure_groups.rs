//! Failures of one cause are one group, whenever and however often they come.

use crate::support::fault_server::FaultServer;
use crate::support::tls::{Authority, Fault, TlsServer};
use crate::support::{Scratch, count};
use serde_json::Value;

/// The one group of failures of a run; the `times` failures of it are of different seconds.
#[track_caller]
fn one_group(plan: &str, times: u64) -> Value {
    let ran = Scratch::new().run(plan, &[]);
    let groups = ran.result["failures"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{groups:#?}");
    assert_eq!(count(&groups[0]["count"]), times, "{groups:#?}");
    groups[0].clone()
}

/// One request each 1.1 s: no two of the same second of the clock.
fn seconds_apart(target: &str, request: &str) -> String {
    format!(
        "plan: 1\ntarget: {target}\nendpoints: {{ it: {{ {request} }} }}\npacing: 1100ms\n\
         load: {{ users: 1, iterations: 3 }}\n"
    )
}

#[test]
fn tls_failures_do_not_hold_the_moment() {
    let authority = Authority::new();
    for (fault, words) in [
        (Fault::Expired, "certificate expired on 2020-01-01T00:00:00Z"),
        (Fault::WrongHost, "nobody who is trusted"),
        (Fault::EndInHandshake, "the target closed the connection"),
    ] {
        let server = TlsServer::start(&authority, fault);
        let group = one_group(&seconds_apart(&server.url, "request: GET /"), 3);
        let message = group["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
}

/// Connections that are refused or reset come from another port each time.
#[test]
fn connections_do_not_hold_their_ports() {
    let closed = crate::support::fault_server::ClosedPort::new();
    let group = one_group(&seconds_apart(&closed.url(), "request: GET /"), 3);
    assert_eq!(group["kind"], "connect.refused");
    let server = FaultServer::start();
    let group = one_group(&seconds_apart(&server.url, "request: GET /reset"), 3);
    assert_eq!(group["kind"], "reset");
}

/// Answers that break off at another byte each time.
#[test]
fn bodies_do_not_hold_the_place_where_they_are_wrong() {
    let server = FaultServer::start();
    for expect in ["json[0] == 1", "(body | fromjson)[0] == 1", "body | jsonpath('$[0]') == 1"] {
        let body = "[{{ '1,' * (user.iteration + 1) }}";
        let request = format!("request: POST /mirror, text: \"{body}\", expect: [\"{expect}\"]");
        let plan = seconds_apart(&server.url, &request).replace("pacing: 1100ms\n", "");
        let group = one_group(&plan, 3);
        let message = group["message"].as_str().unwrap();
        assert!(
            message.contains("ends where a value is expected") && !message.contains("column"),
            "{message}"
        );
    }
}
