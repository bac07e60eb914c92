//! Text to nodes, by the format a file's name says. Must not know any key of a plan.

mod convert;
pub mod toml;
mod toml_size;
mod toml_trap;
pub mod yaml;
mod yaml_scalar;
mod yaml_trap;

use std::path::Path;

use super::node::Node;
use crate::diagnostic::{Diagnostic, FileId};

/// Most bytes a plan may have.
pub const MOST_BYTES: usize = 4 << 20;
/// How deep lists and maps may nest.
pub const MOST_DEPTH: usize = 32;
/// How many values a plan may have, repeated ones counted each time.
pub const MOST_NODES: usize = 100_000;
/// How many aliases (`*name`) a YAML plan may have.
pub const MOST_ALIASES: usize = 1_000;

/// A format a plan can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2.
    Yaml,
    /// TOML 1.0.
    Toml,
}

impl Format {
    /// The format a file's name says, when it says one.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }

    /// Reads a text; the node is absent when nothing useful could be read.
    pub fn parse(self, text: &str, file: FileId) -> (Option<Node>, Vec<Diagnostic>) {
        match self {
            Self::Yaml => yaml::parse(text, file),
            Self::Toml => toml::parse(text, file),
        }
    }
}
