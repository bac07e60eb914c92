//! Thresholds relative to an earlier run: the value that `baseline` stands for, the limit that follows, and what happens
//! when there is nothing to compare with.

use std::path::{Path, PathBuf};

use crate::support::fault_server::FaultServer;
use crate::support::{Done, Running, Scratch, plimsoll, quiet, read_json};
use base64::Engine as _;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
use serde_json::{Value, json};

/// Two scenarios, of which one drops arrivals; `{…}` are the thresholds at each place.
fn plan(server: &FaultServer, head: &str, thresholds: impl Fn(&str, &[&str]) -> String) -> String {
    let times = ["p50", "p90", "avg", "min", "max", "stddev", "ttfb.p50", "service.avg", "receive.max"];
    let counts = ["errors", "failures", "requests", "rps", "checks", "status.200", "status.5xx"];
    let row: Vec<_> = times.into_iter().chain(counts).collect();
    let scenario: Vec<_> = row.iter().copied().chain(["iterations"]).collect();
    let open = ["dropped", "iterations", "requests", "p50"];
    let whole = thresholds("kind: read", &row).trim_end_matches(']').to_owned()
        + &thresholds("", &[&scenario[..], &["dropped"]].concat()).replacen('[', ", ", 1);
    format!(
        r#"
plan: 1
target: "{}"
{head}
scenarios:
  fixed:
    load: {{ users: 2, iterations: 80 }}
    endpoints:
      right: {{ request: GET /ok, tags: {{ kind: read }}, expect: [status == 200, json.ok], thresholds: {} }}
      wrong: {{ request: GET /status/503, tags: {{ kind: read }}, thresholds: {} }}
    flows:
      visit: {{ steps: [{{ use: right }}, {{ use: wrong }}], thresholds: {} }}
    thresholds: {}
  arriving:
    load: {{ rate: 60/s, duration: 1s, max_users: 1, on_saturation: drop }}
    endpoints:
      slowly: {{ request: GET /slow/100 }}
    thresholds: {}
thresholds: {}
"#,
        server.url,
        thresholds("", &row),
        thresholds("", &row),
        thresholds("", &["p50", "avg", "errors"]),
        thresholds("", &scenario),
        thresholds("", &open),
        whole,
    )
}

fn list(tags: &str, all: &[String]) -> String {
    let one = |that: &String| format!("{{ that: {that}, min_samples: 1, tags: {{ {tags} }} }}");
    format!("[{}]", all.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// Runs a plan, judged even where this machine was not quiet.
fn run(scratch: &Scratch, plan: &Path, arguments: &[&str]) -> Done {
    run_as_it_is(scratch, plan, &[&["--allow-invalid"], arguments].concat())
}

fn run_as_it_is(scratch: &Scratch, plan: &Path, arguments: &[&str]) -> Done {
    let mut command = plimsoll();
    command.args(["run", "--headless"]).arg(plan.file_name().unwrap()).args(arguments);
    command.current_dir(scratch.path(""));
    Running::start(command).finish()
}

/// Writes the result of a run as a baseline, whether or not this machine was quiet.
fn keep(scratch: &Scratch, name: &str, mut result: Value, change: impl Fn(&mut Value)) -> PathBuf {
    quiet(&mut result);
    change(&mut result);
    scratch.write(name, &result.to_string())
}

fn thresholds(result: &Value) -> &[Value] {
    result["thresholds"].as_array().unwrap_or_else(|| panic!("{result}"))
}

#[test]
fn the_value_of_every_metric_is_what_the_earlier_run_saw() {
    let (scratch, server) = (Scratch::new(), FaultServer::start());
    let fixed = plan(&server, "", |tags, metrics| {
        let value = |metric: &str| match metric {
            "errors" | "checks" | "status.200" | "status.5xx" => "0%",
            "failures" | "requests" | "iterations" | "dropped" | "rps" => "0",
            _ => "0s",
        };
        list(tags, &metrics.iter().map(|metric| format!("{metric} >= {}", value(metric))).collect::<Vec<_>>())
    });
    let first = scratch.write("first.yaml", &fixed);
    let done = run(&scratch, &first, &["--json", "first.json"]);
    let first = read_json(&scratch.path("first.json"));
    keep(&scratch, "baseline.json", first.clone(), |_| {});

    let relative = plan(&server, "baseline: baseline.json", |tags, metrics| {
        let all = metrics.iter().map(|metric| format!("{metric} <= 3 * baseline"));
        list(tags, &all.collect::<Vec<_>>())
    });
    let second = scratch.write("second.yaml", &relative);
    let again = run(&scratch, &second, &["--json", "second.json"]);
    let second = read_json(&scratch.path("second.json"));
    let (earlier, later) = (thresholds(&first), thresholds(&second));
    assert_eq!(earlier.len(), later.len(), "{}{}", done.stderr, again.stderr);
    assert!(earlier.len() > 70, "{}", earlier.len());
    let mut compared = 0;
    for (before, now) in earlier.iter().zip(later) {
        assert_eq!(before["scope"], now["scope"]);
        let Some(observed) = before["observed"].as_f64() else {
            assert_eq!(now["verdict"], "no_data", "{before}\n{now}");
            continue;
        };
        let value = now["baseline"]["value"].as_f64().unwrap_or_else(|| panic!("{before}\n{now}"));
        assert!((value - observed).abs() <= observed.abs() * 1e-9, "{before}\n{now}");
        let target = now["target"].as_f64().unwrap();
        assert!((target - 3.0 * observed).abs() <= target.abs() * 1e-9, "{now}");
        let is_met = now["observed"].as_f64().unwrap() <= target;
        assert_eq!(now["verdict"] == "pass", is_met, "{now}");
        compared += 1;
    }
    assert!(compared > 70, "{compared}");
    assert_eq!(second["baseline"]["run_id"], first["run"]["id"]);
    assert_eq!(second["baseline"]["not_comparable"], Value::Null);
}

/// A plan of one endpoint, and its result as a baseline with p90 of 10 ms.
fn small(scratch: &Scratch, server: &FaultServer, thresholds: &str) -> (PathBuf, Value) {
    let text = format!(
        "plan: 1\ntarget: \"{}\"\nbaseline: baseline.json\nendpoints: {{ ok: {{ request: GET /ok }} }}\nload: {{ users: 2, iterations: 60 }}\nthresholds: {thresholds}\n",
        server.url
    );
    let plan = scratch.write("plan.yaml", &text);
    let made = run(scratch, &plan, &["--json", "baseline.json"]);
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    (plan, read_json(&scratch.path("baseline.json")))
}

#[test]
fn a_run_without_its_baseline_sends_nothing_but_one_that_makes_it_does() {
    let (scratch, server) = (Scratch::new(), FaultServer::start());
    let (plan, result) = small(&scratch, &server, "[p90 < 1.5 * baseline, errors <= baseline]");
    assert_eq!(result["verdict"], "warn", "it has no baseline yet");
    for threshold in thresholds(&result) {
        assert_eq!((&threshold["verdict"], &threshold["level"]), (&json!("no_data"), &json!("warn")));
        assert_eq!(threshold["note"], "this run makes the baseline; the next one is judged by it");
        assert_eq!(threshold["target"], Value::Null);
    }
    std::fs::remove_file(scratch.path("baseline.json")).unwrap();
    let sent = server.log.count("/ok");
    let done = run(&scratch, &plan, &["--json", "result.json"]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    for words in
        ["plan.yaml:3: there is no baseline", "--json baseline.json", "--baseline PATH", "nothing was sent"]
    {
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
    let done = run(&scratch, &plan, &["--baseline", "none.json"]);
    assert!(done.code == 2 && done.stderr.contains("there is no baseline none.json"), "{}", done.stderr);
    let text = std::fs::read_to_string(&plan).unwrap().replace("baseline: baseline.json\n", "");
    let done = run(&scratch, &scratch.write("none.yaml", &text), &[]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert!(done.stderr.contains("is relative to a baseline, and there is none"), "{}", done.stderr);
    for (text, words) in
        [("<html>", "not a result of plimsoll"), (r#"{"plimsoll":"1","format":9}"#, "format 9")]
    {
        scratch.write("baseline.json", text);
        let done = run(&scratch, &plan, &[]);
        assert!(done.code == 2 && done.stderr.contains(words), "{}", done.stderr);
    }
    assert_eq!(server.log.count("/ok"), sent, "nothing was sent");
}

#[test]
fn what_is_not_comparable_is_no_data_and_no_pass() {
    let (scratch, server) = (Scratch::new(), FaultServer::start());
    let (plan, result) = small(&scratch, &server, "[p90 < 1000 * baseline, p90 < 100s]");
    let judged = |name: &str, change: &dyn Fn(&mut Value)| {
        keep(&scratch, "baseline.json", result.clone(), change);
        let json = format!("{name}.json");
        let done = run(&scratch, &plan, &["--json", &json]);
        (done, read_json(&scratch.path(&json)))
    };
    let (done, now) = judged("same", &|_| {});
    assert_eq!((done.code, &thresholds(&now)[0]["verdict"]), (0, &json!("pass")), "{}", done.stdout);
    type Change = fn(&mut Value);
    let changes: [(&str, Change, &str); 5] = [
        ("load", |r| r["plan"]["effective"]["load"]["users"] = json!(9), "another load: load.users 9 → 2"),
        ("model", |r| r["run"]["model"] = json!("open-poisson"), "another load model: open-poisson → closed"),
        ("aborted", |r| r["run"]["ended"] = json!("aborted"), "was aborted after"),
        (
            "few",
            |r| r["totals"]["latency_us"]["count"] = json!(20),
            "the baseline has 20 samples, and this needs 36",
        ),
        (
            "damaged",
            |r| r["totals"]["latency_us"]["hdr"] = json!("x"),
            "a histogram of the baseline is damaged",
        ),
    ];
    for (name, change, words) in changes {
        let (done, now) = judged(name, &change);
        assert_eq!(done.code, 1, "{name}: {}{}", done.stdout, done.stderr);
        let [relative, fixed] = thresholds(&now) else { panic!("{now}") };
        assert_eq!((&relative["verdict"], &fixed["verdict"]), (&json!("no_data"), &json!("pass")), "{now}");
        assert!(relative["note"].as_str().unwrap().contains(words), "{words}: {relative}");
        assert!(now["reason"].as_str().unwrap().contains(words), "{}", now["reason"]);
        assert!(relative["observed"].as_f64().is_some(), "what was seen is known");
        let told = ["few", "damaged"].contains(&name) || done.stderr.contains("warning: the baseline");
        assert!(told, "{name}: {}", done.stderr);
    }
    let (done, now) = judged("invalid", &|r| r["generator"]["valid"] = json!(false));
    assert_eq!((done.code, &thresholds(&now)[0]["verdict"]), (0, &json!("pass")), "{}", done.stdout);
    assert!(done.stdout.contains("it is invalid") && done.stdout.contains("used because of --allow-invalid"));
    let (done, now) = judged("disturbed", &|r| r["generator"]["queued_share"] = json!(0.4));
    assert_eq!((done.code, &thresholds(&now)[0]["verdict"]), (0, &json!("pass")), "{}", done.stdout);
    assert!(done.stdout.contains("it was disturbed: its workers waited for a core 40 %"), "{}", done.stdout);
    let disturbed = run_as_it_is(&scratch, &plan, &["--json", "now.json"]);
    let words = "it was disturbed: its workers waited for a core 40 % of the time";
    assert!(disturbed.stderr.contains(words), "{}", disturbed.stderr);
    let now = read_json(&scratch.path("now.json"));
    assert_eq!(thresholds(&now)[0]["verdict"], "no_data");
    assert!(now["baseline"]["not_comparable"].as_str().unwrap().contains(words), "{}", now["baseline"]);
    judged("invalid", &|r| r["generator"]["valid"] = json!(false));
    run_as_it_is(&scratch, &plan, &["--json", "now.json"]);
    let now = read_json(&scratch.path("now.json"));
    let relative = &thresholds(&now)[0];
    assert_eq!(relative["verdict"], "no_data", "{relative}");
    assert!(relative["note"].as_str().unwrap().contains("it is invalid, the generator was the limit"));
}

#[test]
fn a_stored_result_keeps_what_was_judged() {
    let (scratch, server) = (Scratch::new(), FaultServer::start());
    let (plan, result) = small(&scratch, &server, "[p90 < 1000 * baseline, errors <= baseline + 1%]");
    keep(&scratch, "baseline.json", result, |_| {});
    let done = run(&scratch, &plan, &["--json", "result.json"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("baseline ") && done.stdout.contains(", limit "), "{}", done.stdout);
    std::fs::remove_file(scratch.path("baseline.json")).unwrap();
    let mut command = plimsoll();
    command.args([
        "report",
        "result.json",
        "--markdown",
        "result.md",
        "--html",
        "result.html",
        "--junit",
        "r.xml",
    ]);
    command.current_dir(scratch.path(""));
    let again = Running::start(command).finish();
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(again.stdout, done.stdout);
    let value =
        thresholds(&read_json(&scratch.path("result.json")))[0]["baseline"]["value"].as_f64().unwrap();
    let shown = plimsoll::report::number::value(value, "s");
    for name in ["result.md", "result.html", "r.xml"] {
        let text = std::fs::read_to_string(scratch.path(name)).unwrap();
        assert!(text.contains(&shown), "{name} shows the baseline of {shown}");
    }
}

#[cfg(unix)]
#[test]
fn a_hostile_baseline_is_refused_at_once() {
    let (scratch, server) = (Scratch::new(), FaultServer::start());
    let (plan, _) = small(&scratch, &server, "[p90 < 2 * baseline]");
    let done = run(&scratch, &plan, &["--baseline", "/dev/zero"]);
    assert!(done.code == 2 && done.stderr.contains("not a regular file"), "{}", done.stderr);
    let text = std::fs::read_to_string(&plan).unwrap();
    for path in ["/etc/passwd", "../../../../../../etc/passwd", "outside.json"] {
        let _ = std::os::unix::fs::symlink("/etc/passwd", scratch.path("outside.json"));
        let plan = scratch.write("hostile.yaml", &text.replace("baseline.json", path));
        let done = run(&scratch, &plan, &[]);
        assert!(done.code == 2 && done.stderr.contains("error[P118]"), "{path}: {}", done.stderr);
        assert!(!done.stderr.contains("root:"), "{}", done.stderr);
    }
}

/// A plan of so many seconds, and its result as a baseline.
fn timed(scratch: &Scratch, server: &FaultServer, seconds: u32, thresholds: &str) -> (PathBuf, Value) {
    let text = format!(
        "plan: 1\ntarget: \"{}\"\nbaseline: baseline.json\nendpoints: {{ ok: {{ request: GET /slow/20 }} }}\nload: {{ users: 2, duration: {seconds}s }}\nthresholds: {thresholds}\n",
        server.url
    );
    let plan = scratch.write("plan.yaml", &text);
    run(scratch, &plan, &["--json", "baseline.json"]);
    (plan, read_json(&scratch.path("baseline.json")))
}

#[test]
fn what_was_done_must_be_alike_too() {
    let (scratch, server) = (Scratch::new(), FaultServer::start());
    let thresholds = "[p50 < 1000 * baseline, { that: p50 < 1000 * baseline, over: 1s, min_samples: 1 }]";
    let (plan, result) = timed(&scratch, &server, 2, thresholds);
    keep(&scratch, "baseline.json", result.clone(), |_| {});
    run(&scratch, &plan, &["--json", "now.json"]);
    let now = read_json(&scratch.path("now.json"));
    assert!(thresholds_are(&now, "pass"), "{now}");
    assert!(self::thresholds(&now)[1]["worst_window"]["observed"].as_f64().is_some(), "{now}");

    keep(&scratch, "baseline.json", result, |r| {
        r["timeline"].as_array_mut().unwrap().iter_mut().for_each(|second| second["users"] = json!(9));
    });
    let done = run(&scratch, &plan, &["--json", "now.json"]);
    let now = read_json(&scratch.path("now.json"));
    assert!(done.code == 1 && thresholds_are(&now, "no_data"), "{now}");
    let reason = now["baseline"]["not_comparable"].as_str().unwrap();
    assert_eq!(reason, "another number of users: 9 → 2");
    assert!(done.stdout.contains(reason), "{}", done.stdout);
}

fn thresholds_are(result: &Value, verdict: &str) -> bool {
    thresholds(result).iter().all(|threshold| threshold["verdict"] == verdict)
}

/// The histogram of a hundred requests of 1 ms.
fn a_millisecond() -> String {
    let mut histogram = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).unwrap();
    histogram.record_n(1000, 100).unwrap();
    let mut encoded = vec![];
    V2DeflateSerializer::new().serialize(&histogram, &mut encoded).unwrap();
    base64::engine::general_purpose::STANDARD.encode(encoded)
}

#[test]
fn a_threshold_that_ends_the_run_stays_missed() {
    let (scratch, server) = (Scratch::new(), FaultServer::start());
    let thresholds =
        "[{ that: p50 < 2 * baseline, over: 1s, min_samples: 1, abort: true }, p50 < 1000 * baseline]";
    let (plan, result) = timed(&scratch, &server, 3, thresholds);
    keep(&scratch, "baseline.json", result, |r| {
        // A baseline of a faster time: its histogram is that of 1 ms.
        r["totals"]["latency_us"]["hdr"] = json!(a_millisecond());
        (r["totals"]["latency_us"]["min"], r["totals"]["latency_us"]["max"]) = (json!(1000), json!(1000));
    });
    let done = run(&scratch, &plan, &["--json", "now.json"]);
    let now = read_json(&scratch.path("now.json"));
    assert_eq!((done.code, &now["run"]["ended"]), (1, &json!("aborted")), "{}{}", done.stdout, done.stderr);
    let [ended, other] = self::thresholds(&now) else { panic!("{now}") };
    assert_eq!((&ended["verdict"], &other["verdict"]), (&json!("fail"), &json!("no_data")), "{now}");
    assert_eq!(ended["baseline"]["value"], json!(0.001));
    let reason = now["reason"].as_str().unwrap();
    assert!(reason.starts_with("p50 was ") && reason.contains(", target < 2 ms (baseline 1 ms)"), "{reason}");
    assert!(other["note"].as_str().unwrap().contains("this run ended after"), "{other}");
}
