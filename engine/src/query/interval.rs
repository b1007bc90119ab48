//! An interval so many times, as `INTERVAL '1 second' * n`, which DataFusion's planner takes for a
//! product of two intervals, and refuses.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, IntervalMonthDayNanoArray};
use arrow::compute::try_binary;
use arrow::datatypes::{
    DataType, Float64Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
};
use arrow::error::ArrowError;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, cast,
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
        let types = (expr.left.get_type(schema), expr.right.get_type(schema));
        let (interval, number, of) = match types {
            (Ok(DataType::Interval(_)), Ok(of)) if of.is_numeric() => (expr.left, expr.right, of),
            (Ok(of), Ok(DataType::Interval(_))) if of.is_numeric() => (expr.right, expr.left, of),
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let of = if of.is_integer() { DataType::Int64 } else { DataType::Float64 };
        let arguments = vec![cast(interval, INTERVAL), cast(number, of)];
        Ok(PlannerResult::Planned(PRODUCT.call(arguments)))
    }
}

static PRODUCT: LazyLock<ScalarUDF> = LazyLock::new(|| {
    let signature = Signature::any(2, Volatility::Immutable);
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
        let products: IntervalMonthDayNanoArray = match arrays[1].as_primitive_opt::<Int64Type>() {
            Some(numbers) => try_binary(intervals, numbers, |interval, number| {
                whole(interval, number).ok_or_else(out_of_range)
            })?,
            None => {
                let numbers = arrays[1].as_primitive::<Float64Type>();
                try_binary(intervals, numbers, |interval, number| {
                    product(interval, number).ok_or_else(out_of_range)
                })?
            }
        };
        Ok(ColumnarValue::Array(Arc::new(products)))
    }
}

fn out_of_range() -> ArrowError {
    ArrowError::ArithmeticOverflow("the interval is out of range".into())
}

/// The interval so many times, exactly.
fn whole(interval: IntervalMonthDayNano, number: i64) -> Option<IntervalMonthDayNano> {
    let small = |part: i32| i64::from(part).checked_mul(number)?.try_into().ok();
    let nanos = interval.nanoseconds.checked_mul(number)?;
    Some(IntervalMonthDayNano::new(small(interval.months)?, small(interval.days)?, nanos))
}

/// The same for a number with a fraction: what is left of a month becomes days, and what is left of
/// a day a time.
fn product(interval: IntervalMonthDayNano, number: f64) -> Option<IntervalMonthDayNano> {
    let whole = whole(interval, Some(number.trunc()).filter(|whole| whole.abs() < 1e18)? as i64)?;
    let part = number.fract();
    let months = f64::from(interval.months) * part;
    let days = f64::from(interval.days) * part + months.fract() * DAYS;
    let nanos = interval.nanoseconds as f64 * part + days.fract() * NANOS;
    Some(IntervalMonthDayNano::new(
        whole.months.checked_add(months as i32)?,
        whole.days.checked_add(days as i32)?,
        whole.nanoseconds.checked_add(nanos.round() as i64)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_months_are_days_and_parts_of_days_are_times() {
        let hour = 3_600_000_000_000;
        let parts = IntervalMonthDayNano::new;
        assert_eq!(product(parts(1, 0, 0), 1.5), Some(parts(1, 15, 0)));
        assert_eq!(product(parts(0, 1, 2 * hour), 0.5), Some(parts(0, 0, 13 * hour)));
        assert_eq!(product(parts(2, 3, hour), -1.0), Some(parts(-2, -3, -hour)));
        assert_eq!(product(parts(0, 0, 1), 1e12), Some(parts(0, 0, 1_000_000_000_000)));
    }

    #[test]
    fn what_no_interval_holds_is_none() {
        let parts = IntervalMonthDayNano::new;
        assert_eq!(whole(parts(0, 0, 1_000_000_000), i64::MAX), None);
        assert_eq!(product(parts(1, 0, 0), 1e10), None);
        assert_eq!(product(parts(1, 0, 0), f64::NAN), None);
    }
}
