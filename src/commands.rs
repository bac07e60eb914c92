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
mod process;
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

use std::io::Write as _;

use clap::Parser as _;

use crate::cli::{Changes, Cli, Command, EnvFile, Limits};
use crate::exit::Exit;
use crate::plan::load::Overrides;
use crate::plan::trust::Trust;

pub use process::prepare;

/// Reads the command line and does what it says.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows which stream each belongs to.
            let is_usage = error.use_stderr();
            let printed = error.print().and_then(|()| std::io::stdout().flush());
            if is_usage {
                return Exit::Usage;
            }
            terminal::note(printed);
            return delivered(Exit::Pass);
        }
    };
    if let Some(words) = limits_of(&cli.command).and_then(useless) {
        terminal::complain(&format!("error: {words}"));
        return Exit::Usage;
    }
    // The product of a run is its exit code and its reports, and what of these is not written is in the exit code already.
    let is_run = matches!(cli.command, Command::Run { .. } | Command::Demo { .. });
    let exit = follow(cli.command);
    if is_run { exit } else { delivered(exit) }
}

fn follow(command: Command) -> Exit {
    match command {
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

/// The exit code, unless what the command had to say is lost: on a full disk, say.
fn delivered(exit: Exit) -> Exit {
    if terminal::is_lost() { Exit::CouldNotRun } else { exit }
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
        trust: trust(&environment.limits),
    }
}

fn trust(limits: &Limits) -> Trust {
    Trust {
        is_stranger: limits.untrusted,
        variables: limits.allow_env.iter().cloned().collect(),
        hosts: limits.allow_target.clone().into(),
    }
}

/// What a plan may reach, of a command that reads one from a file.
fn limits_of(command: &Command) -> Option<&Limits> {
    match command {
        Command::Run { environment, .. }
        | Command::Show { environment, .. }
        | Command::Try { environment, .. } => Some(&environment.limits),
        Command::Validate(options) => Some(&options.environment.limits),
        _ => None,
    }
}

/// A host that is allowed where every host is: whoever writes that believes in a limit that is not there.
fn useless(limits: &Limits) -> Option<String> {
    let host = limits.allow_target.iter().find(|host| !limits.untrusted && !host.is_metadata())?;
    Some(format!(
        "--allow-target {host} limits nothing: without --untrusted a plan may send to every host but link-local metadata \
         addresses; add --untrusted"
    ))
}
