//! What goes wrong with TLS: alerts of the target, also those that come when the client's handshake is over (TLS 1.3
//! judges a client's certificate only then), and bytes that are no TLS. Must not know requests.

use std::cell::RefCell;
use std::io;
use std::task::Poll;

use tokio_rustls::rustls::Error;

use super::connection::ExchangeError;
use super::tls_failure::kind_and_words;

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
        let (kind, words) = kind_and_words(error);
        Some(ExchangeError::new(kind, format!("TLS failed after the handshake: {words}")))
    }
}

/// The error of TLS in one of a stream.
fn of_tls(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::AlertDescription as Alert;

    use super::*;
    use crate::failure::Failure;

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
        assert!(failure.message.ends_with("(alert `certificate_expired`)"), "{}", failure.message);
    }

    #[test]
    fn what_is_no_alert_is_no_certificate() {
        let trouble = TlsTrouble::default();
        let error = io::Error::new(io::ErrorKind::InvalidData, Error::DecryptError);
        trouble.note::<()>(&Poll::Ready(Err(error)));
        assert_eq!(trouble.failure().unwrap().kind, Failure::TlsHandshake);
    }
}
