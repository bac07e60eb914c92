//! Tags: whose row carries which in the result, and thresholds over the rows that share some. Each plan in both formats.

use crate::support::fault_server::FaultServer;
use crate::support::{Done, Running, Scratch, both, check_accounting, plimsoll, read_json, row};
use serde_json::{Value, json};

/// Runs a plan against the server in both formats; result, page and what was printed.
fn run(server: &FaultServer, mut plan: Value, exit: i32) -> [(Value, String, Done); 2] {
    plan["plan"] = json!(1);
    plan["target"] = json!(server.url);
    both(&plan).map(|(name, text)| {
        let scratch = Scratch::new();
        let (path, json, html) = (scratch.write(name, &text), scratch.path("r.json"), scratch.path("r.html"));
        let mut command = plimsoll();
        command.args(["run", "--allow-invalid", "--json"]).arg(&json).arg("--html").arg(&html).arg(path);
        command.env("TAG_SECRET", "s3cret-tag");
        let done = Running::start(command).finish();
        done.assert_code(exit);
        let result = read_json(&json);
        check_accounting(&result);
        (result, std::fs::read_to_string(html).unwrap(), done)
    })
}

#[test]
fn every_row_has_those_of_the_plan_and_its_own() {
    let server = FaultServer::start();
    let plan = json!({
        "tags": { "team": "search", "stage": "perf", "build": 7 },
        "secrets": { "hidden": { "env": "TAG_SECRET" } },
        "auth": { "steps": [{ "request": "POST /login", "tags": { "kind": "login" } }], "apply": { "query": { "h": "{{ secrets.hidden }}" } } },
        "endpoints": {
            "read": { "request": "GET /ok", "tags": { "kind": "read", "stage": "own" } },
            "plain": { "request": "GET /items/1", "tags": { "odd": "s3cret-tag" } },
        },
        "flows": { "journey": {
            "tags": { "kind": "journey" },
            "weight": 1,
            "steps": [
                { "use": "read" },
                { "use": "read", "name": "again" },
                { "use": "plain" },
                { "request": "GET /items/2", "name": "step", "tags": { "kind": "write" } },
                { "request": "GET /items/2", "name": "step" },
                { "request": "GET /items/2", "name": "step", "tags": { "kind": "write" } },
            ],
        } },
        "load": { "users": 1, "iterations": 1 },
    });
    for (result, html, _) in run(&server, plan, 0) {
        let of = |name: &str| row(&result, name)["tags"].clone();
        let tags = |kind: &str| json!({ "team": "search", "stage": "perf", "build": "7", "kind": kind });
        let read = json!({ "team": "search", "stage": "own", "build": "7", "kind": "read" });
        assert_eq!((of("read"), of("again")), (read.clone(), read));
        assert_eq!(
            (of("step"), of("journey"), of("/login")),
            (tags("write"), tags("journey"), tags("login"))
        );
        let plans = json!({ "team": "search", "stage": "perf", "build": "7" });
        assert_eq!(result["totals"]["tags"], plans);
        assert_eq!(of("plain")["odd"], "***", "what is secret is hidden here too");
        assert!(html.contains("build: 7, kind: write, stage: perf, team: search"));
        assert!(!html.contains("s3cret-tag") && !result.to_string().contains("s3cret-tag"));
    }
}

#[test]
fn without_tags_there_are_none() {
    let server = FaultServer::start();
    let plan =
        json!({ "endpoints": { "a": { "request": "GET /ok" } }, "load": { "users": 1, "iterations": 1 } });
    for (result, html, _) in run(&server, plan, 0) {
        assert!(row(&result, "a").get("tags").is_none() && result["totals"].get("tags").is_none());
        assert!(!html.contains("class=\"tags\""));
    }
}

#[test]
fn rows_of_a_warm_up_have_those_of_their_own() {
    let server = FaultServer::start();
    let plan = json!({
        "endpoints": { "a": { "request": "GET /ok", "tags": { "kind": "read" } } },
        "think": "20ms",
        "load": { "users": 1, "duration": "400ms", "warmup": "200ms" },
    });
    for (result, ..) in run(&server, plan, 0) {
        assert_eq!(result["warmup"][0]["tags"], json!({ "kind": "read" }), "{}", result["warmup"]);
    }
}

#[test]
fn thresholds_over_the_rows_that_share_tags() {
    let server = FaultServer::start();
    let endpoint = |request: &str, kind: &str| json!({ "request": request, "tags": { "kind": kind } });
    let plan = |exact: u64| {
        json!({
            "tags": { "team": "search" },
            "endpoints": {
                "one": endpoint("GET /items/1", "read"),
                "two": endpoint("GET /items/2", "read"),
                "bad": endpoint("GET /status/500", "write"),
            },
            "flows": { "it": { "weight": 1, "tags": { "kind": "read" }, "steps": [{ "use": "one" }, { "use": "two" }, { "use": "bad" }] } },
            "load": { "users": 1, "iterations": 3 },
            "thresholds": [
                { "that": format!("requests == {exact}"), "tags": { "kind": "read" } },
                { "that": "errors == 0", "tags": { "kind": "read", "team": "search" }, "min_samples": 1 },
                { "that": "requests == 9", "tags": { "team": "search" } },
                { "that": "errors > 90%", "tags": { "kind": "write" }, "min_samples": 1 },
            ],
        })
    };
    for (result, ..) in run(&server, plan(6), 0) {
        let scopes: Vec<_> = result["thresholds"].as_array().unwrap().iter().map(|t| &t["scope"]).collect();
        assert_eq!(
            scopes,
            ["tags:kind=read", "tags:kind=read,team=search", "tags:team=search", "tags:kind=write"]
        );
    }
    for (result, _, done) in run(&server, plan(7), 1) {
        assert_eq!(result["thresholds"][0]["observed"], 6.0);
        assert!(done.stdout.contains("kind=read"), "{}", done.stdout);
    }
}

#[test]
fn thresholds_of_a_scenario_count_only_its_rows() {
    let server = FaultServer::start();
    let scenario = |iterations: u64, thresholds: Value| json!({ "load": { "users": 1, "iterations": iterations }, "thresholds": thresholds });
    let about =
        |requests: u64| json!([{ "that": format!("requests == {requests}"), "tags": { "kind": "read" } }]);
    let plan = json!({
        "endpoints": { "a": { "request": "GET /ok", "tags": { "kind": "read" } } },
        "scenarios": { "few": scenario(2, about(2)), "many": scenario(5, about(5)) },
        "thresholds": about(7),
    });
    for (result, ..) in run(&server, plan, 0) {
        let scopes: Vec<_> =
            result["thresholds"].as_array().unwrap().iter().map(|t| t["scope"].clone()).collect();
        assert_eq!(scopes, ["tags:kind=read", "tags:few/kind=read", "tags:many/kind=read"]);
    }
}
