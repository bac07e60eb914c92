//! What a plan says about TLS. Must not read any file.

use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use crate::plan::codes;
use crate::plan::decode::Keys;

plan_keys! {
    /// Whom HTTPS connections trust, and what they show of the client.
    "the TLS settings"
    pub struct Tls {
        /// PEM file of an authority that is trusted besides the system's; relative to this plan.
        ca: Option<Located<String>>,
        /// `true` trusts every certificate.
        insecure: Option<Located<bool>>,
        /// PEM file of the client's certificate, for targets that ask for one; needs `key`.
        cert: Option<Located<String>>,
        /// PEM file of the private key of `cert`.
        key: Option<Located<String>>,
        /// Name that certificates must be for, and that is sent as SNI; the target's host when absent.
        server_name: Option<Located<String>>,
        /// Whose TLS session a connection may resume: `user`, which is the default, for that of the same user; `off` for none.
        resumption: Option<Located<Resumption>>,
    }
    rules belong_together
    check check_tls
}

plan_words! {
    /// Whose TLS session a connection may resume.
    "a choice for resumption"
    pub enum Resumption {
        /// Nobody's: each connection shakes hands in full.
        Off = "off",
        /// That of an earlier connection of the same user.
        User = "user",
    }
}

fn belong_together(keys: &Keys<'_>, out: &mut Diagnostics) {
    for (one, other) in [("cert", "key"), ("key", "cert")] {
        if let Some(span) = keys.span_of(one).filter(|_| !keys.may_mean(other)) {
            let message = format!("`{one}` needs `{other}`");
            let help = format!("write `{other}:` with the PEM file that belongs to it");
            out.push(Diagnostic::error(codes::MISSING_KEY, span, message).help(help));
        }
    }
}

fn check_tls(tls: &Tls, keys: &Keys<'_>, out: &mut Diagnostics) {
    if tls.insecure.as_ref().is_some_and(|insecure| insecure.value) {
        let help = "with `insecure: true` every certificate is trusted: keep one of them";
        keys.clash("ca", "insecure", help, out);
    }
}
