//! Points in time as scripts write them: `1500ms`, `10s`, `2m`, `1h`, `3d`.

use anyhow::{Context, Result};

const UNITS: [(&str, i64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Milliseconds since the epoch.
pub fn parse(text: &str) -> Result<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let expected = || format!("expected a time like 10s or 1500ms, found {text}");
    let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit).with_context(expected)?;
    let count: i64 = digits.parse().with_context(expected)?;
    count.checked_mul(*unit_ms).with_context(expected)
}

/// Seconds where they are whole, milliseconds otherwise.
pub fn show(ms: i64) -> String {
    if ms % 1_000 == 0 { format!("{}s", ms / 1_000) } else { format!("{ms}ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() -> Result<()> {
        assert_eq!((parse("1500ms")?, parse("10s")?, parse("-2m")?), (1_500, 10_000, -120_000));
        assert_eq!((show(1_500), show(120_000)), ("1500ms".to_owned(), "120s".to_owned()));
        let error = parse("10").expect_err("no unit");
        assert_eq!(error.to_string(), "expected a time like 10s or 1500ms, found 10");
        Ok(())
    }
}
