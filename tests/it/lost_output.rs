//! What a command has to say and cannot: standard output on a full disk, past a limit on the size of files, or closed. The
//! exit code never says that all was delivered. And who may read what was written, core dumps among it.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use crate::support::fault_server::FaultServer;
use crate::support::{Done, Running, Scratch};

/// A shell in the scratch folder that runs the program as `"$0" "$@"`.
fn shell(scratch: &Scratch, script: &str, arguments: &[&str]) -> Done {
    let mut command = Command::new("bash");
    command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_plimsoll")).args(arguments);
    command.current_dir(scratch.path("")).env_remove("GITHUB_ACTIONS");
    Running::start(command).finish()
}

/// A folder with a plan, a wrong one, and two results.
fn folder(server: &FaultServer) -> Scratch {
    let scratch = Scratch::new();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /ok }} }}\nload: {{ users: 1, iterations: 3 }}\n",
        server.url
    );
    scratch.write("plan.yaml", &plan);
    scratch.write("wrong.yaml", &plan.replace("GET", "FETCH"));
    for name in ["a.json", "b.json"] {
        let done = shell(
            &scratch,
            "\"$0\" \"$@\"",
            &["run", "--allow-invalid", "--no-reports", "--json", name, "plan.yaml"],
        );
        done.assert_code(0);
    }
    scratch
}

/// Each command whose product is what it prints, with its exit code when all goes well.
const COMMANDS: [(i32, &[&str]); 24] = [
    (0, &["--version"]),
    (0, &["--help"]),
    (0, &["run", "--help"]),
    (0, &["help", "show"]),
    (0, &["validate", "plan.yaml"]),
    (0, &["validate", "--format", "json", "plan.yaml"]),
    (0, &["validate", "--format", "sarif", "plan.yaml"]),
    (2, &["validate", "wrong.yaml"]),
    (2, &["validate", "--format", "json", "wrong.yaml"]),
    (2, &["validate", "--format", "github", "wrong.yaml"]),
    (2, &["validate", "--format", "sarif", "wrong.yaml"]),
    (0, &["schema", "plan"]),
    (0, &["schema", "part"]),
    (0, &["schema", "result"]),
    (0, &["show", "plan.yaml"]),
    (0, &["explain"]),
    (0, &["explain", "P012"]),
    (0, &["completions", "bash"]),
    (0, &["try", "plan.yaml"]),
    (0, &["report", "a.json"]),
    (0, &["report", "a.json", "-q"]),
    (0, &["report", "a.json", "-q", "--markdown", "-"]),
    // Two runs of three requests tell nothing.
    (4, &["compare", "a.json", "b.json"]),
    (4, &["compare", "a.json", "b.json", "-q", "--json", "-"]),
];

#[test]
fn a_full_disk_behind_standard_output_is_never_a_success() {
    let server = FaultServer::start();
    let scratch = folder(&server);
    for (code, arguments) in COMMANDS {
        let done = shell(&scratch, "\"$0\" \"$@\" >/dev/null", arguments);
        assert_eq!(done.code, code, "{arguments:?}: {}", done.output());
        let done = shell(&scratch, "\"$0\" \"$@\" >/dev/full", arguments);
        assert_eq!(done.code, 3, "{arguments:?}: {}", done.output());
        let told = done.stderr.matches("no space left").count();
        assert_eq!(told, 1, "{arguments:?}: {}", done.stderr);
    }
    let done = shell(&scratch, "\"$0\" \"$@\" >/dev/full", &["init", "new"]);
    done.assert_code(3);
    assert!(done.stderr.contains("cannot write standard output: no space left"), "{}", done.stderr);
    let done = shell(
        &scratch,
        "\"$0\" \"$@\" >/dev/full",
        &["serve-demo", "--auth-port=0", "--agents-port=0", "--rag-port=0"],
    );
    done.assert_code(3);
}

/// A run's products are its exit code and its reports.
#[test]
fn a_summary_that_is_lost_leaves_the_verdict() {
    let server = FaultServer::start();
    let scratch = folder(&server);
    let arguments = ["run", "--allow-invalid", "--no-reports", "plan.yaml"];
    let done = shell(&scratch, "\"$0\" \"$@\" >/dev/full", &arguments);
    done.assert_code(0);
    assert!(done.stderr.contains("cannot write standard output: no space left"), "{}", done.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_changes_no_exit_code() {
    let server = FaultServer::start();
    let scratch = folder(&server);
    for (code, arguments) in COMMANDS {
        let done = shell(&scratch, "exec 3> >(exec true); wait $!; \"$0\" \"$@\" >&3", arguments);
        assert_eq!(done.code, code, "{arguments:?}: {}", done.output());
        assert!(!done.stderr.contains("cannot write"), "{arguments:?}: {}", done.stderr);
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_a_failed_write_and_no_crash() {
    let server = FaultServer::start();
    let scratch = folder(&server);
    let done = shell(&scratch, "ulimit -f 1; \"$0\" \"$@\" >out", &["schema", "plan"]);
    done.assert_code(3);
    assert!(done.stderr.contains("cannot write standard output: file too large"), "{}", done.stderr);
}

#[test]
fn what_quotes_answers_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = FaultServer::start();
    let scratch = folder(&server);
    let reports = [
        "--html=r.html",
        "--json=r.json",
        "--junit=r.xml",
        "--markdown=r.md",
        "--csv=r",
        "--hdr=r.hgrm",
        "--samples=r.jsonl",
        "--reports=kept",
    ];
    let arguments = [&["run", "--allow-invalid", "-q", "plan.yaml"], reports.as_slice()].concat();
    shell(&scratch, "umask 022; \"$0\" \"$@\"", &arguments).assert_code(0);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in ["r.html", "r.json", "r.xml", "r.md", "r_failures.csv", "kept/plan/index.html"] {
        assert_eq!(mode(&scratch.path(name)), 0o600, "{name}");
    }
    for name in ["report.html", "result.json", "junit.xml", "summary.md"] {
        assert_eq!(mode(&scratch.path("kept/plan/latest").join(name)), 0o600, "{name}");
    }
    // Nothing but names and numbers is in these.
    for name in ["r_stats.csv", "r_stats_history.csv", "r_exceptions.csv", "r.hgrm", "r.jsonl"] {
        assert_eq!(mode(&scratch.path(name)), 0o644, "{name}");
    }
    // Who wants others to read a report says so once.
    std::fs::set_permissions(scratch.path("r.html"), std::fs::Permissions::from_mode(0o644)).unwrap();
    shell(&scratch, "umask 077; \"$0\" \"$@\"", &arguments).assert_code(0);
    assert_eq!([mode(&scratch.path("r.html")), mode(&scratch.path("r_stats.csv"))], [0o644, 0o644]);
}

#[test]
fn a_process_that_knows_secrets_leaves_no_core_dump() {
    let mut command = Command::new("bash");
    command
        .args(["-c", "ulimit -Sc unlimited 2>/dev/null; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(["serve-demo", "--auth-port=0", "--agents-port=0", "--rag-port=0"]);
    let (read, write) = std::io::pipe().unwrap();
    let running = Running::start_with(command, write.into(), std::process::Stdio::null());
    // It serves: everything has been set by then.
    std::io::Read::read_exact(&mut { read }, &mut [0; 4]).unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let numbers: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(numbers, ["0", "0"], "{core}");
}
