//! The shorthands of `auth`, as YAML and as TOML: what arrives at the server, when it is renewed, what is refused.

use std::collections::BTreeSet;

use crate::support::fault_server::{FaultServer, Seen};
use crate::support::{Ran, Running, Scratch, check_accounting, plimsoll, read_json, requests, row};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const ENVIRONMENT: [(&str, &str); 2] =
    [("TEST_TOKEN", "t0ken/with+odd=chars"), ("TEST_PASSWORD", "p&ss:w/+rd é")];

/// Runs a plan under a name whose ending says its format.
fn run_as(name: &str, plan: &str) -> Ran {
    let scratch = Scratch::new();
    let plan = scratch.write(name, plan);
    let json = scratch.path("result.json");
    let mut command = plimsoll();
    command.arg("run").arg(plan).args(["--allow-invalid", "--workers", "2", "--json"]).arg(&json);
    command.envs(ENVIRONMENT);
    let done = Running::start(command).finish();
    let result = read_json(&json);
    if !result.is_null() {
        check_accounting(&result);
    }
    Ran { result, done }
}

/// What a server got at `/ok` from two users with this `auth`, written both ways.
fn sent(yaml: &str, toml: &str) -> [Vec<Seen>; 2] {
    let server = FaultServer::start();
    let secrets = "{ token: { env: TEST_TOKEN }, password: { env: TEST_PASSWORD } }";
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nsecrets: {secrets}\nauth:\n  {yaml}\n\
         endpoints: {{ it: {{ request: GET /ok, headers: {{ cookie: own=0, x-user: \"{{{{ user.id }}}}\" }} }} }}\n\
         load: {{ users: 2, iterations: 4 }}\n",
        server.url
    );
    let ran = run_as("plan.yaml", &plan);
    ran.done.assert_code(0);
    assert_eq!(requests(&ran.result, "it"), 4);
    let by_yaml = server.log.of("/ok");
    drop(server);
    let server = FaultServer::start();
    let plan = format!(
        "plan = 1\ntarget = \"{}\"\n[secrets]\ntoken = {{ env = \"TEST_TOKEN\" }}\n\
         password = {{ env = \"TEST_PASSWORD\" }}\n[auth]\n{toml}\n[endpoints.it]\nrequest = \"GET /ok\"\n\
         headers = {{ cookie = \"own=0\", x-user = \"{{{{ user.id }}}}\" }}\n[load]\nusers = 2\niterations = 4\n",
        server.url
    );
    run_as("plan.toml", &plan).done.assert_code(0);
    [by_yaml, server.log.of("/ok")]
}

/// Every request of both formats carries this, computed from the user's number.
#[track_caller]
fn assert_each(sent: &[Vec<Seen>; 2], header: &str, expected: impl Fn(&str) -> String) {
    for seen in sent.iter().flatten() {
        let user = seen.header("x-user").unwrap();
        assert_eq!(seen.header(header), Some(expected(user).as_str()), "{seen:?}");
    }
    assert_eq!(sent.each_ref().map(Vec::len), [4, 4]);
}

#[test]
fn bearer_is_a_header() {
    let sent = sent(
        r#"bearer: "{{ secrets.token }}.{{ user.id }}""#,
        r#"bearer = "{{ secrets.token }}.{{ user.id }}""#,
    );
    assert_each(&sent, "authorization", |user| format!("Bearer t0ken/with+odd=chars.{user}"));
}

#[test]
fn basic_is_a_header_of_both() {
    let sent = sent(
        r#"basic: { username: "u{{ user.id }}", password: "{{ secrets.password }}" }"#,
        "basic = { username = \"u{{ user.id }}\", password = \"{{ secrets.password }}\" }",
    );
    let expected = |user: &str| format!("Basic {}", STANDARD.encode(format!("u{user}:p&ss:w/+rd é")));
    assert_each(&sent, "authorization", expected);
}

#[test]
fn an_api_key_is_a_header_or_a_parameter() {
    let in_header = sent(
        r#"api_key: { header: X-API-Key, value: "{{ secrets.token }}" }"#,
        "api_key = { header = \"X-API-Key\", value = \"{{ secrets.token }}\" }",
    );
    assert_each(&in_header, "x-api-key", |_| "t0ken/with+odd=chars".to_owned());
    assert!(in_header.iter().flatten().all(|seen| seen.path == "/ok"));
    let in_query = sent(
        r#"api_key: { query: the key, value: "{{ secrets.token }}" }"#,
        "api_key = { query = \"the key\", value = \"{{ secrets.token }}\" }",
    );
    for seen in in_query.iter().flatten() {
        assert_eq!(seen.path, "/ok?the%20key=t0ken%2Fwith%2Bodd%3Dchars");
        assert_eq!(seen.header("authorization"), None);
    }
}

#[test]
fn a_key_goes_with_a_token_and_with_more_headers() {
    let sent = sent(
        "bearer: \"{{ secrets.token }}\"\n  api_key: { query: key, value: \"{{ user.id }}\" }\n  \
         apply: { headers: { x-more: \"{{ user.id }}\" }, query: { a: b } }",
        "bearer = \"{{ secrets.token }}\"\napi_key = { query = \"key\", value = \"{{ user.id }}\" }\n\
         apply = { headers = { x-more = \"{{ user.id }}\" }, query = { a = \"b\" } }",
    );
    assert_each(&sent, "authorization", |_| "Bearer t0ken/with+odd=chars".to_owned());
    assert_each(&sent, "x-more", str::to_owned);
    for seen in sent.iter().flatten() {
        assert_eq!(seen.path, format!("/ok?key={}&a=b", seen.header("x-user").unwrap()));
    }
}

#[test]
fn cookies_join_those_of_the_request() {
    let sent = sent(
        r#"apply: { cookies: { sid: "s-{{ user.id }}", lang: en } }"#,
        "apply = { cookies = { sid = \"s-{{ user.id }}\", lang = \"en\" } }",
    );
    assert_each(&sent, "cookie", |user| format!("own=0; sid=s-{user}; lang=en"));
}

#[test]
fn a_shorthand_is_short_for_its_long_form() {
    let short = sent(r#"bearer: "{{ secrets.token }}""#, r#"bearer = "{{ secrets.token }}""#);
    let long = sent(
        r#"apply: { headers: { authorization: "Bearer {{ secrets.token }}" } }"#,
        "apply = { headers = { authorization = \"Bearer {{ secrets.token }}\" } }",
    );
    let headers = |sent: &[Vec<Seen>; 2]| -> BTreeSet<Option<String>> {
        sent.iter().flatten().map(|seen| seen.header("authorization").map(str::to_owned)).collect()
    };
    assert_eq!(headers(&short), headers(&long));
}

#[test]
fn steps_log_in_and_a_shorthand_says_what_is_sent() {
    let server = FaultServer::start();
    let plan = format!(
        r#"
plan: 1
target: "{}"
auth:
  steps: [{{ request: POST /login, capture: {{ token: json.token }} }}]
  bearer: "{{{{ auth.token }}}}"
  refresh: {{ on_status: [401] }}
endpoints:
  it: {{ request: GET /unauthorized-once }}
  open: {{ request: GET /ok, auth: none }}
flows: {{ both: {{ weight: 1, steps: [use: it, use: open] }} }}
load: {{ users: 1, iterations: 2 }}
"#,
        server.url
    );
    run_as("plan.yaml", &plan).done.assert_code(0);
    let tokens: Vec<_> = server
        .log
        .of("/unauthorized-once")
        .iter()
        .map(|s| s.header("authorization").unwrap().to_owned())
        .collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2", "Bearer token-2"]);
    assert!(server.log.of("/ok").iter().all(|seen| seen.header("authorization").is_none()));
}

/// A plan with client credentials.
fn oauth2(server: &FaultServer, more: &str, auth: &str, rest: &str) -> String {
    format!(
        "plan: 1\ntarget: \"{}\"\nsecrets: {{ secret: {{ env: TEST_PASSWORD }} }}\nauth:\n  oauth2:\n    \
         client_id: \"my client/1\"\n    client_secret: \"{{{{ secrets.secret }}}}\"\n    {more}\n  {auth}\n{rest}",
        server.url
    )
}

const FOUR: &str = "endpoints: { it: { request: GET /ok } }\nload: { users: 2, iterations_per_user: 2 }\n";

/// The fields of a form, decoded.
fn form(seen: &Seen) -> Vec<(String, String)> {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = seen.text().split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn client_credentials_as_the_standard_says() {
    let server = FaultServer::start();
    let more = "token_url: /oauth/token\n    scope: read write\n    params: { audience: \"https://api/{{ user.id }}\" }";
    let ran = run_as("plan.yaml", &oauth2(&server, more, "scope: run", FOUR));
    ran.done.assert_code(0);
    let asked = server.log.of("/oauth/token");
    assert_eq!(asked.len(), 1, "once for the run");
    let asked = &asked[0];
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(asked.header("accept"), Some("application/json"));
    // RFC 6749, section 2.3.1: encoded, then joined, then base64.
    let basic = format!("Basic {}", STANDARD.encode("my%20client%2F1:p%26ss%3Aw%2F%2Brd%20%C3%A9"));
    assert_eq!(asked.header("authorization"), Some(basic.as_str()));
    let form = form(asked);
    assert_eq!(form[..2], pairs(&[("grant_type", "client_credentials"), ("scope", "read write")]));
    assert!(form.len() == 3 && form[2].0 == "audience", "{form:?}");
    assert!(server.log.of("/ok").iter().all(|seen| seen.header("authorization") == Some("Bearer token-1")));
    assert_eq!(row(&ran.result, "oauth2 token")["kind"], "auth");
    assert_eq!(requests(&ran.result, "oauth2 token"), 1);
    assert_eq!(ran.result["totals"]["requests"], 4, "it counts in no total");
}

#[test]
fn client_credentials_in_the_form_by_toml() {
    let server = FaultServer::start();
    let plan = format!(
        "plan = 1\n[targets]\nmain = \"{0}\"\n[secrets]\nsecret = {{ env = \"TEST_PASSWORD\" }}\n\
         [http]\nheaders = {{ authorization = \"none {{{{ user.id }}}}\" }}\n[auth.oauth2]\n\
         token_url = \"{{{{ env.TEST_URL | default('{0}') }}}}/oauth/token\"\n\
         client_id = \"me\"\nscope = [\"read\", \"write\"]\nclient_secret = \"{{{{ secrets.secret }}}}\"\nclient_auth = \"body\"\n\
         [endpoints.it]\nrequest = \"GET /ok\"\n[load]\nusers = 3\niterations_per_user = 2\n",
        server.url
    );
    run_as("plan.toml", &plan).done.assert_code(0);
    let asked = server.log.of("/oauth/token");
    assert_eq!(asked.len(), 3, "each user has its own");
    for asked in &asked {
        let fields = [
            ("grant_type", "client_credentials"),
            ("scope", "read write"),
            ("client_id", "me"),
            ("client_secret", ENVIRONMENT[1].1),
        ];
        assert_eq!(form(asked), pairs(&fields));
    }
    let tokens: BTreeSet<_> =
        server.log.of("/ok").iter().map(|s| s.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(tokens.len(), 3, "{tokens:?}");
    assert!(tokens.iter().all(|token| token.starts_with("Bearer token-")), "{tokens:?}");
}

#[test]
fn a_token_is_renewed_before_it_expires_once_for_all() {
    let server = FaultServer::start();
    let rest =
        "endpoints: { it: { request: GET /ok } }\nthink: 50ms\nload: { users: 4, iterations_per_user: 50 }\n";
    let began = std::time::Instant::now();
    let ran = run_as("plan.yaml", &oauth2(&server, "token_url: /oauth/short", "scope: run", rest));
    ran.done.assert_code(0);
    let asked = server.log.count("/oauth/short");
    // 80 % of 1.5 s each; were it not for all users together there would be four times as many.
    let most = 1 + (began.elapsed().as_secs_f64() / 1.2) as u64;
    assert!((3..=most).contains(&asked), "{asked} tokens, at most {most}");
    assert_eq!(requests(&ran.result, "oauth2 token"), asked);
    // From the answer with a new token on nobody sends an old one, but for what is on its way.
    let all = server.log.all();
    let (mut given, mut old) = (0, 0);
    for seen in &all {
        match seen.header("authorization").and_then(|value| value.strip_prefix("Bearer token-")) {
            Some(number) => old += usize::from(number.parse::<u64>().unwrap() < given),
            None => given += 1,
        }
    }
    let last = all.iter().rev().find(|seen| seen.route() == "/ok").unwrap();
    assert_eq!(last.header("authorization"), Some(format!("Bearer token-{asked}").as_str()));
    assert!(old <= 3 * asked as usize, "{old} requests with an old token");
}

#[test]
fn without_a_life_a_token_is_kept() {
    let server = FaultServer::start();
    let rest = "endpoints: { it: { request: GET /ok } }\nthink: 500ms\nload: { users: 1, iterations: 4 }\n";
    run_as("plan.yaml", &oauth2(&server, "token_url: /oauth/for-ever", "", rest)).done.assert_code(0);
    assert_eq!(server.log.count("/oauth/for-ever"), 1);
    // And the plan's own rule is the one that counts.
    let after = "refresh: { after: 1s }";
    run_as("plan.yaml", &oauth2(&server, "token_url: /oauth/token", after, rest)).done.assert_code(0);
    assert_eq!(server.log.count("/oauth/token"), 2);
}

#[test]
fn a_401_is_answered_by_one_new_token_for_the_run() {
    let server = FaultServer::start();
    let rest = "endpoints: { it: { request: GET /expiring } }\nload: { users: 6, iterations_per_user: 10 }\n";
    let auth = "scope: run\n  refresh: { on_status: [401] }";
    let ran = run_as("plan.yaml", &oauth2(&server, "token_url: /oauth/slow", auth, rest));
    ran.done.assert_code(0);
    assert_eq!(server.log.count("/oauth/slow"), 2, "one refresh, whoever met the 401");
    let row = row(&ran.result, "it");
    let refused = row["status"]["401"].as_u64().unwrap();
    assert!((1..=6).contains(&refused), "each user meets it at most once: {refused}");
    assert_eq!((&row["status"]["200"], &row["failures"]), (&60.into(), &0.into()));
    assert_eq!(server.log.count("/expiring"), 60 + refused, "each is sent again exactly once");
    let last: BTreeSet<_> = server
        .log
        .of("/expiring")
        .iter()
        .rev()
        .take(6)
        .map(|s| s.header("authorization").unwrap().to_owned())
        .collect();
    assert_eq!(last, BTreeSet::from(["Bearer token-2".to_owned()]), "all use the new one");
}

#[test]
fn a_401_is_answered_by_a_new_token_of_the_user() {
    let server = FaultServer::start();
    let rest = "endpoints: { it: { request: GET /expiring } }\nload: { users: 2, iterations_per_user: 10 }\n";
    let auth = "refresh: { on_status: [401] }";
    let ran = run_as("plan.yaml", &oauth2(&server, "token_url: /oauth/token", auth, rest));
    ran.done.assert_code(0);
    // The server takes the first token no more after ten requests; the other user's goes on.
    let refused = row(&ran.result, "it")["status"]["401"].as_u64().unwrap_or(0);
    assert!(refused <= 1, "{refused}");
    assert_eq!(server.log.count("/oauth/token"), 2 + refused);
    assert_eq!(server.log.count("/expiring"), 20 + refused);
}

#[test]
fn tokens_that_are_none_end_the_run() {
    for (kind, words) in
        [("mac", "json.token_type"), ("empty", "the bearer token is empty"), ("refused", "401")]
    {
        let server = FaultServer::start();
        let more = format!("token_url: /oauth/{kind}");
        let ran = run_as("plan.yaml", &oauth2(&server, &more, "", FOUR));
        ran.done.assert_code(3);
        assert!(ran.done.output().contains(words), "{kind}: {}", ran.done.output());
        assert_eq!(server.log.count("/ok"), 0);
        assert!(server.log.count(&format!("/oauth/{kind}")) >= 3);
    }
}

#[test]
fn values_that_cannot_be_sent_are_told_by_name() {
    let server = FaultServer::start();
    for (auth, words) in [
        (r#"bearer: "{{ env.TEST_NOT_SET | default('') }}""#, "the bearer token is empty"),
        (
            r#"basic: { username: "a{{ ':' }}", password: "{{ env.TEST_TOKEN }}" }"#,
            "`basic.username` would hold `:`",
        ),
        (r#"basic: { username: a, password: "{{ env.TEST_TOKEN }}{{ '\n' }}" }"#, "a control character"),
        (
            r#"api_key: { header: x-key, value: "{{ env.TEST_TOKEN }}{{ '\n' }}" }"#,
            "the header x-key would hold",
        ),
        (r#"apply: { cookies: { a: "{{ 'b;c' }}" } }"#, "the cookie a would hold"),
    ] {
        let plan = format!("plan: 1\ntarget: \"{}\"\nauth:\n  {auth}\n{FOUR}", server.url);
        let ran = run_as("plan.yaml", &plan);
        ran.done.assert_code(3);
        assert!(ran.done.output().contains(words), "{auth}: {}", ran.done.output());
        assert!(!ran.done.output().contains("t0ken"), "{}", ran.done.output());
    }
    assert!(server.log.all().is_empty());
}
