//! Every broken plan of `tests/invalid` with exactly the words a person gets for it.
//! `PLIMSOLL_BLESS=1 cargo test --test it golden_invalid` writes what the program says now; read it before you
//! commit it.
//!
//! A plan is checked with `plimsoll validate FILE`. Its first line may say otherwise:
//! `# $ plimsoll show THIS --set load.userz=5`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/invalid")
}

/// The plans of the folder, in order.
fn plans() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let is_plan = |path: &PathBuf| path.extension().is_some_and(|e| e == "yaml" || e == "toml");
    let mut all: Vec<_> = entries.filter(is_plan).collect();
    all.sort();
    all
}

/// What the program prints about a plan, and its exit code.
fn run(plan: &Path) -> (String, Option<i32>) {
    let name = plan.file_name().unwrap().to_str().unwrap();
    let text = String::from_utf8_lossy(&std::fs::read(plan).unwrap()).into_owned();
    let line = text.lines().next().and_then(|line| line.strip_prefix("# $ plimsoll "));
    let arguments =
        line.unwrap_or("validate THIS").split(' ').map(|word| if word == "THIS" { name } else { word });
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(arguments)
        .current_dir(folder())
        .env_clear()
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    // The last line is the same for all: where to read more.
    let (shown, hint) = shown.rsplit_once("for more: ").unwrap_or_else(|| panic!("no hint: {shown}"));
    assert!(hint.starts_with("plimsoll explain P") && hint.lines().count() == 1, "{hint}");
    (shown.replace(folder().to_str().unwrap(), "$ROOT"), output.status.code())
}

#[test]
fn broken_plans_get_these_words() {
    let bless = std::env::var_os("PLIMSOLL_BLESS").is_some();
    let mut wrong = vec![];
    for plan in plans() {
        let expected = plan.with_extension(format!("{}.stderr", plan.extension().unwrap().to_str().unwrap()));
        let (shown, code) = run(&plan);
        if bless {
            std::fs::write(&expected, &shown).unwrap();
        }
        let kept = std::fs::read_to_string(&expected).unwrap_or_default();
        if kept != shown {
            wrong.push(format!("== {}\n-- expected\n{kept}-- found\n{shown}", plan.display()));
        }
        let is_error = shown.contains("\nerror[") || shown.starts_with("error[");
        assert_eq!(code, Some(if is_error { 2 } else { 0 }), "{}: {shown}", plan.display());
        assert!(shown.contains("[P"), "{} is not wrong", plan.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_plan() {
    let told: String = plans().iter().map(|plan| run(plan).0).collect();
    let untold: Vec<_> = plimsoll::compile::explain::codes()
        .map(|(code, _)| code)
        .filter(|code| !told.contains(&format!("[{code}]")))
        .collect();
    assert_eq!(untold, Vec::<&str>::new());
}

#[test]
fn there_are_many_plans_in_both_formats() {
    let plans = plans();
    let extensions: BTreeSet<_> = plans.iter().filter_map(|plan| plan.extension()?.to_str()).collect();
    assert!(plans.len() >= 50 && extensions == BTreeSet::from(["toml", "yaml"]));
}

/// What a tired person must never see: a message without a place, words cut off, a line of nothing.
#[test]
fn messages_are_whole() {
    for plan in plans() {
        let (shown, _) = run(&plan);
        for message in shown.split("\n\n").filter(|part| part.contains("[P")) {
            let is_start = |line: &&str| line.starts_with("error[") || line.starts_with("warning[");
            let lines: Vec<_> = message.lines().skip_while(|line| !is_start(line)).collect();
            assert!(lines.get(1).is_some_and(|line| line.contains("-->")), "no place: {message}");
            assert!(!lines[0].contains("  ") && !lines[0].ends_with(['.', ':', ' ']), "{message}");
            assert!(message.contains("= help:") || message.contains('^'), "nothing to go by: {message}");
        }
    }
}

/// What to write, remove or look at stands in the help of nearly every message.
#[test]
fn messages_say_what_to_write() {
    const DOING: [&str; 18] = [
        "write",
        "remove",
        "use ",
        "keep ",
        "put ",
        "copy ",
        "move ",
        "save ",
        "make ",
        "give ",
        "add ",
        "start ",
        "replace",
        "leave ",
        "did you mean ",
        "choose ",
        "name ",
        "capture ",
    ];
    let (mut all, mut silent) = (0, vec![]);
    for plan in plans() {
        let name = plan.file_name().unwrap().to_str().unwrap();
        let shown = std::fs::read_to_string(folder().join(format!("{name}.stderr"))).unwrap();
        for message in shown.split("\n\n").filter(|part| part.contains("[P")) {
            all += 1;
            let mut helps = message.lines().filter_map(|line| line.split_once("= help: "));
            if !helps.any(|(_, help)| help.contains('`') || DOING.iter().any(|word| help.contains(word))) {
                silent.push(format!("{name}: {}", message.lines().find(|line| line.contains("[P")).unwrap()));
            }
        }
    }
    assert!(all > 500 && silent.len() * 15 < all, "{} of {all}:\n{}", silent.len(), silent.join("\n"));
}
