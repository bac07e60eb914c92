//! What is typed in a block of a page, and whether what the page shows below is what comes.

use std::path::Path;
use std::process::Stdio;
use std::sync::LazyLock;

use clap::Parser as _;
use clap::error::ErrorKind;
use plimsoll::cli::Cli;
use regex::{Captures, Regex};

use crate::support::demo::Demo;
use crate::support::pages::Block;
use crate::support::{Running, plimsoll};

/// Languages of blocks in which commands are typed.
const TYPED_IN: [&str; 4] = ["console", "bash", "sh", "text"];

/// A command line, and the lines that the page shows below it.
#[derive(Debug)]
pub struct Typed {
    pub environment: Vec<(String, String)>,
    /// Without the program's name.
    pub arguments: Vec<String>,
    /// Whether the shell does something with it: a pipe, a file, the background.
    pub is_for_shell: bool,
    pub shown: Vec<String>,
}

/// What is typed in a block: after a `$`, or in `bash` and `sh` every line. Other programs than plimsoll are left out.
pub fn typed(block: &Block) -> Vec<Typed> {
    let (mut all, mut is_ours) = (Vec::<Typed>::new(), false);
    if !TYPED_IN.contains(&block.language.as_str()) {
        return all;
    }
    let is_script = matches!(block.language.as_str(), "bash" | "sh");
    for line in block.text.lines() {
        match line.strip_prefix("$ ").or(is_script.then_some(line)) {
            Some(command) => {
                let command = of(command);
                is_ours = command.is_some();
                all.extend(command);
            }
            None if is_ours => all.last_mut().unwrap().shown.push(line.trim_end().to_owned()),
            None => {}
        }
    }
    all
}

/// A command line of plimsoll, also when cargo runs it.
pub fn of(line: &str) -> Option<Typed> {
    let (mut words, is_for_shell) = words(line);
    let is_variable = |word: &String| word.split_once('=').is_some_and(|(name, _)| is_name(name));
    let variables = words.iter().take_while(|word| is_variable(word)).count();
    let pair = |word: String| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment = words.drain(..variables).filter_map(pair).collect();
    let program = words.first()?;
    let end = match program.as_str() {
        "plimsoll" => 1,
        "cargo" => words.iter().position(|word| word == "--")? + 1,
        _ => return None,
    };
    Some(Typed { environment, arguments: words.split_off(end), is_for_shell, shown: vec![] })
}

/// A command line in a sentence without what stands for something else: `[flags]`, `…`, `COMMAND`.
pub fn without_placeholders(code: &str) -> String {
    let mut text = code.replace('…', "").replace(" COMMAND", "");
    while let Some((start, end)) = text.find('[').zip(text.find(']')).filter(|(start, end)| start < end) {
        text.replace_range(start..=end, "");
    }
    text
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// The words of a command line, quotes taken off, up to a comment, pipe, redirection or `&`.
fn words(line: &str) -> (Vec<String>, bool) {
    let (mut all, mut word, mut quote) = (vec![], None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => all.extend(word.take()),
            (None, '|' | '>' | '&') => {
                all.extend(word.take());
                return (all, true);
            }
            (None, '#') if word.is_none() => return (all, false),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    (all, false)
}

impl Typed {
    /// Whether the program takes these words, else what it says.
    pub fn parses(&self) -> Result<(), String> {
        self.problem(false)
    }

    /// The same of words in a sentence, where the plan may be missing: `plimsoll show`.
    pub fn could_parse(&self) -> Result<(), String> {
        self.problem(true)
    }

    fn problem(&self, may_be_short: bool) -> Result<(), String> {
        let words = ["plimsoll"].into_iter().chain(self.arguments.iter().map(String::as_str));
        match Cli::try_parse_from(words) {
            Err(error) if may_be_short && error.kind() == ErrorKind::MissingRequiredArgument => Ok(()),
            Err(error) if error.use_stderr() => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    fn command(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }

    /// Types it in a folder, with the platform where the page has it, and compares what comes with what is shown.
    pub fn run(&self, folder: &Path, demo: &Demo) -> Result<(), String> {
        let mut arguments: Vec<_> = self.arguments.iter().map(|word| to_demo(word, demo)).collect();
        let mut command = plimsoll();
        command.current_dir(folder).env("COLUMNS", "200").env_remove("CI").envs(self.environment.clone());
        match self.command() {
            // The usual ports may be taken here.
            "serve-demo" => {
                arguments.extend(["--auth-port=0", "--agents-port=0", "--rag-port=0"].map(str::to_owned))
            }
            // A busy machine changes the verdict, not what is shown above it.
            "run" | "demo" => arguments.push("--allow-invalid".to_owned()),
            _ => {}
        }
        command.args(arguments);
        let output = folder.join("output.txt");
        let file = std::fs::File::create(&output).unwrap();
        // Both in one file, in the order of a terminal.
        let mut running =
            Running::start_with(command, Stdio::from(file.try_clone().unwrap()), Stdio::from(file));
        let read = || from_demo(&std::fs::read_to_string(&output).unwrap_or_default(), demo);
        let code = if self.command() == "serve-demo" {
            while read().lines().count() < self.shown.len() && !running.has_ended() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            drop(running);
            0
        } else {
            running.finish().code
        };
        let came = read();
        let is_measured = matches!(self.command(), "run" | "try" | "demo" | "report" | "serve-demo");
        let is_wrong = self.shown.iter().any(|line| line.starts_with("error") || line.contains("failed as"));
        let is_expected = match (is_wrong, self.command()) {
            (true, _) => code == 1 || code == 2,
            (false, "run" | "demo") => code == 0 || code == 1,
            (false, _) => code == 0,
        };
        if !is_expected {
            return Err(format!("exit {code}\n{came}"));
        }
        // Notes about a busy machine stand before the verdict, and before what was written.
        let parts = |line: &String| match is_measured && (is_verdict(line) || line.starts_with("wrote ")) {
            true => vec!["…".to_owned(), line.clone()],
            false => vec![line.clone()],
        };
        let shown: Vec<_> = self.shown.iter().filter(|line| !line.is_empty()).flat_map(parts).collect();
        if shown.is_empty() {
            return Ok(());
        }
        compare(&shown, &came, is_measured)
            .map_err(|line| format!("it does not come, or not there: {line}\n{came}"))
    }
}

const PORTS: [&str; 3] = ["9002", "9000", "9003"];

/// Where the page says `localhost:9002`, the platform of this test.
pub fn to_demo(text: &str, demo: &Demo) -> String {
    let urls = [&demo.auth, &demo.agents, &demo.rag];
    PORTS.iter().zip(urls).fold(text.to_owned(), |text, (port, url)| {
        text.replace(&format!("localhost:{port}"), url.strip_prefix("http://").unwrap())
    })
}

fn from_demo(text: &str, demo: &Demo) -> String {
    let urls = [&demo.auth, &demo.agents, &demo.rag];
    PORTS.iter().zip(urls).fold(text.to_owned(), |text, (port, url)| {
        let address = url.strip_prefix("http://").unwrap();
        text.replace(address, &format!("localhost:{port}"))
    })
}

/// What stands before a threshold, an expectation or a verdict.
const MARKS: [char; 3] = ['✓', '⚠', '✗'];

/// The last line of a run, also with its numbers taken out.
fn is_verdict(line: &str) -> bool {
    line.contains("· exit ")
}

/// Compares line by line. A line `…` stands for any lines, a `…` in a line for any words. Where numbers are measured,
/// any number will do, and so will any verdict: they are another test's.
fn compare(shown: &[String], came: &str, is_measured: bool) -> Result<(), String> {
    let loose = |line: &str| if is_measured { without_numbers(line) } else { without_columns(line) };
    let came: Vec<_> = came.lines().filter(|line| !line.trim().is_empty()).map(loose).collect();
    let fits = |shown: &str, came: &str| {
        // Of a threshold, its place and text: a busy machine may have no data for it, or remarks behind it.
        let is_marked = is_measured && shown.trim_start().starts_with(MARKS);
        let columns: Vec<_> =
            COLUMNS.split(shown.trim()).take(if is_marked { 3 } else { usize::MAX }).collect();
        let kept = if is_marked { columns.join(" ") } else { shown.to_owned() };
        let words: Vec<_> = loose(&kept).split('…').map(regex::escape).collect();
        let rest = if is_marked { ".*" } else { "" };
        let is_such = Regex::new(&format!("^{}{rest}$", words.join(".*"))).unwrap().is_match(came);
        is_such || is_measured && is_verdict(shown) && is_verdict(came)
    };
    let mut at = 0;
    let mut parts = shown.split(|line| line.trim() == "…").peekable();
    let mut is_free = false;
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        if !part.is_empty() {
            let starts = |from: usize| {
                let fit = came.get(from..from + part.len())?;
                part.iter().zip(fit).all(|(shown, came)| fits(shown, came)).then_some(from)
            };
            let from = match (is_free, is_last) {
                (false, _) => starts(at),
                (true, false) => (at..came.len()).find_map(starts),
                (true, true) => {
                    came.len().checked_sub(part.len()).filter(|from| *from >= at).and_then(starts)
                }
            };
            let furthest = || {
                let missing = part.iter().find(|shown| !came.iter().any(|came| fits(shown, came)));
                missing.unwrap_or(&part[0]).clone()
            };
            at = from.ok_or_else(furthest)? + part.len();
        }
        is_free = true;
    }
    // Nothing more may come when nothing says so.
    match shown.last().is_some_and(|line| line.trim() == "…") || at == came.len() {
        true => Ok(()),
        false => Err(format!("(more comes) {}", came[at])),
    }
}

/// What one run has and another has not, and what stands for it.
static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let masks = [
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "#"),
        (r"\b[0-9a-f]{8}\b", "#"),
        (r"\b\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d\d)?\b", "#"),
        (r"[█\s]+", " "),
    ];
    masks.map(|(pattern, with)| (Regex::new(pattern).unwrap(), with)).into()
});

/// A number with its unit; behind a comparison it is a target, which is no measurement.
static NUMBERS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"([<>=] )?\b\d[\d.,]*( ?(µs|ms|s|min|%|/s)\b|m\d\ds\b)?").unwrap());

static COLUMNS: LazyLock<Regex> = LazyLock::new(|| Regex::new(" {2,}").unwrap());

/// A line without the spaces that put things below each other: how many depends on the platform's port.
fn without_columns(line: &str) -> String {
    let text = line.trim();
    let indent = &line[..line.len() - line.trim_start().len()];
    format!("{indent}{}", COLUMNS.replace_all(text, " "))
}

/// A line with `#` for each number and its unit, each id, and each run of spaces and bars.
fn without_numbers(line: &str) -> String {
    let line = line.trim().trim_start_matches(MARKS);
    let line = MASKS.iter().fold(line.to_owned(), |line, (mask, with)| mask.replace_all(&line, *with).into());
    let number = |found: &Captures<'_>| match found.get(1) {
        Some(_) => found[0].to_owned(),
        None => "#".to_owned(),
    };
    NUMBERS.replace_all(&line, number).into_owned()
}

#[test]
fn the_comparison_is_strict_where_it_must_be() {
    let shown = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let came = "first\n ✓ a  p95 < 50ms   1.2 ms\nmiddle\n\nlast · exit 0\n";
    for text in [
        "…\nmiddle\n…",
        "first\n…\nlast · exit 4",
        "…\n ✗  a  p95 < 50ms  no data  < 50 ms\n…",
        "fi…\n…",
        "…\nmid…\nlast · exit 0",
    ] {
        assert_eq!(compare(&shown(text), came, true), Ok(()), "{text}");
    }
    for text in [
        "middle\n…",
        "first",
        "first\nmiddle\n…",
        "…\nmiddle",
        "…\nmiddle\nfirst\n…",
        "…\n ✓ a p95 < 60ms 7 ms\n…",
        "…\n ✓ a p99 < 50ms 7 ms\n…",
        "…\nb p95 < 50ms\n…",
    ] {
        assert!(compare(&shown(text), came, true).is_err(), "{text}");
    }
    assert!(compare(&shown("first\n ✓ a  p95 < 50ms   1.3 ms\n…"), came, false).is_err());
}

#[test]
fn command_lines_are_taken_apart() {
    let typed = of("A_B=1 plimsoll run 'a b.yaml' --set x='p95 < 1s' # why").unwrap();
    assert_eq!(typed.arguments, ["run", "a b.yaml", "--set", "x=p95 < 1s"]);
    assert_eq!(typed.environment, [("A_B".to_owned(), "1".to_owned())]);
    assert!(typed.parses().is_ok() && !typed.is_for_shell);
    assert!(of("plimsoll run x.yaml -q --json - | jq .").unwrap().is_for_shell);
    assert!(of("plimsoll run x.yaml --jsn -").unwrap().parses().is_err());
    assert!(of("cargo test").is_none());
}
