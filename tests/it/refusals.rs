//! What ends a run before it began, or makes it pointless: the exit code says whose fault it is, and nothing
//! is sent that should not be.

use crate::support::fault_server::FaultServer;
use crate::support::{Running, Scratch, check_accounting, plimsoll, requests};

fn one_endpoint(url: &str) -> String {
    format!(
        "plan: 1\ntarget: \"{url}\"\nendpoints: {{ a: {{ request: GET /ok }} }}\nload: {{ users: 2, iterations: 4 }}\n"
    )
}

#[test]
fn a_report_that_cannot_be_written_is_found_before_the_first_request() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = scratch.write("plan.yaml", &one_endpoint(&server.url));
    let file = scratch.write("file", "");
    for (flag, path) in [
        ("--html", file.join("report.html")),
        ("--json", file.join("result.json")),
        ("--html", scratch.path("")),
        ("--json", "/proc/no/result.json".into()),
    ] {
        let mut command = plimsoll();
        command.arg("run").arg(&plan).arg(flag).arg(&path);
        let done = Running::start(command).finish();
        done.assert_code(3);
        assert!(done.stderr.contains(path.to_str().unwrap()), "names the path: {}", done.stderr);
    }
    assert!(server.log.all().is_empty(), "nothing was sent");
}

#[test]
fn no_report_takes_the_place_of_what_it_is_made_from() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let text = one_endpoint(&server.url).replace("GET /ok", "\"GET /ok?a={{ row.a }}\"");
    let text = format!("include: part.yaml\n{text}data: {{ row: {{ file: rows.csv }} }}\n");
    let files = [("plan.yaml", text.as_str()), ("rows.csv", "a\n1\n2\n"), ("part.yaml", "think: 1ms\n")];
    files.iter().for_each(|(name, text)| drop(scratch.write(name, text)));
    let run = |arguments: &[&str]| {
        let mut command = plimsoll();
        command.args(arguments).current_dir(scratch.path(""));
        Running::start(command).finish()
    };
    for (name, text) in files {
        for flag in ["--json", "--html", "--junit", "--markdown", "--samples"] {
            let done = run(&["run", "plan.yaml", flag, &format!("./{name}")]);
            done.assert_code(2);
            assert!(
                done.stderr.contains(&format!("{flag} ./{name}: would replace a file")),
                "{}",
                done.stderr
            );
        }
        assert_eq!(std::fs::read_to_string(scratch.path(name)).unwrap(), text);
    }
    assert!(server.log.all().is_empty(), "nothing was sent");
    run(&["run", "plan.yaml", "--allow-invalid", "--json", "a.json"]).assert_code(0);
    run(&["run", "plan.yaml", "--allow-invalid", "--json", "b.json"]).assert_code(0);
    let text = std::fs::read_to_string(scratch.path("a.json")).unwrap();
    run(&["report", "a.json", "--html", "a.json"]).assert_code(2);
    run(&["compare", "a.json", "b.json", "--html", "a.json"]).assert_code(2);
    assert_eq!(std::fs::read_to_string(scratch.path("a.json")).unwrap(), text);
}

#[test]
fn wrong_usage() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = scratch.write("plan.yaml", &one_endpoint(&server.url));
    let plan = plan.to_str().unwrap();
    let absent = scratch.path("absent.yaml");
    for arguments in [
        vec!["run"],
        vec![],
        vec!["no-such-command"],
        vec!["run", plan, "--no-such-flag"],
        vec!["run", plan, "--users", "0"],
        vec!["run", plan, "--users", "many"],
        vec!["run", plan, "--run-time", "5 parsecs", "-u", "1"],
        vec!["run", plan, "--set", "load.userz=3"],
        vec!["run", plan, "--set", "nonsense"],
        vec!["run", plan, "--target", "agents=http://localhost"],
        vec!["run", plan, "--profile", "absent"],
        vec!["run", plan, "--json", "same", "--html", "same"],
        vec!["run", absent.to_str().unwrap()],
    ] {
        let mut command = plimsoll();
        command.args(&arguments);
        let done = Running::start(command).finish();
        assert_eq!(done.code, 2, "{arguments:?}\n{}", done.output());
        assert!(!done.stderr.is_empty(), "{arguments:?}: says why");
    }
    assert!(server.log.all().is_empty(), "nothing was sent");
}

#[test]
fn an_invalid_plan_sends_nothing() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = one_endpoint(&server.url);
    for broken in [
        plan.replace("users: 2", "userz: 2"),
        plan.replace("GET /ok", "\"GET /items/{{ nobody }}\""),
        plan.replace("GET /ok", "GET elsewhere:/ok"),
        plan.replace("plan: 1", "plan: 2"),
        format!("{plan}thresholds: [p95 < 200]\n"),
        format!("{plan}thresholds: [p95 < 200 parsecs]\n"),
        format!("{plan}data: {{ rows: {{ file: absent.csv }} }}\n"),
        format!("{plan}endpoints: {{}}\n"),
        String::new(),
    ] {
        let ran = scratch.run(&broken, &[]);
        assert_eq!(ran.done.code, 2, "{broken}\n{}", ran.done.output());
        assert!(ran.done.stderr.contains("plan.yaml"), "names the file: {}", ran.done.stderr);
        assert!(ran.result.is_null(), "no result");
    }
    assert!(server.log.all().is_empty(), "nothing was sent");
}

/// Logs in at `path`, which refuses.
fn refused_login(url: &str, path: &str, scope: &str) -> String {
    format!(
        r#"
{}
auth:
  scope: {scope}
  steps: [{{ name: log in, request: POST {path}, json: {{ password: wrong }}, capture: {{ token: json.token }} }}]
  apply: {{ headers: {{ authorization: "Bearer {{{{ auth.token }}}}" }} }}
"#,
        one_endpoint(url)
    )
}

#[test]
fn auth_that_cannot_work_ends_the_run() {
    for (path, scope, why) in [
        ("/status/401", "user", "401"),
        ("/status/404", "run", "404"),
        // Whatever a proxy answers with 200: the token is not in it.
        ("/ok", "user", "json.token"),
        ("/wrong-json", "run", "JSON"),
        ("/close-before-headers", "user", "closed"),
    ] {
        let server = FaultServer::start();
        let ran = Scratch::new().run(&refused_login(&server.url, path, scope), &[]);
        ran.done.assert_code(3);
        check_accounting(&ran.result);
        let reason = ran.result["reason"].as_str().unwrap();
        assert!(reason.contains("auth is impossible") && reason.contains(why), "{path}: {reason}");
        assert!(ran.done.stdout.contains(reason), "the reason is printed: {}", ran.done.stdout);
        assert_eq!(ran.result["accounting"]["started"], 0, "no endpoint was called without a login");
        let endpoint = if path == "/ok" { "log in" } else { "a" };
        let expected = if path == "/ok" { requests(&ran.result, endpoint) } else { 0 };
        assert_eq!(server.log.count("/ok"), expected);
        assert_eq!(server.log.all().len() as u64, requests(&ran.result, "log in"));
    }
}

/// Requests by endpoint of a run with this seed.
fn picks(seed: &str, workers: &str) -> Vec<u64> {
    let server = FaultServer::start();
    let endpoints: String =
        (0..5).map(|n| format!("  e{n}: {{ request: GET /items/{n}, weight: {} }}\n", n + 1)).collect();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints:\n{endpoints}load: {{ users: 4, iterations_per_user: 25 }}\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &["--seed", seed, "--workers", workers]);
    ran.done.assert_code(0);
    assert_eq!(ran.result["run"]["seed"].to_string(), seed);
    let picks: Vec<u64> = (0..5).map(|n| requests(&ran.result, &format!("e{n}"))).collect();
    assert_eq!(picks.iter().sum::<u64>(), 100);
    for (n, count) in picks.iter().enumerate() {
        assert_eq!(server.log.count(&format!("/items/{n}")), *count);
    }
    picks
}

#[test]
fn a_seed_makes_the_picks_reproducible() {
    let first = picks("42", "2");
    assert_eq!(picks("42", "2"), first);
    assert_eq!(picks("42", "1"), first, "whatever the number of workers");
    assert_ne!(picks("43", "2"), first, "another seed, other picks");
}
