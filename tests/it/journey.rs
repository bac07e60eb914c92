//! The journey that the guide teaches, as its reader would write it (`docs/guide/examples`), against the demo platform:
//! what the result counts is what the platform counted, to the last request, in YAML and in TOML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::compiled::difference;
use crate::support::demo::Demo;
use crate::support::{Running, Scratch, check_accounting, count, plimsoll, read_json, requests, row};
use plimsoll::compile::{CompiledPlan, Purpose, compile};
use plimsoll::diagnostic::render_all;
use plimsoll::plan::load::{Overrides, load};
use serde_json::Value;

const ITERATIONS: u64 = 100;
const USERS: u64 = 10;

/// The plan's rows that are requests, and where each goes.
const ROUTES: [(&str, &str); 10] = [
    ("register", "POST auth:/auth/register"),
    ("log in", "POST auth:/auth/login"),
    ("search", "POST rag:/query"),
    ("list agents", "GET agents:/agents/"),
    ("start a run", "POST agents:/agents/{id}/execute"),
    ("run status", "GET agents:/runs/{id}"),
    ("read the result", "GET agents:/runs/{id}/result"),
    ("GET auth:/health", "GET auth:/health"),
    ("GET agents:/health", "GET agents:/health"),
    ("GET rag:/health", "GET rag:/health"),
];

fn plan(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/examples").join(name)
}

/// Runs the plan against a platform of its own; the result, and what the platform counted.
fn run(name: &str) -> (Value, BTreeMap<String, u64>) {
    let (demo, scratch) = (Demo::start(&["--slow", "0.2"]), Scratch::new());
    let json = scratch.path("result.json");
    let mut command = plimsoll();
    command.arg("run").arg(plan(name)).args(["--headless", "--allow-invalid", "--seed", "7"]);
    command.args(demo.targets(&["auth", "agents", "rag"])).arg("--json").arg(&json);
    let done = Running::start(command).finish();
    // Times may miss their thresholds on a busy machine; nothing else may go wrong.
    assert!(done.code == 0 || done.code == 1, "{}", done.output());
    (read_json(&json), demo.counters())
}

fn check(name: &str) {
    let (result, received) = run(name);
    check_accounting(&result);
    assert_eq!(result["run"]["ended"], "completed");
    assert_eq!(
        (&result["accounting"]["failed"], &result["accounting"]["interrupted"]),
        (&0.into(), &0.into())
    );
    let rows = result["series"].as_array().unwrap().iter().filter(|row| row["kind"] != "flow");
    let counted: BTreeMap<_, _> = rows
        .map(|row| {
            let route = ROUTES.iter().find(|(name, _)| row["name"] == *name);
            let (_, route) = route.unwrap_or_else(|| panic!("a row of no route: {row}"));
            ((*route).to_owned(), count(&row["requests"]))
        })
        .collect();
    let received: BTreeMap<_, _> = received.into_iter().filter(|(_, requests)| *requests > 0).collect();
    assert_eq!(counted, received, "{name}");
    for step in ["search", "list agents", "start a run", "read the result"] {
        assert_eq!(requests(&result, step), ITERATIONS, "{name}: {step}");
    }
    for step in ["register", "log in"] {
        assert_eq!(requests(&result, step), USERS, "{name}: {step}");
    }
    // A run is never done at once, so that each was asked for at least twice or waited for.
    assert!(requests(&result, "run status") >= ITERATIONS);
    for whole in ["research", "run is done"] {
        assert_eq!(requests(&result, whole), ITERATIONS, "{name}: {whole}");
        assert_eq!(count(&row(&result, whole)["failures"]), 0, "{name}: {whole}");
    }
    let verdicts: BTreeMap<_, _> = result["thresholds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["expression"].as_str().unwrap(), one["verdict"].as_str().unwrap()))
        .collect();
    for exact in ["errors < 1%", "checks > 99%"] {
        assert_eq!(verdicts[exact], "pass", "{name}: {verdicts:?}");
    }
    assert_eq!(verdicts.len(), 4, "{verdicts:?}");
}

#[test]
fn in_yaml() {
    check("journey.yaml");
}

#[test]
fn in_toml() {
    check("journey.toml");
}

fn compiled(name: &str) -> CompiledPlan {
    let (path, overrides) = (plan(name), Overrides::default());
    let loaded = load(&path, &overrides);
    let mut found = loaded.diagnostics.clone();
    let plan = compile(&loaded, &path, None, Purpose::Run, &mut found);
    assert_eq!(render_all(&found, &loaded.sources, false), "", "{name}");
    plan.unwrap()
}

#[test]
fn both_say_the_same() {
    let (yaml, toml) = (compiled("journey.yaml"), compiled("journey.toml"));
    assert_eq!(difference(&yaml, &toml), None);
    assert_eq!(yaml.info.effective, toml.info.effective);
}

#[test]
fn its_steps_are_those_of_the_chapter() {
    // The chapter's own plan and the whole one must not drift apart: the example names what the chapter teaches.
    let chapter = crate::support::pages::page("journeys.md");
    let example = crate::support::pages::read(&plan("journey.yaml"));
    let names = example.lines().filter_map(|line| line.trim().strip_prefix("name: "));
    let taught: Vec<_> = names.filter(|name| *name != "Research").collect();
    assert_eq!(taught.len(), 5, "{taught:?}");
    for name in taught {
        assert!(chapter.contains(&format!("name: {name}\n")), "journeys.md does not teach `{name}`");
    }
}
