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

use super::wire::Upload;

/// Bytes read before the other users of the thread get their turn, and the time limit is looked at.
pub(super) const READ_AT_ONCE: u64 = 256 << 10;

/// When the bytes of the current request moved on one connection.
#[derive(Debug, Default)]
pub struct IoTimes {
    first_write: Cell<Option<Instant>>,
    last_write: Cell<Option<Instant>>,
    first_read: Cell<Option<Instant>>,
    last_read: Cell<Option<Instant>>,
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
    /// Bytes read since the stream last said that there is nothing to read.
    read_at_once: Cell<u64>,
    gave_way: Cell<bool>,
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
        self.upload.is_cut()
    }

    /// The task begins a new turn: there may be something to read again. Within one turn there cannot be, because
    /// the thread that takes events in is the one that runs the task.
    pub(super) fn begin_turn(&self) {
        self.nothing_to_read.set(false);
    }

    /// Whether the turn of a target that sends without pause has just ended.
    pub(super) fn gave_way(&self) -> bool {
        self.gave_way.replace(false)
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
            self.read_at_once.set(self.read_at_once.get() + read as u64);
        }
    }

    /// Whether a target that sends without pause has had its turn. hyper would read on and on, as long as what
    /// comes is no whole head (interim responses without end).
    fn is_turn_over(&self) -> bool {
        let over = self.read_at_once.get() >= READ_AT_ONCE;
        if over {
            self.read_at_once.set(0);
            self.gave_way.set(true);
        }
        over
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
        let last_write = self.at(last_write).min(answered);
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
        // hyper asks six times a request. The task's waker is registered since the first time.
        if self.times.nothing_to_read.get() {
            return Poll::Pending;
        }
        if self.times.is_turn_over() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let this = &mut *self;
        let result = forward!(this, io => io.poll_read(cx, buf));
        if result.is_pending() {
            this.times.read_at_once.set(0);
            // Below TLS a write may read too.
            this.times.nothing_to_read.set(matches!(this.stream, Stream::Plain(_)));
        }
        this.times.after_read(&result, buf.filled().len() - before);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// What adds up to the latency; `service` is a sum of three of them.
    const PARTS: [Phase; 7] =
        [Phase::Wait, Phase::Dns, Phase::Connect, Phase::Tls, Phase::Send, Phase::Ttfb, Phase::Receive];

    /// The order of a request's points in time; 1 and 2 are answers that begin early.
    const IN_TURN: usize = 0;

    fn sum(phases: &Phases, of: &[Phase]) -> u64 {
        let known = of.iter().map(|phase| phases[*phase as usize]).filter(|us| *us != ABSENT);
        known.map(u64::from).sum()
    }

    /// A request as a chain of points in time, ns after it was ready: gaps between set-up, writes and reads,
    /// of which `steps` were reached before an error or the time limit.
    fn request(gaps: &[u64; 9], set_up: [bool; 3], steps: usize, order: usize) -> (Timing, Instant, IoTimes) {
        let ready = Instant::now();
        let mut now = ready + Duration::from_nanos(gaps[0]);
        let mut timing = Timing::starting(ready);
        let slots = [&mut timing.dns_us, &mut timing.connect_us, &mut timing.tls_us];
        for ((slot, gap), _) in slots.into_iter().zip(&gaps[1..4]).zip(set_up).filter(|(_, had)| *had) {
            let started = now;
            now += Duration::from_nanos(*gap);
            *slot = micros(started, now);
        }
        let io = IoTimes::default();
        let points = match order {
            IN_TURN => [&io.first_write, &io.last_write, &io.first_read],
            1 => [&io.first_write, &io.first_read, &io.last_write],
            // What the target sent before it was asked.
            _ => [&io.first_read, &io.first_write, &io.last_write],
        };
        for (point, gap) in points.into_iter().zip(&gaps[4..7]).take(steps) {
            now += Duration::from_nanos(*gap);
            point.set(Some(now));
        }
        (timing, now + Duration::from_nanos(gaps[7] + gaps[8]), io)
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_latency_whatever_cut_the_request(
            gaps in proptest::array::uniform9(0u64..3_000_000_000),
            set_up in proptest::array::uniform3(any::<bool>()),
            steps in 0usize..=3,
            order in 0usize..3,
        ) {
            let (timing, end, io) = request(&gaps, set_up, steps, order);
            let (latency_us, phases) = timing.finish(end, Some(&io));
            prop_assert!(sum(&phases, &PARTS).abs_diff(u64::from(latency_us)) <= 2, "{phases:?} of {latency_us}");
            let service = phases[Phase::Service as usize];
            if service != ABSENT {
                let parts = sum(&phases, &[Phase::Send, Phase::Ttfb, Phase::Receive]);
                prop_assert!(parts.abs_diff(u64::from(service)) <= 2, "{phases:?}");
            }
        }

        #[test]
        fn absent_is_absent(
            gaps in proptest::array::uniform9(0u64..3_000_000_000),
            set_up in proptest::array::uniform3(any::<bool>()),
            steps in 0usize..=3,
        ) {
            let (timing, end, io) = request(&gaps, set_up, steps, IN_TURN);
            let (_, phases) = timing.finish(end, Some(&io));
            let had = |phase: Phase| phases[phase as usize] != ABSENT;
            prop_assert_eq!([had(Phase::Dns), had(Phase::Connect), had(Phase::Tls)], set_up);
            prop_assert_eq!(had(Phase::Service), steps >= 1, "service begins with the first byte written");
            prop_assert_eq!(had(Phase::Send), steps >= 1, "so does send, even when nothing gets through");
            prop_assert_eq!(had(Phase::Ttfb), steps >= 2, "nobody waits for an answer to nothing");
            prop_assert_eq!(had(Phase::Receive), steps == 3, "nothing was received");
            prop_assert!(had(Phase::Wait));
        }
    }

    #[test]
    fn an_answer_that_never_came_counts_as_waited_for() {
        let ms = |count: u64| count * 1_000_000;
        // Ready 1 ms, connect 2 ms, first write 1 ms later, written 3 ms later, given up 400 ms after that.
        let gaps = [ms(1), 0, ms(2), 0, ms(1), ms(3), 0, ms(400), 0];
        let (timing, end, io) = request(&gaps, [false, true, false], 2, IN_TURN);
        let (latency_us, phases) = timing.finish(end, Some(&io));
        let of = |phase: Phase| phases[phase as usize];
        assert_eq!((latency_us, of(Phase::Wait), of(Phase::Connect)), (407_000, 2_000, 2_000));
        assert_eq!((of(Phase::Send), of(Phase::Ttfb), of(Phase::Receive)), (3_000, 400_000, ABSENT));
    }

    #[test]
    fn nothing_ends_before_it_is_sent() {
        let ready = Instant::now();
        let io = IoTimes::default();
        io.first_read.set(Some(ready + Duration::from_millis(1)));
        io.first_write.set(Some(ready + Duration::from_millis(3)));
        io.last_write.set(Some(ready + Duration::from_millis(4)));
        let (latency_us, phases) =
            Timing::starting(ready).finish(ready + Duration::from_millis(1), Some(&io));
        assert_eq!(latency_us, 3_000);
        assert_eq!(sum(&phases, &PARTS), 3_000, "{phases:?}");
    }

    #[test]
    fn a_lap_is_noted_however_it_ends() {
        let mut slot = ABSENT;
        drop(Lap::start(&mut slot));
        assert_ne!(slot, ABSENT);
    }
}
