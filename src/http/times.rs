//! A stream that notes when bytes move, and the phases computed from it.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::metric::{ABSENT, Phase, Phases};

/// When the bytes of the current request moved on one connection.
#[derive(Debug, Default)]
pub struct IoTimes {
    first_write: Cell<Option<Instant>>,
    last_write: Cell<Option<Instant>>,
    first_read: Cell<Option<Instant>>,
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
}

impl IoTimes {
    /// Forgets the last request.
    pub fn start(&self) {
        self.first_write.set(None);
        self.last_write.set(None);
        self.first_read.set(None);
        self.bytes_in.set(0);
        self.bytes_out.set(0);
    }

    /// Whether any byte of the request may have left.
    pub fn wrote(&self) -> bool {
        self.bytes_out.get() > 0
    }

    /// Bytes read and written for the current request.
    pub fn bytes(&self) -> (u64, u64) {
        (self.bytes_in.get(), self.bytes_out.get())
    }

    fn before_write(&self) {
        if self.first_write.get().is_none() {
            self.first_write.set(Some(Instant::now()));
        }
    }

    fn after_write(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(written)) = result {
            self.last_write.set(Some(Instant::now()));
            self.bytes_out.set(self.bytes_out.get() + *written as u64);
        }
    }

    fn after_read(&self, read: usize) {
        if read > 0 {
            if self.first_read.get().is_none() {
                self.first_read.set(Some(Instant::now()));
            }
            self.bytes_in.set(self.bytes_in.get() + read as u64);
        }
    }
}

/// Set-up times of one request, µs; [`ABSENT`] where it had none.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Ready to send, or the intended start.
    pub ready: Instant,
    /// Name look-up.
    pub dns_us: u32,
    /// TCP connect.
    pub connect_us: u32,
    /// TLS handshake.
    pub tls_us: u32,
}

impl Timing {
    /// A request that is ready now.
    pub fn starting(ready: Instant) -> Self {
        Self { ready, dns_us: ABSENT, connect_us: ABSENT, tls_us: ABSENT }
    }

    fn at(&self, instant: Instant) -> u32 {
        micros(self.ready, instant)
    }

    /// Latency and phases of a request that ended at `end`. They are differences of rounded points in time,
    /// so wait + dns + connect + tls + send + ttfb + receive is the latency.
    pub fn finish(&self, end: Instant, io: Option<&IoTimes>) -> (u32, Phases) {
        let latency = self.at(end);
        let mut phases = [ABSENT; Phase::COUNT];
        phases[Phase::Dns as usize] = self.dns_us;
        phases[Phase::Connect as usize] = self.connect_us;
        phases[Phase::Tls as usize] = self.tls_us;
        let set_up: u32 =
            [self.dns_us, self.connect_us, self.tls_us].iter().filter(|us| **us != ABSENT).sum();
        let Some((io, first_write)) = io.and_then(|io| Some((io, self.at(io.first_write.get()?)))) else {
            phases[Phase::Wait as usize] = latency.saturating_sub(set_up);
            return (latency, phases);
        };
        phases[Phase::Wait as usize] = first_write.saturating_sub(set_up);
        phases[Phase::Service as usize] = latency - first_write;
        if let Some(last_write) = io.last_write.get() {
            // Without an answer the whole wait for it counts: leaving it out would flatter the target.
            let first_read = io.first_read.get().map_or(latency, |first_read| self.at(first_read));
            // A response that begins before the request is written ends the sending for us.
            let last_write = self.at(last_write).min(first_read);
            phases[Phase::Send as usize] = last_write - first_write;
            phases[Phase::Ttfb as usize] = first_read - last_write;
            phases[Phase::Receive as usize] = latency - first_read;
        }
        (latency, phases)
    }
}

/// Whole µs between two instants, at most [`ABSENT`] − 1.
pub fn micros(from: Instant, to: Instant) -> u32 {
    let us = to.saturating_duration_since(from).as_micros();
    u32::try_from(us).unwrap_or(ABSENT).min(ABSENT - 1)
}

/// The bytes below HTTP.
#[derive(Debug)]
pub enum Stream {
    /// Plain TCP.
    Plain(TcpStream),
    /// TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A stream that notes when bytes move.
#[derive(Debug)]
pub struct TimedIo {
    stream: Stream,
    times: Rc<IoTimes>,
}

impl TimedIo {
    /// Wraps a stream.
    pub fn new(stream: Stream, times: Rc<IoTimes>) -> Self {
        Self { stream, times }
    }
}

macro_rules! forward {
    ($self:ident, $io:ident => $call:expr) => {
        match &mut $self.stream {
            Stream::Plain($io) => {
                let $io = Pin::new($io);
                $call
            }
            Stream::Tls($io) => {
                let $io = Pin::new(&mut **$io);
                $call
            }
        }
    };
}

impl AsyncRead for TimedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let this = &mut *self;
        let result = forward!(this, io => io.poll_read(cx, buf));
        this.times.after_read(buf.filled().len() - before);
        result
    }
}

impl AsyncWrite for TimedIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.times.before_write();
        let this = &mut *self;
        let result = forward!(this, io => io.poll_write(cx, bytes));
        this.times.after_write(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.times.before_write();
        let this = &mut *self;
        let result = forward!(this, io => io.poll_write_vectored(cx, slices));
        this.times.after_write(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(io) => io.is_write_vectored(),
            Stream::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        forward!(this, io => io.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        forward!(this, io => io.poll_shutdown(cx))
    }
}
