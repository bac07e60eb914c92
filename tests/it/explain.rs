//! `plimsoll explain`: each wrong example has exactly the error it stands for, each right one has none, and the page
//! of the guide is made of the same texts. `PLIMSOLL_BLESS=1 cargo test --test it explain` writes that page.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use crate::support::{Scratch, plimsoll};
use plimsoll::compile::explain::{Explained, Part, all};

/// The files examples name.
fn surroundings() -> Scratch {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("data")).unwrap();
    std::fs::create_dir(scratch.path("bodies")).unwrap();
    std::fs::create_dir(scratch.path(".cases")).unwrap();
    scratch.write(".cases/questions.csv", "id,text\n1,What is a load line?\n");
    scratch.write("data/questions.csv", "id,text\n1,What is a load line?\n");
    scratch.write("services.yaml", "target: http://localhost:9000\n");
    scratch.write("ci.env", "# of the CI job\nexport TEAM='load tests'\n");
    scratch.write("broken.env", "TEAM=a\nnot a variable\n");
    std::fs::create_dir(scratch.path("results")).unwrap();
    scratch.write("results/baseline.json", "{}\n");
    scratch.write("bodies/ask.json.j2", "{\"id\": {{ user.id }}}\n");
    scratch
}

/// Does with an example what its first line says, or validates it.
fn told(scratch: &Scratch, language: &str, text: &str) -> Output {
    let name = format!("plan.{language}");
    scratch.write(&name, text);
    let typed = text.lines().next().unwrap().strip_prefix("# $ plimsoll ");
    let typed = typed.map_or_else(|| format!("validate {name}"), str::to_owned);
    plimsoll().args(typed.split(' ')).current_dir(scratch.path("")).output().unwrap()
}

fn codes(output: &Output) -> BTreeSet<String> {
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let heads = words.lines().filter_map(|line| {
        line.strip_prefix("error[").or_else(|| line.strip_prefix("warning[")).map(|rest| rest[..4].to_owned())
    });
    heads.collect()
}

#[test]
fn wrong_examples_have_their_error_and_right_ones_none() {
    let scratch = surroundings();
    let mut tried = 0;
    for explained in all() {
        for part in explained.parts() {
            let Part::Example { language, is_wrong, text } = part else { continue };
            tried += 1;
            let output = told(&scratch, language, text);
            let words = String::from_utf8_lossy(&output.stderr);
            let expected: BTreeSet<_> = if is_wrong { [explained.code.to_owned()].into() } else { [].into() };
            assert_eq!(codes(&output), expected, "{}, wrong: {is_wrong}\n{text}\n{words}", explained.code);
            assert!(is_wrong || output.status.success(), "{}\n{words}", explained.code);
            if is_wrong {
                let hint = format!("for more: plimsoll explain {}", explained.code);
                assert_eq!(words.matches("for more:").count(), 1, "{words}");
                assert!(words.contains(&hint), "{words}");
            }
        }
    }
    assert!(tried >= 86, "{tried}");
}

const HEAD: &str = "\
<!-- Made from docs/errors/ by `PLIMSOLL_BLESS=1 cargo test --test it explain`; write there, not here. -->
# Errors and warnings

Everything plimsoll can say about a plan, by its code. `plimsoll explain P012` prints the same. Codes from `P200` on are
warnings only: the plan runs, but surely not as meant. Every example marked *wrong* has this one mistake.
";

fn page() -> String {
    let section = |known: Explained| {
        let text = known.page.replace("```yaml wrong", "*wrong:*\n\n```yaml wrong");
        let text = text.replace("```yaml right", "*right:*\n\n```yaml right");
        format!("\n## {}: {}\n\n{text}", known.code, known.title)
    };
    HEAD.to_owned() + &all().map(section).collect::<String>()
}

#[test]
fn the_guide_has_the_same_texts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/errors.md");
    if std::env::var_os("PLIMSOLL_BLESS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page(), "docs/guide/errors.md is stale: run this test with PLIMSOLL_BLESS=1");
}

fn explain(arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = plimsoll().arg("explain").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn codes_are_explained_as_they_are_typed() {
    let (shown, _, code) = explain(&["p012"]);
    assert_eq!(code, Some(0));
    for words in ["P012: a value is of another kind", "\nwrong:\n    plan: 1\n", "\nright:\n    plan: 1\n"] {
        assert!(shown.contains(words), "{shown}");
    }
    assert!(!shown.contains("```") && shown.lines().all(|line| line.chars().count() <= 104), "{shown}");
    let (both, _, _) = explain(&["P012", "P103"]);
    assert!(both.starts_with(&shown) && both.contains("\nP103: "), "{both}");
    let (list, _, code) = explain(&[]);
    assert_eq!((list.lines().count(), code), (all().count(), Some(0)));
    let (shown, words, code) = explain(&["P012", "P999", "\u{1b}[31m"]);
    assert_eq!((shown.as_str(), code), ("", Some(2)));
    assert!(words.contains("there is no code `P999`") && !words.contains('\u{1b}'), "{words}");
}
