//! Every way a server can fail a request, provoked on loopback: the failure has its kind, nothing is lost,
//! nothing panics or hangs, and the same user's next request works.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::fault_server::{ClosedPort, FaultServer};
use support::tls::{Authority, Fault, TlsServer};
use support::{Scratch, check_accounting, requests, row};

/// One user does these two three times: a good request, then one at `fault`.
fn plan(good: &str, fault: &str, request: &str) -> String {
    format!(
        r#"
plan: 1
targets: {{ good: "{good}", fault: "{fault}" }}
endpoints:
  good: {{ request: "GET good:/ok" }}
  fault: {{ {request}, timeout: 400ms }}
flows:
  both: {{ weight: 1, steps: [use: good, use: fault] }}
load: {{ users: 1, iterations: 3 }}
thresholds: [errors < 1%]
"#
    )
}

/// Runs it and checks that all three faulty requests failed as `kind`, and only they.
#[track_caller]
fn provoke_with(fault: &str, request: &str, kind: &str, environment: &[(&str, &str)]) -> Value {
    let good = FaultServer::start();
    let scratch = Scratch::new();
    let ran = scratch.run_with(&plan(&good.url, fault, request), &[], environment);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    assert_eq!(row(&ran.result, "fault")["failure_kinds"], json!({ kind: 3 }), "{}", ran.result["failures"]);
    assert_eq!(requests(&ran.result, "good"), 3);
    assert_eq!(row(&ran.result, "good")["failures"], 0, "{}", ran.result["failures"]);
    assert_eq!(good.log.count("/ok"), 3, "the server of the good requests saw all of them");
    assert_eq!(ran.result["verdict"], "fail");
    ran.result
}

/// A fault of our own server, by path. Each request reached it exactly once.
#[track_caller]
fn provoke(path: &str, kind: &str) -> Value {
    let server = FaultServer::start();
    let result = provoke_with(&server.url, &format!("request: GET fault:{path}"), kind, &[]);
    assert_eq!(server.log.count(path), 3, "requests received at {path}");
    result
}

/// The same with a POST, which is never sent twice.
#[track_caller]
fn provoke_post(path: &str, kind: &str) {
    let server = FaultServer::start();
    let request = format!("request: POST fault:{path}, json: {{ n: 1 }}");
    provoke_with(&server.url, &request, kind, &[]);
    assert_eq!(server.log.count(path), 3, "requests received at {path}");
}

#[test]
fn refused() {
    provoke_with(&ClosedPort::new().url(), "request: GET fault:/x", "connect.refused", &[]);
}

#[test]
fn unknown_host() {
    provoke_with("http://nowhere.invalid", "request: GET fault:/x", "dns", &[]);
}

#[test]
fn reset_before_the_response() {
    provoke("/reset", "reset");
    provoke_post("/reset", "reset");
}

#[test]
fn reset_in_the_body() {
    let result = provoke("/reset-mid-body", "reset");
    assert_eq!(row(&result, "fault")["status"], json!({ "200": 3 }), "the head had come");
}

#[test]
fn closed_before_the_response() {
    provoke("/close-before-headers", "closed.before_headers");
    provoke_post("/close-before-headers", "closed.before_headers");
}

#[test]
fn closed_in_the_head() {
    provoke("/close-mid-head", "closed.before_headers");
}

#[test]
fn closed_in_the_body() {
    let result = provoke("/close-mid-body", "closed.mid_body");
    assert_eq!(row(&result, "fault")["status"], json!({ "200": 3 }), "the head had come");
    provoke("/truncated-chunked", "closed.mid_body");
}

#[test]
fn never_answers() {
    let result = provoke("/slow-head", "timeout.headers");
    let least = row(&result, "fault")["latency_us"]["min"].as_u64().unwrap();
    assert!(least >= 400_000, "a request that ran into its limit took at least that long: {least}");
}

#[test]
fn body_never_ends() {
    provoke("/slow-body", "timeout.body");
}

#[test]
fn not_http() {
    provoke("/garbage", "protocol");
    provoke("/bad-chunk", "protocol");
}

#[test]
fn ten_thousand_headers() {
    provoke("/many-headers", "protocol");
}

#[test]
fn endless_head() {
    provoke("/endless-head", "protocol");
}

#[test]
fn endless_interim_responses() {
    // Once is enough: a debug build takes seconds to get through what loopback delivers in 400 ms.
    let server = FaultServer::start();
    let plan = plan(&server.url, &server.url, "request: GET fault:/endless-1xx");
    let ran = Scratch::new().run(&plan, &["--set", "load.iterations=1"]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    assert_eq!(row(&ran.result, "fault")["failure_kinds"], json!({ "timeout.headers": 1 }));
}

#[test]
fn endless_body_that_nobody_needs() {
    provoke("/endless-body", "timeout.body");
}

#[test]
fn status_and_content() {
    provoke("/status/500", "status");
    let server = FaultServer::start();
    let wrong_json = "request: GET fault:/wrong-json, expect: [json.ok == true]";
    provoke_with(&server.url, wrong_json, "decode", &[]);
    let unexpected = "request: GET fault:/ok, expect: [json.ok == false]";
    provoke_with(&server.url, unexpected, "expect", &[]);
    let absent = "request: GET fault:/ok, capture: { id: json.no_such_key }";
    provoke_with(&server.url, absent, "capture", &[]);
}

#[test]
fn a_value_that_was_never_captured_is_not_sent() {
    let server = FaultServer::start();
    let request = "request: \"GET fault:/items/{{ id }}\", capture: { id: json.id }";
    let result = provoke_with(&server.url, request, "template", &[]);
    assert!(server.log.all().is_empty(), "nothing was sent: {:?}", server.log.all());
    let message = result["failures"][0]["message"].as_str().unwrap();
    assert!(message.contains("id"), "{message}");
}

#[test]
fn refused_before_the_body_was_read() {
    let server = FaultServer::start();
    let scratch = Scratch::new();
    // More than the sockets' buffers hold, so that the rest cannot be written.
    scratch.write("large.txt.j2", &"x".repeat(4_190_000));
    let request = "request: POST fault:/early-answer, template: large.txt.j2";
    let ran = scratch.run(&plan(&server.url, &server.url, request), &[]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    assert_eq!(requests(&ran.result, "fault"), 3);
    // The rest of a refused request must not stand before the next one.
    assert_eq!(row(&ran.result, "fault")["status"]["413"], 3, "{}", ran.result["failures"]);
    assert_eq!(row(&ran.result, "fault")["failure_kinds"]["status"], 3);
    assert_eq!(row(&ran.result, "good")["failures"], 0);
}

#[test]
fn idle_close_of_a_reused_connection_is_no_failure() {
    let server = FaultServer::start();
    let plan = format!(
        r#"
plan: 1
target: "{}"
endpoints:
  order: {{ request: POST /early-close, json: {{ n: "{{{{ user.iteration }}}}" }} }}
think: 200ms
load: {{ users: 3, iterations_per_user: 4 }}
thresholds: [errors < 1%, requests == 12]
"#,
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    assert_eq!(row(&ran.result, "order")["failure_kinds"], json!({}));
    assert_eq!(server.log.count("/early-close"), 12, "each POST was sent once");
    assert_eq!(row(&ran.result, "order")["new_connections"], 12);
}

#[test]
fn a_post_that_races_with_a_close_is_never_sent_twice() {
    let server = FaultServer::start();
    let plan = format!(
        r#"
plan: 1
target: "{}"
endpoints:
  order: {{ request: POST /early-close, json: {{ id: "{{{{ uuid() }}}}" }} }}
load: {{ users: 4, iterations: 200 }}
"#,
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    let seen = server.log.of("/early-close");
    let different: std::collections::BTreeSet<_> = seen.iter().map(|seen| seen.body.clone()).collect();
    assert_eq!(different.len(), seen.len(), "no order came twice");
    let ok = ran.result["accounting"]["ok"].as_u64().unwrap();
    // A request that was written while the target closed failed, and did not reach our server's log.
    assert_eq!(seen.len() as u64, ok, "{}", ran.result["failures"]);
    assert_eq!(requests(&ran.result, "order"), 200);
}

#[test]
fn certificates() {
    let scratch = Scratch::new();
    let authority = Authority::new();
    let roots = scratch.path("roots.pem");
    authority.write(&roots);
    let environment = [("SSL_CERT_FILE", roots.to_str().unwrap())];
    for (fault, kind) in [
        (Fault::Expired, "tls.certificate"),
        (Fault::WrongHost, "tls.certificate"),
        (Fault::SelfSigned, "tls.certificate"),
        (Fault::EndInHandshake, "tls.handshake"),
    ] {
        let server = TlsServer::start(&authority, fault);
        let result = provoke_with(&server.url, "request: GET fault:/", kind, &environment);
        let words = result["failures"][0]["message"].as_str().unwrap();
        assert!(words.contains("TLS handshake failed"), "{fault:?}: {words}");
    }
    let server = TlsServer::start(&authority, Fault::None);
    let good = FaultServer::start();
    let ran = scratch.run_with(&plan(&good.url, &server.url, "request: GET fault:/"), &[], &environment);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    assert_eq!(
        row(&ran.result, "fault")["tls_us"]["count"],
        1,
        "one handshake, then the connection is reused"
    );
}

#[test]
fn plain_http_where_tls_is_expected() {
    let server = FaultServer::start();
    let url = server.url.replace("http://127.0.0.1", "https://localhost");
    provoke_with(&url, "request: GET fault:/ok", "tls.handshake", &[]);
}
