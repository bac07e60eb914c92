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

use super::alert::TlsTrouble;
use super::gate::{Pass, let_others_go_first};
use super::paced::Paced;
use super::turn::{FEW, Turn};
use super::wire::Upload;

/// When the bytes of the current request moved on one connection.
#[derive(Debug, Default)]
pub struct IoTimes {
    first_write: Cell<Option<Instant>>,
    last_write: Cell<Option<Instant>>,
    first_read: Cell<Option<Instant>>,
    last_read: Cell<Option<Instant>>,
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
    /// What is read without a pause.
    pub(super) turn: Turn,
    /// What was read last gave nothing yet: neither a head nor a part of the body.
    fruitless: Cell<bool>,
    /// A part of the request waits for the target to read.
    unwritten: Cell<bool>,
    /// What went wrong with TLS since the handshake.
    pub(super) trouble: TlsTrouble,
    /// A write has failed in this turn of the task.
    broke_now: Cell<bool>,
    /// The stream has said in this turn of the task that there is nothing to read.
    nothing_to_read: Cell<bool>,
    pub(super) upload: Upload,
}

impl IoTimes {
    /// Forgets the last request.
    pub fn start(&self) {
        self.first_write.set(None);
        self.last_write.set(None);
        self.first_read.set(None);
        self.last_read.set(None);
        self.bytes_in.set(0);
        self.bytes_out.set(0);
        self.turn.start();
        // The first read of an answer is most often the only one, and a short one would cost the zeroing of its buffer.
        self.fruitless.set(false);
        self.unwritten.set(false);
    }

    /// Whether any byte of the request may have left.
    pub fn wrote(&self) -> bool {
        self.bytes_out.get() > 0
    }

    /// Bytes read and written for the current request.
    pub fn bytes(&self) -> (u64, u64) {
        (self.bytes_in.get(), self.bytes_out.get())
    }

    /// Whether a part of the request could not be written: the connection takes no other one.
    pub fn is_cut_short(&self) -> bool {
        self.upload.is_cut() || self.is_unwritten()
    }

    /// The task begins a new turn: there may be something to read again. Within one turn there cannot be, because
    /// the thread that takes events in is the one that runs the task.
    pub(super) fn begin_turn(&self) {
        self.nothing_to_read.set(false);
        self.broke_now.set(false);
    }

    /// A request that was written then.
    #[cfg(test)]
    pub(super) fn written_at(&self, now: Instant) {
        self.first_write.set(Some(now));
        self.last_write.set(Some(now));
    }

    /// A part of it is written now.
    #[cfg(test)]
    pub(super) fn wrote_again(&self) {
        self.last_write.set(Some(Instant::now()));
    }

    /// What was read has given a part of the body.
    pub(super) fn bore_fruit(&self) {
        self.fruitless.set(false);
    }

    /// Whether the target has not taken all of the request yet, as far as the system's buffers do not hold the rest.
    pub(super) fn is_unwritten(&self) -> bool {
        self.unwritten.get()
    }

    /// When the request began to be written, if no byte of an answer has come.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        if self.bytes_in.get() > 0 { None } else { self.first_write.get() }
    }

    fn before_write(&self) {
        if self.first_write.get().is_none() {
            self.first_write.set(Some(Instant::now()));
        }
    }

    fn after_write(&self, result: &Poll<io::Result<usize>>) {
        self.unwritten.set(result.is_pending());
        if let Poll::Ready(Ok(written)) = result {
            self.last_write.set(Some(Instant::now()));
            self.bytes_out.set(self.bytes_out.get() + *written as u64);
        }
    }

    /// When the last byte of a whole response, or the end of its stream, was read; now, when nothing was.
    pub fn read_until(&self) -> Instant {
        self.last_read.get().unwrap_or_else(Instant::now)
    }

    fn after_read(&self, result: &Poll<io::Result<()>>, read: usize) {
        if result.is_pending() {
            return;
        }
        let now = Instant::now();
        self.last_read.set(Some(now));
        if read > 0 {
            if self.first_read.get().is_none() {
                self.first_read.set(Some(now));
            }
            self.bytes_in.set(self.bytes_in.get() + read as u64);
            self.turn.read(read as u64, now);
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
        // An answer that was read before anything was asked ends no request before it began.
        let latency = latency.max(first_write);
        phases[Phase::Wait as usize] = first_write.saturating_sub(set_up);
        phases[Phase::Service as usize] = latency - first_write;
        // An answer can begin before the request is written, and before its first byte: that ends the sending.
        let first_read = io.first_read.get().map(|first_read| self.at(first_read).max(first_write));
        // Without an answer the whole wait for it counts: leaving it out would flatter the target.
        let answered = first_read.unwrap_or(latency);
        // Nothing could be written: the attempt lasted until the end.
        let Some(last_write) = io.last_write.get() else {
            phases[Phase::Send as usize] = latency - first_write;
            return (latency, phases);
        };
        // The target never took the rest: all of that is sending.
        let never_written = io.unwritten.get() && first_read.is_none();
        let last_write = if never_written { answered } else { self.at(last_write).min(answered) };
        phases[Phase::Send as usize] = last_write - first_write;
        phases[Phase::Ttfb as usize] = answered - last_write;
        if first_read.is_some() {
            phases[Phase::Receive as usize] = latency - answered;
        }
        (latency, phases)
    }
}

/// A phase of the set-up that runs: its time is noted when it ends, also when it is cut by the time limit.
pub(super) struct Lap<'a> {
    slot: &'a mut u32,
    started: Instant,
}

impl<'a> Lap<'a> {
    /// Starts the clock of `slot`, µs.
    pub(super) fn start(slot: &'a mut u32) -> Self {
        Self { slot, started: Instant::now() }
    }
}

impl Drop for Lap<'_> {
    fn drop(&mut self) {
        *self.slot = micros(self.started, Instant::now());
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
    Tls(Box<TlsStream<Paced>>),
}

/// A stream that notes when bytes move.
#[derive(Debug)]
pub struct TimedIo {
    stream: Stream,
    times: Rc<IoTimes>,
    /// Why a write failed, until it is told.
    broken: Option<io::Error>,
    /// It has read for a whole turn, and waits for the next.
    pass: Option<Pass>,
}

impl TimedIo {
    /// Wraps a stream.
    pub fn new(stream: Stream, times: Rc<IoTimes>) -> Self {
        Self { stream, times, broken: None, pass: None }
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

impl TimedIo {
    /// The error of a write over TLS is told a turn later: the target says by an alert why it has closed the connection,
    /// and that is read first.
    fn after_attempt<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match (&self.stream, result) {
            (Stream::Tls(_), Poll::Ready(Err(error))) => {
                self.broken = Some(error);
                self.times.broke_now.set(true);
                let_others_go_first(cx);
                Poll::Pending
            }
            (_, result) => result,
        }
    }

    /// What to say instead of another write after one that failed.
    fn broken<T>(&mut self) -> Option<Poll<io::Result<T>>> {
        match &self.broken {
            None => None,
            Some(_) if self.times.broke_now.get() => Some(Poll::Pending),
            Some(_) => self.broken.take().map(|error| Poll::Ready(Err(error))),
        }
    }
}

impl AsyncRead for TimedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // hyper asks six times a request. The task's waker is registered since the first time.
        if self.times.nothing_to_read.get() {
            return Poll::Pending;
        }
        if self.pass.as_ref().is_some_and(|pass| !pass.is_open()) {
            return Poll::Pending;
        }
        self.pass = None;
        // hyper would read on and on, as long as what comes is no whole head (interim responses without end).
        if self.times.turn.is_over() {
            self.pass = Some(let_others_go_first(cx));
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let this = &mut *self;
        // hyper looks through all that it was given in one go: after a read that gave nothing, this is kept short.
        let result = if buf.remaining() > FEW && this.times.fruitless.get() {
            let mut few = ReadBuf::new(buf.initialize_unfilled_to(FEW));
            let result = forward!(this, io => io.poll_read(cx, &mut few));
            let read = few.filled().len();
            buf.advance(read);
            result
        } else {
            forward!(this, io => io.poll_read(cx, buf))
        };
        this.times.trouble.note(&result);
        if result.is_ready() {
            this.times.fruitless.set(true);
        } else {
            this.times.turn.pause();
            // Below TLS a write may read too.
            this.times.nothing_to_read.set(matches!(this.stream, Stream::Plain(_)));
        }
        this.times.after_read(&result, buf.filled().len() - before);
        result
    }
}

impl AsyncWrite for TimedIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(broken) = self.broken() {
            return broken;
        }
        self.times.before_write();
        let this = &mut *self;
        let result = forward!(this, io => io.poll_write(cx, bytes));
        this.times.after_write(&result);
        this.after_attempt(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(broken) = self.broken() {
            return broken;
        }
        self.times.before_write();
        let this = &mut *self;
        let result = forward!(this, io => io.poll_write_vectored(cx, slices));
        this.times.after_write(&result);
        this.after_attempt(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(io) => io.is_write_vectored(),
            Stream::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(broken) = self.broken() {
            return broken;
        }
        let this = &mut *self;
        let result = forward!(this, io => io.poll_flush(cx));
        // TLS takes what is written into a buffer of its own.
        this.times.unwritten.set(result.is_pending());
        this.after_attempt(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        forward!(this, io => io.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests;
