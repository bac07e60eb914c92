//! `plimsoll show`: the effective plan with a word about where each value comes from, and what is expected of it.

use crate::support::{Scratch, plimsoll};
use plimsoll::diagnostic::FileId;
use plimsoll::plan::parse::Format;

const BASE: &str = "\
targets: { api: http://localhost:9000, agents: http://localhost:9001 }
secrets: { password: { env: PLIMSOLL_NOT_SET, default: hunter2hunter2 } }
load: { users: 10, duration: 1m }
profiles:
  smoke: { load: { iterations: 4 } }
";
const PLAN_YAML: &str = "\
plan: 1
include: base.yaml
think: 500ms..2s
endpoints:
  list agents: { request: GET agents:/ }
flows:
  visit: { steps: [{ use: list agents }, { think: 1s }, { request: GET api:/ }] }
profiles:
  smoke: { load: { users: 2 } }
";
const PLAN_TOML: &str = "\
plan = 1
include = [\"base.yaml\"]
think = \"500ms..2s\"
endpoints.\"list agents\" = { request = \"GET agents:/\" }
[flows.visit]
steps = [{ use = \"list agents\" }, { think = \"1s\" }, { request = \"GET api:/\" }]
[profiles.smoke]
load = { users = 2 }
";

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    for (name, text) in [("base.yaml", BASE), ("plan.yaml", PLAN_YAML), ("plan.toml", PLAN_TOML)] {
        scratch.write(name, text);
    }
    scratch
}

fn shown(scratch: &Scratch, arguments: &[&str]) -> String {
    let done = plimsoll().arg("show").args(arguments).current_dir(scratch.path("")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The line that holds `text`, with each gap as one space.
#[track_caller]
fn line(shown: &str, text: &str) -> String {
    let line =
        shown.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text} in {shown}"));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn values_from_elsewhere_say_where_they_come_from() {
    let scratch = scratch();
    for (plan, profile) in [("plan.yaml", "plan.yaml:9"), ("plan.toml", "plan.toml:8")] {
        let flags =
            [plan, "--profile", "smoke", "--set", "endpoints.\"list agents\".weight=3", "-H", "http://h:1"];
        let text = shown(&scratch, &flags);
        assert_eq!(line(&text, "agents: http"), "agents: http://localhost:9001 # base.yaml:1");
        assert_eq!(line(&text, "users: 2"), format!("users: 2 # profile smoke ({profile})"));
        assert_eq!(line(&text, "iterations: 4"), "iterations: 4 # profile smoke (base.yaml:5)");
        assert_eq!(line(&text, "weight: 3"), "weight: 3 # --set endpoints.\"list agents\".weight=3");
        assert_eq!(line(&text, "api: http"), "api: http://h:1 # --host http://h:1");
        assert_eq!(line(&text, "think: 500"), "think: 500ms..2s");
        assert!(!text.contains("duration: 1m"), "{text}");
        let all = shown(&scratch, &[plan, "--origins", "-u", "50", "-t", "2m"]);
        assert_eq!(line(&all, "think: 500"), format!("think: 500ms..2s # {plan}:3"));
        assert_eq!(line(&all, "users: 50"), "users: 50 # --users 50");
        assert_eq!(line(&all, "duration: 2m"), "duration: 2m # --run-time 2m");
    }
}

#[test]
fn what_is_shown_is_a_plan_that_is_read_again() {
    let scratch = scratch();
    let text = shown(&scratch, &["plan.toml", "--origins"]);
    let (node, problems) = Format::Yaml.parse(&text, FileId(0));
    assert!(problems.is_empty(), "{text}");
    assert_eq!(node.unwrap().get("think").unwrap().as_str(), Some("500ms..2s"));
    scratch.write("again.yaml", &text);
    let again = shown(&scratch, &["again.yaml"]);
    let plan = |text: &str| Format::Yaml.parse(text, FileId(0)).0.unwrap().to_json();
    assert_eq!(plan(&again), plan(&text));
}

#[test]
fn no_flag_shows_a_secret() {
    let scratch = scratch();
    let set = "secrets.password.default=correct-horse";
    let text = shown(&scratch, &["plan.yaml", "--origins", "--set", set]);
    assert_eq!(line(&text, "default:"), "default: \"***\" # --set secrets.password.default");
    assert!(!text.contains("correct-horse") && !text.contains("hunter2"), "{text}");
    let text = shown(
        &scratch,
        &["plan.yaml", "--set", "secrets={ password: { env: PLIMSOLL_NOT_SET, default: ab } }"],
    );
    assert!(!text.contains("ab }") && text.contains("# --set secrets\n"), "{text}");
}

#[test]
fn what_is_known_before_the_run_is_told() {
    let scratch = scratch();
    for (flags, expected) in [
        // 10 users × 60 s, at least half a second each, and each user's first.
        (&[][..], "at most 1 210 iterations: one takes 500 ms or longer"),
        (&["--profile", "smoke"], "4 iterations, about 6 requests, fewer where a flow breaks off"),
        (
            &["--set", "load={ rate: 50/s, duration: 1m }"],
            "3 000 iterations, about 4 500 requests, fewer where arrivals are dropped or not started",
        ),
        (
            &["--set", "load={ users: 3, iterations_per_user: 7 }", "--set", "flows={}"],
            "21 iterations, 21 requests",
        ),
        (
            &["--set", "think=0s"],
            "as many iterations as the target's answers allow: no pause or pacing limits them",
        ),
        (
            &[
                "--set",
                "think=0s..1s",
                "--set",
                "flows.visit.steps=[{ think: 2s }, { use: list agents }]",
                "--set",
                "endpoints.list agents.weight=0",
                "--set",
                "flows.visit.weight=1",
                "-u",
                "1",
                "-t",
                "10s",
            ],
            "at most 6 iterations, at most 6 requests: one takes 2.00 s or longer, fewer where a flow breaks off",
        ),
        // The first runs 20 s, the second from 5 s to 15 s.
        (
            &["--set", "load={ stages: [{ duration: 10s, users: 2 }, { duration: 10s, users: 0 }] }"],
            "at most 62 iterations: one takes 500 ms or longer",
        ),
    ] {
        let text = shown(&scratch, &[&["plan.yaml"], flags].concat());
        assert_eq!(line(&text, "expected:"), format!("# expected: {expected}"), "{flags:?}\n{text}");
    }
    let text = shown(&scratch, &["plan.yaml"]);
    assert!(text.contains("# connections: at most 20 at once\n"), "{text}");
    // Nothing changes, so two bars say it.
    assert_eq!(text.matches('█').count(), 80, "{text}");
}
