//! HTTPS servers with good and bad certificates, and the authority that plimsoll is told to trust.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ALL_VERSIONS, HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion,
};

const OLD_ONLY: &[&SupportedProtocolVersion] = &[&TLS12];

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// What is wrong with a server's handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    Expired,
    WrongHost,
    /// Nothing, but a client without a certificate of the authority is refused.
    AsksClient,
    /// The same without TLS 1.3, where it is refused in the handshake.
    AsksClient12,
    /// Each connection is closed soon after its first answer.
    ClosesIdle,
    /// Nothing, but answers never end, and each byte of them is a record.
    TinyRecords,
    /// By no authority at all.
    SelfSigned,
    /// The connection ends after the client's first message.
    EndInHandshake,
    /// The client's first message is never answered.
    Silent,
}

/// An authority of our own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes the file for `SSL_CERT_FILE`.
    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.0.pem()).unwrap();
    }

    /// A client's certificate and its key, PEM.
    pub fn client(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// What makes a server for `localhost` of a stream.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config(Fault::None)))
    }

    fn config(&self, fault: Fault) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let host = if fault == Fault::WrongHost { "elsewhere.example" } else { "localhost" };
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        if fault == Fault::Expired {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let certificate = match fault {
            Fault::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.0),
        };
        let chain: Vec<CertificateDer<'static>> = vec![certificate.unwrap().der().clone()];
        let key = der_of(&key);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(if fault == Fault::AsksClient12 { OLD_ONLY } else { ALL_VERSIONS })
            .unwrap();
        let builder = match fault {
            Fault::AsksClient | Fault::AsksClient12 => {
                let mut roots = RootCertStore::empty();
                roots.add(self.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
            _ => builder.with_no_client_auth(),
        };
        builder.with_single_cert(chain, key).unwrap()
    }
}

/// How a server lets clients resume their sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sessions {
    /// TLS 1.2, which the server remembers.
    Ids12,
    /// TLS 1.2, in tickets.
    Tickets12,
    /// TLS 1.3, which the server remembers.
    Ids13,
    /// TLS 1.3, in tickets.
    Tickets13,
}

impl Sessions {
    pub const ALL: [Self; 4] = [Self::Ids12, Self::Tickets12, Self::Ids13, Self::Tickets13];
}

fn der_of(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

impl Authority {
    /// A server for `localhost` whose sessions can be resumed in this way only.
    pub fn with_sessions(&self, sessions: Sessions) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let version = if let Sessions::Ids12 | Sessions::Tickets12 = sessions { &TLS12 } else { &TLS13 };
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], der_of(&key))
            .unwrap();
        if let Sessions::Tickets12 | Sessions::Tickets13 = sessions {
            config.ticketer = aws_lc_rs::Ticketer::new().unwrap();
        }
        config
    }
}

/// A server whose certificate, of this host and made by itself, may sign others too, as `openssl req -x509` makes it; and
/// that certificate, PEM.
pub fn server_and_authority(host: &str, last_year: i32) -> (ServerConfig, String) {
    let key = KeyPair::generate().unwrap();
    self_made(CertificateParams::new(vec![host.to_owned()]).unwrap(), key, last_year)
}

/// The same, with its host in the subject alone.
pub fn server_by_common_name(host: &str, last_year: i32) -> (ServerConfig, String) {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, host);
    self_made(params, KeyPair::generate().unwrap(), last_year)
}

fn self_made(mut params: CertificateParams, key: KeyPair, last_year: i32) -> (ServerConfig, String) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_after = date_time_ymd(last_year, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    (of_any_certificate(certificate.der().to_vec(), der_of(&key)), certificate.pem())
}

/// A server with a certificate of X.509 version 1, which rcgen cannot make.
pub fn of_version_1() -> ServerConfig {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/v1.pem")).unwrap();
    of_any_certificate(
        certificate.to_vec(),
        PrivateKeyDer::from_pem_slice(include_bytes!("tls/v1.key")).unwrap(),
    )
}

/// A server whose certificate is not even one.
pub fn of_no_certificate() -> ServerConfig {
    of_any_certificate(b"not a certificate".to_vec(), der_of(&KeyPair::generate().unwrap()))
}

/// Looks at nothing in the certificate.
fn of_any_certificate(certificate: Vec<u8>, key: PrivateKeyDer<'static>) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = provider.key_provider.load_private_key(key).unwrap();
    let pair = CertifiedKey::new(vec![certificate.into()], key);
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)))
}

/// Handshakes that a server completed.
#[derive(Debug, Default)]
pub struct Shaken {
    full: AtomicU64,
    resumed: AtomicU64,
}

impl Shaken {
    /// Those in full, and those that resumed a session.
    pub fn counts(&self) -> (u64, u64) {
        (self.full.load(Ordering::Relaxed), self.resumed.load(Ordering::Relaxed))
    }

    fn count(&self, kind: Option<HandshakeKind>) {
        let is_resumed = kind.unwrap() == HandshakeKind::Resumed;
        let count = if is_resumed { &self.resumed } else { &self.full };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// A running HTTPS server. Dropped, it closes everything.
pub struct TlsServer {
    pub url: String,
    pub shaken: Arc<Shaken>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TlsServer {
    pub fn start(authority: &Authority, fault: Fault) -> Self {
        Self::start_with(authority.config(fault), fault)
    }

    /// One in whose handshakes nothing goes wrong.
    pub fn of(config: ServerConfig) -> Self {
        Self::start_with(config, Fault::None)
    }

    fn start_with(config: ServerConfig, fault: Fault) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let shaken = Arc::<Shaken>::default();
        let kept = shaken.clone();
        let (address, stop, thread) = super::fault_server::serve(move |_, mut stream| {
            let (acceptor, shaken) = (acceptor.clone(), kept.clone());
            async move {
                if fault == Fault::EndInHandshake {
                    let _ = stream.read(&mut [0; 4096]).await;
                    return;
                }
                if fault == Fault::Silent {
                    while let Ok(1..) = stream.read(&mut [0; 4096]).await {}
                    return;
                }
                converse(acceptor, stream, fault, &shaken).await;
            }
        });
        let url = format!("https://localhost:{}", address.port());
        Self { url, shaken, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().unwrap().join();
    }
}

/// Answers every request that comes in one piece.
async fn converse(acceptor: TlsAcceptor, stream: TcpStream, fault: Fault, shaken: &Shaken) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    shaken.count(stream.get_ref().1.handshake_kind());
    let mut request = [0; 4096];
    while let Ok(1..) = stream.read(&mut request).await {
        if fault == Fault::TinyRecords {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(b"x").await.is_ok() && stream.flush().await.is_ok() {}
            return;
        }
        if stream.write_all(ANSWER).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if fault == Fault::ClosesIdle {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let _ = stream.shutdown().await;
            return;
        }
    }
}
