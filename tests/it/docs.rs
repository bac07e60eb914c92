//! The documentation is complete: nothing that exists is missing, and its links lead somewhere. What its snippets say is
//! `tests/it/guide.rs`.

use std::collections::BTreeSet;

use assert_cmd::Command;

use crate::support::pages::{blocks, page, pages, read, root};
use plimsoll::exit::Exit;
use plimsoll::failure::Failure;

fn plimsoll() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.env("COLUMNS", "200");
    command
}

fn output(arguments: &[&str]) -> String {
    let output = plimsoll().args(arguments).output().expect("the binary runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Whether `` `word` `` stands somewhere, alone or first of several words.
fn is_in_code(text: &str, word: &str) -> bool {
    ["`", " ", "(", ":", ",", ".", "="].iter().any(|after| text.contains(&format!("`{word}{after}")))
}

#[test]
fn the_contents_list_every_page() {
    let guide = std::fs::read_dir(root().join("docs/guide")).expect("docs/guide");
    let names = guide.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let listed: BTreeSet<_> = pages().iter().map(crate::support::pages::Page::name).collect();
    for name in names.filter(|name| name.ends_with(".md")) {
        assert!(listed.contains(&name), "docs/guide/README.md does not list {name}");
    }
}

#[test]
fn links_lead_somewhere() {
    let more = ["docs/ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name));
    let more = more.map(|path| (path.clone(), read(&path)));
    for (path, text) in pages().into_iter().map(|page| (page.path, page.text)).chain(more) {
        let inside = |text: &str| text.split_once(')').map(|(link, _)| link.to_owned());
        for link in text.split("](").skip(1).filter_map(inside).filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.with_file_name("").join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
            let is_there = anchor.is_empty() || anchors(&read(&target)).contains(anchor);
            assert!(is_there, "{}: {link} has no such heading", path.display());
        }
    }
}

/// Headings as GitHub names them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_failure_kind_is_explained() {
    let numbers = page("numbers.md");
    for kind in Failure::ALL {
        let row = format!("| `{}` |", kind.name());
        assert!(numbers.contains(&row), "numbers.md has no row for {}", kind.name());
    }
}

#[test]
fn every_exit_code_is_explained() {
    let (codes, numbers) = (page("exit-codes.md"), page("numbers.md"));
    let all = [Exit::Pass, Exit::Fail, Exit::Usage, Exit::CouldNotRun, Exit::Invalid, Exit::Interrupted];
    for exit in all.map(|exit| exit as u8) {
        assert!(codes.contains(&format!("\n| {exit} |")), "exit-codes.md has no row for {exit}");
        // Nothing runs at exit 2, so there is no verdict.
        assert!(exit == 2 || numbers.contains(&format!("| {exit} ")), "numbers.md has no verdict for {exit}");
    }
}

#[test]
fn every_function_and_name_is_explained() {
    let reference = page("plan-reference.md");
    let examples = examples(&page("built-ins.md")).into_iter().map(|(call, _)| call).collect::<Vec<_>>();
    for name in plimsoll::template::FUNCTIONS {
        let is_shown = examples.iter().any(|call| call.contains(&format!("{name}(")));
        assert!(is_shown, "built-ins.md has no example of the function {name}");
    }
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let others = plimsoll::template::OTHER_FILTERS.split_whitespace();
    for name in plimsoll::template::FILTERS.iter().copied().chain(others) {
        let is_shown = |call: &String| call.split(&format!("| {name}")).skip(1).any(ends);
        assert!(examples.iter().any(is_shown), "built-ins.md has no example of the filter {name}");
    }
    for name in plimsoll::template::TESTS.split_whitespace() {
        let is_shown = |call: &String| call.split(&format!(" is {name}")).skip(1).any(ends);
        assert!(examples.iter().any(is_shown), "built-ins.md has no example of the test {name}");
    }
    for name in plimsoll::template::RESPONSE_NAMES {
        assert!(reference.contains(&format!("| `{name}` |")), "plan-reference.md lacks the name {name}");
    }
}

/// What templates can call is in the lists that the program and this file go by.
#[test]
fn every_registered_function_is_listed() {
    let folder = root().join("src/template/functions");
    let entries = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.chain([folder.with_extension("rs")]).filter(|path| path.extension().is_some());
    let sources = files.map(|path| read(&path)).collect::<String>();
    let registered = |call: &str| {
        let names = sources.split(call).skip(1).map(|rest| rest.split('"').next().expect("a name"));
        names.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let filters = plimsoll::template::FILTERS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(registered("add_filter(\""), filters);
    let functions = registered("add_function(\"");
    assert!(functions.len() > 5);
    for name in functions {
        assert!(plimsoll::template::FUNCTIONS.contains(&name.as_str()), "{name} is not in FUNCTIONS");
    }
    assert!(registered("add_test(\"").is_empty(), "tests need a list and examples too");
}

/// The rows of the page's tables: expression and value.
fn examples(text: &str) -> Vec<(String, String)> {
    let row = |line: &str| {
        let (call, value) = line.strip_prefix("| `")?.strip_suffix("` |")?.split_once("` | `")?;
        Some((call.replace("\\|", "|"), value.replace("\\|", "|")))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn every_example_of_a_built_in_is_true() {
    use plimsoll::template::{Expr, FILES, Files, Names, Rng, Scope, UserNumbers, to_text, with_rng};
    use rand::SeedableRng as _;
    let text = page("built-ins.md");
    let block = |language: &str| {
        blocks(&text).into_iter().find(|block| block.language == language).expect(language).text
    };
    let files = Files::default();
    files.add("terms.txt", "You agree.");
    let mut names = Names::default();
    let slots = [
        (names.add("body"), block("html").into()),
        (names.add("json"), serde_json::from_str(&block("json")).expect("JSON")),
        (names.add("user"), minijinja::Value::from_dyn_object(UserNumbers::new(0))),
        (names.add(FILES), minijinja::Value::from_object(files)),
    ];
    let scope = Scope::new(std::sync::Arc::new(names), &slots);
    let mut page = text.clone();
    for (call, written) in examples(&text) {
        let expression = Expr::compile(&call).unwrap_or_else(|error| panic!("{call}: {error:?}"));
        let value = with_rng(&mut Rng::seed_from_u64(1), || expression.eval_defined(&scope));
        let value = to_text(&value.unwrap_or_else(|error| panic!("{call}: {error}")));
        // The time goes on: its form is what is written, to the second.
        let shape = |text: &str| -> String {
            text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).take(19).collect()
        };
        let is_true =
            if call.starts_with("now(") { shape(&value) == shape(&written) } else { value == written };
        let row =
            |value: &str| format!("| `{}` | `{}` |", call.replace('|', "\\|"), value.replace('|', "\\|"));
        if std::env::var_os("PLIMSOLL_BLESS").is_some() && !is_true {
            page = page.replace(&row(&written), &row(&value));
        } else {
            assert!(is_true, "built-ins.md: `{call}` gives `{value}`, not `{written}`");
        }
    }
    if page != text {
        std::fs::write(root().join("docs/guide/built-ins.md"), page).expect("written");
    }
}

#[test]
fn every_metric_is_explained() {
    let thresholds = page("thresholds.md");
    for metric in plimsoll::threshold::METRICS {
        let known = is_in_code(&thresholds, metric)
            // Any phase has any statistic, and `p50 … p99.99` stands for all percentiles.
            || metric.split_once('.').is_some_and(|(phase, _)| thresholds.contains(&format!("`{phase}.")))
            || metric.starts_with('p');
        assert!(known, "thresholds.md lacks {metric}");
    }
}

#[test]
fn every_error_code_is_listed() {
    let reference = page("plan-reference.md");
    for (code, words) in plimsoll::compile::explain::codes() {
        let row = format!("| `{code}` | {words} |");
        assert!(reference.contains(&row), "plan-reference.md lacks: {row}");
    }
}

#[test]
fn every_key_of_a_plan_is_explained() {
    let reference = page("plan-reference.md");
    let mut keys = BTreeSet::new();
    collect_keys(&plimsoll::plan::schema::schema(), &mut keys);
    assert!(keys.len() > 40, "{keys:?}");
    for key in keys {
        let nested = format!(".{key}`");
        let explained = is_in_code(&reference, &key) || reference.contains(&nested);
        assert!(explained, "plan-reference.md lacks the key {key}");
    }
}

fn collect_keys(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
        keys.extend(properties.keys().cloned());
    }
    match schema {
        serde_json::Value::Object(map) => map.values().for_each(|value| collect_keys(value, keys)),
        serde_json::Value::Array(items) => items.iter().for_each(|value| collect_keys(value, keys)),
        _ => {}
    }
}

#[test]
fn every_command_and_flag_is_explained() {
    let commands = page("commands.md");
    let help = output(&["--help"]);
    let listed = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let names: Vec<_> = listed.map_while(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 5, "{help}");
    for name in &names {
        assert!(is_in_code(&commands, name), "commands.md lacks the command {name}");
    }
    for name in names.iter().filter(|name| **name != "help") {
        let section = section(&commands, name);
        for flag in flags(&output(&[name, "--help"])) {
            assert!(section.contains(&flag), "commands.md: `{name}` lacks {flag}");
        }
    }
    for flag in flags(&help) {
        assert!(commands.contains(&flag), "commands.md lacks {flag}");
    }
}

fn section<'t>(text: &'t str, name: &str) -> &'t str {
    let start = text.find(&format!("\n## {name}\n")).unwrap_or_else(|| panic!("commands.md: ## {name}"));
    let body = &text[start + 4..];
    &body[..body.find("\n## ").unwrap_or(body.len())]
}

/// Long flags of a help text, without `--help` and `--version`, which all have.
fn flags(help: &str) -> BTreeSet<String> {
    let words =
        help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
    let flags = words.filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches(',').to_owned());
    flags.filter(|flag| flag != "--help" && flag != "--version").collect()
}
