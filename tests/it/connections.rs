//! Connections that end, or bring more than was asked for, without a failure of the request: unusual answers
//! that are right, requests handed back unsent, a target that dies and comes back. The server's log agrees.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::fault_server::{FaultServer, Log};
use crate::support::{Ran, Running, Scratch, check_accounting, plimsoll, read_json, requests, row};
use serde_json::json;

/// One user that sends `request` four times, each followed by a good one on the same connection.
fn plan(url: &str, request: &str, steps: &str) -> String {
    format!(
        r#"
plan: 1
target: "{url}"
endpoints:
  odd: {{ request: {request}, timeout: 5s }}
  good: {{ request: GET /ok, expect: [json.ok == true] }}
flows:
  both: {{ weight: 1, steps: [{steps}] }}
load: {{ users: 1, iterations: 4 }}
thresholds: [errors < 1%]
"#
    )
}

/// Runs it: all is well, and each request reached the server once.
#[track_caller]
fn goes_well(request: &str, status: &str) -> Ran {
    goes_well_with("use: odd, use: good", request, status)
}

/// Runs it, whatever comes of it.
fn four_times(steps: &str, request: &str) -> Ran {
    let server = FaultServer::start();
    let ran = Scratch::new().run(&plan(&server.url, request, steps), &[]);
    check_accounting(&ran.result);
    ran
}

#[track_caller]
fn goes_well_with(steps: &str, request: &str, status: &str) -> Ran {
    let server = FaultServer::start();
    let ran = Scratch::new().run(&plan(&server.url, request, steps), &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    let odd = row(&ran.result, "odd");
    assert_eq!(odd["status"], json!({ status: 4 }), "{request}");
    assert_eq!((&odd["failures"], requests(&ran.result, "good")), (&json!(0), 4), "{request}");
    let path = request.split([' ', ',']).nth(1).unwrap();
    assert_eq!((server.log.count(path), server.log.count("/ok")), (4, 4), "{request}");
    ran
}

#[test]
fn answers_that_keep_the_connection() {
    for (request, status) in [
        ("HEAD /odd/head", "200"),
        ("GET /odd/204", "204"),
        ("GET /odd/304", "304"),
        ("POST /odd/204", "204"),
        ("GET /odd/continue", "200"),
        ("GET /odd/http-1.0-keep-alive", "200"),
    ] {
        let ran = goes_well(request, status);
        assert_eq!(ran.result["totals"]["new_connections"], 1, "{request}");
        assert_eq!(ran.result["accounting"]["resent"], 0, "{request}");
    }
}

#[test]
fn answers_that_end_the_connection() {
    for (request, size) in [
        ("GET /odd/connection-close", 2),
        ("POST /odd/connection-close", 2),
        ("GET /odd/http-1.0", 13),
        ("GET /odd/http-1.0-length", 2),
        ("GET /odd/no-length", 13),
    ] {
        let ran = goes_well(&format!("{request}, expect: [size == {size}]"), "200");
        // The good request needs a new one, on which the next iteration goes on.
        assert_eq!(ran.result["totals"]["new_connections"], 5, "{request}");
        assert_eq!(ran.result["accounting"]["resent"], 0, "what was announced is no surprise: {request}");
    }
}

/// What is left over of an answer is no answer to the next request (it says 500), and the answer is not right.
#[test]
fn a_body_longer_than_announced_fails_its_request() {
    for request in ["GET /odd/too-long", "POST /odd/too-long"] {
        let ran = four_times("use: odd", request);
        let row = row(&ran.result, "odd");
        assert_eq!(
            (&row["failure_kinds"], &row["status"]),
            (&json!({ "protocol": 4 }), &json!({ "200": 4 })),
            "{request}"
        );
        let words = ran.result["failures"][0]["message"].as_str().unwrap();
        assert!(words.contains("followed by another answer"), "{words}");
    }
}

/// Bytes on an idle connection are the answer to nothing. The answer before them is counted when they come, so the
/// request that would be next fails, and says whose answer it was.
#[test]
fn an_answer_nobody_asked_for_fails_the_next_request() {
    let ran = four_times("use: odd, think: 600ms, use: good", "GET /odd/unasked");
    assert_eq!(row(&ran.result, "odd")["failure_kinds"], json!({}));
    let good = row(&ran.result, "good");
    assert_eq!((&good["failure_kinds"], &good["requests"]), (&json!({ "protocol": 4 }), &json!(4)));
    let words = ran.result["failures"][0]["message"].as_str().unwrap();
    assert!(words.contains("not sent") && words.contains("an answer after its answer to `odd`"), "{words}");
}

/// The same where the connection is parked meanwhile.
#[test]
fn an_answer_nobody_asked_for_is_found_after_a_long_pause() {
    let ran = four_times("use: odd, think: 1100ms, use: good", "GET /odd/unasked");
    assert_eq!(row(&ran.result, "good")["failure_kinds"], json!({ "protocol": 4 }));
}

/// Some servers and load balancers say so before they close an idle connection.
#[test]
fn a_request_timeout_on_an_idle_connection_only_closes_it() {
    let ran = four_times("use: odd, think: 600ms, use: good", "GET /odd/idle-408");
    ran.done.assert_code(0);
    assert_eq!(ran.result["totals"]["failures"], 0, "{}", ran.result["failures"]);
    assert_eq!(ran.result["totals"]["new_connections"], 5);
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

/// The target closes between two requests, and the connection is not looked at because it has just been used:
/// the next request comes back unsent and is sent once more.
#[test]
fn a_request_handed_back_unsent_is_sent_again_and_counted() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: POST /odd/close-soon, text: x }} }}\nthink: 25ms\n\
         load: {{ users: 2, iterations: 60 }}\nthresholds: [errors < 1%]\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    assert_eq!((requests(&ran.result, "a"), server.log.count("/odd/close-soon")), (60, 60), "each came once");
    assert!(ran.result["accounting"]["resent"].as_u64() > Some(0), "{}", ran.result["accounting"]);
    assert_eq!(row(&ran.result, "a")["new_connections"], 60);
}

#[track_caller]
fn races_with_a_close(request: &str) {
    let server = FaultServer::start();
    let plan = format!(
        r#"
plan: 1
target: "{}"
endpoints:
  order: {{ request: "{request} /early-close?id={{{{ uuid() }}}}" }}
load: {{ users: 4, iterations: 200 }}
"#,
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    let seen = server.log.of("/early-close");
    let different: BTreeSet<_> = seen.iter().map(|seen| seen.path.clone()).collect();
    assert_eq!(different.len(), seen.len(), "no order came twice");
    let ok = ran.result["accounting"]["ok"].as_u64().unwrap();
    // A request that was written while the target closed failed, and did not reach our server's log.
    assert_eq!(seen.len() as u64, ok, "{}", ran.result["failures"]);
    assert_eq!(requests(&ran.result, "order"), 200);
}

#[test]
fn a_request_that_races_with_a_close_is_never_sent_twice() {
    races_with_a_close("POST");
    races_with_a_close("GET");
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < give_up, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_target_that_dies_and_comes_back() {
    let scratch = Scratch::new();
    let before = FaultServer::start();
    let address = before.url.strip_prefix("http://").unwrap().to_owned();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: POST /ok }} }}\nthink: 2ms\n\
         load: {{ users: 4, duration: 1m }}\n",
        before.url
    );
    let (plan, json) = (scratch.write("plan.yaml", &plan), scratch.path("result.json"));
    let mut command = plimsoll();
    command.args(["run", "--quiet"]).arg(plan).arg("--json").arg(&json);
    let running = Running::start(command);
    let first = before.log.clone();
    wait_for("the first server is asked", || first.all().len() >= 20);
    drop(before);
    let first = first.all().len() as u64;
    // Long enough for each user to be refused.
    std::thread::sleep(Duration::from_millis(500));
    let after = FaultServer::start_at(&address, Log::default());
    wait_for("the second server is asked", || after.log.all().len() >= 20);
    running.signal("INT");
    let done = running.finish();
    done.assert_code(130);
    let result = read_json(&json);
    check_accounting(&result);
    let (accounting, kinds) = (&result["accounting"], &row(&result, "a")["failure_kinds"]);
    let of = |count: &serde_json::Value| count.as_u64().unwrap_or(0);
    assert!(of(&kinds["connect.refused"]) >= 4, "{kinds}");
    let known = ["connect.refused", "connect.reset", "reset", "closed.before_headers", "interrupted"];
    assert!(kinds.as_object().unwrap().keys().all(|kind| known.contains(&kind.as_str())), "{kinds}");
    // What the servers saw was answered, or was cut by the death or the end: nothing else, and nothing twice.
    let seen = first + after.log.all().len() as u64;
    let cut = of(&accounting["failed"]) - of(&kinds["connect.refused"]) + of(&accounting["interrupted"]);
    let ok = of(&accounting["ok"]);
    assert!(ok <= seen && seen <= ok + cut, "{ok} ok, {cut} cut, {seen} seen");
}
