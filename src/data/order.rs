//! Which row a position of the run gets. Pure arithmetic over (seed, position): no state, so any number of
//! workers agree and a run can be repeated. Must not hold rows or count.

/// In which order rows are handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As they stand in the file.
    #[default]
    Sequential,
    /// Every row once in a random order, then again in another.
    Shuffled,
    /// Any row each time; never ends.
    Random,
}

/// What happens when every row was handed out once; [`Order::Random`] never gets there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnEnd {
    /// Begin again.
    #[default]
    Recycle,
    /// The run ends, as planned.
    Stop,
    /// The run ends, and that is an error.
    Fail,
}

/// The seed of one feed of a run, so that two feeds are not shuffled alike.
pub fn feed_seed(run_seed: u64, feed: usize) -> u64 {
    mix(run_seed ^ mix(feed as u64))
}

/// The index of the row, below `rows`; `None` when an order that ends has ended.
pub(super) fn index_at(rows: u64, position: u64, seed: u64, order: Order, on_end: OnEnd) -> Option<u64> {
    let (pass, within) = (position.checked_div(rows)?, position % rows);
    match (order, on_end) {
        (Order::Random, _) => {
            // Multiply-shift instead of `%`: no favour to the first rows (Lemire 2019).
            let hash = u128::from(mix(feed_seed(seed, 0) ^ mix(position)));
            Some(((hash * u128::from(rows)) >> 64) as u64)
        }
        (_, OnEnd::Stop | OnEnd::Fail) if pass > 0 => None,
        (Order::Sequential, _) => Some(within),
        (Order::Shuffled, _) => Some(permute(within, rows, mix(seed ^ mix(pass)))),
    }
}

/// Where `index` goes in the permutation of `0..size` that `key` names; O(1), nothing stored.
///
/// A Feistel network permutes a power of four that holds `size`; results outside are sent through again until
/// one is inside, which keeps it a permutation (Black & Rogaway 2002, "cycle walking"; below four rounds of it
/// on average).
fn permute(index: u64, size: u64, key: u64) -> u64 {
    let half_bits = (u64::BITS - size.saturating_sub(1).leading_zeros()).div_ceil(2).max(1);
    let mask = (1_u64 << half_bits) - 1;
    let mut at = index;
    loop {
        let (mut left, mut right) = (at >> half_bits, at & mask);
        for round in 0..8 {
            (left, right) = (right, left ^ mix(key ^ mix(right << 3 | round)) & mask);
        }
        at = left << half_bits | right;
        if at < size {
            return at;
        }
    }
}

/// SplitMix64 (Steele, Lea & Flood 2014): one step and its finaliser.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn all(rows: u64, pass: u64, seed: u64) -> Vec<u64> {
        let positions = pass * rows..(pass + 1) * rows;
        positions.map(|at| index_at(rows, at, seed, Order::Shuffled, OnEnd::Recycle).unwrap()).collect()
    }

    proptest! {
        #[test]
        fn a_shuffled_pass_has_every_row_once(rows in 1u64..600, pass in 0u64..9, seed: u64) {
            let mut seen = all(rows, pass, seed);
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..rows).collect::<Vec<_>>());
        }

        #[test]
        fn every_index_is_a_row(rows in 1u64..9000, position: u64, seed: u64) {
            for order in [Order::Sequential, Order::Shuffled, Order::Random] {
                prop_assert!(index_at(rows, position, seed, order, OnEnd::Recycle).unwrap() < rows);
            }
        }
    }

    #[test]
    fn every_order_of_four_rows_comes_up_about_as_often() {
        let mut counts: HashMap<Vec<u64>, u32> = HashMap::new();
        for seed in 0..24_000 {
            *counts.entry(all(4, seed % 7, seed)).or_default() += 1;
        }
        assert_eq!(counts.len(), 24);
        assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn passes_feeds_and_seeds_are_shuffled_differently() {
        let (first, second) = (all(100, 0, 1), all(100, 1, 1));
        assert_ne!(first, second);
        assert_ne!(first, all(100, 0, 2));
        assert_ne!(first, (0..100).collect::<Vec<_>>());
        assert_eq!(first, all(100, 0, 1));
        assert_ne!(feed_seed(1, 0), feed_seed(1, 1));
    }

    #[test]
    fn random_picks_are_even() {
        let mut counts = [0_u32; 10];
        for position in 0..10_000 {
            counts[index_at(10, position, 42, Order::Random, OnEnd::Stop).unwrap() as usize] += 1;
        }
        assert!(counts.iter().all(|count| (880..1120).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_end_recycles_stops_or_fails() {
        let at = |position, on_end| index_at(3, position, 0, Order::Sequential, on_end);
        assert_eq!(at(2, OnEnd::Stop), Some(2));
        assert_eq!(at(3, OnEnd::Stop), None);
        assert_eq!(at(3, OnEnd::Fail), None);
        assert_eq!(at(7, OnEnd::Recycle), Some(1));
        assert_eq!(index_at(0, 0, 0, Order::Random, OnEnd::Recycle), None);
    }
}
