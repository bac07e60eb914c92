//! A result, a baseline and the names of files are texts that anybody may have written: `report`, `compare` and `run` show
//! them harmlessly, and refuse in bounded memory what no run wrote.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Done, Running, Scratch, plimsoll, reports};
use serde_json::{Value, json};

const EVIL: &str = "\u{1b}[31mred\u{1b}]52;c;AAAA\u{7}\r\n::error::owned\n##[group]x \u{202e}rtl \u{9b}2J";
/// Values that are words of a closed list, times and histograms: another text there is a damaged result.
const WORDS: [&str; 10] =
    ["hdr", "verdict", "ended", "kind", "level", "unit", "started_at", "plimsoll", "model", "sha256"];

fn real() -> Value {
    serde_json::from_str(&std::fs::read_to_string("tests/report/result.json").unwrap()).unwrap()
}

/// The result with something harmful in each of its texts and names.
fn poisoned(value: &Value, key: &str) -> Value {
    match value {
        Value::String(text) if !WORDS.contains(&key) => json!(format!("{text}{EVIL}")),
        Value::Array(items) => items.iter().map(|item| poisoned(item, key)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), poisoned(value, key))).collect(),
        other => other.clone(),
    }
}

#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    let is_harmful = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || c == '\u{202e}';
    assert!(!text.contains(is_harmful), "{what}: {text:?}");
    let is_command = |line: &&str| line.trim_start().starts_with("::") || line.contains("##[");
    assert_eq!(text.lines().find(is_command), None, "{what}");
}

fn run(arguments: &[&str], paths: &[&Path]) -> Done {
    let mut command = plimsoll();
    command.args(arguments).args(paths);
    Running::start(command).finish()
}

#[test]
fn texts_of_a_result_are_harmless_wherever_they_are_shown() {
    let scratch = Scratch::new();
    let evil = poisoned(&real(), "");
    let path = scratch.write("evil.json", &evil.to_string());
    let flags = reports::flags(&scratch);
    let flags: Vec<&str> = ["report"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    let done = run(&flags, &[&path]);
    done.assert_code(0);
    assert_harmless("report", &done.output());
    for name in reports::FILES {
        let text = std::fs::read_to_string(scratch.path(name)).unwrap();
        assert_harmless(name, &text.replace("\r\n", "\n"));
    }
    let mut other = evil.clone();
    other["run"]["id"] = json!(format!("other{EVIL}"));
    other["plan"]["effective"]["load"] = json!({EVIL: EVIL});
    let other = scratch.write("other.json", &other.to_string());
    for arguments in [&["compare"][..], &["compare", "--force"], &["compare", "--markdown", "-"]] {
        assert_harmless("compare", &run(arguments, &[&path, &other]).output());
    }
}

#[test]
fn a_baseline_is_harmless_before_and_after_the_run() {
    let scratch = Scratch::new();
    let baseline = scratch.write("base.json", &poisoned(&real(), "").to_string());
    let plan = scratch.write(
        "plan.yaml",
        "plan: 1\ntarget: http://127.0.0.1:9\nendpoints: { a: { request: GET / } }\n\
         load: { users: 1, iterations: 1 }\nthresholds: [ \"p95 <= baseline + 10%\" ]\n",
    );
    let baseline = baseline.display().to_string();
    let done = run(&["run", "--no-reports", "--json", "-", "--baseline", &baseline], &[&plan]);
    assert!(done.output().contains("baseline"), "{}", done.output());
    assert_harmless("run", &done.stderr);
}

#[test]
fn names_of_files_are_harmless() {
    let scratch = Scratch::new();
    let name = "x\n::error::owned\u{1b}[2J##[group]\r\u{202e}.json";
    let paths: Vec<PathBuf> =
        ["missing", "result", "other", "text"].map(|kind| scratch.path(&format!("{kind}{name}"))).into();
    let mut other = real();
    other["run"]["id"] = json!("other");
    std::fs::write(&paths[1], real().to_string()).unwrap();
    std::fs::write(&paths[2], other.to_string()).unwrap();
    std::fs::write(&paths[3], "no JSON").unwrap();
    let folder = scratch.path(&format!("folder{name}"));
    std::fs::create_dir(&folder).unwrap();
    let plan = scratch.path(&format!("plan{name}.yaml"));
    let good = scratch.write("good.yaml", "plan: 1\ntarget: http://127.0.0.1:9\nendpoints: { a: { request: GET / } }\nload: { users: 1, iterations: 1 }\n");
    std::fs::write(&plan, "plan: 1\ntarget: http://127.0.0.1:9\nendpoints: { a: { request: GET / } }\nload: { users: 1, iterations: 1 }\nx: 1\n").unwrap();
    for (what, done) in [
        ("report of what is missing", run(&["report"], &[&paths[0]])),
        ("report", run(&["report"], &[&paths[1]])),
        ("report of a text", run(&["report"], &[&paths[3]])),
        (
            "report to a path",
            run(&["report", "--html"], &[&scratch.path(&format!("page{name}.html")), &paths[1]]),
        ),
        ("report to a folder", run(&["report", "--html"], &[&folder, &paths[1]])),
        ("compare", run(&["compare"], &[&paths[1], &paths[2]])),
        (
            "compare with itself",
            run(&["compare", "--base"], &[&paths[1], &paths[1], Path::new("--new"), &paths[2]]),
        ),
        ("compare what is missing", run(&["compare"], &[&paths[0], &paths[2]])),
        ("compare an empty folder", run(&["compare"], &[&folder, &paths[2]])),
        ("validate", run(&["validate"], &[&plan])),
        ("run", run(&["run"], &[&plan])),
        (
            "run with a baseline",
            run(&["run", "--no-reports", "--baseline", &paths[3].display().to_string()], &[&good]),
        ),
        ("a plan that is missing", run(&["run"], &[&paths[0]])),
    ] {
        assert_harmless(what, &done.output());
    }
}

#[test]
fn what_no_run_wrote_is_refused_in_bounded_memory() {
    let scratch = Scratch::new();
    let small = scratch.write("small.json", &real().to_string());
    let (done, base_kib) = measured("report", &[&small]);
    done.assert_code(0);
    let many = |one: &str, count: usize| format!("[{}{one}]", format!("{one},").repeat(count));
    let with = |pointer: &str, value: &str| {
        let mut result = real();
        *result.pointer_mut(pointer).unwrap() = json!("HERE");
        result.to_string().replacen("\"HERE\"", value, 1)
    };
    let row = |name: usize| {
        format!("\"row-{name}\":{{\"requests\":1,\"failures\":0,\"p50_us\":1,\"p95_us\":1,\"p99_us\":1}}")
    };
    let rows: Vec<_> = (0..700_000).map(row).collect();
    for (what, text) in [
        ("values of the plan", with("/plan/effective", &many("0", 5_000_000))),
        (
            "lists in lists",
            with("/plan/effective", &format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000))),
        ),
        ("a long text", with("/reason", &format!("\"{}\"", "x".repeat(100 << 20)))),
        ("notes", with("/notes", &many("\"\"", 4_000_000))),
        ("rows of a second", with("/timeline/0/per_series", &format!("{{{}}}", rows.join(",")))),
        (
            "seconds",
            with(
                "/timeline",
                &many(r#"{"at_s":1,"users":1,"rps":1,"failures":0,"per_series":{}}"#, 1_000_000),
            ),
        ),
        (
            "statuses",
            with(
                "/totals/status",
                &format!("{{{}\"\":1}}", (0..1_500_000).map(|n| format!("\"{n}\":1,")).collect::<String>()),
            ),
        ),
    ] {
        let path = scratch.write("large.json", &text);
        for command in ["report", "compare"] {
            let paths: &[&Path] = if command == "report" { &[&path] } else { &[&path, &small] };
            let (done, kib) = measured(command, paths);
            done.assert_code(3);
            assert!(
                done.stderr.starts_with("error: ") && done.stderr.lines().count() == 1,
                "{what}: {}",
                done.stderr
            );
            assert!(kib < 2 * base_kib + (64 << 10), "{what}: {} MiB for {} MiB", kib >> 10, base_kib >> 10);
        }
    }
}

#[test]
fn a_file_longer_than_a_result_is_not_read() {
    let scratch = Scratch::new();
    let path = scratch.path("long.json");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"{").unwrap();
    file.set_len((256 << 20) + 1).unwrap();
    let done = run(&["report"], &[&path]);
    done.assert_code(3);
    assert!(done.stderr.contains("it is larger than 256 MiB"), "{}", done.stderr);
}

#[test]
fn a_histogram_of_fifty_bytes_asks_for_no_gigabytes() {
    let scratch = Scratch::new();
    let (_, base_kib) = measured("report", &[&scratch.write("small.json", &real().to_string())]);
    let mut result = real();
    // Its header says that 4 GiB follow.
    let header = "HISTE/////AAAAAAAAAAAwAAAAAAAAABAAAAANaTpAA/8AAAAAAAAAI=";
    for row in ["totals", "series"] {
        let row = if row == "totals" { &mut result[row] } else { &mut result[row][0] };
        for value in row.as_object_mut().unwrap().values_mut().filter(|value| value.get("hdr").is_some()) {
            value["hdr"] = json!(header);
        }
    }
    let path = scratch.write("evil.json", &result.to_string());
    let (done, kib) = measured("report", &[&path]);
    done.assert_code(0);
    assert!(kib < 2 * base_kib + (64 << 10), "{} MiB for {} MiB", kib >> 10, base_kib >> 10);
    let done = run(&["report", "--hdr"], &[&scratch.path("a.hgrm"), &path]);
    done.assert_code(3);
    assert!(done.stderr.contains("a histogram of the result is damaged"), "{}", done.stderr);
}

/// The command, and the most memory it had, KiB.
fn measured(command: &str, paths: &[&Path]) -> (Done, u64) {
    let mut process: Command = plimsoll();
    process.arg(command).args(paths);
    Running::start(process).finish_measured()
}
