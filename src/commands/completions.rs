//! `plimsoll completions`: completions for a shell.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::exit::Exit;

use super::terminal::out_exactly;

pub fn completions(shell: Shell) -> Exit {
    let mut text = vec![];
    generate(shell, &mut Cli::command(), "plimsoll", &mut text);
    out_exactly(&String::from_utf8_lossy(&text));
    Exit::Pass
}
