//! TCP below TLS, read in turns: records that hold nothing for HTTP, such as tickets for later sessions, are read on and on
//! inside one call, and nobody above sees them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::gate::{Pass, let_others_go_first};

/// Bytes read before the other users of the thread have their turn.
const READ_AT_ONCE: usize = 64 << 10;

/// A TCP stream of which no more than that is read at once.
#[derive(Debug)]
pub struct Paced {
    tcp: TcpStream,
    /// Bytes read since there was nothing to read.
    at_once: usize,
    pass: Option<Pass>,
}

impl Paced {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self { tcp, at_once: 0, pass: None }
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.pass.as_ref().is_some_and(|pass| !pass.is_open()) {
            return Poll::Pending;
        }
        self.pass = None;
        if self.at_once >= READ_AT_ONCE {
            self.at_once = 0;
            self.pass = Some(let_others_go_first(cx));
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let result = Pin::new(&mut self.tcp).poll_read(cx, buf);
        self.at_once = if result.is_ready() { self.at_once + (buf.filled().len() - before) } else { 0 };
        result
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// The reader's own turns, of which each ends with 64 KiB however much there is, and nothing is lost.
    #[tokio::test]
    async fn what_is_read_at_once_is_limited() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let writer = std::thread::spawn(move || server.write_all(&vec![7; 1 << 20]).unwrap());
        let mut paced = Paced::new(client);
        let (mut all, mut most) = (0, 0);
        let mut piece = vec![0; 4096];
        while all < 1 << 20 {
            let at_once = std::future::poll_fn(|cx| {
                let mut at_once = 0;
                loop {
                    let mut buf = ReadBuf::new(&mut piece);
                    match Pin::new(&mut paced).poll_read(cx, &mut buf) {
                        Poll::Pending if at_once == 0 => return Poll::Pending,
                        Poll::Pending => return Poll::Ready(at_once),
                        Poll::Ready(read) => read.unwrap(),
                    }
                    at_once += buf.filled().len();
                }
            })
            .await;
            (all, most) = (all + at_once, most.max(at_once));
        }
        assert!(most <= READ_AT_ONCE + 4096, "{most}");
        writer.join().unwrap();
    }
}
