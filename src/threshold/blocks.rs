//! The times of a run in 20–40 equally long blocks, so that an interval can be told from how the blocks differ. Must
//! not know what is computed from them.

use crate::metric::SparseTimes;

/// Blocks at most; then pairs are merged.
const MOST: usize = 40;

/// Times of one block.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    /// Times of what ended.
    pub times: SparseTimes,
    /// Requests of which only a lower bound is known.
    pub censored: u64,
}

impl Block {
    /// Samples in it.
    pub(super) fn count(&self) -> u64 {
        self.times.count() + self.censored
    }

    fn add(&mut self, other: &Self) {
        self.times.add(&other.times);
        self.censored += other.censored;
    }
}

/// Blocks in the order of time. They start with a second each and grow with the run.
#[derive(Debug)]
pub(super) struct Blocks {
    seconds_each: u64,
    /// Seconds in the last block.
    filled: u64,
    blocks: Vec<Block>,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self { seconds_each: 1, filled: 1, blocks: vec![] }
    }

    /// Adds the next second.
    pub(super) fn push(&mut self, second: &Block) {
        if self.filled == self.seconds_each && self.blocks.len() == MOST {
            let merged = self.blocks.chunks(2).map(|pair| {
                let mut whole = Block::default();
                pair.iter().for_each(|block| whole.add(block));
                whole
            });
            self.blocks = merged.collect();
            self.seconds_each *= 2;
            self.filled = self.seconds_each;
        }
        if self.filled == self.seconds_each {
            self.blocks.push(Block::default());
            self.filled = 0;
        }
        self.filled += 1;
        if let Some(last) = self.blocks.last_mut() {
            last.add(second);
        }
    }

    pub(super) fn all(&self) -> &[Block] {
        &self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Distribution;

    #[test]
    fn equal_blocks_and_nothing_lost() {
        let mut blocks = Blocks::new();
        for second in 0..1000u64 {
            let mut times = Distribution::default();
            times.record(second + 1);
            blocks.push(&Block { times: SparseTimes::of(&times), censored: second % 2 });
            let all = blocks.all();
            let total: u64 = all.iter().map(Block::count).sum();
            assert_eq!(total, second + 1 + second.div_ceil(2), "second {second}");
            assert!(all.len() <= MOST);
            assert!(second < 20 || all.len() >= MOST / 2, "second {second}: {} blocks", all.len());
            let lengths: Vec<_> = all.iter().map(|block| block.times.count()).collect();
            let (last, full) = lengths.split_last().unwrap();
            assert!(full.iter().all(|length| *length == lengths[0]), "second {second}: {lengths:?}");
            assert!(*last <= lengths[0], "second {second}: {lengths:?}");
        }
        assert_eq!(blocks.all().len(), 32);
    }
}
