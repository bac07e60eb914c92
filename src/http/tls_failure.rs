//! What is wrong with a TLS connection, in sentences. They are the same each time: no times of this moment, no counters,
//! so that failures of one cause are one group.

use std::fmt::Debug;
use std::io;

use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use crate::failure::Failure;

use super::connect::words;
use super::connection::ExchangeError;

/// Names of a certificate that a message shows.
const MOST_NAMES: usize = 3;

/// Why a handshake failed.
pub(super) fn handshake_failure(error: &io::Error) -> ExchangeError {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let (kind, why) = match (tls, error.kind()) {
        (Some(tls), _) => kind_and_words(tls),
        (None, io::ErrorKind::UnexpectedEof) => {
            (Failure::TlsHandshake, "the target closed the connection".to_owned())
        }
        (None, io::ErrorKind::ConnectionReset) => {
            (Failure::TlsHandshake, "the target reset the connection".to_owned())
        }
        (None, _) => (Failure::TlsHandshake, words(error)),
    };
    ExchangeError::new(kind, format!("TLS handshake failed: {why}"))
}

/// The kind of failure that an error of rustls is, in a handshake or after it, and a sentence about it.
pub(super) fn kind_and_words(error: &Error) -> (Failure, String) {
    let kind = match error {
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => Failure::TlsCertificate,
        Error::AlertReceived(alert) if is_about_certificate(*alert) => Failure::TlsCertificate,
        _ => Failure::TlsHandshake,
    };
    (kind, sentence(error))
}

/// Whether the target objects to the client's certificate, or misses one.
fn is_about_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::CertificateUnobtainable
            | Alert::BadCertificateStatusResponse
            | Alert::BadCertificateHashValue
            | Alert::CertificateRequired
    )
}

/// An error of rustls in words.
pub(super) fn sentence(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::NoCertificatesPresented => "the target showed no certificate".to_owned(),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::InvalidMessage(message) => of_message(message),
        Error::PeerIncompatible(why) => match why {
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => NO_VERSION.to_owned(),
            why => format!("the target and plimsoll have no common ground: {}", spelled(why)),
        },
        Error::PeerMisbehaved(why) => format!("the target broke the rules of TLS: {}", spelled(why)),
        Error::InappropriateMessage { got_type, .. } => {
            format!("the target sent a message of the type `{}` out of turn", spelled(got_type))
        }
        Error::InappropriateHandshakeMessage { got_type, .. } => {
            format!("the target sent the handshake message `{}` out of turn", spelled(got_type))
        }
        Error::DecryptError => "a record of the target could not be decrypted".to_owned(),
        Error::PeerSentOversizedRecord => "the target sent a record larger than TLS allows".to_owned(),
        Error::General(why) => why.clone(),
        Error::Other(why) => spelled(&format_args!("{why}")),
        other => other.to_string(),
    }
}

const NO_VERSION: &str = "the target speaks no TLS version that plimsoll does (1.2 and 1.3)";

#[allow(deprecated, reason = "rustls may still say it")]
fn of_certificate(error: &CertificateError) -> String {
    use CertificateError as Bad;
    match error {
        Bad::BadEncoding => "the target's certificate cannot be read: its encoding is broken".to_owned(),
        Bad::Expired => "the target's certificate has expired".to_owned(),
        Bad::ExpiredContext { not_after, .. } => {
            format!("the target's certificate expired on {}", date(*not_after))
        }
        Bad::NotValidYet => "the target's certificate is not valid yet".to_owned(),
        Bad::NotValidYetContext { not_before, .. } => {
            format!("the target's certificate is not valid before {}", date(*not_before))
        }
        Bad::Revoked => "the target's certificate was revoked".to_owned(),
        Bad::UnknownIssuer => "the target's certificate was signed by nobody who is trusted; name the authority, or \
                               the certificate itself, in `http.tls.ca`"
            .to_owned(),
        Bad::BadSignature => "the target's certificate or handshake has a wrong signature, or one by an RSA key of \
                              less than 2048 bits"
            .to_owned(),
        Bad::UnsupportedSignatureAlgorithm
        | Bad::UnsupportedSignatureAlgorithmContext { .. }
        | Bad::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the target's certificate or handshake is signed by an algorithm that is not supported, such as one with \
             SHA-1"
                .to_owned()
        }
        Bad::NotValidForName => "the target's certificate is for another host".to_owned(),
        Bad::NotValidForNameContext { expected, presented } => {
            format!("the target's certificate is not for `{}`: {}", expected.to_str(), names(presented))
        }
        Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. } => {
            "the target's certificate is not one of a server (extended key usage)".to_owned()
        }
        Bad::UnhandledCriticalExtension => {
            "the target's certificate has a critical extension that is not supported".to_owned()
        }
        Bad::Other(other) => match other.to_string().as_str() {
            "CaUsedAsEndEntity" => "the target's certificate is one of an authority; to trust it, name that very \
                                    certificate in `http.tls.ca`"
                .to_owned(),
            "UnsupportedCertVersion" => {
                "the target's certificate is of X.509 version 1, and only version 3 is supported".to_owned()
            }
            other => format!("the target's certificate cannot be accepted: {}", spelled(&format_args!("{other}"))),
        },
        other => format!("the target's certificate cannot be accepted: {}", spelled(other)),
    }
}

/// What a certificate is for: `DnsName("a.example")` becomes `a.example`.
fn names(presented: &[String]) -> String {
    let name = |text: &String| {
        let inner = text.split_once('(').map_or(text.as_str(), |(_, rest)| rest.trim_end_matches(')'));
        format!("`{}`", inner.trim_matches('"'))
    };
    let shown: Vec<_> = presented.iter().take(MOST_NAMES).map(name).collect();
    match presented.len() {
        0 => "it names no host (subjectAltName)".to_owned(),
        all if all > MOST_NAMES => format!("it is for {} and {} more", shown.join(", "), all - MOST_NAMES),
        _ => format!("it is for {}", shown.join(", ")),
    }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "an unknown day".to_owned(), |time| time.to_string())
}

fn of_alert(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let why = match alert {
        Alert::HandshakeFailure => {
            "the target refused it: no cipher suite or signature in common, or it wants a certificate of the client"
        }
        Alert::ProtocolVersion => NO_VERSION,
        Alert::CertificateRequired => {
            "the target wants a certificate of the client; name it in `http.tls.cert` and `http.tls.key`"
        }
        Alert::UnrecognisedName => {
            "the target does not know the host it was asked for; see `http.tls.server_name`"
        }
        alert if is_about_certificate(alert) => "the target does not accept the client's certificate",
        _ => "the target ended it",
    };
    format!("{why} (alert `{}`)", alert_name(alert))
}

/// The name of an alert in RFC 8446, section 6: `certificate_required`. A number where there is none.
fn alert_name(alert: AlertDescription) -> String {
    let Some(camel) = alert.as_str() else { return u8::from(alert).to_string() };
    let mut name = String::new();
    let mut was_lower = false;
    for letter in camel.chars() {
        if letter.is_uppercase() && was_lower {
            name.push('_');
        }
        was_lower = letter.is_lowercase() || letter.is_ascii_digit();
        name.extend(letter.to_lowercase());
    }
    name
}

fn of_message(message: &InvalidMessage) -> String {
    match message {
        InvalidMessage::InvalidContentType
        | InvalidMessage::UnknownProtocolVersion
        | InvalidMessage::MessageTooLarge => {
            "the target's answer is not TLS; is this a port for plain HTTP?".to_owned()
        }
        message => format!("the target sent a message that is not right: {}", spelled(message)),
    }
}

/// The name of a variant in words, without what it holds: `UnknownCA` becomes `unknown ca`.
fn spelled(what: &dyn Debug) -> String {
    let name = format!("{what:?}");
    let name = name.trim_start_matches(|c: char| !c.is_alphanumeric());
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    let mut words = String::new();
    let mut after_small = false;
    for letter in name[..end].chars() {
        if letter == '_' || letter.is_uppercase() && after_small {
            words.push(' ');
        }
        after_small = !letter.is_uppercase() && letter != '_';
        words.extend(letter.to_lowercase().filter(|letter| *letter != '_'));
    }
    if words.is_empty() { "for an unknown reason".to_owned() } else { words }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ContentType, HandshakeType, OtherError, PeerMisbehaved};

    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    /// What one cause looks like at two moments.
    #[test]
    fn the_moment_is_in_no_text() {
        let expired = |now| {
            Error::InvalidCertificate(CertificateError::ExpiredContext {
                time: at(now),
                not_after: at(86_400),
            })
        };
        assert_eq!(sentence(&expired(1)), sentence(&expired(2)));
        assert_eq!(sentence(&expired(1)), "the target's certificate expired on 1970-01-02T00:00:00Z");
        let early = |now| {
            let error = CertificateError::NotValidYetContext { time: at(now), not_before: at(u64::MAX) };
            sentence(&Error::InvalidCertificate(error))
        };
        assert_eq!(early(1), early(2));
    }

    #[test]
    fn alerts_have_the_names_of_the_standard() {
        use AlertDescription as Alert;
        for (alert, expected) in [
            (Alert::CertificateRequired, "certificate_required"),
            (Alert::UnknownCA, "unknown_ca"),
            (Alert::HandshakeFailure, "handshake_failure"),
            (Alert::Unknown(200), "200"),
        ] {
            assert_eq!(alert_name(alert), expected);
        }
        let kind = |alert| kind_and_words(&Error::AlertReceived(alert)).0;
        assert_eq!(kind(Alert::HandshakeFailure), Failure::TlsHandshake);
        assert_eq!(kind(Alert::BadCertificate), Failure::TlsCertificate);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str);

    #[test]
    fn no_text_is_that_of_a_debugger() {
        let other = |text| CertificateError::Other(OtherError(std::sync::Arc::new(Said(text))));
        let name = |presented: &[&str]| CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("a.example").unwrap().to_owned(),
            presented: presented.iter().map(|text| (*text).to_owned()).collect(),
        };
        let many = ["DnsName(\"b\")", "IpAddress(127.0.0.1)", "DnsName(\"c\")", "DnsName(\"d\")"];
        for (error, part) in [
            (other("CaUsedAsEndEntity").into(), "one of an authority"),
            (other("UnsupportedCertVersion").into(), "X.509 version 1"),
            (other("PathLenConstraintViolated").into(), "accepted: path len constraint violated"),
            (other("TrailingData(Certificate)").into(), "accepted: trailing data"),
            (name(&many).into(), "not for `a.example`: it is for `b`, `127.0.0.1`, `c` and 1 more"),
            (name(&[]).into(), "names no host"),
            (CertificateError::UnknownRevocationStatus.into(), "accepted: unknown revocation status"),
            (Error::AlertReceived(AlertDescription::UnknownCA), "client's certificate (alert `unknown_ca`)"),
            (Error::AlertReceived(AlertDescription::InternalError), "ended it (alert `internal_error`)"),
            (Error::AlertReceived(AlertDescription::Unknown(200)), "ended it (alert `200`)"),
            (InvalidMessage::InvalidContentType.into(), "plain HTTP?"),
            (InvalidMessage::MissingData("ServerName").into(), "not right: missing data"),
            (PeerMisbehaved::SelectedUnofferedCipherSuite.into(), "TLS: selected unoffered cipher suite"),
            (PeerIncompatible::NoCipherSuitesInCommon.into(), "ground: no cipher suites in common"),
            (
                Error::InappropriateHandshakeMessage {
                    expect_types: vec![HandshakeType::ServerHello],
                    got_type: HandshakeType::NewSessionTicket,
                },
                "`new session ticket` out of turn",
            ),
            (
                Error::InappropriateMessage { expect_types: vec![], got_type: ContentType::ApplicationData },
                "`application data` out of turn",
            ),
            (Error::Other(OtherError(std::sync::Arc::new(Said("NoLuck")))), "no luck"),
        ] {
            let words = sentence(&error);
            assert!(words.contains(part), "{error:?}: {words}");
            let is_plain = |word: &str| !word.chars().skip(1).any(char::is_uppercase);
            let known = ["TLS", "HTTP?", "X.509", "subjectAltName"];
            let odd = words
                .split([' ', '(', ')', ',', ';', ':'])
                .find(|word| !is_plain(word) && !known.contains(word));
            assert_eq!(odd, None, "{words}");
        }
    }
}
