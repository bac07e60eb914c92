//! What goes wrong with TLS: alerts of the target, also those that come when the client's handshake is over (TLS 1.3
//! judges a client's certificate only then), and bytes that are no TLS. Must not know requests.

use std::cell::RefCell;
use std::io;
use std::task::Poll;

use tokio_rustls::rustls::{AlertDescription as Alert, Error};

use crate::failure::Failure;

use super::connection::ExchangeError;

/// What went wrong with TLS on one connection since its handshake.
#[derive(Debug, Default)]
pub(super) struct TlsTrouble(RefCell<Option<Box<Error>>>);

impl TlsTrouble {
    /// Keeps what an error of the stream says about TLS; the first is the cause of the others.
    pub(super) fn note<T>(&self, result: &Poll<io::Result<T>>) {
        let Poll::Ready(Err(error)) = result else { return };
        if let Some(error) = of_tls(error) {
            self.0.borrow_mut().get_or_insert_with(|| Box::new(error.clone()));
        }
    }

    /// The failure that it means for a request.
    pub(super) fn failure(&self) -> Option<ExchangeError> {
        let trouble = self.0.borrow();
        let error = trouble.as_deref()?;
        let (kind, words) = of_alert(error).unwrap_or_else(|| (Failure::TlsHandshake, error.to_string()));
        Some(ExchangeError::new(kind, format!("TLS failed after the handshake: {words}")))
    }
}

/// The error of TLS in one of a stream.
fn of_tls(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())
}

/// What an alert means, in words; `None` when the error is none.
fn of_alert(error: &Error) -> Option<(Failure, String)> {
    let Error::AlertReceived(alert) = error else { return None };
    let kind = if is_about_certificate(*alert) { Failure::TlsCertificate } else { Failure::TlsHandshake };
    Some((kind, format!("the target sent the alert `{}`", name(*alert))))
}

/// The same of an error of a handshake.
pub(super) fn in_handshake(error: &io::Error) -> Option<(Failure, String)> {
    of_tls(error).and_then(of_alert)
}

/// Whether the target objects to the client's certificate, or misses one.
fn is_about_certificate(alert: Alert) -> bool {
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

/// The name of RFC 8446, section 6: `certificate_required`. A number where there is none.
fn name(alert: Alert) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_the_names_of_the_standard() {
        for (alert, expected) in [
            (Alert::CertificateRequired, "certificate_required"),
            (Alert::UnknownCA, "unknown_ca"),
            (Alert::HandshakeFailure, "handshake_failure"),
            (Alert::Unknown(200), "200"),
        ] {
            assert_eq!(name(alert), expected);
        }
    }

    #[test]
    fn the_first_trouble_is_the_cause() {
        let trouble = TlsTrouble::default();
        let failed = |error: Error| {
            Poll::<io::Result<()>>::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)))
        };
        trouble.note(&Poll::Ready(Ok(())));
        trouble.note::<()>(&Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())));
        assert!(trouble.failure().is_none());
        trouble.note(&failed(Error::AlertReceived(Alert::CertificateExpired)));
        trouble.note(&failed(Error::AlertReceived(Alert::InternalError)));
        let failure = trouble.failure().unwrap();
        assert_eq!(failure.kind, Failure::TlsCertificate);
        assert!(failure.message.ends_with("the alert `certificate_expired`"), "{}", failure.message);
    }

    #[test]
    fn what_is_no_alert_is_no_certificate() {
        let error = |error: Error| io::Error::new(io::ErrorKind::InvalidData, error);
        let kind = |alert| in_handshake(&error(Error::AlertReceived(alert))).map(|(kind, _)| kind);
        assert_eq!(kind(Alert::HandshakeFailure), Some(Failure::TlsHandshake));
        assert_eq!(kind(Alert::BadCertificate), Some(Failure::TlsCertificate));
        assert!(in_handshake(&error(Error::DecryptError)).is_none());
        let trouble = TlsTrouble::default();
        trouble.note::<()>(&Poll::Ready(Err(error(Error::DecryptError))));
        assert_eq!(trouble.failure().unwrap().kind, Failure::TlsHandshake);
    }
}
