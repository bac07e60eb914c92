//! What the result says about the targets and the connections to them. Holds no behaviour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A target of the plan, and the connections to it, those of logins and of the warm-up too; not those of readiness checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetInfo {
    /// Name in the plan.
    pub name: String,
    /// Base URL.
    pub url: String,
    /// Addresses that were known, in the order they were found; at most 256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressUse>,
    /// TLS handshakes that were completed; absent without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshakes: Option<Handshakes>,
    /// Look-ups of its name by all workers; absent for an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_ups: Option<LookUps>,
}

/// An address of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressUse {
    /// The address, without port.
    pub address: String,
    /// Connections opened to it; 0 when it was known and not used.
    pub connections: u64,
}

/// TLS handshakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handshakes {
    /// Those that made a new session.
    pub full: u64,
    /// Those that resumed a session of the same user.
    pub resumed: u64,
}

/// Look-ups of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LookUps {
    /// Those that ended.
    pub done: u64,
    /// Those of them that failed while addresses of an earlier one were known, which were used on.
    pub failed: u64,
}
