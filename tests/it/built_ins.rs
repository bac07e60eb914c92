//! Every example of `docs/guide/built-ins.md` in a plan, in YAML and in TOML: what reaches the server is what the page says,
//! and a seed repeats what is random whatever the number of workers.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::fault_server::FaultServer;
use crate::support::{Running, Scratch, plimsoll, read_json};
use serde_json::Value;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/built-ins.md");
    std::fs::read_to_string(path).unwrap()
}

/// The text between a fence of this language and the next.
fn block<'t>(page: &'t str, language: &str) -> &'t str {
    page.split_once(&format!("```{language}\n")).unwrap().1.split_once("```").unwrap().0
}

/// Expressions of the page with their values; those over an answer read what was captured of one.
fn examples(page: &str) -> Vec<(String, String)> {
    let row = |line: &str| {
        let (call, value) = line.strip_prefix("| `")?.strip_suffix("` |")?.split_once("` | `")?;
        let call = call.replace("\\|", "|");
        let call = call.strip_prefix("body |").map_or(call.clone(), |rest| format!("html |{rest}"));
        let call = call.strip_prefix("json |").map_or(call.clone(), |rest| format!("document |{rest}"));
        Some((call, value.replace("\\|", "|")))
    };
    page.lines().filter_map(row).collect()
}

fn yaml(url: &str, page: &str, examples: &[(String, String)]) -> String {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let html = block(page, "html").lines().map(|line| format!("    {line}\n")).collect::<String>();
    let call = |(index, (call, _)): (usize, &(String, String))| {
        format!("          e{index}: {}\n", text(&format!("{{{{ {call} }}}}")))
    };
    format!(
        r#"plan: 1
target: {url}
variables:
  html: |
{html}  document: {json}
flows:
  all:
    steps:
      - {{ request: POST /echo, text: "{{{{ html }}}}", capture: {{ title: body | css("title") }} }}
      - request: POST /ok
        name: captured
        capture: {{ id: 'json | jsonpath("$.items[*].id") | first', length: 'body | regex("size.:([0-9]+)")' }}
      - request: POST /items/1
        json:
          title: "{{{{ title }}}}"
          id: "{{{{ id }}}}"
          length: "{{{{ length }}}}"
{calls}load: {{ users: 2, iterations_per_user: 2 }}
"#,
        json = block(page, "json").trim(),
        calls = examples.iter().enumerate().map(call).collect::<String>(),
    )
}

fn toml(url: &str, page: &str, examples: &[(String, String)]) -> String {
    let call =
        |(index, (call, _)): (usize, &(String, String))| format!("e{index} = '''{{{{ {call} }}}}'''\n");
    format!(
        r#"plan = 1
target = '{url}'
load = {{ users = 2, iterations_per_user = 2 }}
[variables]
html = '''
{html}'''
read = '''{json}'''
document = '{{{{ read | fromjson }}}}'
[[flows.all.steps]]
request = 'POST /echo'
text = '{{{{ html }}}}'
capture = {{ title = 'body | css("title")' }}
[[flows.all.steps]]
request = 'POST /ok'
name = 'captured'
capture = {{ id = 'json | jsonpath("$.items[*].id") | first', length = 'body | regex("size.:([0-9]+)")' }}
[[flows.all.steps]]
request = 'POST /items/1'
[flows.all.steps.json]
title = '{{{{ title }}}}'
id = '{{{{ id }}}}'
length = "{{{{ length }}}}"
{calls}"#,
        html = block(page, "html"),
        json = block(page, "json").trim(),
        calls = examples.iter().enumerate().map(call).collect::<String>(),
    )
}

/// The bodies that reach the server, in an order of their own.
fn sent(plan: &str, extension: &str, server: &FaultServer, workers: &str) -> Vec<BTreeMap<String, Value>> {
    let scratch = Scratch::new();
    scratch.write("terms.txt", "You agree.");
    let plan = scratch.write(&format!("plan.{extension}"), plan);
    let mut command = plimsoll();
    let json = scratch.path("result.json");
    command.arg("run").arg(plan).args([
        "--allow-invalid",
        "--quiet",
        "--no-reports",
        "--seed",
        "5",
        "--workers",
        workers,
    ]);
    command.arg("--json").arg(&json);
    Running::start(command).finish().assert_code(0);
    assert_eq!(read_json(&json)["failures"], serde_json::json!([]), "{extension}");
    let mut bodies: Vec<_> =
        server.log.of("/items/1").iter().map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect();
    bodies.sort_by_key(|body: &BTreeMap<String, Value>| body["e0"].to_string());
    bodies
}

#[test]
fn every_built_in_reaches_the_server() {
    let page = page();
    let examples = examples(&page);
    assert!(examples.len() > 70, "only {} examples", examples.len());
    let (one, two) = (FaultServer::start(), FaultServer::start());
    let by_yaml = sent(&yaml(&one.url, &page, &examples), "yaml", &one, "1");
    let by_toml = sent(&toml(&two.url, &page, &examples), "toml", &two, "2");
    assert_eq!((by_yaml.len(), by_toml.len()), (4, 4));
    for (index, (call, value)) in examples.iter().enumerate() {
        let of = |bodies: &[BTreeMap<String, Value>]| -> Vec<Value> {
            bodies.iter().map(|body| body[&format!("e{index}")].clone()).collect()
        };
        let (yaml, toml) = (of(&by_yaml), of(&by_toml));
        if call.starts_with("now(") {
            assert!(
                yaml.iter().chain(&toml).all(|sent| sent.is_string() || sent.is_i64()),
                "{call}: {yaml:?}"
            );
            continue;
        }
        assert_eq!(yaml, toml, "{call} with one worker and with two");
        let is_random =
            ["uuid", "random_", "weighted_", "zipf", "fake."].iter().any(|name| call.starts_with(name));
        if is_random {
            continue;
        }
        let text = |sent: &Value| sent.as_str().map_or_else(|| sent.to_string(), str::to_owned);
        if call.contains("counter") {
            let mut all: Vec<_> = yaml.iter().map(text).collect();
            all.sort();
            assert_eq!(all, ["[1,2,1]", "[1,2,1]", "[3,4,2]", "[3,4,2]"], "{call}");
            continue;
        }
        assert!(yaml.iter().all(|sent| text(sent) == *value), "{call}: {yaml:?} is not {value}");
    }
    for body in by_yaml.iter().chain(&by_toml) {
        assert_eq!(
            (&body["title"], &body["id"], &body["length"]),
            (&"Shop".into(), &"a-1".into(), &"7".into())
        );
    }
    let uuids: Vec<_> = by_yaml.iter().map(|body| &body["e0"]).collect();
    assert!(uuids.windows(2).all(|pair| pair[0] != pair[1]), "{uuids:?}");
}

/// What a variable draws, and what an arrival does, whichever user runs it; counters are its user's.
#[test]
fn variables_and_arrivals_repeat_with_the_seed() {
    let run = |seed: &str| {
        let server = FaultServer::start();
        let plan = format!(
            "plan: 1\ntarget: {}\nvariables: {{ id: \"{{{{ uuid() }}}}\" }}\nendpoints:\n  send: {{ request: POST /ok, json: {{ e0: \
             \"{{{{ uuid() }}}}\", id: \"{{{{ id }}}}\", key: \"{{{{ user.id }}}}-{{{{ counter() }}}}\" }} }}\nload: {{ rate: 50/s, duration: 200ms }}\n",
            server.url
        );
        let scratch = Scratch::new();
        scratch.run(&plan, &["--seed", seed]).done.assert_code(0);
        let bodies = server.log.of("/ok");
        let bodies: Vec<Value> =
            bodies.iter().map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect();
        let mut drawn: Vec<_> = bodies.iter().map(|body| body["e0"].to_string()).collect();
        drawn.sort();
        let keys: std::collections::BTreeSet<_> = bodies.iter().map(|body| body["key"].to_string()).collect();
        assert_eq!(keys.len(), bodies.len(), "a user counts over its arrivals: {keys:?}");
        (bodies[0]["id"].clone(), drawn)
    };
    let first = run("3");
    assert_eq!(first.1.len(), 10);
    assert_eq!(first, run("3"));
    assert_ne!(first.0, run("4").0);
}
