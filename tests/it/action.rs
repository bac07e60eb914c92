//! The action of GitHub Actions: which arguments its script gives to the program, for whom it limits the plan, and that a stranger
//! cannot lead the reports elsewhere. The program is a stand-in that prints what it is given.
#![cfg(target_os = "linux")]

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use crate::support::pages::{read, root};
use crate::support::{Done, Running, Scratch};

/// The script of the step `run`.
fn script() -> String {
    let text = read(&root().join("action.yml"));
    let action: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let steps = action["runs"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["id"] == "run").unwrap();
    step["run"].as_str().unwrap().to_owned()
}

/// Runs it with these variables; the arguments one a line.
fn run(scratch: &Scratch, variables: &[(&str, &str)]) -> Done {
    std::fs::create_dir_all(scratch.path("program/bin")).unwrap();
    let program = scratch.write("program/bin/plimsoll", "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir_all(scratch.path("work")).unwrap();
    let mut command = Command::new("bash");
    // As the runner calls it.
    command
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script()])
        .current_dir(scratch.path("work"));
    command.env("FOLDER", scratch.path("program")).env("GITHUB_OUTPUT", scratch.path("output"));
    for name in ["PROFILE", "ARGS", "ALLOW_TARGET", "ALLOW_ENV"] {
        command.env(name, "");
    }
    command
        .env("PLAN", "plan.yaml")
        .env("REPORTS", "reports")
        .env("UNTRUSTED", "auto")
        .env("FROM_FORK", "false");
    command.envs(variables.iter().copied());
    Running::start(command).finish()
}

fn arguments(variables: &[(&str, &str)]) -> Vec<String> {
    let done = run(&Scratch::new(), variables);
    done.assert_code(0);
    done.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_plan_of_a_fork_is_limited() {
    let allowed = [("ALLOW_TARGET", "a.example\n\n*.b.example:443\n"), ("ALLOW_ENV", "ONE\nTWO")];
    let limits = [
        "--untrusted",
        "--allow-target=a.example",
        "--allow-target=*.b.example:443",
        "--allow-env=ONE",
        "--allow-env=TWO",
    ];
    let plain =
        ["--html", "reports/report.html", "--json", "reports/result.json", "--junit", "reports/junit.xml"];
    let end = ["--", "plan.yaml"];
    for (untrusted, from_fork, is_limited) in [
        ("auto", "true", true),
        ("auto", "false", false),
        // What GitHub could not tell.
        ("auto", "", true),
        ("always", "false", true),
        ("never", "true", false),
    ] {
        let variables = [allowed.as_slice(), &[("UNTRUSTED", untrusted), ("FROM_FORK", from_fork)]].concat();
        let expected = match is_limited {
            true => [&["run"], limits.as_slice(), &plain, &end].concat(),
            false => [&["run"], plain.as_slice(), &end].concat(),
        };
        assert_eq!(arguments(&variables), expected, "{untrusted} {from_fork}");
    }
    run(&Scratch::new(), &[("UNTRUSTED", "yes")]).assert_code(2);
}

#[test]
fn a_fork_cannot_lead_the_reports_elsewhere() {
    let fork = [("FROM_FORK", "true")];
    type Prepare = fn(&Scratch);
    let cases: [(i32, Prepare); 5] = [
        (0, |scratch| std::fs::create_dir(scratch.path("work/reports")).unwrap()),
        (0, |scratch| {
            std::fs::create_dir(scratch.path("work/reports")).unwrap();
            std::fs::write(scratch.path("work/reports/old.html"), "").unwrap();
        }),
        (2, |scratch| symlink("/tmp", scratch.path("work/reports")).unwrap()),
        (2, |scratch| symlink("nowhere", scratch.path("work/reports")).unwrap()),
        (2, |scratch| {
            std::fs::create_dir(scratch.path("work/reports")).unwrap();
            symlink("/etc/hosts", scratch.path("work/reports/report.html")).unwrap();
        }),
    ];
    for (index, (code, prepare)) in cases.into_iter().enumerate() {
        let scratch = Scratch::new();
        std::fs::create_dir(scratch.path("work")).unwrap();
        prepare(&scratch);
        let done = run(&scratch, &fork);
        assert_eq!(done.code, code, "case {index}: {}", done.output());
    }
}

/// The rule itself is GitHub's to evaluate: it stands in the file as it is meant.
#[test]
fn who_is_a_fork() {
    let text = read(&root().join("action.yml"));
    for part in ["head.repo.fork", "head.repo.full_name != github.repository"] {
        let line = text.lines().find(|line| line.trim_start().starts_with("FROM_FORK:")).unwrap();
        assert!(line.contains(part), "{line}");
    }
}
