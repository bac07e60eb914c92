//! Who has read for a whole turn waits at the gate of its thread. One of those who wait goes on each time the thread has
//! looked at its timers and sockets and has run what was ready, so that others wait for one such turn however many targets
//! send without a pause. Must not know connections.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Whether one who waits may go on. A task is woken for other reasons too: hyper wakes its own after each of its rounds, and
/// that must let nobody through.
#[derive(Debug, Clone)]
pub(super) struct Pass(Rc<Cell<bool>>);

impl Pass {
    fn new(is_open: bool) -> Self {
        Self(Rc::new(Cell::new(is_open)))
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.get()
    }

    fn let_through(self, waker: Waker) {
        self.0.set(true);
        waker.wake();
    }
}

/// The gate of one thread.
struct Gate {
    waiting: RefCell<VecDeque<(Pass, Waker)>>,
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
                Some((pass, waker)) => {
                    pass.let_through(waker);
                    defer(cx.waker());
                }
                None => *gate.keeper.borrow_mut() = Some(cx.waker().clone()),
            }
        });
        Poll::Pending
    })
    .await
}

/// Wakes the task when it is its turn again, which the pass tells.
pub(super) fn let_others_go_first(cx: &Context<'_>) -> Pass {
    GATE.with(|gate| {
        if !gate.is_kept.get() {
            defer(cx.waker());
            return Pass::new(true);
        }
        let pass = Pass::new(false);
        gate.waiting.borrow_mut().push_back((pass.clone(), cx.waker().clone()));
        if let Some(keeper) = gate.keeper.borrow_mut().take() {
            defer(&keeper);
        }
        pass
    })
}

/// Lets the others go first once.
pub(super) async fn give_way() {
    let mut pass: Option<Pass> = None;
    std::future::poll_fn(|cx| {
        if pass.as_ref().is_some_and(Pass::is_open) {
            return Poll::Ready(());
        }
        pass.get_or_insert_with(|| let_others_go_first(cx));
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
            waiting.into_iter().for_each(|(pass, waker)| pass.let_through(waker));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEDY: usize = 20;

    /// Turns that `GREEDY` tasks which never pause had while another waited for the sockets and timers a hundred times.
    /// They wake themselves all the while, as hyper does.
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
                        if is_kept {
                            std::future::poll_fn(|cx| {
                                cx.waker().wake_by_ref();
                                Poll::Ready(())
                            })
                            .await;
                        }
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
