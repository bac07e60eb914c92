//! Both formats say the same: every plan of the repository and of the guide, written by this test in the other format from
//! its tree of values, compiles to the same plan, with each of its profiles.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::compiled::{check, difference};
use crate::support::{pages, tree};
use plimsoll::plan::parse::Format;
use serde_json::{Value, json};

const FORMATS: [Format; 2] = [Format::Yaml, Format::Toml];

/// Keys whose values are anything, nothing among it.
const FREE: [&str; 4] = ["json", "set", "variables", "rows"];

/// Compiles the plan as it stands, and as written in each format.
fn mirror(path: &Path, text: &str) {
    let format = Format::of_path(path).unwrap();
    let (tree, nulls) = tree::without_nulls(tree::read(format, text));
    for place in &nulls {
        assert!(place.split('/').any(|key| FREE.contains(&key)), "{}: null at {place}", path.display());
    }
    let written = FORMATS.map(|format| (format, tree::write(format, &tree)));
    for (format, text) in &written {
        assert_eq!(tree::read(*format, text), tree, "{}\n{text}", path.display());
    }
    let profiles = check(format, text, path, None).profiles;
    for profile in profiles.iter().map(|name| Some(name.as_str())).chain([None]) {
        let compile = |format: Format, text: &str| {
            let checked = check(format, text, path, profile);
            assert!(checked.plan.is_some(), "{} as {format:?}: {}\n{text}", path.display(), checked.told);
            let told: Vec<_> =
                checked.problems.iter().map(|told| (told.code, told.message.clone())).collect();
            (checked.plan.unwrap(), told.into_iter().collect::<BTreeSet<_>>())
        };
        let (original, told) = compile(format, text);
        let [(yaml, told_yaml), (toml, told_toml)] =
            written.each_ref().map(|(format, text)| compile(*format, text));
        let place = format!("{} with {profile:?}", path.display());
        assert_eq!((&told_yaml, &told_toml), (&told, &told), "{place}");
        assert_eq!(difference(&yaml, &toml), None, "{place}\n{}\n{}", written[0].1, written[1].1);
        assert_eq!(yaml.info.effective, toml.info.effective, "{place}");
        if nulls.is_empty() {
            assert_eq!(difference(&original, &toml), None, "{place}\n{}", written[1].1);
            assert_eq!(original.info.effective, toml.info.effective, "{place}");
        }
    }
}

#[test]
fn plans_of_the_repository_are_the_same_in_both_formats() {
    let plans: Vec<_> = ["tests/valid", "plans"].into_iter().flat_map(tree::plans_below).collect();
    assert!(plans.len() > 50, "{}", plans.len());
    for path in plans {
        mirror(&path, &std::fs::read_to_string(&path).unwrap());
    }
}

#[test]
fn plans_of_the_guide_are_the_same_in_both_formats() {
    let folder = tempfile::tempdir().unwrap();
    pages::lay_out(folder.path());
    let mut mirrored = 0;
    // Of the errors half are wrong on purpose; tests/it/explain.rs has them.
    for page in pages::pages().iter().filter(|page| page.name() != "errors.md") {
        let blocks: Vec<_> = page.blocks().into_iter().filter(|block| !block.has("wrong")).collect();
        // A plan may stand before the files it names.
        for (name, block) in blocks.iter().filter_map(|block| Some((block.file()?, block))) {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, &block.text).unwrap();
        }
        let begins = |line: &str| line.starts_with("plan: 1") || line.starts_with("plan = 1");
        for block in blocks.iter().filter(|block| block.is_plan_text() && block.text.lines().any(begins)) {
            mirrored += 1;
            let name = block.file().map_or_else(|| format!("plan.{}", block.language), str::to_owned);
            mirror(&folder.path().join(name), &block.text);
        }
    }
    assert!(mirrored >= 5, "{mirrored}");
}

#[test]
fn parts_are_the_same_in_both_formats() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valid/parts");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let parts: Vec<PathBuf> = entries.filter(|path| Format::of_path(path).is_some()).collect();
    assert!(parts.len() >= 2);
    for path in parts {
        let text = std::fs::read_to_string(&path).unwrap();
        let tree = tree::read(Format::of_path(&path).unwrap(), &text);
        for format in FORMATS {
            assert_eq!(tree::read(format, &tree::write(format, &tree)), tree, "{}", path.display());
        }
    }
}

/// The writers are read back as what they were given, whatever stands in it.
#[test]
fn trees_survive_both_formats() {
    let tree = json!({
        "": "", "plain": -1, "a b": [1, 2.5, true, "x", [], {}, [[1]], { "k": [] }], "no": "no", "1": "1", "true": "true",
        "texts": { "a": "two\nlines\r\n\ttab", "b": "\"q\" \\ 'q'", "c": "\u{7f}\u{0}\u{85}\u{2028}", "d": "{{ x }}", "e": " # " },
        "last": { "inner": { "deep": { "a": 1e300, "z": {} } }, "after": 1, "list": [{ "x": 1, "y": { "z": 2 } }, { "x": {} }] },
        "items": [{ "steps": [{ "a": [{ "b": 1 }] }, { "c": "d" }] }, { "e": { "f": "g" } }],
    });
    for format in FORMATS {
        let text = tree::write(format, &tree);
        let back = tree::read(format, &text);
        assert_eq!(back, tree, "{text}");
        // Equal maps may still have their keys in another order, which bodies would show.
        let order = |tree: &Value| serde_json::to_string(&tree["last"]).unwrap();
        assert_eq!(order(&back), order(&tree), "{text}");
    }
}
