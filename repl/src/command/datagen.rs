//! `millstream datagen`: made-up records for topics, to try things and to measure them.

pub mod nexmark;

use clap::Subcommand;
use engine::{Engine, Workers};

use self::nexmark::Nexmark;

/// What to make records of.
#[derive(Debug, Subcommand)]
pub enum Generator {
    /// An auction house: persons, auctions and bids, as the Nexmark benchmark has them
    Nexmark(Nexmark),
}

impl Generator {
    /// Who moves the queries meanwhile.
    pub fn workers(&self) -> Workers {
        match self {
            Self::Nexmark(nexmark) => nexmark.workers(),
        }
    }
}

/// Writes the records.
pub async fn run(engine: &Engine, generator: &Generator) -> anyhow::Result<()> {
    match generator {
        Generator::Nexmark(nexmark) => nexmark::run(engine, nexmark).await,
    }
}
