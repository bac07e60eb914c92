//! `reports` of a plan and `--reports`: which files a run writes, who wins, and that no plan writes where it may not.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::fault_server::FaultServer;
use crate::support::pty::wait_until;
use crate::support::{Done, Running, Scratch, plimsoll, read_json};

const BODY: &str = r#"
plan: 1
name: "Höher, schneller / weiter"
target: "URL"
endpoints: { one: { request: GET /ok, thresholds: [errors < 1%] } }
load: { users: 1, iterations: 3 }
"#;
const SLUG: &str = "höher-schneller-weiter";

fn plan(server: &FaultServer, reports: &str) -> String {
    format!("{}{reports}\n", BODY.replace("URL", &server.url))
}

/// `plimsoll run` of the plan in the scratch folder.
fn command(scratch: &Scratch, arguments: &[&str]) -> Command {
    let mut command = plimsoll();
    command.arg("run").arg("--allow-invalid").arg(scratch.path("plan.yaml")).args(arguments);
    // Where flags start from; the plan's own paths do not.
    fs::create_dir_all(scratch.path("here")).unwrap();
    command.current_dir(scratch.path("here"));
    command
}

fn run(scratch: &Scratch, plan: &str, arguments: &[&str]) -> Done {
    scratch.write("plan.yaml", plan);
    Running::start(command(scratch, arguments)).finish()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Folders of runs.
fn runs(folder: &Path) -> Vec<String> {
    names(folder).into_iter().filter(|name| name.starts_with("20")).collect()
}

#[test]
fn a_plan_says_which_files_a_run_writes() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let reports = "reports: { html: out/a.html, json: out/a.json, junit: out/a.xml, markdown: out/a.md, csv: out/a, \
                   hdr: [out/a.hgrm, out/a.hlog] }";
    let done = run(&scratch, &plan(&server, reports), &[]);
    done.assert_code(0);
    assert_eq!(
        names(&scratch.path("out")),
        [
            "a.hgrm",
            "a.hlog",
            "a.html",
            "a.json",
            "a.md",
            "a.xml",
            "a_exceptions.csv",
            "a_failures.csv",
            "a_stats.csv",
            "a_stats_history.csv"
        ]
    );
    assert!(names(&scratch.path("here")).is_empty());
    assert_eq!(read_json(&scratch.path("out/a.json"))["verdict"], "pass");
}

#[test]
fn flags_win_over_the_plan_and_profiles_too() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    scratch.write("part.yaml", "reports: { markdown: part.md, html: part.html }\n");
    let reports = "include: part.yaml\nreports: { html: plan.html, json: plan.json, hdr: plan.hlog }\n\
                   profiles: { ci: { reports: { html: ci.html } } }";
    let flags =
        ["--profile", "ci", "--json", "flag.json", "--hdr", "../flag.hgrm", "--set", "reports.junit=set.xml"];
    run(&scratch, &plan(&server, reports), &flags).assert_code(0);
    assert_eq!(
        names(&scratch.path("")),
        ["ci.html", "flag.hgrm", "here", "part.md", "part.yaml", "plan.yaml"]
    );
    assert_eq!(names(&scratch.path("here")), ["flag.json", "set.xml"]);
    let flags = ["--set", "reports={}", "--json", "only.json"];
    run(&scratch, &plan(&server, "reports: { html: never.html, folder: never }"), &flags).assert_code(0);
    assert!(scratch.path("here/only.json").exists());
    assert!(!scratch.path("never.html").exists() && !scratch.path("never").exists());
}

#[test]
fn a_folder_keeps_every_run() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let text = plan(&server, "reports: { folder: kept }");
    let folder = scratch.path("kept").join(SLUG);
    let done = run(&scratch, &text, &[]);
    done.assert_code(0);
    assert!(done.stderr.contains("report.html, result.json, junit.xml, summary.md"), "{}", done.stderr);
    run(&scratch, &text.replace("iterations: 3", "iterations: 4"), &["--json", "-"]).assert_code(0);
    run(&scratch, &text.replace("errors < 1%", "requests > 1000"), &[]).assert_code(1);
    let kept = runs(&folder);
    assert_eq!(kept.len(), 3);
    assert_eq!(names(&folder), [kept.as_slice(), &["index.html".to_owned(), "latest".to_owned()]].concat());
    for run in &kept {
        assert_eq!(names(&folder.join(run)), ["junit.xml", "report.html", "result.json", "summary.md"]);
    }
    assert_eq!(fs::read_link(folder.join("latest")).unwrap(), Path::new(&kept[2]));
    assert_eq!(read_json(&folder.join("latest/result.json"))["exit_code"], 1);
    let index = fs::read_to_string(folder.join("index.html")).unwrap();
    let at = |run: &String| index.find(&format!("href=\"{run}&#x2f;report.html\"")).unwrap();
    assert!(at(&kept[2]) < at(&kept[1]) && at(&kept[1]) < at(&kept[0]), "the newest first");
    assert_eq!(index.matches("<span class=\"badge warn\">changed").count(), 2);
    assert!(index.contains("FAIL") && index.contains("PASS"));
    // The flag instead of the plan's folder.
    run(&scratch, &text, &["--reports", "mine"]).assert_code(0);
    assert_eq!((runs(&folder).len(), runs(&scratch.path("here/mine").join(SLUG)).len()), (3, 1));
}

#[test]
fn a_run_is_kept_when_nobody_says_otherwise() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let here = scratch.path("here");
    let folder = here.join("reports").join(SLUG);
    let done = run(&scratch, &plan(&server, ""), &["--samples", "log.ndjson"]);
    done.assert_code(0);
    assert!(done.stderr.contains("report.html, result.json, junit.xml, summary.md"), "{}", done.stderr);
    assert_eq!((names(&here), runs(&folder).len()), (vec!["log.ndjson".to_owned(), "reports".to_owned()], 1));
    assert_eq!(read_json(&folder.join("latest/result.json"))["exit_code"], 0);
    assert_eq!(fs::read_to_string(here.join("reports/.gitignore")).unwrap(), "*\n");
    // Whatever is said takes its place.
    let said: [(&str, &[&str], &[&str]); 7] = [
        ("", &["--no-reports"], &[]),
        ("reports: {}", &[], &[]),
        ("", &["--set", "reports={}"], &[]),
        ("reports: { junit: out.xml }", &["--no-reports"], &[]),
        ("reports: { folder: kept }", &["--no-reports", "--hdr", "a.hlog"], &["a.hlog"]),
        ("", &["--json", "a.json"], &["a.json"]),
        ("", &["--reports", "mine"], &["mine"]),
    ];
    for (reports, arguments, written) in said {
        fs::remove_dir_all(&here).unwrap();
        run(&scratch, &plan(&server, reports), arguments).assert_code(0);
        assert_eq!(names(&here), written, "{reports} {arguments:?}");
        assert_eq!(names(&scratch.path("")), ["here", "plan.yaml"], "{reports} {arguments:?}");
    }
    run(&scratch, &plan(&server, ""), &["--no-reports", "--reports", "mine"]).assert_code(2);
}

#[test]
fn what_nobody_asked_for_costs_no_run_its_exit_code() {
    let (server, scratch, outside) = (FaultServer::start(), Scratch::new(), Scratch::new());
    let text = plan(&server, "");
    let place = scratch.path("here/reports");
    fs::create_dir_all(scratch.path("here")).unwrap();
    fs::write(&place, "a file").unwrap();
    let done = run(&scratch, &text, &[]);
    done.assert_code(0);
    assert!(done.stderr.starts_with("the run is not kept: cannot write reports/"), "{}", done.stderr);
    fs::remove_file(&place).unwrap();
    let elsewhere = outside.path("");
    symlink(&elsewhere, &place).unwrap();
    let done = run(&scratch, &text, &[]);
    done.assert_code(0);
    assert!(done.stderr.contains("index.html: it leads out of /"), "{}", done.stderr);
    assert!(names(&elsewhere).is_empty());
    fs::remove_file(&place).unwrap();
    // What is not ours stays.
    let index = place.join(SLUG).join("index.html");
    fs::create_dir_all(index.parent().unwrap()).unwrap();
    fs::write(&index, "of a coverage tool").unwrap();
    let done = run(&scratch, &text, &[]);
    done.assert_code(0);
    assert!(done.stderr.contains("index.html: another file is in the way"), "{}", done.stderr);
    assert_eq!(fs::read_to_string(&index).unwrap(), "of a coverage tool");
    fs::remove_file(&index).unwrap();
    // What fails at the end.
    scratch.write("plan.yaml", &text.replace("iterations: 3", "duration: 10m"));
    for (arguments, code) in [(&[][..], 130), (&["--reports", "reports"], 3)] {
        let before = server.log.count("/ok");
        let running = Running::start(command(&scratch, arguments));
        wait_until("a request", || server.log.count("/ok") > before);
        fs::create_dir(&index).unwrap();
        running.signal("INT");
        let done = running.finish();
        done.assert_code(code);
        assert!(done.stderr.contains("error: cannot write reports/"), "{}", done.stderr);
        fs::remove_dir(&index).unwrap();
    }
}

#[test]
fn a_folder_that_becomes_a_link_is_left_alone() {
    let (server, scratch, outside) = (FaultServer::start(), Scratch::new(), Scratch::new());
    let elsewhere = outside.path("");
    let text = plan(&server, "").replace("iterations: 3", "duration: 10m");
    for (reports, folder, code) in [("", "here/reports", 130), ("reports: { folder: kept }", "kept", 3)] {
        let folder = scratch.path(folder).join(SLUG);
        scratch.write("plan.yaml", &format!("{text}{reports}\n"));
        let before = server.log.count("/ok");
        let running = Running::start(command(&scratch, &[]));
        wait_until("a request", || server.log.count("/ok") > before);
        fs::rename(&folder, folder.with_extension("moved")).unwrap();
        symlink(&elsewhere, &folder).unwrap();
        running.signal("INT");
        let done = running.finish();
        done.assert_code(code);
        assert!(done.stderr.contains("index.html: it leads out of /"), "{}", done.stderr);
        assert!(names(&elsewhere).is_empty(), "{:?}", names(&elsewhere));
    }
}

#[test]
fn a_run_that_is_killed_leaves_its_checkpoint_in_its_folder() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    scratch.write("plan.yaml", &plan(&server, "").replace("iterations: 3", "duration: 10m"));
    let folder = scratch.path("here/reports").join(SLUG);
    let running = Running::start(command(&scratch, &[]));
    let partial = || {
        let run =
            fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.path()).find(|path| path.is_dir())?;
        Some(run.join("result.json.partial")).filter(|path| path.exists())
    };
    wait_until("a checkpoint", || partial().is_some());
    running.signal("KILL");
    running.finish().assert_code(-1);
    let partial = partial().unwrap();
    assert_eq!(read_json(&partial)["run"]["ended"], "unfinished");
    // A folder of a run stands for what is in it.
    let mut command = plimsoll();
    command.arg("report").arg(partial.parent().unwrap());
    let done = Running::start(command).finish();
    done.assert_code(0);
    assert!(done.stdout.starts_with("An unfinished run: killed some time after "), "{}", done.stdout);
}

#[test]
fn the_demo_is_kept_too() {
    let scratch = Scratch::new();
    let mut command = plimsoll();
    command.args(["demo", "-u", "1", "-t", "1", "-q", "--allow-invalid"]).current_dir(scratch.path(""));
    let done = Running::start(command).finish();
    assert!(done.code == 0 || done.code == 1, "{}", done.output());
    assert!(scratch.path("reports/temponest-general-load/latest/report.html").is_file());
}

#[test]
fn runs_at_once_have_a_folder_each_and_the_index_all() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    scratch.write("plan.yaml", &plan(&server, "reports: { folder: kept }"));
    let running: Vec<_> = (0..4).map(|_| Running::start(command(&scratch, &[]))).collect();
    running.into_iter().for_each(|running| running.finish().assert_code(0));
    let folder = scratch.path("kept").join(SLUG);
    let index = fs::read_to_string(folder.join("index.html")).unwrap();
    let kept = runs(&folder);
    assert_eq!(kept.len(), 4);
    assert!(kept.iter().all(|run| index.contains(&format!("{run}&#x2f;report.html"))), "{kept:?}");
}

/// Exit 3, nothing was sent, nothing is left.
#[track_caller]
fn refused(server: &FaultServer, done: &Done, words: &str) {
    done.assert_code(3);
    assert!(done.stderr.contains(words), "{}", done.stderr);
    assert_eq!(server.log.count("/ok"), 0);
}

#[test]
fn what_cannot_be_written_is_found_before_the_first_request() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let text = plan(&server, "reports: { folder: kept }");
    scratch.write("kept", "a file");
    refused(&server, &run(&scratch, &text, &[]), "cannot write ");
    fs::remove_file(scratch.path("kept")).unwrap();
    let folder = scratch.path("kept").join(SLUG);
    fs::create_dir_all(folder.join("index.html")).unwrap();
    refused(&server, &run(&scratch, &text, &[]), "index.html: it is a directory");
    assert_eq!(names(&folder), ["index.html"]);
    // A run that could not be done is one to keep.
    fs::remove_dir(folder.join("index.html")).unwrap();
    let unready = text + "ready: { timeout: 100ms, checks: [GET /echo-400] }\n";
    run(&scratch, &unready, &[]).assert_code(3);
    assert_eq!(read_json(&folder.join("latest/result.json"))["exit_code"], 3);
}

#[test]
fn a_link_or_an_index_that_fails_at_the_end() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let text = plan(&server, "");
    let folder = scratch.path("here/kept").join(SLUG);
    fs::create_dir_all(folder.join("latest/mine")).unwrap();
    let done = run(&scratch, &text, &["--reports", "kept"]);
    done.assert_code(0);
    assert!(done.stderr.contains("no link to the latest run: "), "{}", done.stderr);
    assert_eq!(names(&folder.join("latest")), ["mine"]);
    fs::remove_file(folder.join("index.html")).unwrap();
    symlink("/dev/full", folder.join("index.html")).unwrap();
    let done = run(&scratch, &text, &["--reports", "kept"]);
    done.assert_code(3);
    let last = done.stdout.lines().last().unwrap();
    assert!(last.starts_with("✓ PASS — ") && last.ends_with("index.html: no space left · exit 3"), "{last}");
    let result = read_json(&folder.join(runs(&folder).last().unwrap()).join("result.json"));
    assert_eq!((&result["exit_code"], &result["verdict"]), (&3.into(), &"pass".into()));
}

#[test]
fn no_plan_writes_where_it_may_not() {
    let (server, scratch, outside) = (FaultServer::start(), Scratch::new(), Scratch::new());
    let target = outside.path("x");
    let target = target.parent().unwrap();
    symlink(target, scratch.path("out")).unwrap();
    symlink(target.join("there.html"), scratch.path("dangling.html")).unwrap();
    for reports in [
        "{ folder: out }",
        "{ html: out/a.html }",
        "{ csv: out/a }",
        "{ json: ../a.json }",
        "{ json: none/../../a.json }",
        "{ html: dangling.html }",
    ] {
        let done = run(&scratch, &plan(&server, &format!("reports: {reports}")), &[]);
        done.assert_code(2);
        assert!(done.stderr.contains("error[P122]"), "{reports}: {}", done.stderr);
    }
    // What only the whole name tells, when it is opened.
    symlink(target.join("stolen"), scratch.path("a_stats.csv")).unwrap();
    let done = run(&scratch, &plan(&server, "reports: { csv: a }"), &[]);
    refused(&server, &done, "a_stats.csv: it leads out of ");
    fs::create_dir(scratch.path("kept")).unwrap();
    symlink(target, scratch.path("kept").join(SLUG)).unwrap();
    let done = run(&scratch, &plan(&server, "reports: { folder: kept }"), &[]);
    refused(&server, &done, "it leads out of ");
    assert!(names(target).is_empty());
    // The command line may.
    let there = target.join("there.html");
    let set = format!("reports.html={}", there.display());
    run(&scratch, &plan(&server, ""), &["--set", &set]).assert_code(0);
    assert_eq!(names(target), ["there.html"]);
}
