//! Command lines of benches: options, each with a value.

use anyhow::{Context, Result, bail};

/// Calls `take` with each option and its value; it says whether it knows the option.
pub fn each(
    mut given: impl Iterator<Item = String>,
    usage: &str,
    mut take: impl FnMut(&str, &str) -> Result<bool>,
) -> Result<()> {
    while let Some(option) = given.next() {
        let value = given.next().with_context(|| format!("{option} needs a value; {usage}"))?;
        if !take(&option, &value)? {
            bail!("expected no {option} {value}; {usage}");
        }
    }
    Ok(())
}
