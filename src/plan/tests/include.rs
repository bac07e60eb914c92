//! Plans of several files: what is joined how, and what is refused.

use std::path::Path;

use super::{problems, rendered};
use crate::plan::load::{Loaded, Overrides, load};
use serde_json::{Value, json};

/// A folder of its own, which is the root of its plans.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files.iter().chain(&[(".plimsoll", "")]) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

fn read(folder: &Path, plan: &str, profile: Option<&str>) -> Loaded {
    let overrides = Overrides { profile: profile.map(str::to_owned), ..Overrides::default() };
    load(&folder.join(plan), &overrides)
}

fn effective(loaded: &Loaded) -> Value {
    assert_eq!(rendered(loaded), "");
    loaded.effective.as_ref().map(|node| node.to_json()).expect("a tree")
}

const BASE: &str = "\
targets: { api: http://a }
load: { stages: [{ duration: 1m, users: 5 }], graceful_stop: 5s }
thresholds: [p95 < 1s, errors < 1%]
profiles: { smoke: { load: { users: 1 } } }
";
const ENDPOINTS: &str = "[endpoints.health]\nrequest = \"GET /health\"\nweight = 2\n";
const PLAN: &str = "\
plan: 1
include: [base.yaml, parts/endpoints.toml]
endpoints: { health: { weight: 7 }, other: { request: GET / } }
load: { users: 3, duration: 10s }
thresholds: [p95 < 2s]
profiles: { smoke: { load: { iterations: 4 } } }
";

#[test]
fn what_is_written_last_wins_key_by_key() {
    let folder = folder(&[("base.yaml", BASE), ("parts/endpoints.toml", ENDPOINTS), ("plan.yaml", PLAN)]);
    let plan = effective(&read(folder.path(), "plan.yaml", None));
    assert_eq!(plan["endpoints"]["health"], json!({"request": "GET /health", "weight": 7}));
    assert_eq!(plan["endpoints"]["other"], json!({"request": "GET /"}));
    assert_eq!(plan["load"], json!({"graceful_stop": "5s", "users": 3, "duration": "10s"}));
    assert_eq!(plan["thresholds"], json!(["p95 < 2s"]));
    assert_eq!(plan.get("include"), None);
    let smoke = effective(&read(folder.path(), "plan.yaml", Some("smoke")));
    assert_eq!(smoke["load"], json!({"graceful_stop": "5s", "users": 1, "iterations": 4}));
}

#[test]
fn a_plan_in_toml_includes_yaml_and_one_path_needs_no_list() {
    let plan = "plan = 1\ninclude = \"parts/all.yaml\"\nname = \"mine\"\n";
    let all = "plan: 1\ninclude: ../base.yaml\nname: theirs\ndescription: both\n";
    let folder = folder(&[("base.yaml", BASE), ("parts/all.yaml", all), ("plan.toml", plan)]);
    let loaded = read(folder.path(), "plan.toml", None);
    let plan = effective(&loaded);
    assert_eq!((&plan["name"], &plan["description"]), (&json!("mine"), &json!("both")));
    assert_eq!(plan["targets"], json!({"api": "http://a"}));
    // `parts/../base.yaml` is shown as what it is.
    let names: Vec<_> = loaded.files.iter().map(|file| loaded.sources.get(*file).name.as_str()).collect();
    assert!(names[2].ends_with("/base.yaml") && !names[2].contains(".."), "{names:?}");
}

#[test]
fn a_file_reached_twice_counts_once() {
    let folder = folder(&[
        ("base.yaml", "variables: { x: 1, y: 1 }\n"),
        ("a.yaml", "include: base.yaml\nvariables: { x: 2 }\n"),
        ("b.yaml", "include: base.yaml\nvariables: { z: 3 }\n"),
        ("plan.yaml", "plan: 1\ninclude: [a.yaml, b.yaml]\n"),
    ]);
    let plan = effective(&read(folder.path(), "plan.yaml", None));
    assert_eq!(plan["variables"], json!({"x": 2, "y": 1, "z": 3}));
}

#[test]
fn an_empty_file_adds_nothing() {
    let folder = folder(&[("none.yaml", "# later\n"), ("plan.yaml", "plan: 1\ninclude: [none.yaml]\n")]);
    assert_eq!(effective(&read(folder.path(), "plan.yaml", None)), json!({"plan": 1}));
}

#[test]
fn wrong_includes_are_refused_at_their_place() {
    let files = [
        ("base.yaml", BASE),
        ("self.yaml", "plan: 1\ninclude: self.yaml\n"),
        ("a.yaml", "include: b.yaml\n"),
        ("b.yaml", "include: a.yaml\n"),
        ("list.yaml", "- 1\n"),
        ("old.yaml", "plan: 2\n"),
        ("broken.yaml", "name: [\n"),
    ];
    let folder = folder(&files);
    std::fs::create_dir(folder.path().join("folder.yaml")).expect("a folder");
    for (include, expected) in [
        ("bsae.yaml", "P006 "),
        ("folder.yaml", "P006 "),
        ("base.json", "P007 "),
        ("/etc/fstab.yaml", "P006 "),
        ("a.yaml", "P008 files include each other in a circle: "),
        ("list.yaml", "P012 expected a part of a plan: a map, found a list"),
        ("old.yaml", "P018 an included file is of the same format version, 1"),
        ("broken.yaml", "P001 a `[` or `{` is never closed"),
        ("\"{{ env.X }}.yaml\"", "P012 a path to include cannot be a template"),
        ("\"\"", "P012 the path to include is empty"),
        ("[1]", "P012 expected a path or a list of paths, found a number"),
        ("{ a: b }", "P012 expected a path or a list of paths, found a map"),
    ] {
        std::fs::write(folder.path().join("plan.yaml"), format!("plan: 1\ninclude: {include}\n"))
            .expect("a file");
        let loaded = read(folder.path(), "plan.yaml", None);
        let found = problems(&loaded);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{include}: {found:?}");
        assert!(rendered(&loaded).contains(".yaml:"), "{}", rendered(&loaded));
    }
    let own = read(folder.path(), "self.yaml", None);
    assert!(problems(&own)[0].starts_with("P008"), "{:?}", problems(&own));
}

#[cfg(unix)]
#[test]
fn links_and_pipes_lead_nowhere() {
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("secret.yaml"), "name: hidden\n").expect("a file");
    let folder = folder(&[("plan.yaml", "plan: 1\ninclude: [link.yaml, pipe.yaml, zero.yaml]\n")]);
    let path = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(outside.path().join("secret.yaml"), path("link.yaml")).expect("a link");
    std::os::unix::fs::symlink("/dev/zero", path("zero.yaml")).expect("a link");
    assert!(std::process::Command::new("mkfifo").arg(path("pipe.yaml")).status().expect("mkfifo").success());
    let loaded = read(folder.path(), "plan.yaml", None);
    let codes: Vec<_> = loaded.diagnostics.sorted().iter().map(|d| d.code).collect();
    assert_eq!(codes, ["P008", "P006", "P008"], "{}", rendered(&loaded));
    assert!(!rendered(&loaded).contains("hidden"));
}

#[test]
fn bombs_of_includes_are_small() {
    let folder = folder(&[("plan.yaml", "plan: 1\ninclude: [f0.yaml, g0.yaml]\n")]);
    let write = |name: String, text: String| std::fs::write(folder.path().join(name), text).expect("a file");
    // Each includes two, 16 deep: 2^16 readings for one who counts none twice.
    for i in 0..15 {
        let both = format!("include: [f{0}.yaml, g{0}.yaml]\nvariables: {{ v{i}: 1 }}\n", i + 1);
        write(format!("f{i}.yaml"), both.clone());
        write(format!("g{i}.yaml"), both);
    }
    ["f15.yaml", "g15.yaml"].iter().for_each(|name| write((*name).to_owned(), "name: end\n".to_owned()));
    assert_eq!(problems(&read(folder.path(), "plan.yaml", None)), Vec::<String>::new());
    let list = |count: usize| (0..count).map(|i| format!("w{i}.yaml")).collect::<Vec<_>>().join(", ");
    (0..300).for_each(|i| write(format!("w{i}.yaml"), format!("name: w{i}\n")));
    write("wide.yaml".into(), format!("plan: 1\ninclude: [{}]\n", list(300)));
    assert_eq!(
        problems(&read(folder.path(), "wide.yaml", None)),
        ["P005 the plan includes more than 100 files"]
    );
    (0..300).for_each(|i| write(format!("w{i}.yaml"), format!("include: w{}.yaml\n", i + 1)));
    write("deep.yaml".into(), "plan: 1\ninclude: w0.yaml\n".into());
    assert_eq!(problems(&read(folder.path(), "deep.yaml", None)), ["P005 includes go deeper than 16 files"]);
    let many: String = (0..2_000).map(|i| format!("  v{i}: 1\n")).collect();
    (0..300).for_each(|i| write(format!("w{i}.yaml"), format!("variables:\n{many}")));
    let large = ["P005 the plan and its includes have more than 100000 values"];
    assert_eq!(problems(&read(folder.path(), "wide.yaml", None)), large);
}
