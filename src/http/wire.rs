//! The stream as hyper has it. A request that cannot be written any more does not end the answer that came; the bytes
//! of a head that hyper has refused can be read once more; and how a connection ends is ours to say. Must not know
//! HTTP.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;

use super::IoTimes;
use super::times::{Stream, TimedIo};

/// How writing the current request went.
#[derive(Debug, Default)]
pub(super) struct Upload {
    /// A part that hyper holds has not been written.
    is_cut: Cell<bool>,
    broke_off: Cell<Option<io::ErrorKind>>,
}

impl Upload {
    /// Whether a part of the request has not left: it would stand before the next one.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.get() || self.broke_off.get().is_some()
    }

    /// How the target has made an end to it. Nothing can be written on this connection any more.
    pub(super) fn broke_off(&self) -> Option<io::ErrorKind> {
        self.broke_off.get()
    }
}

/// An open stream below hyper.
pub(super) struct Wire {
    io: TokioIo<TimedIo>,
    times: Rc<IoTimes>,
    /// In a box, as it is rare.
    again: Option<Box<Again>>,
}

/// Bytes that are read once more, by a hyper that has sent nothing yet.
struct Again {
    bytes: Bytes,
    /// Whether hyper has written a request. That one is not sent: the target has had the real one.
    is_asked: bool,
}

impl Wire {
    pub(super) fn new(stream: Stream, times: Rc<IoTimes>) -> Self {
        Self { io: TokioIo::new(TimedIo::new(stream, times.clone())), times, again: None }
    }

    /// The same stream, on which the next request is not written and `bytes` are read before all others.
    pub(super) fn again(self, bytes: Bytes) -> Self {
        Self { again: Some(Box::new(Again { bytes, is_asked: false })), ..self }
    }

    /// Tells the peer that nothing more comes, if that can be done at once.
    pub(super) fn shut_down(&mut self, cx: &mut Context<'_>) {
        let _ = Pin::new(&mut self.io).poll_shutdown(cx);
    }

    fn read_again(&mut self, buf: &mut ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let Some(again) = self.again.as_mut().filter(|again| again.is_asked) else { return Poll::Pending };
        let read = again.bytes.len().min(buf.remaining());
        buf.put_slice(&again.bytes[..read]);
        again.bytes.advance(read);
        if again.bytes.is_empty() {
            self.again = None;
        }
        Poll::Ready(Ok(()))
    }

    /// What hyper learns of a write. When the target takes no more of the request, hyper goes on as if it did: what
    /// was answered is still to be read, and says why. An answer that does not come fails the request then.
    fn written(
        &self,
        cx: &Context<'_>,
        result: Poll<io::Result<usize>>,
        wanted: usize,
    ) -> Poll<io::Result<usize>> {
        use io::ErrorKind as Kind;
        match result {
            Poll::Ready(Err(error)) => match error.kind() {
                Kind::BrokenPipe | Kind::ConnectionReset | Kind::ConnectionAborted => {
                    self.times.upload.broke_off.set(Some(error.kind()));
                    // The end of the stream is an event that may have been taken in already.
                    cx.waker().wake_by_ref();
                    Poll::Ready(Ok(wanted))
                }
                _ => Poll::Ready(Err(error)),
            },
            result => {
                let is_whole = matches!(result, Poll::Ready(Ok(written)) if written == wanted);
                self.times.upload.is_cut.set(!is_whole);
                result
            }
        }
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.again.is_some() {
            return self.read_again(&mut buf);
        }
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(again) = self.again.as_mut().filter(|again| !again.is_asked) {
            again.is_asked = true;
            // There is something to read now, and no event tells of it.
            cx.waker().wake_by_ref();
            return Poll::Ready(Ok(bytes.len()));
        }
        if self.times.upload.broke_off().is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.written(cx, result, bytes.len())
    }

    // Never asked: hyper writes from one buffer (`writev(false)`).
    fn is_write_vectored(&self) -> bool {
        false
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.again.is_some() || self.times.upload.broke_off().is_some() {
            return Poll::Ready(Ok(()));
        }
        let result = Pin::new(&mut self.io).poll_flush(cx);
        match result {
            Poll::Ready(Err(error)) => self.written(cx, Poll::Ready(Err(error)), 0).map_ok(drop),
            done => done,
        }
    }

    /// Does nothing: hyper ends a connection before anybody could look at what was read last. [`Wire::shut_down`] is
    /// called when that is done.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
