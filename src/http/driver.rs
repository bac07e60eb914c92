//! The half of a hyper connection that moves bytes, polled in the task of the user that owns it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;

use super::wire::Wire;

type HyperConnection = http1::Connection<Wire, Full<Bytes>>;

/// A connection's driver and the waker it knows.
pub struct Driver {
    /// `None` once it has ended: only dropping it hands back a request it has not looked at.
    connection: Option<Pin<Box<HyperConnection>>>,
    /// What has ended, when hyper had read bytes that it could do nothing with.
    rest: Option<Box<http1::Parts<Wire>>>,
    muffler: Arc<Muffler>,
    waker: Waker,
}

/// The task's waker as the driver sees it. Handing a request over wakes the driver, and so the very task that
/// is about to poll it: one useless poll a request. While `muffled`, such a wake is dropped. No other wake can
/// fall into that time: it is synchronous, and the driver is polled right after it.
struct Muffler {
    task: Waker,
    muffled: AtomicBool,
}

impl Wake for Muffler {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.muffled.load(Ordering::Relaxed) {
            self.task.wake_by_ref();
        }
    }
}

impl Driver {
    pub fn new(connection: HyperConnection) -> Self {
        let muffler = Arc::new(Muffler { task: Waker::noop().clone(), muffled: AtomicBool::new(false) });
        let waker = Waker::from(muffler.clone());
        Self { connection: Some(Box::pin(connection)), rest: None, muffler, waker }
    }

    /// Moves what can be moved; wakes the task of `cx` when there is more.
    pub fn drive(&mut self, cx: &Context<'_>) {
        let Some(connection) = &mut self.connection else { return };
        if !self.muffler.task.will_wake(cx.waker()) {
            self.muffler = Arc::new(Muffler { task: cx.waker().clone(), muffled: AtomicBool::new(false) });
            self.waker = Waker::from(self.muffler.clone());
        }
        // Why it ended is told by the request's own future.
        if connection.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready() {
            self.end(cx);
        }
    }

    fn end(&mut self, cx: &Context<'_>) {
        let Some(mut parts) = self.connection.take().map(|ended| Pin::into_inner(ended).into_parts()) else {
            return;
        };
        if parts.read_buf.is_empty() {
            parts.io.shut_down(&mut Context::from_waker(cx.waker()));
        } else {
            self.rest = Some(Box::new(parts));
        }
    }

    /// Runs `hand_over` without waking the task; [`Driver::drive`] must follow before the task sleeps.
    pub fn quietly<T>(&self, hand_over: impl FnOnce() -> T) -> T {
        self.muffler.muffled.store(true, Ordering::Relaxed);
        let done = hand_over();
        self.muffler.muffled.store(false, Ordering::Relaxed);
        done
    }

    /// The stream and what was read from it that belongs to no answer; `None` when the connection has ended without
    /// such bytes.
    pub fn take_parts(&mut self) -> Option<http1::Parts<Wire>> {
        match self.connection.take() {
            Some(connection) => Some(Pin::into_inner(connection).into_parts()),
            None => self.rest.take().map(|rest| *rest),
        }
    }

    /// Bytes on which the connection has ended: hyper takes none that nobody has asked for.
    pub fn leftover(&self) -> Option<&[u8]> {
        self.rest.as_ref().map(|rest| &*rest.read_buf)
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.connection.is_none()
    }
}
