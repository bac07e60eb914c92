//! What a connection consists of: hyper's two halves while requests go over it, the bare stream while its user pauses
//! for long. hyper keeps some 30 KiB a connection, which thousands of mostly idle users would pay for nothing.

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;

use crate::failure::Failure;

use super::connection::ExchangeError;
use super::driver::Driver;
use super::fault::{MOST_BYTES, MOST_LINES};
use super::wire::Wire;

/// A connection as requests use it.
pub(super) struct Live {
    pub send: http1::SendRequest<Full<Bytes>>,
    pub driver: Driver,
    /// Whether it reads heads of many lines, and folded lines: neither is free.
    pub is_lenient: bool,
}

impl Live {
    /// HTTP/1.1 over a stream. Sends nothing.
    ///
    /// # Errors
    /// When hyper refuses the stream.
    pub(super) async fn over(io: Wire) -> Result<Self, ExchangeError> {
        Self::built(&http1::Builder::new(), io, false).await
    }

    /// The same for a target whose heads the usual way of reading does not take. It costs a few percent a request,
    /// which those who need it pay.
    ///
    /// # Errors
    /// When hyper refuses the stream.
    pub(super) async fn lenient(io: Wire) -> Result<Self, ExchangeError> {
        let mut builder = http1::Builder::new();
        builder.max_headers(MOST_LINES).allow_obsolete_multiline_headers_in_responses(true);
        Self::built(&builder, io, true).await
    }

    async fn built(builder: &http1::Builder, io: Wire, is_lenient: bool) -> Result<Self, ExchangeError> {
        // One buffer a request: `send` is cheaper than `writev` of one or two slices.
        let mut builder = builder.clone();
        builder.writev(false).max_header_size(MOST_BYTES);
        let (send, connection) =
            builder.handshake(io).await.map_err(|e| ExchangeError::new(Failure::Protocol, e.to_string()))?;
        Ok(Self { send, driver: Driver::new(connection), is_lenient })
    }
}

/// A connection in one of its states.
pub(super) enum Link {
    Live(Live),
    Parked(Wire),
    Closed,
}

impl Link {
    /// Keeps only the stream of a connection that waits for its next request. One that does not, because the target
    /// closes it or has sent what nobody asked for, stays as it is and shows that when it is used.
    pub(super) fn park(&mut self) {
        match std::mem::replace(self, Self::Closed) {
            Self::Live(mut live) if live.send.is_ready() => {
                let parts = live.driver.take_parts();
                // Bytes that nobody asked for: it cannot be used again.
                if let Some((io, true)) = parts.map(|parts| (parts.io, parts.read_buf.is_empty())) {
                    *self = Self::Parked(io);
                }
            }
            other => *self = other,
        }
    }

    /// The connection, brought back if it was parked; `None` when it is closed.
    pub(super) async fn wake(&mut self) -> Option<&mut Live> {
        if let Self::Parked(_) = self
            && let Self::Parked(io) = std::mem::replace(self, Self::Closed)
        {
            *self = Live::over(io).await.map_or(Self::Closed, Self::Live);
        }
        self.live()
    }

    /// The connection as requests use it.
    pub(super) fn live(&mut self) -> Option<&mut Live> {
        match self {
            Self::Live(live) => Some(live),
            Self::Parked(_) | Self::Closed => None,
        }
    }
}
