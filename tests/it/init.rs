//! `plimsoll init`: what it writes is valid, passes against the demo as it says, and replaces nothing.

use std::path::Path;
use std::process::Output;

use crate::support::demo::Demo;
use crate::support::{Running, Scratch, plimsoll, read_json, requests};

fn init(folder: &Path, arguments: &[&str]) -> Output {
    plimsoll().arg("init").args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Makes a plan in an empty folder, validates it and runs it against the demo.
fn check(name: &str, arguments: &[&str]) {
    let (demo, scratch) = (Demo::start(&[]), Scratch::new());
    let done = init(&scratch.path(""), arguments);
    let said = text(&done.stdout);
    assert!(done.status.success(), "{said}{}", text(&done.stderr));
    let last: Vec<_> = said.lines().rev().take(2).map(str::trim).collect();
    let run = format!("plimsoll run {name}");
    assert_eq!(last, [run.as_str(), "plimsoll serve-demo"], "{said}");
    let valid =
        plimsoll().args(["validate", "--strict", name]).current_dir(scratch.path("")).output().unwrap();
    assert!(valid.status.success() && valid.stderr.is_empty(), "{}", text(&valid.stderr));
    let json = scratch.path("result.json");
    let mut command = plimsoll();
    command.args(["run", name, "-q", "--allow-invalid", "--json"]).arg(&json).current_dir(scratch.path(""));
    command.env("AUTH_URL", &demo.auth).env("RAG_URL", &demo.rag);
    Running::start(command).finish().assert_code(0);
    let (result, counters) = (read_json(&json), demo.counters());
    assert_eq!(result["verdict"], "pass");
    for (row, route) in [("who am I", "GET auth:/auth/me"), ("ask", "POST rag:/query")] {
        assert_eq!(requests(&result, row), counters[route], "{route}: {counters:?}");
    }
}

#[test]
fn the_plan_passes_against_the_demo() {
    check("plan.yaml", &[]);
}

#[test]
fn the_plan_in_toml_passes_too() {
    check("plan.toml", &["--toml"]);
}

#[test]
fn every_profile_is_valid() {
    let scratch = Scratch::new();
    assert!(init(&scratch.path(""), &["a"]).status.success());
    assert!(init(&scratch.path(""), &["b", "--toml"]).status.success());
    for profile in ["smoke", "ci"] {
        let arguments = ["validate", "--strict", "--profile", profile, "a/plan.yaml", "b/plan.toml"];
        let valid = plimsoll().args(arguments).current_dir(scratch.path("")).output().unwrap();
        assert!(valid.status.success() && valid.stderr.is_empty(), "{}", text(&valid.stderr));
    }
    // The same plan in both languages, and the schema is the one printed.
    let shown = |plan: &str| {
        text(&plimsoll().args(["show", plan]).current_dir(scratch.path("")).output().unwrap().stdout)
    };
    let timeline = |plan: &str| {
        shown(plan)
            .lines()
            .filter(|l| l.starts_with("# ") && !l.contains("as it"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(timeline("a/plan.yaml"), timeline("b/plan.toml"));
    let schema = text(&plimsoll().args(["schema", "plan"]).output().unwrap().stdout);
    assert_eq!(std::fs::read_to_string(scratch.path("a/plan.schema.json")).unwrap(), schema);
    let first = std::fs::read_to_string(scratch.path("a/plan.yaml")).unwrap();
    assert!(first.starts_with("# yaml-language-server: $schema=./plan.schema.json\n"));
}

#[test]
fn nothing_is_overwritten() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("data")).unwrap();
    scratch.write("data/questions.csv", "mine\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", scratch.path("plan.yaml")).unwrap();
    let done = init(&scratch.path(""), &[]);
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("data/questions.csv") && said.contains("nothing was written"), "{said}");
    assert!(cfg!(not(unix)) || said.contains("plan.yaml"), "{said}");
    assert_eq!(std::fs::read_to_string(scratch.path("data/questions.csv")).unwrap(), "mine\n");
    assert!(!scratch.path("plan.schema.json").exists() && !scratch.path("nowhere").exists());
}

#[test]
fn the_ci_job_fits_the_folder() {
    let scratch = Scratch::new();
    let (github, gitlab) = (".github/workflows/performance.yml", ".gitlab/performance.yml");
    let there = |folder: &str, name: &str| scratch.path(folder).join(name).is_file();
    std::fs::create_dir_all(scratch.path("hub/.github")).unwrap();
    std::fs::create_dir_all(scratch.path("lab")).unwrap();
    scratch.write("lab/.gitlab-ci.yml", "");
    for (folder, arguments, expected) in [
        ("none", [].as_slice(), [false, false]),
        ("hub", &[], [true, false]),
        ("lab", &["--toml"], [false, true]),
        ("asked", &["--ci", "github"], [true, false]),
        ("asked too", &["--ci", "gitlab"], [false, true]),
    ] {
        let done = init(&scratch.path(""), &[&[folder], arguments].concat());
        let said = text(&done.stdout);
        assert!(done.status.success(), "{}", text(&done.stderr));
        assert_eq!([there(folder, github), there(folder, gitlab)], expected, "{folder}");
        assert_eq!(said.contains("No CI job"), folder == "none", "{said}");
    }
    let job = std::fs::read_to_string(scratch.path("lab").join(gitlab)).unwrap();
    assert!(job.contains("plimsoll run plan.toml --profile ci") && !job.contains("PLAN"), "{job}");
    for path in [scratch.path("hub").join(github), scratch.path("asked too").join(gitlab)] {
        let text = std::fs::read_to_string(&path).unwrap();
        let (node, problems) =
            plimsoll::plan::parse::Format::Yaml.parse(&text, plimsoll::diagnostic::FileId(0));
        assert!(node.is_some() && problems.is_empty(), "{}: {problems:?}", path.display());
    }
}
