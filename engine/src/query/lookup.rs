//! Rows of a table by its key: pull queries whose condition says `=` of every key column, and
//! nothing else.
//!
//! Such a query needs no plan of DataFusion: its key is put together, the rows that the state has
//! under it are decoded, and the columns that are wanted are taken out of them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use futures::StreamExt;
use sql::ast::{Expr as Syntax, Select, SelectItem, SourceKind};

use super::key_range::only;
use super::predicate::constant;
use super::pull::is_key;
use super::stored_rows::{StateReader, StoredRows};
use super::table::row_type;
use super::table_rules;
use crate::catalog::{Catalog, Source};
use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::expression_text::literal;
use crate::outcome::{Column, Rows};
use crate::plan::Plan;
use crate::planner::expression::placeholder_number;
use crate::planner::{Planned, Planner, Purpose};
use crate::row_type::{RowColumn, RowType};
use crate::state::{RowCodec, View, prefix_end};

/// A query by key, with its names and types settled.
pub struct Lookup {
    rows: Arc<StoredRows>,
    /// What the key columns must be, in their order.
    key: Vec<KeyValue>,
    key_codec: RowCodec,
    /// Whether a key has a row for each of its windows.
    is_windowed: bool,
    /// Which columns of a row are wanted.
    wanted: Arc<[usize]>,
    schema: SchemaRef,
    columns: Vec<Column>,
    table: String,
    /// The shape of the rows in the state.
    found: RowType,
}

/// What a key column must be.
enum KeyValue {
    Constant(ArrayRef),
    /// The value of the placeholder with this index.
    Parameter(usize),
}

impl Lookup {
    /// The query as a lookup, if it is one; `parameters` are the types of its placeholders. What
    /// is wrong with a query is for those to say who plan every kind of them.
    pub fn plan(
        shared: &Shared,
        catalog: &Catalog,
        select: &Select,
        parameters: &[Option<DataType>],
    ) -> Result<Option<Self>> {
        let Ok(source) = catalog.source(&select.from.name.value) else { return Ok(None) };
        let number = source.materialized_by.filter(|_| source.kind == SourceKind::Table);
        let (Some(number), true) = (number, has_the_form(select)) else { return Ok(None) };
        let planner = Planner::new(catalog, &shared.functions, Purpose::Pull);
        let Ok(planned) = planner.with_parameters(parameters).plan(select) else { return Ok(None) };
        let rows = row_type(source);
        let (Some(condition), Some(wanted)) = (condition(&planned), wanted(&planned, &rows)) else {
            return Ok(None);
        };
        let allowed = table_rules::check(source, &planned, Some(condition), select).is_ok();
        let Some(key) = key_values(source, condition).filter(|_| allowed) else { return Ok(None) };
        let columns = columns(source, &planned, &rows, &wanted);
        let fields = columns.iter().map(|c| Field::new(&c.name, c.data_type.clone(), true));
        Ok(Some(Self {
            rows: Arc::new(StoredRows::new(source, number, &rows)?),
            key,
            key_codec: RowCodec::new(source.key_columns().map(|k| k.data_type.clone()).collect())?,
            is_windowed: source.window.is_some(),
            wanted: wanted.into(),
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            columns,
            table: source.name.clone(),
            found: rows,
        }))
    }

    /// The rows as they are now. `parameters` has an array of one value for each placeholder, of
    /// the type that it was planned with, and none of them is NULL.
    pub fn rows(&self, shared: &Shared, parameters: &[ArrayRef]) -> Result<Rows> {
        let key = self.key(parameters)?;
        // One row is read at one point in any case.
        let (view, range): (Arc<dyn View>, _) = match self.is_windowed {
            true => (shared.backend.view(), key.clone()..prefix_end(&key)),
            false => (Arc::clone(&shared.backend) as _, only(key)),
        };
        let reader = StateReader::new(view, Arc::clone(&self.rows), vec![range]);
        let (wanted, schema) = (Arc::clone(&self.wanted), Arc::clone(&self.schema));
        let batches = reader.map(move |batch| {
            let batch = batch?;
            let columns = wanted.iter().map(|at| Arc::clone(batch.column(*at))).collect();
            Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
        });
        Ok(Rows {
            tag: "SELECT",
            columns: self.columns.clone(),
            schema: Arc::clone(&self.schema),
            stream: futures::stream::iter(batches).boxed(),
            endless: false,
            tombstones: None,
        })
    }

    /// What runs, as `EXPLAIN` shows it: the columns that are taken, out of the rows of a key.
    pub fn explain(&self) -> Result<String> {
        let taken = self.wanted.iter().map(|at| self.found.columns[*at].name.as_str());
        let taken = taken.collect::<Vec<_>>().join(", ");
        let key = self.found.key_columns().zip(&self.key);
        let key = key.map(|(column, value)| Ok(format!("{} = {}", column.name, value.text()?)));
        let key = key.collect::<Result<Vec<_>>>()?.join(" AND ");
        let (given, table, found) = (self.given(), &self.table, &self.found);
        Ok(format!("Project [{taken}]\n : {given}\n  Lookup {table} [key: {key}]\n   : {found}\n"))
    }

    /// The shape of the rows that are given.
    fn given(&self) -> RowType {
        let columns = self.columns.iter().map(|c| RowColumn::new(&c.name, c.data_type.clone()));
        let keys = (0..self.columns.len()).filter(|at| self.columns[*at].key);
        // A window's bounds are columns like others here, where somebody has asked for them.
        RowType { columns: columns.collect(), keys: keys.collect(), window: None }
    }

    /// The key as it is stored; of a windowed table the part before the window.
    fn key(&self, parameters: &[ArrayRef]) -> Result<Vec<u8>> {
        let value = |value: &KeyValue| match value {
            KeyValue::Constant(value) => Ok(Arc::clone(value)),
            KeyValue::Parameter(index) => parameters.get(*index).cloned().ok_or_else(|| {
                let given = parameters.len();
                Error::Internal(format!("no value for ${}: {given} were given", index + 1))
            }),
        };
        let values = self.key.iter().map(value).collect::<Result<Vec<_>>>()?;
        let encoded = self.key_codec.encode(&values, 1)?;
        Ok([&self.rows.prefix()[..], encoded.get(0)].concat())
    }
}

impl KeyValue {
    /// The value as SQL writes it.
    fn text(&self) -> Result<String> {
        match self {
            KeyValue::Constant(value) => Ok(literal(&ScalarValue::try_from_array(value, 0)?)),
            KeyValue::Parameter(index) => Ok(format!("${}", index + 1)),
        }
    }
}

/// Whether a query may be one by key: `SELECT columns FROM source WHERE condition`.
fn has_the_form(select: &Select) -> bool {
    let is_column = |item: &SelectItem| match item {
        SelectItem::Expr { expr, .. } => {
            matches!(expr, Syntax::Identifier(_) | Syntax::CompoundIdentifier(_))
        }
        SelectItem::Wildcard { .. } | SelectItem::QualifiedWildcard { .. } => true,
        SelectItem::StructWildcard { .. } => false,
    };
    select.where_.is_some()
        && select.items.iter().all(is_column)
        && select.from.query.is_none()
        && select.joins.is_empty()
        && select.window.is_none()
        && select.group_by.is_empty()
        && select.partition_by.is_empty()
        && select.having.is_none()
        && select.emit.is_none()
        && select.limit.is_none()
}

/// The condition of a plan that has nothing else below its select list.
fn condition(planned: &Planned) -> Option<&Expr> {
    match &planned.plan {
        Plan::Filter { input, condition } if matches!(**input, Plan::Source(_)) => Some(condition),
        _ => None,
    }
}

/// The columns that are selected, by their place in a row; each has a name of its own.
fn wanted(planned: &Planned, rows: &RowType) -> Option<Vec<usize>> {
    let mut names = HashSet::new();
    let columns = planned.items.iter().map(|item| match &item.expr {
        Expr::Column(column) if names.insert(&item.name) => rows.position(None, &column.name),
        _ => None,
    });
    columns.collect()
}

fn columns(source: &Source, planned: &Planned, rows: &RowType, wanted: &[usize]) -> Vec<Column> {
    let columns = planned.items.iter().zip(wanted).map(|(item, at)| Column {
        name: item.name.clone(),
        data_type: rows.columns[*at].data_type.clone(),
        key: is_key(source, &item.expr),
        header: None,
    });
    columns.collect()
}

/// What the condition says of each key column, if that is all it says.
fn key_values(source: &Source, condition: &Expr) -> Option<Vec<KeyValue>> {
    let mut equalities = Vec::new();
    collect_equalities(condition, &mut equalities)?;
    let values = source.key_columns().map(|key| {
        let mut own = equalities.iter().filter(|(column, _)| *column == key.name);
        match (own.next(), own.next()) {
            (Some((_, value)), None) => key_value(value, &key.data_type),
            _ => None,
        }
    });
    let values = values.collect::<Option<Vec<_>>>()?;
    let is_all = values.len() == equalities.len();
    Some(values).filter(|values| is_all && !values.is_empty())
}

/// Finds the comparisons of columns with something else that a condition consists of.
fn collect_equalities<'e>(condition: &'e Expr, found: &mut Vec<(&'e str, &'e Expr)>) -> Option<()> {
    match condition {
        Expr::IsTrue(inner) => collect_equalities(inner, found),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            collect_equalities(left, found)?;
            collect_equalities(right, found)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            found.push(match (&**left, &**right) {
                (Expr::Column(column), value) | (value, Expr::Column(column)) => {
                    (column.name.as_str(), value)
                }
                _ => return None,
            });
            Some(())
        }
        _ => None,
    }
}

fn key_value(value: &Expr, data_type: &DataType) -> Option<KeyValue> {
    if !is_compared_as_encoded(data_type) {
        return None;
    }
    match value {
        Expr::Placeholder(placeholder) => {
            let number = placeholder_number(&placeholder.id)?;
            Some(KeyValue::Parameter(number.checked_sub(1)?))
        }
        value => {
            let value = constant(value, data_type)?;
            Some(KeyValue::Constant(value.to_array_of_size(1).ok()?))
        }
    }
}

/// Whether values of a type are equal just where their encodings are: unlike 0.0 and -0.0.
fn is_compared_as_encoded(data_type: &DataType) -> bool {
    !data_type.is_nested() && !data_type.is_floating()
}
