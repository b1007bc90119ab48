//! Places in a topic on the command line.

use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use log_store::{Offset, ResetTo, Timestamp};

const NANOS_PER_MS: i64 = 1_000_000;

/// `earliest`, `latest`, an offset, `@` and milliseconds since 1970, or a time as
/// `2024-02-29T12:30:00Z`; a time without an offset from UTC is in UTC.
pub fn parse(text: &str) -> Result<ResetTo, String> {
    match text {
        "earliest" => return Ok(ResetTo::Earliest),
        "latest" => return Ok(ResetTo::Latest),
        _ => {}
    }
    let milliseconds = text.strip_prefix('@').and_then(|text| text.parse().ok());
    let offset = text.parse().ok().filter(|offset| *offset >= 0);
    match (milliseconds, offset) {
        (Some(ms), _) => Ok(ResetTo::Timestamp(Timestamp(ms))),
        (None, Some(offset)) => Ok(ResetTo::Offset(Offset(offset))),
        (None, None) => time(text),
    }
}

fn time(text: &str) -> Result<ResetTo, String> {
    let nanos = string_to_timestamp_nanos(text).map_err(|_| {
        "expected earliest, latest, an offset, a time as 2024-02-29T12:30:00Z or @ and milliseconds since 1970"
            .to_owned()
    })?;
    Ok(ResetTo::Timestamp(Timestamp(nanos.div_euclid(NANOS_PER_MS))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_word_an_offset_or_a_time() {
        let time = |ms| Ok(ResetTo::Timestamp(Timestamp(ms)));
        assert_eq!(parse("earliest"), Ok(ResetTo::Earliest));
        assert_eq!(parse("1500"), Ok(ResetTo::Offset(Offset(1500))));
        assert_eq!(parse("@1500"), time(1500));
        assert_eq!(parse("1970-01-02"), time(86_400_000));
        assert_eq!(parse("1970-01-01T00:00:01.5Z"), time(1500));
        assert_eq!(parse("1970-01-01 02:00:00+02:00"), time(0));
        assert!(parse("-1").is_err() && parse("@").is_err() && parse("yesterday").is_err());
    }
}
