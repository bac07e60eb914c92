//! Where `secrets` and `env` come from: the environment, `.env` beside the plan, `--env-file`, files.

use std::path::Path;

use crate::support::fault_server::FaultServer;
use crate::support::{Done, Running, Scratch, plimsoll};

/// Runs a command on a plan of a folder.
fn command(arguments: &[&str], plan: &Path, environment: &[(&str, &str)]) -> Done {
    let mut command = plimsoll();
    command.args(arguments).arg(plan).envs(environment.iter().copied());
    command.env_remove("CREDENTIALS_DIRECTORY");
    command.envs(environment.iter().copied());
    Running::start(command).finish()
}

/// A plan that sends a secret and a variable, in both formats.
fn plans(url: &str, secret: &str) -> [(&'static str, String); 2] {
    let yaml = format!(
        "plan: 1\ntarget: \"{url}\"\nsecrets: {{ key: {{ {} }} }}\n\
         endpoints: {{ it: {{ request: GET /ok, headers: {{ x-key: \"{{{{ secrets.key }}}}\", \
         x-env: \"{{{{ env.TEST_PLAIN | default('none') }}}}\" }} }} }}\nload: {{ users: 1, iterations: 1 }}\n",
        secret.replace(" = ", ": ")
    );
    let toml = format!(
        "plan = 1\ntarget = \"{url}\"\n[secrets]\nkey = {{ {secret} }}\n[endpoints.it]\nrequest = \"GET /ok\"\n\
         headers = {{ x-key = \"{{{{ secrets.key }}}}\", x-env = \"{{{{ env.TEST_PLAIN | default('none') }}}}\" }}\n\
         [load]\nusers = 1\niterations = 1\n"
    );
    [("plan.yaml", yaml), ("plan.toml", toml)]
}

/// What arrives of secret and variable; the same by YAML and TOML.
#[track_caller]
fn sent(
    scratch: &Scratch,
    secret: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> (String, String) {
    let server = FaultServer::start();
    let arguments = [&["run", "-q", "--allow-invalid", "--no-reports"], arguments].concat();
    for (name, plan) in plans(&server.url, secret) {
        let plan = scratch.write(name, &plan);
        command(&arguments, &plan, environment).assert_code(0);
    }
    let all = server.log.of("/ok");
    let of = |index: usize| {
        let header = |name: &str| all[index].header(name).unwrap().to_owned();
        (header("x-key"), header("x-env"))
    };
    assert_eq!((all.len(), of(0)), (2, of(1)));
    of(0)
}

fn pair(key: &str, env: &str) -> (String, String) {
    (key.to_owned(), env.to_owned())
}

#[test]
fn a_file_beside_the_plan_fills_what_the_environment_lacks() {
    let scratch = Scratch::new();
    let secret = r#"env = "TEST_KEY", default = "by-default""#;
    assert_eq!(sent(&scratch, secret, &[], &[]), pair("by-default", "none"));
    scratch.write(".env", "# keys\nexport TEST_KEY='by file # 1'\nTEST_PLAIN=plain # and a comment\n");
    assert_eq!(sent(&scratch, secret, &[], &[]), pair("by file # 1", "plain"));
    let set = [("TEST_KEY", "by-process"), ("TEST_PLAIN", "")];
    assert_eq!(sent(&scratch, secret, &[], &set), pair("by-process", ""), "the process wins, empty or not");
    let other = scratch.write("other.env", "TEST_KEY=by-other\n");
    let flag = ["--env-file", other.to_str().unwrap()];
    assert_eq!(sent(&scratch, secret, &flag, &[]), pair("by-other", "none"), "it takes the place of .env");
}

#[test]
fn a_target_and_a_variable_can_come_from_it() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    scratch.write(".env", &format!("TEST_URL={}\nTEST_PATH=ok\n", server.url));
    let plan = scratch.write(
        "plan.yaml",
        "plan: 1\ntarget: \"{{ env.TEST_URL }}\"\nvariables: { path: \"{{ env.TEST_PATH }}\" }\n\
         endpoints: { it: { request: \"GET /{{ path }}\" } }\nload: { users: 1, iterations: 1 }\n",
    );
    command(&["run", "-q", "--allow-invalid", "--no-reports"], &plan, &[]).assert_code(0);
    assert_eq!(server.log.count("/ok"), 1);
}

#[test]
fn show_and_validate_read_it_too() {
    let scratch = Scratch::new();
    let plan = "plan: 1\ntarget: \"{{ env.TEST_URL }}\"\nsecrets: { key: { env: TEST_KEY } }\n\
                endpoints: { it: { request: GET /ok, headers: { x-key: \"{{ secrets.key }}\" } } }\n";
    let plan = scratch.write("plan.yaml", plan);
    command(&["validate"], &plan, &[]).assert_code(2);
    let other = scratch.write("other.env", "TEST_URL=http://somewhere:1\nTEST_KEY=s3cret-value\n");
    let done = command(&["validate", "--env-file", other.to_str().unwrap()], &plan, &[]);
    done.assert_code(0);
    assert_eq!(done.stderr, "", "no warning");
    let done = command(&["show", "--env-file", other.to_str().unwrap()], &plan, &[]);
    done.assert_code(0);
    assert!(done.stdout.contains("somewhere:1") && !done.stdout.contains("s3cret"), "{}", done.stdout);
}

#[test]
fn mistakes_in_it_have_a_place_and_show_nothing() {
    let scratch = Scratch::new();
    let plan =
        scratch.write("plan.yaml", "plan: 1\ntarget: http://x\nendpoints: { a: { request: GET / } }\n");
    scratch.write(".env", "GOOD=1\n\nSECRET hunter2\nTWICE='hunter2\n");
    for arguments in [["validate"].as_slice(), &["show"], &["run", "--no-reports"]] {
        let done = command(arguments, &plan, &[]);
        done.assert_code(2);
        assert!(done.stderr.contains("/.env:3:1") && done.stderr.contains("/.env:4:1"), "{}", done.stderr);
        assert!(!done.output().contains("hunter2"), "{}", done.output());
    }
    std::fs::remove_file(scratch.path(".env")).unwrap();
    std::fs::create_dir(scratch.path(".env")).unwrap();
    command(&["validate"], &plan, &[]).assert_code(0);
}

#[test]
#[cfg(unix)]
fn it_is_not_read_through_a_link_to_elsewhere() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    let plan =
        scratch.write("plan.yaml", "plan: 1\ntarget: http://x\nendpoints: { a: { request: GET / } }\n");
    let outside = elsewhere.write("keys", "A=1\n");
    std::os::unix::fs::symlink(&outside, scratch.path(".env")).unwrap();
    let done = command(&["validate"], &plan, &[]);
    done.assert_code(2);
    assert!(done.stderr.contains("--env-file"), "{}", done.stderr);
    command(&["validate", "--env-file", outside.to_str().unwrap()], &plan, &[]).assert_code(0);
    // As Kubernetes mounts a folder: a link inside it.
    std::fs::remove_file(scratch.path(".env")).unwrap();
    scratch.write("real", "A=1\n");
    std::os::unix::fs::symlink("real", scratch.path(".env")).unwrap();
    command(&["validate"], &plan, &[]).assert_code(0);
    // A pipe would be waited for for ever.
    std::fs::remove_file(scratch.path(".env")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(scratch.path(".env")).status().unwrap().success());
    let done = command(&["validate"], &plan, &[]);
    done.assert_code(2);
    assert!(done.stderr.contains("not a regular file"), "{}", done.stderr);
}

#[test]
fn a_secret_comes_from_a_file_without_its_line_break() {
    let scratch = Scratch::new();
    for (text, expected) in
        [("from-file\n", "from-file"), ("from-file\r\n", "from-file"), (" from-file", "from-file")]
    {
        scratch.write("key", text);
        // A server trims what is around a header's value.
        assert_eq!(sent(&scratch, r#"file = "key""#, &[], &[]).0, expected, "{text:?}");
    }
    assert_eq!(sent(&scratch, r#"file = "none", default = "by-default""#, &[], &[]).0, "by-default");
    assert_eq!(sent(&scratch, r#"file = "key", default = "by-default""#, &[], &[]).0, "from-file");
}

#[test]
fn files_of_secrets_lie_where_secrets_are_given() {
    let (scratch, mounted) = (Scratch::new(), Scratch::new());
    let file = mounted.write("key", "from-mount\n");
    let secret = format!("file = \"{}\"", file.display());
    let named = mounted.path("");
    let environment = [("CREDENTIALS_DIRECTORY", named.to_str().unwrap())];
    assert_eq!(sent(&scratch, &secret, &[], &environment).0, "from-mount");
    // Without the variable it is outside; and a file that comes with the plan cannot allow it.
    scratch.write(".env", &format!("CREDENTIALS_DIRECTORY={}\n", named.display()));
    for (name, plan) in plans("http://localhost:1", &secret) {
        let done = command(&["run", "--no-reports"], &scratch.write(name, &plan), &[]);
        done.assert_code(2);
        assert!(
            done.stderr.contains("lies outside") && done.stderr.contains("/run/secrets"),
            "{}",
            done.stderr
        );
        assert!(!done.output().contains("from-mount"), "{}", done.output());
    }
}

#[test]
#[cfg(unix)]
fn links_devices_and_giants_are_no_secrets() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    std::os::unix::fs::symlink(elsewhere.write("key", "hunter22"), scratch.path("link")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(scratch.path("pipe")).status().unwrap().success());
    scratch.write("giant", &"x".repeat(65 << 10));
    scratch.write("empty", "\n");
    for (file, words) in [
        ("link", "lies outside"),
        ("pipe", "not a regular file"),
        ("/dev/zero", "lies outside"),
        ("giant", "larger than 64 KiB"),
        ("empty", "is empty"),
        ("none", "is not there"),
    ] {
        let [(name, plan), _] = plans("http://localhost:1", &format!("file = \"{file}\""));
        let done = command(&["run", "--no-reports"], &scratch.write(name, &plan), &[]);
        done.assert_code(2);
        assert!(done.stderr.contains(words), "{file}: {}", done.stderr);
        assert!(!done.output().contains("hunter22"), "{}", done.output());
    }
}
