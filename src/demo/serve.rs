//! One service on one port: the accept loop, the `/health` fast path, counting, injected errors, and the kill
//! switch. Must not know any service's routes beyond `/health` and `/stats`.
//!
//! Connections are served with hyper's HTTP/1 server (what `axum::serve` uses inside) because `axum::serve`
//! keeps its connection tasks to itself: it can drain them but not cut them, and a test that kills a service
//! needs them cut.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::answer::{Refusal, answer};
use super::chance::Chance;
use super::counters::{Counters, Route};
use super::{DemoError, Service};

type FrontResponse = axum::http::Response<Either<Full<Bytes>, Body>>;

/// Opens a loopback port for `service`; 0 is any free one.
pub(super) async fn bind(service: Service, wanted: u16) -> Result<Port, DemoError> {
    let service = service.name();
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await;
    let port = bound.and_then(|listener| Ok(Port { address: listener.local_addr()?, listener }));
    port.map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => DemoError::PortInUse { port: wanted, service, source },
        _ => DemoError::Listen { port: wanted, service, source },
    })
}

/// An open port nobody accepts on yet.
pub(super) struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

/// A service ready to listen.
pub(super) struct Site {
    pub(super) service: Service,
    pub(super) routes: &'static [Route],
    pub(super) router: Router,
    pub(super) errors: Chance,
}

impl Site {
    /// Spawns the accept loop on the current runtime.
    pub(super) fn listen(self, port: Port) -> Listening {
        let front = Arc::new(Front {
            health: health_body(self.service),
            counters: Counters::new(self.service, self.routes),
            router: TowerToHyperService::new(self.router),
            errors: self.errors,
        });
        let (kill, killed) = watch::channel(false);
        let accepting = tokio::spawn(accept(port.listener, front.clone(), killed));
        Listening { address: port.address, front, kill, accepting }
    }
}

/// A running service; dropping it kills it.
pub(super) struct Listening {
    address: SocketAddr,
    front: Arc<Front>,
    kill: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Listening {
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn counters(&self) -> BTreeMap<String, u64> {
        self.front.counters.snapshot()
    }

    /// Closes the listener and every connection as soon as the runtime gets a turn.
    pub(super) fn kill(&self) {
        self.kill.send_replace(true);
    }

    /// Kills and waits until the sockets are closed.
    pub(super) async fn stop(self) {
        self.kill();
        // An error here is a panic of the accept loop, which has closed its sockets by unwinding.
        let _ = self.accepting.await;
    }
}

async fn accept(listener: TcpListener, front: Arc<Front>, mut killed: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = killed.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, front.clone()));
                }
                // Mostly a full table of open files: accepting again at once would spin.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, front: Arc<Front>) {
    // Without it a small response may wait 40 ms for the client's delayed acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { Ok::<_, Infallible>(front.answer(request).await) }
    });
    // A client that goes away mid-request is everyday life under load, not an error of the demo.
    let _ = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service).await;
}

/// What every request of a service passes first.
struct Front {
    health: &'static [u8],
    counters: Counters,
    router: TowerToHyperService<Router>,
    errors: Chance,
}

impl Front {
    async fn answer(&self, request: axum::http::Request<Incoming>) -> FrontResponse {
        let (method, path) = (request.method(), request.uri().path());
        if method == Method::GET && path == "/stats" {
            return answer(StatusCode::OK, &self.counters.snapshot()).map(Either::Right);
        }
        self.counters.count(method.as_str(), path);
        if method == Method::GET && path == "/health" {
            return self.healthy();
        }
        let answered = self.router.call(request).await;
        let response = answered.unwrap_or_else(|never| match never {});
        if self.errors.strikes() { self.fail().map(Either::Right) } else { response.map(Either::Right) }
    }

    /// The fast path: a static body, no router, no boxed future.
    fn healthy(&self) -> FrontResponse {
        let mut response =
            axum::http::Response::new(Either::Left(Full::new(Bytes::from_static(self.health))));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn fail(&self) -> Response {
        let (status, detail) = if self.errors.heads() {
            (StatusCode::INTERNAL_SERVER_ERROR, "internal error (injected)")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily unavailable (injected)")
        };
        Refusal(status, detail.to_owned()).into_response()
    }
}

fn health_body(service: Service) -> &'static [u8] {
    match service {
        Service::Auth => br#"{"status":"ok","service":"auth"}"#,
        Service::Agents => br#"{"status":"ok","service":"agents"}"#,
        Service::Rag => br#"{"status":"ok","service":"rag"}"#,
    }
}
