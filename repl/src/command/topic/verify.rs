//! `millstream topic verify`: reads every batch of every partition, which compares its checksum.

use std::sync::Arc;

use anyhow::bail;
use log_store::{Fault, Topic, Verification};
use serde_json::{Value, json};

use crate::command::show;
use crate::progress;
use crate::render::Output;

/// Shows what was found in every partition, and a line for each damaged place; damage makes the
/// command fail.
pub fn verify(topics: &[Arc<Topic>], output: Output) -> anyhow::Result<()> {
    let partitions = || topics.iter().flat_map(|topic| topic.partitions());
    let bar = progress::bytes("verify", partitions().map(|one| one.size_bytes()).sum());
    let verified = partitions().map(|one| one.verify(&|bytes| bar.inc(bytes)));
    let verified: Vec<Verification> = verified.collect::<log_store::Result<_>>()?;
    bar.finish_and_clear();
    show(&["partition", "segments", "batches", "records", "damage"], rows(&verified), output)?;
    match verified.iter().map(|one| one.faults.len()).sum::<usize>() {
        0 => Ok(()),
        1 => bail!("1 damaged place"),
        places => bail!("{places} damaged places"),
    }
}

fn rows(verified: &[Verification]) -> Vec<Vec<Value>> {
    let of_partition = |one: &Verification| {
        let row = |damage: Value| {
            vec![
                json!(one.partition.to_string()),
                json!(one.segments),
                json!(one.batches),
                json!(one.records),
                damage,
            ]
        };
        let damaged = one.faults.iter().map(|fault| row(json!(place(fault)))).collect::<Vec<_>>();
        if damaged.is_empty() { vec![row(Value::Null)] } else { damaged }
    };
    verified.iter().flat_map(of_partition).collect()
}

fn place(fault: &Fault) -> String {
    let Fault { path, position, offset, found } = fault;
    format!("{} at byte {position}, offset {offset}: {found}", path.display())
}
