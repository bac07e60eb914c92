//! Bearer tokens: signed, expiring, and stored nowhere, so a million logins cost no memory. Must not be logged.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::id::Id;

const REFRESH_LIFE: Duration = Duration::from_secs(24 * 3600);

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes into `Authorization: Bearer`.
    Access,
    /// Buys a new access token.
    Refresh,
}

/// Issues and checks the platform's tokens; the signing key is new at every start.
#[derive(Clone)]
pub(super) struct Tokens {
    key: [u8; 32],
    started: Instant,
    ttl: Duration,
}

impl Tokens {
    pub(super) fn new(ttl: Duration) -> Tokens {
        Tokens { key: rand::random(), started: Instant::now(), ttl }
    }

    /// Life of an access token in seconds.
    pub(super) fn ttl_s(&self) -> u64 {
        self.ttl.as_secs()
    }

    /// A token for `user`, valid from now.
    pub(super) fn issue(&self, kind: Kind, user: Id) -> String {
        self.issue_at(kind, user, self.started.elapsed())
    }

    /// The user a token was issued to, unless it is forged, expired or of another kind.
    pub(super) fn verify(&self, kind: Kind, token: &str) -> Option<Id> {
        self.verify_at(kind, token, self.started.elapsed())
    }

    fn issue_at(&self, kind: Kind, user: Id, now: Duration) -> String {
        let life = if kind == Kind::Access { self.ttl } else { REFRESH_LIFE };
        let expires_ms = u64::try_from(now.saturating_add(life).as_millis()).unwrap_or(u64::MAX);
        let claim = format!("{}.{}.{expires_ms:x}", prefix(kind), user);
        let signature = self.signature(&claim);
        format!("{claim}.{signature}")
    }

    fn verify_at(&self, kind: Kind, token: &str, now: Duration) -> Option<Id> {
        let (claim, signature) = token.rsplit_once('.')?;
        if self.signature(claim) != signature {
            return None;
        }
        let (user, expires) = claim.strip_prefix(prefix(kind))?.strip_prefix('.')?.split_once('.')?;
        let expires_ms = u64::from_str_radix(expires, 16).ok()?;
        if now.as_millis() < u128::from(expires_ms) { Id::parse(user) } else { None }
    }

    /// 128 bits of nested keyed SHA-256 (the shape of HMAC, RFC 2104), in hex.
    fn signature(&self, claim: &str) -> String {
        let inner = Sha256::new().chain_update(self.key).chain_update(claim).finalize();
        let outer = Sha256::new().chain_update(self.key).chain_update(inner).finalize();
        outer[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Access => "access",
        Kind::Refresh => "refresh",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Id {
        Id::number(42)
    }

    #[test]
    fn a_token_expires() {
        let tokens = Tokens::new(Duration::from_secs(600));
        let token = tokens.issue_at(Kind::Access, user(), Duration::from_secs(10));
        assert_eq!(tokens.verify_at(Kind::Access, &token, Duration::from_secs(609)), Some(user()));
        assert_eq!(tokens.verify_at(Kind::Access, &token, Duration::from_secs(610)), None);
    }

    #[test]
    fn kinds_are_not_interchangeable() {
        let tokens = Tokens::new(Duration::from_secs(600));
        let refresh = tokens.issue(Kind::Refresh, user());
        assert_eq!(tokens.verify(Kind::Access, &refresh), None);
        assert_eq!(tokens.verify(Kind::Refresh, &refresh), Some(user()));
    }

    #[test]
    fn a_forged_token_is_refused() {
        let tokens = Tokens::new(Duration::from_secs(600));
        let token = tokens.issue(Kind::Access, user());
        let other = token.replace("2a.", "2b.");
        assert_ne!(token, other);
        for bad in [
            "",
            ".",
            "access",
            "a.b.c.d",
            &other,
            &token[1..],
            &Tokens::new(Duration::MAX).issue(Kind::Access, user()),
        ] {
            assert_eq!(tokens.verify(Kind::Access, bad), None, "{bad}");
        }
    }
}
