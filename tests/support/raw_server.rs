//! A server that answers each request with bytes as they are given, whatever they say, over TCP or TLS.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::oneshot;

use super::fault_server::serve;
use super::tls::Authority;

/// What follows a request.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Pieces, each written on its own after a pause.
    pieces: Vec<(Duration, Vec<u8>)>,
    /// Before the request's body is read; it never is.
    is_early: bool,
    /// The connection is closed then, after a pause.
    closes: Option<Duration>,
}

impl Answer {
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self { pieces: vec![(Duration::ZERO, bytes.as_ref().to_vec())], ..Self::default() }
    }

    pub fn then(mut self, pause: Duration, bytes: impl AsRef<[u8]>) -> Self {
        self.pieces.push((pause, bytes.as_ref().to_vec()));
        self
    }

    pub fn early(self) -> Self {
        Self { is_early: true, ..self }
    }

    pub fn closing(self, after: Duration) -> Self {
        Self { closes: Some(after), ..self }
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET /path HTTP/1.1` and the headers, as written.
    pub head: String,
    pub body: Vec<u8>,
    /// Number of its connection.
    pub connection: usize,
}

impl Asked {
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }
}

/// A running server. Dropped, it closes everything.
pub struct RawServer {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    answered: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RawServer {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(None, answer)
    }

    /// The same over TLS when there is an authority.
    pub fn start_with(
        authority: Option<&Authority>,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let acceptor = authority.map(Authority::acceptor);
        let scheme = if acceptor.is_some() { "https://localhost" } else { "http://127.0.0.1" };
        let (asked, answer) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::new(answer));
        let answered = Arc::<AtomicUsize>::default();
        let (log, count) = (asked.clone(), answered.clone());
        let (address, stop, thread) = serve(move |connection, stream| {
            let (log, count) = (log.clone(), count.clone());
            let (answer, acceptor) = (answer.clone(), acceptor.clone());
            async move {
                // A client that goes away is part of the tests.
                let _ = match acceptor {
                    None => converse(stream, connection, (&log, &count), &*answer).await,
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok(stream) => converse(stream, connection, (&log, &count), &*answer).await,
                        Err(error) => Err(error),
                    },
                };
            }
        });
        Self {
            url: format!("{scheme}:{}", address.port()),
            asked,
            answered,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// All requests, in the order they came.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Answers that were written to their last piece.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    /// Paths of all requests, in the order they came.
    pub fn paths(&self) -> Vec<String> {
        self.asked().iter().map(|asked| asked.path().to_owned()).collect()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().unwrap().join();
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    (log, count): (&Mutex<Vec<Asked>>, &AtomicUsize),
    answer: &(dyn Fn(&Asked) -> Answer + Send + Sync),
) -> io::Result<()> {
    let mut unread = vec![];
    loop {
        let end = loop {
            if let Some(end) = unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut unread).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8(unread.drain(..end).collect()).unwrap();
        let mut asked = Asked { head, body: vec![], connection };
        let mut planned = answer(&asked);
        if !planned.is_early {
            let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
            while unread.len() < length {
                if stream.read_buf(&mut unread).await? == 0 {
                    return Ok(());
                }
            }
            asked.body = unread.drain(..length).collect();
        }
        log.lock().unwrap().push(asked);
        for (pause, piece) in planned.pieces.drain(..) {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            stream.write_all(&piece).await?;
            stream.flush().await?;
        }
        count.fetch_add(1, Ordering::SeqCst);
        if let Some(pause) = planned.closes {
            tokio::time::sleep(pause).await;
            return Ok(());
        }
    }
}
