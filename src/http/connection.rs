//! One keep-alive connection. The request's future and the connection's are polled in the same task: a
//! spawned connection task costs a wake-up a request.

use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};

use crate::failure::Failure;

use super::classify::{before_head, body_out_of_time, in_body, without_head};
use super::fault;
use super::idle::Idle;
use super::link::{Link, Live};
use super::times::Stream;
use super::turn::Flooded;
use super::wire::Wire;
use super::{Deadline, IoTimes};

/// Largest body kept in memory for an expression to look at.
pub const BODY_LIMIT: usize = 64 << 20;

/// Bytes kept of the body of an error that nobody asked for: a report shows its beginning.
const SHOWN_OF_ERRORS: usize = 4096;

/// Bytes that may come before the end of a response's head: interim responses (1xx), and the head, which hyper lets
/// have 408 KiB.
pub(super) const MOST_BEFORE_HEAD: u64 = 1 << 20;

/// What to do with a response's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Count its bytes and drop it frame by frame; of an error the beginning is kept for the report.
    Nothing,
    /// Keep it.
    Body,
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body, when it was kept; else empty.
    pub body: Bytes,
    /// Bytes of the body.
    pub size: u64,
}

/// A request that got no whole response.
#[derive(Debug)]
pub struct ExchangeError {
    /// Kind.
    pub kind: Failure,
    /// What happened, without secrets: no header, no body.
    pub message: String,
    /// Status, when the head had come.
    pub status: u16,
}

impl ExchangeError {
    /// A failure before any response.
    pub fn new(kind: Failure, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: 0 }
    }
}

/// One open connection.
pub struct Connection {
    link: Link,
    times: Rc<IoTimes>,
    idle_since: Instant,
    idle: Idle,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parked = matches!(self.link, Link::Parked(_));
        f.debug_struct("Connection").field("parked", &parked).finish_non_exhaustive()
    }
}

impl Connection {
    /// HTTP/1.1 over an open stream.
    ///
    /// # Errors
    /// When hyper refuses the stream.
    pub async fn new(stream: Stream) -> Result<Self, ExchangeError> {
        let times = Rc::new(IoTimes::default());
        let live = Live::over(Wire::new(stream, times.clone())).await?;
        Ok(Self { link: Link::Live(live), times, idle_since: Instant::now(), idle: Idle::default() })
    }

    /// Counts there the time that the target takes from other users by sending without a pause.
    pub fn count_floods(&self, flooded: &Flooded) {
        self.times.turn.count_in(flooded.clone());
    }

    /// When the bytes of the current request moved.
    pub fn times(&self) -> &IoTimes {
        &self.times
    }

    /// Says when its last exchange ended.
    pub fn rest(&mut self, now: Instant) {
        self.idle_since = now;
    }

    /// Gives back what an idle connection does not need: its user pauses for long.
    pub fn park(&mut self) {
        self.link.park();
    }

    /// Waits until the connection takes a request; false when the target has closed it.
    pub async fn is_usable(&mut self, now: Instant, deadline: &mut Deadline) -> bool {
        /// A connection that has just been used is not looked at again. Should the target have closed it all
        /// the same, the request comes back unsent.
        const JUST_NOW: Duration = Duration::from_millis(50);
        let idle = now.saturating_duration_since(self.idle_since);
        if !self.idle.is_kept(idle) {
            return false;
        }
        let Some(Live { send, driver, .. }) = self.link.wake().await else { return false };
        if send.is_ready() && idle < JUST_NOW {
            return true;
        }
        let times = &self.times;
        std::future::poll_fn(|cx| {
            times.begin_turn();
            driver.drive(cx);
            if driver.is_closed() || send.is_closed() {
                return Poll::Ready(false);
            }
            match send.poll_ready(cx) {
                Poll::Ready(ready) => Poll::Ready(ready.is_ok()),
                // Not within the request's time: a new connection will tell what is wrong.
                Poll::Pending if deadline.poll_expired(cx) => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// What the target has sent on it that nobody asked for, in words; looked for when it could not be used.
    pub fn unasked(&self) -> Option<String> {
        match &self.link {
            Link::Live(live) => live.driver.leftover().and_then(fault::unasked),
            Link::Parked(_) | Link::Closed => None,
        }
    }

    /// Sends the request in `slot` and reads the whole response. A request is taken out of its slot only here,
    /// because it is large to move; it is back there after an error when not a byte of it had left.
    ///
    /// # Errors
    /// With the failure's kind. The connection must not be used again after one.
    pub async fn exchange(
        &mut self,
        slot: &mut Option<Request<Full<Bytes>>>,
        keep: Keep,
        deadline: &mut Deadline,
    ) -> Result<Reply, ExchangeError> {
        self.times.start();
        let Some(live) = self.link.live() else {
            return Err(ExchangeError::new(Failure::Send, "the connection is closed"));
        };
        let times = &*self.times;
        let response = match live.head(times, slot, deadline).await {
            Ok(response) => response,
            Err(error) => return Err(self.idle.explain(error, times)),
        };
        let (head, mut body) = response.into_parts();
        self.idle.look(&head.headers);
        let status = head.status.as_u16();
        if status < 200 {
            return Err(fault::switched(status));
        }
        let mut kept = BytesMut::new();
        let mut first = Bytes::new();
        let mut size = 0u64;
        loop {
            let data = match live.frame(times, &mut body, deadline).await {
                Ok(Some(data)) => data,
                Ok(None) => break,
                Err(error) => return Err(ExchangeError { status, ..error }),
            };
            size += data.len() as u64;
            times.bore_fruit();
            if times.turn.is_over_with_frame() {
                give_way(deadline).await.map_err(|error| ExchangeError { status, ..error })?;
                times.turn.go_on();
                times.begin_turn();
            }
            if keep == Keep::Nothing && (status < 400 || first.len() + kept.len() >= SHOWN_OF_ERRORS) {
                continue;
            }
            if size > BODY_LIMIT as u64 {
                let message = format!("the body is larger than {} MiB", BODY_LIMIT >> 20);
                return Err(ExchangeError { status, ..ExchangeError::new(Failure::BodyTooLarge, message) });
            }
            // Most bodies come in one piece, which needs no copy.
            if first.is_empty() && kept.is_empty() {
                first = data;
            } else {
                if kept.is_empty() {
                    kept.extend_from_slice(&first);
                }
                kept.extend_from_slice(&data);
            }
        }
        if let Some(extra) = live.driver.leftover() {
            return Err(fault::after_the_answer(status, extra));
        }
        let body = if kept.is_empty() { first } else { kept.freeze() };
        Ok(Reply { status, headers: head.headers, body, size })
    }
}

impl Live {
    async fn head(
        &mut self,
        times: &IoTimes,
        slot: &mut Option<Request<Full<Bytes>>>,
        deadline: &mut Deadline,
    ) -> Result<Response<Incoming>, ExchangeError> {
        let Some(request) = slot.take() else {
            return Err(ExchangeError::new(Failure::Send, "there is no request to send"));
        };
        let length = request.body().size_hint().lower();
        let is_head = *request.method() == Method::HEAD;
        let mut answer = pin!(self.driver.quietly(|| self.send.try_send_request(request)));
        let driver = &mut self.driver;
        let mut result = None;
        std::future::poll_fn(|cx| {
            times.begin_turn();
            driver.drive(cx);
            // The driver has just been polled with the task's waker and is what delivers the answer, so the
            // answer needs no waker of its own: a real one would wake the task once more for nothing.
            if let Poll::Ready(ended) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                result = Some(ended);
                return Poll::Ready(());
            }
            let expired = times.turn.gave_way() && deadline.is_over() || deadline.poll_expired(cx);
            if expired || times.bytes().0 > MOST_BEFORE_HEAD { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        match result {
            Some(Ok(response)) => Ok(response),
            Some(Err(mut error)) => {
                // Not a byte of it had left.
                *slot = error.take_message();
                let error = error.into_error();
                if error.is_parse() && slot.is_none() {
                    return Box::pin(self.head_again(&error, is_head, times, deadline)).await;
                }
                Err(before_head(&error, times, length))
            }
            None => Err(without_head(times)),
        }
    }

    /// Reads a head that hyper has refused once more, in the way that takes what is unusual and right.
    async fn head_again(
        &mut self,
        error: &hyper::Error,
        is_head: bool,
        times: &IoTimes,
        deadline: &mut Deadline,
    ) -> Result<Response<Incoming>, ExchangeError> {
        let Some(parts) = self.driver.take_parts() else { return Err(fault::of_head(error, &[])) };
        if self.is_lenient || !fault::is_readable(error, &parts.read_buf) {
            return Err(fault::of_head(error, &parts.read_buf));
        }
        *self = Self::lenient(parts.io.again(parts.read_buf)).await?;
        // Not sent: hyper wants to have asked, and to know how the answer ends.
        let mut asked = Request::new(Full::default());
        *asked.method_mut() = if is_head { Method::HEAD } else { Method::GET };
        self.head(times, &mut Some(asked), deadline).await
    }

    async fn frame(
        &mut self,
        times: &IoTimes,
        body: &mut Incoming,
        deadline: &mut Deadline,
    ) -> Result<Option<Bytes>, ExchangeError> {
        loop {
            if body.is_end_stream() {
                return Ok(None);
            }
            let mut is_new_turn = false;
            let next = std::future::poll_fn(|cx| {
                // The first time still belongs to the turn in which the head or the frame before came.
                if std::mem::replace(&mut is_new_turn, true) {
                    times.begin_turn();
                }
                // Most bodies were read together with their head: those need no further drive.
                for driven in [false, true] {
                    if driven {
                        self.driver.drive(cx);
                    }
                    let frame = Pin::new(&mut *body).poll_frame(&mut Context::from_waker(Waker::noop()));
                    if let Poll::Ready(frame) = frame {
                        return Poll::Ready(Some(frame));
                    }
                }
                // Polling the body asked the driver for more: it is driven once again before we sleep.
                self.driver.drive(cx);
                let frame = Pin::new(&mut *body).poll_frame(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(frame) = frame {
                    return Poll::Ready(Some(frame));
                }
                let expired = times.turn.gave_way() && deadline.is_over() || deadline.poll_expired(cx);
                if expired { Poll::Ready(None) } else { Poll::Pending }
            })
            .await;
            match next {
                Some(None) => return Ok(None),
                Some(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Some(Err(error))) => return Err(in_body(&error, times)),
                None => return Err(body_out_of_time()),
            }
        }
    }
}

/// Lets the other users of the thread go first, and looks at the clock: a body that comes without pause would
/// leave no time for either.
async fn give_way(deadline: &Deadline) -> Result<(), ExchangeError> {
    super::gate::give_way().await;
    if deadline.is_over() { Err(body_out_of_time()) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
