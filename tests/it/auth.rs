//! Logging in, by user or once for the run; renewing; what is sent with the login and what without.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::fault_server::FaultServer;
use crate::support::{Ran, Scratch, check_accounting, requests, row};
use serde_json::json;

/// A login, and endpoints behind it.
fn plan(url: &str, auth: &str, endpoints: &str, load: &str) -> String {
    format!(
        r#"
plan: 1
target: "{url}"
auth:
  {auth}
  steps:
    - {{ name: log in, request: POST /login, json: {{ user: "{{{{ user.id }}}}" }}, capture: {{ token: json.token, ttl: json.ttl }} }}
  apply: {{ headers: {{ authorization: "Bearer {{{{ auth.token }}}}" }}, query: {{ key: "{{{{ auth.token }}}}" }} }}
endpoints:
{endpoints}
load: {{ {load} }}
"#
    )
}

fn run(server: &FaultServer, auth: &str, endpoints: &str, load: &str) -> Ran {
    let ran = Scratch::new().run(&plan(&server.url, auth, endpoints, load), &["--workers", "2"]);
    check_accounting(&ran.result);
    assert_eq!(requests(&ran.result, "log in"), server.log.count("/login"));
    assert_eq!(row(&ran.result, "log in")["kind"], "auth");
    ran
}

#[test]
fn each_user_has_a_login_of_its_own() {
    let server = FaultServer::start();
    let endpoint = r#"  it: { request: GET /ok, query: { user: "{{ user.id }}" } }"#;
    run(&server, "scope: user", endpoint, "users: 5, iterations_per_user: 4").done.assert_code(0);
    assert_eq!(server.log.count("/login"), 5);
    let mut tokens: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for seen in server.log.of("/ok") {
        let token = seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
        let (user, key) = seen.path.split_once("user=").unwrap().1.split_once("&key=").unwrap();
        assert_eq!(key, token, "the query has it as well");
        tokens.entry(user.to_owned()).or_default().insert(token.to_owned());
    }
    assert_eq!(tokens.len(), 5);
    assert!(tokens.values().all(|tokens| tokens.len() == 1), "one token a user: {tokens:?}");
    assert_eq!(
        tokens.values().flatten().collect::<BTreeSet<_>>().len(),
        5,
        "and no other user's: {tokens:?}"
    );
}

#[test]
fn the_run_logs_in_once() {
    let server = FaultServer::start();
    let ran = run(&server, "scope: run", "  it: { request: GET /ok }", "users: 6, iterations_per_user: 5");
    ran.done.assert_code(0);
    assert_eq!(server.log.count("/login"), 1);
    let tokens: BTreeSet<_> =
        server.log.of("/ok").iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(tokens, BTreeSet::from(["Bearer token-1".to_owned()]));
    assert_eq!(server.log.count("/ok"), 30);
}

#[test]
fn a_login_that_expires_is_renewed_once_for_all() {
    let server = FaultServer::start();
    let auth = "scope: run\n  refresh: { on_status: [401] }";
    let ran = run(&server, auth, "  it: { request: GET /expiring }", "users: 6, iterations_per_user: 10");
    ran.done.assert_code(0);
    assert_eq!(server.log.count("/login"), 2, "one refresh, whoever met the 401");
    let row = row(&ran.result, "it");
    assert_eq!(row["failures"], 0, "{}", ran.result["failures"]);
    let refused = row["status"]["401"].as_u64().unwrap();
    assert!((1..=6).contains(&refused), "each user meets it at most once: {refused}");
    assert_eq!(row["status"]["200"], 60, "and its request is sent again");
    assert_eq!(requests(&ran.result, "it"), server.log.count("/expiring"));
}

#[test]
fn a_user_renews_its_own_login_and_sends_again_once() {
    let server = FaultServer::start();
    let auth = "refresh: { on_status: [401] }";
    let ran = run(&server, auth, "  it: { request: GET /unauthorized-once }", "users: 1, iterations: 3");
    ran.done.assert_code(0);
    assert_eq!(row(&ran.result, "it")["status"], json!({ "200": 3, "401": 1 }));
    assert_eq!(row(&ran.result, "it")["failures"], 0);
    assert_eq!((server.log.count("/login"), server.log.count("/unauthorized-once")), (2, 4));
    let tokens: Vec<_> = server
        .log
        .of("/unauthorized-once")
        .iter()
        .map(|s| s.header("authorization").unwrap().to_owned())
        .collect();
    assert_eq!(tokens[..2], ["Bearer token-1", "Bearer token-2"]);
}

#[test]
fn a_401_that_stays_is_a_failure_and_no_endless_loop() {
    let server = FaultServer::start();
    let auth = "refresh: { on_status: [401] }";
    let ran = run(&server, auth, "  it: { request: GET /status/401 }", "users: 1, iterations: 3");
    assert_eq!(row(&ran.result, "it")["failure_kinds"], json!({ "status": 3 }));
    assert_eq!(server.log.count("/status/401"), 6, "each sent again once");
    assert_eq!(server.log.count("/login"), 4);
}

#[test]
fn a_login_is_renewed_before_it_expires() {
    let server = FaultServer::start();
    // The login says 600, so it is renewed after 1.2 s.
    let auth = "refresh: { after: \"{{ auth.ttl / 500 }}s\" }";
    let endpoint = "  it: { request: GET /ok }\nthink: 400ms";
    run(&server, auth, endpoint, "users: 1, iterations: 6").done.assert_code(0);
    assert!(server.log.count("/login") >= 2, "{} logins", server.log.count("/login"));
    let seen = server.log.of("/ok");
    assert_eq!(seen[0].header("authorization"), Some("Bearer token-1"));
    assert_ne!(seen[5].header("authorization"), Some("Bearer token-1"));
}

#[test]
fn requests_without_auth_carry_none() {
    let server = FaultServer::start();
    let endpoint = "  it: { request: GET /ok, auth: none }";
    run(&server, "scope: user", endpoint, "users: 2, iterations: 4").done.assert_code(0);
    let seen = server.log.of("/ok");
    assert!(seen.iter().all(|seen| seen.header("authorization").is_none() && seen.path == "/ok"), "{seen:?}");
    assert!(server.log.of("/login").iter().all(|seen| seen.header("authorization").is_none()));
}

/// The second step of the renewal fails: the values of the first login still belong together.
#[test]
fn a_renewal_that_fails_leaves_the_old_login_as_it_was() {
    let server = FaultServer::start();
    let plan = format!(
        r#"
plan: 1
target: "{}"
auth:
  steps:
    - {{ request: POST /login, capture: {{ token: json.token }} }}
    - {{ request: GET /once-then-500, capture: {{ id: json.id }} }}
  apply: {{ headers: {{ authorization: "Bearer {{{{ auth.token }}}}" }} }}
  refresh: {{ on_status: [401] }}
endpoints:
  item: {{ request: "GET /items/{{{{ auth.id }}}}", query: {{ token: "{{{{ auth.token }}}}" }} }}
  guarded: {{ request: GET /unauthorized-once }}
flows:
  both: {{ weight: 1, steps: [use: item, use: guarded] }}
load: {{ users: 1, iterations: 3 }}
"#,
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    check_accounting(&ran.result);
    assert_eq!(row(&ran.result, "item")["failures"], 0, "{}", ran.result["failures"]);
    let seen = server.log.of("/items/one");
    assert_eq!(seen.len(), 3);
    for seen in seen {
        assert_eq!(seen.path, "/items/one?token=token-1");
        assert_eq!(seen.header("authorization"), Some("Bearer token-1"));
    }
    assert_eq!(server.log.count("/login"), 2);
}
