//! Reads one value out of a JSON text by its path, without making anything of the rest. Must agree with
//! [`super::tree`] about what a path leads to.

use std::ops::Range;

use super::scan::{JsonError, Visit, scan};
use super::string::is_text;

/// A step of a path.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::template) enum Key {
    /// A member of an object.
    Name(Box<str>),
    /// An item of a list, from 0; from the end when negative.
    Index(i64),
}

/// Longest path that is followed here.
const LONGEST: usize = 16;

/// Whether a path can be followed without a tree.
pub(in crate::template) fn can_find(keys: &[Key]) -> bool {
    !keys.is_empty() && keys.len() <= LONGEST && keys.iter().all(|key| !matches!(key, Key::Index(..0)))
}

/// Where the value is that the path leads to, and how many of its steps lead there: fewer than all when a scalar stands
/// in the way. The whole text is checked.
///
/// # Errors
/// When the text is not JSON.
pub(super) fn find(text: &[u8], keys: &[Key]) -> Result<Option<(Range<usize>, usize)>, JsonError> {
    let mut find = Find {
        text,
        keys,
        depth: 0,
        on_path: 0,
        is_map: [false; LONGEST],
        count: [0; LONGEST],
        named: false,
        at: None,
        found: None,
    };
    scan(text, &mut find)?;
    Ok(find.found)
}

struct Find<'a> {
    text: &'a [u8],
    keys: &'a [Key],
    /// Open containers.
    depth: usize,
    /// How many of them the path leads through, from the outermost.
    on_path: usize,
    is_map: [bool; LONGEST],
    /// Items of a list so far.
    count: [i64; LONGEST],
    /// The member that begins has the name that is looked for.
    named: bool,
    /// The container looked for has begun there, and is not closed.
    at: Option<usize>,
    found: Option<(Range<usize>, usize)>,
}

impl Find<'_> {
    /// Whether the path leads to the value that begins.
    fn is_met(&mut self) -> bool {
        if self.depth == 0 {
            return true;
        }
        if self.on_path != self.depth {
            return false;
        }
        let level = self.depth - 1;
        let is_met = match (self.keys.get(level), self.is_map.get(level)) {
            (Some(Key::Name(_)), Some(true)) => std::mem::take(&mut self.named),
            (Some(Key::Index(index)), Some(false)) => {
                self.count[level] += 1;
                self.count[level] - 1 == *index
            }
            _ => false,
        };
        if is_met {
            // A name that comes again replaces what it was before.
            self.found = None;
        }
        is_met
    }
}

impl Visit for Find<'_> {
    fn open(&mut self, at: usize, is_map: bool) -> bool {
        let is_met = self.is_met();
        if is_met && self.depth == self.keys.len() {
            self.at = Some(at);
        } else if is_met {
            self.is_map[self.depth] = is_map;
            self.count[self.depth] = 0;
            self.on_path = self.depth + 1;
        }
        self.depth += 1;
        true
    }

    fn key(&mut self, at: Range<usize>) -> bool {
        if self.on_path == self.depth
            && let Some(Key::Name(name)) = self.keys.get(self.depth - 1)
        {
            self.named = is_text(self.text, at.start, name);
        }
        true
    }

    fn scalar(&mut self, at: Range<usize>) -> bool {
        if self.is_met() {
            self.found = Some((at, self.depth));
        }
        true
    }

    fn close(&mut self, end: usize) -> bool {
        self.depth -= 1;
        if self.on_path > self.depth {
            self.on_path = self.depth;
        }
        if self.depth == self.keys.len()
            && let Some(at) = self.at.take()
        {
            self.found = Some((at..end, self.depth));
        }
        true
    }
}
