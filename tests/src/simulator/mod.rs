//! A simulator: random programs on an engine whose machine crashes, fills up and fails to sync, against
//! the same programs undisturbed.
//!
//! Everything that happens comes out of a seed: the program ([`program`]), what goes wrong and when
//! ([`world`]), and what is left of files after a crash ([`machine`]). One thread does everything, and
//! the clock is moved by the program. The log lies in the log store's faulty file system; RocksDB in a
//! directory that is brought back to what a crash would have left of it.
//!
//! After every restart: what was acknowledged is there once, nothing is damaged or left over. At the
//! end ([`check`]): every topic holds what that of the undisturbed run does, in order for each key;
//! tables equal it and a batch query over their sources; queries have read everything; what can be
//! computed again gives the same ([`oracle`]); and when all is dropped, nothing stays.
//!
//! Where topics may lose their end with the power, less holds: after a restart, what was durable is there
//! ([`kept`]). At the end tables are what batch queries make of the sources that are left, and streams
//! hold nothing that was not in them undisturbed.

mod chance;
mod check;
mod kept;
mod machine;
mod oracle;
mod program;
mod queries;
mod world;

use std::fmt;

use anyhow::{Context, Result};

pub use world::Tally;

use program::{Durability, Program};
use world::World;

/// A run that did not go well.
#[derive(Debug)]
pub struct Failure {
    /// Of this seed.
    pub seed: u64,
    /// What was wrong.
    pub cause: anyhow::Error,
    /// What had happened.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trace.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        writeln!(f, "seed {}: {:#}", self.seed, self.cause)?;
        write!(f, "again: make simulate SEEDS={}", self.seed)
    }
}

/// Runs the program of a seed, disturbed and undisturbed.
pub async fn simulate(seed: u64) -> Result<(Tally, Vec<String>), Box<Failure>> {
    let program = Program::of(seed);
    let mut trace = vec![format!("seed {seed}: {:?}", program.settings)];
    match run(&program, seed, &mut trace).await {
        Ok(tally) => Ok((tally, trace)),
        Err(cause) => Err(Box::new(Failure { seed, cause, trace })),
    }
}

async fn run(program: &Program, seed: u64, trace: &mut Vec<String>) -> Result<Tally> {
    let mut expected = World::undisturbed(program.settings).await?;
    for step in &program.steps {
        let done = expected.carry_out(step).await;
        done.with_context(|| format!("undisturbed: {step}"))?;
    }
    let mut world = World::disturbed(program.settings, seed).await?;
    let done = disturbed(program, &mut world, &mut expected).await;
    trace.append(&mut world.trace);
    done.map(|()| world.tally())
}

async fn disturbed(program: &Program, world: &mut World, expected: &mut World) -> Result<()> {
    for step in &program.steps {
        world.carry_out(step).await.with_context(|| step.to_string())?;
    }
    world.recover_undisturbed().await?;
    if program.settings.durability == Durability::Power {
        world.check_kept(None)?;
    }
    world.settle().await?;
    let verdicts = oracle::verify(program, world).await?;
    match program.settings.durability {
        Durability::Power => check::sound(program, &verdicts, world, expected).await?,
        Durability::Process | Durability::Strict => check::same(program, world, expected).await?,
    }
    check::nothing_stays(program, world).await
}
