//! The next record of a topic, and whether it is the one that was expected.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::record_batch::RecordBatch;
use log_store::{Columnar, Isolation, Offset, Partition, PartitionId, Payload, Record, Topic};
use sql::ast::{Expr, Ident};

use super::super::create::topic_of;
use super::super::insert_values::constant;
use super::{default_timeout, failed, until};
use crate::catalog::{Role, Source};
use crate::change::Op;
use crate::error::{Code, Error, Result, invalid};
use crate::format::records_of;
use crate::function::java_texts;
use crate::pipeline::{RawRecord, RecordDecoder};
use crate::planner::expression::Resolver;
use crate::planner::scope::Scope;
use crate::session::Session;

/// How much is read at once to find one record.
const READ_BYTES: usize = 1 << 16;

/// A record as a statement describes it.
pub struct Expected<'a> {
    /// The stream or table.
    pub source: &'a Ident,
    /// The columns to compare; none is all of them, or of a tombstone the key.
    pub columns: &'a [Ident],
    /// Their values.
    pub literals: &'a [Expr],
    /// What kind of record it is.
    pub what: What,
}

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// One with a value.
    Values,
    /// One without.
    Tombstone,
}

/// Takes the next record and compares it.
pub async fn check(session: &mut Session, expected: &Expected<'_>) -> Result<()> {
    let shared = Arc::clone(&session.shared);
    let catalog = shared.catalog();
    let name = expected.source;
    let source = catalog.source(&name.value).map_err(|error| error.at(name.span))?;
    let topic = topic_of(&shared, &source.topic)?;
    let start = || topic.partitions().iter().map(|p| p.log_start_offset()).collect();
    let next = session.asserted.entry(source.topic.clone()).or_insert_with(start);
    let found = until(&shared, default_timeout(&shared), || take(&topic, next)).await;
    let (row, op) = decode(source, &found.map_err(|error| error.at(name.span))?)?;
    let found = if op == Op::Tombstone { What::Tombstone } else { What::Values };
    if found != expected.what {
        return Err(failed(match found {
            What::Tombstone => "expected a record with a value, found a tombstone",
            What::Values => "expected a tombstone, found a record with a value",
        })
        .at(name.span));
    }
    let scope = Scope::empty();
    let mut resolver = Resolver::new(&shared.functions, catalog.as_ref(), &scope)?;
    compare(expected, source, &row, &mut resolver)
}

/// A record by itself.
struct Taken {
    partition: usize,
    offset: Offset,
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    /// The batch that it is a row of, where records are written as columns.
    columns: Option<Columnar>,
}

/// The earliest record that is not taken yet; `next` are the partitions' positions.
fn take(topic: &Topic, next: &mut [Offset]) -> Result<Taken> {
    let mut earliest: Option<Taken> = None;
    for (at, (partition, from)) in topic.partitions().iter().zip(next.iter()).enumerate() {
        let head = head(partition, at, *from)?;
        earliest = match (earliest, head) {
            (Some(a), Some(b)) => Some(if b.timestamp < a.timestamp { b } else { a }),
            (a, b) => a.or(b),
        };
    }
    let taken = earliest
        .ok_or_else(|| failed(format!("expected a record, found none left in {}", topic.name())))?;
    next[taken.partition] = Offset(taken.offset.0 + 1);
    Ok(taken)
}

/// The first record of a partition from an offset on.
fn head(partition: &Partition, at: usize, mut from: Offset) -> Result<Option<Taken>> {
    while from < partition.last_stable_offset() {
        let fetched = partition.read(from, READ_BYTES, Isolation::ReadCommitted)?;
        for batch in &fetched.batches {
            for record in records_of(batch)?.iter() {
                let record = record?;
                if record.offset < from {
                    continue;
                }
                let columns = match batch.payload()? {
                    Payload::Columnar(columns) => Some(columns),
                    Payload::Records(_) => None,
                };
                return Ok(Some(Taken { columns, ..taken(at, &record)? }));
            }
        }
        if fetched.next_offset <= from {
            break;
        }
        from = fetched.next_offset;
    }
    Ok(None)
}

fn taken(partition: usize, record: &Record<'_>) -> Result<Taken> {
    let headers = record.headers().map(|header| {
        let header = header?;
        Ok((header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
    });
    Ok(Taken {
        partition,
        offset: record.offset,
        timestamp: record.timestamp.0,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        columns: None,
        headers: headers.collect::<Result<_>>()?,
    })
}

fn decode(source: &Source, taken: &Taken) -> Result<(RecordBatch, Op)> {
    let rows = source.row_type(None);
    let decoder = RecordDecoder::new(source, &rows, &vec![true; rows.columns.len()], false)?;
    let headers = taken.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
    let record = RawRecord {
        key: taken.key.as_deref(),
        value: taken.value.as_deref(),
        timestamp: taken.timestamp,
        offset: taken.offset.0,
        headers: headers.collect(),
    };
    let partition = PartitionId(taken.partition as u32);
    let decoded = match &taken.columns {
        Some(columns) => decoder.decode_row(columns, taken.offset, partition)?,
        None => decoder.decode(&[record], partition)?,
    };
    let op = decoded.changes.each_op().next();
    match (op, decoded.errors.first()) {
        (Some(op), _) => Ok((decoded.changes.rows, op)),
        (None, Some(error)) => {
            Err(failed(format!("the record is not readable: {}", error.message)))
        }
        (None, None) => Err(failed("expected a record with a key, found one without")),
    }
}

fn compare(
    expected: &Expected<'_>,
    source: &Source,
    row: &RecordBatch,
    resolver: &mut Resolver<'_>,
) -> Result<()> {
    let names = names(expected, source);
    if names.len() != expected.literals.len() {
        let (columns, values) = (names.len(), expected.literals.len());
        let message = format!("expected {columns} values, one for each column, found {values}");
        return Err(invalid(Code::InvalidQuery, message).at(expected.source.span));
    }
    for (name, literal) in names.into_iter().zip(expected.literals) {
        let found = row.column_by_name(name).ok_or_else(|| {
            let message = format!("column '{name}' does not exist in {}", source.name);
            invalid(Code::UnknownColumn, message).at(expected.source.span)
        })?;
        let wanted = constant(literal, found.data_type(), name, resolver)?;
        if wanted.to_data() != found.to_data() {
            let (wanted, found) = (text(&wanted)?, text(found)?);
            let message = format!("column {name}: expected {wanted}, found {found}");
            return Err(failed(message).at(sql::ast::Spanned::span(literal)));
        }
    }
    Ok(())
}

fn names<'a>(expected: &'a Expected<'_>, source: &'a Source) -> Vec<&'a str> {
    let of_record = |role: &Role| match expected.what {
        What::Values => matches!(role, Role::Key | Role::Value),
        What::Tombstone => *role == Role::Key,
    };
    match expected.columns {
        [] => {
            let all = source.columns.iter().filter(|column| of_record(&column.role));
            all.map(|column| column.name.as_str()).collect()
        }
        columns => columns.iter().map(|column| column.value.as_str()).collect(),
    }
}

fn text(value: &ArrayRef) -> Result<String> {
    let texts = java_texts(value);
    match texts.iter().next() {
        Some(text) => Ok(text.unwrap_or("NULL").to_owned()),
        None => Err(Error::Internal("a record without a row".into())),
    }
}
