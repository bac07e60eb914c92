//! `plimsoll demo`: the general plan against the embedded platform, all in one process.

use std::path::PathBuf;
use std::sync::mpsc;

use crate::cli::{EnvFile, RunFlags};
use crate::demo::{Demo, DemoError, DemoOptions};
use crate::diagnostic::Source;
use crate::exit::Exit;
use crate::plan::load::load_str;
use crate::plan::parse::Format;

use super::interrupt::Interrupt;
use super::run::{compiled, run_compiled};
use super::terminal::{complain, complain_of};

const PLAN: &str = "plans/temponest/general.yaml";
const PROFILE: &str = "demo";

/// The plan and the files it names, as in the repository.
const FILES: [(&str, &str); 4] = [
    (PLAN, include_str!("../../plans/temponest/general.yaml")),
    ("plans/temponest/data/questions.csv", include_str!("../../plans/temponest/data/questions.csv")),
    ("plans/temponest/data/inputs.jsonl", include_str!("../../plans/temponest/data/inputs.jsonl")),
    ("templates/bodies/execute_agent.json.j2", include_str!("../../templates/bodies/execute_agent.json.j2")),
];

pub fn demo(flags: &RunFlags) -> Exit {
    let interrupt = match Interrupt::watch() {
        Ok(interrupt) => interrupt,
        Err(exit) => return exit,
    };
    let demo = match Background::start() {
        Ok(demo) => demo,
        Err(error) => {
            complain_of(&*error);
            return Exit::CouldNotRun;
        }
    };
    let folder = match Folder::unpack() {
        Ok(folder) => folder,
        Err(error) => {
            complain(&format!("error: cannot unpack the demo's plan: {error}"));
            return Exit::CouldNotRun;
        }
    };
    let flags = with_defaults(flags, &demo);
    let path = folder.path.join(PLAN);
    let dir = path.parent().map_or_else(PathBuf::new, PathBuf::from);
    let source = Source { name: format!("{PLAN} (built in)"), dir, text: FILES[0].1.to_owned() };
    let loaded = load_str(Format::Yaml, source, &super::overrides(&flags.changes, &EnvFile::default()));
    let plan = compiled(&loaded, &path, flags.changes.profile.as_deref());
    // All of it has been read; from here on nothing is left behind however the process ends.
    drop(folder);
    match plan {
        Ok(plan) => run_compiled(plan, &flags, &interrupt),
        Err(exit) => exit,
    }
}

fn with_defaults(flags: &RunFlags, demo: &Background) -> RunFlags {
    let mut flags = flags.clone();
    let changes = &mut flags.changes;
    changes.profile.get_or_insert_with(|| PROFILE.to_owned());
    let given = std::mem::take(&mut changes.targets);
    changes.targets = demo.urls.clone();
    changes.targets.retain(|(name, _)| given.iter().all(|(other, _)| other != name));
    changes.targets.extend(given);
    flags
}

/// The platform on a thread of its own; it ends with the process.
struct Background {
    urls: Vec<(String, String)>,
}

type Urls = Result<Vec<(String, String)>, Box<dyn std::error::Error + Send + Sync>>;

impl Background {
    fn start() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let (tell, told) = mpsc::channel::<Urls>();
        std::thread::Builder::new().name("demo".into()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error.into()))),
            };
            runtime.block_on(async {
                match Demo::start(DemoOptions::on_free_ports()).await {
                    Ok(demo) => {
                        let _ = tell.send(Ok(urls(&demo)));
                        std::future::pending::<()>().await;
                        drop(demo);
                    }
                    Err(error) => drop(tell.send(Err(Box::<DemoError>::new(error)))),
                }
            });
        })?;
        Ok(Self { urls: told.recv()?? })
    }
}

fn urls(demo: &Demo) -> Vec<(String, String)> {
    [("auth", demo.auth_url()), ("agents", demo.agents_url()), ("rag", demo.rag_url())]
        .map(|(name, url)| (name.to_owned(), url))
        .into()
}

/// The plan's files in a folder of their own, removed once they are read.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn unpack() -> std::io::Result<Self> {
        let name = format!("plimsoll-demo-{}-{:08x}", std::process::id(), rand::random::<u32>());
        let folder = Self { path: std::env::temp_dir().join(name) };
        for (path, text) in FILES {
            let path = folder.path.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&folder.path))?;
            std::fs::write(path, text)?;
        }
        // Marks the root that the plan's files must lie below.
        std::fs::write(folder.path.join(crate::compile::ROOT_MARK), "")?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
