//! Plans that must compile: everything under `plans/` with each of its profiles, and the unusual but legal
//! ones of `tests/valid`.

use std::path::{Path, PathBuf};

use crate::support::compiled::difference;
use plimsoll::compile::{CompiledPlan, Purpose, compile};
use plimsoll::diagnostic::render_all;
use plimsoll::plan::load::{Overrides, load};

fn below(folder: &str) -> Vec<PathBuf> {
    let (mut all, mut folders) = (vec![], vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.extension().and_then(|e| e.to_str()) {
                // Files that plans include are no plans.
                _ if path.is_dir() && path.ends_with("parts") => {}
                _ if path.is_dir() => folders.push(path),
                Some("yaml" | "yml" | "toml") => all.push(path),
                _ => {}
            }
        }
    }
    all.sort();
    all
}

/// The compiled plan; anything a person would be told is a failure.
fn compiled(path: &Path, profile: Option<&str>) -> CompiledPlan {
    let overrides = Overrides { profile: profile.map(str::to_owned), ..Overrides::default() };
    let loaded = load(path, &overrides);
    let mut found = loaded.diagnostics.clone();
    let plan = compile(&loaded, path, profile, Purpose::Check, &mut found);
    let told = render_all(&found, &loaded.sources, false);
    assert_eq!(told, "", "{} with {profile:?}", path.display());
    plan.unwrap()
}

fn profiles(path: &Path) -> Vec<String> {
    let plan = load(path, &Overrides::default()).plan.unwrap();
    plan.profiles.into_iter().map(|(name, _)| name.value).collect()
}

#[test]
fn the_plans_compile_with_every_profile() {
    let plans = below("plans");
    assert!(plans.len() >= 5);
    for path in plans {
        assert!(compiled(&path, None).peak_users() > 1, "{}", path.display());
        let profiles = profiles(&path);
        assert!(profiles.iter().any(|name| name == "ci"), "{} has no ci profile", path.display());
        for profile in profiles {
            compiled(&path, Some(&profile));
        }
    }
}

#[test]
fn unusual_plans_compile() {
    let plans = below("tests/valid");
    assert!(plans.len() >= 12);
    for path in plans {
        compiled(&path, None);
        for profile in profiles(&path) {
            compiled(&path, Some(&profile));
        }
    }
}

#[test]
fn feeds_and_scenarios_of_yaml_and_toml_compile_to_the_same() {
    let plan =
        |name: &str| compiled(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valid").join(name), None);
    for name in ["feeds", "scenario_overrides"] {
        let (yaml, toml) = (plan(&format!("{name}.yaml")), plan(&format!("{name}.toml")));
        assert_eq!((yaml.targets, &yaml.scenarios), (toml.targets, &toml.scenarios), "{name}");
        let rows = |feeds: &[plimsoll::compile::model::FeedUse]| {
            let all = |feed: &plimsoll::data::Feed| {
                (0..feed.len()).map(|at| feed.row(at).unwrap().to_string()).collect::<Vec<_>>()
            };
            feeds
                .iter()
                .map(|used| (used.name.clone(), used.per, used.order, used.on_end, all(&used.feed)))
                .collect::<Vec<_>>()
        };
        assert_eq!(rows(&yaml.feeds), rows(&toml.feeds), "{name}");
    }
    let own = plan("scenario_overrides.yaml");
    let names: Vec<_> = own.targets.iter().map(|target| (target.name.as_str(), target.port)).collect();
    assert_eq!(names, [("auth", 9002), ("agents", 9000), ("own/auth", 9012), ("own/rag", 9003)]);
}

#[test]
fn yaml_and_toml_compile_to_the_same() {
    let plan = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans/temponest");
        compiled(&folder.join(name), Some("ci"))
    };
    let (yaml, toml) = (plan("api_endpoints.yaml"), plan("api_endpoints.toml"));
    assert_eq!(difference(&yaml, &toml), None);
    assert_eq!(yaml.info.effective, toml.info.effective);
}

#[test]
fn a_plan_of_several_files_is_the_same_in_both_formats() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valid");
    for profile in [None, Some("ci")] {
        let both = ["include.yaml", "include.toml"].map(|name| compiled(&folder.join(name), profile));
        let [yaml, toml] = both;
        assert_eq!(difference(&yaml, &toml), None);
        // The data file and the body lie beside the file that names them.
        assert_eq!(yaml.feeds.len(), 1);
        let hash = |plan: &CompiledPlan| plan.info.sha256.clone();
        assert_ne!(hash(&yaml), hash(&toml));
    }
}

#[test]
fn plans_of_both_formats_are_twins() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valid");
    for name in ["shortest", "auth_shorthands", "templates"] {
        let [yaml, toml] =
            ["yaml", "toml"].map(|format| compiled(&folder.join(format!("{name}.{format}")), None));
        assert_eq!(difference(&yaml, &toml), None);
    }
}
