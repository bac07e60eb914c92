//! plimsoll's numbers against theory and against a server that knows what it did, as exactly as a quiet machine
//! allows: `cargo bench --bench truth -- [--quick] [PART …]`. Prints a table; exits with 1 when a claim is off.
//! What holds on a busy machine too is in `tests/truth.rs`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench panics to fail, and prints")]

#[path = "truth/cores.rs"]
mod cores;
#[path = "truth/generator.rs"]
mod generator;
#[path = "truth/queues.rs"]
mod queues;
#[path = "truth/runs.rs"]
mod runs;
#[path = "truth/saturation.rs"]
mod saturation;
#[path = "truth/size.rs"]
mod size;
#[path = "truth/stall.rs"]
mod stall;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "truth/table.rs"]
mod table;

use std::process::ExitCode;

use support::truth_server::serve_when_told;
use table::Table;

/// A part: `quick` makes it shorter and less sharp.
type Part = fn(&mut Table, quick: bool);

const PARTS: [(&str, Part); 11] = [
    ("stall", stall::of_the_server),
    ("stop", stall::of_the_server_process),
    ("closed", stall::in_the_closed_model),
    ("mm1", queues::poisson_arrivals),
    ("dm1", queues::constant_arrivals),
    ("saturation", saturation::both),
    ("frozen", generator::frozen),
    ("starved", generator::starved),
    ("pacing", generator::pacing),
    ("spawn", size::spawn_curve),
    ("memory", size::memory),
];

fn main() -> ExitCode {
    if serve_when_told() {
        return ExitCode::SUCCESS;
    }
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let (flags, names): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| word.starts_with('-'));
    let unknown = names.iter().find(|name| PARTS.iter().all(|(known, _)| known != name));
    if unknown.is_some() || flags.iter().any(|flag| flag != "--quick") {
        let known: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
        println!("usage: cargo bench --bench truth -- [--quick] [{}]", known.join(" | "));
        return ExitCode::from(2);
    }
    let _awake = [cores::GENERATOR, cores::SERVER].map(cores::Busy::awake);
    let mut table = Table::default();
    for (name, part) in PARTS {
        if names.is_empty() || names.iter().any(|asked| asked == name) {
            table.begin(name);
            part(&mut table, !flags.is_empty());
        }
    }
    table.end()
}
