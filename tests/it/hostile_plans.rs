//! Plans that mean harm are refused in bounded memory and time, whatever takes them: one budget of 64 MiB and 1 s a plan.

use crate::support::{Done, Running, Scratch, plimsoll};

const YAML: &str = "plan: 1\ntarget: http://127.0.0.1:9\nendpoints: { a: { request: GET / } }\nload: { users: 1, iterations: 1 }\n";
const TOML: &str = "plan = 1\ntarget = \"http://127.0.0.1:9\"\n[endpoints]\na = { request = \"GET /\" }\n[load]\nusers = 1\niterations = 1\n";

/// What `validate` says of a plan, and the most memory it had, KiB.
fn validated(scratch: &Scratch, name: &str, text: &str) -> (Done, u64) {
    let mut command = plimsoll();
    command.arg("validate").arg(scratch.write(name, text));
    Running::start(command).finish_measured()
}

/// 4 MiB of what one line makes.
fn filled(start: &str, line: impl Fn(usize) -> String) -> String {
    let mut text = start.to_owned();
    for number in 0.. {
        let line = line(number);
        if text.len() + line.len() > 4 << 20 {
            break;
        }
        text.push_str(&line);
    }
    text
}

#[test]
fn no_plan_takes_much_memory() {
    let scratch = Scratch::new();
    let (done, base_kib) = validated(&scratch, "small.yaml", YAML);
    done.assert_code(0);
    let deep = ["a"; 29].join(".");
    let variables = format!("{TOML}[variables]\n");
    for (name, text, words) in [
        ("headers.toml", filled(TOML, |n| format!("[t{n}.{deep}]\n")), "P005]: the plan has more than"),
        (
            "dotted.toml",
            filled(&variables, |n| format!("k{n}.a.b.c.d.e.f = 1\n")),
            "P005]: the plan has more than",
        ),
        ("tables.toml", filled(TOML, |_| "[[variables.x]]\n".to_owned()), "P005]: the plan has more than"),
        (
            "inline.toml",
            filled(&format!("{variables}v = ["), |_| "{},".to_owned()),
            "P005]: the plan has more than",
        ),
        (
            "values.toml",
            filled(&format!("{variables}v = ["), |_| "0,".to_owned()),
            "P005]: the plan has more than",
        ),
        ("keys.toml", filled(&variables, |n| format!("k{n} = 1\n")), "P005]: the plan has more than"),
        (
            "lines.toml",
            filled(TOML, |_| "\n".to_owned()),
            "P005]: the plan has more than 500000 words and signs",
        ),
        (
            "brackets.toml",
            filled(&format!("{variables}v = "), |_| "[".to_owned()),
            "P005]: the plan has more than",
        ),
        ("errors.toml", filled(TOML, |_| "=\n".to_owned()), "P005]: the plan has more than"),
        ("some_errors.toml", format!("{TOML}{}", "=\n".repeat(20_000)), "P001]"),
        ("twice.toml", format!("{TOML}{}", "users = 1\n".repeat(49_000)), "P002]"),
        ("twice.yaml", format!("{YAML}variables:\n{}", "  a: 1\n".repeat(49_000)), "P002]"),
        (
            "unknown.yaml",
            format!("{YAML}{}", (0..49_000).map(|n| format!("k{n}: 1\n")).collect::<String>()),
            "P010]",
        ),
        ("values.yaml", filled(&format!("{YAML}variables: {{ v: ["), |_| "0,".to_owned()), "P005]"),
        (
            "aliases.yaml",
            format!("{YAML}variables: {{ a: &a [{}0], b: [{}0] }}\n", "0,".repeat(900), "*a,".repeat(900)),
            "P005]",
        ),
        ("anchors.yaml", format!("{YAML}variables: {{ v: [{}0] }}\n", "&a 0,".repeat(60_000)), ""),
        ("text.yaml", format!("{YAML}variables: {{ v: \"{}\" }}\n", "x".repeat(4 << 20)), "P005]"),
    ] {
        let (done, kib) = validated(&scratch, name, &text);
        assert!(
            done.stderr.contains(words),
            "{name}: {}",
            &done.stderr[..done.stderr.floor_char_boundary(400)]
        );
        done.assert_code(if words.is_empty() { 0 } else { 2 });
        assert!(kib < 2 * base_kib + (64 << 10), "{name}: {} MiB for {} MiB", kib >> 10, base_kib >> 10);
    }
}

#[test]
fn all_values_together_have_a_budget_of_time() {
    let scratch = Scratch::new();
    let heavy = "\"{% for i in range(4000) %}{% set x = i * i %}{% endfor %}x\"";
    let plan: String = (0..2_000).map(|n| format!("  v{n}: {heavy}\n")).collect();
    let (done, _) = validated(&scratch, "plan.yaml", &format!("{YAML}variables:\n{plan}"));
    done.assert_code(2);
    assert!(done.stderr.contains("P005]: the values of the plan take more than"), "{}", done.stderr);
    assert!(done.stderr.contains("1 error"), "{}", done.stderr);
}
