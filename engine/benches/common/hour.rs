//! The time of records.

use engine::{Clock, SystemClock};

/// When this hour began. Much older records would be subject to the topics' retention.
pub fn hour() -> i64 {
    let now = SystemClock.now_ms();
    now - now % 3_600_000
}
