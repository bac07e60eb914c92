//! TLS through rustls: who is trusted, and what the client shows of itself. Must not read the plan's files.

use std::sync::Arc;

use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, Error, RootCertStore};

use super::sessions::SessionStore;
use super::trust::verifier;

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("TLS could not be set up: {0}")]
pub struct TlsError(#[from] Error);

/// What a plan says about TLS.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// Trusted besides the system's roots.
    pub roots: Vec<CertificateDer<'static>>,
    /// Certificates of targets are not checked.
    pub insecure: bool,
    /// What the client shows of itself to targets that ask.
    pub identity: Option<Arc<CertifiedKey>>,
    /// The name that is asked for and that certificates must be for, instead of the target's host.
    pub server_name: Option<ServerName<'static>>,
    /// No connection resumes the session of an earlier one.
    pub without_resumption: bool,
}

/// A TLS client.
#[derive(Debug, Clone)]
pub struct TlsClient {
    /// It resumes nothing: sessions belong to users, see [`TlsClient::with_sessions`].
    pub(super) config: Arc<ClientConfig>,
    pub(super) resumes: bool,
    pub(super) server_name: Option<ServerName<'static>>,
}

/// The certificates of a PEM text that can be trusted.
///
/// # Errors
/// In words, when there is none, or one cannot be read.
pub fn roots_of(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = certificates(pem)?;
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store
            .add(certificate.clone())
            .map_err(|error| format!("holds a certificate that is none: {error}"))?;
    }
    Ok(certificates)
}

/// A client's certificate, with those between it and its authority, and its key.
///
/// # Errors
/// In words, without a byte of the key, when one cannot be read or they do not belong together.
pub fn identity_of(certificate: &str, key: &str) -> Result<Arc<CertifiedKey>, String> {
    let chain = certificates(certificate)?;
    // What is wrong inside a key is not repeated.
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| {
        "the key's file holds no private key; it must be PEM and without a passphrase".to_owned()
    })?;
    let provider = aws_lc_rs::default_provider();
    let pair = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
        Error::InconsistentKeys(_) => "the key does not belong to the certificate".to_owned(),
        _ => "the key or the certificate is of a kind that cannot be used".to_owned(),
    })?;
    Ok(Arc::new(pair))
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if all.is_empty() => {
            Err("holds no certificate; it must be PEM, `-----BEGIN CERTIFICATE-----`".to_owned())
        }
        Ok(all) => Ok(all),
        Err(_) => Err("holds PEM that is broken".to_owned()),
    }
}

/// A host name or address that a certificate can be for.
pub fn server_name(text: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(text.to_owned()).ok()
}

impl TlsClient {
    /// A client that trusts the system's roots (Mozilla's where the system has none), and what `settings` say. Makes the
    /// process ready for its first handshake.
    ///
    /// # Errors
    /// When the provider does not offer the default protocol versions.
    pub fn new(settings: &TlsSettings) -> Result<Self, TlsError> {
        Self::of_provider(settings, aws_lc_rs::default_provider())
    }

    fn of_provider(settings: &TlsSettings, provider: CryptoProvider) -> Result<Self, TlsError> {
        let provider = Arc::new(provider);
        let verifier = verifier(settings, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match &settings.identity {
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.clone())))
            }
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        let config = Arc::new(config);
        // The first random bytes of a process take some 40 ms: the provider gathers its entropy then. No request should
        // wait for that, so the first message of a handshake is made now, and sent to nobody.
        ClientConnection::new(config.clone(), ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()))?;
        Ok(Self { config, resumes: !settings.without_resumption, server_name: settings.server_name.clone() })
    }

    /// The same for one user and target, with a store for that user's sessions. Some 700 bytes: all but the store is
    /// shared.
    pub(super) fn with_sessions(&self) -> Arc<ClientConfig> {
        let mut own = ClientConfig::clone(&self.config);
        own.resumption = Resumption::store(Arc::new(SessionStore::default()));
        Arc::new(own)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio_rustls::rustls::crypto::{GetRandomFailed, SecureRandom};

    use super::*;

    /// Counts how often it was asked.
    #[derive(Debug)]
    struct Counting(AtomicU32);

    impl SecureRandom for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
            self.0.fetch_add(1, Ordering::Relaxed);
            aws_lc_rs::default_provider().secure_random.fill(bytes)
        }
    }

    static ASKED: Counting = Counting(AtomicU32::new(0));

    #[test]
    fn the_first_random_bytes_are_taken_before_any_connection() {
        let provider = CryptoProvider { secure_random: &ASKED, ..aws_lc_rs::default_provider() };
        TlsClient::of_provider(&TlsSettings::default(), provider).unwrap();
        assert!(ASKED.0.load(Ordering::Relaxed) > 0, "the first connection would wait for the entropy");
    }
}
