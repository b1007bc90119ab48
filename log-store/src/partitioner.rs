//! Which partition a record goes to.

/// The partition of a key, as Kafka's Java client computes it: the key's Murmur2 hash without its
/// sign, modulo the number of partitions. Kafka's own producers put the same key in the same place.
///
/// ```
/// assert_eq!(log_store::partition_for_key(b"user-7", 1), 0);
/// ```
pub fn partition_for_key(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions.max(1)
}

fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let mut h = SEED ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    for (i, byte) in rest.iter().enumerate().rev() {
        h ^= u32::from(*byte) << (8 * i);
    }
    if !rest.is_empty() {
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

/// Keeps records without a key in one partition until its batch is full, then goes on to the next:
/// batches grow large although no key groups them.
#[derive(Clone, Copy, Debug, Default)]
pub struct StickyPartitioner {
    current: u32,
    bytes: usize,
}

impl StickyPartitioner {
    /// How many bytes go to one partition in a row.
    const BATCH_BYTES: usize = 16 * 1024;

    /// Begins with partition 0.
    pub fn new() -> StickyPartitioner {
        StickyPartitioner::default()
    }

    /// The partition for a record of so many bytes.
    pub fn partition_for(&mut self, record_bytes: usize, partitions: u32) -> u32 {
        if self.bytes >= Self::BATCH_BYTES {
            self.bytes = 0;
            self.current = self.current.wrapping_add(1);
        }
        self.bytes += record_bytes;
        self.current % partitions.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values published with Kafka's own tests of the hash.
    #[test]
    fn keys_hash_as_in_the_java_client() {
        let cases: [(&[u8], i32); 5] = [
            (b"21", -973932308),
            (b"foobar", -790332482),
            (b"a-little-bit-long-string", -985981536),
            (b"a-little-bit-longer-string", -1486304829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ];
        for (key, expected) in cases {
            assert_eq!(murmur2(key) as i32, expected);
        }
    }

    #[test]
    fn records_without_a_key_stay_until_the_batch_is_full() {
        let mut sticky = StickyPartitioner::new();
        let partitions: Vec<u32> = (0..6).map(|_| sticky.partition_for(8 * 1024, 2)).collect();
        assert_eq!(partitions, [0, 0, 1, 1, 0, 0]);
    }
}
