//! The id of a user, an agent, a run or a document: a UUID that JSON shows as text. Must not draw random bits.

use std::fmt::{self, Display};

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// A version-4 shaped UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id(Uuid);

impl Id {
    /// The id these 16 bytes stand for.
    pub(super) fn from_bytes(bytes: [u8; 16]) -> Id {
        Id(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Reads any spelling of a UUID.
    pub(super) fn parse(text: &str) -> Option<Id> {
        Uuid::try_parse(text).ok().map(Id)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    #[cfg(test)]
    pub(super) fn number(n: u128) -> Id {
        Id(Uuid::from_u128(n))
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
