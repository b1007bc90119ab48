//! What stands before the first statement, and what is written after the last: topics and
//! records.

use anyhow::{Context, Result, bail};
use engine::{Engine, TopicRecord};
use sql::ast::StatementKind;

use super::case::Case;
use super::encode;
use super::layout::Layout;
use crate::topic::{self, Placement};

/// Makes the topics of a case: the listed ones, those of its `CREATE` statements, and those of
/// its records.
pub fn create_topics(engine: &Engine, case: &Case, default_partitions: u32) -> Result<()> {
    for spec in &case.topics {
        if spec.key_schema.is_some() || spec.value_schema.is_some() {
            bail!("topic {} has a schema, and the engine no schema registry", spec.name);
        }
        topic::create(engine.log(), &spec.name, spec.partitions)?;
    }
    for text in &case.statements {
        for (name, partitions) in declared_topics(text) {
            topic::create(engine.log(), &name, partitions.unwrap_or(default_partitions))?;
        }
    }
    let outputs = case.outputs.iter().flatten();
    for record in case.inputs.iter().chain(outputs) {
        topic::create(engine.log(), &record.topic, default_partitions)?;
    }
    Ok(())
}

/// The topics that `CREATE … (columns) WITH (…)` statements name. A text that does not parse
/// names none: it is refused when its turn comes.
fn declared_topics(text: &str) -> Vec<(String, Option<u32>)> {
    let statements = sql::parse(text).unwrap_or_default();
    let declared = statements.into_iter().filter_map(|statement| match statement.kind {
        StatementKind::CreateSource { properties, .. } => {
            let partitions = properties.integer("PARTITIONS").and_then(|n| u32::try_from(n).ok());
            Some((properties.string("KAFKA_TOPIC")?.to_owned(), partitions))
        }
        _ => None,
    });
    declared.collect()
}

/// Appends the inputs in order and gives them back as they were written, with their topics.
pub fn write_inputs(
    engine: &Engine,
    case: &Case,
    placement: Placement,
) -> Result<Vec<(String, TopicRecord)>> {
    let mut written = Vec::new();
    for index in 0..case.inputs.len() {
        written.push(write_input(engine, case, index, placement)?);
    }
    Ok(written)
}

/// Appends one input and gives it back as it was written, with its topic.
pub fn write_input(
    engine: &Engine,
    case: &Case,
    index: usize,
    placement: Placement,
) -> Result<(String, TopicRecord)> {
    let input = case.inputs.get(index).context("no such input")?;
    let layout = Layout::of_topic(engine, &input.topic)?;
    let record = encode::record(input, &layout).with_context(|| format!("input {index}"))?;
    topic::append(engine.log(), &input.topic, &record, placement)?;
    Ok((input.topic.clone(), record))
}
