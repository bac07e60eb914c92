//! plimsoll — a declarative load-test runner. This file is the table of contents, lowest floor first;
//! a module uses only floors below its own (`tests/it/layering.rs` reads this list).
//!
//! text → [`plan::model::Plan`] (as written) → [`compile::CompiledPlan`] (resolved, immutable) → engine →
//! samples → intervals → summary → verdict → [`report::model::ResultDocument`] → reports, exit code.

// floor 0: words
pub mod diagnostic;
pub mod encoding;
pub mod exit;
pub mod failure;
pub mod mask;
pub mod units;
// floor 1: kernel
pub mod metric;
pub mod template;
// floor 2: features
pub mod body;
pub mod cookie;
pub mod data;
pub mod expect;
pub mod http;
pub mod load;
pub mod threshold;
// floor 3: the plan as written
pub mod plan;
// floor 4: the plan compiled
pub mod compile;
// floor 5: the engine
pub mod engine;
// floor 6: reports
pub mod report;
// floor 7: results beside each other
pub mod compare;
// floor 8: commands, and the embedded target
pub mod cli;
pub mod commands;
pub mod demo;
