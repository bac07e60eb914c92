//! An address of this machine, as a plan writes it. Must not ask the system whether it has it.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{Definitions, FromNode, wrong_type_error};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::codes;
use crate::plan::node::Node;

/// An address that connections can be made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalAddress(pub IpAddr);

impl FromNode for LocalAddress {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        let Some(text) = node.as_str() else {
            let error = wrong_type_error(node, &Self::expected());
            out.push(error.help("write for example `[127.0.0.2, 127.0.0.3]`"));
            return None;
        };
        let (message, help) = match text.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => {
                (format!("`{text}` stands for any address"), "leave the key out to let the system choose")
            }
            Ok(address) if address.is_multicast() => {
                (format!("`{text}` is a multicast address"), "write an address of this machine")
            }
            Ok(address) => return Some(Self(address)),
            Err(_) => (
                format!("`{text}` is no IP address"),
                "write an address of this machine without port, such as 127.0.0.2 or \"::1\"",
            ),
        };
        out.push(Diagnostic::error(codes::WRONG_TYPE, node.span, message).help(help));
        None
    }

    fn expected() -> String {
        "an IP address such as 127.0.0.2".to_owned()
    }

    fn example() -> &'static str {
        "127.0.0.2"
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] })
    }
}
