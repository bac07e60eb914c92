//! Plans from strangers, and what no plan may have: hidden files, and the addresses from which clouds hand out credentials. Each
//! case is an attack; nothing of it is sent.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::fault_server::FaultServer;
use crate::support::{Done, Running, Scratch, plimsoll};

/// What no output and no request may hold.
const NEEDLE: &str = "n33dle-of-the-user";

/// A repository with a plan's surroundings, and things beside and outside it that a stranger would like to have.
struct Repository {
    scratch: Scratch,
    server: FaultServer,
}

impl Repository {
    fn new() -> Self {
        let scratch = Scratch::new();
        for folder in ["repo/.git/hooks", "repo/sub", "repo/data", "repo/bodies"] {
            fs::create_dir_all(scratch.path(folder)).unwrap();
        }
        let key = format!("KEY={NEEDLE}\n");
        let csv = format!("text\n{NEEDLE}\n");
        for (name, text) in [
            ("outside.txt", NEEDLE),
            ("outside.yaml", &format!("think: {NEEDLE}\n")),
            ("repo/.git/config", NEEDLE),
            ("repo/.git/rows.csv", &csv),
            ("repo/.env", &key),
            ("repo/.part.yaml", "think: 1ms\n"),
            ("repo/sub/x", ""),
            ("repo/rows.csv", "text\nfine\n"),
            ("repo/part.yaml", "variables: { home: \"{{ env.HOME }}\" }\n"),
            ("repo/bodies/include.j2", "{% include '../.git/config' %}"),
            ("repo/bodies/file.j2", "{{ file('../.git/config') }}"),
            ("repo/bodies/import.j2", "{% import '../.git/config' as x %}"),
            ("repo/bodies/env.j2", "{% set e = env %}{{ e.HOME }}"),
            ("repo/bodies/env-of.j2", "{% for name in ['HOME'] %}{{ env[name] }}{% endfor %}"),
        ] {
            fs::write(scratch.path(name), text).unwrap();
        }
        symlink(".git/config", scratch.path("repo/link.txt")).unwrap();
        symlink(".git", scratch.path("repo/folder")).unwrap();
        symlink("../outside.txt", scratch.path("repo/out.txt")).unwrap();
        Self { scratch, server: FaultServer::start() }
    }

    fn port(&self) -> &str {
        self.server.url.rsplit(':').next().unwrap()
    }

    /// A plan whose one request has `more`; `top` are lines of the plan itself.
    fn plan(&self, top: &str, more: &str) -> String {
        let more = if more.is_empty() { String::new() } else { format!(", {more}") };
        format!(
            "plan: 1\ntarget: \"{}\"\n{top}\nendpoints: {{ it: {{ request: POST /ok{more} }} }}\n\
             load: {{ users: 1, iterations: 1 }}\n",
            self.server.url
        )
    }

    fn command(&self, arguments: &[&str]) -> Done {
        let mut command = plimsoll();
        command.args(arguments).current_dir(self.scratch.path("repo"));
        command.env("HOME", NEEDLE).env("ALLOWED", "allowed-value").env("OTHER", NEEDLE);
        let done = Running::start(command).finish();
        assert!(!done.output().contains(NEEDLE), "{arguments:?}: {}", done.output());
        done
    }

    fn run(&self, plan: &str, flags: &[&str]) -> Done {
        self.scratch.write("repo/plan.yaml", plan);
        self.command(&[&["run", "-q", "--allow-invalid", "--no-reports", "plan.yaml"], flags].concat())
    }

    /// The same as of a stranger who may send to the server.
    fn run_untrusted(&self, plan: &str, flags: &[&str]) -> Done {
        let server = format!("127.0.0.1:{}", self.port());
        self.run(plan, &[&["--untrusted", "--allow-target", &server], flags].concat())
    }

    fn sent(&self) -> usize {
        self.server.log.all().len()
    }
}

#[track_caller]
fn assert_refused(done: &Done, code: &str, what: &str) {
    assert_eq!(done.code, 2, "{what}: {}", done.output());
    assert!(done.stderr.contains(&format!("error[{code}]")), "{what}: {}", done.stderr);
}

/// Ways to a hidden file: lines of the plan, parts of its request, and the file as `allow` would name it.
const HIDDEN: [(&str, &str, &str); 17] = [
    ("", "text: \"{{ file('.git/config') }}\"", ".git/config"),
    ("", "text: \"{{ file('./sub/../.git/config') }}\"", ".git/config"),
    ("", "text: \"{{ file('link.txt') }}\"", "link.txt"),
    ("", "text: \"{{ file('folder/config') }}\"", "folder/config"),
    ("", "headers: { x: \"{{ file('.git/config') }}\" }", ".git/config"),
    ("", "expect: [\"file('.git/config') != body\"]", ".git/config"),
    ("variables: { it: \"{{ file('.git/config') }}\" }", "text: \"{{ it }}\"", ".git/config"),
    ("", "template: .git/config", ".git/config"),
    ("", "template: bodies/include.j2", ".git/config"),
    ("", "template: bodies/import.j2", ".git/config"),
    ("", "template: bodies/file.j2", ".git/config"),
    ("", "file: .env", ".env"),
    ("", "multipart: { it: { file: ./.git/config } }", ".git/config"),
    ("", "graphql: { query: { file: .git/config } }", ".git/config"),
    ("secrets: { it: { file: .git/config } }", "text: \"{{ secrets.it }}\"", ".git/config"),
    ("data: { it: { file: .git/rows.csv } }", "text: \"{{ it.text }}\"", ".git/rows.csv"),
    ("data: { it: { file: folder/rows.csv } }", "text: \"{{ it.text }}\"", ".git/rows.csv"),
];

#[test]
fn no_way_leads_to_a_hidden_file_that_the_plan_does_not_name() {
    let repository = Repository::new();
    for (top, more, path) in HIDDEN {
        let allow = format!("{top}\nallow: {{ files: [{path}] }}");
        let (plain, allowed) = (repository.plan(top, more), repository.plan(&allow, more));
        assert_refused(&repository.run(&plain, &[]), "P124", more);
        assert_refused(&repository.run_untrusted(&plain, &[]), "P124", more);
        assert_refused(&repository.run_untrusted(&allowed, &[]), "P124", more);
        // Another hidden file than the one that is named.
        let other = repository.plan(&format!("{top}\nallow: {{ files: [.git/other, .part.yaml] }}"), more);
        assert_refused(&repository.run(&other, &[]), "P124", more);
        assert_eq!(repository.sent(), 0, "{more}");
        let validated = repository.command(&["validate", "plan.yaml"]);
        assert_refused(&validated, "P124", more);
        repository.scratch.write("repo/plan.yaml", &allowed);
        let validated = repository.command(&["validate", "plan.yaml"]);
        assert!(!validated.stderr.contains("P124"), "{more}: {}", validated.stderr);
    }
}

#[test]
fn a_hidden_file_that_the_plan_names_is_read() {
    let repository = Repository::new();
    let plan = repository.plan("allow: { files: [.git/config] }", "template: bodies/file.j2");
    repository.run(&plan, &[]).assert_code(0);
    assert_eq!(repository.server.log.of("/ok")[0].text(), NEEDLE);
    // Variables of `.env` beside the plan are meant to be read.
    let plan = repository.plan("secrets: { key: { env: KEY } }", "text: \"{{ secrets.key }}\"");
    repository.run(&plan, &[]).assert_code(0);
    assert_eq!(repository.server.log.of("/ok")[1].text(), NEEDLE);
}

#[test]
fn what_allow_cannot_name_is_said() {
    let repository = Repository::new();
    for path in ["../outside.txt", "/etc/passwd", ".git", ".git/*", "\"{{ env.HOME }}\""] {
        let plan = repository.plan(&format!("allow: {{ files: [{path}] }}"), "");
        assert_refused(&repository.run(&plan, &[]), "P124", path);
    }
    assert_eq!(repository.sent(), 0);
}

#[test]
fn a_stranger_reads_nothing_that_is_hidden_or_outside_at_all() {
    let repository = Repository::new();
    let tls = |path: &str| format!("http: {{ tls: {{ ca: {path} }} }}");
    for (top, code) in [
        // What a trusted plan may read: nothing of it is sent.
        ("include: .part.yaml", "P124"),
        ("baseline: .git/config", "P124"),
        (tls(".git/config").as_str(), "P124"),
        (tls("link.txt").as_str(), "P124"),
        // What no plan may.
        ("include: ../outside.yaml", "P008"),
        ("baseline: ../outside.txt", "P118"),
        (tls("out.txt").as_str(), "P121"),
        (tls("/etc/ssl/certs/ca-certificates.crt").as_str(), "P121"),
        ("secrets: { it: { file: /proc/self/environ } }", "P108"),
        ("secrets: { it: { file: out.txt } }", "P108"),
        ("data: { it: { file: ../outside.txt, format: csv } }", "P109"),
    ] {
        assert_refused(&repository.run_untrusted(&repository.plan(top, ""), &[]), code, top);
    }
    for more in [
        "text: \"{{ file('../outside.txt') }}\"",
        "text: \"{{ file('/proc/self/environ') }}\"",
        "text: \"{{ file('out.txt') }}\"",
        "template: ../outside.txt",
        "file: /proc/self/environ",
        "file: \"{{ env.ALLOWED }}\"",
    ] {
        let done = repository.run_untrusted(&repository.plan("", more), &["--allow-env", "ALLOWED"]);
        assert_eq!(done.code, 2, "{more}: {}", done.output());
    }
    // Where platforms put secrets for the process, which is not the stranger's.
    let folder = repository.scratch.path("given");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("token"), NEEDLE).unwrap();
    let plan = repository.plan(
        &format!("secrets: {{ it: {{ file: {} }} }}", folder.join("token").display()),
        "text: \"{{ secrets.it }}\"",
    );
    repository.scratch.write("repo/plan.yaml", &plan);
    let server = format!("127.0.0.1:{}", repository.port());
    for (flags, code) in [(vec![], 0), (vec!["--untrusted", "--allow-target", &server], 2)] {
        let mut command = plimsoll();
        command.args(["run", "-q", "--allow-invalid", "--no-reports", "plan.yaml"]).args(flags);
        command.current_dir(repository.scratch.path("repo")).env("CREDENTIALS_DIRECTORY", &folder);
        Running::start(command).finish().assert_code(code);
    }
    assert_eq!(repository.sent(), 1, "that of the trusted plan");
}

#[test]
fn a_stranger_reads_only_variables_that_are_allowed() {
    let repository = Repository::new();
    let variables = [
        ("", "text: \"{{ env.HOME }}\""),
        ("", "text: \"{{ env.HOME | default('none') }}\""),
        ("", "text: \"{{ env['HOME'] }}\""),
        ("", "text: \"{{ env['HO' ~ 'ME'] }}\""),
        ("", "text: \"{{ env | attr('HOME') }}\""),
        ("", "text: \"{{ env }}\""),
        ("", "text: \"{% set e = env %}{{ e.HOME }}\""),
        ("", "text: \"{% for e in [env] %}{{ e.HOME }}{% endfor %}\""),
        ("", "text: \"{% if env.HOME == 'x' %}y{% endif %}\""),
        // Where another meaning of the name hides its use from who lists names.
        ("", "text: \"{% with env = env %}{{ env.HOME }}{% endwith %}\""),
        ("", "text: \"{% macro m(env=env) %}{{ env.HOME }}{% endmacro %}{{ m() }}\""),
        ("", "text: \"{% if false %}{% set env = 1 %}{% endif %}{{ env.HOME | default(1) }}\""),
        ("", "text: \"{{ env.ALLOWED }}{% with env = env %}{{ env.HOME }}{% endwith %}\""),
        ("", "text: \"{{ env.ALLOWED }}{{ env.HOME }}\""),
        ("variables: { name: HOME }", "text: \"{{ env[name] }}\""),
        ("variables: { home: \"{{ env.HOME }}\" }", ""),
        ("variables: { all: [\"{{ env.HOME }}\"] }", ""),
        ("include: part.yaml", ""),
        ("data: { row: { rows: [{ a: \"{{ env.HOME }}\" }] } }", "text: \"{{ row.a }}\""),
        ("http: { headers: { x: \"{{ env.HOME }}\" } }", ""),
        ("auth: { bearer: \"{{ env.HOME }}\" }", ""),
        ("secrets: { it: { env: HOME } }", ""),
        ("secrets: { it: { env: HOME, default: x } }", "text: \"{{ secrets.it }}\""),
        ("secrets: { it: { env: allowed } }", ""),
        ("", "headers: { x: \"{{ env.HOME }}\" }"),
        ("", "query: { x: \"{{ env.HOME }}\" }"),
        ("", "json: { x: [\"{{ env.HOME }}\"] }"),
        ("", "expect: [\"env.HOME != body\"]"),
        ("", "capture: { x: \"env.HOME\" }"),
        ("", "template: bodies/env.j2"),
        ("", "template: bodies/env-of.j2"),
    ];
    for (top, more) in variables {
        let plan = repository.plan(top, more);
        assert_refused(
            &repository.run_untrusted(&plan, &["--allow-env", "ALLOWED"]),
            "P125",
            &format!("{top} {more}"),
        );
        for command in ["show", "validate", "try"] {
            let done =
                repository.command(&[command, "plan.yaml", "--untrusted", "--allow-target", "127.0.0.1"]);
            assert_refused(&done, "P125", &format!("{command} {top} {more}"));
        }
    }
    let set = ["--set", "endpoints.it.text={{ env.HOME }}"];
    assert_refused(&repository.run_untrusted(&repository.plan("", ""), &set), "P125", "--set");
    let profile = "profiles: { p: { variables: { x: \"{{ env.HOME }}\" } } }";
    let done = repository.run_untrusted(&repository.plan(profile, ""), &["--profile", "p"]);
    assert_refused(&done, "P125", "a profile");
    let target = repository.plan("", "").replace(&repository.server.url, "http://{{ env.HOME }}");
    assert_refused(&repository.run_untrusted(&target, &[]), "P125", "a target");
    assert_eq!(repository.sent(), 0);
}

#[test]
fn what_is_allowed_to_a_stranger_works() {
    let repository = Repository::new();
    let allowed = "text: \"{{ env.ALLOWED }} {{ secrets.it }} {{ env['ALLOWED'] }} {{ row.text }}\"";
    let top = "secrets: { it: { env: OTHER_ONE, default: by-default } }\ndata: { row: { file: rows.csv } }";
    let done = repository.run_untrusted(
        &repository.plan(top, allowed),
        &["--allow-env", "ALLOWED", "--allow-env", "OTHER_ONE"],
    );
    done.assert_code(0);
    assert_eq!(repository.server.log.of("/ok")[0].text(), "allowed-value by-default allowed-value fine");
    // `.env` beside the plan is not read, even for a variable that is allowed; a file that the command line names is.
    let plan =
        repository.plan("secrets: { it: { env: KEY, default: by-default } }", "text: \"{{ secrets.it }}\"");
    repository.run_untrusted(&plan, &["--allow-env", "KEY"]).assert_code(0);
    repository.scratch.write("given.env", "KEY=by-file\nOTHER_KEY=x\n");
    let given = ["--env-file", "../given.env", "--allow-env", "KEY"];
    repository.run_untrusted(&plan, &given).assert_code(0);
    let texts: Vec<_> =
        repository.server.log.of("/ok")[1..].iter().map(|seen| seen.text().to_owned()).collect();
    assert_eq!(texts, ["by-default", "by-file"]);
    assert_refused(
        &repository.run_untrusted(&plan.replace("KEY", "OTHER_KEY"), &given),
        "P125",
        "of that file",
    );
}

#[test]
fn a_stranger_sends_only_to_hosts_that_are_allowed() {
    let repository = Repository::new();
    let port = repository.port();
    let other = format!("http://localhost:{port}");
    for top in [
        format!("ready: {{ checks: [GET {other}/ok] }}"),
        format!("auth: {{ oauth2: {{ token_url: \"{other}/token\", client_id: a, client_secret: b }} }}"),
        format!("auth: {{ steps: [{{ request: POST {other}/login }}], apply: {{ headers: {{ x: y }} }} }}"),
        format!("flows: {{ f: {{ steps: [{{ request: GET {other}/ok }}] }} }}"),
        format!("profiles: {{ p: {{ target: \"{other}\" }} }}"),
    ] {
        let profile = if top.starts_with("profiles") { ["--profile", "p"].as_slice() } else { &[] };
        assert_refused(&repository.run_untrusted(&repository.plan(&top, ""), profile), "P126", &top);
    }
    let plan = repository.plan("", "");
    let moved = |url: &str| plan.replace(&repository.server.url, url);
    for url in [
        other.as_str(),
        &format!("http://127.0.0.1.nip.io:{port}"),
        &format!("http://127.1:{port}"),
        &format!("http://2130706433:{port}"),
        &format!("http://0.0.0.0:{port}"),
        &format!("http://127.0.0.2:{port}"),
        "http://127.0.0.1:1",
        "http://{{ env.ALLOWED }}",
    ] {
        assert_refused(&repository.run_untrusted(&moved(url), &["--allow-env", "ALLOWED"]), "P126", url);
    }
    assert_refused(&repository.run(&plan, &["--untrusted"]), "P126", "nothing is allowed");
    for flags in [["--host", &other], ["--set", &format!("target={other}")]] {
        assert_refused(&repository.run_untrusted(&plan, &flags), "P126", flags[0]);
    }
    let targets = plan.replace("target:", "targets:\n  a:");
    assert_refused(
        &repository
            .run_untrusted(&targets.replace("\nendpoints", &format!("\n  b: \"{other}\"\nendpoints")), &[]),
        "P126",
        "targets",
    );
    assert_eq!(repository.sent(), 0);
    // All of the host, that port alone, another spelling of the same address.
    for allowed in ["127.0.0.1", &format!("127.0.0.1:{port}"), &format!("[::ffff:127.0.0.1]:{port}")] {
        repository.run(&plan, &["--untrusted", "--allow-target", allowed]).assert_code(0);
    }
    repository.run(&moved(&other), &["--untrusted", "--allow-target", "LOCALHOST"]).assert_code(0);
    assert_eq!(repository.sent(), 4);
}

#[test]
fn flags_that_limit_nothing_are_refused() {
    let repository = Repository::new();
    let plan = repository.plan("", "");
    for flags in [
        ["--allow-target", "127.0.0.1"].as_slice(),
        &["--allow-target", "169.254.169.254", "--allow-target", "example.com"],
        &["--allow-env", "HOME"],
        &["--untrusted", "--allow-target", "http://127.0.0.1"],
        &["--untrusted", "--allow-target", "a*.example.com"],
    ] {
        let done = repository.run(&plan, flags);
        assert_eq!(done.code, 2, "{flags:?}: {}", done.output());
    }
    repository.run(&plan, &["--allow-target", "169.254.169.254"]).assert_code(0);
    assert_eq!(repository.sent(), 1);
}

#[test]
fn a_plan_that_is_a_link_is_no_strangers_plan() {
    let repository = Repository::new();
    let server = format!("127.0.0.1:{}", repository.port());
    let outside = repository.scratch.path("elsewhere");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("plan.yaml"), repository.plan("", "")).unwrap();
    fs::write(outside.join("secret.yaml"), format!("password: {NEEDLE}\n{NEEDLE}\n")).unwrap();
    symlink("../elsewhere/secret.yaml", repository.scratch.path("repo/linked.yaml")).unwrap();
    symlink("../elsewhere", repository.scratch.path("repo/linked")).unwrap();
    symlink(".git/config", repository.scratch.path("repo/hidden.yaml")).unwrap();
    for path in
        ["linked.yaml", "linked/plan.yaml", "./linked/plan.yaml", "sub/../linked/plan.yaml", "hidden.yaml"]
    {
        for command in ["validate", "run", "show", "try"] {
            let done = repository.command(&[command, path, "--untrusted", "--allow-target", &server]);
            assert_refused(&done, "P124", path);
        }
    }
    assert_eq!(repository.sent(), 0);
    // A user's own link is the user's business.
    let run = ["run", "-q", "--allow-invalid", "--no-reports", "linked/plan.yaml"];
    repository.command(&run).assert_code(0);
}

#[test]
fn no_report_of_a_plan_goes_through_a_link_into_hidden_files() {
    let repository = Repository::new();
    let root = |name: &str| repository.scratch.path("repo").join(name);
    symlink(".git/hooks/pre-commit", root("out.html")).unwrap();
    symlink(".git", root("runs")).unwrap();
    for reports in ["html: out.html", "folder: runs", "csv: folder/x", "json: folder/hooks/x.json"] {
        let plan = repository.plan(&format!("reports: {{ {reports} }}"), "");
        repository.scratch.write("repo/plan.yaml", &plan);
        let server = format!("127.0.0.1:{}", repository.port());
        for flags in [vec![], vec!["--untrusted", "--allow-target", &server]] {
            let done =
                repository.command(&[vec!["run", "-q", "--allow-invalid", "plan.yaml"], flags].concat());
            assert_refused(&done, "P122", reports);
        }
    }
    assert_eq!(repository.sent(), 0);
    assert_eq!(fs::read_dir(root(".git/hooks")).unwrap().count(), 0);
}

/// Written out, such an address is an error of the plan.
#[test]
fn metadata_addresses_are_refused_whosever_the_plan_is() {
    let repository = Repository::new();
    let plan = repository.plan("", "");
    for host in [
        "169.254.169.254",
        "169.254.170.2:8080",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ] {
        let plan = plan.replace(&repository.server.url, &format!("http://{host}"));
        let done = repository.run(&plan, &[]);
        assert_refused(&done, "P126", host);
        assert!(done.stderr.contains("is a link-local metadata address"), "{}", done.stderr);
        let allowed =
            ["--untrusted", "--allow-target", "metadata.google.internal", "--allow-target", "*.internal"];
        assert_refused(&repository.run(&plan, &allowed), "P126", host);
        let host = if host.ends_with(']') { host } else { host.split(':').next().unwrap() };
        repository.command(&["validate", "plan.yaml", "--allow-target", host]).assert_code(0);
    }
}

/// Names that the system's resolver makes such an address of are met where it is connected to; that ends the run. A spelling of
/// old is such a name: no server has to be asked for it.
#[test]
fn a_name_that_leads_to_a_metadata_address_ends_the_run() {
    let repository = Repository::new();
    let plan = repository.plan("", "");
    let refused = |done: &Done, what: &str| {
        assert_eq!(done.code, 3, "{what}: {}", done.output());
        let words = "refused by plimsoll: 169.254.169.254 is a link-local metadata address";
        assert!(done.output().contains(words), "{what}: {}", done.output());
    };
    for host in ["0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518", "0xA9.254.0251.254"] {
        let plan = plan.replace(&repository.server.url, &format!("http://{host}"));
        refused(&repository.run(&plan, &[]), host);
        // That the name is allowed allows no address.
        refused(&repository.run(&plan, &["--untrusted", "--allow-target", host]), host);
        refused(&repository.command(&["try", "plan.yaml"]), host);
        let open = plan.replace("users: 1, iterations: 1", "rate: 20/s, duration: 5s");
        refused(&repository.run(&open, &[]), host);
    }
    let ready = repository.plan("ready: { checks: [GET http://2852039166/ok] }", "");
    refused(&repository.run(&ready, &[]), "ready");
    let login =
        "auth: { oauth2: { token_url: \"http://2852039166/token\", client_id: a, client_secret: b } }";
    refused(&repository.run(&repository.plan(login, ""), &[]), "auth");
    assert_eq!(repository.sent(), 0);
}
