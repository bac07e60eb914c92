//! The commands, one file each: the only floor that reads arguments and prints.

mod baseline;
mod by_hand;
mod checkpoint;
mod compare;
mod completions;
mod demo;
mod document;
mod explain;
mod indent;
mod init;
mod interrupt;
mod kept;
mod outputs;
mod progress;
mod report;
mod run;
mod samples;
mod schema;
mod serve_demo;
mod show;
mod stored;
mod terminal;
mod try_plan;
mod validate;
mod workflow;

use clap::Parser as _;

use crate::cli::{Changes, Cli, Command, EnvFile};
use crate::exit::Exit;
use crate::plan::load::Overrides;

/// Reads the command line and does what it says.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows which stream each belongs to.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Pass };
            let _ = error.print();
            return exit;
        }
    };
    match cli.command {
        Command::Run { plan, flags, environment } => run::run(&plan, &flags, &environment),
        Command::Demo { flags } => demo::demo(&flags),
        Command::ServeDemo(options) => serve_demo::serve_demo(&options),
        Command::Validate(options) => validate::validate(&options),
        Command::Explain { codes } => explain::explain(&codes),
        Command::Init(options) => init::init(&options),
        Command::Show { plan, changes, environment, origins } => {
            show::show(&plan, &changes, &environment, origins)
        }
        Command::Try { plan, names, changes, environment, full, seed } => {
            try_plan::try_plan(&plan, &names, &try_plan::Flags { changes, environment, full, seed })
        }
        Command::Schema { which } => schema::schema(which),
        Command::Report { result, reports, baseline, quiet } => {
            report::report(&result, &reports, baseline.as_deref(), quiet)
        }
        Command::Compare(options) => compare::compare(&options),
        Command::Completions { shell } => completions::completions(shell),
    }
}

fn overrides(changes: &Changes, environment: &EnvFile) -> Overrides {
    Overrides {
        profile: changes.profile.clone(),
        set: changes.set.clone(),
        targets: changes.targets.clone(),
        host: changes.host.clone(),
        users: changes.users,
        spawn_rate: changes.spawn_rate.clone(),
        run_time: changes.run_time.clone(),
        env_file: environment.env_file.clone(),
    }
}
