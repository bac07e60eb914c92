//! The table of claims: what was expected, what was measured, how near it had to be.

use std::process::ExitCode;

/// Prints each claim when it is made, and remembers those that are off.
#[derive(Default)]
pub struct Table {
    part: &'static str,
    claims: usize,
    off: Vec<String>,
}

/// How far a measured value may be off.
#[derive(Clone, Copy)]
pub enum Within {
    /// A share of the expected value, in percent.
    Percent(f64),
    /// An amount in the value's own unit.
    Amount(f64),
}

impl Table {
    pub fn begin(&mut self, part: &'static str) {
        if self.claims == 0 {
            line("part", "claim", "expected", "measured", "within", "ok");
        }
        self.part = part;
    }

    /// A value near another, both in `unit`.
    pub fn near(&mut self, claim: &str, unit: &str, expected: f64, measured: f64, within: Within) {
        let (amount, words) = match within {
            Within::Percent(percent) => (expected.abs() * percent / 100.0, format!("{percent} %")),
            Within::Amount(amount) => (amount, format!("{amount:.2} {unit}")),
        };
        let is_ok = (measured - expected).abs() <= amount;
        self.add(claim, &format!("{expected:.2} {unit}"), &format!("{measured:.2} {unit}"), &words, is_ok);
    }

    /// A value that has an upper bound.
    pub fn at_most(&mut self, claim: &str, unit: &str, most: f64, measured: f64) {
        let is_ok = measured <= most;
        self.add(claim, &format!("≤ {most:.2} {unit}"), &format!("{measured:.2} {unit}"), "", is_ok);
    }

    /// A value that has a lower bound.
    pub fn at_least(&mut self, claim: &str, unit: &str, least: f64, measured: f64) {
        let is_ok = measured >= least;
        self.add(claim, &format!("≥ {least:.2} {unit}"), &format!("{measured:.2} {unit}"), "", is_ok);
    }

    /// Two counts that are the same.
    pub fn same(&mut self, claim: &str, expected: u64, measured: u64) {
        self.add(claim, &expected.to_string(), &measured.to_string(), "exact", expected == measured);
    }

    /// Anything else.
    pub fn holds(&mut self, claim: &str, expected: &str, measured: &str, is_ok: bool) {
        self.add(claim, expected, measured, "", is_ok);
    }

    fn add(&mut self, claim: &str, expected: &str, measured: &str, within: &str, is_ok: bool) {
        self.claims += 1;
        line(self.part, claim, expected, measured, within, if is_ok { "yes" } else { "NO" });
        if !is_ok {
            self.off.push(format!("{}: {claim}", self.part));
        }
    }

    /// Says how many are off: exit code 1 when any is.
    pub fn end(self) -> ExitCode {
        println!("{} of {} claims hold", self.claims - self.off.len(), self.claims);
        self.off.iter().for_each(|claim| println!("off: {claim}"));
        if self.off.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn line(part: &str, claim: &str, expected: &str, measured: &str, within: &str, ok: &str) {
    println!("{part:<10} | {claim:<58} | {expected:>18} | {measured:>18} | {within:>9} | {ok}");
}
