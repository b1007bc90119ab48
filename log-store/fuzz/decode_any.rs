//! What is fuzzed, for the fuzzer and for the test that runs it for a moment.

use log_store::{AppendBatch, Batch, Payload};

/// Any bytes are a batch or are refused: no panic, no endless loop, no unbounded memory.
pub fn decode_any(bytes: &[u8]) {
    // Takes or refuses it as an appender would; either is well.
    let _ = AppendBatch::from_encoded(bytes);
    let Ok(batch) = Batch::from_bytes(bytes.to_vec().into()) else { return };
    let Ok(Payload::Records(records)) = batch.payload() else { return };
    for record in records.iter().map_while(Result::ok) {
        record.headers().for_each(drop);
    }
}
