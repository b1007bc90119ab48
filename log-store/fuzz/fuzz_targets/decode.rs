//! Any bytes are a batch or are refused.

#![no_main]

#[path = "../decode_any.rs"]
mod decode_any;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| decode_any::decode_any(bytes));
