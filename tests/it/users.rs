//! Users that come and go: what a user that takes another's place sends, and which places are taken. What arrived is what
//! a server saw; a connection is one life of one user.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::support::fault_server::FaultServer;
use crate::support::{Scratch, check_accounting};
use serde_json::Value;

/// Goes from 0 to so many users three times.
fn three_times(users: u32) -> String {
    let up = format!("{{ duration: 0s, users: {users} }}, {{ duration: 300ms, users: {users} }}");
    let down = "{ duration: 0s, users: 0 }, { duration: 200ms, users: 0 }";
    format!("{{ stages: [{up}, {down}, {up}, {down}, {up}] }}")
}

const BODY: &str = r#"{ id: "{{ uuid() }}", key: "{{ user.id }}-{{ counter() }}", named: "{{ user.id }}-{{ counter('n') }}", turn: "{{ user.id }}-{{ user.iteration }}", text: "{{ random_string(16) }}""#;

/// What was sent, with the number of its connection.
fn bodies(server: &FaultServer) -> Vec<(usize, Value)> {
    let all = server.log.all();
    all.iter().map(|seen| (seen.connection, serde_json::from_slice(&seen.body).unwrap())).collect()
}

/// No two bodies of those that have it share a value of `key`.
#[track_caller]
fn all_differ(bodies: &[(usize, Value)], key: &str) {
    let values: Vec<_> = bodies.iter().filter_map(|(_, body)| body[key].as_str()).collect();
    let different: BTreeSet<_> = values.iter().collect();
    assert!(values.len() > 10, "{key}: {values:?}");
    assert_eq!(different.len(), values.len(), "{key}: some came twice of {values:?}");
}

#[test]
fn users_that_come_back_repeat_nothing() {
    for workers in ["1", "2"] {
        let server = FaultServer::start();
        let scratch = Scratch::new();
        let rows = (0..20_000).fold(String::from("n\n"), |text, n| format!("{text}r{n}\n"));
        scratch.write("rows.csv", &rows);
        let (url, load) = (&server.url, three_times(3));
        let plan = format!(
            "plan: 1
target: \"{url}\"
data:
  once: {{ file: rows.csv, unique: true, on_end: stop }}
  each: {{ file: rows.csv, order: shuffled }}
  request: {{ file: rows.csv, per: request }}
think: 5ms..25ms
scenarios:
  a:
    endpoints: {{ a: {{ request: POST /ok, json: {BODY}, once: '{{{{ once.n }}}}', a_each: '{{{{ each.n }}}}', a_request: '{{{{ request.n }}}}' }} }} }}
    load: {load}
  b:
    endpoints: {{ b: {{ request: POST /ok, json: {BODY}, once: '{{{{ once.n }}}}', b_each: '{{{{ each.n }}}}' }} }} }}
    load: {load}
  c:
    endpoints: {{ c: {{ request: POST /ok, json: {BODY} }} }} }}
    load: {{ rate: 60/s, duration: 1s }}
  d:
    endpoints: {{ d: {{ request: POST /ok, json: {BODY}, d_each: '{{{{ each.n }}}}' }} }} }}
    load: {{ rate: 60/s, duration: 1s }}
"
        );
        let ran = scratch.run(&plan, &["--workers", workers]);
        ran.done.assert_code(0);
        check_accounting(&ran.result);
        let bodies = bodies(&server);
        for key in ["id", "key", "named", "turn", "text", "once", "a_each", "a_request", "b_each", "d_each"] {
            all_differ(&bodies, key);
        }
        let lives = bodies.iter().filter(|(_, body)| !body["a_each"].is_null());
        let lives: BTreeSet<_> = lives.map(|(connection, _)| connection).collect();
        assert_eq!(lives.len(), 9, "three users have come three times, each with a connection of its own");
    }
}

#[test]
fn picks_and_pauses_of_a_second_life_are_others() {
    let server = FaultServer::start();
    let paths = ["a", "b"].map(|n| format!("{n}: {{ request: POST /items/{n}, json: {BODY} }} }}"));
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ {} }}\nthink: 5ms\nload: {}\n",
        server.url,
        paths.join(", "),
        three_times(4)
    );
    Scratch::new().run(&plan, &["--seed", "5"]).done.assert_code(0);
    let mut lives: BTreeMap<usize, String> = BTreeMap::new();
    for seen in server.log.all() {
        lives.entry(seen.connection).or_default().push_str(seen.route().trim_start_matches("/items/"));
    }
    // Of the first 12 picks: two of twelve lives are alike by chance once in 60 runs, and the seed is fixed.
    let first: Vec<_> = lives.values().filter_map(|picks| picks.get(..12)).collect();
    let different: BTreeSet<_> = first.iter().collect();
    assert!(first.len() > 4 && different.len() == first.len(), "{lives:?}");
}

/// Texts that each life of each user has sent, in order.
fn lives(seed: &str, workers: &str) -> BTreeMap<(String, usize), Vec<String>> {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: POST /ok, json: {BODY} }} }} }}\nthink: 10ms\nload: {}\n",
        server.url,
        three_times(3)
    );
    Scratch::new().run(&plan, &["--seed", seed, "--workers", workers]).done.assert_code(0);
    let mut which: HashMap<usize, (String, usize)> = HashMap::new();
    let mut lives: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (connection, body) in bodies(&server) {
        let user = body["turn"].as_str().unwrap().split('-').next().unwrap().to_owned();
        let before = which.values().filter(|(known, _)| *known == user).count();
        let life = which.entry(connection).or_insert((user, before)).clone();
        lives.entry(life).or_default().push(format!("{} {}", body["id"], body["text"]));
    }
    lives
}

#[test]
fn a_seed_repeats_each_life_whatever_the_workers() {
    let (one, two, other) = (lives("9", "1"), lives("9", "2"), lives("10", "1"));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    assert_eq!(one.len(), 9);
    for (life, texts) in &one {
        let common = texts.len().min(two[life].len());
        assert!(common > 0, "{life:?}");
        assert_eq!(texts[..common], two[life][..common], "{life:?}");
        assert!(other.get(life).is_none_or(|texts_of_other| texts_of_other[0] != texts[0]), "{life:?}");
    }
}

#[test]
fn a_user_that_hangs_keeps_no_other_from_starting() {
    for workers in ["1", "2"] {
        let server = FaultServer::start();
        let plan = format!(
            "plan: 1
target: \"{}\"
endpoints:
  a: {{ request: \"GET /slow/{{{{ 6000 if user.id == 1 and user.iteration == 0 else 20 }}}}?u={{{{ user.id }}}}\" }}
load:
  graceful_stop: 500ms
  stages:
    - {{ duration: 0s, users: 4 }}
    - {{ duration: 400ms, users: 4 }}
    - {{ duration: 0s, users: 1 }}
    - {{ duration: 300ms, users: 1 }}
    - {{ duration: 0s, users: 4 }}
    - {{ duration: 2s, users: 4 }}
    - {{ duration: 0s, users: 2 }}
    - {{ duration: 1s, users: 2 }}
",
            server.url
        );
        let ran = Scratch::new().run(&plan, &["--workers", workers]);
        check_accounting(&ran.result);
        let user = |path: &str| path.split("u=").nth(1).unwrap().to_owned();
        let all = server.log.all();
        let mut lives: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for seen in &all {
            lives.entry(user(&seen.path)).or_default().insert(seen.connection);
        }
        let lives: Vec<_> = lives.iter().map(|(user, lives)| (user.as_str(), lives.len())).collect();
        assert_eq!(lives, [("0", 1), ("1", 1), ("2", 2), ("3", 2)], "with {workers} workers");
        assert_eq!(ran.result["accounting"]["interrupted"], 1, "user 1 hung to the end");
        // Of those that came back the last to start has ended first.
        let last: BTreeSet<_> = all.iter().rev().take(10).map(|seen| user(&seen.path)).collect();
        let expected = if workers == "1" { ["0", "2"] } else { ["0", "3"] };
        assert_eq!(last, expected.map(str::to_owned).into(), "with {workers} workers");
    }
}
