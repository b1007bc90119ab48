//! `sql` cases: one statement at a time, and data flows at once.

use anyhow::{Context, Result};
use engine::Workers;

use super::assertion::{self, Positions};
use super::case::Case;
use super::refusal::{self, Refusal};
use super::rig::Rig;
use super::verdict::{Rejected, judge_refusal};

/// Partitions of topics in these cases.
const PARTITIONS: u32 = 1;

/// Carries out a case; the refusal if the case must be refused.
pub async fn run(case: &Case) -> Result<Option<Refusal>> {
    let mut rig = Rig::open(case, Workers::Manual, PARTITIONS).await?;
    // A query does not see records from before its creation.
    rig.session.set("auto.offset.reset", "latest")?;
    let mut positions = Positions::default();
    for (statement, text) in case.statements.iter().enumerate() {
        let result = step(&mut rig, &mut positions, text).await;
        let result = result.with_context(|| format!("statement {statement}"))?;
        match (result, &case.expect_error) {
            (Ok(()), _) => {}
            (Err(error), Some(expected)) => {
                return judge_refusal(Some(Rejected { statement, error }), expected);
            }
            (Err(error), None) => {
                let message = refusal::describe(&error);
                return Err(anyhow::Error::from(message).context(format!("statement {statement}")));
            }
        }
    }
    match &case.expect_error {
        Some(expected) => judge_refusal(None, expected),
        None => rig.ensure_running().map(|()| None),
    }
}

/// Runs one text and moves the data. The inner error is the engine's answer, the outer one a
/// failed assertion or a broken run.
async fn step(
    rig: &mut Rig,
    positions: &mut Positions,
    text: &str,
) -> Result<Result<(), engine::Error>> {
    let statements = match sql::parse(text) {
        Ok(statements) => statements,
        Err(error) => return Ok(Err(error.into())),
    };
    for statement in &statements {
        if let Some(checked) = assertion::check(&rig.engine, positions, &statement.kind) {
            checked?;
        } else if let Err(error) = rig.session.execute(statement).await {
            return Ok(Err(error));
        } else {
            rig.engine.run_until_idle().await.context("move the data")?;
        }
    }
    Ok(Ok(()))
}
