//! How a case ended.

use anyhow::{Context, Result, bail};

use super::case::ExpectError;
use super::refusal::{self, Refusal};

/// How a case ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Whether the engine did what it must.
    pub passed: bool,
    /// Why not, or how it refused.
    pub why: String,
    /// The refusal, where the case must be refused and was.
    pub refusal: Option<Refusal>,
}

impl Verdict {
    /// The verdict over the result of a run.
    pub fn of(result: Result<Option<Refusal>>) -> Verdict {
        match result {
            Ok(refusal) => {
                let why = refusal.as_ref().map(|refusal| format!("refused: {}", refusal.message));
                Verdict { passed: true, why: why.unwrap_or_default(), refusal }
            }
            Err(error) => Verdict::failed(format!("{error:#}")),
        }
    }

    /// A case that failed.
    pub fn failed(why: impl Into<String>) -> Verdict {
        Verdict { passed: false, why: why.into(), refusal: None }
    }
}

/// A statement that the engine did not accept.
#[derive(Debug)]
pub struct Rejected {
    /// Its index in the case.
    pub statement: usize,
    /// What the engine said.
    pub error: engine::Error,
}

/// Decides whether a run in which `rejected` happened (or nothing, if all statements were
/// accepted) is the refusal that the case expects.
pub fn judge_refusal(
    rejected: Option<Rejected>,
    expected: &ExpectError,
) -> Result<Option<Refusal>> {
    let rejected = rejected.context("everything was accepted")?;
    let (at, message) = (rejected.statement, refusal::describe(&rejected.error).0);
    if expected.statement.is_some_and(|statement| statement != at) {
        bail!("statement {at} was refused, which is not the one: {message}");
    }
    match refusal::answer(&rejected.error) {
        Some(message) => Ok(Some(Refusal::new(message, expected))),
        None => bail!("statement {at} broke the engine: {message}"),
    }
}
