//! What a plan reads although it is refused by default. Must not look at any file.

use crate::diagnostic::Located;

plan_keys! {
    /// What the plan reads although it is refused by default; `--untrusted` ignores it.
    "`allow`"
    pub struct Allow {
        /// Hidden files (a name on their path starts with a dot) that the plan reads, relative to this file.
        files: Vec<Located<String>>,
    }
}
