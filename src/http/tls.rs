//! TLS through rustls: who is trusted, and what the client shows of itself. Must not read the plan's files.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

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
}

/// A TLS client.
#[derive(Debug, Clone)]
pub struct TlsClient {
    pub(super) config: Arc<ClientConfig>,
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
    /// A client that trusts the system's roots (Mozilla's where the system has none), and what `settings` say.
    ///
    /// # Errors
    /// When the provider does not offer the default protocol versions.
    pub fn new(settings: &TlsSettings) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = if settings.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        } else {
            builder.with_root_certificates(roots(settings))
        };
        let config = match &settings.identity {
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.clone())))
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Self { config: Arc::new(config), server_name: settings.server_name.clone() })
    }
}

fn roots(settings: &TlsSettings) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots.add_parsable_certificates(settings.roots.iter().cloned());
    roots
}

/// Takes any certificate, because the plan says `insecure: true`. The handshake must still be signed with its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
