//! `plimsoll compare` as its user runs it: verdicts, exit codes, and what it says when there is nothing to compare.

use std::path::PathBuf;

use crate::support::fault_server::FaultServer;
use crate::support::{Done, Running, Scratch, plimsoll, quiet, read_json};
use serde_json::{Value, json};

fn compare(arguments: &[&str], paths: &[PathBuf]) -> Done {
    let mut command = plimsoll();
    command.arg("compare").args(arguments).args(paths);
    Running::start(command).finish()
}

fn last_line(done: &Done) -> &str {
    done.stdout.lines().last().unwrap_or_default()
}

/// A real result, of 60 requests.
fn result(scratch: &Scratch) -> Value {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ ok: {{ request: GET /ok }} }}\nload: {{ users: 2, iterations: 60 }}\n",
        server.url
    );
    let mut result = scratch.run(&plan, &[]).result;
    // Whether this machine was quiet is another test's matter.
    quiet(&mut result);
    result
}

/// The result as if run `number` had brought these, in µs and failures of 5 000 requests.
fn changed(result: &Value, number: usize, us: f64, failures: u64) -> Value {
    let mut result = result.clone();
    result["run"]["id"] = json!(format!("run-{number}"));
    let change = |row: &mut Value| {
        row["requests"] = json!(5_000);
        row["failures"] = json!(failures);
        row["error_ratio"] = json!(failures as f64 / 5_000.0);
        row["rps"] = json!(100.0);
        for (name, factor) in [("p50", 1.0), ("p95", 2.0), ("p99", 3.0)] {
            row["latency_us"][name] = json!((us * factor).round() as u64);
        }
        row["latency_us"]["mean"] = json!(us * 1.2);
    };
    change(&mut result["totals"]);
    change(&mut result["series"][0]);
    result
}

/// Files of four runs, with these medians.
fn four(scratch: &Scratch, result: &Value, side: &str, us: f64, failures: u64) -> PathBuf {
    let folder = scratch.path(side);
    std::fs::create_dir_all(&folder).unwrap();
    for (number, noise) in [0.99, 1.0, 1.005, 1.01].into_iter().enumerate() {
        let id = number + side.bytes().map(usize::from).sum::<usize>() * 10;
        let text = changed(result, id, us * noise, failures).to_string();
        std::fs::write(folder.join(format!("{number}.json")), text).unwrap();
    }
    // A folder may hold other things.
    std::fs::write(folder.join("package.json"), "{}").unwrap();
    std::fs::write(folder.join("notes.txt"), "slow").unwrap();
    folder
}

#[test]
fn folders_of_runs_are_the_same_better_or_worse() {
    let scratch = Scratch::new();
    let result = result(&scratch);
    let base = four(&scratch, &result, "base", 10_000.0, 5);
    let again = four(&scratch, &result, "again", 10_020.0, 6);
    let slower = four(&scratch, &result, "slower", 11_500.0, 5);
    let failing = four(&scratch, &result, "failing", 2_000.0, 400);

    let same = compare(&[], &[base.clone(), again]);
    assert_eq!(
        (same.code, last_line(&same)),
        (0, "✓ SAME — no change found in 12 values · exit 0"),
        "{}",
        same.stdout
    );

    let worse = compare(&[], &[base.clone(), slower.clone()]);
    let line = "✗ WORSE — p50 of \"All requests\" 10 ms → 11.5 ms (+15.0 %) (8 of 12 values worse) · exit 1";
    assert_eq!((worse.code, last_line(&worse)), (1, line), "{}", worse.stdout);
    assert!(worse.stdout.contains("higher in 16 of 16 pairs of runs"), "{}", worse.stdout);
    assert!(worse.stdout.contains("\nGET ok\n"), "{}", worse.stdout);

    // Sides by name, files one by one, only the verdict.
    let files = |folder: &PathBuf| (0..4).map(|n| folder.join(format!("{n}.json"))).collect::<Vec<_>>();
    let mut command = plimsoll();
    command.arg("compare").arg("-q").arg("--base").args(files(&base)).arg("--new").args(files(&slower));
    let by_name = Running::start(command).finish();
    assert_eq!((by_name.code, by_name.stdout.trim_end()), (1, line));

    let better = compare(&["-q"], &[slower.clone(), base.clone()]);
    assert_eq!(better.code, 0);
    assert!(
        better.stdout.starts_with("✓ BETTER — p50 of \"All requests\" 11.5 ms → 10 ms (−13.0 %)"),
        "{}",
        better.stdout
    );

    let trifle = compare(&["-q", "--margin", "20%"], &[base.clone(), slower]);
    assert_eq!(trifle.code, 0, "{}", trifle.stdout);
    assert!(trifle.stdout.starts_with("✓ SAME"), "{}", trifle.stdout);

    // Five times as fast, because it only says no.
    let failing = compare(&[], &[base, failing]);
    assert_eq!(failing.code, 1);
    assert!(
        last_line(&failing).starts_with("✗ WORSE — errors of \"All requests\" 0.1 % → 8 % (+7.90 pp)"),
        "{}",
        failing.stdout
    );
    assert!(failing.stdout.contains("failing fast is no gain"), "{}", failing.stdout);
    assert!(!failing.stdout.contains("better"), "{}", failing.stdout);
}

#[test]
fn what_cannot_be_compared_says_why() {
    let scratch = Scratch::new();
    let result = result(&scratch);
    let base = scratch.write("base.json", &result.to_string());
    let other = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut result = result.clone();
        result["run"]["id"] = json!(name);
        change(&mut result);
        scratch.write(&format!("{name}.json"), &result.to_string())
    };
    let load = other("load", &|r| r["plan"]["effective"]["load"]["users"] = json!(4));
    let model = other("model", &|r| r["run"]["model"] = json!("open-poisson"));
    let plan = other("plan", &|r| r["plan"]["effective"]["endpoints"]["ok"]["request"] = json!("GET /slow"));
    let invalid = other("invalid", &|r| {
        r["generator"]["valid"] = json!(false);
        r["generator"]["reasons"] =
            json!([{"kind": "stall", "from_s": 0.0, "to_s": 1.0, "detail": "a worker stood still"}]);
    });
    let disturbed = other("disturbed", &|r| r["generator"]["queued_share"] = json!(0.4));
    let late = other("late", &|r| r["generator"]["lateness_us"] = json!(60_000_000));
    let aborted = other("aborted", &|r| r["run"]["ended"] = json!("aborted"));
    let short = other("short", &|r| r["plan"]["name"] = json!("another name"));
    for (new, words) in [
        (load, "another load: load.users 2 → 4 ("),
        (model, "another load model: closed → open-poisson ("),
        (plan, "another plan: endpoints.ok.request GET /ok → GET /slow ("),
        (invalid.clone(), "the new run is invalid, the generator was the limit ("),
        (disturbed, "the new run is disturbed ("),
        (late, "its generator was up to 60 s late (p99)"),
        (aborted, "was aborted after"),
        (short, "too little data: needs"),
    ] {
        let done = compare(&["-q"], &[base.clone(), new]);
        assert_eq!(done.code, 4, "{}{}", done.stdout, done.stderr);
        assert!(done.stdout.starts_with("✗ NOT COMPARABLE — "), "{}", done.stdout);
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    let forced = compare(&["--force"], &[base, invalid]);
    assert!(forced.stdout.contains("invalid: 1 of 1 new run, the first is "), "{}", forced.stdout);
    assert!(forced.stdout.contains("All requests"), "{}", forced.stdout);
}

#[test]
fn wrong_usage_and_unreadable_files() {
    let scratch = Scratch::new();
    let result = result(&scratch);
    let base = scratch.write("base.json", &result.to_string());
    let copy = scratch.write("copy.json", &result.to_string());
    let page = scratch.write("page.json", "<html>");
    let usage = |paths: &[&PathBuf], words: &str| {
        let paths: Vec<_> = paths.iter().map(|path| (*path).clone()).collect();
        let done = compare(&[], &paths);
        assert_eq!(done.code, 2, "{}", done.stderr);
        assert!(done.stderr.contains(words) && done.stderr.contains("compare"), "{}", done.stderr);
    };
    usage(&[], "no base result");
    usage(&[&base], "which of these 1 results are the new ones?");
    usage(&[&base, &copy, &copy], "which of these 3 results are the new ones?");
    let done = compare(&[base.to_str().unwrap(), "--new"], &[base.clone(), copy.clone()]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("are the same run; give each once"), "{}", done.stderr);
    for (path, words) in [(page, "not a result of plimsoll"), (scratch.path("none.json"), "cannot read")] {
        let done = compare(&[], &[base.clone(), path]);
        assert_eq!(done.code, 3, "{}", done.stderr);
        assert!(done.stderr.contains(words), "{}", done.stderr);
    }
    for margin in ["5", "0%", "-1%", "200%"] {
        let done = compare(&[&format!("--margin={margin}")], &[base.clone(), copy.clone()]);
        assert_eq!(done.code, 2, "{margin}");
    }
}

#[test]
fn the_comparison_as_json() {
    let scratch = Scratch::new();
    let result = result(&scratch);
    let base = four(&scratch, &result, "base", 10_000.0, 5);
    let slower = four(&scratch, &result, "slower", 11_500.0, 5);
    let mut invalid = changed(&result, 999, 50_000.0, 0);
    invalid["generator"]["valid"] = json!(false);
    std::fs::write(base.join("invalid.json"), invalid.to_string()).unwrap();
    let path = scratch.path("comparison.json");
    let done = compare(&["--json", path.to_str().unwrap()], &[base, slower]);
    assert_eq!(done.code, 1);
    let written = read_json(&path);
    assert_eq!(written["verdict"], "worse");
    assert_eq!(written["base"].as_array().unwrap().len(), 4, "one is left out");
    let note = written["notes"][0].as_str().unwrap();
    assert!(note.starts_with("left out as invalid: 1 of 5 base runs, the first is "), "{note}");
    assert_eq!(written["rows"][1]["name"], "ok");
    let cell = &written["rows"][1]["cells"][1];
    assert_eq!((&cell["metric"], &cell["verdict"]), (&json!("p95"), &json!("worse")));
    assert!((cell["change"].as_f64().unwrap() - 0.15).abs() < 0.001, "{cell}");
    assert!(cell["p_value"].as_f64().unwrap() <= 0.05, "{cell}");
}

#[test]
fn the_comparison_as_a_page_and_for_a_pull_request() {
    let scratch = Scratch::new();
    let result = result(&scratch);
    let base = four(&scratch, &result, "base", 10_000.0, 5);
    let slower = four(&scratch, &result, "slower", 11_500.0, 5);
    let page = scratch.path("compare.html");
    let sides = [base, slower];
    let done = compare(&["--html", page.to_str().unwrap(), "--markdown", "-"], &sides);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stdout.starts_with("## ✗ WORSE: 4 runs → 4 runs\n"), "{}", done.stdout);
    let last = done.stderr.lines().last().unwrap();
    assert!(last.starts_with("✗ WORSE — ") && last.ends_with(" · exit 1"), "{last}");
    let page = std::fs::read_to_string(page).unwrap();
    // Each value of the table stands in both.
    let table = done.stderr.lines().filter(|line| line.starts_with("  p95 ") || line.starts_with("  mean "));
    let cells: Vec<_> =
        table.flat_map(|line| line.split("  ").map(str::trim)).filter(|cell| cell.contains(" ms")).collect();
    assert!(cells.len() >= 8, "{}", done.stderr);
    for cell in cells {
        assert!(page.contains(&format!(">{cell}</td>")), "{cell}");
        assert!(done.stdout.contains(&format!("`{cell}`")), "{cell}");
    }
    assert!(page.contains("the runs in the middle by p95 are drawn"), "{page}");
    let done = compare(&["--html", "same", "--json", "same"], &sides);
    assert!(done.code == 2 && done.stderr.contains("name the same file"), "{}", done.stderr);
}
