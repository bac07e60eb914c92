//! Who has read for a whole turn waits at the gate of its thread. One of those who wait goes on each time the thread has
//! looked at its timers and sockets and has run what was ready, so that others wait for one such turn however many targets
//! send without a pause. Must not know connections.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The gate of one thread.
struct Gate {
    waiting: RefCell<VecDeque<Waker>>,
    /// Whoever lets them through, while nobody waits.
    keeper: RefCell<Option<Waker>>,
    is_kept: Cell<bool>,
}

thread_local! {
    static GATE: Gate = const {
        Gate { waiting: RefCell::new(VecDeque::new()), keeper: RefCell::new(None), is_kept: Cell::new(false) }
    };
}

/// Lets those through who wait on this thread, one by one; never ends. Without it they go on together.
pub async fn keep_gate() {
    let _kept = Kept::new();
    std::future::poll_fn(|cx| {
        GATE.with(|gate| {
            let next = gate.waiting.borrow_mut().pop_front();
            match next {
                Some(next) => {
                    next.wake();
                    defer(cx.waker());
                }
                None => *gate.keeper.borrow_mut() = Some(cx.waker().clone()),
            }
        });
        Poll::Pending
    })
    .await
}

/// Wakes the task when it is its turn again.
pub(super) fn let_others_go_first(cx: &Context<'_>) {
    GATE.with(|gate| {
        if !gate.is_kept.get() {
            return defer(cx.waker());
        }
        gate.waiting.borrow_mut().push_back(cx.waker().clone());
        if let Some(keeper) = gate.keeper.borrow_mut().take() {
            defer(&keeper);
        }
    });
}

/// Lets the others go first once.
pub(super) async fn give_way() {
    let mut has_given = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut has_given, true) {
            return Poll::Ready(());
        }
        let_others_go_first(cx);
        Poll::Pending
    })
    .await
}

/// Wakes a task after the thread has looked at its timers and sockets and the tasks that are ready had their turn. A plain
/// wake-up would let it run up to 61 times before that.
fn defer(waker: &Waker) {
    // It is pending the first time, and sees to it that the task is woken.
    let _ = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(waker));
}

/// The time in which somebody keeps the gate.
struct Kept;

impl Kept {
    fn new() -> Self {
        GATE.with(|gate| gate.is_kept.set(true));
        Self
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // The thread's last tasks may end after its gate.
        let _ = GATE.try_with(|gate| {
            gate.is_kept.set(false);
            gate.keeper.borrow_mut().take();
            let waiting = std::mem::take(&mut *gate.waiting.borrow_mut());
            waiting.into_iter().for_each(Waker::wake);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    const GREEDY: usize = 20;

    /// Turns that `GREEDY` tasks which never pause had while another waited for the sockets and timers a hundred times.
    fn turns_of_the_greedy(is_kept: bool) -> usize {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let tasks = tokio::task::LocalSet::new();
        tasks.block_on(&runtime, async {
            if is_kept {
                tokio::task::spawn_local(keep_gate());
                tokio::task::yield_now().await;
            }
            let turns = Rc::new(Cell::new(0));
            for _ in 0..GREEDY {
                let turns = turns.clone();
                tokio::task::spawn_local(async move {
                    loop {
                        turns.set(turns.get() + 1);
                        give_way().await;
                    }
                });
            }
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            turns.get()
        })
    }

    #[test]
    fn one_of_them_has_a_turn_each_time() {
        let (together, one_by_one) = (turns_of_the_greedy(false), turns_of_the_greedy(true));
        assert!(together >= 50 * GREEDY, "{together}");
        assert!((50..=200 + GREEDY).contains(&one_by_one), "{one_by_one}");
    }

    #[test]
    fn those_who_wait_go_on_when_the_gate_is_left() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let tasks = tokio::task::LocalSet::new();
        tasks.block_on(&runtime, async {
            let keeper = tokio::task::spawn_local(keep_gate());
            tokio::task::yield_now().await;
            let waits = tokio::task::spawn_local(give_way());
            tokio::task::spawn_local(async move { keeper.abort() });
            waits.await.unwrap();
            tokio::task::spawn_local(give_way()).await.unwrap();
        });
    }
}
