//! How many users a thread starts at a time. A new user opens a connection, which costs several times what a request on
//! an open one does: a thread that is behind falls further behind with each, and the arrivals it is late with would then
//! ask for more. Must not know why users are started.

use std::time::{Duration, Instant};

/// Lets all else that is ready on this thread have its turn; how long that took. Some µs when nothing is.
pub(super) async fn turn() -> Duration {
    let begun = Instant::now();
    tokio::task::yield_now().await;
    begun.elapsed()
}

/// Most users that are started in one turn. Their first steps take some 2 ms.
pub(super) const MOST_AT_ONCE: usize = 32;

/// Users to start after a turn that took so long: many while the thread has little else to do, one when it is behind.
///
/// When set-ups take time *c* each and all else the share ρ of the thread, turns settle at √(1.6 ms · c / (1 − ρ)): with 60 µs
/// on an idle thread that is 16 users a ms, at ρ = 0.95 one.
pub(super) fn affordable(turn: Duration) -> usize {
    const PRODUCT_US: u128 = 1_600;
    let users = PRODUCT_US / turn.as_micros().max(1);
    usize::try_from(users).map_or(MOST_AT_ONCE, |users| users.clamp(1, MOST_AT_ONCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_thread_starts_many_and_one_that_is_behind_one() {
        let of = |us| affordable(Duration::from_micros(us));
        assert_eq!([0, 50, 100, 400, 800, 1_600, 100_000].map(of), [32, 32, 16, 4, 2, 1, 1]);
    }
}
