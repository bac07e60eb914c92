//! One request as it was measured.

use crate::failure::Failure;

/// Index of a row. Rows are known when the plan is compiled; a URL never becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(pub u16);

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SeriesKind {
    /// An endpoint, or a request step of a flow: these make up the totals.
    Endpoint,
    /// A step of the auth flow.
    Auth,
    /// A readiness check.
    Ready,
    /// A whole flow, think time included.
    Flow,
    /// Requests or flows begun in the warm-up of their scenario: in no total and no threshold.
    WarmUp,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Ok,
    /// Badly.
    Failed(Failure),
    /// Still running at the end; its latency is what it had reached.
    Interrupted,
}

/// Runs of a flow or group that sent no request: they are counted, and are no samples of its latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unsent {
    /// Those that ended well.
    pub ok: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those still running at the end.
    pub interrupted: u64,
}

impl Unsent {
    /// All of them.
    pub fn count(self) -> u64 {
        self.ok + self.failed + self.interrupted
    }

    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.ok += other.ok;
        self.failed += other.failed;
        self.interrupted += other.interrupted;
    }

    /// Takes others out again.
    pub fn subtract(&mut self, other: Self) {
        self.ok = self.ok.saturating_sub(other.ok);
        self.failed = self.failed.saturating_sub(other.failed);
        self.interrupted = self.interrupted.saturating_sub(other.interrupted);
    }
}

/// How many expectations held, of requests whose answer was checked or never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checks {
    /// Those that held.
    pub held: u64,
    /// Those that did not.
    pub failed: u64,
}

impl Checks {
    /// All of a request whose answer nobody could check.
    pub fn all_failed(count: usize) -> Self {
        Self { held: 0, failed: count as u64 }
    }

    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.held += other.held;
        self.failed += other.failed;
    }
}

/// A part of a request's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Intended start → first attempt to write, connection set-up excluded.
    Wait,
    /// Name look-up.
    Dns,
    /// TCP connect.
    Connect,
    /// TLS handshake.
    Tls,
    /// First byte written → request fully written.
    Send,
    /// Request fully written → first byte of the response.
    Ttfb,
    /// First → last byte of the response.
    Receive,
    /// First byte written → last byte read.
    Service,
}

impl Phase {
    /// How many there are.
    pub const COUNT: usize = 8;
    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Wait,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Send,
        Self::Ttfb,
        Self::Receive,
        Self::Service,
    ];

    /// The name in thresholds.
    pub const fn name(self) -> &'static str {
        ["wait", "dns", "connect", "tls", "send", "ttfb", "receive", "service"][self as usize]
    }
}

/// A phase the request did not have.
pub const ABSENT: u32 = u32::MAX;

/// µs by phase; [`ABSENT`] where the request did not have it.
pub type Phases = [u32; Phase::COUNT];

/// One request as it was measured.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Its row.
    pub series: SeriesId,
    /// How it ended.
    pub outcome: Outcome,
    /// Status of the response, 0 without one.
    pub status: u16,
    /// Ready-to-send (or intended start) → last byte, µs.
    pub latency_us: u32,
    /// µs by phase.
    pub phases: Phases,
    /// Bytes read from the connection.
    pub bytes_in: u64,
    /// Bytes written to it.
    pub bytes_out: u64,
    /// Whether it opened a connection.
    pub new_connection: bool,
    /// Its expectations.
    pub checks: Checks,
}

impl Sample {
    /// One without a response and without phases.
    pub fn bare(series: SeriesId, outcome: Outcome, latency_us: u32) -> Self {
        Self {
            series,
            outcome,
            status: 0,
            latency_us,
            phases: [ABSENT; Phase::COUNT],
            bytes_in: 0,
            bytes_out: 0,
            new_connection: false,
            checks: Checks::default(),
        }
    }
}
