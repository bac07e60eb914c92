//! `plimsoll validate --fix`: what is certain is corrected, everything else is left alone, and no file is ever worse
//! than before.

use std::path::Path;
use std::process::Output;

use crate::support::{Scratch, plimsoll};
use plimsoll::diagnostic::FileId;
use plimsoll::plan::parse::Format;

fn fix(scratch: &Scratch, arguments: &[&str]) -> Output {
    plimsoll().args(["validate", "--fix"]).args(arguments).current_dir(scratch.path("")).output().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn check(name: &str, before: &str, after: &str) {
    let scratch = Scratch::new();
    scratch.write(name, before);
    let done = fix(&scratch, &[name]);
    let text = std::fs::read_to_string(scratch.path(name)).unwrap();
    assert_eq!(text, after, "{}", err(&done));
    assert!(done.status.success(), "{}", err(&done));
    let again = fix(&scratch, &[name]);
    assert_eq!(
        (std::fs::read_to_string(scratch.path(name)).unwrap().as_str(), err(&again).as_str()),
        (after, "")
    );
}

#[test]
fn what_is_certain_is_corrected() {
    let before = "\
plan: 1
targets: { auth: http://localhost:9002 }
variables: { top_k: 5 }
htpp: { timeout: 5sec }   # comment stays
endpoint:
  ask:
    request: post atuh:/query
    json: { n: {{ topk }}, m: \"{{ topk + 1 }}\" }
    auth: nonne
    wieght: 2
  \"list agents\": { request: GET auth:/agents/, weight: 1 }
flows:
  visit: { weight: 1, steps: [{ use: list agnets }, { think: 1 sec..5sec }] }
load: { users: 1, duration: 1min }
thresholds: [p50 < 200millis, { that: p95 < 1 sec, level: warn }]
";
    let after = "\
plan: 1
targets: { auth: http://localhost:9002 }
variables: { top_k: 5 }
http: { timeout: 5s }   # comment stays
endpoints:
  ask:
    request: POST auth:/query
    json: { n: \"{{ top_k }}\", m: \"{{ top_k + 1 }}\" }
    auth: none
    weight: 2
  \"list agents\": { request: GET auth:/agents/, weight: 1 }
flows:
  visit: { weight: 1, steps: [{ use: list agents }, { think: 1 s..5s }] }
load: { users: 1, duration: 1m }
thresholds: [p50 < 200ms, { that: p95 < 1 s, level: warn }]
";
    check("plan.yaml", before, after);
    check("crlf.yaml", &before.replace('\n', "\r\n"), &after.replace('\n', "\r\n"));
}

#[test]
fn toml_is_corrected_too() {
    let before = "plan = 1\ntarget = \"http://localhost:9000\"\n[http]\ntimeout = \"5sec\"\n[endpoints.health]\nrequst = \"get /health\"\n\"wieght\" = 2\n";
    let after = "plan = 1\ntarget = \"http://localhost:9000\"\n[http]\ntimeout = \"5s\"\n[endpoints.health]\nrequest = \"GET /health\"\n\"weight\" = 2\n";
    check("plan.toml", before, after);
}

/// Keys of other tools: the key alone, or with its value, whatever the quotes.
#[test]
fn keys_of_other_tools_become_those_of_here() {
    let before = "\
plan: 1
host: http://a:9000
wait_time: 1s..2s
endpoints:
  a: { get: \"/x\" }
  b: { post: orders, body: { a: 1 } } # comment
  c:
    url: /c
  d: { uri: 'GET /d' }
flows:
  f: { tasks: [{ delete: /x, params: { a: 1 } }, { sleep: 2s }] }
load: { vus: 2, iterations: 5 }
";
    let after = "\
plan: 1
target: http://a:9000
think: 1s..2s
endpoints:
  a: { request: \"GET /x\" }
  b: { request: POST /orders, json: { a: 1 } } # comment
  c:
    request: GET /c
  d: { request: 'GET /d' }
flows:
  f: { steps: [{ request: DELETE /x, query: { a: 1 } }, { think: 2s }] }
load: { users: 2, iterations: 5 }
";
    check("plan.yaml", before, after);
    let before = "plan = 1\nhost = \"http://a:9000\"\n[endpoints.a]\npost = '/x' # comment\nbody.a = 1\n[load]\nthreads = 2\niterations = 5\n";
    let after = "plan = 1\ntarget = \"http://a:9000\"\n[endpoints.a]\nrequest = 'POST /x' # comment\njson.a = 1\n[load]\nusers = 2\niterations = 5\n";
    check("plan.toml", before, after);
}

#[test]
fn what_is_not_certain_is_left() {
    for plan in [
        // Two near names.
        "plan: 1\ntargets: { agent1: http://a, agent2: http://b }\nendpoints: { a: { request: GET agent3:/ } }\n",
        // The right key is there already.
        "plan: 1\ntarget: http://a\nendpoints: { a: { request: GET /, weight: 1, wieght: 2 } }\n",
        // No number says which unit.
        "plan: 1\ntarget: http://a\nhttp: { timeout: 5 }\nendpoints: { a: { request: GET / } }\n",
        // Method and path stand apart, or nobody said which method a body goes with.
        "plan: 1\ntarget: http://a\nendpoints: { a: { method: GET, url: /x } }\n",
        "plan: 1\ntarget: http://a\nendpoints: { a: { url: /x, json: {} } }\n",
        // Nothing is near.
        "plan: 1\ntarget: http://a\nbanana: 1\nendpoints: { a: { request: GET / } }\n",
    ] {
        let scratch = Scratch::new();
        scratch.write("plan.yaml", plan);
        let done = fix(&scratch, &["plan.yaml"]);
        assert_eq!(done.status.code(), Some(2), "{plan}");
        assert_eq!(std::fs::read_to_string(scratch.path("plan.yaml")).unwrap(), plan);
        assert!(!err(&done).contains("fixed "), "{}", err(&done));
    }
}

const TYPO: &str = "plan: 1\ntarget: http://a\nendpoints: { a: { requst: GET / } }\n";

#[test]
fn changes_are_shown_and_a_dry_run_writes_nothing() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", TYPO);
    scratch.write("b.yaml", TYPO);
    let shown = "fixed a.yaml:3:19 [P010]\n  - endpoints: { a: { requst: GET / } }\n  + endpoints: { a: { request: GET / } }\n";
    let dry = fix(&scratch, &["--dry-run", "a.yaml"]);
    assert!(err(&dry).contains(shown) && err(&dry).contains("was not changed"), "{}", err(&dry));
    assert_eq!(
        (std::fs::read_to_string(scratch.path("a.yaml")).unwrap().as_str(), dry.status.code()),
        (TYPO, Some(2))
    );
    let done = fix(&scratch, &["a.yaml", "b.yaml"]);
    assert!(
        done.status.success() && err(&done).contains(shown) && err(&done).contains("fixed b.yaml"),
        "{}",
        err(&done)
    );
    let alone = plimsoll().args(["validate", "--dry-run", "a.yaml"]).output().unwrap();
    assert_eq!(alone.status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn only_regular_files_that_may_be_written_are_replaced() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let scratch = Scratch::new();
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(scratch.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    scratch.write("plan.yaml", TYPO);
    mode("plan.yaml", 0o640);
    symlink("plan.yaml", scratch.path("link.yaml")).unwrap();
    let link = fix(&scratch, &["link.yaml"]);
    assert!(link.status.code() == Some(2) && err(&link).contains("it is a symbolic link"), "{}", err(&link));
    mode("plan.yaml", 0o440);
    let read_only = fix(&scratch, &["plan.yaml"]);
    assert!(
        read_only.status.code() == Some(2) && err(&read_only).contains("it is read-only"),
        "{}",
        err(&read_only)
    );
    assert_eq!(std::fs::read_to_string(scratch.path("plan.yaml")).unwrap(), TYPO);
    mode("plan.yaml", 0o640);
    assert!(fix(&scratch, &["plan.yaml"]).status.success());
    let kept = std::fs::metadata(scratch.path("plan.yaml")).unwrap().permissions().mode() & 0o777;
    assert_eq!(kept, 0o640);
    let names: Vec<_> =
        std::fs::read_dir(scratch.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left behind: {names:?}");
}

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

/// The text with one to three letters of it lost, doubled or swapped.
fn mistyped(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..=dice.roll(3) {
        let words: Vec<_> = (1..letters.len()).filter(|at| letters[*at].is_alphanumeric()).collect();
        let at = words[dice.roll(words.len())];
        match dice.roll(4) {
            0 => drop(letters.remove(at)),
            1 => letters.insert(at, letters[at]),
            2 => letters.swap(at - 1, at),
            _ => letters.retain({
                let mut quotes = 0;
                let lost = dice.roll(20);
                move |c| {
                    quotes += usize::from(*c == '"');
                    *c != '"' || quotes / 2 != lost
                }
            }),
        }
    }
    letters.into_iter().collect()
}

fn is_readable(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap();
    let (node, problems) = Format::of_path(path).unwrap().parse(&text, FileId(0));
    node.is_some() && problems.is_empty()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let into = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &into),
            false => drop(std::fs::copy(entry.path(), into).unwrap()),
        }
    }
}

fn wrong(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.strip_prefix("wrong ").map(str::to_owned)).collect()
}

#[test]
fn no_plan_is_worse_than_before() {
    let (scratch, mut dice) = (Scratch::new(), Dice(7));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    copy(&root.join("tests/valid"), &scratch.path(""));
    let mut plans = vec![];
    for entry in std::fs::read_dir(root.join("tests/valid")).unwrap().map(|entry| entry.unwrap().path()) {
        let Some(_) = Format::of_path(&entry) else { continue };
        let text = std::fs::read_to_string(&entry).unwrap();
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        for number in 0..6 {
            let changed = format!("m{number}-{name}");
            scratch.write(&changed, &mistyped(&text, &mut dice));
            plans.push(changed);
        }
        plans.push(name);
    }
    let arguments: Vec<_> = plans.iter().map(String::as_str).collect();
    let before = plimsoll().arg("validate").args(&arguments).current_dir(scratch.path("")).output().unwrap();
    let texts: Vec<_> = plans.iter().map(|name| std::fs::read(scratch.path(name)).unwrap()).collect();
    let readable: Vec<_> = plans.iter().map(|name| is_readable(&scratch.path(name))).collect();
    let (first, second) = (fix(&scratch, &arguments), fix(&scratch, &arguments));
    let (wrong_before, wrong_after) = (wrong(&before), wrong(&first));
    for ((name, text), was_readable) in plans.iter().zip(&texts).zip(readable) {
        let is_changed = std::fs::read(scratch.path(name)).unwrap() != *text;
        assert!(!is_changed || wrong_before.contains(name), "{name} was right and is changed");
        assert!(!was_readable || is_readable(&scratch.path(name)), "{name} cannot be read any more");
    }
    assert!(wrong_after.iter().all(|name| wrong_before.contains(name)), "{wrong_after:?}");
    assert!(wrong_after.len() + 5 < wrong_before.len(), "hardly any was corrected: {}", wrong_after.len());
    assert!(!err(&second).contains("fixed "), "not all at once: {}", err(&second));
}
