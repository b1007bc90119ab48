//! Where an expression may fail without spoiling what is around it.
//!
//! A call of a function that fails on a row gives NULL there, and so does an item of an ARRAY,
//! MAP or STRUCT: `COALESCE(PARSE_DATE(a, …), PARSE_DATE(b, …))` is the second date where the
//! first text is none. Arithmetic and casts have no such border: they fail what they stand in.
//!
//! A guarded expression is evaluated at full speed. Only when that fails, the batch is halved
//! until the rows that fail are alone. What they say is collected per thread, as one evaluation
//! stays on one.

use std::cell::RefCell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::{HigherOrderFunctionExpr, PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_common::physical_expr::fmt_sql;

use super::RowError;
use crate::error::Error;
use crate::expression_text::literal;
use crate::function::operator::{constructor, is_operator, written};

thread_local! {
    /// What failed since it was last taken.
    static FAILED: RefCell<Vec<RowError>> = const { RefCell::new(Vec::new()) };
}

/// What failed in guarded expressions on this thread since the last call.
pub(super) fn take_failed() -> Vec<RowError> {
    FAILED.take()
}

/// The same expression with a border around every call and every item of a constructor.
pub(super) fn guarded(expression: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    let guarded = expression.transform_up(|node| {
        if let Some(call) = node.downcast_ref::<ScalarFunctionExpr>() {
            if constructor(call.fun()).is_some() {
                let items = call.args().iter().map(|item| Guarded::around(Arc::clone(item)));
                return Ok(Transformed::yes(Arc::clone(&node).with_new_children(items.collect())?));
            }
            if is_operator(call.fun()) {
                return Ok(Transformed::no(node));
            }
            return Ok(Transformed::yes(Guarded::around(node)));
        }
        Ok(match node.downcast_ref::<HigherOrderFunctionExpr>() {
            Some(_) => Transformed::yes(Guarded::around(node)),
            None => Transformed::no(node),
        })
    });
    Ok(guarded?.data)
}

/// The expression as SQL writes it, for the processing log.
fn sql_text(expression: &Arc<dyn PhysicalExpr>) -> String {
    if let Some(guarded) = expression.downcast_ref::<Guarded>() {
        return sql_text(&guarded.inner);
    }
    if let Some(constant) = expression.downcast_ref::<Literal>() {
        return literal(constant.value());
    }
    let Some(call) = expression.downcast_ref::<ScalarFunctionExpr>() else {
        return fmt_sql(expression.as_ref()).to_string();
    };
    let operands: Vec<String> = call.args().iter().map(sql_text).collect();
    written(call.fun(), &operands)
        .unwrap_or_else(|| format!("{}({})", call.name(), operands.join(", ")))
}

/// An expression that gives NULL for the rows that it fails on.
#[derive(Debug, Eq)]
struct Guarded {
    inner: Arc<dyn PhysicalExpr>,
}

impl PartialEq for Guarded {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Hash for Guarded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Guarded {
    /// Columns and literals cannot fail; what is guarded already needs no second border.
    fn around(inner: Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
        match inner.children().is_empty() || inner.downcast_ref::<Guarded>().is_some() {
            true => inner,
            false => Arc::new(Self { inner }),
        }
    }

    fn halves(&self, batch: &RecordBatch, cause: DataFusionError) -> Result<ArrayRef> {
        let rows = batch.num_rows();
        if rows <= 1 {
            if rows == 1 {
                let message = Error::from(cause).message();
                let failed = RowError { place: sql_text(&self.inner), message };
                FAILED.with_borrow_mut(|all| all.push(failed));
            }
            return Ok(new_null_array(&self.inner.data_type(batch.schema_ref())?, rows));
        }
        let half = rows / 2;
        let first = self.evaluate(&batch.slice(0, half))?.into_array(half)?;
        let rest = self.evaluate(&batch.slice(half, rows - half))?.into_array(rows - half)?;
        Ok(concat(&[&first, &rest])?)
    }
}

impl PhysicalExpr for Guarded {
    fn data_type(&self, input: &Schema) -> Result<DataType> {
        self.inner.data_type(input)
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let before = FAILED.with_borrow(Vec::len);
        self.inner.evaluate(batch).or_else(|cause| {
            // What failed below is found again in the halves.
            FAILED.with_borrow_mut(|all| all.truncate(before));
            self.halves(batch, cause).map(ColumnarValue::Array)
        })
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let inner = children.pop().unwrap_or_else(|| Arc::clone(&self.inner));
        Ok(Arc::new(Self { inner }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}
