//! How often the names of targets are looked up, as a plan writes it. Must not ask a resolver.

use std::time::Duration;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::codes;
use crate::plan::decode::{Definitions, FromNode, unit};
use crate::plan::node::Node;
use crate::units::parse_duration;

/// Shortest interval: a look-up is for many connections.
const SHORTEST: Duration = Duration::from_secs(1);

/// When names are looked up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dns {
    /// Never.
    Once,
    /// When a look-up is this old, and after a connection that failed.
    Every(Duration),
}

impl FromNode for Dns {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        if node.as_str() == Some("once") {
            return Some(Self::Once);
        }
        let interval = unit(node, &Self::expected(), parse_duration, out)?;
        if interval < SHORTEST {
            let message = "a name is looked up again after 1s at the soonest";
            let error = Diagnostic::error(codes::OUT_OF_RANGE, node.span, message);
            out.push(error.help("write `1s` or more, or `once`"));
            return None;
        }
        Some(Self::Every(interval))
    }

    fn expected() -> String {
        "`once` or an interval such as 30s".to_owned()
    }

    fn example() -> &'static str {
        "30s"
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "anyOf": [{ "enum": ["once"] }, Duration::schema(defs)] })
    }
}
