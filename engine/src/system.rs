//! System tables: what goes on, as relations of the schema `MILLSTREAM` that any query can ask.
//!
//! A table is a function from what [`crate::monitor`] knows at the moment of asking to rows. Only
//! pull queries read them: they are no logs, and tell of nothing but now.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use log_store::Lag;

use crate::engine::{Engine, Shared};
use crate::error::{Code, Result, invalid};
use crate::monitor::{self, ConnectionInfo, PartitionInfo, QueryInfo};
use crate::near_miss::hint;
use crate::outcome::Column;
use crate::pipeline::StoreInfo;
use crate::relation::{Relation, RelationKind};
use crate::scheduler::Reading;
use crate::statement::table::Table;

/// The schema that the tables are in.
pub const SCHEMA: &str = "MILLSTREAM";

/// A system table.
struct SystemTable {
    name: &'static str,
    comment: &'static str,
    /// Its rows at the moment of asking.
    rows: fn(&Shared) -> Result<Table>,
    /// The same without any row, for its columns.
    empty: fn() -> Table,
}

const TABLES: &[SystemTable] = &[
    SystemTable {
        name: "QUERIES",
        comment: "persistent queries and push queries: how far they are, and what they did since they were started",
        rows: |shared| Ok(queries(&[monitor::persistent(shared), monitor::push(shared)].concat())),
        empty: || queries(&[]),
    },
    SystemTable {
        name: "POSITIONS",
        comment: "how far each query is in each partition that it reads",
        rows: |shared| Ok(positions(&monitor::positions(shared))),
        empty: || positions(&[]),
    },
    SystemTable {
        name: "STORES",
        comment: "what persistent queries keep; asking counts every key",
        rows: |shared| Ok(stores(&monitor::stores(shared)?)),
        empty: || stores(&[]),
    },
    SystemTable {
        name: "PARTITIONS",
        comment: "the partitions of topics: offsets, bytes, segments",
        rows: |shared| Ok(partitions(&monitor::partitions(&shared.log))),
        empty: || partitions(&[]),
    },
    SystemTable {
        name: "GROUPS",
        comment: "how far consumer groups are in each partition that they read",
        rows: |shared| Ok(groups(&monitor::groups(&shared.log)?)),
        empty: || groups(&[]),
    },
    SystemTable {
        name: "CONNECTIONS",
        comment: "clients of the server",
        rows: |shared| Ok(connections(&monitor::connections(shared))),
        empty: || connections(&[]),
    },
];

/// The rows of a system table as DataFusion reads them.
pub fn provider(shared: &Shared, name: &str) -> Result<Arc<dyn TableProvider>> {
    let Some(table) = TABLES.iter().find(|table| table.name == name) else {
        let message = format!("there is no system table {SCHEMA}.{name}");
        let error = invalid(Code::UnknownName, message);
        let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        return Err(match hint(name, names.iter().copied()) {
            Some(hint) => error.hint(hint),
            None => error.hint(format!("there are {}", names.join(", "))),
        });
    };
    let rows = upper((table.rows)(shared)?)?;
    Ok(Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))
}

impl Engine {
    /// The system tables.
    pub fn system_relations(&self) -> Result<Vec<Relation>> {
        TABLES.iter().map(SystemTable::relation).collect()
    }
}

impl SystemTable {
    fn relation(&self) -> Result<Relation> {
        let rows = upper((self.empty)())?;
        let column = |field: &Arc<Field>| Column {
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            key: false,
            header: None,
        };
        Ok(Relation {
            name: self.name.to_owned(),
            kind: RelationKind::System,
            columns: rows.schema().fields().iter().map(column).collect(),
            comment: Some(self.comment.to_owned()),
        })
    }
}

/// The rows of a table whose columns are named as identifiers fold.
fn upper(table: Table) -> Result<RecordBatch> {
    let rows = table.rows()?;
    let fields = rows.schema();
    let fields = fields
        .fields()
        .iter()
        .map(|field| Field::clone(field).with_name(field.name().to_uppercase()));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    Ok(RecordBatch::try_new(Arc::new(schema), rows.columns().to_vec())?)
}

fn table() -> Table {
    Table::new("SELECT")
}

fn queries(rows: &[QueryInfo]) -> Table {
    table()
        .text("query_id", rows.iter().map(|row| Some(row.id.as_str())))
        .text("kind", rows.iter().map(|row| Some(row.kind.name())))
        .text("status", rows.iter().map(|row| Some(row.status)))
        .text("error", rows.iter().map(|row| row.failure.as_deref()))
        .text("reads", rows.iter().map(|row| Some(row.sources.join(", "))))
        .text("writes", rows.iter().map(|row| row.sink.as_deref()))
        .number("lag_records", rows.iter().map(|row| row.lag as i64))
        .number("lag_bytes", rows.iter().map(|row| row.lag_bytes as i64))
        .number("lag_ms", rows.iter().map(|row| row.lag_ms))
        .number("records_in", rows.iter().map(|row| row.records_in as i64))
        .number("records_out", rows.iter().map(|row| row.records_out as i64))
        .real("records_per_second", rows.iter().map(|row| row.records_per_second))
        .number("errors", rows.iter().map(|row| row.errors as i64))
        .number("late", rows.iter().map(|row| row.late as i64))
        .number("commits", rows.iter().map(|row| row.commits as i64))
        .time("last_commit", rows.iter().map(|row| row.last_commit_ms))
        .number("memory_bytes", rows.iter().map(|row| row.memory as i64))
        .text("statement", rows.iter().map(|row| Some(row.statement.as_str())))
}

fn positions(rows: &[(String, Reading)]) -> Table {
    table()
        .text("query_id", rows.iter().map(|(query, _)| Some(query.as_str())))
        .text("topic", rows.iter().map(|(_, row)| Some(&*row.partition.topic)))
        .number("partition", rows.iter().map(|(_, row)| i64::from(row.partition.partition.0)))
        .number("next_offset", rows.iter().map(|(_, row)| row.position))
        .number("end_offset", rows.iter().map(|(_, row)| row.end))
        .number("lag_records", rows.iter().map(|(_, row)| row.lag.records as i64))
        .number("lag_bytes", rows.iter().map(|(_, row)| row.lag.bytes as i64))
        .number("lag_ms", rows.iter().map(|(_, row)| row.lag.time_ms))
}

fn stores(rows: &[(String, StoreInfo)]) -> Table {
    table()
        .text("query_id", rows.iter().map(|(query, _)| Some(query.as_str())))
        .text("holds", rows.iter().map(|(_, row)| Some(row.holds.as_str())))
        .number("state_keys", rows.iter().map(|(_, row)| row.keys as i64))
        .number("state_bytes", rows.iter().map(|(_, row)| row.bytes as i64))
}

fn partitions(rows: &[PartitionInfo]) -> Table {
    table()
        .text("topic", rows.iter().map(|row| Some(&*row.partition.topic)))
        .number("partition", rows.iter().map(|row| i64::from(row.partition.partition.0)))
        .number("start_offset", rows.iter().map(|row| row.start))
        .number("end_offset", rows.iter().map(|row| row.end))
        .number("stable_offset", rows.iter().map(|row| row.stable))
        .number("durable_offset", rows.iter().map(|row| row.durable))
        .number("log_bytes", rows.iter().map(|row| row.bytes as i64))
        .number("segments", rows.iter().map(|row| row.segments as i64))
        .number("open_transactions", rows.iter().map(|row| row.open_transactions as i64))
        .text("error", rows.iter().map(|row| row.failure.as_deref()))
}

fn groups(rows: &[(String, Lag)]) -> Table {
    table()
        .text("group_id", rows.iter().map(|(group, _)| Some(group.as_str())))
        .text("topic", rows.iter().map(|(_, row)| Some(&*row.partition.topic)))
        .number("partition", rows.iter().map(|(_, row)| i64::from(row.partition.partition.0)))
        .number("next_offset", rows.iter().map(|(_, row)| row.committed.offset.0))
        .number("end_offset", rows.iter().map(|(_, row)| row.log_end.0))
        .number("lag_records", rows.iter().map(|(_, row)| row.behind))
}

fn connections(rows: &[ConnectionInfo]) -> Table {
    table()
        .number("pid", rows.iter().map(|row| i64::from(row.pid)))
        .text("username", rows.iter().map(|row| Some(row.user.as_str())))
        .text("application", rows.iter().map(|row| Some(row.application.as_str())))
        .text("address", rows.iter().map(|row| Some(row.address.as_str())))
        .time("connected", rows.iter().map(|row| Some(row.since / 1000)))
        .text("state", rows.iter().map(|row| Some(row.state)))
        .time("state_since", rows.iter().map(|row| Some(row.state_since / 1000)))
        .text("statement", rows.iter().map(|row| Some(row.statement.as_str())))
}
