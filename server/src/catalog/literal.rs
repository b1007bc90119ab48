//! Text beside a flag: Postgres gives a literal in quotes the type of what it is compared with, so
//! that `indisprimary = 'f'` asks whether it is false.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, lit};

/// Makes such literals booleans.
#[derive(Debug)]
pub(super) struct Flags;

impl ExprPlanner for Flags {
    fn plan_binary_op(
        &self,
        mut expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let is_flag = |side: &Expr| side.get_type(schema).is_ok_and(|of| of == DataType::Boolean);
        match (flag(&expr.left), flag(&expr.right)) {
            (None, Some(value)) if is_flag(&expr.left) => expr.right = lit(value),
            (Some(value), None) if is_flag(&expr.right) => expr.left = lit(value),
            _ => {}
        }
        Ok(PlannerResult::Original(expr))
    }
}

/// The value of a literal that Postgres would take for a boolean.
fn flag(expr: &Expr) -> Option<bool> {
    let Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) = expr
    else {
        return None;
    };
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}
