//! Spreading rows over shards by their key: the same projection with a new key and without.

use super::rig::Rig;

const RECORDS: usize = 2_000_000;
const PARTITIONS: usize = 4;

pub async fn measure(mut rig: Rig) {
    rig.stream("NUMBERS", PARTITIONS, RECORDS, |row| row * 7919 % 100_000).await;
    let project = |key: &str| format!("CREATE STREAM {{out}} AS SELECT K, V FROM NUMBERS {key};");
    let name = "exchange between four partitions";
    rig.against_query(name, RECORDS, &project("PARTITION BY K"), &project("")).await;
}
