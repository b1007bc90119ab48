//! Which keys may have been dropped from memory.
//!
//! Where a store drops what it holds, a key that comes for the first time would have to be looked for in the
//! backend, which is most of the work where most keys are new. This remembers what was dropped, in a
//! few bits for each key (a Bloom filter): what it does not know is not in the backend.

use ahash::RandomState;

/// Bits that are set for a key.
const PROBES: u64 = 3;

/// The keys that may have been dropped.
#[derive(Debug)]
pub enum Dropped {
    /// None of them.
    Nothing,
    /// Those that the filter knows.
    Some(Filter),
    /// Perhaps any key.
    Anything,
}

/// A set of keys that may take others for its own.
#[derive(Debug)]
pub struct Filter {
    bits: Vec<u64>,
    hasher: RandomState,
}

impl Dropped {
    /// Notes keys that are dropped now; `bytes` is what a filter may take.
    pub fn add<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>, bytes: usize) {
        if let Self::Nothing = self {
            *self = Self::Some(Filter::new(bytes));
        }
        if let Self::Some(filter) = self {
            keys.for_each(|key| filter.add(key));
        }
    }

    /// Whether a key that is not in memory may be in the backend.
    pub fn may_have(&self, key: &[u8]) -> bool {
        match self {
            Self::Nothing => false,
            Self::Some(filter) => filter.may_have(key),
            Self::Anything => true,
        }
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        match self {
            Self::Some(filter) => filter.bits.len() * size_of::<u64>(),
            Self::Nothing | Self::Anything => 0,
        }
    }
}

impl Filter {
    fn new(bytes: usize) -> Self {
        let words = (bytes / size_of::<u64>()).max(1);
        Self { bits: vec![0; words], hasher: RandomState::with_seeds(1, 2, 3, 4) }
    }

    fn places(&self, key: &[u8]) -> impl Iterator<Item = (usize, u64)> + use<> {
        let (hash, bits) = (self.hasher.hash_one(key), self.bits.len() as u64 * 64);
        let step = hash.rotate_left(32) | 1;
        (0..PROBES).map(move |probe| {
            let bit = hash.wrapping_add(step.wrapping_mul(probe)) % bits;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    fn add(&mut self, key: &[u8]) {
        self.places(key).for_each(|(word, bit)| self.bits[word] |= bit);
    }

    fn may_have(&self, key: &[u8]) -> bool {
        self.places(key).all(|(word, bit)| self.bits[word] & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dropped_is_known_and_little_else() {
        let key = |number: u32| number.to_be_bytes();
        let mut dropped = Dropped::Nothing;
        assert!(!dropped.may_have(&key(1)));
        let keys: Vec<_> = (0..10_000).map(key).collect();
        dropped.add(keys.iter().map(|key| &key[..]), 20_000);
        assert!(keys.iter().all(|key| dropped.may_have(key)));
        let others = (10_000..20_000).filter(|other| dropped.may_have(&key(*other))).count();
        assert!(others < 1000, "{others} of 10,000 others");
        assert_eq!(dropped.memory(), 20_000);
        assert!(Dropped::Anything.may_have(&key(1)));
    }
}
