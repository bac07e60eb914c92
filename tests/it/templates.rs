//! Body templates of several files: what is sent, where files are looked for, what is refused, and that nothing in them
//! takes more memory than it may. Messages are in `tests/invalid`.

use std::path::Path;
use std::process::Command;

use crate::support::fault_server::FaultServer;
use crate::support::{Running, Scratch, check_accounting, plimsoll, requests, row};

/// Writes a file in a folder of its own.
fn write(scratch: &Scratch, name: &str, text: &str) {
    std::fs::create_dir_all(scratch.path(name).parent().unwrap()).unwrap();
    scratch.write(name, text);
}

const HEAD: &str = "plan: 1\ntarget: 'URL'\nvariables: { who: World, items: [{ id: 1 }, { id: 2 }], tree: [1, [2, [3]]] }\n\
    load: { users: 1, iterations: 1 }\n";

/// The body that the template `main.j2` gives beside these files.
fn sent(files: &[(&str, &str)]) -> String {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    scratch.write(".plimsoll", "");
    files.iter().for_each(|(name, text)| write(&scratch, name, text));
    let endpoint = "endpoints:\n  it: { request: POST /ok, template: bodies/main.j2 }\n";
    let ran = scratch.run(&format!("{}{endpoint}", HEAD.replace("URL", &server.url)), &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    server.log.all()[0].text().to_owned()
}

/// Whether a plan with these files is valid, and what is said.
fn validated(files: &[(&str, &str)], before: impl Fn(&Scratch)) -> (i32, String) {
    let scratch = Scratch::new();
    scratch.write(".plimsoll", "");
    files.iter().for_each(|(name, text)| write(&scratch, name, text));
    before(&scratch);
    let endpoint = "endpoints:\n  it: { request: POST /ok, template: bodies/main.j2 }\n";
    let plan =
        scratch.write("plan.yaml", &format!("{}{endpoint}", HEAD.replace("URL", "http://localhost:1")));
    let mut command = plimsoll();
    command.arg("validate").arg(plan);
    let done = Running::start(command).finish();
    (done.code, done.stderr)
}

#[test]
fn parts_are_included() {
    let body = sent(&[
        (
            "bodies/main.j2",
            "[{% for item in items %}{% include 'part.j2' %}{% if not loop.last %},{% endif %}{% endfor %}]",
        ),
        ("bodies/part.j2", "{\"id\": {{ item.id }}, \"who\": {{ who | tojson }}}\n"),
    ]);
    assert_eq!(body, r#"[{"id": 1, "who": "World"},{"id": 2, "who": "World"}]"#);
}

#[test]
fn macros_are_imported() {
    let body = sent(&[
        (
            "bodies/main.j2",
            "{% import 'lib/m.j2' as m %}{% from 'lib/m.j2' import hello as hi, tree as show %}{{ m.hello(who) }} {{ hi('x', end='?') }} {{ show(tree) }}",
        ),
        (
            "bodies/lib/m.j2",
            "{% macro hello(name, end='!') %}Hello {{ name }}{{ end }}{{ sign() }}{% endmacro %}{% macro tree(list) %}({% for x in list %}{% if x is number %}{{ x }}{% else %}{{ tree(x) }}{% endif %}{% endfor %}){% endmacro %}{% from '../sign.j2' import sign %}",
        ),
        ("bodies/sign.j2", "{% macro sign() %} -- {{ who }}{% endmacro %}"),
    ]);
    assert_eq!(body, "Hello World! -- World Hello x? -- World (1(2(3)))");
}

#[test]
fn bases_are_extended() {
    let body = sent(&[
        (
            "bodies/main.j2",
            "{% extends 'base.j2' %}{% set title = 'T' %}{% block body %}{{ super() }}+{{ title }}{{ who }}{% endblock %}",
        ),
        (
            "bodies/base.j2",
            "<{{ title }}|{% block body %}base{% endblock %}|{% block rest %}rest{% endblock %}>",
        ),
    ]);
    assert_eq!(body, "<T|base+TWorld|rest>");
}

#[test]
fn calls_and_loops_nest() {
    let body = sent(&[
        (
            "bodies/main.j2",
            "{% from 'm.j2' import each %}{% call(x) each(items) %}<{{ x.id }}>{% endcall %}{% for x in tree recursive %}{% if x is number %}{{ x }}{% else %}[{{ loop(x) }}]{% endif %}{% endfor %}",
        ),
        ("bodies/m.j2", "{% macro each(list) %}{% for x in list %}{{ caller(x) }}{% endfor %}{% endmacro %}"),
    ]);
    assert_eq!(body, "<1><2>1[2[3]]");
}

#[test]
fn own_folder_then_templates() {
    let files = [
        (
            "bodies/main.j2",
            "{% include 'a.j2' %}{% include 'b.j2' %}{% include ['no.j2', 'c.j2', 'a.j2'] %}{% include 'no.j2' ignore missing %}",
        ),
        ("bodies/a.j2", "own a,"),
        ("templates/a.j2", "templates a,"),
        ("templates/b.j2", "templates b,{% include 'sub/d.j2' %}"),
        ("templates/c.j2", "templates c"),
        ("templates/sub/d.j2", "d beside b,"),
    ];
    assert_eq!(sent(&files), "own a,templates b,d beside b,templates c");
}

#[test]
fn names_of_the_including_file_are_known() {
    let (code, shown) = validated(
        &[
            (
                "bodies/main.j2",
                "{% set x = 1 %}{% for y in items %}{% include 'a.j2' %}{% endfor %}{% macro f(z) %}{% include 'a.j2' %}{% endmacro %}",
            ),
            ("bodies/a.j2", "{{ x }}{{ y.id }}{{ z }}{{ f(2) }}{{ who }}{{ unknown }}"),
        ],
        |_| {},
    );
    assert_eq!(code, 2);
    assert_eq!(shown.matches("error[").count(), 1, "{shown}");
    assert!(shown.contains("nothing defines `unknown`") && shown.contains("a.j2:1:47"), "{shown}");
}

#[cfg(unix)]
#[test]
fn files_outside_and_devices_are_refused() {
    let outside = Scratch::new();
    outside.write("secret.j2", "secret text");
    let main = ("bodies/main.j2", "{% include 'part.j2' %}");
    let link = |scratch: &Scratch| {
        std::os::unix::fs::symlink(outside.path("secret.j2"), scratch.path("bodies/part.j2")).unwrap();
    };
    let (code, shown) = validated(&[main], link);
    assert!(code == 2 && shown.contains("lies outside") && !shown.contains("secret text"), "{shown}");
    let fifo = |scratch: &Scratch| {
        assert!(Command::new("mkfifo").arg(scratch.path("bodies/part.j2")).status().unwrap().success());
    };
    let (code, shown) = validated(&[main], fifo);
    assert!(code == 2 && shown.contains("is not a regular file"), "{shown}");
    let (code, shown) = validated(&[("bodies/main.j2", "{% include '/dev/zero' %}")], |_| {});
    assert!(code == 2 && shown.contains("lies outside"), "{shown}");
    let folder = |scratch: &Scratch| std::fs::create_dir(scratch.path("bodies/part.j2")).unwrap();
    let (code, shown) = validated(&[main], folder);
    assert!(code == 2 && shown.contains("is not a regular file"), "{shown}");
    let binary = |scratch: &Scratch| std::fs::write(scratch.path("bodies/part.j2"), [0xff, 0xfe]).unwrap();
    let (code, shown) = validated(&[main], binary);
    assert!(code == 2 && shown.contains("is not UTF-8"), "{shown}");
}

#[test]
fn number_depth_and_size_are_limited() {
    let names: Vec<_> = (0..101).map(|i| (format!("bodies/p{i}.j2"), String::new())).collect();
    let main: String = (0..101).map(|i| format!("{{% include 'p{i}.j2' %}}\n")).collect();
    let mut files: Vec<_> = names.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("bodies/main.j2", &main));
    let (code, shown) = validated(&files, |_| {});
    assert!(code == 2 && shown.contains("names more than 100 files"), "{shown}");
    assert_eq!(shown.matches("error[").count(), 1, "said once: {shown}");

    let chain = |length: usize| {
        let names: Vec<_> = (0..length).map(|i| format!("bodies/p{i}.j2")).collect();
        let texts: Vec<_> = (1..=length)
            .map(|i| if i < length { format!("{{% include 'p{i}.j2' %}}") } else { "end".to_owned() })
            .collect();
        (names, texts)
    };
    let (names, texts) = chain(7);
    let mut files: Vec<_> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    files.push(("bodies/main.j2", "{% include 'p0.j2' %}"));
    assert_eq!(sent(&files), "end", "the longest chain can be rendered");
    let (names, texts) = chain(8);
    let mut files: Vec<_> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    files.push(("bodies/main.j2", "{% include 'p0.j2' %}"));
    let (code, shown) = validated(&files, |_| {});
    assert!(code == 2 && shown.contains("in a chain of more than 8 files"), "{shown}");

    let large = "x".repeat(3 << 20);
    let files = [
        ("bodies/main.j2", "{% include 'a.j2' %}{% include 'b.j2' %}"),
        ("bodies/a.j2", &large),
        ("bodies/b.j2", &large),
    ];
    let (code, shown) = validated(&files, |_| {});
    assert!(code == 2 && shown.contains("are larger than 4 MiB"), "{shown}");
}

/// The file is gone when the load runs: everything was read before.
#[test]
fn nothing_is_read_while_running() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    write(&scratch, "bodies/main.j2", "{% include 'part.j2' %}");
    write(&scratch, "bodies/part.j2", "{{ user.iteration }}");
    let plan = format!(
        "{}endpoints:\n  it: {{ request: POST /ok, template: bodies/main.j2 }}\nthink: 300ms\n",
        HEAD.replace("URL", &server.url).replace("iterations: 1", "iterations: 3")
    );
    let plan = scratch.write("plan.yaml", &plan);
    let mut command = plimsoll();
    command.arg("run").arg(plan).args(["--allow-invalid", "--quiet", "--no-reports"]);
    let running = Running::start(command);
    while server.log.count("/ok") == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::fs::remove_dir_all(scratch.path("bodies")).unwrap();
    running.finish().assert_code(0);
    let bodies: Vec<_> = server.log.all().iter().map(|seen| seen.text().to_owned()).collect();
    assert_eq!(bodies, ["0", "1", "2"]);
}

/// What a template cannot do fails its row as `template`, at its place, and hides secrets.
#[test]
fn failures_are_told_with_their_file() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    write(&scratch, "bodies/loop.j2", "{% from 'm.j2' import m %}\n{{ m(1) }}");
    write(&scratch, "bodies/m.j2", "\n{% macro m(x) %}{{ m(x) }}{% endmacro %}");
    write(&scratch, "bodies/large.j2", "{% include 'text.j2' %}");
    write(&scratch, "bodies/text.j2", "\n\n{{ items * 10 ** 7 ~ secrets.key }}");
    write(&scratch, "bodies/good.j2", "{% include 'key.j2' %}");
    write(&scratch, "bodies/key.j2", "{{ secrets.key }}");
    let endpoint = |name: &str| format!("  {name}: {{ request: POST /echo, template: bodies/{name}.j2 }}\n");
    let plan = format!(
        "{}secrets: {{ key: {{ env: TRY_KEY }} }}\nendpoints:\n{}{}{}",
        HEAD.replace("URL", &server.url).replace("iterations: 1", "iterations: 60"),
        endpoint("loop"),
        endpoint("large"),
        endpoint("good")
    );
    let ran = scratch.run_with(&plan, &["--seed", "1"], &[("TRY_KEY", "s3cr3t-of-the-test")]);
    check_accounting(&ran.result);
    for name in ["loop", "large"] {
        let failed = &row(&ran.result, name)["failure_kinds"]["template"];
        assert_eq!(failed.as_u64(), Some(requests(&ran.result, name)), "{name}");
        assert!(requests(&ran.result, name) > 5);
    }
    let all = ran.result.to_string();
    assert!(all.contains("m.j2:2: recursion limit exceeded"), "{all}");
    assert!(all.contains("text.j2:3: this takes more than 50 000 steps"), "{all}");
    let plan = scratch.path("plan.yaml");
    let mut command = plimsoll();
    command.arg("try").arg(plan).env("TRY_KEY", "s3cr3t-of-the-test");
    let done = Running::start(command).finish();
    let shown = format!("{}{}{all}", done.stdout, done.stderr);
    assert!(shown.contains("> ***"), "the body is shown: {shown}");
    assert!(!shown.contains("s3cr3t-of-the-test"), "{shown}");
    assert!(server.log.all().iter().all(|seen| seen.text() == "s3cr3t-of-the-test"));
}

/// What cannot be computed is refused before the run when its value is known then, in a child whose memory is counted.
#[cfg(target_os = "linux")]
#[test]
fn constants_are_bounded() {
    for (index, value) in [
        "{{ 'x' * 10 ** 8 }}",
        "{{ ('x' * 100000) * 100000 }}",
        "{{ [1, 2] | list * 10 ** 7 ~ 'x' }}",
        "{{ range(10 ** 9) | list }}",
        "{{ 'abc' | replace('', 'x' * 1000000) }}",
        "{{ 'a\nb' | indent(10 ** 9) }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ ['a', 'b'] | join('x' * 3000000) }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
        "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
    ]
    .into_iter()
    .enumerate()
    {
        let scratch = Scratch::new();
        let value = serde_json::Value::from(value);
        let plan = format!(
            "plan: 1\ntarget: http://localhost:1\nvariables:\n  large: {value}\nendpoints: {{ a: {{ request: 'POST /', text: '{{{{ large }}}}' }} }}\n"
        );
        let plan = scratch.write("plan.yaml", &plan);
        let (shown, kib) = with_peak(plimsoll().arg("validate").arg(&plan));
        assert!(shown.contains("plan.yaml:4:"), "{index}: no place: {shown}");
        assert!(shown.contains("error[P115]"), "{index}: {shown}");
        assert!(kib < 100 << 10, "{index}: {kib} KiB for {value}");
    }
}

/// Runs a command to its end; what it said, and the most memory it had, KiB.
#[cfg(target_os = "linux")]
fn with_peak(command: &mut Command) -> (String, u64) {
    use std::io::Read as _;
    let mut child =
        command.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let status = Path::new("/proc").join(child.id().to_string()).join("status");
    let mut pipe = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut shown = String::new();
        pipe.read_to_string(&mut shown).unwrap();
        shown
    });
    // It only grows, and is gone with the process.
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        most = most.max(kib.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    (reader.join().unwrap(), most)
}
