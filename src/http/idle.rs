//! Kept connections that were idle: how long the target keeps them, and which failures mean that it closed one while
//! the next request was on its way. Must not send.

use std::time::Duration;

use http::HeaderMap;

use crate::failure::Failure;

use super::IoTimes;
use super::connection::ExchangeError;

/// Targets close connections after a second or more. What ends sooner has another cause.
const SHORTEST: Duration = Duration::from_millis(500);
/// A target that had closed the connection says so as soon as the request comes. One that fails later had taken it.
const AT_ONCE: Duration = Duration::from_millis(250);

/// How long one connection was idle before its current request, and may be.
#[derive(Debug, Default)]
pub(super) struct Idle {
    before: Duration,
    /// As long as a target that says how long it keeps connections certainly still has this one.
    safe: Option<Duration>,
    asked: bool,
}

impl Idle {
    /// Notes how long it was idle; whether the target still keeps it, by what it has said.
    pub(super) fn is_kept(&mut self, before: Duration) -> bool {
        self.before = before;
        self.safe.is_none_or(|safe| before < safe)
    }

    /// Looks how long the target keeps connections: in the first answer, and in those after a pause.
    pub(super) fn look(&mut self, headers: &HeaderMap) {
        if !self.asked || self.before >= SHORTEST {
            self.asked = true;
            self.safe = kept_for(headers).map(|kept| kept.saturating_sub(margin(kept)));
        }
    }

    /// A request that failed without a byte of an answer: the target may have closed the connection before it came.
    pub(super) fn explain(&self, error: ExchangeError, times: &IoTimes) -> ExchangeError {
        let is_end = matches!(error.kind, Failure::Reset | Failure::ClosedBeforeHeaders | Failure::Send);
        let is_at_once = || times.waits_since().is_some_and(|since| since.elapsed() <= AT_ONCE);
        if self.before < SHORTEST || !is_end || !is_at_once() {
            return error;
        }
        // In whole seconds, so that failures of one cause have one text.
        let idle_s = self.before.as_secs_f64().round().max(1.0);
        let message = format!(
            "a kept connection that the target closed while idle (idle for {idle_s:.0} s), as the request was sent; it \
             may have been processed"
        );
        ExchangeError { kind: Failure::ClosedBeforeHeaders, message, ..error }
    }
}

/// What `Keep-Alive: timeout=N` says.
fn kept_for(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("keep-alive").into_iter().filter_map(|value| value.to_str().ok());
    let mut parts = values.flat_map(|value| value.split(',')).filter_map(|part| part.split_once('='));
    let (_, seconds) = parts.find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))?;
    seconds.trim().trim_matches('"').parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()))
}

/// The time a request needs to get there, and targets whose clocks are coarse.
fn margin(kept: Duration) -> Duration {
    (kept / 5).min(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([("keep-alive".parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn how_long_a_target_keeps_connections() {
        for (value, seconds) in [
            ("timeout=5", Some(5)),
            ("timeout=5, max=100", Some(5)),
            ("max=100, Timeout = 20", Some(20)),
            ("timeout=\"7\"", Some(7)),
            ("timeout=0", Some(0)),
            ("max=100", None),
            ("timeout=", None),
            ("timeout=-1", None),
            ("timeout=99999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(kept_for(&headers(value)), seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(kept_for(&HeaderMap::new()), None);
    }

    #[test]
    fn a_connection_is_used_until_shortly_before_the_target_closes_it() {
        let seconds = Duration::from_secs_f64;
        let mut idle = Idle::default();
        assert!(idle.is_kept(seconds(1000.0)), "nothing is known");
        idle.look(&headers("timeout=5"));
        assert!(idle.is_kept(seconds(3.9)) && !idle.is_kept(seconds(4.1)));
        // Looked at again after a pause, and only then.
        idle.is_kept(seconds(0.1));
        idle.look(&headers("timeout=1"));
        assert!(idle.is_kept(seconds(3.0)));
        idle.look(&headers("timeout=1"));
        assert!(idle.is_kept(seconds(0.7)) && !idle.is_kept(seconds(0.9)));
        idle.look(&HeaderMap::new());
        assert!(idle.is_kept(seconds(1000.0)));
    }

    #[test]
    fn which_failures_are_those_of_an_idle_connection() {
        let failure = |kind| ExchangeError::new(kind, "as it came");
        let after = |seconds: f64, kind| {
            let mut idle = Idle::default();
            idle.is_kept(Duration::from_secs_f64(seconds));
            let times = IoTimes::default();
            times.written_at(Instant::now());
            idle.explain(failure(kind), &times)
        };
        for kind in [Failure::Reset, Failure::ClosedBeforeHeaders, Failure::Send] {
            let explained = after(5.01, kind);
            assert_eq!(explained.kind, Failure::ClosedBeforeHeaders);
            assert!(explained.message.starts_with("a kept connection that the target closed while idle"));
            assert_eq!(explained.message, after(4.99, kind).message, "one text");
            assert_eq!(after(0.01, kind).message, "as it came");
        }
        for kind in [Failure::Protocol, Failure::TimeoutHeaders, Failure::TlsCertificate] {
            assert_eq!(after(5.0, kind).kind, kind);
        }
        let mut idle = Idle::default();
        idle.is_kept(Duration::from_secs(5));
        let times = IoTimes::default();
        assert_eq!(idle.explain(failure(Failure::Reset), &times).kind, Failure::Reset, "nothing was written");
        // An upload that is cut off after a second: its last write is recent.
        times.written_at(Instant::now().checked_sub(Duration::from_secs(1)).unwrap());
        times.wrote_again();
        assert_eq!(idle.explain(failure(Failure::Reset), &times).kind, Failure::Reset, "it was taken");
    }
}
