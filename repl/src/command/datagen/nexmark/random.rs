//! Numbers that look random and depend on a seed and a place alone.

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Random(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The numbers of one place. Those of other places have nothing to do with them, so that events
    /// can be made in any order, and from any of them on.
    pub fn at(seed: u64, place: u64) -> Self {
        Self(mix(mix(seed.wrapping_add(STEP)) ^ place.wrapping_mul(STEP)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `end`, all equally likely; 0 if there is none.
    pub fn below(&mut self, end: i64) -> i64 {
        let wide = u128::from(self.next()) * u128::from(end.max(0).unsigned_abs());
        (wide >> 64) as i64
    }

    /// An index into `count` things.
    pub fn index(&mut self, count: usize) -> usize {
        self.below(count as i64) as usize
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// A number from 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True once in `count` times.
    pub fn once_in(&mut self, count: i64) -> bool {
        self.below(count) == 0
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_its_own_numbers() {
        let first = |seed, place| Random::at(seed, place).next();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(1, 3));
        assert_ne!(first(1, 2), first(2, 2));
    }

    #[test]
    fn numbers_stay_in_their_range_and_fill_it() {
        let mut random = Random::at(7, 0);
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            counts[random.index(10)] += 1;
            assert!((0.0..1.0).contains(&random.unit()));
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
        assert_eq!(random.below(0), 0);
    }
}
