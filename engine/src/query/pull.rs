//! Pull queries: plain DataFusion over streams and tables as of one committed point.
//!
//! Streams and tables are table providers; DataFusion plans and runs everything else. A query
//! over one source is resolved by [`crate::planner`], so that its expressions mean the same as in
//! a persistent query; joins, aggregates and whatever is beyond the dialect's own shape are
//! planned by DataFusion's `SqlToRel` with the same functions. Rows by a whole key are a
//! [`Lookup`], which is not planned at all.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use futures::{StreamExt, TryStreamExt};
use sql::ast::{Query, Select, SourceKind, Span};

use super::general;
use super::lookup::Lookup;
use super::names::Names;
use super::table::Reading;
use super::{small_numbers, star, table_rules, time_text};
use crate::catalog::{Role, Source};
use crate::error::{Code, Error, Result, invalid};
use crate::outcome::{Column, Outcome, Rows};
use crate::plan::Plan;
use crate::planner::{Planned, Planner, Purpose};
use crate::row_type::pseudo;
use crate::session::Session;

/// A query, planned.
struct PullPlan {
    context: SessionContext,
    plan: LogicalPlan,
    /// For each column of the answer whether it is a part of the table's key; nothing where the
    /// answer is no longer rows of one table.
    keys: Vec<bool>,
}

/// Answers a query.
pub async fn execute(session: &Session, query: &Query) -> Result<Outcome> {
    if let Some(lookup) = lookup(session, query)? {
        return Ok(Outcome::Rows(lookup.rows(&session.shared, &[])?));
    }
    let PullPlan { context, plan, keys } = plan(session, query)?;
    let frame = datafusion::dataframe::DataFrame::new(context.state(), plan);
    let physical = frame.create_physical_plan().await?;
    let schema = plain_schema(&physical.schema());
    let stream = execute_stream(physical, context.task_ctx())?;
    let to = Arc::clone(&schema);
    let stream = stream.map_err(Error::from).map(move |batch| plain(batch?, &to));
    Ok(Outcome::Rows(Rows {
        tag: "SELECT",
        columns: columns_of(&schema, &keys),
        schema,
        stream: stream.boxed(),
        endless: false,
        tombstones: None,
    }))
}

/// The columns of the answer.
pub fn describe(session: &Session, query: &Query) -> Result<Vec<Column>> {
    let PullPlan { plan, keys, .. } = plan(session, query)?;
    Ok(columns_of(&plain_schema(plan.schema().inner()), &keys))
}

/// What would run, for `EXPLAIN`: a lookup, or DataFusion's plan.
pub fn explain(session: &Session, query: &Query) -> Result<String> {
    if let Some(lookup) = lookup(session, query)? {
        return lookup.explain();
    }
    let PullPlan { context, plan, .. } = plan(session, query)?;
    Ok(context.state().optimize(&plan)?.display_indent().to_string())
}

/// The query as a lookup, if it is one.
fn lookup(session: &Session, query: &Query) -> Result<Option<Lookup>> {
    let Query::Select(select) = query else { return Ok(None) };
    let shared = &session.shared;
    Lookup::plan(shared, &shared.catalog(), select, &[])
}

fn columns_of(schema: &SchemaRef, keys: &[bool]) -> Vec<Column> {
    let columns = schema.fields().iter().enumerate().map(|(at, field)| Column {
        name: field.name().clone(),
        data_type: field.data_type().clone(),
        key: keys.get(at).is_some_and(|key| *key),
        header: None,
    });
    columns.collect()
}

fn plan(session: &Session, query: &Query) -> Result<PullPlan> {
    let reading = Reading::now(session);
    let context = context();
    let catalog = session.shared.catalog();
    let general = match query {
        Query::Select(select) if select.is_stream_only() => return Err(needs_changes(select)),
        Query::Select(select) => {
            check_limit(&reading, select.limit.map(|limit| limit.span))?;
            if !general::is_needed(select, &session.shared.functions) {
                let (plan, keys) = plan_select(session, &reading, select)?;
                return Ok(PullPlan { context, plan, keys });
            }
            general::query_of(select, &catalog)?
        }
        Query::Nested(nested) => {
            let message = "EMIT goes after the last SELECT of a query";
            return Err(invalid(Code::InvalidQuery, message).at(nested.span));
        }
        Query::General { query, .. } => {
            check_limit(&reading, query.limit_clause.as_ref().map(|_| Span::empty()))?;
            query.as_ref().clone()
        }
    };
    let plan = plan_general(session, &reading, &context, general)?;
    Ok(PullPlan { context, plan, keys: Vec::new() })
}

fn check_limit(reading: &Reading, limit: Option<Span>) -> Result<()> {
    match limit {
        Some(span) => reading.permission().check_limit().map_err(|error| error.at(span)),
        None => Ok(()),
    }
}

fn needs_changes(select: &Select) -> Error {
    let message = "pull queries don't support WINDOW, WITHIN and PARTITION BY: they are about changes, and this query asks once";
    invalid(Code::InvalidQuery, message).at(select.span).hint("add EMIT CHANGES")
}

/// DataFusion's rules and functions, which are many and the same for all queries. A query plans
/// and runs with a copy of their state.
fn context() -> SessionContext {
    static CONTEXT: LazyLock<SessionContext> = LazyLock::new(new_context);
    CONTEXT.clone()
}

fn new_context() -> SessionContext {
    let mut config = SessionConfig::new().with_information_schema(false);
    config.options_mut().sql_parser.map_string_types_to_utf8view = false;
    config.options_mut().execution.target_partitions = 2;
    let state = SessionStateBuilder::new().with_default_features().with_config(config).build();
    SessionContext::new_with_state(state)
}

/// A query over one source, without aggregates.
fn plan_select(
    session: &Session,
    reading: &Reading,
    select: &Select,
) -> Result<(LogicalPlan, Vec<bool>)> {
    let shared = &session.shared;
    let catalog = shared.catalog();
    let name = &select.from.name;
    let source = catalog.source(&name.value).map_err(|error| error.at(name.span))?;
    let planner = Planner::new(&catalog, &shared.functions, Purpose::Pull);
    let planned = planner.plan(select)?;
    let condition = condition(&planned, select)?;
    table_rules::check(source, &planned, condition, select)?;
    let provider = reading.provider(session, source).map_err(|error| error.at(name.span))?;
    let reference = TableReference::bare(select.from.qualifier().value.as_str());
    let mut builder = LogicalPlanBuilder::scan(reference, provider_as_source(provider), None)?;
    if let Some(condition) = condition {
        builder = builder.filter(condition.clone())?;
    }
    builder = builder.project(planned.items.iter().map(|i| i.expr.clone().alias(&i.name)))?;
    if let Some(limit) = &select.limit {
        builder = builder.limit(0, usize::try_from(limit.count).ok())?;
    }
    let keys = planned.items.iter().map(|item| is_key(source, &item.expr)).collect();
    Ok((builder.build()?, keys))
}

/// The resolved `WHERE` of a plan that has nothing else below its select list.
fn condition<'a>(planned: &'a Planned, select: &Select) -> Result<Option<&'a Expr>> {
    match &planned.plan {
        Plan::Source(_) => Ok(None),
        Plan::Filter { input, condition } if matches!(**input, Plan::Source(_)) => {
            Ok(Some(condition))
        }
        _ => {
            let message = "pull queries don't support table functions: expected one row of the answer for a row of the source";
            Err(invalid(Code::NotSupported, message).at(select.span).hint("add EMIT CHANGES"))
        }
    }
}

/// Whether a column of the answer is a part of the table's key.
pub(super) fn is_key(source: &Source, expr: &Expr) -> bool {
    let Expr::Column(column) = expr else { return false };
    let own = source.column(&column.name);
    source.kind == SourceKind::Table
        && match own {
            Some(own) => own.role == Role::Key,
            None => pseudo::is_window_bound(&column.name),
        }
}

fn plan_general(
    session: &Session,
    reading: &Reading,
    context: &SessionContext,
    mut query: sqlparser::ast::Query,
) -> Result<LogicalPlan> {
    star::expand(&mut query, &session.shared.catalog());
    time_text::to_numbers(&mut query)?;
    small_numbers::narrow(&mut query);
    let names = Names::new(session, reading, context);
    let options = ParserOptions { enable_ident_normalization: false, ..ParserOptions::default() };
    let statement = sqlparser::ast::Statement::Query(Box::new(query));
    SqlToRel::new_with_options(&names, options).sql_statement_to_plan(statement).map_err(Into::into)
}

/// The schema in the dialect's types: DataFusion's functions may give views.
fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
            DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
            other => other.clone(),
        };
        arrow::datatypes::Field::new(field.name(), data_type, true)
    });
    Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>()))
}

fn plain(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| match column.data_type() == field.data_type() {
        true => Ok(Arc::clone(column)),
        false => Ok(arrow::compute::cast(column, field.data_type())?),
    });
    Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_>>()?)?)
}
