//! Profiles, `--set` and the Locust-shaped flags over right plans.

use super::{load, problems, rendered};
use crate::plan::load::{Loaded, Overrides};
use crate::plan::model::LoadForm;
use crate::plan::parse::Format;
use serde_json::{Value, json};

const PLAN: &str = "\
plan: 1
targets: { a: http://a, b: http://b }
variables: { x: 1, y: { z: 2 } }
endpoints:
  list agents: { request: GET /, weight: 1 }
load:
  stages: [{ duration: 1m, users: 10 }]
  graceful_stop: 5s
profiles:
  smoke: { load: { users: 1, iterations: 5 }, variables: { y: { w: 3 } } }
  long: { load: { stages: [{ duration: 1h, users: 10 }] } }
";

fn with(change: impl FnOnce(&mut Overrides)) -> Loaded {
    let mut overrides = Overrides::default();
    change(&mut overrides);
    load(Format::Yaml, PLAN, &overrides)
}

fn set(all: &[&str]) -> Loaded {
    with(|o| o.set = all.iter().map(|s| (*s).to_owned()).collect())
}

fn part(loaded: &Loaded, key: &str) -> Value {
    assert_eq!(rendered(loaded), "");
    loaded.effective.as_ref().and_then(|e| e.get(key)).map(|n| n.to_json()).expect("the key")
}

#[test]
fn a_profile_joins_maps_and_replaces_the_load_form() {
    let loaded = with(|o| o.profile = Some("smoke".into()));
    assert_eq!(part(&loaded, "load"), json!({"graceful_stop": "5s", "users": 1, "iterations": 5}));
    assert_eq!(part(&loaded, "variables"), json!({"x": 1, "y": {"z": 2, "w": 3}}));
    let plan = loaded.plan.expect("a plan");
    assert!(matches!(plan.load.as_ref().and_then(|l| l.form()), Some(LoadForm::Iterations { .. })));
}

#[test]
fn an_unknown_profile_names_the_known_ones() {
    let loaded = with(|o| o.profile = Some("smok".into()));
    let shown = rendered(&loaded);
    assert!(
        shown.contains("there is no profile `smok`") && shown.contains("did you mean `smoke`?"),
        "{shown}"
    );
    assert!(shown.contains("--> --profile:1:1") && shown.contains("known profiles: smoke, long"), "{shown}");
}

#[test]
fn set_reads_values_as_yaml_at_any_path() {
    let loaded =
        set(&["variables.x={a: [1, no]}", "endpoints.list agents.weight=7", "load.stages.0.users=3"]);
    assert_eq!(part(&loaded, "variables")["x"], json!({"a": [1, "no"]}));
    assert_eq!(part(&loaded, "endpoints")["list agents"]["weight"], json!(7));
    assert_eq!(part(&loaded, "load")["stages"][0]["users"], json!(3));
    assert_eq!(part(&set(&["variables.\"a.b\"=1"]), "variables")["a.b"], json!(1));
    assert_eq!(part(&set(&["load.stages[0].users=4"]), "load")["stages"][0]["users"], json!(4));
    let nested = set(&["variables.x=[[1, 2], [3]]", "variables.x[0][1]=7", "variables.\"a[0]\"=1"]);
    assert_eq!(part(&nested, "variables")["x"], json!([[1, 7], [3]]));
    assert_eq!(part(&nested, "variables")["a[0]"], json!(1));
    assert_eq!(
        part(&set(&["endpoints.\"list agents\".weight=9"]), "endpoints")["list agents"]["weight"],
        json!(9)
    );
    assert_eq!(part(&set(&["variables.x={{ env.X }}"]), "variables")["x"], json!("{{ env.X }}"));
    assert_eq!(part(&set(&["http.timeout=5s"]), "http"), json!({"timeout": "5s"}));
    let constant = set(&["load.users=5", "load.duration=1m"]);
    assert_eq!(part(&constant, "load"), json!({"graceful_stop": "5s", "users": 5, "duration": "1m"}));
}

#[test]
fn a_wrong_set_is_located_in_itself() {
    for (text, expected) in [
        ("load.userz=5", "P010 `userz` is not a key of the load"),
        ("load", "P021 this is not `path=value`"),
        ("a..b=1", "P021 a part of the path is empty"),
        ("load.stages[9].users=1", "P021 `9` is not an item of this list of 1"),
        ("load.stages[x].users=1", "P010 `stages[x]` is not a key of the load"),
        ("include=base.yaml", "P021 `include` is read before `--set` is applied"),
        ("profiles.smoke.load.users=1", "P021 `profiles` is read before `--set` is applied"),
        ("load.stages.9.users=1", "P021 `9` is not an item of this list of 1"),
        ("endpoints.list agnts.weight=1", "P021 `endpoints` has no `list agnts`"),
        ("think=5", "P015 5 what?"),
        ("name=[", "P001 a `[` or `{` is never closed"),
    ] {
        let loaded = set(&[text]);
        assert_eq!(problems(&loaded), [expected], "{text}");
        assert!(rendered(&loaded).contains("--> --set:1:"), "{}", rendered(&loaded));
    }
}

#[test]
fn host_and_target_replace_urls() {
    assert_eq!(
        part(&with(|o| o.host = Some("http://h".into())), "targets"),
        json!({"a": "http://h", "b": "http://b"})
    );
    let one = with(|o| o.targets = vec![("b".into(), "http://n".into())]);
    assert_eq!(part(&one, "targets"), json!({"a": "http://a", "b": "http://n"}));
    let wrong = with(|o| o.targets = vec![("bb".into(), "http://n".into())]);
    assert_eq!(problems(&wrong), ["P022 there is no target `bb`"]);
    let single = load(
        Format::Yaml,
        "plan: 1\ntarget: http://x",
        &Overrides {
            host: Some("http://h".into()),
            targets: vec![("x".into(), "u".into())],
            ..Default::default()
        },
    );
    assert_eq!(
        single.plan.as_ref().and_then(|p| p.target.as_ref()).map(|t| t.value.as_str()),
        Some("http://h")
    );
    assert_eq!(problems(&single).len(), 1);
}

#[test]
fn flags_of_users_and_another_form_name_both_places() {
    let both =
        with(|o| (o.users, o.set) = (Some(5), vec!["load.rate=50/s".into(), "load.duration=1m".into()]));
    assert_eq!(problems(&both), ["P014 `--users` and `--set` of `load.rate` exclude each other"]);
    let shown = rendered(&both);
    assert!(shown.contains("--> --users:1:1") && shown.contains("::: --set:1:11"), "{shown}");
    let open = PLAN.replace("stages: [{ duration: 1m, users: 10 }]", "{ rate: 5/s, duration: 1m }");
    let open = open.replace(
        "load:\n  { rate: 5/s, duration: 1m }\n  graceful_stop: 5s",
        "load: { rate: 5/s, duration: 1m }",
    );
    let overrides = Overrides { users: Some(5), ..Overrides::default() };
    let loaded = load(Format::Yaml, &open, &overrides);
    let words = "P014 `--users` takes the place of the `rate`: users loop, and nothing arrives any more";
    assert_eq!(problems(&loaded), [words]);
    assert!(
        !loaded.diagnostics.has_errors() && rendered(&loaded).contains("the rate"),
        "{}",
        rendered(&loaded)
    );
}

#[test]
fn locust_flags_make_a_load_by_time() {
    let all = with(|o| {
        (o.users, o.spawn_rate, o.run_time) = (Some(20), Some("5".into()), Some("120".into()));
    });
    let expected = json!({"graceful_stop": "5s", "users": 20, "spawn_rate": "5/s", "duration": "120s"});
    assert_eq!(part(&all, "load"), expected);
    let time = with(|o| o.run_time = Some("2m".into()));
    let no_users = ["P021 this takes the place of the plan's `stages`, and nothing says how many users"];
    assert_eq!(problems(&time), no_users);
    assert_eq!(problems(&with(|o| o.users = Some(5))), ["P013 a load by time needs `duration`"]);
    let wrong =
        with(|o| (o.users, o.spawn_rate, o.run_time) = (Some(1), Some("fast".into()), Some("1m".into())));
    assert_eq!(problems(&wrong), ["P015 `fast` is not a rate"]);
    assert!(rendered(&wrong).contains("--> --spawn-rate:1:1"), "{}", rendered(&wrong));
}
