//! Every kind of step, by the requests that arrive and the rows they make.

use crate::support::fault_server::FaultServer;
use crate::support::{Ran, Running, Scratch, check_accounting, plimsoll, requests, row};
use serde_json::{Value, json};

/// Runs one iteration of a flow with these steps, written in YAML; in TOML, too, when they are one line.
fn run(server: &FaultServer, steps: &str, more: &str) -> Ran {
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints:\n  item: {{ request: \"GET /items/{{{{ id }}}}\" }}\n  ok: {{ request: GET /ok, capture: {{ id: \"json.items[0].id\" }} }}\n\
         flows:\n  journey:\n    weight: 1\n    steps:\n{steps}\nload: {{ users: 1, iterations: 1 }}\n{more}",
        server.url
    );
    let ran = Scratch::new().run(&plan, &["--seed", "7"]);
    check_accounting(&ran.result);
    ran
}

/// Paths that arrived, in order.
fn paths(server: &FaultServer) -> Vec<String> {
    server.log.all().into_iter().map(|seen| seen.path).collect()
}

fn passed(ran: &Ran) {
    ran.done.assert_code(0);
    assert_eq!(row(&ran.result, "journey")["failures"], 0, "{}", ran.result["failures"]);
}

/// The one failure of the row `name`: its kind and words.
fn failure(ran: &Ran, name: &str) -> (String, String) {
    let failures = ran.result["failures"].as_array().unwrap();
    let found: Vec<_> = failures.iter().filter(|group| group["series"] == name).collect();
    assert_eq!(found.len(), 1, "{failures:?}");
    let text = |key: &str| found[0][key].as_str().unwrap().to_owned();
    (text("kind"), text("message"))
}

#[test]
fn set_keeps_types_and_sees_the_last_answer() {
    let server = FaultServer::start();
    let steps = r#"
      - set: { n: 5, half: "{{ 5 / 2 }}", list: [1, "{{ user.id }}"] }
      - request: GET /ok
      - set: { id: "{{ json.items[0].size + n }}", code: "{{ status }}" }
      - use: item
      - request: POST /echo
        json: { id: "{{ id }}", half: "{{ half }}", list: "{{ list }}", code: "{{ code }}" }"#;
    passed(&run(&server, steps, ""));
    assert_eq!(paths(&server), ["/ok", "/items/12", "/echo"]);
    let body: Value = serde_json::from_slice(&server.log.of("/echo")[0].body).unwrap();
    assert_eq!(body, json!({ "id": 12, "half": 2.5, "list": [1, 0], "code": 200 }));
}

#[test]
fn a_run_that_sent_nothing_is_counted_and_has_no_latency() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1
target: \"{}\"
flows:
  some:
    thresholds: [requests == 10, min > 40ms, errors == 0]
    steps:
      - if: user.iteration % 2 == 1
        steps: [{{ request: GET /slow/50, name: slow }}]
      - group: {{ name: part, steps: [{{ if: user.iteration == 3, steps: [{{ request: GET /slow/50, name: late }}] }}] }}
load: {{ users: 1, iterations: 10 }}
",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    let of = |name: &str| {
        let row = row(&ran.result, name);
        (row["requests"].clone(), row["runs_without_requests"].clone(), row["latency_us"]["count"].clone())
    };
    assert_eq!(of("some"), (10.into(), 5.into(), 5.into()));
    assert_eq!(of("part"), (10.into(), 9.into(), 1.into()));
    assert_eq!(ran.result["accounting"]["iterations"], 10);
}

#[test]
fn runs_that_fail_before_they_send_anything_are_failures_without_latency() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1
target: \"{}\"
flows:
  broken:
    weight: 1
    steps: [{{ set: {{ n: \"{{{{ later + 1 }}}}\" }} }}, {{ request: GET /ok, name: ok, capture: {{ later: status }} }}]
  refused: {{ weight: 1, steps: [{{ request: GET gone:/, name: gone }}] }}
load: {{ users: 2, iterations: 40 }}
",
        server.url
    );
    let closed = crate::support::fault_server::ClosedPort::new();
    let targets = format!("targets: {{ here: \"{}\", gone: \"{}\" }}", server.url, closed.url());
    let plan = plan.replace(&format!("target: \"{}\"", server.url), &targets);
    let ran = Scratch::new().run(&plan, &["--seed", "1"]);
    check_accounting(&ran.result);
    let (broken, refused) = (row(&ran.result, "broken"), row(&ran.result, "refused"));
    assert_eq!(broken["failures"], broken["requests"]);
    assert_eq!(broken["runs_without_requests"], broken["requests"]);
    assert!(broken["latency_us"].is_null(), "{broken}");
    // What could not connect did try: that took its time.
    assert_eq!(refused["latency_us"]["count"], refused["requests"]);
}

#[test]
fn if_takes_one_way_by_the_last_answer() {
    for (test, path) in [
        ("json.ok", "/items/yes"),
        ("not json.ok", "/items/no"),
        ("status == 200 and json.items | length == 1", "/items/yes"),
        ("json.error is defined", "/items/no"),
    ] {
        let server = FaultServer::start();
        let steps = format!(
            r#"
      - use: ok
      - if: {test}
        steps:
          - set: {{ id: "yes" }}
        else:
          - set: {{ id: "no" }}
      - use: item"#
        );
        passed(&run(&server, &steps, ""));
        assert_eq!(paths(&server), ["/ok", path], "{test}");
    }
}

#[test]
fn a_body_that_is_not_json_is_no_failure_until_something_needs_it() {
    let server = FaultServer::start();
    let steps = r#"
      - use: ok
      - request: GET /wrong-json
      - if: json is defined
        steps: [{ use: item }]"#;
    passed(&run(&server, steps, ""));
    assert_eq!(paths(&server), ["/ok", "/wrong-json"], "the answer before it is not meant");
    let server = FaultServer::start();
    let ran = run(&server, &steps.replace("json is defined", "json.ok"), "");
    let (kind, words) = failure(&ran, "journey");
    assert_eq!(kind, "template");
    assert!(words.contains("json"), "{words}");
}

#[test]
fn repeat_counts_looks_and_goes_through_lists() {
    let server = FaultServer::start();
    let steps = r#"
      - repeat:
          times: 2
          steps:
            - set: { id: "t{{ repeat.index }}" }
            - use: item
      - request: GET /done-after/0
      - repeat:
          for_each: { id: json.ids }
          steps:
            - repeat: { times: "{{ repeat.index }}", steps: [{ use: item }] }
      - set: { left: 3 }
      - repeat:
          while: left > 0
          steps:
            - set: { left: "{{ left - 1 }}", id: "w{{ left }}" }
            - use: item"#;
    passed(&run(&server, steps, ""));
    let expected = ["t0", "t1", "", "b", "c", "c", "w2", "w1", "w0"]
        .map(|id| if id.is_empty() { "/done-after/0".to_owned() } else { format!("/items/{id}") });
    assert_eq!(paths(&server), expected);
}

#[test]
fn a_while_that_sends_nothing_ends_with_the_run() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nflows:\n  journey:\n    steps:\n      - repeat: {{ while: true, steps: [set: {{ a: 1 }}] }}\n\
         load: {{ users: 2, duration: 300ms, graceful_stop: 100ms }}\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    check_accounting(&ran.result);
    assert_eq!(row(&ran.result, "journey")["failure_kinds"], json!({ "interrupted": 2 }));
    // It waits in between: an endless loop must not take the machine.
    let busy = ran.result["generator"]["cpu_seconds"].as_f64().unwrap_or(0.0);
    assert!(busy < 0.25, "{busy} s of processor time for nothing");
}

#[test]
fn poll_waits_and_is_a_row_of_its_own() {
    let server = FaultServer::start();
    let steps = r#"
      - poll:
          request: GET /done-after/3
          every: 20ms
          until: json.status == "done"
          timeout: 30s
          capture: { id: "json.ids[1]" }
      - use: item"#;
    let ran = run(&server, steps, "");
    passed(&ran);
    assert_eq!(server.log.count("/done-after/3"), 4);
    assert_eq!(server.log.count("/items/b"), 1);
    let whole = row(&ran.result, "poll /done-after/3");
    assert_eq!((&whole["kind"], &whole["requests"]), (&json!("flow"), &json!(1)));
    assert!(whole["latency_us"]["min"].as_u64().unwrap() >= 60_000, "three pauses: {whole}");
    assert_eq!(requests(&ran.result, "/done-after/3"), 4);
}

#[test]
fn a_poll_that_waits_in_vain_fails_its_flow() {
    let server = FaultServer::start();
    let steps = r#"
      - poll: { use: ok, every: 30ms, until: json.status == "done", timeout: 200ms, name: run done }
      - use: item"#;
    let ran = run(&server, steps, "");
    let (kind, words) = failure(&ran, "run done");
    assert_eq!(kind, "expect");
    assert!(words.contains("until json.status == \"done\"") && words.contains("200 ms"), "{words}");
    assert_eq!(row(&ran.result, "journey")["failure_kinds"], json!({ "expect": 1 }));
    assert_eq!(row(&ran.result, "ok")["failures"], 0, "its requests were answered well");
    assert_eq!(requests(&ran.result, "item"), 0, "a flow stops at what failed");
    // A request that fails ends the wait at once.
    let server = FaultServer::start();
    let steps =
        "      - poll: { request: GET /status/500, every: 10ms, until: json.status == 1, timeout: 60s }";
    let ran = run(&server, steps, "");
    assert_eq!(server.log.count("/status/500"), 1);
    assert_eq!(row(&ran.result, "poll /status/500")["failure_kinds"], json!({ "status": 1 }));
}

#[test]
fn groups_are_timed_and_may_be_nested() {
    let server = FaultServer::start();
    let steps = r#"
      - group:
          name: outer
          steps:
            - request: GET /slow/30
            - group: { name: inner, steps: [{ use: ok }, { think: 20ms }] }
      - group: { name: inner, steps: [{ use: ok, name: ok again, expect: [status == 200, json.ok], timeout: 20s }] }"#;
    let ran = run(&server, steps, "");
    passed(&ran);
    let min = |name: &str| row(&ran.result, name)["latency_us"]["min"].as_u64().unwrap();
    let max = |name: &str| row(&ran.result, name)["latency_us"]["max"].as_u64().unwrap();
    assert!(min("outer") >= 50_000 && min("outer") >= max("inner"), "the outer one holds the inner one");
    assert_eq!((requests(&ran.result, "outer"), requests(&ran.result, "inner")), (1, 2));
    assert_eq!((requests(&ran.result, "ok"), requests(&ran.result, "ok again")), (1, 1));
}

#[test]
fn choose_picks_by_weight_and_the_same_for_a_seed() {
    let steps = r#"
      - repeat:
          times: 200
          steps:
            - choose:
                - { weight: 3, steps: [{ set: { id: often } }] }
                - { steps: [{ set: { id: seldom } }] }
                - { weight: 0, steps: [{ set: { id: never } }] }
            - use: item"#;
    let run = || {
        let server = FaultServer::start();
        passed(&run(&server, steps, ""));
        paths(&server)
    };
    let (first, second) = (run(), run());
    assert_eq!(first, second);
    let count = |id: &str| first.iter().filter(|path| path.ends_with(id)).count();
    assert_eq!((count("often") + count("seldom"), count("never")), (200, 0));
    // 150 ± 6 standard deviations.
    assert!((113..=187).contains(&count("often")), "{}", count("often"));
}

#[test]
fn captures_of_inner_steps_are_known_everywhere() {
    let server = FaultServer::start();
    let steps = r#"
      - if: user.iteration == 0
        steps:
          - group: { name: g, steps: [{ request: GET /ok, name: first, capture: { other: "json.items[0].id" } }] }
      - request: "GET /items/{{ other }}"
        name: second"#;
    passed(&run(&server, steps, ""));
    assert_eq!(paths(&server), ["/ok", "/items/a-1"]);
}

#[test]
fn what_cannot_be_computed_fails_the_flow_with_words() {
    for (steps, part) in [
        ("      - if: json.ok\n        steps: [{ use: ok }]", "json"),
        ("      - repeat: { for_each: { id: status }, steps: [{ use: item }] }", "status"),
        (
            "      - use: ok\n      - repeat: { for_each: { id: status }, steps: [{ use: item }] }",
            "not a list",
        ),
        ("      - repeat: { times: \"{{ user.id - 1 }}\", steps: [{ use: ok }] }", "not a whole number"),
        ("      - set: { id: \"{{ json.a.b }}\" }", "json.a.b"),
    ] {
        let server = FaultServer::start();
        let ran = run(&server, steps, "");
        let (kind, words) = failure(&ran, "journey");
        assert_eq!(kind, "template", "{steps}");
        assert!(words.contains(part), "{steps}: {words}");
        assert_eq!(row(&ran.result, "journey")["failures"], 1);
    }
}

#[test]
fn all_steps_in_toml() {
    let server = FaultServer::start();
    let scratch = Scratch::new();
    let plan = format!(
        r#"
plan = 1
target = "{}"
load = {{ users = 1, iterations = 1 }}
thresholds = ["errors < 1%"]

[endpoints.item]
request = "GET /items/{{{{ id }}}}"

[flows.journey]
weight = 1

[[flows.journey.steps]]
set = {{ id = "one" }}

[[flows.journey.steps]]
repeat = {{ times = 2, steps = [{{ use = "item" }}] }}

[[flows.journey.steps]]
poll = {{ request = "GET /done-after/1", every = "10ms", until = 'json.status == "done"', timeout = "20s" }}

[[flows.journey.steps]]
if = 'json.status == "done"'
steps = [{{ group = {{ name = "after", steps = [{{ repeat = {{ for_each = {{ id = "json.ids" }}, steps = [{{ use = "item" }}] }} }}] }} }}]
else = [{{ think = "1s" }}]

[[flows.journey.steps]]
choose = [{{ weight = 1, steps = [{{ set = {{ id = "last" }} }}] }}]

[[flows.journey.steps]]
use = "item"
name = "last item"
"#,
        server.url
    );
    let mut command = plimsoll();
    command.args(["run", "--allow-invalid", "--json"]).arg(scratch.path("result.json"));
    command.arg(scratch.write("plan.toml", &plan));
    Running::start(command).finish().assert_code(0);
    let expected = ["one", "one", "", "", "a", "b", "c", "last"]
        .map(|id| if id.is_empty() { "/done-after/1".to_owned() } else { format!("/items/{id}") });
    assert_eq!(paths(&server), expected);
}
