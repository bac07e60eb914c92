//! Whose row is it: feeds by iteration, user and request, with several workers and scenarios, and what a scenario has
//! of its own. What arrived is what a server saw.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::fault_server::FaultServer;
use crate::support::{Ran, Scratch, check_accounting, requests, row};
use serde_json::Value;

/// `words.csv` with so many rows `w0`, `w1`, …
fn words(count: usize) -> String {
    (0..count).fold(String::from("word\n"), |text, at| format!("{text}w{at}\n"))
}

/// Runs a plan with that many words; `rest` comes behind the target.
fn run(server: &FaultServer, rows: usize, rest: &str, arguments: &[&str]) -> Ran {
    let scratch = Scratch::new();
    scratch.write("words.csv", &words(rows));
    scratch.run(&format!("plan: 1\ntarget: \"{}\"\n{rest}", server.url), arguments)
}

fn passed(server: &FaultServer, rows: usize, rest: &str, arguments: &[&str]) -> Ran {
    let ran = run(server, rows, rest, arguments);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    ran
}

/// What was sent to a route, as JSON, in order.
fn sent(server: &FaultServer, route: &str) -> Vec<Value> {
    server.log.of(route).iter().map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect()
}

/// How often each word was sent.
fn counts(server: &FaultServer, route: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for body in sent(server, route) {
        *counts.entry(body["word"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

fn each_once(count: usize) -> BTreeMap<String, usize> {
    (0..count).map(|at| (format!("w{at}"), 1)).collect()
}

/// Words by user, and that no user has two.
fn by_user(server: &FaultServer, route: &str) -> BTreeMap<u64, String> {
    let mut words = BTreeMap::new();
    for body in sent(server, route) {
        let word = body["word"].as_str().unwrap().to_owned();
        let before = words.insert(body["user"].as_u64().unwrap(), word.clone());
        assert!(before.is_none_or(|before| before == word), "a user keeps its row");
    }
    words
}

const SEND: &str =
    "endpoints: { send: { request: POST /ok, json: { word: '{{ words.word }}', user: '{{ user.id }}' } } }";

#[test]
fn a_user_keeps_its_row_whatever_the_number_of_workers() {
    let of = |order: &str, workers: &str| {
        let server = FaultServer::start();
        let rest = format!(
            "data: {{ words: {{ file: words.csv, per: user, order: {order} }} }}\n{SEND}\nload: {{ users: 4, iterations_per_user: 3 }}\n"
        );
        passed(&server, 6, &rest, &["--seed", "5", "--workers", workers]);
        assert_eq!(sent(&server, "/ok").len(), 12);
        by_user(&server, "/ok")
    };
    let first = of("sequential", "1");
    assert_eq!(first, (0..4).map(|user| (user, format!("w{user}"))).collect());
    assert_eq!(of("sequential", "3"), first);
    let shuffled = of("shuffled", "1");
    assert_eq!(of("shuffled", "2"), shuffled);
    assert_eq!(shuffled.values().collect::<BTreeSet<_>>().len(), 4);
    assert_ne!(shuffled, first);
}

#[test]
fn a_users_row_is_known_where_it_logs_in() {
    let server = FaultServer::start();
    let rest = r#"
data: { words: { file: words.csv, per: user, unique: true } }
auth:
  steps: [{ request: POST /echo, name: log in, json: { word: '{{ words.word }}', user: '{{ user.id }}' }, capture: { token: "body | regex('w[0-9]+')" } }]
  apply: { headers: { authorization: 'Bearer {{ auth.token }}', x-word: '{{ words.word }}' } }
endpoints: { send: { request: POST /ok, json: { word: '{{ words.word }}', user: '{{ user.id }}' } } }
load: { users: 3, iterations_per_user: 2 }
"#;
    passed(&server, 3, rest, &["--workers", "2"]);
    assert_eq!(counts(&server, "/echo"), each_once(3));
    let logged_in = by_user(&server, "/echo");
    assert_eq!(by_user(&server, "/ok"), logged_in);
    for seen in server.log.of("/ok") {
        let word = serde_json::from_slice::<Value>(&seen.body).unwrap()["word"].as_str().unwrap().to_owned();
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {word}").as_str()));
        assert_eq!(seen.header("x-word"), Some(word.as_str()));
    }
}

#[test]
fn each_request_that_uses_a_feed_takes_a_row() {
    let of = |load: &str, workers: &str| {
        let server = FaultServer::start();
        let rest = format!(
            "data: {{ words: {{ file: words.csv, per: request }} }}
endpoints:
  first: {{ request: POST /ok, json: {{ word: '{{{{ words.word }}}}' }}, headers: {{ x: '{{{{ words.word }}}}' }}, weight: 0 }}
  other: {{ request: GET /items/1, weight: 0 }}
flows:
  both: {{ weight: 1, steps: [use: first, use: other, use: first] }}
load: {{ {load} }}
"
        );
        passed(&server, 12, &rest, &["--workers", workers]);
        for seen in server.log.of("/ok") {
            let word = serde_json::from_slice::<Value>(&seen.body).unwrap();
            assert_eq!(seen.header("x"), word["word"].as_str(), "one row a request");
        }
        counts(&server, "/ok")
    };
    assert_eq!(of("users: 3, iterations_per_user: 2", "1"), each_once(12));
    assert_eq!(of("users: 3, iterations_per_user: 2", "2"), each_once(12));
    // 6 arrivals; the last is due at 0.5 s.
    assert_eq!(of("rate: 10/s, duration: 600ms", "1"), each_once(12));
    assert_eq!(of("rate: 10/s, duration: 600ms", "2"), each_once(12));
}

#[test]
fn rows_of_arrivals_repeat_with_the_seed() {
    let of = |per: &str, workers: &str| {
        let server = FaultServer::start();
        let rest = format!(
            "data: {{ words: {{ file: words.csv, order: shuffled, per: {per} }} }}\n{SEND}\nload: {{ rate: 20/s, duration: 500ms, max_users: 6 }}\n"
        );
        passed(&server, 40, &rest, &["--seed", "9", "--workers", workers]);
        counts(&server, "/ok")
    };
    for per in ["iteration", "request"] {
        let one = of(per, "1");
        assert_eq!(one.values().sum::<usize>(), 10);
        assert_eq!(one.len(), 10, "no row twice in a round");
        assert_eq!(of(per, "2"), one, "{per}");
    }
}

#[test]
fn unique_rows_are_taken_once_by_all_scenarios_together() {
    let server = FaultServer::start();
    let rest = format!(
        "data: {{ words: {{ file: words.csv, unique: true, on_end: stop }} }}\n{SEND}
scenarios:
  a: {{ load: {{ users: 2, duration: 10m }} }}
  b: {{ load: {{ users: 3, duration: 10m }} }}
"
    );
    let ran = passed(&server, 50, &rest, &["--workers", "2"]);
    assert_eq!(ran.result["run"]["ended"], "completed");
    assert_eq!(counts(&server, "/ok"), each_once(50));
    let server = FaultServer::start();
    let rest =
        rest.replace("unique: true", "unique: true, per: user").replace("on_end: stop", "on_end: recycle");
    passed(&server, 5, &rest.replace("duration: 10m", "iterations_per_user: 2"), &["--workers", "2"]);
    assert_eq!(counts(&server, "/ok").values().copied().collect::<Vec<_>>(), [2; 5]);
    assert_eq!(by_user(&server, "/ok").len(), 5);
}

#[test]
fn rows_that_end_in_a_flow_interrupt_it() {
    let flow = "
endpoints: { send: { request: POST /ok, json: { word: '{{ words.word }}' }, weight: 0 } }
flows: { both: { weight: 1, steps: [use: send, use: send] } }
load: { users: 1, duration: 10m }
";
    let server = FaultServer::start();
    let data = "data: { words: { file: words.csv, per: request, on_end: stop } }\n";
    let ran = passed(&server, 5, &format!("{data}{flow}"), &[]);
    assert_eq!(counts(&server, "/ok"), each_once(5));
    assert_eq!(requests(&ran.result, "send"), 5);
    assert_eq!(row(&ran.result, "both")["failure_kinds"]["interrupted"], 1, "the third flow lacks a row");
    assert_eq!(ran.result["run"]["ended"], "completed");
    let server = FaultServer::start();
    let data = "data: { words: { file: words.csv, per: request, unique: true } }\n";
    let ran = run(&server, 5, &format!("{data}{flow}"), &[]);
    ran.done.assert_code(3);
    let reason = ran.result["reason"].as_str().unwrap();
    assert!(reason.contains("`words`") && reason.contains("5 rows"), "{reason}");
    assert_eq!(counts(&server, "/ok"), each_once(5));
}

#[test]
fn a_flow_that_finds_no_row_for_its_first_request_is_no_run_of_it() {
    let server = FaultServer::start();
    let rest = "
data: { words: { file: words.csv, per: request, on_end: stop } }
endpoints: { send: { request: POST /ok, json: { word: '{{ words.word }}' }, weight: 0 } }
flows: { both: { weight: 1, thresholds: [errors == 0], steps: [use: send, use: send] } }
load: { users: 1, duration: 10m }
";
    let ran = passed(&server, 6, rest, &["--strict"]);
    assert_eq!(counts(&server, "/ok"), each_once(6));
    assert_eq!((requests(&ran.result, "both"), &ran.result["verdict"]), (3, &"pass".into()));
}

/// The rows are used up long before the load is over: that is how the plan ends, and no arrival lacks a user.
#[test]
fn data_that_ends_an_open_load_is_its_planned_end() {
    let words = "words: { file: words.csv, on_end: stop }";
    let request = "request: POST /ok, json: { word: '{{ words.word }}' }";
    let flow = "flows: { both: { weight: 1, steps: [think: 20ms, use: send] } }";
    for (data, endpoint, load) in [
        (words, request, "rate: 80/s, duration: 10s"),
        (words, request, "rate: 80/s, duration: 10s, on_saturation: drop"),
        (words, request, "rate: 80/s, duration: 10s, arrivals: poisson, warmup: 100ms"),
        ("words: { file: words.csv, unique: true, on_end: stop }", request, "rate: 80/s, duration: 10s"),
        (
            "words: { file: words.csv, on_end: stop }, more: { file: words.csv, on_end: stop }",
            "request: POST /ok, json: { word: '{{ words.word }}', more: '{{ more.word }}' }",
            "rate: 80/s, duration: 10s",
        ),
        ("words: { file: words.csv, per: request, on_end: stop }", request, "rate: 80/s, duration: 10s"),
        // Many wait for one of two users when the rows end.
        (
            words,
            "request: POST /slow/50, json: { word: '{{ words.word }}' }",
            "rate: 120/s, duration: 10s, max_users: 2",
        ),
    ] {
        for (workers, flow) in [("1", ""), ("2", ""), ("2", flow)] {
            let server = FaultServer::start();
            let weight = if flow.is_empty() { "" } else { ", weight: 0" };
            let rest = format!(
                "data: {{ {data} }}\nendpoints: {{ send: {{ {endpoint}{weight} }} }}\n{flow}\nload: {{ {load} }}\n\
                 thresholds: [errors == 0]\n"
            );
            let ran = passed(&server, 50, &rest, &["--workers", workers, "--strict"]);
            let route = if endpoint.contains("/slow/50") { "/slow/50" } else { "/ok" };
            assert_eq!(counts(&server, route), each_once(50), "{rest}");
            assert_eq!(ran.result["verdict"], "pass", "{rest}");
            let arrivals = &ran.result["accounting"]["arrivals"];
            let without_rows = arrivals["without_rows"].as_u64().unwrap_or(0);
            assert_eq!((&arrivals["dropped"], &arrivals["not_started"]), (&0.into(), &without_rows.into()));
            let notes = ran.result["notes"].to_string();
            assert!(notes.contains("the data `words` was used up after"), "{notes}");
            if without_rows > 1 {
                let told = format!("; {without_rows} arrivals that came then were not started");
                assert!(notes.contains(&told), "{notes}");
            }
            if load.contains("max_users") {
                assert!(without_rows > 5, "{arrivals}");
            }
        }
    }
}

#[test]
fn only_scenarios_that_use_a_feed_take_its_rows() {
    let server = FaultServer::start();
    let rest = "
data: { words: { file: words.csv, on_end: fail } }
endpoints: { send: { request: POST /ok, json: { word: '{{ words.word }}' } } }
scenarios:
  idle: { endpoints: { look: { request: GET /items/1 } }, load: { users: 2, iterations: 20 } }
  busy: { load: { users: 2, iterations: 4 } }
";
    passed(&server, 4, rest, &[]);
    assert_eq!(counts(&server, "/ok"), each_once(4));
}

#[test]
fn rows_in_the_plan_keep_their_types() {
    let server = FaultServer::start();
    let rest = "
variables: { base: 40 }
data:
  people:
    - { name: ann, age: 31, tags: [a, b] }
    - { name: bob, age: '{{ base + 2 }}' }
endpoints: { send: { request: POST /ok, json: { name: '{{ people.name }}', next: '{{ people.age + 1 }}', tags: '{{ people.tags | default([]) }}' } } }
load: { users: 1, iterations: 2 }
";
    passed(&server, 1, rest, &[]);
    let expected = [r#"{"name":"ann","next":32,"tags":["a","b"]}"#, r#"{"name":"bob","next":43,"tags":[]}"#];
    assert_eq!(sent(&server, "/ok").iter().map(Value::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn a_scenario_has_its_own() {
    let (plans, own) = (FaultServer::start(), FaultServer::start());
    let rest = format!(
        "
variables: {{ base: 5, double: '{{{{ base * 2 }}}}', token: '{{{{ uuid() }}}}' }}
data: {{ words: words.csv }}
http: {{ timeout: 20s, headers: {{ x-from: plan, x-kept: 'yes' }} }}
endpoints: {{ send: {{ request: POST /ok, json: {{ word: '{{{{ words.word }}}}', double: '{{{{ double }}}}', token: '{{{{ token }}}}' }} }} }}
scenarios:
  plain: {{ load: {{ users: 1, iterations: 3 }} }}
  special:
    target: '{}'
    variables: {{ base: 7 }}
    data: {{ words: [{{ word: only }}] }}
    http: {{ headers: {{ X-From: scenario }} }}
    load: {{ users: 1, iterations: 3 }}
",
        own.url
    );
    passed(&plans, 3, &rest, &[]);
    assert_eq!(counts(&plans, "/ok"), each_once(3));
    assert_eq!(counts(&own, "/ok"), BTreeMap::from([("only".to_owned(), 3)]));
    let (of_plan, of_own) = (sent(&plans, "/ok"), sent(&own, "/ok"));
    assert!(
        of_plan.iter().all(|body| body["double"] == 10) && of_own.iter().all(|body| body["double"] == 14)
    );
    assert_eq!(of_plan[0]["token"], of_own[0]["token"], "what nothing changes is computed once");
    let headers = |server: &FaultServer| {
        let seen = server.log.of("/ok");
        let of = |name: &str| seen[0].header(name).unwrap_or_default().to_owned();
        (of("x-from"), of("x-kept"))
    };
    assert_eq!(headers(&plans), ("plan".into(), "yes".into()));
    assert_eq!(headers(&own), ("scenario".into(), "yes".into()));
}

#[test]
fn a_scenario_changes_keys_of_a_feed() {
    let server = FaultServer::start();
    let rest = format!(
        "data: {{ words: {{ file: words.csv, on_end: fail }} }}\n{SEND}
scenarios:
  plain: {{ load: {{ users: 1, iterations: 4 }} }}
  again: {{ data: {{ words: {{ on_end: recycle, per: user }} }}, load: {{ users: 1, iterations: 4 }} }}
"
    );
    passed(&server, 4, &rest, &[]);
    assert_eq!(counts(&server, "/ok").into_values().collect::<Vec<_>>(), [5, 1, 1, 1]);
}

#[test]
fn a_scenarios_targets_join_the_plans() {
    let (a, b, c) = (FaultServer::start(), FaultServer::start(), FaultServer::start());
    let plan = format!(
        "
plan: 1
targets: {{ first: '{}', second: '{}' }}
endpoints: {{ x: {{ request: GET /items/x }}, y: {{ request: GET second:/items/y }} }}
scenarios:
  plain: {{ load: {{ users: 1, iterations_per_user: 20 }} }}
  moved: {{ targets: {{ second: '{}' }}, load: {{ users: 1, iterations_per_user: 20 }} }}
  turned: {{ target: second, load: {{ users: 1, iterations_per_user: 20 }} }}
",
        a.url, b.url, c.url
    );
    let run = |arguments: &[&str]| {
        let before = [&a, &b, &c].map(|server| server.log.all().len());
        let ran = Scratch::new().run(&plan, arguments);
        ran.done.assert_code(0);
        let now = [&a, &b, &c].map(|server| server.log.all().len());
        let of = |name: &str| requests(&ran.result, name) as usize;
        let expected =
            [of("plain/x") + of("moved/x"), of("plain/y") + of("turned/x") + of("turned/y"), of("moved/y")];
        ([0, 1, 2].map(|at| now[at] - before[at]), expected)
    };
    let (found, expected) = run(&[]);
    assert_eq!(found, expected);
    // The flag wins over both.
    let flag = format!("second={}", a.url);
    let (found, expected) = run(&["--target", &flag]);
    assert_eq!(found, [expected.iter().sum(), 0, 0]);
}
