//! Streams and tables as DataFusion tables.
//!
//! A stream is its topic up to the end as it is when the query starts; a table is its
//! materialised rows as of a fixed point of the state store. Filters narrow what is read: keys to
//! points and ranges, a log to partitions, offsets and times. They stay in DataFusion's plan as
//! well, so that what cannot be narrowed is right all the same.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session as DataFusionSession, TableProvider};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use log_store::{Offset, Partition, Timestamp};
use sql::ast::SourceKind;

use super::key_range::key_ranges;
use super::log_range::log_range;
use super::part::{Part, PartScan};
use super::permission::Permission;
use super::predicate::{Alternative, alternatives};
use crate::catalog::Source;
use crate::error::{Code, Result, invalid};
use crate::pipeline::Materialized;
use crate::row_type::{RowType, pseudo};
use crate::session::Session;
use crate::state::View;

/// What all the streams and tables of one query share: the point of the state that they are read
/// at, and what the session allows.
pub struct Reading {
    view: Arc<dyn View>,
    permission: Permission,
}

impl Reading {
    /// A reading of everything as it is now.
    pub fn now(session: &Session) -> Self {
        Self {
            view: session.shared.backend.view(),
            permission: Permission::of(&session.properties),
        }
    }

    /// What the session allows.
    pub fn permission(&self) -> Permission {
        self.permission
    }

    /// The rows of a stream or table.
    pub fn provider(&self, session: &Session, source: &Source) -> Result<Arc<dyn TableProvider>> {
        let contents = match source.kind {
            SourceKind::Stream => self.log(session, source)?,
            SourceKind::Table => self.state(source)?,
        };
        let rows = row_type(source);
        let permission = self.permission;
        Ok(Arc::new(Relation { source: source.clone(), rows, contents, permission }))
    }

    fn log(&self, session: &Session, source: &Source) -> Result<Contents> {
        self.permission.check_stream(&source.name)?;
        let topic = crate::statement::topic_of(&session.shared, &source.topic)?;
        let partitions = topic.partitions().iter().map(|partition| Stretch {
            partition: Arc::clone(partition),
            start: partition.log_start_offset(),
            end: partition.last_stable_offset(),
        });
        Ok(Contents::Log(partitions.collect()))
    }

    fn state(&self, source: &Source) -> Result<Contents> {
        match source.materialized_by {
            Some(number) => Ok(Contents::State { view: Arc::clone(&self.view), number }),
            None => {
                let name = &source.name;
                let message = format!(
                    "the {name} table isn't queryable: expected a table that a query keeps, found one that only names a topic"
                );
                let hint = format!(
                    "to derive a queryable table, you can do 'CREATE TABLE QUERYABLE_{name} AS SELECT * FROM {name}'"
                );
                Err(invalid(Code::InvalidQuery, message).hint(hint))
            }
        }
    }
}

/// The columns of a source in a pull query. A row of a table has no one record that it is.
pub fn row_type(source: &Source) -> RowType {
    let mut rows = source.row_type(None);
    if source.kind == SourceKind::Table {
        rows.columns.retain(|column| !is_of_record(&column.name));
    }
    rows
}

/// Whether a name is that of a column which only records have.
pub fn is_of_record(name: &str) -> bool {
    [pseudo::ROWPARTITION, pseudo::ROWOFFSET].contains(&name)
}

/// A partition between two offsets.
struct Stretch {
    partition: Arc<Partition>,
    start: Offset,
    end: Offset,
}

/// Where the rows of a relation are.
enum Contents {
    Log(Vec<Stretch>),
    State { view: Arc<dyn View>, number: u32 },
}

struct Relation {
    source: Source,
    rows: RowType,
    contents: Contents,
    permission: Permission,
}

impl std::fmt::Debug for Relation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relation").field("source", &self.source.name).finish_non_exhaustive()
    }
}

impl Relation {
    /// What has to be read for rows that pass one of the alternatives.
    fn parts(&self, alternatives: &[Alternative]) -> Result<Vec<Part>> {
        match &self.contents {
            Contents::Log(stretches) => {
                let parts = stretches.iter().map(|stretch| self.log_part(stretch, alternatives));
                parts.filter_map(Result::transpose).collect()
            }
            Contents::State { view, number } => {
                self.permission.check_table(&self.source, alternatives)?;
                let table = Materialized::new(&self.source, *number)?;
                let ranges = key_ranges(&self.source, &table.prefix(), alternatives)?;
                if ranges.is_empty() {
                    return Ok(Vec::new());
                }
                Ok(vec![Part::State { view: Arc::clone(view), number: *number, ranges }])
            }
        }
    }

    fn log_part(&self, whole: &Stretch, alternatives: &[Alternative]) -> Result<Option<Part>> {
        let partition = &whole.partition;
        let Some(range) = log_range(partition.topic_partition().partition.0, alternatives) else {
            return Ok(None);
        };
        let mut start = whole.start.max(Offset(range.offsets.low));
        let end = whole.end.min(Offset(range.offsets.high.saturating_add(1)));
        // Where a column gives the time of a row, the record's own time says nothing of it.
        let by_record = self.source.timestamp.is_none();
        let since = if by_record { range.times.low } else { i64::MIN };
        if since > 0 {
            match partition.offset_for_timestamp(Timestamp(since))? {
                Some(first) => start = start.max(first),
                None => return Ok(None),
            }
        }
        let part = Part::Log { partition: Arc::clone(partition), start, end, since };
        Ok((start < end).then_some(part))
    }
}

#[async_trait]
impl TableProvider for Relation {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn DataFusionSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let schema = self.schema();
        let all: Vec<usize> = (0..self.rows.columns.len()).collect();
        let wanted = projection.cloned().unwrap_or(all);
        let parts = self.parts(&alternatives(filters, &schema))?;
        if parts.is_empty() {
            return Ok(Arc::new(EmptyExec::new(Arc::new(schema.project(&wanted)?))));
        }
        let scans = parts.into_iter().map(|part| -> Arc<dyn PartitionStream> {
            Arc::new(PartScan::new(part, &self.source, &self.rows, wanted.clone()))
        });
        let scans = scans.collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema, scans, projection, [], false, limit)?))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
