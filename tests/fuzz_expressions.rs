//! Expressions made by the grammar, over hostile values: no panic, bounded time and memory, a server's text is never a
//! template, and what is rendered into a request never ends its line or becomes a header. The seed is fixed;
//! `PROPTEST_CASES` asks for more cases.
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

mod fuzz;
mod support;

use std::sync::Arc;

use fuzz::grammar::expression;
use fuzz::values::{self, COMPUTED};
use fuzz::{bounded, run, run_large};
use plimsoll::body::{Body, Pairs, render_path};
use plimsoll::template::{EvalError, Expr, JsonText, Rng, Scope, Text, to_text, with_rng};
use rand::SeedableRng as _;
use serde_json::json;
use support::fault_server::FaultServer;
use support::{Running, Scratch, plimsoll};

/// Cases when nothing else is asked for.
const CASES: u32 = 800;
/// Plans of many requests each.
const PLANS: u32 = 3;
/// Requests of each.
const REQUESTS: usize = 40;

/// Everything a plan can do with an expression, but sending it.
fn use_of(source: &str, scope: &Arc<Scope>) {
    match bounded(source, || Expr::compile(source)) {
        Ok(expr) => {
            let value = bounded(source, || with_rng(&mut Rng::seed_from_u64(1), || expr.eval_bounded(scope)));
            let text = bounded(source, || value.map(|value| to_text(&value)));
            told(source, text);
            let _ = expr.names();
        }
        // It is minijinja that says what is no expression.
        Err(error) => assert!(!error.message.contains("cannot be checked"), "{source}"),
    }
    let lone = format!("{{{{ {source} }}}}");
    for text in
        [lone.clone(), format!("a {{{{ {source} }}}} b"), format!("{{% if {source} %}}y{{% endif %}}{lone}")]
    {
        let Ok(text) = bounded(source, || Text::compile(&text)) else { continue };
        told(source, rendered(source, || text.render(scope)));
        let pairs = Body::Pairs(Pairs(vec![(text.clone(), text)]));
        if let Ok(form) = rendered(source, || pairs.render(scope)) {
            assert!(form.iter().all(u8::is_ascii_graphic), "{source}: {form:?}");
        }
    }
    if let Ok(text) = Text::compile(&format!("/p/{lone}")) {
        let mut path = String::new();
        if rendered(source, || render_path(&text, scope, &mut path)).is_ok() {
            assert!(!path.contains(['\r', '\n', ' ', '#']), "{source}: {path:?}");
        }
    }
    let mut json = JsonText::default();
    json.push_raw("[");
    if json.push_text(&lone).is_ok() {
        json.push_raw(",");
        json.push_text(&format!("x {lone}")).unwrap();
        json.push_raw("]");
        let body = Body::Json(json);
        if let Ok(bytes) = rendered(source, || body.render(scope)) {
            serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_else(|e| panic!("{source}: {e}"));
        }
    }
}

fn rendered<T>(source: &str, work: impl FnOnce() -> Result<T, EvalError>) -> Result<T, EvalError> {
    bounded(source, || with_rng(&mut Rng::seed_from_u64(1), work))
}

fn told(source: &str, text: Result<String, EvalError>) {
    let text = text.unwrap_or_else(|error| error.to_string());
    assert!(!text.contains(COMPUTED), "a value was a template: {source}");
}

#[test]
fn expressions_are_bounded() {
    let scope = values::scope();
    run(CASES, &expression(), |source| use_of(&source, &scope));
}

/// What has been found, or was feared.
#[test]
fn known_expressions_are_bounded() {
    let scope = values::scope();
    for source in [
        "list * 10 ** 5 ~ 'x'",
        "[list * 10 ** 5] * 10 ** 3 ~ 'x'",
        "(list * 10 ** 5) | string",
        "(list * 10 ** 5) | upper",
        "[list * 10 ** 5] | map('string') | list",
        "list * 10 ** 5 == list * 10 ** 5 + [1]",
        "'x' in [list * 10 ** 5]",
        "(list * 10 ** 5) in [list * 10 ** 5]",
        "(list * 10 ** 5) in long",
        "{list * 10 ** 5: 1}",
        "map[list * 10 ** 5]",
        "'x' * number * 10 ** 8",
        "long * 10 ** 4",
        "10 ** 10 ** 10",
        "range(10 ** 9)",
        "long | replace('', long)",
        "long | replace('b', long)",
        "long | indent(10 ** 6)",
        "long | indent(10 ** 18)",
        "texts | join(long * 100)",
        "'%1000000000d' | format(1)",
        "'%.*f' | format(10 ** 9, 1.5)",
        "random_string(10 ** 9)",
        "list | batch(10 ** 9, 'x') | list",
        "list | slice(10 ** 9) | list",
        "(list * 10 ** 5) | sort",
        "(list * 10 ** 5) | unique",
        "list * 10 ** 5 is eq(list * 10 ** 5)",
        "random_choice(list * 10 ** 5)",
        "dict(a=list * 10 ** 5)",
        "'a' | hmac(list * 10 ** 5)",
        "now(list * 10 ** 5)",
        "counter(list * 10 ** 5)",
        "long | regex(list * 10 ** 5)",
    ] {
        use_of(source, &scope);
    }
}

/// A server's hostile answer is captured and put into every part of a request; what arrives are the requests of the
/// plan, with the headers of the plan.
#[test]
fn requests_stay_whole() {
    let many = proptest::collection::vec(expression(), REQUESTS);
    run_large(PLANS, CASES / PLANS, &many, |expressions| {
        let (server, scratch) = (FaultServer::start(), Scratch::new());
        let hostile: serde_json::Map<_, _> = values::all()
            .into_iter()
            .filter(|(name, _)| *name != "wide")
            .map(|(name, value)| (name.to_owned(), serde_json::to_value(&value).unwrap()))
            .collect();
        scratch.write("answer.json", &serde_json::Value::from(hostile.clone()).to_string());
        let captured = hostile.keys().map(|name| (name.clone(), json!(format!("json.{name}"))));
        let mut captured: serde_json::Map<_, _> = captured.collect();
        captured.insert("wide".into(), json!("json.huge"));
        captured.insert("later".into(), json!("json.empty"));
        let request = |(index, source): (usize, &String)| {
            // In `auth` the values of an answer lie below a name of their own.
            let text = format!("{{{{ {source} }}}}");
            json!({ "request": format!("POST /items/p{index}/{text}"), "name": format!("r{index}"),
                    "headers": { "x-value": text }, "query": { "q": text }, "form": { "f": text } })
        };
        let all = expressions.iter().enumerate();
        let flows: serde_json::Map<_, _> = all
            .map(|(index, source)| {
                let first = json!({ "request": "POST /mirror", "name": format!("a{index}"), "file": "answer.json",
                                    "capture": captured });
                (format!("f{index}"), json!({ "steps": [first, request((index, source))] }))
            })
            .collect();
        let plan = json!({ "plan": 1, "target": server.url, "flows": flows });
        // Those that are refused before the run have no request.
        let mut plan = plan;
        let path = scratch.path("plan.yaml");
        let kept: Vec<_> = expressions
            .iter()
            .enumerate()
            .filter(|(index, source)| {
                let text = Text::compile(&format!("{{{{ {source} }}}}"));
                let is_kept =
                    text.is_ok_and(|text| text.lone().is_some_and(|expr| !expr.source().contains("file(")));
                if !is_kept {
                    plan["flows"].as_object_mut().unwrap().remove(&format!("f{index}"));
                }
                is_kept
            })
            .map(|(index, _)| index)
            .collect();
        assert!(kept.len() > REQUESTS / 4, "most expressions are none");
        std::fs::write(&path, plan.to_string()).unwrap();
        let mut command = plimsoll();
        command.arg("try").arg(&path);
        let done = Running::start(command).finish();
        assert!(done.code <= 1, "{}{}", done.stdout, done.stderr);
        for seen in server.log.all() {
            let names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
            let known = ["host", "user-agent", "content-type", "content-length", "x-value", "accept"];
            assert!(names.iter().all(|name| known.contains(name)), "{seen:?}");
            let is_ours = seen.path == "/mirror" || seen.path.starts_with("/items/p");
            assert!(is_ours && seen.method == "POST", "{seen:?}");
            assert!(!format!("{seen:?}").contains(COMPUTED) || seen.path == "/mirror", "{seen:?}");
        }
        let sent = server.log.all().iter().filter(|seen| seen.path.starts_with("/items/p")).count();
        assert!(sent > REQUESTS / 8, "only {sent} requests hold a value: {}", done.stdout);
        let mirrored = server.log.of("/mirror").len();
        assert!(
            mirrored >= kept.len(),
            "{mirrored} of {} flows ran: {}{}",
            kept.len(),
            done.stdout,
            done.stderr
        );
    });
}
