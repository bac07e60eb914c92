//! plimsoll — a declarative load-test runner. This file is the table of contents, lowest floor first;
//! a module uses only floors below its own.

pub mod diagnostic;
pub mod exit;
pub mod failure;
pub mod mask;
pub mod metric;
pub mod template;
pub mod units;
