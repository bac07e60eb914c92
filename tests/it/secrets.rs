//! A secret used in auth, header, query and body of requests that fail, against a server that sends everything
//! back, occurs in nothing plimsoll writes — neither raw nor encoded.

use std::path::Path;

use crate::support::fault_server::FaultServer;
use crate::support::needles::assert_absent;
use crate::support::{Done, Running, Scratch, check_accounting, plimsoll, reports, requests, row};

/// Of every kind of character an encoding changes.
const PASSWORD: &str = "p&ss/w+rd \"x\"é";
/// A header can hold it as it is.
const KEY: &str = "k3y/with+odd=chars&\"more\"";
/// Written in the plan itself.
const DEFAULT: &str = "d3fault/se'cret+<value>";
const SECRETS: [&str; 3] = [PASSWORD, KEY, DEFAULT];
const ENVIRONMENT: [(&str, &str); 2] = [("TEST_PASSWORD", PASSWORD), ("TEST_KEY", KEY)];

fn plan(url: &str) -> String {
    PLAN.replace("URL", url)
}

const PLAN: &str = r#"
plan: 1
name: echo
target: "URL"
secrets:
  password: { env: TEST_PASSWORD }
  key: { env: TEST_KEY }
  other: { env: TEST_NOT_SET, default: "d3fault/se'cret+<value>" }
variables:
  copied: "{{ secrets.key }}"
auth:
  steps:
    - name: log in
      request: POST /echo
      json: { user: "u-{{ user.id }}", password: "{{ secrets.password }}" }
      capture: { seen: body }
  apply:
    headers: { x-key: "{{ secrets.key }}", authorization: "Basic {{ ('me:' ~ secrets.password) | b64encode }}" }
    query: { api_key: "{{ secrets.key }}" }
endpoints:
  json: { request: POST /echo-400, json: { a: "{{ secrets.password }}", b: ["{{ secrets.other }}"] } }
  form: { request: POST /echo-400, form: { a: "{{ secrets.password }}", b: "{{ copied }}" } }
  text: { request: POST /echo-400, text: "{{ secrets.password | b64encode }} {{ secrets.password | urlencode }}" }
  query: { request: GET /echo-400, query: { q: "{{ secrets.password }}", r: "{{ secrets.other }}" } }
  path: { request: "GET /echo-400?p={{ secrets.password | urlencode }}" }
  basic: { request: GET /echo-400, headers: { x-basic: "{{ ('xy:' ~ secrets.key) | b64encode }}" } }
  expected: { request: POST /echo, text: "{{ secrets.password }}", expect: [body == "something else"] }
  compared: { request: POST /echo, text: "{{ secrets.key }}", expect: [body == secrets.password] }
  captured: { request: POST /echo, text: "{{ secrets.key }}", capture: { x: "body | int" } }
  header: { request: GET /echo, headers: { x-bad: "a\nb: {{ secrets.password }}" } }
  closed: { request: POST /close-before-headers, text: "{{ secrets.password }}" }
  cut at 200: { request: POST /echo, text: "{{ 'x' * pad }}{{ secrets.key }}", expect: [body == ""] }
  cut at 1000: { request: POST /echo-400, text: "{{ 'x' * (pad + 800) }}{{ secrets.password }}" }
load: { users: 2, iterations: 150 }
"#;

/// The plan with another `pad`, so that a cut goes through every part of a secret.
fn padded(url: &str, pad: usize) -> String {
    plan(url).replace("variables:\n", &format!("variables:\n  pad: {pad}\n"))
}

fn command(arguments: &[&str], plan: &Path) -> Done {
    let mut command = plimsoll();
    command.args(arguments).arg(plan).envs(ENVIRONMENT);
    Running::start(command).finish()
}

#[track_caller]
fn check_streams(what: &str, done: &Done) {
    assert_absent(&SECRETS, &format!("stdout of {what}"), &done.stdout);
    assert_absent(&SECRETS, &format!("stderr of {what}"), &done.stderr);
}

#[track_caller]
fn check_file(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.is_empty());
    assert_absent(&SECRETS, &path.display().to_string(), &text);
}

#[test]
fn nothing_a_run_writes_holds_a_secret() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    for pad in (0..=24).step_by(4) {
        let summary = scratch.write("summary.md", "");
        let workflow = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
        let environment: Vec<_> = ENVIRONMENT.into_iter().chain(workflow).collect();
        let reports = reports::flags(&scratch);
        let arguments: Vec<_> =
            ["--headless"].into_iter().chain(reports.iter().map(String::as_str)).collect();
        let ran = scratch.run_with(&padded(&server.url, 175 + pad), &arguments, &environment);
        ran.done.assert_code(1);
        check_accounting(&ran.result);
        check_streams("run", &ran.done);
        check_file(&scratch.path("result.json"));
        check_file(&summary);
        reports::FILES.iter().for_each(|name| check_file(&scratch.path(name)));
        let rows = ran.result["series"].as_array().unwrap();
        let endpoints = rows.iter().filter(|row| row["kind"] == "endpoint");
        for row in endpoints.filter(|row| row["requests"] != 0) {
            assert_eq!(row["failures"], row["requests"], "every endpoint fails and is described: {row}");
        }
    }
    let sent: String = server.log.all().iter().map(|seen| format!("{seen:?} {}", seen.text())).collect();
    assert!(sent.contains(PASSWORD) && sent.contains(KEY), "they were sent");
    rendered_again(&scratch);
}

/// `plimsoll report` of the result, and a result that is none.
fn rendered_again(scratch: &Scratch) {
    let mut command = plimsoll();
    command.arg("report").arg(scratch.path("result.json")).args(reports::flags(scratch)).envs(ENVIRONMENT);
    let done = Running::start(command).finish();
    check_streams("report", &done);
    reports::FILES.iter().for_each(|name| check_file(&scratch.path(name)));
}

#[test]
fn result_on_standard_output() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = scratch.write("plan.yaml", &padded(&server.url, 190));
    let done = command(&["run", "--json", "-"], &plan);
    assert!(serde_json::from_str::<serde_json::Value>(&done.stdout).is_ok(), "{}", done.stdout);
    check_streams("run --json -", &done);
    let done = command(&["run", "--html", "-", "--quiet"], &plan);
    check_streams("run --html -", &done);
}

#[test]
fn commands_that_send_nothing() {
    let scratch = Scratch::new();
    let good = padded("http://localhost:1", 0);
    for (what, plan) in [
        ("good", good.clone()),
        (
            "unknown secret",
            good.replace("secrets.key }}\", authorization", "secrets.kye }}\", authorization"),
        ),
        ("unknown key by the default", good.replace("TEST_NOT_SET, default", "TEST_NOT_SET, defualt")),
        ("no environment variable named", good.replace("env: TEST_NOT_SET, ", "")),
        ("not closed", good.replace("<value>\" }", "<value>\"")),
        ("quote not closed", good.replace("<value>\"", "<value>")),
        ("wrong kind", good.replace("\"d3fault/se'cret+<value>\"", "[\"d3fault/se'cret+<value>\"]")),
        ("in the target", good.replace("http://localhost", "http://me:{{ secrets.other }}@localhost")),
        ("no URL", good.replace("http://localhost:1", "{{ secrets.key }}")),
        ("as a duration", format!("{good}think: \"{{{{ secrets.key }}}}\"\n")),
    ] {
        let path = scratch.write("plan.yaml", &plan);
        for arguments in [["validate"].as_slice(), &["show"], &["run", "-q"]] {
            if what == "good" && arguments[0] == "run" {
                continue;
            }
            check_streams(&format!("{arguments:?}, {what}"), &command(arguments, &path));
        }
    }
}

#[test]
fn show_masks_defaults() {
    let scratch = Scratch::new();
    let path = scratch.write("plan.yaml", &padded("http://localhost:1", 0));
    let done = command(&["show"], &path);
    done.assert_code(0);
    assert!(done.stdout.contains("***") && done.stdout.contains("secrets"), "{}", done.stdout);
    check_streams("show", &done);
}

/// A login that never works, and a service that never gets ready: reasons are written too.
#[test]
fn reasons_of_runs_that_could_not_be_done() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let impossible = padded(&server.url, 0).replace("request: POST /echo\n", "request: POST /echo-400\n");
    let ran = scratch.run_with(&impossible, &[], &ENVIRONMENT);
    ran.done.assert_code(3);
    assert!(requests(&ran.result, "log in") >= 3);
    assert!(row(&ran.result, "json")["requests"] == 0);
    check_streams("a run without a login", &ran.done);
    check_file(&scratch.path("result.json"));
    let unready = "plan: 1\ntarget: \"http://{{ secrets.host }}.invalid\"\n\
                   secrets: { host: { env: TEST_HOST } }\nready: { timeout: 1s, checks: [GET /] }\n\
                   endpoints: { a: { request: GET / } }\nload: { users: 1, iterations: 1 }\n";
    let host = "s3cret-host-n4me";
    let ran = scratch.run_with(unready, &[], &[("TEST_HOST", host)]);
    ran.done.assert_code(3);
    assert_absent(&[host], "a run that never got ready", &ran.done.output());
    assert_absent(&[host], "its result", &std::fs::read_to_string(scratch.path("result.json")).unwrap());
}

/// What an answer of the auth flow held is not written as the reason why there is no login.
#[test]
fn a_token_is_not_the_reason_of_a_failed_login() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = format!(
        r#"
plan: 1
target: "{}"
auth:
  steps: [{{ name: log in, request: POST /login, expect: [json.token == "another"] }}]
  apply: {{ headers: {{ x-user: me }} }}
endpoints: {{ a: {{ request: GET /ok }} }}
load: {{ users: 1, iterations: 1 }}
"#,
        server.url
    );
    let ran = scratch.run(&plan, &[]);
    ran.done.assert_code(3);
    assert!(ran.done.output().contains("json.token =="), "{}", ran.done.output());
    for token in ["token-1", "token-2", "token-3"] {
        assert_absent(&[token], "the reason", &ran.done.output());
        assert_absent(&[token], "its result", &std::fs::read_to_string(scratch.path("result.json")).unwrap());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_list_never_shows_it() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = padded(&server.url, 0).replace("iterations: 150", "duration: 1m");
    let plan = scratch.write("plan.yaml", &format!("{plan}think: 20ms\n"));
    let mut command = plimsoll();
    command.args(["run", "-q", "--no-reports"]).arg(plan).envs(ENVIRONMENT);
    let running = Running::start(command);
    while server.log.all().len() < 20 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    for entry in ["cmdline", "comm"] {
        let shown = std::fs::read(format!("/proc/{}/{entry}", running.id())).unwrap();
        assert_absent(&SECRETS, entry, &String::from_utf8_lossy(&shown));
    }
    running.signal("INT");
    let done = running.finish();
    done.assert_code(130);
    check_streams("an interrupted run", &done);
}

/// A shorthand, and what of it must not be seen: raw, and what it becomes on the wire.
fn shorthands() -> Vec<(&'static str, Vec<String>)> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let basic = |user: &str| STANDARD.encode(format!("{user}:{PASSWORD}"));
    let client = STANDARD.encode(format!("me:{}", encode(PASSWORD)));
    let raw = |text: &str| vec![text.to_owned()];
    vec![
        (r#"bearer: "{{ secrets.key }}""#, raw(KEY)),
        (r#"bearer: "{{ ('many' ~ user.id ~ user.id) | b64encode }}""#, raw(&STANDARD.encode("many00"))),
        (r#"bearer: wr1tten-into-the-plan"#, raw("wr1tten-into-the-plan")),
        (
            r#"basic: { username: alice, password: "{{ secrets.password }}" }"#,
            vec![PASSWORD.to_owned(), basic("alice")],
        ),
        // Too short to be found inside the base64 by itself.
        (
            r#"basic: { username: "u{{ user.id }}", password: "{{ env.TEST_PIN }}" }"#,
            vec![STANDARD.encode("u0:x7q")],
        ),
        (
            r#"basic: { username: bob, password: wr1tten-into-the-plan }"#,
            vec!["wr1tten-into-the-plan".to_owned(), STANDARD.encode("bob:wr1tten-into-the-plan")],
        ),
        (r#"api_key: { header: x-odd, value: "{{ secrets.key }}" }"#, raw(KEY)),
        (r#"api_key: { query: k, value: "{{ secrets.password }}" }"#, raw(PASSWORD)),
        (
            r#"api_key: { query: k, value: "{{ ('keys' ~ user.id ~ user.id) | b64encode }}" }"#,
            raw(&STANDARD.encode("keys00")),
        ),
        (
            r#"apply: { cookies: { sid: "{{ ('sessions' ~ user.id ~ user.id) | b64encode }}" } }"#,
            raw(&STANDARD.encode("sessions00")),
        ),
        (
            r#"apply: { headers: { x-auth-token: "{{ ('tokens' ~ user.id ~ user.id) | b64encode }}" } }"#,
            raw(&STANDARD.encode("tokens00")),
        ),
        (
            r#"oauth2: { token_url: /oauth/long, client_id: me, client_secret: "{{ secrets.password }}" }"#,
            vec![PASSWORD.to_owned(), client.clone(), "a-long-token-of-oauth-1".to_owned()],
        ),
        (
            r#"oauth2: { token_url: /oauth/long, client_id: me, client_secret: "{{ secrets.password }}", client_auth: body }"#,
            vec![PASSWORD.to_owned(), encode(PASSWORD), "a-long-token-of-oauth-1".to_owned()],
        ),
        (
            r#"oauth2: { token_url: /oauth/refused, client_id: me, client_secret: "{{ secrets.password }}" }"#,
            vec![PASSWORD.to_owned(), client],
        ),
    ]
}

#[test]
fn what_shorthands_send_is_shown_nowhere() {
    for (auth, hidden) in shorthands() {
        let (server, scratch) = (FaultServer::start(), Scratch::new());
        let plan = format!(
            "plan: 1\ntarget: \"{}\"\nsecrets: {{ password: {{ env: TEST_PASSWORD }}, key: {{ env: TEST_KEY }} }}\n\
             auth:\n  {auth}\n\
             endpoints:\n  refused: {{ request: POST /echo-400, text: \"x\" }}\n  \
             unmet: {{ request: GET /echo, expect: ['body == \"\"'] }}\n  \
             header: {{ request: GET /echo, expect: [\"json.headers | tojson == 1\"] }}\n\
             load: {{ users: 1, iterations: 12 }}\n",
            server.url
        );
        let hidden: Vec<&str> = hidden.iter().map(String::as_str).collect();
        let html = scratch.path("report.html");
        let environment = [ENVIRONMENT[0], ENVIRONMENT[1], ("TEST_PIN", "x7q")];
        let ran = scratch.run_with(&plan, &["--headless", "--html", html.to_str().unwrap()], &environment);
        let is_refused = auth.contains("/oauth/refused");
        ran.done.assert_code(if is_refused { 3 } else { 1 });
        let sent: String =
            server.log.all().iter().map(|seen| format!("{} {:?}", seen.path, seen.headers)).collect();
        let sent = sent + &server.log.all().iter().map(|seen| seen.text().to_owned()).collect::<String>();
        let forms = hidden.iter().flat_map(|secret| crate::support::needles::forms(secret));
        assert!(forms.into_iter().any(|form| sent.contains(&form)), "{auth}: nothing of it was sent");
        assert_absent(&hidden, &format!("{auth}: output"), &ran.done.output());
        for file in ["report.html", "result.json"] {
            let text = std::fs::read_to_string(scratch.path(file)).unwrap();
            assert_absent(&hidden, &format!("{auth}: {file}"), &text);
            assert!(is_refused || text.contains("***"), "{auth}: {file} shows nothing at all");
        }
        for arguments in [["show"], ["validate"]] {
            let done = command(&arguments, &scratch.path("plan.yaml"));
            assert_absent(&hidden, &format!("{auth}: {arguments:?}"), &done.output());
        }
    }
}

/// Messages about a shorthand that is wrong hold no credential either.
#[test]
fn a_wrong_shorthand_is_told_without_its_value() {
    let scratch = Scratch::new();
    for auth in [
        "basic: \"me:hunter2-hunter2\"",
        "api_key: hunter2-hunter2",
        "bearer: Bearer hunter2-hunter2",
        "bearer: [hunter2-hunter2]",
        "basic: { username: \"me:hunter2-hunter2\", password: \"{{ user.id }}\" }",
        "basic: { user: me, password: hunter2-hunter2 }",
        "oauth2: { token_url: /x y, client_id: me, client_secret: hunter2-hunter2 }",
        "oauth2: { url: /x, client_id: me, client_secret: hunter2-hunter2 }",
        "apply: { cookies: { sid: \"hunter2-hunter2;\" } }",
    ] {
        let plan = format!(
            "plan: 1\ntarget: http://localhost:1\nauth:\n  {auth}\nendpoints: {{ a: {{ request: GET / }} }}\n"
        );
        let done = command(&["validate"], &scratch.write("plan.yaml", &plan));
        done.assert_code(2);
        assert_absent(&["hunter2-hunter2"], auth, &done.output());
    }
}

/// A variable is shown unless its name says that it is a credential; one from a file like any other.
#[test]
fn variables_by_the_name_of_a_credential() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    scratch.write(
        ".env",
        "TEST_API_TOKEN=t0ken-of-a-file\nTEST_REGION=eu-central-9\nTEST_SECRET=s3cret-of-a-file\n",
    );
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nsecrets: {{ mine: {{ env: TEST_SECRET }}, filed: {{ file: key }} }}\n\
         endpoints: {{ a: {{ request: POST /echo-400, text: \"{{{{ env.TEST_API_TOKEN }}}} {{{{ env.TEST_REGION }}}} \
         {{{{ secrets.mine }}}} {{{{ secrets.filed }}}} {{{{ env.TEST_PASSWORD }}}}\" }} }}\nload: {{ users: 1, iterations: 1 }}\n",
        server.url
    );
    scratch.write("key", "s3cret-of-a-second-file\n");
    let ran = scratch.run_with(&plan, &[], &ENVIRONMENT);
    let text = std::fs::read_to_string(scratch.path("result.json")).unwrap() + &ran.done.output();
    assert!(text.contains("eu-central-9"), "{text}");
    let hidden = ["t0ken-of-a-file", "s3cret-of-a-file", "s3cret-of-a-second-file", PASSWORD];
    let sent = server.log.of("/echo-400")[0].text().to_owned();
    assert!(hidden.iter().all(|secret| sent.contains(secret)), "{sent}");
    assert_absent(&hidden, "the result", &text);
}
