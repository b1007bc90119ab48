//! What the result of a persistent query becomes: a new stream or table, or more of an old one.

use arrow::datatypes::DataType;
use sql::ast::{Ident, Properties, SourceKind};

use super::{Planned, Planner};
use crate::catalog::{Role, Source, SourceColumn};
use crate::error::{Code, Result, invalid};
use crate::format::Format;
use crate::plan::Plan;
use crate::properties::{SessionProperties, SourceProperties};

/// A `CREATE STREAM|TABLE … AS SELECT`.
pub struct SinkRequest<'a> {
    /// The name of the new stream or table.
    pub name: &'a Ident,
    /// What it is to be.
    pub kind: SourceKind,
    /// Its `WITH` clause.
    pub properties: &'a Properties,
    /// The session's settings.
    pub session: &'a SessionProperties,
    /// The statement's text.
    pub statement: &'a str,
}

/// The new stream or table, and the plan that fills it.
pub fn plan_sink(
    planner: &Planner<'_>,
    planned: &Planned,
    request: &SinkRequest<'_>,
) -> Result<(Source, Plan)> {
    check_kind(planned, request)?;
    check_keys(planned, request.name)?;
    let plan = planned.persistent()?;
    let columns = sink_columns(&plan);
    if !columns.iter().any(|column| column.role == Role::Value) {
        let message = "the projection contains no value columns";
        return Err(invalid(Code::InvalidQuery, message).at(request.name.span));
    }
    let leftmost = planned.plan.sources();
    let leftmost =
        leftmost.first().map(|source| planner.catalog.source(&source.name)).transpose()?;
    let leftmost =
        leftmost.ok_or_else(|| crate::Error::Internal("a query without source".into()))?;

    let properties = SourceProperties::read(request.properties)?;
    let has_key = columns.iter().any(|column| column.role == Role::Key);
    let key_format = match properties.key_format()? {
        Some(format) => format,
        None if !has_key => Format::None,
        None if leftmost.key_format == Format::None => request.session.default_key_format()?,
        None => leftmost.key_format.clone(),
    };
    let value_format = match properties.value_format()? {
        Some(format) => format,
        None => leftmost.value_format.clone(),
    };
    let topic = match &properties.topic {
        Some(topic) => topic.clone(),
        None => format!("{}{}", request.session.topic_prefix(), request.name.value),
    };
    let source = Source {
        name: request.name.value.clone(),
        kind: request.kind,
        columns,
        topic,
        key_format,
        value_format,
        wrap_single_value: None,
        window: plan.output().window,
        timestamp: None,
        read_only: false,
        statement: request.statement.to_owned(),
        materialized_by: None,
    };
    let source = properties.finish(source, request.session)?;
    Ok((source, plan))
}

fn check_kind(planned: &Planned, request: &SinkRequest<'_>) -> Result<()> {
    if planned.kind == request.kind {
        return Ok(());
    }
    let (found, statement) = match planned.kind {
        SourceKind::Stream => ("STREAM", "CREATE STREAM AS SELECT"),
        SourceKind::Table => ("TABLE", "CREATE TABLE AS SELECT"),
    };
    let message = format!("invalid result type: the SELECT query produces a {found}");
    Err(invalid(Code::InvalidQuery, message)
        .at(request.name.span)
        .hint(format!("use the {statement} statement instead")))
}

/// Every key column is in the projection, once.
pub(crate) fn check_keys(planned: &Planned, sink: &Ident) -> Result<()> {
    if planned.kind == SourceKind::Table && planned.keys.is_empty() {
        return Err(super::nested::no_key("the table", sink));
    }
    let (sink, span) = (&sink.value, sink.span);
    for key in &planned.keys {
        match key.items.as_slice() {
            [_] => {}
            [] => {
                let keys: Vec<&str> = planned.keys.iter().map(|key| key.name.as_str()).collect();
                let message = format!(
                    "key missing from projection: the query used to build '{sink}' must include the key column{} {} in its projection (e.g. SELECT {}...)",
                    if keys.len() > 1 { "s" } else { "" },
                    keys.join(" and "),
                    keys.join(", "),
                );
                return Err(invalid(Code::InvalidQuery, message).at(span));
            }
            [_, again, ..] => {
                let names: Vec<&str> =
                    key.items.iter().map(|item| planned.items[*item].name.as_str()).collect();
                let message = format!(
                    "the projection contains a key column ('{}') more than once, aliased as: {}",
                    key.name,
                    names.join(" and ")
                );
                return Err(invalid(Code::InvalidQuery, message)
                    .at(planned.items[*again].span)
                    .hint("each key column must only be in the projection once; use AS_VALUE() to copy it into the value"));
            }
        }
    }
    Ok(())
}

/// Keys first, then values; the window's bounds are in the key, not in columns.
pub(crate) fn sink_columns(plan: &Plan) -> Vec<SourceColumn> {
    let rows = plan.output();
    let shown = rows.columns.iter().enumerate().filter(|(_, column)| !column.hidden);
    let columns = shown.map(|(at, column)| SourceColumn {
        name: column.name.clone(),
        data_type: column.data_type.clone(),
        role: if rows.keys.contains(&at) { Role::Key } else { Role::Value },
    });
    columns.collect()
}

/// Whether a result fits an existing stream: the same columns in the same roles.
pub(crate) fn check_same_columns(sink: &Source, columns: &[SourceColumn]) -> Result<()> {
    let shown = |columns: &[SourceColumn]| {
        let shown = columns.iter().map(|column| {
            let key = if column.role == Role::Key { " KEY" } else { "" };
            format!("{} {}{key}", column.name, crate::types::sql_name(&column.data_type))
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    let same = sink.columns.len() == columns.len()
        && sink.columns.iter().zip(columns).all(|(a, b)| {
            a.name == b.name && a.role == b.role && widens(&b.data_type, &a.data_type)
        });
    match same {
        true => Ok(()),
        false => {
            let message = format!(
                "incompatible schema between results and sink: result schema is {}, sink schema is {}",
                shown(columns),
                shown(&sink.columns)
            );
            Err(invalid(Code::TypeMismatch, message))
        }
    }
}

fn widens(from: &DataType, to: &DataType) -> bool {
    super::expression::common_type(from, to).as_ref() == Some(to)
}

/// The plan of an `INSERT INTO`, if the result fits the stream.
pub fn check_insert(planned: &Planned, sink: &Source, target: &Ident) -> Result<Plan> {
    if planned.kind != SourceKind::Stream {
        let message = "incompatible data sink type: the SELECT produces a table, and INSERT INTO takes streams";
        return Err(invalid(Code::InvalidQuery, message).at(target.span));
    }
    check_keys(planned, target)?;
    let plan = planned.persistent()?;
    check_same_columns(sink, &sink_columns(&plan)).map_err(|error| error.at(target.span))?;
    widen(plan, sink)
}

/// Casts the result's columns to those of the sink.
fn widen(plan: Plan, sink: &Source) -> Result<Plan> {
    let Plan::Project { input, expressions, mut output } = plan else { return Ok(plan) };
    let mut cast = Vec::with_capacity(expressions.len());
    for (at, expression) in expressions.into_iter().enumerate() {
        let column = &mut output.columns[at];
        let to = sink.columns.get(at).map_or(&column.data_type, |column| &column.data_type).clone();
        cast.push(super::expression::cast(expression, &column.data_type, &to)?);
        column.data_type = to;
    }
    Ok(Plan::Project { input, expressions: cast, output })
}
