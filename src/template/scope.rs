//! Where a template's names come from: one slot a name, resolved when the plan is compiled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

/// Index of a name's value in a [`Scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u16);

/// Names an `expect` or `capture` can use; they have the first slots, in this order.
pub const RESPONSE_NAMES: [&str; 7] = ["status", "headers", "body", "json", "cookies", "latency_ms", "size"];

/// Every name of a plan. Built once; a later scope's name takes the slot of an earlier one.
#[derive(Debug, Clone)]
pub struct Names {
    slots: BTreeMap<Box<str>, SlotId>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Self { slots: BTreeMap::new() };
        for name in RESPONSE_NAMES {
            names.add(name);
        }
        names
    }
}

impl Names {
    /// The slot of a name, made when it is new.
    pub fn add(&mut self, name: &str) -> SlotId {
        let next = SlotId(self.slots.len() as u16);
        *self.slots.entry(name.into()).or_insert(next)
    }

    /// The slot of a name.
    pub fn get(&self, name: &str) -> Option<SlotId> {
        self.slots.get(name).copied()
    }

    /// The name of a slot.
    pub fn name_of(&self, slot: SlotId) -> Option<&str> {
        self.slots.iter().find(|(_, known)| **known == slot).map(|(name, _)| &**name)
    }

    /// How many slots there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none; never true, the response's names are always there.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

/// The values one user sees. Behind a mutex because minijinja's objects must be `Sync`; one user lives on
/// one thread, so the lock is never waited for.
#[derive(Debug)]
pub struct Scope {
    names: Arc<Names>,
    slots: Mutex<Vec<Value>>,
}

impl Scope {
    /// A scope over `names` with the values every user starts with; missing ones are undefined.
    pub fn new(names: Arc<Names>, initial: &[(SlotId, Value)]) -> Arc<Self> {
        let mut slots = vec![Value::UNDEFINED; names.len()];
        for (slot, value) in initial {
            slots[slot.0 as usize] = value.clone();
        }
        Arc::new(Self { names, slots: Mutex::new(slots) })
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Value>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a value.
    pub fn set(&self, slot: SlotId, value: Value) {
        self.slots()[slot.0 as usize] = value;
    }

    /// A value; undefined when nothing has set it.
    pub fn get(&self, slot: SlotId) -> Value {
        self.slots()[slot.0 as usize].clone()
    }

    /// Whether a scope of the plan has the name.
    pub fn knows(&self, name: &str) -> bool {
        self.names.get(name).is_some()
    }

    /// The value of a name, `None` when no scope of the plan has it.
    pub fn by_name(&self, name: &str) -> Option<Value> {
        self.names.get(name).map(|slot| self.get(slot))
    }
}

/// `user` in templates. Its numbers change in place: a new iteration allocates nothing.
#[derive(Debug)]
pub struct UserNumbers {
    id: u64,
    iteration: AtomicU64,
    /// What `counter()` has reached, by name.
    counters: Mutex<Vec<(Box<str>, u64)>>,
}

impl UserNumbers {
    /// Most counters of one user.
    pub const MOST_COUNTERS: usize = 32;

    /// Of a user, in its first iteration.
    pub fn new(id: u64) -> Arc<Self> {
        Arc::new(Self { id, iteration: AtomicU64::new(0), counters: Mutex::default() })
    }

    /// The next number of a counter, from 1; `None` when there are too many of them.
    pub fn count(&self, name: &str) -> Option<u64> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, number)) = counters.iter_mut().find(|(known, _)| **known == *name) {
            *number += 1;
            return Some(*number);
        }
        (counters.len() < Self::MOST_COUNTERS).then(|| {
            counters.push((name.into(), 1));
            1
        })
    }

    /// Says which iteration it is, from 0.
    pub fn set_iteration(&self, iteration: u64) {
        self.iteration.store(iteration, Ordering::Relaxed);
    }
}

impl Object for UserNumbers {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "id" => Some(Value::from(self.id)),
            "iteration" => Some(Value::from(self.iteration.load(Ordering::Relaxed))),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["id", "iteration"])
    }
}

impl Object for Scope {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.by_name(key).filter(|value| !value.is_undefined())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}
