//! Commits of one record each: read, processed, written and committed before the next one comes.

use std::time::Instant;

use log_store::{Partition, RecordsBuilder, Timestamp};

use super::figure::figure;
use super::rig::Rig;

const RECORDS: usize = 5_000;

pub async fn measure(mut rig: Rig) {
    let statements = "
        CREATE STREAM EVENTS (K BIGINT KEY, V BIGINT)
            WITH (KAFKA_TOPIC='EVENTS', PARTITIONS=1, FORMAT='JSON');
        CREATE TABLE COUNTS AS SELECT K, COUNT(*) AS N FROM EVENTS GROUP BY K;";
    rig.session.run(statements).await.expect("the statements are right");
    let topic = rig.engine.log().topic("EVENTS").expect("the topic is there");
    let partition = &topic.partitions()[0];
    let start = Instant::now();
    for record in 0..RECORDS {
        append(partition, record);
        rig.engine.run_until_idle().await.expect("the query runs");
    }
    let time = start.elapsed();
    let queries = rig.engine.queries();
    assert_eq!(queries.iter().map(|query| query.commits).sum::<u64>(), RECORDS as u64);
    figure("commit of one record", RECORDS as f64 / time.as_secs_f64(), "commits/s");
}

fn append(partition: &Partition, record: usize) {
    let mut records = RecordsBuilder::new();
    let (key, value) = ((record % 100).to_string(), format!("{{\"V\":{record}}}"));
    let time = Timestamp(record as i64);
    records.push(Some(key.as_bytes()), Some(value.as_bytes()), time, &[]);
    partition.append(records.build()).expect("the log takes the record");
}
