//! Counting by key.

use super::rig::{Against, Rig};

/// The keys, in words too, how many records, and how often they are counted.
const SIZES: [(&str, usize, usize, usize); 3] = [
    ("1 thousand", 1_000, 2_000_000, 3),
    ("100 thousand", 100_000, 2_000_000, 3),
    ("10 million", 10_000_000, 10_000_000, 1),
];

pub async fn measure() {
    for (words, keys, records, turns) in SIZES {
        // Each in a directory of its own, which goes before the next one comes.
        let mut rig = Rig::open().await;
        // Neighbours in the topic are far from each other in the order of keys.
        rig.stream("NUMBERS", 1, records, |row| row * 7919 % keys).await;
        rig.against_batch(&Against {
            name: &format!("count by {words} keys"),
            records,
            turns,
            query: "CREATE TABLE {out} AS SELECT K, COUNT(*) AS N FROM NUMBERS GROUP BY K;",
            batch: "SELECT SUM(N) FROM (SELECT K, COUNT(*) AS N FROM NUMBERS GROUP BY K)",
            expected: records as i64,
        })
        .await;
    }
}
