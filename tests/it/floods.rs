//! Targets that send without a pause, in parts as small as can be: the other users of the thread go on, and such a
//! request ends.

use std::time::{Duration, Instant};

use crate::support::fault_server::FaultServer;
use crate::support::tls::{Authority, Fault, TlsServer};
use crate::support::{Running, Scratch, check_accounting, plimsoll, read_json, row};
use serde_json::json;

/// A user of the same thread gets requests done while these never end. How large a turn is, is counted in
/// `src/http/connection/tests.rs`.
fn others_go_on(bad: &str, path: &str, users: u32) {
    const MANY: u64 = 20;
    let (good, scratch) = (FaultServer::start(), Scratch::new());
    let plan = format!(
        "plan: 1\ntargets: {{ good: \"{}\", bad: \"{bad}\" }}\nhttp: {{ tls: {{ insecure: true }} }}\nscenarios:\n  \
         innocent: {{ load: {{ users: 1, duration: 10m }}, endpoints: {{ ok: {{ request: GET good:/ok }} }} }}\n  \
         flood: {{ load: {{ users: {users}, duration: 10m }}, endpoints: {{ it: {{ request: GET bad:{path}, timeout: 60s }} }} }}\n",
        good.url
    );
    let (plan, json) = (scratch.write("plan.yaml", &plan), scratch.path("result.json"));
    let mut command = plimsoll();
    command.arg("run").arg(plan).args(["--workers", "1", "--quiet", "--json"]).arg(&json);
    let running = Running::start(command);
    let give_up = Instant::now() + Duration::from_secs(50);
    while good.log.count("/ok") < MANY {
        assert!(Instant::now() < give_up, "{path}: only {} requests", good.log.count("/ok"));
        std::thread::sleep(Duration::from_millis(5));
    }
    // Twice: what runs may not end.
    running.signal("INT");
    std::thread::sleep(Duration::from_millis(100));
    running.signal("INT");
    running.finish().assert_code(130);
    let result = read_json(&json);
    check_accounting(&result);
    // None had ended: they were there all the time.
    assert_eq!(row(&result, "flood/it")["failure_kinds"], json!({ "interrupted": users }), "{path}");
    let innocent = row(&result, "innocent/ok")["failure_kinds"].as_object().unwrap();
    assert!(innocent.keys().all(|kind| kind == "interrupted"), "{innocent:?}");
}

#[test]
fn others_go_on_while_floods_never_end() {
    let bad = FaultServer::start();
    for what in ["chunks", "size", "spaces"] {
        others_go_on(&bad.url, &format!("/flood/{what}"), 2);
    }
}

#[test]
fn others_go_on_while_each_byte_is_a_tls_record() {
    let bad = TlsServer::start(&Authority::new(), Fault::TinyRecords);
    others_go_on(&bad.url, "/", 2);
}

#[test]
fn tiny_chunks_that_end_are_read_whole() {
    let bad = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints:\n  counted: {{ request: GET /flood/chunks/50000 }}\n  kept: {{ request: GET \
         /flood/chunks/50000, expect: [\"body | length == 50000\"] }}\nload: {{ users: 2, iterations: 6 }}\n",
        bad.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    assert_eq!(ran.result["totals"]["failures"], 0, "{}", ran.result["failures"]);
    assert_eq!(ran.result["totals"]["new_connections"], 2, "the connections are good for the next request");
}

#[test]
fn what_never_becomes_a_body_is_ended_by_the_time_limit() {
    let bad = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints:\n  size: {{ request: GET /flood/size, timeout: 400ms }}\n  spaces: {{ request: GET \
         /flood/spaces, timeout: 400ms }}\nload: {{ users: 1, iterations: 4 }}\nthresholds: [\"errors < 1%\"]\n",
        bad.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    assert_eq!(
        ran.result["totals"]["failure_kinds"],
        json!({ "timeout.body": 4 }),
        "{}",
        ran.result["failures"]
    );
}

/// What hyper would read for ever, or what has no end but that of the time.
#[test]
fn what_may_be_before_between_and_after_the_parts_of_a_body_has_limits() {
    let bad = FaultServer::start();
    let endpoints: String = ["extension", "trailers"]
        .iter()
        .map(|what| format!("  {what}: {{ request: GET /flood/{what}, timeout: 60s }}\n"))
        .collect();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints:\n{endpoints}  interim: {{ request: GET /endless-1xx, timeout: 60s }}\n\
         load: {{ users: 1, iterations: 9 }}\nthresholds: [\"errors < 1%\"]\n",
        bad.url
    );
    let ran = Scratch::new().run(&plan, &["--seed", "1"]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    assert_eq!(ran.result["totals"]["failure_kinds"], json!({ "protocol": 9 }), "{}", ran.result["failures"]);
    let words = ran.result["failures"].to_string();
    assert!(words.contains("more than 1 MiB of interim responses (1xx) and no response"), "{words}");
}
