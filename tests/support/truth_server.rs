//! An HTTP server that knows what it did: a service time that is kept to the microsecond, and a log of every
//! request. Numbers of the load generator are compared with it, so it uses nothing of plimsoll.
//!
//! Requests are read by one thread and answered by another (`clock`), which waits precisely; so an answer is
//! never late because of a request that is just being read. Times are µs since the server started.

mod clock;
mod log;
mod process;
mod service;

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;

pub use log::Log;
pub use process::{ServerProcess, serve_when_told};
pub use service::{Draw, Spec};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;

/// How long the end of the run may be behind the end of the client.
const DRAIN: Duration = Duration::from_secs(10);

/// A running server. Dropped, it closes everything.
pub struct TruthServer {
    pub url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl TruthServer {
    pub fn start(spec: Spec) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(async { listen() });
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (clock, due) = clock::channel();
        let shared = Arc::new(Shared::new(spec, clock));
        let answering = Arc::clone(&shared);
        let answerer = std::thread::spawn(move || clock::run(&due, &answering));
        let (stop, stopped) = oneshot::channel();
        let reading = Arc::clone(&shared);
        let reader =
            std::thread::spawn(move || runtime.block_on(read_connections(listener, &reading, stopped)));
        Self { url, shared, stop: Some(stop), threads: vec![reader, answerer] }
    }

    /// Requests received so far.
    pub fn received(&self) -> u64 {
        self.shared.truth.lock().unwrap().log.received()
    }

    /// What it did, once the client has closed its connections and all due answers are given.
    pub fn finish(self) -> Log {
        let give_up = Instant::now() + DRAIN;
        loop {
            let truth = self.shared.truth.lock().unwrap();
            if truth.open == 0 && truth.pending == 0 {
                return truth.log.clone();
            }
            assert!(Instant::now() < give_up, "{} connections stay open", truth.open);
            drop(truth);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for TruthServer {
    fn drop(&mut self) {
        self.shared.clock.end();
        drop(self.stop.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What both threads know.
struct Shared {
    started: Instant,
    clock: clock::Sender,
    truth: Mutex<Truth>,
}

struct Truth {
    service: service::Station,
    log: Log,
    /// Connections open.
    open: usize,
    /// Requests received and not yet answered.
    pending: usize,
}

type Connection = Arc<TcpStream>;

impl Shared {
    fn new(spec: Spec, clock: clock::Sender) -> Self {
        let log = Log::new(spec.keep_requests);
        let truth = Truth { service: service::Station::new(spec), log, open: 0, pending: 0 };
        Self { started: Instant::now(), clock, truth: Mutex::new(truth) }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap()
    }

    /// Notes a request and sees to its answer.
    fn receive(&self, connection: &Connection, number: u32, path: &str) {
        let received_us = self.now_us();
        let mut truth = self.truth.lock().unwrap();
        let due_us = truth.service.due_us(received_us);
        let entry = truth.log.add(path, number, received_us);
        if due_us > received_us {
            truth.pending += 1;
            drop(truth);
            self.clock.send(clock::Due { due_us, entry, connection: Arc::clone(connection) });
        } else {
            truth.log.answered(entry, answer(connection).then_some(received_us));
        }
    }

    /// Gives a due answer.
    fn answer(&self, due: &clock::Due) {
        let answered_us = self.now_us();
        let is_sent = answer(&due.connection);
        let mut truth = self.truth.lock().unwrap();
        truth.pending -= 1;
        truth.log.answered(due.entry, is_sent.then_some(answered_us));
    }
}

/// Writes an answer; false when the client has gone.
fn answer(connection: &TcpStream) -> bool {
    let mut left = ANSWER;
    // An answer fits into the socket's buffer, so hardly ever is there anything to wait for.
    for _ in 0..10_000 {
        match connection.try_write(left) {
            Ok(written) if written == left.len() => return true,
            Ok(written) => left = &left[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(_) => return false,
        }
    }
    false
}

/// Listens on a free port, with room for all who connect while the process is stopped.
fn listen() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(BACKLOG).unwrap()
}

async fn read_connections(listener: TcpListener, shared: &Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let accept = async {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let connection = Arc::new(stream);
            let shared = Arc::clone(shared);
            shared.truth.lock().unwrap().open += 1;
            tokio::spawn(async move {
                // A client that resets a connection has gone, like one that closes it.
                let _ = converse(&connection, number, &shared).await;
                shared.truth.lock().unwrap().open -= 1;
            });
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stopped => {}
    }
}

/// Reads the requests of one connection until the client closes it.
async fn converse(connection: &Connection, number: u32, shared: &Shared) -> io::Result<()> {
    let mut unread = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some((path, length)) = first_request(&unread) {
            shared.receive(connection, number, &path);
            unread.drain(..length);
        }
        connection.readable().await?;
        match connection.try_read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => unread.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Path and length in bytes of a request that is there as a whole.
fn first_request(bytes: &[u8]) -> Option<(String, usize)> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..head_end]).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let length_of = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    };
    let length = head_end + head.lines().find_map(length_of).unwrap_or(0);
    (bytes.len() >= length).then_some((path, length))
}
