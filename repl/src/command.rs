//! The small commands beside the shell, one file each.

pub mod consume;
pub mod datagen;
mod file;
pub mod group;
pub mod import;
mod place;
pub mod produce;
pub mod restore;
pub mod serve;
pub mod topic;

use std::io::{self, Write};

use log_store::Topic;
use serde_json::Value;

use crate::answer::Row;
use crate::render::{Output, Shape, Style, renderer};

/// Offsets that a topic has handed out and not forgotten. Control records count too, so it
/// is a number to show, not one to compute with.
pub fn record_count(topic: &Topic) -> u64 {
    let partitions = topic.partitions().iter();
    let records = partitions.map(|one| one.high_watermark() - one.log_start_offset());
    records.map(|records| u64::try_from(records).unwrap_or(0)).sum()
}

/// Writes rows to standard output.
fn show(columns: &[&str], rows: Vec<Vec<Value>>, output: Output) -> anyhow::Result<()> {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let shape = Shape { columns, endless: false, expanded: false, style: Style::of_stdout() };
    let mut renderer = renderer(output, shape);
    let rows: Vec<Row> = rows.into_iter().map(|values| Row { values, deleted: false }).collect();
    let text = renderer.page(&rows) + &renderer.end(rows.len() as u64);
    writeln!(io::stdout(), "{}", text.trim_end())?;
    Ok(())
}

/// A line for a person: it goes where the bars go, out of the way of what a program reads.
fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stderr(), "{text}")?)
}
