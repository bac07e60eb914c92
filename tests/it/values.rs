//! Values on their way from answers, plans and rows to requests: they arrive as they came. And how much memory answers
//! may take.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crate::support::compiled::check;
use crate::support::{Ran, Running, Scratch, check_accounting, plimsoll, row};
use plimsoll::compile::model::{Entry, Step};
use plimsoll::plan::parse::Format;

/// A server that gives fixed answers by path, and keeps what it was sent.
struct Answers {
    url: String,
    seen: Arc<Mutex<Vec<Sent>>>,
}

#[derive(Debug, Clone)]
struct Sent {
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answers {
    fn start(answers: &[(&str, Vec<u8>)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: BTreeMap<String, Vec<u8>> =
            answers.iter().map(|(path, body)| ((*path).to_owned(), body.clone())).collect();
        let (answers, seen) = (Arc::new(answers), Arc::new(Mutex::new(vec![])));
        let log = Arc::clone(&seen);
        // Ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, &answers, &log));
            }
        });
        Self { url, seen }
    }

    fn seen(&self) -> Vec<Sent> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    stream: std::net::TcpStream,
    answers: &BTreeMap<String, Vec<u8>>,
    log: &Mutex<Vec<Sent>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut lines = vec![];
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        let path = lines[0].split(' ').nth(1)?.to_owned();
        let headers: BTreeMap<String, String> = lines[1..]
            .iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8_lossy(&body).into_owned();
        let answer = answers.get(path.split('?').next()?).cloned().unwrap_or_default();
        log.lock().unwrap().push(Sent { path, headers, body });
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(&answer).ok()?;
    }
}

/// Runs one iteration of a plan, whose target is the server's.
fn run(server: &Answers, plan: &str) -> Ran {
    let plan = format!("plan: 1\ntarget: \"{}\"\n{plan}\nload: {{ users: 1, iterations: 1 }}\n", server.url);
    let ran = Scratch::new().run(&plan, &[]);
    check_accounting(&ran.result);
    ran
}

fn failures(ran: &Ran) -> Vec<(String, String)> {
    let text = |group: &serde_json::Value, key: &str| group[key].as_str().unwrap().to_owned();
    let groups = ran.result["failures"].as_array().unwrap();
    groups.iter().map(|group| (text(group, "kind"), text(group, "message"))).collect()
}

const ORDER: &str = r#"{"id": 12345678901234567890123, "price": 19.90, "e": 1e3, "z": -0, "huge": 1E400, "a": 1, "a": 2,
 "lines": [{"n": 1, "p": 1.10}, {"p": 2.0}], "s": "x\/y"}"#;

#[test]
fn what_is_captured_is_sent_as_it_came() {
    let server = Answers::start(&[("/order", ORDER.into())]);
    let ran = run(
        &server,
        r#"
variables: { version: 1.10, big: 98765432109876543210, list: [1.50, 2] }
data: { rows: { rows: [{ v: 3.10 }] } }
flows:
  f:
    steps:
      - request: GET /order
        name: get
        expect: [json.price == 19.9, json.price > 19, json.e == 1000, json.id == 12345678901234567890123, json.a == 2, json.huge > 1]
        capture: { id: json.id, price: json.price, e: json.e, z: json.z, huge: json.huge, a: json.a, all: json, lines: json.lines, first: "json.lines | first", sum: "json.price + 1" }
      - request: "POST /orders/{{ id }}?price={{ price }}&v={{ rows.v }}"
        name: post
        headers: { api-version: "{{ version }}", x-list: "{{ list }}", x-z: "{{ z }}{{ e }}", x-text: "{{ price ~ ' EUR' }}", x-fixed: 2.50 }
        query: { q: 1.10, huge: "{{ huge }}" }
        json: { id: "{{ id }}", price: "{{ price }}", e: "{{ e }}", a: "{{ a }}", lines: "{{ lines }}", first: "{{ first }}", sum: "{{ sum }}", own: 4.10, big: "{{ big }}" }
      - set: { copy: { p: "{{ price }}", l: "{{ lines }}", own: 7.70 } }
      - request: POST /all
        text: "{{ all }} {{ copy }} {{ all | tojson }} {% for line in lines %}{{ line.p }};{% endfor %}""#,
    );
    ran.done.assert_code(0);
    let [_, post, all] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
    assert_eq!(post.path, "/orders/12345678901234567890123?price=19.90&v=3.10&q=1.10&huge=1E400");
    let header = |name: &str| post.headers[name].as_str();
    assert_eq!(
        ["api-version", "x-list", "x-z", "x-text", "x-fixed"].map(header),
        ["1.10", "[1.50,2]", "-01e3", "19.90 EUR", "2.50"]
    );
    assert_eq!(
        post.body,
        r#"{"id":12345678901234567890123,"price":19.90,"e":1e3,"a":2,"lines":[{"n":1,"p":1.10},{"p":2.0}],"first":{"n":1,"p":1.10},"sum":20.9,"own":4.10,"big":98765432109876543210}"#
    );
    let compact: String = ORDER.split_whitespace().collect();
    let copy = r#"{"p":19.90,"l":[{"n":1,"p":1.10},{"p":2.0}],"own":7.70}"#;
    assert_eq!(all.body, format!("{compact} {copy} {compact} 1.10;2.0;"));
}

#[test]
fn toml_and_set_keep_what_was_written() {
    let server = Answers::start(&[]);
    let scratch = Scratch::new();
    let plan = format!(
        "plan = 1\ntarget = \"{}\"\n[variables]\nversion = 1.10\nbig = 98765432109876543210\nother = 1\n[endpoints.a]\n\
         request = \"POST /x\"\njson = {{ v = \"{{{{ version }}}}\", own = 4.10, big = \"{{{{ big }}}}\", other = \"{{{{ other }}}}\" }}\n\
         headers = {{ x-v = 2.50 }}\n[load]\nusers = 1\niterations = 1\n",
        server.url
    );
    let path = scratch.write("plan.toml", &plan);
    let mut command = plimsoll();
    command.arg("run").arg(&path).args(["--no-reports", "--allow-invalid", "--set", "variables.other=7.70"]);
    Running::start(command).finish().assert_code(0);
    let seen = server.seen();
    assert_eq!(seen[0].body, r#"{"v":1.10,"own":4.10,"big":98765432109876543210,"other":7.70}"#);
    assert_eq!(seen[0].headers["x-v"], "2.50");
    let mut command = plimsoll();
    command.arg("show").arg(&path).args(["--set", "variables.other=7.70"]);
    let shown = Running::start(command).finish().stdout;
    for text in ["version: 1.10", "big: 98765432109876543210", "own: 4.10", "other: 7.70"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
}

#[test]
fn try_shows_the_answers_own_text() {
    let server = Answers::start(&[("/order", ORDER.into())]);
    let scratch = Scratch::new();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /order, capture: {{ price: json.price }} }} }}\nload: {{ users: 1, iterations: 1 }}\n",
        server.url
    );
    let path = scratch.write("plan.yaml", &plan);
    let mut command = plimsoll();
    command.arg("try").arg(path);
    let shown = Running::start(command).finish().stdout;
    for text in [
        "\"id\": 12345678901234567890123,",
        "\"price\": 19.90,",
        "\"a\": 1,",
        "\"a\": 2,",
        "\"huge\": 1E400",
        "price = 19.90",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
}

#[test]
fn byte_order_marks_are_taken_off() {
    let server = Answers::start(&[
        ("/bom", "\u{feff}{\"body\": \"x\", \"n\": [1]}".into()),
        ("/utf16", "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ]);
    let scratch = Scratch::new();
    scratch.write("token.txt", "\u{feff}token-1234\n");
    scratch.write("part.j2", "\u{feff}{{ 1 }}");
    scratch.write("body.json.j2", "\u{feff}{\"a\": {% include \"part.j2\" %}}");
    scratch.write("raw.bin", "\u{feff}raw");
    scratch.write("query.graphql", "\u{feff}query { a }");
    scratch.write(".env", "\u{feff}NAME=from-env\n");
    scratch.write("base.yaml", "\u{feff}variables: { base: included }\n");
    let plan = format!(
        r#"plan: 1
include: base.yaml
target: "{}"
secrets: {{ token: {{ file: token.txt }} }}
variables: {{ from: "{{{{ env.NAME }}}}" }}
flows:
  f:
    steps:
      - {{ request: POST /secret, name: secret, text: "{{{{ base }}}} {{{{ from }}}}", headers: {{ x-token: "Bearer {{{{ secrets.token }}}}" }} }}
      - {{ request: POST /template, name: template, template: body.json.j2 }}
      - {{ request: POST /function, name: function, text: "{{{{ file('token.txt') }}}}" }}
      - {{ request: POST /raw, name: raw, file: raw.bin }}
      - {{ request: POST /graphql, name: graphql, graphql: {{ query: {{ file: query.graphql }} }} }}
      - {{ request: GET /bom, name: bom, expect: [json.body == "x", json.n | first == 1, "(body | fromjson).n == [1]", json.body == "x", "json.n == [1]"] }}
      - {{ request: GET /utf16, name: utf16, expect: [json.body == "x"] }}
load: {{ users: 1, iterations: 1 }}
"#,
        server.url
    );
    let ran = scratch.run(&format!("\u{feff}{plan}"), &[]);
    assert!(ran.done.stderr.is_empty() || !server.seen().is_empty(), "{}", ran.done.stderr);
    let seen = server.seen();
    let body = |path: &str| seen.iter().find(|sent| sent.path == path).unwrap().body.clone();
    assert_eq!(seen[0].headers["x-token"], "Bearer token-1234");
    assert_eq!(body("/secret"), "included from-env");
    assert_eq!(body("/template"), "{\"a\": 1}");
    assert_eq!(body("/function").trim_end(), "token-1234");
    assert_eq!(body("/raw"), "\u{feff}raw", "bytes stay as they are");
    assert_eq!(body("/graphql"), r#"{"query":"query { a }"}"#);
    let [(kind, words)] = &failures(&ran)[..] else { panic!("{:?}", failures(&ran)) };
    assert_eq!(kind, "decode");
    assert!(words.contains("UTF-16"), "{words}");
    for (name, text) in [("plan.yaml", plan.clone()), ("plan.toml", "plan = 1\n".to_owned())] {
        let bytes: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let path = scratch.path(name);
        std::fs::write(&path, bytes).unwrap();
        let mut command = plimsoll();
        command.arg("validate").arg(&path);
        let done = Running::start(command).finish();
        done.assert_code(2);
        assert!(
            done.stderr.contains("is UTF-16") && done.stderr.contains("save the file as UTF-8"),
            "{}",
            done.stderr
        );
    }
    let toml = "\u{feff}plan = 1\ntarget = \"http://127.0.0.1:1\"\n[endpoints.a]\nrequest = \"GET /\"\n[load]\nusers = 1\niterations = 1\n";
    let mut command = plimsoll();
    command.arg("validate").arg(scratch.write("marked.toml", toml));
    Running::start(command).finish().assert_code(0);
}

#[test]
fn a_missing_value_does_not_hold() {
    let server = Answers::start(&[("/x", br#"{"a": 1, "items": []}"#.to_vec())]);
    for expression in [
        "json.c is not none",
        "json.c != 3",
        "not json.c",
        "not (json.c == 3)",
        "json.c is not none and json.a == 1",
        "json.c | length == 0",
        "json.c not in [1]",
        "json.c",
    ] {
        let ran =
            run(&server, &format!("endpoints: {{ a: {{ request: GET /x, expect: ['{expression}'] }} }}\n"));
        let [(kind, words)] = &failures(&ran)[..] else { panic!("{expression}: {:?}", failures(&ran)) };
        assert_eq!(
            (kind.as_str(), words.as_str()),
            ("expect", format!("{expression} — `json.c` is missing").as_str())
        );
    }
    for expression in [
        "json.c is undefined or json.c > 3",
        "json.c is not defined",
        "json.c | default(0) == 0",
        "json.items | length == 0",
        "json.a is not none",
    ] {
        let ran =
            run(&server, &format!("endpoints: {{ a: {{ request: GET /x, expect: ['{expression}'] }} }}\n"));
        assert_eq!(failures(&ran), [], "{expression}");
    }
    let steps = |test: &str| {
        format!(
            "flows:\n  f:\n    steps:\n      - request: GET /x\n        name: first\n      - if: {test}\n        steps: [{{ request: GET /yes }}]\n        else: [{{ request: GET /no }}]\n      - request: GET /x\n        name: again\n      - repeat: {{ while: {test}, steps: [{{ request: GET /round }}] }}\n"
        )
    };
    for (test, path) in [
        ("json.c != 3", "/no"),
        ("json.c is not none", "/no"),
        ("json.c is undefined and status == 200", "/yes"),
    ] {
        let from = server.seen().len();
        if path == "/yes" {
            // Its loop would have no end.
            continue;
        }
        let ran = run(&server, &steps(test));
        ran.done.assert_code(0);
        assert_eq!(row(&ran.result, "f")["failures"], 0);
        let paths: Vec<_> = server.seen()[from..].iter().map(|sent| sent.path.clone()).collect();
        assert_eq!(paths, ["/x", path, "/x"], "{test}");
    }
}

/// Steps in short: a request with `+` keeps a part of its answer that may be large, `-` lets go of one.
fn in_short(steps: &[Step]) -> String {
    let one = |step: &Step| match step {
        Step::Request(request) => {
            if request.kept.large().is_empty() { "request" } else { "request+" }.to_owned()
        }
        Step::Poll(poll) => if poll.request.kept.large().is_empty() { "poll" } else { "poll+" }.to_owned(),
        Step::Release(_) => "-".to_owned(),
        Step::Think(_) => "think".to_owned(),
        Step::Set(_) => "set".to_owned(),
        Step::If(_, then, other) => format!("if({}|{})", in_short(then), in_short(other)),
        Step::Repeat(_, steps) => format!("repeat({})", in_short(steps)),
        Step::Group(_, steps) => format!("group({})", in_short(steps)),
        Step::Choose(_, all) => {
            format!("choose({})", all.iter().map(|steps| in_short(steps)).collect::<Vec<_>>().join("|"))
        }
    };
    steps.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn answers_are_kept_as_long_as_a_later_step_looks_at_them() {
    let get = "{ request: GET /x, name: x }";
    for (steps, expected) in [
        (format!("[{get}, {{ think: 1s }}, {get}]"), "request think request"),
        (format!("[{get}, {{ if: json.a == 1, steps: [{{ think: 1s }}] }}]"), "request+ if(- think|-)"),
        (
            format!(
                "[{get}, {{ if: json.a == 1, steps: [{{ think: 1s }}, {{ set: {{ b: '{{{{ json.b }}}}' }} }}] }}, {{ think: 1s }}]"
            ),
            "request+ if(think set -|-) think",
        ),
        (format!("[{get}, {get}, {{ set: {{ b: '{{{{ body }}}}' }} }}]"), "request request+ set -"),
        (
            format!(
                "[{get}, {{ if: status == 200, steps: [{get}] }}, {{ if: json.a, steps: [{{ think: 1s }}] }}]"
            ),
            "request+ if(- request+|) if(- think|-)",
        ),
        (
            format!(
                "[{get}, {{ repeat: {{ while: json.more, steps: [{{ think: 1s }}, {get}] }} }}, {{ think: 1s }}]"
            ),
            "request+ repeat(- think request+) - think",
        ),
        (
            format!("[{get}, {{ repeat: {{ for_each: {{ i: json.list }}, steps: [{{ think: 1s }}] }} }}]"),
            "request+ repeat(- think) -",
        ),
        (
            format!(
                "[{get}, {{ repeat: {{ times: 2, steps: [{{ if: json.a, steps: [{get}] }}, {{ think: 1s }}] }} }}]"
            ),
            "request+ repeat(if(- request+|) think) -",
        ),
        (
            "[{ poll: { request: GET /x, until: json.done, every: 1s } }, { think: 1s }]".to_owned(),
            "poll+ - think",
        ),
        (
            format!(
                "[{get}, {{ group: {{ name: g, steps: [{{ think: 1s }}] }} }}, {{ if: json.a, steps: [{get}] }}]"
            ),
            "request+ group(think) if(- request|-)",
        ),
    ] {
        let plan = format!(
            "plan: 1\ntarget: http://127.0.0.1:1\nflows:\n  f:\n    steps: {steps}\nload: {{ users: 1, iterations: 1 }}\n"
        );
        let checked = check(Format::Yaml, &plan, std::path::Path::new("./plan.yaml"), None);
        let compiled = checked.plan.unwrap_or_else(|| panic!("{plan}\n{}", checked.told));
        let Entry::Flow { steps: found, .. } = &compiled.scenarios[0].entries[0] else { panic!("a flow") };
        assert_eq!(in_short(found), expected, "{steps}");
    }
}

/// Size of a large answer.
const MB: usize = 1;

/// A list as `hostile/server.py` makes it.
fn bomb(unit: &str) -> Vec<u8> {
    format!("[{}0]", unit.repeat(MB * 1_000_000 / unit.len())).into_bytes()
}

#[test]
fn values_of_answers_are_bounded() {
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let server = Answers::start(&[
        ("/ones", bomb("1,")),
        ("/keys", bomb("{\"a\":1},")),
        ("/deep", deep),
        ("/text", "x".repeat(17 << 20).into_bytes()),
    ]);
    // One path, or all of it within what is allowed.
    for expect in ["json[0].a == 1", "json | length > 100000"] {
        let ran =
            run(&server, &format!("endpoints: {{ a: {{ request: GET /keys, expect: ['{expect}'] }} }}\n"));
        assert_eq!(failures(&ran), [], "{expect}");
    }
    let refused = |plan: &str, expected: (&str, &str)| {
        let ran = run(&server, plan);
        let [(kind, words)] = &failures(&ran)[..] else { panic!("{plan}: {:?}", failures(&ran)) };
        assert!(kind == expected.0 && words.contains(expected.1), "{plan}: {kind} {words}");
    };
    let endpoint = |more: &str| format!("http: {{ max_values: 1MiB }}\nendpoints: {{ a: {{ {more} }} }}\n");
    refused(
        &endpoint("request: GET /keys, expect: [json | length > 3]"),
        ("body.too_large", "http.max_values"),
    );
    refused(&endpoint("request: GET /keys, capture: { all: json }"), ("body.too_large", "http.max_values"));
    refused(
        "endpoints: { a: { request: GET /text, expect: [\"'y' in body\"] } }\n",
        ("body.too_large", "http.max_values"),
    );
    refused(
        "endpoints: { a: { request: GET /deep, expect: ['json[0] | length > 3'] } }\n",
        ("decode", "128 levels"),
    );
    refused("endpoints: { a: { request: GET /deep, expect: ['json[0] == 3'] } }\n", ("decode", "128 levels"));
    // Each fits, and together they do not.
    let steps = "http: { max_values: 2500KB }\nflows:\n  f:\n    steps:\n\
        \x20     - { request: GET /keys, name: one, capture: { one: body } }\n\
        \x20     - { request: GET /keys, name: two, capture: { two: body } }\n\
        \x20     - { request: GET /keys, name: again, capture: { two: body } }\n\
        \x20     - { request: GET /keys, name: three, capture: { three: body, four: status } }\n\
        \x20     - { request: GET /keys, name: four, capture: { four: body } }\n";
    let ran = run(&server, steps);
    assert_eq!(row(&ran.result, "again")["failures"], 0);
    assert_eq!(row(&ran.result, "three")["failures"], 1, "three texts of 1 MB");
}

/// `hostile/2`, smaller: 20 users keep nothing of an answer while they think.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_is_let_go_of_when_no_later_step_looks_at_it() {
    let server = Answers::start(&[("/keys", bomb("{\"a\":1},"))]);
    let peak = |steps: &str| {
        let plan = format!(
            "flows:\n  f:\n    steps:\n{steps}      - {{ think: 1s }}\n      - {{ request: GET /end, name: end }}\nload: {{ users: 20, iterations_per_user: 1 }}\n"
        );
        let plan = format!("plan: 1\ntarget: \"{}\"\n{plan}", server.url);
        let ran = Scratch::new().run(&plan, &[]);
        assert_eq!(failures(&ran), []);
        let seconds = ran.result["generator"].clone();
        seconds["max_rss_bytes"].as_u64().unwrap_or_else(|| panic!("{seconds}")) >> 20
    };
    let path = peak("      - { request: GET /keys, name: get, expect: ['json[0].a == 1'] }\n");
    let tree = peak("      - { request: GET /keys, name: get, expect: ['json | length > 3'] }\n");
    let looked = peak(
        "      - { request: GET /keys, name: get }\n      - { if: 'json | length > 3', steps: [{ think: 0s }] }\n",
    );
    for (what, mib) in [("path", path), ("tree", tree), ("looked at by a step", looked)] {
        // The texts of all that are read at once, and a document: 20 × 1 MB + 3 MB; it was 1.7 GB.
        assert!(mib < 200, "{what}: {mib} MiB");
    }
}
