//! Right plans: what they become, and that YAML, TOML and the schema agree.

use super::{load, problems, rendered, yaml};
use crate::plan::load::Overrides;
use crate::plan::model::{Body, Expect, LoadForm, StatusMatch, Step};
use crate::plan::parse::Format;
use crate::plan::schema::schema;
use std::time::Duration;

pub(super) const WHOLE_YAML: &str = include_str!("whole.yaml");
pub(super) const WHOLE_TOML: &str = include_str!("whole.toml");

#[test]
fn a_whole_plan_is_read() {
    let loaded = yaml(WHOLE_YAML);
    assert_eq!(rendered(&loaded), "");
    let plan = loaded.plan.expect("a plan");
    assert_eq!(plan.targets.iter().map(|(k, _)| k.value.as_str()).collect::<Vec<_>>(), ["auth", "shop"]);
    assert_eq!(plan.http.as_ref().expect("http").headers[1].1.value.0, "2");
    let buy = &plan.endpoints[2].1;
    assert!(matches!(buy.body(), Some(Body::Json(json))
        if json.to_json() == serde_json::json!({"count": 2, "tags": ["a", "no", 1.5, null, true]})));
    assert_eq!(buy.timeout.as_ref().expect("timeout").value, Duration::from_secs(90));
    let auth = plan.auth.as_ref().expect("auth");
    let Step::Request(login) = &auth.steps[0] else { panic!("a request") };
    let Some(Expect::Map(expect)) = &login.expect else { panic!("a map") };
    assert_eq!(expect.status.0[2].value, StatusMatch::Code(409));
    assert!(
        matches!(plan.load.as_ref().and_then(|l| l.form()), Some(LoadForm::Stages(stages)) if stages.len() == 2)
    );
    let effective = loaded.effective.expect("effective");
    assert!(effective.get("profiles").is_none() && effective.get("load").is_some());
}

#[test]
fn toml_and_yaml_are_twins() {
    // TOML has no null, and its top-level values come before its tables.
    let toml = load(Format::Toml, WHOLE_TOML, &Overrides::default());
    assert_eq!(rendered(&toml), "");
    let yaml = yaml(&WHOLE_YAML.replace("null, ", ""));
    assert_eq!(yaml.plan.expect("yaml"), toml.plan.expect("toml"));
}

#[test]
fn places_are_exact() {
    let text = "plan: 1\n\"é\": [ 'a b',\n  c ]\nk:\n  x: |\n    l1\n    l2\nz: &q {a: 1}\ny: *q\n";
    let (node, problems) = Format::Yaml.parse(text, crate::diagnostic::FileId(0));
    assert!(problems.is_empty());
    let node = node.expect("a node");
    let cut = |s: crate::diagnostic::Span| &text[s.start as usize..s.end as usize];
    let list = node.get("é").expect("é");
    assert_eq!(cut(node.entry("é").expect("é").0.span), "\"é\"");
    assert_eq!(cut(list.span), "[ 'a b',\n  c ]");
    assert_eq!(cut(list.as_list().expect("a list")[0].span), "'a b'");
    assert_eq!(cut(node.get("k").expect("k").span).trim_end(), "x: |\n    l1\n    l2");
    assert_eq!(cut(node.get("y").expect("y").span), "{a: 1}");
}

#[test]
fn merge_keys_are_merged() {
    let loaded =
        yaml("plan: 1\ntarget: http://x\nvariables:\n  base: &b { a: 1, b: 2 }\n  more: { <<: *b, b: 3 }\n");
    assert_eq!(rendered(&loaded), "");
    let plan = loaded.plan.expect("a plan");
    assert_eq!(plan.variables[1].1.to_json(), serde_json::json!({"b": 3, "a": 1}));
}

#[test]
fn the_schema_accepts_what_is_read_and_refuses_what_is_not() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let json = |text: &str| {
        let (node, _) = Format::Yaml.parse(text, crate::diagnostic::FileId(0));
        node.expect("a node").to_json()
    };
    let whole = json(WHOLE_YAML);
    let errors: Vec<_> =
        validator.iter_errors(&whole).map(|e| format!("{e} at {}", e.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
    for wrong in [
        "plan: 2",
        "plan: 1\nnaem: x",
        "plan: 1\nthink: 5",
        "plan: 1\nendpoints: { a: { request: GET /, name: x } }",
        "plan: 1\nflows: { a: { steps: [ { request: GET /, weight: 1 } ] } }",
        "plan: 1\nload: { users: 1, duration: 5 }",
        "plan: 1\nauth: { scope: usr, steps: [] }",
        "plan: 1\nendpoints: { a: { weight: 1 } }",
    ] {
        assert!(!validator.is_valid(&json(wrong)), "{wrong}");
        assert!(!problems(&yaml(wrong)).is_empty(), "{wrong}");
    }
    let text = schema.to_string();
    assert!(!text.contains("#/$defs/Request\"") && text.contains("Format version of the plan"));
}
