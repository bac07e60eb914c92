//! plimsoll — a declarative load-test runner. This file is the table of contents, lowest floor first;
//! a module uses only floors below its own.

pub mod body;
pub mod compile;
pub mod data;
pub mod demo;
pub mod diagnostic;
pub mod engine;
pub mod exit;
pub mod expect;
pub mod failure;
pub mod http;
pub mod load;
pub mod mask;
pub mod metric;
pub mod plan;
pub mod report;
pub mod template;
pub mod threshold;
pub mod units;
