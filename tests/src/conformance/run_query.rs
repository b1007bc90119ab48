//! `query` cases: persistent queries, which emit every change.
//!
//! 1. Make the topics, run the statements, append the inputs.
//! 2. Where each query reads one topic, let the engine read the topics, batch by batch. Where a
//!    query reads several, their records meet in the order of the case: for each query in the
//!    order of creation, feed it the inputs that are on its source topics one by one; then, for
//!    each source topic without inputs, what the topic holds by now.
//! 3. Compare the topics with the expected records, and the catalog with the conditions.
//!
//! Partition counts matter for planning only. A case that stops at planning or looks at counts
//! gets the true ones; in every other one topics that nobody gave a count have one partition, so
//! that the order of a topic is the order of processing.

use anyhow::{Context, Result, ensure};
use engine::{Engine, QueryInfo, TopicRecord, Workers};

use super::case::{Case, ExpectError, Phase};
use super::outputs::{self, Scope};
use super::refusal::{self, Refusal};
use super::rig::{DEFAULT_PARTITIONS, Rig};
use super::verdict::{Rejected, judge_refusal};
use super::{post, setup};
use crate::topic::{self, Placement};

/// Carries out a case; the refusal if the case must be refused.
pub async fn run(case: &Case) -> Result<Option<Refusal>> {
    let partitions = default_partitions(case);
    let mut rig = Rig::open(case, Workers::Manual, partitions).await?;
    setup::create_topics(&rig.engine, case, partitions)?;
    let rejected = run_statements(&mut rig, case).await;
    match &case.expect_error {
        Some(expected) if expected.phase != Phase::Runtime => {
            return judge_refusal(rejected.err(), expected);
        }
        _ => accepted(rejected)?,
    }
    let inputs = setup::write_inputs(&rig.engine, case, Placement::First)?;
    let processed = match rig.engine.queries().iter().all(|query| query.source_topics.len() == 1) {
        true => rig.engine.run_until_idle().await.map_err(|e| refusal::describe(&e).into()),
        false => feed_queries(&rig.engine, &inputs),
    };
    if let Some(expected) = &case.expect_error {
        return judge_failure(processed, rig.failure(), expected);
    }
    processed?;
    rig.ensure_running()?;
    check_outputs(&rig.engine, case)?;
    case.post.as_ref().map_or(Ok(()), |post| post::check(&rig.engine, post))?;
    Ok(None)
}

fn default_partitions(case: &Case) -> u32 {
    let planned_only = case.expect_error.as_ref().is_some_and(|e| e.phase != Phase::Runtime);
    let counted = case.post.as_ref().is_some_and(|post| !post.topics.is_empty());
    if planned_only || counted { DEFAULT_PARTITIONS } else { 1 }
}

async fn run_statements(rig: &mut Rig, case: &Case) -> Result<(), Rejected> {
    for (statement, text) in case.statements.iter().enumerate() {
        rig.run(text).await.map_err(|error| Rejected { statement, error })?;
    }
    Ok(())
}

fn accepted(result: Result<(), Rejected>) -> Result<()> {
    result.map_err(|rejected| {
        let message = refusal::describe(&rejected.error);
        anyhow::Error::from(message).context(format!("statement {}", rejected.statement))
    })
}

fn feed_queries(engine: &Engine, inputs: &[(String, TopicRecord)]) -> Result<()> {
    for query in engine.queries() {
        feed_query(engine, &query, inputs).with_context(|| format!("query {}", query.id))?;
    }
    Ok(())
}

fn feed_query(engine: &Engine, query: &QueryInfo, inputs: &[(String, TopicRecord)]) -> Result<()> {
    for (topic, record) in inputs {
        if query.source_topics.contains(topic) {
            feed(engine, query, topic, record)?;
        }
    }
    for topic in &query.source_topics {
        if inputs.iter().all(|(input, _)| input != topic) {
            for record in topic::read(engine.log(), topic)?.into_iter().flatten() {
                feed(engine, query, topic, &record)?;
            }
        }
    }
    Ok(())
}

fn feed(engine: &Engine, query: &QueryInfo, topic: &str, record: &TopicRecord) -> Result<()> {
    engine.feed(&query.id, topic, record).map_err(|error| refusal::describe(&error).into())
}

/// The query must have stopped, for a reason that is its input's and not the engine's.
fn judge_failure(
    processed: Result<()>,
    failure: Option<String>,
    expected: &ExpectError,
) -> Result<Option<Refusal>> {
    let thrown = processed.err().map(|error| format!("{error:#}"));
    let message = failure.or(thrown).context("every record was accepted")?;
    ensure!(!message.contains("internal error"), "the engine broke: {message}");
    Ok(Some(Refusal::new(message, expected)))
}

fn check_outputs(engine: &Engine, case: &Case) -> Result<()> {
    match case.outputs.as_deref() {
        None => Ok(()),
        Some([]) => ensure_silent(engine),
        Some(expected) => outputs::compare_topics(engine, expected, Scope::of(case)),
    }
}

/// An empty list of outputs means that the last query writes nothing.
fn ensure_silent(engine: &Engine) -> Result<()> {
    let Some(sink) = engine.queries().pop().and_then(|query| query.sink_topic) else {
        return Ok(());
    };
    let found: usize = topic::read(engine.log(), &sink)?.iter().map(Vec::len).sum();
    ensure!(found == 0, "topic {sink}: expected no records, found {found}");
    Ok(())
}
