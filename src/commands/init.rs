//! `plimsoll init`: a small plan that works, with the files it names, its schema and a CI job. Must never overwrite a
//! file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::{Ci, Init};
use crate::exit::Exit;

use super::terminal::{complain, out};

const YAML: &str = include_str!("../../templates/init/plan.yaml");
const TOML: &str = include_str!("../../templates/init/plan.toml");
const DATA: &str = include_str!("../../templates/init/data/questions.csv");
const BODY: &str = include_str!("../../templates/init/bodies/ask.json.j2");
const GITHUB: &str = include_str!("../../templates/init/github.yml");
const GITLAB: &str = include_str!("../../templates/init/gitlab.yml");

/// One file to write.
struct Made {
    /// Below the folder.
    path: &'static str,
    text: String,
    what: &'static str,
}

pub fn init(options: &Init) -> Exit {
    let folder = options.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    let all = files(options, &folder);
    let taken: Vec<_> = all.iter().filter(|file| folder.join(file.path).symlink_metadata().is_ok()).collect();
    if !taken.is_empty() {
        let names: Vec<_> = taken.iter().map(|file| shown(&folder.join(file.path))).collect();
        complain(&format!("error: there already: {}; nothing was written", names.join(", ")));
        complain("name an empty folder: plimsoll init DIR");
        return Exit::Usage;
    }
    for file in &all {
        if let Err(error) = write(&folder, file) {
            complain(&format!("error: {} cannot be written: {error}", shown(&folder.join(file.path))));
            return Exit::CouldNotRun;
        }
        out(&format!("made {:<32} {}\n", shown(&folder.join(file.path)), file.what));
    }
    out(&next_steps(options, &folder));
    Exit::Pass
}

fn files(options: &Init, folder: &Path) -> Vec<Made> {
    let made = |path, text: &str, what| Made { path, text: text.to_owned(), what };
    let name = plan_name(options);
    let schema = format!("{:#}\n", crate::plan::schema::schema());
    let mut all = vec![
        made(name, if options.toml { TOML } else { YAML }, "the plan"),
        made("plan.schema.json", &schema, "what editors complete and check the plan with"),
        made("data/questions.csv", DATA, "rows the plan sends"),
        made("bodies/ask.json.j2", BODY, "a body the plan sends"),
    ];
    let (github, gitlab) = jobs(options.ci, folder);
    if github {
        let text = GITHUB.replace("PLAN", name);
        all.push(made(".github/workflows/performance.yml", &text, "a job, started by hand"));
    }
    if gitlab {
        let text = GITLAB.replace("PLAN", name);
        let what = "a job; add `include: .gitlab/performance.yml` to .gitlab-ci.yml";
        all.push(made(".gitlab/performance.yml", &text, what));
    }
    all
}

fn plan_name(options: &Init) -> &'static str {
    if options.toml { "plan.toml" } else { "plan.yaml" }
}

/// Which CI jobs to write, of GitHub and of GitLab.
fn jobs(wanted: Ci, folder: &Path) -> (bool, bool) {
    match wanted {
        Ci::Auto => (folder.join(".github").is_dir(), folder.join(".gitlab-ci.yml").is_file()),
        Ci::Github => (true, false),
        Ci::Gitlab => (false, true),
        Ci::None => (false, false),
    }
}

fn write(folder: &Path, file: &Made) -> io::Result<()> {
    let path = folder.join(file.path);
    fs::create_dir_all(path.parent().unwrap_or(folder))?;
    // Never through a link, nor over a file that came meanwhile.
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(file.text.as_bytes())
}

fn next_steps(options: &Init, folder: &Path) -> String {
    let (github, gitlab) = jobs(options.ci, folder);
    let ci = match options.ci {
        Ci::Auto if !github && !gitlab => {
            "\nNo CI job: there is no .github and no .gitlab-ci.yml here (--ci github and --ci gitlab make one).\n"
        }
        _ => "",
    };
    let plan = shown(&folder.join(plan_name(options)));
    let plan = if plan.contains(' ') { format!("'{plan}'") } else { plan };
    format!(
        "{ci}\nIt aims at the demo platform and passes there. Next, in two terminals:\n\n  plimsoll serve-demo\n  plimsoll run {plan}\n"
    )
}

/// A path for people: without `./` in front.
fn shown(path: &Path) -> String {
    crate::report::text::shown_path(path.strip_prefix(".").unwrap_or(path))
}
