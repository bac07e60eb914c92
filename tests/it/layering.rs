//! The rules of the source: who may use whom (the floors of `src/lib.rs`), what is absent below a floor, and
//! the conventions every file keeps.

mod source;

use source::{File, files, floors};

/// Uses of a module of the same floor that are meant.
const SAME_FLOOR: [(&str, &str); 2] = [
    ("commands", "cli"),  // the arguments are what the commands are given
    ("commands", "demo"), // `demo` and `serve-demo` are commands over the embedded target
];

/// Most lines of a file; past that, two things live in one.
const MOST_LINES: usize = 450;

#[test]
fn modules_use_lower_floors_and_their_own_folder() {
    let floors = floors();
    let floor_of = |module: &str| floors.iter().position(|floor| floor.iter().any(|name| name == module));
    let mut wrong = vec![];
    for file in files() {
        let own = file.module();
        let floor = floor_of(own).unwrap_or_else(|| panic!("src/lib.rs does not list `{own}`"));
        for (line, used) in file.uses() {
            let is_meant = used == own || SAME_FLOOR.contains(&(own, used.as_str()));
            match floor_of(&used) {
                Some(lower) if lower < floor || is_meant => {}
                Some(_) => wrong.push(format!("{}:{line}: `{own}` uses `{used}`", file.path)),
                None => wrong.push(format!("{}:{line}: there is no module `{used}`", file.path)),
            }
        }
    }
    assert!(wrong.is_empty(), "not below:\n{}", wrong.join("\n"));
}

#[test]
fn exceptions_are_used() {
    let all = files();
    for (user, used) in SAME_FLOOR {
        let is_used = |file: &File| file.module() == user && file.uses().iter().any(|(_, name)| name == used);
        assert!(all.iter().any(is_used), "`{user}` does not use `{used}` any more");
    }
}

/// Every line of code in the modules `of` that holds one of `words`, but for `except`ed files.
fn found(of: impl Fn(&str) -> bool, words: &[&str], except: &[&str]) -> Vec<String> {
    let all = files();
    let modules = all.iter().filter(|file| of(file.module()) && !except.contains(&file.path.as_str()));
    let lines = modules.flat_map(|file| file.code_lines().map(move |(number, line)| (file, number, line)));
    lines
        .filter(|(_, _, line)| words.iter().any(|word| source::has_word(line, word)))
        .map(|(file, number, line)| format!("{}:{number}: {}", file.path, line.trim()))
        .collect()
}

fn is_below(floor: &str) -> impl Fn(&str) -> bool {
    let floors = floors();
    let top = floors.iter().position(|names| names.iter().any(|name| name == floor)).unwrap();
    let below: Vec<_> = floors[..top].concat();
    move |module| below.iter().any(|name| name == module)
}

#[track_caller]
fn absent(found: Vec<String>) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn only_commands_print_and_read_arguments() {
    let words = ["println!", "eprintln!", "print!", "eprint!", "env::args", "env::args_os", "process::exit"];
    absent(found(|module| module != "commands", &words, &[]));
}

#[test]
fn only_the_engine_and_http_have_a_clock() {
    let words =
        ["Instant::now", "SystemTime", "Timestamp::now", "Zoned::now", "sleep", "sleep_until", "spawn"];
    // `now()` of a template is a value the plan asks for; it decides nothing.
    let except = ["src/template/functions/now.rs"];
    let below = is_below("engine");
    absent(found(|module| below(module) && module != "http", &words, &except));
}

#[test]
fn reports_know_only_their_model() {
    let words = &floors()[0];
    let mut wrong = vec![];
    for file in files().iter().filter(|file| file.module() == "report") {
        let other = |used: &String| used != "report" && !words.contains(used);
        wrong.extend(
            file.uses().into_iter().filter(|(_, used)| other(used)).map(|used| (file.path.clone(), used)),
        );
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn the_demo_uses_nothing_of_ours() {
    for file in files().iter().filter(|file| file.module() == "demo") {
        assert!(file.uses().iter().all(|(_, used)| used == "demo"), "{}: {:?}", file.path, file.uses());
    }
}

#[test]
fn the_engine_never_sees_serde() {
    absent(found(
        |module| module == "engine",
        &["serde", "serde_json", "serde_yaml", "Serialize", "Deserialize"],
        &[],
    ));
}

#[test]
fn nothing_panics_on_purpose() {
    absent(found(|_| true, &["unwrap()", "todo!", "unimplemented!", "dbg!"], &[]));
}

#[test]
fn one_file_has_an_unsafe_call() {
    absent(found(|_| true, &["unsafe"], &["src/http/ip_option.rs"]));
}

#[test]
fn files_say_what_they_hold_and_stay_short() {
    let mut wrong = vec![];
    for path in source::paths() {
        let text = std::fs::read_to_string(source::root().join(&path)).unwrap();
        if !text.starts_with("//!") {
            wrong.push(format!("{path} does not start with `//!`"));
        }
        if text.lines().count() > MOST_LINES {
            wrong.push(format!("{path} has {} lines", text.lines().count()));
        }
        if text.lines().any(|line| line.trim_start().starts_with("#[ignore")) {
            wrong.push(format!("{path} ignores a test"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
