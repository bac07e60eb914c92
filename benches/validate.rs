//! How long it takes to read and compile plans: `cargo bench --bench validate`. One plan of 2 000 lines in several files,
//! a hundred small ones, and plans of a size nobody writes, to see that time grows with size and no faster.
//!
//! What it should be on a quiet machine: the large plan below 50 ms, the hundred below a second.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use plimsoll::compile::{Purpose, compile};
use plimsoll::diagnostic::render_all;
use plimsoll::plan::load::{Overrides, load};

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join(".plimsoll"), "").unwrap();
    large(folder, 400, false);
    println!("{:<44} {}", "one plan of 2 000 lines in 9 files", best(|| check(&folder.join("plan.yaml"), 0)));
    println!("{:<44} {}", "the same with a profile", best(|| check_profile(&folder.join("plan.yaml"))));
    for index in 0..100 {
        fs::write(folder.join(format!("small{index}.yaml")), small(index)).unwrap();
    }
    let hundred = || (0..100).for_each(|index| check(&folder.join(format!("small{index}.yaml")), 0));
    println!("{:<44} {}", "a hundred plans", best(hundred));
    let plans: Vec<_> = (0..100).map(|index| folder.join(format!("small{index}.yaml"))).collect();
    println!("{:<44} {}", "the same in one call of plimsoll validate", best(|| call(&plans)));
    println!("{:<44} {}", "plimsoll validate of the 2 000 lines", best(|| call(&[folder.join("plan.yaml")])));
    for size in [1_000, 2_000, 4_000] {
        large(folder, size, false);
        println!("{:<44} {}", format!("{size} endpoints"), best(|| check(&folder.join("plan.yaml"), 0)));
        large(folder, size, true);
        println!(
            "{:<44} {}",
            format!("{size} endpoints, each with two errors"),
            best(|| check(&folder.join("plan.yaml"), size))
        );
    }
}

/// The shortest of a few tries.
fn best(run: impl Fn()) -> String {
    let tries = (0..5).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    format!("{:>8.1} ms", tries.min().unwrap_or(Duration::ZERO).as_secs_f64() * 1e3)
}

/// The program itself, its start included.
fn call(plans: &[PathBuf]) {
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll")).arg("validate").args(plans).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn check(plan: &Path, least_errors: usize) {
    let loaded = load(plan, &Overrides::default());
    let mut found = loaded.diagnostics.clone();
    let compiled = compile(&loaded, plan, None, Purpose::Check, &mut found);
    let words = render_all(&found, &loaded.sources, false);
    assert!(found.counts().0 >= least_errors && compiled.is_none() == (least_errors > 0), "{words}");
}

fn check_profile(plan: &Path) {
    let overrides = Overrides { profile: Some("p3".to_owned()), ..Overrides::default() };
    let loaded = load(plan, &overrides);
    let mut found = loaded.diagnostics.clone();
    assert!(compile(&loaded, plan, Some("p3"), Purpose::Check, &mut found).is_some());
}

/// A plan of five lines an endpoint, in parts; every tenth endpoint is changed by the plan itself.
fn large(folder: &Path, endpoints: usize, is_wrong: bool) {
    const PARTS: usize = 8;
    let mut plan = "plan: 1\ntarget: http://localhost:9000\nvariables: { page: 5 }\ninclude:\n".to_owned();
    let (key, name) = if is_wrong { ("wieght", "pgae") } else { ("weight", "page") };
    for part in 0..PARTS {
        let mut text = "endpoints:\n".to_owned();
        for index in (part..endpoints).step_by(PARTS) {
            let _ = writeln!(
                text,
                "  endpoint {index}:\n    request: GET /things/{index}?page={{{{ {name} }}}}\n    {key}: 2\n    expect: [status == 200, json.items | length > 0]\n    thresholds: [p95 < 200ms, errors < 1%]"
            );
        }
        fs::write(folder.join(format!("part{part}.yaml")), text).unwrap();
        let _ = writeln!(plan, "  - part{part}.yaml");
    }
    plan.push_str("endpoints:\n");
    (0..endpoints).step_by(10).for_each(|index| {
        let _ = writeln!(plan, "  endpoint {index}: {{ timeout: 5s }}");
    });
    plan.push_str("flows:\n  visit:\n    weight: 1\n    steps:\n");
    (0..endpoints).step_by(4).for_each(|index| {
        let _ = writeln!(plan, "      - use: endpoint {index}");
    });
    plan.push_str("load: { users: 5, duration: 1m }\nprofiles:\n");
    (0..5).for_each(|index| {
        let _ = writeln!(plan, "  p{index}: {{ load: {{ users: {} }} }}", index + 1);
    });
    fs::write(folder.join("plan.yaml"), plan).unwrap();
}

fn small(index: usize) -> String {
    let mut plan = format!("plan: 1\nname: plan {index}\ntarget: http://localhost:9000\nendpoints:\n");
    (0..12).for_each(|i| {
        let _ =
            writeln!(plan, "  e{i}: {{ request: \"GET /{i}/{{{{ user.id }}}}\", thresholds: [p95 < 1s] }}");
    });
    plan.push_str("load: { users: 5, duration: 1m }\n");
    plan
}
