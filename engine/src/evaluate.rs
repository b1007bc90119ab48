//! Expressions over batches, with the mishap of one row kept to that row.
//!
//! A batch is evaluated at full speed. Only when that fails, the batch is halved until the rows
//! that fail are alone: they give NULL and an entry in the errors, the others their values. A
//! failing call within an expression is NULL by itself, see [`guard`].

mod guard;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::compute::{concat, prep_null_mask_filter};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};

use crate::error::{Error, Result};
use crate::expression_text::sql_text;

/// What went wrong with single rows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RowErrors {
    /// In the order found.
    pub errors: Vec<RowError>,
}

/// What went wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The expression or step.
    pub place: String,
    /// What was expected and found.
    pub message: String,
}

impl RowErrors {
    /// Adds an entry.
    pub fn add(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.errors.push(RowError { place: place.into(), message: message.into() });
    }
}

/// Expressions bound to the columns of their input.
#[derive(Debug, Clone)]
pub struct Evaluator {
    expressions: Vec<Bound>,
}

#[derive(Debug, Clone)]
struct Bound {
    text: String,
    data_type: DataType,
    physical: Arc<dyn PhysicalExpr>,
}

impl Evaluator {
    /// Binds expressions to an input's columns.
    pub fn new<'a>(
        expressions: impl IntoIterator<Item = &'a Expr>,
        input: &DFSchema,
    ) -> Result<Self> {
        let expressions = expressions.into_iter().map(|expr| Bound::new(expr, input));
        Ok(Self { expressions: expressions.collect::<Result<_>>()? })
    }

    /// The results' types.
    pub fn types(&self) -> impl Iterator<Item = &DataType> {
        self.expressions.iter().map(|bound| &bound.data_type)
    }

    /// One column per expression.
    pub fn evaluate(&self, rows: &RecordBatch, errors: &mut RowErrors) -> Result<Vec<ArrayRef>> {
        self.expressions.iter().map(|bound| bound.evaluate(rows, errors)).collect()
    }

    /// The first expression as a condition: NULL is false.
    pub fn matches(&self, rows: &RecordBatch, errors: &mut RowErrors) -> Result<BooleanArray> {
        let not_boolean = || Error::Internal("the condition is not BOOLEAN".into());
        let bound = self.expressions.first().ok_or_else(not_boolean)?;
        let column = bound.evaluate(rows, errors)?;
        let condition = column.as_any().downcast_ref::<BooleanArray>().ok_or_else(not_boolean)?;
        Ok(match condition.null_count() {
            0 => condition.clone(),
            _ => prep_null_mask_filter(condition),
        })
    }
}

impl Bound {
    fn new(expr: &Expr, input: &DFSchema) -> Result<Self> {
        let props = ExecutionProps::new();
        let physical = create_physical_expr(expr, input, &props, &Default::default())?;
        let physical = guard::guarded(physical)?;
        let data_type = expr.get_type(input)?;
        Ok(Self { text: sql_text(expr), data_type, physical })
    }

    fn evaluate(&self, rows: &RecordBatch, errors: &mut RowErrors) -> Result<ArrayRef> {
        let result = self.physical.evaluate(rows);
        let failed = guard::take_failed();
        match result.and_then(|value| value.into_array(rows.num_rows())) {
            Ok(column) => {
                errors.errors.extend(failed);
                self.typed(column)
            }
            Err(cause) if rows.num_rows() <= 1 => {
                errors.add(&self.text, Error::from(cause).message());
                Ok(new_null_array(&self.data_type, rows.num_rows()))
            }
            Err(_) => self.evaluate_halves(rows, errors),
        }
    }

    fn evaluate_halves(&self, rows: &RecordBatch, errors: &mut RowErrors) -> Result<ArrayRef> {
        let half = rows.num_rows() / 2;
        let first = self.evaluate(&rows.slice(0, half), errors)?;
        let second = self.evaluate(&rows.slice(half, rows.num_rows() - half), errors)?;
        Ok(concat(&[&first, &second])?)
    }

    /// Functions of DataFusion may give a view or a dictionary where text was planned.
    fn typed(&self, column: ArrayRef) -> Result<ArrayRef> {
        match column.data_type() == &self.data_type {
            true => Ok(column),
            false => Ok(arrow::compute::cast(&column, &self.data_type)?),
        }
    }
}
