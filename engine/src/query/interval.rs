//! An interval so many times, as `INTERVAL '1 second' * n`.
//!
//! DataFusion multiplies an interval by a BIGINT and takes every other number for a second interval.
//! Here whole numbers become BIGINT, and for the rest there is a function.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, IntervalMonthDayNanoArray};
use arrow::compute::binary;
use arrow::datatypes::{
    DataType, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, binary_expr, cast,
};
use sqlparser::ast::BinaryOperator;

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// Days of a month and nanoseconds of a day, where a part of one is left.
const DAYS: f64 = 30.0;
const NANOS: f64 = 86_400e9;

/// Plans products of an interval and a number.
#[derive(Debug)]
pub struct Products;

impl ExprPlanner for Products {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if expr.op != BinaryOperator::Multiply {
            return Ok(PlannerResult::Original(expr));
        }
        let (left, right) = (expr.left.get_type(schema)?, expr.right.get_type(schema)?);
        let is_interval = |data_type: &DataType| matches!(data_type, DataType::Interval(_));
        let (interval, number, of) = match (is_interval(&left), is_interval(&right)) {
            (true, false) => (expr.left, expr.right, right),
            (false, true) => (expr.right, expr.left, left),
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let interval = cast(interval, INTERVAL);
        Ok(PlannerResult::Planned(if of.is_integer() {
            let number = cast(number, DataType::Int64);
            binary_expr(interval, datafusion::logical_expr::Operator::Multiply, number)
        } else {
            FUNCTION.call(vec![interval, cast(number, DataType::Float64)])
        }))
    }
}

static FUNCTION: LazyLock<ScalarUDF> = LazyLock::new(|| {
    let signature = Signature::exact(vec![INTERVAL, DataType::Float64], Volatility::Immutable);
    ScalarUDF::new_from_impl(Product { signature })
});

#[derive(Debug, PartialEq, Eq, Hash)]
struct Product {
    signature: Signature,
}

impl ScalarUDFImpl for Product {
    fn name(&self) -> &'static str {
        "interval_product"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let intervals = arrays[0].as_primitive::<IntervalMonthDayNanoType>();
        let numbers = arrays[1].as_primitive::<Float64Type>();
        let products: IntervalMonthDayNanoArray = binary(intervals, numbers, product)?;
        Ok(ColumnarValue::Array(Arc::new(products) as ArrayRef))
    }
}

/// What is left of a month becomes days, and of a day a time; what is beyond the largest interval
/// becomes that.
fn product(interval: IntervalMonthDayNano, number: f64) -> IntervalMonthDayNano {
    let months = f64::from(interval.months) * number;
    let days = f64::from(interval.days) * number + months.fract() * DAYS;
    let nanos = interval.nanoseconds as f64 * number + days.fract() * NANOS;
    IntervalMonthDayNano::new(months as i32, days as i32, nanos.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_months_are_days_and_parts_of_days_are_times() {
        let hour = 3_600_000_000_000;
        let parts = IntervalMonthDayNano::new;
        assert_eq!(product(parts(1, 0, 0), 1.5), parts(1, 15, 0));
        assert_eq!(product(parts(0, 1, 2 * hour), 0.5), parts(0, 0, 13 * hour));
        assert_eq!(product(parts(2, 3, hour), -1.0), parts(-2, -3, -hour));
        assert_eq!(product(parts(1, 0, 0), 1e20), parts(i32::MAX, 0, 0));
    }
}
