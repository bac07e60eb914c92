//! Whose TLS session a connection resumes: that of the same user, or nobody's. The server counts too.

use crate::support::tls::{Authority, Sessions, TlsServer};
use crate::support::{Ran, Scratch, check_accounting};
use serde_json::{Value, json};

/// What the server counted, which the result must agree with but for `of_checks` full handshakes, and the run.
#[track_caller]
fn counted(sessions: Sessions, plan: &str, of_checks: u64) -> ((u64, u64), Ran) {
    let (authority, scratch) = (Authority::new(), Scratch::new());
    authority.write(&scratch.path("ca.pem"));
    let server = TlsServer::of(authority.with_sessions(sessions));
    let plan = format!("plan: 1\ntarget: {}\n{plan}\n", server.url);
    let ran = scratch.run(&plan, &["--workers", "2"]);
    check_accounting(&ran.result);
    ran.done.assert_code(0);
    let (full, resumed) = server.shaken.counts();
    let handshakes = json!({ "full": full - of_checks, "resumed": resumed });
    assert_eq!(target(&ran.result)["handshakes"], handshakes, "{sessions:?}: {plan}");
    ((full, resumed), ran)
}

fn target(result: &Value) -> &Value {
    &result["run"]["targets"][0]
}

const ONE_EACH: &str = "http: { tls: { ca: ca.pem } }\nendpoints: { t: { request: GET / } }\n\
                        load: { users: 20, iterations_per_user: 2 }";

#[test]
fn each_user_shakes_hands_in_full() {
    for sessions in Sessions::ALL {
        let (handshakes, ran) = counted(sessions, ONE_EACH, 0);
        assert_eq!(handshakes, (20, 0), "{sessions:?}");
        assert_eq!(ran.result["totals"]["new_connections"], 20);
        let words = "20 TLS handshakes: 20 full, 0 resumed";
        assert!(ran.done.stdout.contains(words), "{}", ran.done.stdout);
    }
}

#[test]
fn the_next_connection_of_a_user_resumes_its_own_session() {
    let plan = ONE_EACH.replace("http: {", "http: { keep_alive: false,").replace("users: 20", "users: 5");
    let plan = plan.replace("per_user: 2", "per_user: 4");
    for sessions in Sessions::ALL {
        assert_eq!(counted(sessions, &plan, 0).0, (5, 15), "{sessions:?}");
    }
    let off = plan.replace("ca: ca.pem", "ca: ca.pem, resumption: off");
    for sessions in Sessions::ALL {
        assert_eq!(counted(sessions, &off, 0).0, (20, 0), "{sessions:?}");
    }
}

/// An arrival is somebody new, whichever user runs it; within it sessions are resumed.
#[test]
fn an_arrival_resumes_only_its_own_session() {
    let plan = "http: { keep_alive: false, tls: { ca: ca.pem } }\n\
                flows: { visit: { steps: [{ request: GET /, name: a }, { request: GET /, name: b }] } }\n\
                load: { rate: 40/s, duration: 500ms, max_users: 4 }";
    for sessions in [Sessions::Tickets12, Sessions::Tickets13] {
        let ((full, resumed), ran) = counted(sessions, plan, 0);
        assert_eq!((full, resumed), (20, 20), "{}", ran.result["accounting"]);
    }
}

/// The checks before the load are nobody's session, and the run's login is made on the connection of the user who makes it.
#[test]
fn checks_and_logins() {
    for scope in ["user", "run"] {
        let plan = format!(
            "{ONE_EACH}\nready: {{ checks: [GET /] }}\n\
             auth: {{ scope: {scope}, steps: [{{ request: POST /login, name: log in }}], apply: {{ headers: {{ x: y }} }} }}"
        );
        let plan = plan.replace("http: {", "http: { keep_alive: false,").replace("users: 20", "users: 3");
        let ((full, resumed), _) = counted(Sessions::Tickets13, &plan, 1);
        let logins = if scope == "run" { 1 } else { 3 };
        assert_eq!((full, resumed), (1 + 3, 3 * 2 + logins - 3), "{scope}");
    }
}
