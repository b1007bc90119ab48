//! `INSERT INTO … VALUES`: rows as literals, appended to the topic.
//!
//! All rows of a statement are there together or not at all; within a transaction of the session
//! those of all its statements are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Int64Type, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use sql::ast::{Expr as Syntax, Ident, SourceKind, Spanned};

use super::{counted, create::topic_of, done, transaction};
use crate::catalog::{Role, Source};
use crate::change::{Changes, Op};
use crate::engine::Shared;
use crate::error::{Code, Diagnostic, Error, Result, invalid};
use crate::evaluate::{Evaluator, RowErrors};
use crate::near_miss::hint;
use crate::outcome::Done;
use crate::pipeline::commit::Writer;
use crate::pipeline::{Emitted, TopicSink};
use crate::planner::expression::{Resolver, insert_cast};
use crate::planner::scope::Scope;
use crate::row_type::pseudo;
use crate::session::Session;
use crate::state::WriteBatch;

/// Rows of one statement, checked and ready to be appended.
pub struct Insertion {
    source: Source,
    changes: Changes,
}

/// Appends rows, or lets them wait for the commit of the session's transaction.
pub fn execute(
    session: &mut Session,
    shared: &Shared,
    target: &Ident,
    columns: &[Ident],
    rows: &[Vec<Syntax>],
) -> Result<Done> {
    let insertion = prepare(session, shared, target, columns, rows)?;
    transaction::insert(session, shared, insertion)?;
    Ok(done(
        &format!("INSERT 0 {}", rows.len()),
        format!("{} inserted", counted(rows.len(), "row", "rows")),
    ))
}

/// Checks rows. Nothing is appended yet.
fn prepare(
    session: &Session,
    shared: &Shared,
    target: &Ident,
    columns: &[Ident],
    rows: &[Vec<Syntax>],
) -> Result<Insertion> {
    let catalog = shared.catalog();
    let source = catalog.source(&target.value).map_err(|error| error.at(target.span))?;
    check_target(session, source, target)?;
    let places = places(source, columns, rows, target)?;
    let scope = Scope::empty();
    let mut resolver = Resolver::new(&shared.functions, catalog.as_ref(), &scope)?;
    let now = shared.options.clock.now_ms();
    let mut values: Vec<Vec<ArrayRef>> = Vec::with_capacity(rows.len());
    for row in rows {
        values.push(row_values(source, &places, row, now, &mut resolver)?);
    }
    let changes = changes(source, &values)?;
    check_keys(source, &changes, target)?;
    Ok(Insertion { source: source.clone(), changes })
}

/// Appends rows as one transaction of the log.
pub fn append(shared: &Shared, insertions: &[Insertion]) -> Result<()> {
    let mut writer = Writer::new(&shared.log);
    for insertion in insertions {
        insertion.write(shared, &mut writer)?;
    }
    writer.commit_plain()
}

impl Insertion {
    /// Bytes of memory that the rows take.
    pub fn memory(&self) -> usize {
        self.changes.rows.get_array_memory_size()
    }

    fn write(&self, shared: &Shared, writer: &mut Writer<'_>) -> Result<()> {
        let name = &self.source.name;
        if shared.catalog().sources.get(name) != Some(&self.source) {
            let message = format!("{name} has been changed or dropped since rows were inserted");
            return Err(invalid(Code::InUse, message));
        }
        let topic = topic_of(shared, &self.source.topic)?;
        let mut sink = TopicSink::new(&without_time(&self.source), topic, None)?;
        let rows = sink.encode(Emitted::alone(self.changes.clone()))?;
        sink.write(&rows, writer, &mut WriteBatch::default())?;
        Ok(())
    }
}

/// The record's own time is the row's ROWTIME; the TIMESTAMP column is read by whoever reads.
fn without_time(source: &Source) -> Source {
    Source { timestamp: None, ..source.clone() }
}

fn check_target(session: &Session, source: &Source, target: &Ident) -> Result<()> {
    let refuse = |message: String| Err(invalid(Code::InvalidQuery, message).at(target.span));
    if !session.properties.enabled("ksql.insert.into.values.enabled") {
        return refuse(
            "INSERT INTO … VALUES is disabled by ksql.insert.into.values.enabled".to_owned(),
        );
    }
    if source.read_only {
        return refuse(format!(
            "cannot insert values into read-only {}: {}",
            crate::catalog::kind_name(source.kind).to_lowercase(),
            source.name
        ));
    }
    if source.window.is_some() {
        return refuse(format!("cannot insert values into windowed stream/table: {}", source.name));
    }
    Ok(())
}

/// Where each value of a row goes: a column, or ROWTIME.
enum Place {
    Column(usize),
    Rowtime,
}

fn places(
    source: &Source,
    columns: &[Ident],
    rows: &[Vec<Syntax>],
    target: &Ident,
) -> Result<Vec<Place>> {
    let places: Vec<Place> = match columns.is_empty() {
        true => {
            let settable = |at: &usize| matches!(source.columns[*at].role, Role::Key | Role::Value);
            (0..source.columns.len()).filter(settable).map(Place::Column).collect()
        }
        false => columns.iter().map(|column| place(source, column)).collect::<Result<_>>()?,
    };
    if let Some(row) = rows.iter().find(|row| row.len() != places.len()) {
        let span = row.first().map_or(target.span, Spanned::span);
        let expected = counted(places.len(), "value", "values");
        let message = format!("expected {expected}, one for each column, found {}", row.len());
        return Err(invalid(Code::InvalidQuery, message).at(span));
    }
    Ok(places)
}

fn place(source: &Source, column: &Ident) -> Result<Place> {
    let name = column.value.as_str();
    if name == pseudo::ROWTIME {
        return Ok(Place::Rowtime);
    }
    let at = source.columns.iter().position(|known| known.name == name);
    match at.map(|at| (at, &source.columns[at].role)) {
        Some((at, Role::Key | Role::Value)) => Ok(Place::Column(at)),
        Some(_) => {
            let message = format!("cannot insert into HEADERS column: {name}");
            Err(invalid(Code::InvalidQuery, message).at(column.span))
        }
        None if pseudo::is(name) => {
            let message = format!("inserting into column {name} is not allowed");
            Err(invalid(Code::InvalidQuery, message).at(column.span))
        }
        None => {
            let message = format!("column name '{name}' does not exist in {}", source.name);
            let error = invalid(Code::UnknownColumn, message).at(column.span);
            let names = source.columns.iter().map(|known| known.name.as_str());
            Err(match hint(name, names) {
                Some(hint) => error.hint(hint),
                None => error,
            })
        }
    }
}

/// One value per column, then the time.
fn row_values(
    source: &Source,
    places: &[Place],
    row: &[Syntax],
    now: i64,
    resolver: &mut Resolver<'_>,
) -> Result<Vec<ArrayRef>> {
    let mut values: Vec<ArrayRef> =
        source.columns.iter().map(|column| new_null_array(&column.data_type, 1)).collect();
    values.push(Arc::new(Int64Array::from(vec![now])));
    for (place, syntax) in places.iter().zip(row) {
        let (at, data_type, name) = match place {
            Place::Column(at) => {
                (*at, &source.columns[*at].data_type, source.columns[*at].name.as_str())
            }
            Place::Rowtime => (source.columns.len(), &DataType::Int64, pseudo::ROWTIME),
        };
        values[at] = constant(syntax, data_type, name, resolver)?;
    }
    Ok(values)
}

/// The value of an expression without columns, in a column's type.
pub(super) fn constant(
    syntax: &Syntax,
    data_type: &DataType,
    column: &str,
    resolver: &mut Resolver<'_>,
) -> Result<ArrayRef> {
    let resolved = resolver.resolve(syntax)?;
    let from = resolver.type_of(&resolved)?;
    let cast = insert_cast(resolved, &from, data_type);
    let cast = cast.map_err(|error| of_column(column, error).at(syntax.span()))?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let one_row =
        RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
    let mut errors = RowErrors::default();
    let evaluator = Evaluator::new([&cast], resolver.schema())?;
    let mut columns = evaluator.evaluate(&one_row, &mut errors)?;
    match errors.errors.pop() {
        Some(error) => {
            let message = format!("column {column}: {}", error.message);
            Err(invalid(Code::InvalidValue, message).at(syntax.span()))
        }
        None => columns.pop().ok_or_else(|| Error::Internal("no value".into())),
    }
}

/// The error of a value, with the column that it is for.
fn of_column(column: &str, error: Error) -> Error {
    match error {
        Error::Invalid(diagnostic) => {
            let message = format!("column {column}: {}", diagnostic.message);
            Error::Invalid(Diagnostic { message, ..diagnostic })
        }
        other => invalid(Code::TypeMismatch, format!("column {column}: {}", other.message())),
    }
}

fn changes(source: &Source, values: &[Vec<ArrayRef>]) -> Result<Changes> {
    let columns = (0..=source.columns.len()).map(|at| {
        let parts: Vec<&dyn Array> = values.iter().map(|row| &*row[at]).collect();
        Ok(concat(&parts)?)
    });
    let mut columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    let times = columns.pop().map(|times| times.as_primitive::<Int64Type>().clone());
    let times = times.ok_or_else(|| Error::Internal("no times".into()))?;
    let stored = source.columns.iter().zip(columns);
    let stored = stored.filter(|(column, _)| matches!(column.role, Role::Key | Role::Value));
    let (stored, columns): (Vec<_>, Vec<ArrayRef>) = stored.unzip();
    let fields = stored
        .iter()
        .map(|column| arrow::datatypes::Field::new(&column.name, column.data_type.clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let rows = RecordBatch::try_new(schema, columns)?;
    let ops = vec![Op::Insert; rows.num_rows()];
    Ok(Changes::new(rows, ops, times))
}

fn check_keys(source: &Source, changes: &Changes, target: &Ident) -> Result<()> {
    let keys = source.key_columns().count();
    let missing = |column: &ArrayRef| column.null_count() > 0;
    if source.kind == SourceKind::Table && changes.rows.columns()[..keys].iter().any(missing) {
        let names: Vec<&str> = source.key_columns().map(|key| key.name.as_str()).collect();
        let message = format!(
            "failed to insert values into '{}': value for primary key column(s) {} is required for tables",
            source.name,
            names.join(", ")
        );
        return Err(invalid(Code::InvalidQuery, message).at(target.span));
    }
    Ok(())
}
