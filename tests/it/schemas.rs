//! The published schemas are what the program prints, and they agree with it about plans.
//! `PLIMSOLL_BLESS=1 cargo test --test it schemas` writes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll::diagnostic::FileId;
use plimsoll::plan::parse::Format;
use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn printed(which: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(["schema", which]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_files_are_what_the_program_prints() {
    for which in ["plan", "part", "result"] {
        let path = root().join(format!("schemas/{which}.schema.json"));
        let made = printed(which);
        if std::env::var_os("PLIMSOLL_BLESS").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "{} is stale: run this test with PLIMSOLL_BLESS=1", path.display());
    }
}

fn plan_validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&printed("plan")).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// The plan as JSON; `None` when its text cannot be read at all.
fn json(path: &Path) -> Option<Value> {
    let text = String::from_utf8(std::fs::read(path).unwrap()).ok()?;
    let (node, problems) = Format::of_path(path)?.parse(&text, FileId(0));
    node.filter(|_| problems.is_empty()).map(|node| node.to_json())
}

fn plans_in(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = entries.filter(|path| Format::of_path(path).is_some()).collect();
    all.sort();
    all
}

/// What editors show: a description for every key and every choice, a title for every map, and defaults and examples
/// that are valid themselves.
#[test]
fn the_schema_of_plans_explains_itself() {
    let schema: Value = serde_json::from_str(&printed("plan")).unwrap();
    let (mut keys, mut defaults, mut examples) = (0, 0, 0);
    for (name, def) in schema["$defs"].as_object().unwrap() {
        assert!(def["title"].is_string() && def["description"].is_string(), "{name}");
        for (key, property) in def["properties"].as_object().into_iter().flatten() {
            keys += 1;
            assert!(property["description"].as_str().is_some_and(|words| words.len() > 8), "{name}.{key}");
            let mut own = property.clone();
            own["$defs"] = schema["$defs"].clone();
            let validator = jsonschema::validator_for(&own).unwrap();
            let default = property.get("default");
            defaults += default.iter().count();
            let shown = property["examples"].as_array().cloned().unwrap_or_default();
            examples += shown.len();
            for value in default.into_iter().chain(&shown) {
                assert!(validator.is_valid(value), "{name}.{key}: {value}");
            }
            let words = property["description"].as_str().unwrap();
            let word = words.strip_suffix("` when absent.").and_then(|words| words.rsplit_once("; `"));
            let word = word.filter(|(_, word)| !word.contains('`'));
            assert!(word.is_none() || default.is_some(), "{name}.{key}: {words}");
            for choice in property["oneOf"].as_array().into_iter().flatten() {
                assert!(choice["description"].is_string(), "{name}.{key}: {choice}");
            }
        }
    }
    assert!(keys > 60 && defaults >= 8 && examples >= 8, "{keys} {defaults} {examples}");
}

#[test]
fn right_plans_are_valid_by_the_schema() {
    let validator = plan_validator();
    for path in plans_in("plans/temponest").into_iter().chain(plans_in("tests/valid")) {
        let plan = json(&path).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&plan).map(|e| format!("{e} at {}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
}

#[test]
fn parts_are_valid_by_theirs_and_only_a_plan_that_includes_may_lack_something() {
    let part: Value = serde_json::from_str(&printed("part")).unwrap();
    jsonschema::meta::validate(&part).unwrap();
    let (part, plan) = (jsonschema::validator_for(&part).unwrap(), plan_validator());
    for path in plans_in("tests/valid/parts") {
        assert!(part.is_valid(&json(&path).unwrap()), "{}", path.display());
    }
    let change = serde_json::json!({ "endpoints": { "health": { "weight": 2 } } });
    let mut whole = change.clone();
    whole["plan"] = 1.into();
    assert!(part.is_valid(&change) && !plan.is_valid(&change) && !plan.is_valid(&whole));
    whole["include"] = "base.yaml".into();
    assert!(plan.is_valid(&whole));
    whole["endpoints"]["health"]["wieght"] = 2.into();
    assert!(!plan.is_valid(&whole) && !part.is_valid(&serde_json::json!({ "loda": {} })));
}

#[test]
fn wrong_forms_are_not_valid_by_the_schema() {
    /// What a schema cannot say: that a number would change its look (only the text shows it), and that a
    /// range is reversed.
    const BEYOND: [&str; 2] = ["type_header_number.yaml", "unit_think_reversed.yaml"];
    const FORMS: [&str; 7] = ["key_", "unit_", "type_", "word_", "range_", "later_", "version_"];
    let validator = plan_validator();
    let (mut seen, mut valid) = (0, vec![]);
    for path in plans_in("tests/invalid") {
        let name = path.file_name().unwrap().to_str().unwrap();
        if BEYOND.contains(&name) || !FORMS.iter().any(|form| name.starts_with(form)) {
            continue;
        }
        if let Some(plan) = json(&path) {
            seen += 1;
            if validator.is_valid(&plan) {
                valid.push(name.to_owned());
            }
        }
    }
    assert_eq!(valid, Vec::<String>::new(), "valid by the schema");
    assert!(seen >= 30, "{seen}");
}
