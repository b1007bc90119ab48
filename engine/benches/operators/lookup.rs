//! Pull queries of one key, from the text of the statement to the row.

use std::time::Instant;

use super::driver::number;
use super::figure::figure;
use super::rig::Rig;

const KEYS: usize = 100_000;
const LOOKUPS: usize = 3_000;

pub async fn measure(mut rig: Rig) {
    rig.stream("USERS", 1, KEYS, |row| row).await;
    rig.table_of("USERS").await;
    let start = Instant::now();
    for lookup in 0..LOOKUPS {
        let key = lookup * 7919 % KEYS;
        let query = format!("SELECT V FROM USERS_BY_KEY WHERE K = {key}");
        assert_eq!(number(&mut rig.session, &query).await, key as i64);
    }
    let time = start.elapsed();
    figure("pull lookup", LOOKUPS as f64 / time.as_secs_f64(), "lookups/s");
}
