//! A keyed store that forgets its oldest entry when it is full, so an hour of load cannot eat the machine.
//! Must not know what it stores.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::id::Id;

/// Locks `mutex`; data behind a poisoned lock is still whole here, since no holder can panic half-way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Entries by id in order of arrival, at most `capacity` of them; the first `pinned` are never forgotten.
pub(super) struct Bounded<V> {
    by_id: HashMap<Id, V>,
    order: VecDeque<Id>,
    pinned: usize,
    capacity: usize,
}

impl<V> Bounded<V> {
    /// An empty store; `pinned` must be below `capacity`.
    pub(super) fn new(capacity: usize, pinned: usize) -> Bounded<V> {
        debug_assert!(pinned < capacity);
        Bounded { by_id: HashMap::new(), order: VecDeque::new(), pinned, capacity }
    }

    /// Adds a new id, forgetting the oldest unpinned entry when full; false (and no change) if it is known.
    pub(super) fn insert(&mut self, id: Id, value: V) -> bool {
        if self.by_id.contains_key(&id) {
            return false;
        }
        if self.order.len() >= self.capacity
            && let Some(oldest) = self.order.remove(self.pinned)
        {
            self.by_id.remove(&oldest);
        }
        self.order.push_back(id);
        self.by_id.insert(id, value);
        true
    }

    pub(super) fn get(&self, id: &Id) -> Option<&V> {
        self.by_id.get(id)
    }

    /// Up to `limit` entries from the `offset`th on, oldest first.
    pub(super) fn page(&self, offset: usize, limit: usize) -> impl Iterator<Item = (Id, &V)> {
        let from = offset.min(self.order.len());
        let to = from.saturating_add(limit).min(self.order.len());
        self.order.range(from..to).filter_map(|id| self.by_id.get(id).map(|value| (*id, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> Bounded<u128> {
        let mut store = Bounded::new(5, 2);
        for n in 0..8 {
            assert!(store.insert(Id::number(n), n));
        }
        store
    }

    #[test]
    fn forgets_the_oldest_but_not_the_pinned() {
        let store = filled();
        let left: Vec<u128> = store.page(0, 100).map(|(_, n)| *n).collect();
        assert_eq!(left, [0, 1, 5, 6, 7]);
        assert!(store.get(&Id::number(4)).is_none());
        assert_eq!(store.by_id.len(), 5);
    }

    #[test]
    fn pages_and_survives_absurd_offsets() {
        let store = filled();
        assert_eq!(store.page(1, 2).map(|(_, n)| *n).collect::<Vec<_>>(), [1, 5]);
        assert_eq!(store.page(usize::MAX, usize::MAX).count(), 0);
    }

    #[test]
    fn refuses_a_known_id() {
        assert!(!filled().insert(Id::number(7), 0));
    }
}
