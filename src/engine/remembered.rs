//! How much memory the values take that one user has captured or set. Must not hold the values.

use crate::template::SlotId;

/// A value below this many bytes is not counted: a plan has only so many names.
const SMALL: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    /// The large values: where each is, and its bytes. Of a login, which forgets them with it, the last one.
    large: Vec<(Option<SlotId>, usize)>,
}

impl Remembered {
    /// Notes a value that takes the place of another; the bytes of all large ones.
    pub fn replace(&mut self, slot: Option<SlotId>, bytes: usize) -> usize {
        if bytes < SMALL && self.large.is_empty() {
            return bytes;
        }
        self.large.retain(|(known, _)| *known != slot);
        if bytes >= SMALL {
            self.large.push((slot, bytes));
        }
        self.large.iter().map(|(_, bytes)| bytes).sum()
    }
}
