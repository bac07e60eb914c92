//! plimsoll's numbers against a server that knows what it did. Claims here are exact, or bounds that only a
//! wrong number can break: no delay of a busy machine makes an answer earlier. The narrow ones, which need a
//! quiet machine, are in `benches/truth.rs`.
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

#[path = "truth/claims.rs"]
mod claims;
#[path = "truth/closed.rs"]
mod closed;
#[path = "truth/frozen.rs"]
mod frozen;
#[path = "truth/open.rs"]
mod open;
#[path = "truth/server.rs"]
mod server;
mod support;
