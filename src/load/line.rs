//! One straight piece of a user curve, in whole numbers: nanoseconds and billionths of a user. Whole numbers so
//! that "how many" and "when does that change" can never disagree by a rounding error. Must not know stages.

/// Billionths of a user in one user.
pub(super) const USER: i128 = 1_000_000_000;

/// The longest curve, 100 years in nanoseconds: keeps every product below inside 128 bits.
pub(super) const LONGEST_NS: i128 = 100 * 365 * 24 * 3600 * 1_000_000_000;

/// Users on a level that nothing moves: everyone who has started and not yet stopped.
pub(super) fn users_at(level: i128) -> u32 {
    let users = (level + USER - 1).div_euclid(USER);
    u32::try_from(users.max(0)).unwrap_or(u32::MAX)
}

/// A line from `from` to `to` (levels in billionths of a user) over `length_ns` > 0, beginning at `start_ns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) start_ns: i128,
    pub(super) length_ns: i128,
    pub(super) from: i128,
    pub(super) to: i128,
}

impl Line {
    /// Users `into_ns` after the line's start, `0 <= into_ns < length_ns`. Rising: user i (0-based) runs once
    /// the line has reached i. Falling: user i runs until the line falls to i or below.
    pub(super) fn users(&self, into_ns: i128) -> u32 {
        // level × length, exact: below 2^32 users × 10^9 × 3.2 × 10^18 ns, which is under 2^127.
        let scaled = self.from * self.length_ns + (self.to - self.from) * into_ns;
        let user = USER * self.length_ns;
        let users = if self.to > self.from {
            scaled.div_euclid(user) + 1
        } else {
            scaled.div_euclid(user) + i128::from(scaled.rem_euclid(user) != 0)
        };
        u32::try_from(users.max(0)).unwrap_or(u32::MAX)
    }

    /// The first moment (ns after the line's start, inside the line) at which the count is no longer `users`,
    /// given that it is `users` now.
    pub(super) fn leaves(&self, users: u32) -> Option<i128> {
        let rise = self.to - self.from;
        let distance = match rise.signum() {
            1 => i128::from(users) * USER - self.from,
            -1 => self.from - (i128::from(users) - 1) * USER,
            _ => return None,
        };
        let into_ns = div_ceil(distance.max(0) * self.length_ns, rise.abs());
        (into_ns < self.length_ns).then_some(into_ns)
    }
}

/// `a / b` rounded up, for `a >= 0` and `b > 0`.
fn div_ceil(a: i128, b: i128) -> i128 {
    a / b + i128::from(a % b != 0)
}
