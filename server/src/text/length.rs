//! How long a text of statements may be: it is taken apart in memory, which takes many times its
//! length.

use crate::failure::{Failure, sqlstate};

/// Bytes of a statement, or of a script that is sent as one message.
const BYTES_MAX: usize = 32 << 20;

/// Refuses what is too long, before anything is done with it.
pub(crate) fn check_length(script: &str) -> Result<(), Failure> {
    if script.len() <= BYTES_MAX {
        return Ok(());
    }
    let message =
        format!("expected at most {BYTES_MAX} bytes of statements, found {}", script.len());
    let failure = Failure::new(sqlstate::PROGRAM_LIMIT_EXCEEDED, message);
    Err(failure.hint("send statements one by one, and many rows with COPY name FROM STDIN"))
}
