//! The guide is true: every plan and part of a plan in it is read as a plan, every command line is one, and the
//! commands of its chapters are typed, in order, against the demo platform.
//!
//! What the words after a fence mean:
//! - ` ```yaml first.yaml ` or a first line `# first.yaml`: the file of that name, for what follows on this page and on
//!   the pages after it;
//! - ` ```yaml wrong `: has the error that the next block shows;
//! - ` ```yaml ci `: a file of another program, in which plimsoll is called;
//! - ` ```console elsewhere `: cannot be typed here: it needs files, a network or a time that a test does not have.

mod console;
mod inline;
mod snippet;

use std::path::Path;

use crate::support::demo::Demo;
use crate::support::pages::{self, Block, Page, pages};
use plimsoll::diagnostic::FileId;
use plimsoll::plan::parse::Format;
use regex::Regex;

/// What the commands of a page find besides its own files.
const FOUND: &str = "tests/guide/files";

/// Pages besides those about other tools whose tables say what to write.
const TABLES: [&str; 6] = ["README.md", "requests.md", "journeys.md", "data.md", "signing-in.md", "load.md"];

/// Made from `docs/errors/`, whose examples `tests/it/explain.rs` checks.
const MADE: &str = "errors.md";

fn format_of(block: &Block) -> Format {
    if block.language == "toml" { Format::Toml } else { Format::Yaml }
}

/// A folder with what snippets may name, and the files of the pages before this one.
fn folder_of(pages: &[Page], at: usize, change: &dyn Fn(&str) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    crate::support::pages::lay_out(folder.path());
    for page in &pages[..at] {
        page.blocks().iter().for_each(|block| write(folder.path(), block, change));
    }
    folder
}

fn write(folder: &Path, block: &Block, change: &dyn Fn(&str) -> String) {
    let Some(name) = block.file() else { return };
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, change(&block.text)).unwrap();
}

/// What is wrong with a block of a plan, if anything.
fn problem_of(folder: &Path, block: &Block, next: Option<&Block>) -> Result<(), String> {
    let format = format_of(block);
    if block.has("ci") {
        return calls_of(&block.text);
    }
    // A line for editors says nothing.
    if block.text.lines().all(|line| line.starts_with('#')) {
        return Ok(());
    }
    if !snippet::is_whole(format, &block.text) && !block.has("wrong") {
        return snippet::check(folder, format, &block.text);
    }
    let name = block.file().map_or_else(|| format!("plan.{}", block.language), str::to_owned);
    std::fs::write(folder.join(&name), &block.text).unwrap();
    let told = snippet::told(&folder.join(&name)).replace(&format!("{}/", folder.display()), "");
    if !block.has("wrong") {
        return if told.is_empty() { Ok(()) } else { Err(told) };
    }
    let shown = next.ok_or("nothing shows its error")?.text.lines().filter(|line| !line.starts_with("$ "));
    let shown: Vec<_> = shown.take_while(|line| *line != "…").map(str::trim_end).collect();
    let is_shown = shown.first().is_some_and(|line| line.starts_with("error["));
    let came: Vec<_> = told.lines().map(str::trim_end).collect();
    match is_shown && came.windows(shown.len()).any(|came| came == shown) {
        true => Ok(()),
        false => Err(format!("the next block shows another error than this one:\n{told}")),
    }
}

/// Every text of a YAML file that calls plimsoll must be a command line.
fn calls_of(text: &str) -> Result<(), String> {
    let node = Format::Yaml.parse(text, FileId(0)).0.ok_or("it is no YAML")?;
    let mut texts = vec![];
    collect(&node.to_json(), &mut texts);
    texts.iter().filter_map(|text| console::of(text)).try_for_each(|typed| typed.parses())
}

fn collect(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        serde_json::Value::Object(map) => map.values().for_each(|item| collect(item, texts)),
        _ => {}
    }
}

#[test]
fn every_snippet_is_a_plan_or_a_part_of_one() {
    let (pages, mut wrong, mut tried) = (pages(), vec![], 0);
    for (at, page) in pages.iter().enumerate().filter(|(_, page)| page.name() != MADE) {
        let folder = folder_of(&pages, at, &str::to_owned);
        let blocks = page.blocks();
        // Parts may stand below the plans that include them.
        blocks.iter().rev().for_each(|block| write(folder.path(), block, &str::to_owned));
        for (index, block) in blocks.iter().enumerate() {
            write(folder.path(), block, &str::to_owned);
            if block.is_plan_text() {
                tried += 1;
                let problem = problem_of(folder.path(), block, blocks.get(index + 1));
                wrong.extend(problem.err().map(|words| format!("{}\n{words}", page.place(block.line))));
            } else if block.language == "dotenv" {
                wrong.extend(
                    variables_of(folder.path(), block)
                        .err()
                        .map(|words| format!("{}\n{words}", page.place(block.line))),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried >= 50, "only {tried} snippets");
}

/// A file of variables that a plan reads.
fn variables_of(folder: &Path, block: &Block) -> Result<(), String> {
    let file = folder.join("variables.env");
    std::fs::write(&file, &block.text).unwrap();
    let plan = folder.join("variables.yaml");
    std::fs::write(&plan, "plan: 1\ntarget: http://localhost:9000\nendpoints: { one: { request: GET / } }\n")
        .unwrap();
    let typed =
        console::of(&format!("plimsoll validate {} --env-file {}", plan.display(), file.display())).unwrap();
    let done = crate::support::Running::start({
        let mut command = crate::support::plimsoll();
        command.args(&typed.arguments);
        command
    });
    let done = done.finish();
    if done.code == 0 && done.stderr.is_empty() { Ok(()) } else { Err(done.output()) }
}

#[test]
fn every_command_line_is_one() {
    let (mut wrong, mut tried) = (vec![], 0);
    for page in pages() {
        let in_blocks = page
            .blocks()
            .into_iter()
            .flat_map(|block| console::typed(&block).into_iter().map(move |typed| (block.line, typed)));
        let in_lines = pages::prose(&page.text).flat_map(|(line, text)| {
            let codes = pages::code(text).into_iter().filter(|code| code.starts_with("plimsoll "));
            codes.filter_map(move |code| Some((line, console::of(&console::without_placeholders(&code))?)))
        });
        let told = |line, words: Result<(), String>| {
            words.err().map(|words| format!("{}\n{words}", page.place(line)))
        };
        for (line, typed) in in_blocks {
            tried += 1;
            wrong.extend(told(line, typed.parses()));
        }
        for (line, typed) in in_lines {
            tried += 1;
            wrong.extend(told(line, typed.could_parse()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried >= 60, "only {tried} command lines");
}

#[test]
fn code_in_tables_is_known_and_read() {
    let folder = tempfile::tempdir().unwrap();
    crate::support::pages::lay_out(folder.path());
    let (known, mut wrong, mut tried) = (inline::words(), vec![], 0);
    let is_checked =
        |page: &&Page| page.name().starts_with("from-") || TABLES.contains(&page.name().as_str());
    for page in pages().iter().filter(is_checked) {
        for (line, text) in pages::prose(&page.text) {
            let Some(cells) = pages::cells(text) else { continue };
            for code in pages::code(cells.last().unwrap()) {
                tried += 1;
                let problem = inline::check(folder.path(), &known, &code).err();
                wrong.extend(problem.map(|words| format!("{}: `{code}`\n{words}", page.place(line))));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried >= 150, "only {tried} pieces of code");
}

#[test]
fn parts_of_plans_in_sentences_are_read() {
    let folder = tempfile::tempdir().unwrap();
    crate::support::pages::lay_out(folder.path());
    let is_part = Regex::new(r"^[a-z_]+: [\[{].*[\]}]$").unwrap();
    let (mut wrong, mut tried) = (vec![], 0);
    for page in pages().iter().filter(|page| page.name() != MADE && !page.name().starts_with("from-")) {
        for (line, text) in pages::prose(&page.text) {
            // `…` stands for what is not written.
            let codes =
                pages::code(text).into_iter().filter(|code| is_part.is_match(code) && !code.contains('…'));
            for code in codes {
                tried += 1;
                let problem = snippet::check(folder.path(), Format::Yaml, &code).err();
                wrong.extend(problem.map(|words| format!("{}: `{code}`\n{words}", page.place(line))));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried >= 30, "only {tried} parts of plans");
}

/// Types what a page types, in order, in a folder with its files so far.
fn type_along(pages: &[Page], at: usize) -> (usize, Vec<String>) {
    let page = &pages[at];
    let is_typed = |block: &Block| {
        let typed = console::typed(block).into_iter().any(|typed| !typed.is_for_shell);
        typed && block.language == "console" && !block.has("elsewhere")
    };
    if !page.blocks().iter().any(is_typed) {
        return (0, vec![]);
    }
    let demo = Demo::start(&[]);
    let change = |text: &str| console::to_demo(text, &demo);
    let folder = folder_of(pages, at, &change);
    crate::support::pages::copy(&pages::root().join("plans"), &folder.path().join("plans"));
    crate::support::pages::copy(&pages::root().join("templates"), &folder.path().join("templates"));
    let found = pages::root().join(FOUND).join(page.name());
    if found.exists() {
        crate::support::pages::copy(&found, folder.path());
    }
    let (mut tried, mut wrong) = (0, vec![]);
    for block in page.blocks() {
        write(folder.path(), &block, &change);
        if !is_typed(&block) {
            continue;
        }
        for typed in console::typed(&block).into_iter().filter(|typed| !typed.is_for_shell) {
            tried += 1;
            let problem = typed.run(folder.path(), &demo).err();
            let words = |words| {
                format!("{}: plimsoll {}\n{words}", page.place(block.line), typed.arguments.join(" "))
            };
            wrong.extend(problem.map(words));
        }
    }
    (tried, wrong)
}

#[test]
fn what_is_typed_gives_what_is_shown() {
    let pages = pages();
    let done: Vec<_> = std::thread::scope(|scope| {
        let pages = &pages;
        let all: Vec<_> = (0..pages.len()).map(|at| scope.spawn(move || type_along(pages, at))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let wrong: Vec<_> = done.iter().flat_map(|(_, wrong)| wrong.clone()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let tried: usize = done.iter().map(|(tried, _)| tried).sum();
    assert!(tried >= 20, "only {tried} commands were typed");
}
