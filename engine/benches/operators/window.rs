//! Giving records their windows: the same count with windows and without.

use super::rig::Rig;

const RECORDS: usize = 1_000_000;
const KEYS: usize = 1_000;

pub async fn measure(mut rig: Rig) {
    rig.stream("NUMBERS", 1, RECORDS, |row| row % KEYS).await;
    let count = |window: &str| {
        format!("CREATE TABLE {{out}} AS SELECT K, COUNT(*) AS N FROM NUMBERS {window} GROUP BY K;")
    };
    let plain = count("");
    let tumbling = count("WINDOW TUMBLING (SIZE 1 HOUR)");
    rig.against_query("tumbling windows", RECORDS, &tumbling, &plain).await;
    let hopping = count("WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 10 MINUTES)");
    rig.against_query("hopping windows, six for each record", RECORDS, &hopping, &plain).await;
}
