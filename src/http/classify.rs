//! What kind of failure a broken exchange is, from what hyper and the system say. Must not know the plan.

use crate::failure::Failure;

use super::IoTimes;
use super::connect::words;
use super::connection::{ExchangeError, MOST_BEFORE_HEAD};

pub(super) fn body_out_of_time() -> ExchangeError {
    ExchangeError::new(Failure::TimeoutBody, "the body did not end within the time limit")
}

/// Why there is no head although nothing has failed.
pub(super) fn without_head(times: &IoTimes) -> ExchangeError {
    if times.bytes().0 > MOST_BEFORE_HEAD {
        let message =
            format!("more than {} MiB of interim responses (1xx) and no response", MOST_BEFORE_HEAD >> 20);
        return ExchangeError::new(Failure::Protocol, message);
    }
    if times.is_unwritten() {
        let message =
            "the request could not be fully written within the time limit; the target does not read it";
        return ExchangeError::new(Failure::TimeoutSend, message);
    }
    ExchangeError::new(Failure::TimeoutHeaders, "no response within the time limit")
}

fn io_error(error: &hyper::Error) -> Option<&std::io::Error> {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return Some(io);
        }
        source = inner.source();
    }
    None
}

/// Why there is no head. `length` is that of the request's body.
pub(super) fn before_head(error: &hyper::Error, times: &IoTimes, length: u64) -> ExchangeError {
    use std::io::ErrorKind as Kind;
    if let Some(failure) = times.trouble.failure() {
        return failure;
    }
    // Handed back unsent because of what hyper read before it wrote anything.
    let before = std::error::Error::source(error).and_then(|source| source.downcast_ref::<hyper::Error>());
    if before.is_some_and(|before| !before.is_incomplete_message()) && io_error(error).is_none() {
        let message = format!("the target sent something before it was asked: {}", cause(error));
        return ExchangeError::new(Failure::Protocol, message);
    }
    match times.upload.broke_off() {
        None => {}
        Some(Kind::BrokenPipe) => return stopped_reading("closed"),
        Some(_) => return stopped_reading("reset"),
    }
    let (_, written) = times.bytes();
    let is_cut = written > 0 && written < length;
    match io_error(error).map(|io| (io, io.kind())) {
        Some((_, Kind::ConnectionReset | Kind::ConnectionAborted)) if is_cut => stopped_reading("reset"),
        Some((_, Kind::ConnectionReset | Kind::ConnectionAborted)) => {
            ExchangeError::new(Failure::Reset, "connection reset by the target")
        }
        Some((io, kind)) if kind != Kind::UnexpectedEof => ExchangeError::new(Failure::Reset, words(io)),
        None if !(error.is_incomplete_message() || error.is_canceled() || error.is_closed()) => {
            ExchangeError::new(Failure::Protocol, cause(error))
        }
        _ if is_cut => stopped_reading("closed"),
        _ => closed_before_headers(times),
    }
}

fn stopped_reading(how: &str) -> ExchangeError {
    let message = format!("the target {how} the connection before the request was fully written");
    ExchangeError::new(Failure::Send, message)
}

fn closed_before_headers(times: &IoTimes) -> ExchangeError {
    let (read, _) = times.bytes();
    let message = if read > 0 {
        "the target closed the connection in the middle of the response head"
    } else {
        "the target closed the connection without a response; the request may have been processed"
    };
    ExchangeError::new(Failure::ClosedBeforeHeaders, message)
}

pub(super) fn in_body(error: &hyper::Error, times: &IoTimes) -> ExchangeError {
    use std::io::ErrorKind as Kind;
    if let Some(failure) = times.trouble.failure() {
        return failure;
    }
    match io_error(error).map(std::io::Error::kind) {
        Some(Kind::ConnectionReset | Kind::ConnectionAborted) => {
            ExchangeError::new(Failure::Reset, "connection reset by the target in the middle of the body")
        }
        Some(Kind::InvalidData | Kind::InvalidInput) => {
            ExchangeError::new(Failure::Protocol, format!("the body's framing is broken: {}", cause(error)))
        }
        _ if error.is_parse() => ExchangeError::new(Failure::Protocol, cause(error)),
        _ => ExchangeError::new(
            Failure::ClosedMidBody,
            "the target closed the connection in the middle of the body",
        ),
    }
}

/// The innermost words of a hyper error.
pub(super) fn cause(error: &hyper::Error) -> String {
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        words = inner.to_string();
        source = inner.source();
    }
    words
}
