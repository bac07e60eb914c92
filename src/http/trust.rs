//! Which certificates of targets are accepted. Must not read files or connect.

use std::collections::HashSet;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::tls::TlsSettings;

/// The verifier that the plan asks for.
///
/// # Errors
/// When there is not one root certificate to trust.
pub(super) fn verifier(
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    if settings.insecure {
        return Ok(Arc::new(Anyone(provider.clone())));
    }
    let mut roots = RootCertStore::empty();
    let mut known: HashSet<_> = settings.roots.iter().cloned().collect();
    let of_system = rustls_native_certs::load_native_certs().certs;
    roots.add_parsable_certificates(of_system.iter().cloned());
    known.extend(of_system);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots.add_parsable_certificates(settings.roots.iter().cloned());
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let chain = chain.map_err(|error| Error::General(error.to_string()))?;
    Ok(Arc::new(Trusted { chain, known }))
}

/// Accepts what a trusted authority has signed, and a certificate that is itself one of those that are trusted.
#[derive(Debug)]
struct Trusted {
    chain: Arc<WebPkiServerVerifier>,
    /// The trusted certificates, byte by byte.
    known: HashSet<CertificateDer<'static>>,
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut verdict = self.chain.verify_server_cert(certificate, between, name, ocsp, now);
        if verdict.is_ok() || !self.known.contains(certificate) {
            return verdict;
        }
        // `openssl req -x509` makes certificates that are an authority's and a server's at once, as OpenSSL accepts
        // them. webpki refuses them for that alone, after it has checked their dates.
        if verdict.as_ref().is_err_and(is_authority) {
            verdict = verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
                .map(|()| ServerCertVerified::assertion());
        }
        // Those made by hand often name their host only as OpenSSL and curl still read it, in the subject.
        if verdict.as_ref().is_err_and(names_no_host) && is_common_name(certificate, &name.to_str()) {
            return Ok(ServerCertVerified::assertion());
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Whether a certificate was refused only because it may sign others.
fn is_authority(error: &Error) -> bool {
    // webpki's error is not re-exported by rustls; its text is the variant's name.
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other)) if other.to_string() == "CaUsedAsEndEntity")
}

/// Whether a certificate was refused for its name and has no names but that of its subject.
fn names_no_host(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) if presented.is_empty())
}

/// Whether the common name of a certificate's subject is this host.
fn is_common_name(certificate: &CertificateDer<'_>, host: &str) -> bool {
    /// DER of the type `commonName`, 2.5.4.3.
    const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
    let mut store = RootCertStore::empty();
    if store.add(certificate.clone().into_owned()).is_err() {
        return false;
    }
    let subject = store.roots.first().map(|root| root.subject.as_ref()).unwrap_or_default();
    let names = subject.windows(COMMON_NAME.len()).enumerate().filter(|(_, bytes)| *bytes == COMMON_NAME);
    // A string of any type: its tag, its length, which is below 128, and its bytes.
    let text = |at: usize| match subject.get(at + COMMON_NAME.len()..) {
        Some([_, length @ 0..=127, rest @ ..]) => rest.get(..usize::from(*length)),
        _ => None,
    };
    names
        .filter_map(|(at, _)| text(at))
        .next_back()
        .is_some_and(|name| name.eq_ignore_ascii_case(host.as_bytes()))
}

/// Accepts any certificate, because the plan says `insecure: true`. The handshake's signature is not checked either:
/// webpki cannot read the keys of some certificates (X.509 version 1, RSA below 2048 bits), and a signature by a key
/// that anybody may have proves nothing.
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
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    /// Those that can be verified come first, so that most handshakes are as they are without `insecure`.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.0.signature_verification_algorithms.supported_schemes();
        let others = [
            SignatureScheme::ED448,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1_Legacy,
        ];
        schemes.extend(others.into_iter().filter(|other| !schemes.contains(other)).collect::<Vec<_>>());
        schemes
    }
}
