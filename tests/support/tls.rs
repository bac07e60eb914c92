//! HTTPS servers with good and bad certificates, and the authority that plimsoll is told to trust.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::TLS12;
use tokio_rustls::rustls::{ALL_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};

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
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
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

/// A running HTTPS server. Dropped, it closes everything.
pub struct TlsServer {
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TlsServer {
    pub fn start(authority: &Authority, fault: Fault) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(authority.config(fault)));
        let (address, stop, thread) = super::fault_server::serve(move |_, mut stream| {
            let acceptor = acceptor.clone();
            async move {
                if fault == Fault::EndInHandshake {
                    let _ = stream.read(&mut [0; 4096]).await;
                    return;
                }
                if fault == Fault::Silent {
                    while let Ok(1..) = stream.read(&mut [0; 4096]).await {}
                    return;
                }
                converse(acceptor, stream, fault).await;
            }
        });
        let url = format!("https://localhost:{}", address.port());
        Self { url, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().unwrap().join();
    }
}

/// Answers every request that comes in one piece.
async fn converse(acceptor: TlsAcceptor, stream: TcpStream, fault: Fault) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
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
