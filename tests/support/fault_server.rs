//! A small HTTP server on a free loopback port that keeps what it received and does, by path, everything a
//! server should not do.

mod cookies;
mod faults;
mod floods;
mod kept;
mod oauth;
mod odd;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// First byte of a client that speaks TLS.
const TLS_HANDSHAKE: u8 = 0x16;

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Number of the connection it came on.
    pub connection: usize,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The path without its query.
    pub fn route(&self) -> &str {
        self.path.split('?').next().unwrap()
    }
}

/// All requests, in the order their heads came.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Seen>>>, Arc<OnceLock<Instant>>);

impl Log {
    /// Time since the first request.
    fn age(&self) -> Duration {
        self.1.get_or_init(Instant::now).elapsed()
    }

    fn add(&self, seen: &Seen) {
        self.age();
        self.0.lock().unwrap().push(seen.clone());
    }

    pub fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// Requests of one route.
    pub fn of(&self, route: &str) -> Vec<Seen> {
        self.all().into_iter().filter(|seen| seen.route() == route).collect()
    }

    pub fn count(&self, route: &str) -> u64 {
        self.of(route).len() as u64
    }
}

/// A running server. Dropped, it closes everything.
pub struct FaultServer {
    pub url: String,
    pub log: Log,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FaultServer {
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0", Log::default())
    }

    /// One that comes back: at the address of another that is gone, going on with its log.
    pub fn start_at(address: &str, log: Log) -> Self {
        let kept = log.clone();
        let (address, stop, thread) = serve_at(address, move |connection, stream| {
            let log = kept.clone();
            async move {
                // A client that goes away is part of the tests.
                let _ = converse(stream, connection, &log).await;
            }
        });
        Self { url: format!("http://{address}"), log, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().unwrap().join();
    }
}

/// A loopback port that is taken, so that nobody else gets it, and on which nobody listens.
pub struct ClosedPort(tokio::net::TcpSocket);

impl ClosedPort {
    pub fn new() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }
}

/// A listener that accepts nothing and whose queue is full, so that the next connection gets no answer.
pub struct FullQueue {
    address: SocketAddr,
    _kept: (tokio::runtime::Runtime, TcpListener, Vec<std::net::TcpStream>),
}

impl FullQueue {
    pub fn new() -> Self {
        const MANY: usize = 50;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            socket.listen(0).unwrap()
        });
        let address = listener.local_addr().unwrap();
        let wait = std::time::Duration::from_millis(200);
        let connect = || std::net::TcpStream::connect_timeout(&address, wait).ok();
        let queued: Vec<_> = std::iter::from_fn(connect).take(MANY).collect();
        assert!(queued.len() < MANY, "the queue never fills");
        Self { address, _kept: (runtime, listener, queued) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A server that says something of its own accord on each connection, then closes it (or, silent, at once).
pub struct Greeter {
    pub url: String,
    connections: Arc<std::sync::atomic::AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Greeter {
    pub fn start(greeting: &'static [u8]) -> Self {
        let connections = Arc::<std::sync::atomic::AtomicU64>::default();
        let count = connections.clone();
        let (address, stop, thread) = serve(move |_, mut stream| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            async move {
                if !greeting.is_empty() {
                    let _ = stream.write_all(greeting).await;
                    // Stays until the client goes.
                    while let Ok(1..) = stream.read(&mut [0; 1024]).await {}
                }
            }
        });
        Self { url: format!("http://{address}"), connections, stop: Some(stop), thread: Some(thread) }
    }

    /// Connections accepted.
    pub fn connections(&self) -> u64 {
        self.connections.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Drop for Greeter {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().unwrap().join();
    }
}

/// Serves each connection with `handle` on a thread of its own, until the sender is dropped.
pub fn serve<F>(
    handle: impl Fn(usize, TcpStream) -> F + Send + 'static,
) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    serve_at("127.0.0.1:0", handle)
}

fn serve_at<F>(
    address: &str,
    handle: impl Fn(usize, TcpStream) -> F + Send + 'static,
) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = std::net::TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            let accept = async {
                for connection in 0.. {
                    let (stream, _) = listener.accept().await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    tokio::spawn(handle(connection, stream));
                }
            };
            tokio::select! {
                () = accept => {}
                _ = stopped => {}
            }
        });
    });
    (address, stop, thread)
}

/// Answers the requests of one connection until one of them ends it.
async fn converse(mut stream: TcpStream, connection: usize, log: &Log) -> io::Result<()> {
    let mut unread = vec![];
    loop {
        let Some(mut seen) = read_head(&mut stream, &mut unread, connection).await? else { return Ok(()) };
        if let "/early-answer" | "/stop-reading" | "/never-reads" = seen.route() {
            log.add(&seen);
            return faults::before_the_body(&mut stream, seen.route()).await;
        }
        let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
        while unread.len() < length {
            if stream.read_buf(&mut unread).await? == 0 {
                return Ok(());
            }
        }
        seen.body = unread.drain(..length).collect();
        log.add(&seen);
        if !faults::answer(&mut stream, &seen, log).await? {
            return Ok(());
        }
    }
}

async fn read_head(
    stream: &mut TcpStream,
    unread: &mut Vec<u8>,
    connection: usize,
) -> io::Result<Option<Seen>> {
    let end = loop {
        if let Some(end) = unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(unread).await? == 0 {
            return Ok(None);
        }
        if unread[0] == TLS_HANDSHAKE {
            faults::not_here(stream).await?;
            return Ok(None);
        }
    };
    let head: Vec<u8> = unread.drain(..end + 4).collect();
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let mut line = lines.next().unwrap().split(' ').map(str::to_owned);
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.trim().to_owned())
        })
        .collect();
    let (method, path) = (line.next().unwrap(), line.next().unwrap());
    Ok(Some(Seen { method, path, headers, body: vec![], connection }))
}
