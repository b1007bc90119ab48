//! `VERIFY` as a judge of what queries have made.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

use super::program::{Durability, Known, Program};
use super::world::World;

/// What `VERIFY` says of a stream or table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is what its queries make of their sources.
    Equal,
    /// It is not, which may be where outputs were lost.
    Differs,
    /// It cannot be said, because something that was read is gone or the query has changed.
    Unknown,
    /// It cannot be said, because what was read was lost with the power.
    Cut,
}

/// The verdicts by name.
pub type Verdicts = BTreeMap<String, Verdict>;

/// Lets the engine compute again what queries have made that still run.
pub async fn verify(program: &Program, world: &mut World) -> Result<Verdicts> {
    let mut verdicts = Verdicts::new();
    let made = program.known.iter().filter(|known| known.query.is_some() && !known.is_ended);
    for known in made {
        let verdict = one(program, known, world).await?;
        if verdict == Verdict::Equal {
            world.verified();
        }
        verdicts.insert(known.name.clone(), verdict);
    }
    Ok(verdicts)
}

async fn one(program: &Program, known: &Known, world: &mut World) -> Result<Verdict> {
    let Err(error) = world.run(&format!("VERIFY {};", known.name)).await else {
        return Ok(Verdict::Equal);
    };
    let text = format!("{error:#}");
    let may_lose = program.settings.durability == Durability::Power;
    if text.contains("a loss of power has cut") {
        ensure!(may_lose, "nothing is lost with the power here: {text}");
        return Ok(Verdict::Cut);
    }
    let is_compacted = text.contains("its source was compacted");
    if is_compacted || (known.is_replaced && text.contains("CREATE OR REPLACE")) {
        return Ok(Verdict::Unknown);
    }
    // An output that was lost, or is there twice, is no fault of the state: rows must be the same.
    match may_lose && text.contains("is not what quer") && !text.contains("\n  row ") {
        true => Ok(Verdict::Differs),
        false => bail!("VERIFY {}: {text}", known.name),
    }
}
