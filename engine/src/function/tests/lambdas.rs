//! Functions with lambdas, over constants and over batches.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, ListArray, RecordBatch};
use arrow::datatypes::Int32Type;
use datafusion::common::Result;

use super::check;
use super::evaluate::{evaluate_on, show};

#[test]
fn lambdas_change_filter_and_reduce() {
    check(&[
        ("TRANSFORM(ARRAY['a', NULL], x => UCASE(x))", "[A, null]"),
        ("TRANSFORM(CAST(NULL AS ARRAY<INTEGER>), x => x + 5)", "NULL"),
        ("TRANSFORM(MAP('a' := 1, 'b' := 2), (k, v) => 'z', (k, v) => v)", "{z=2}"),
        ("FILTER(MAP('a' := 1, 'b' := 2), (k, v) => v > 1)", "{b=2}"),
        ("REDUCE(CAST(NULL AS ARRAY<INTEGER>), 7, (s, x) => s + x)", "7"),
        ("REDUCE(ARRAY[1, 2], CAST(NULL AS INTEGER), (s, x) => s + x)", "NULL"),
        ("REDUCE(MAP('a' := 3, 'bcd' := 7), 0, (s, k, v) => s + v * LEN(k))", "24"),
        ("REDUCE(ARRAY['to', NULL], '', (s, x) => CONCAT(s, x))", "'to'"),
    ]);
}

#[test]
fn lambdas_nest() {
    check(&[
        ("TRANSFORM(ARRAY[ARRAY[1, 2], ARRAY[3]], x => REDUCE(x, 0, (s, y) => s + y))", "[3, 3]"),
        (
            "TRANSFORM(ARRAY[1, 2], x => TRANSFORM(ARRAY[10, 20], y => x + y))",
            "[[11, 21], [12, 22]]",
        ),
    ]);
}

#[test]
fn the_state_of_reduce_widens_to_what_the_lambda_gives() {
    check(&[
        ("REDUCE(ARRAY[CAST(5000000000 AS BIGINT)], 1, (s, x) => s + x)", "5000000001"),
        ("REDUCE(ARRAY[1.5, 2.5], 0, (s, x) => s + x)", "4.0"),
        ("REDUCE(ARRAY[1], 'a', (s, x) => x)", "!must give the type of its start value"),
    ]);
}

#[test]
fn a_null_operand_in_a_lambda_spoils_the_call() {
    check(&[
        ("TRANSFORM(ARRAY[5, NULL], x => x + 5)", "!an operand of + is NULL"),
        ("FILTER(ARRAY['a'], x => x)", "!must give BOOLEAN, not STRING"),
        (
            "TRANSFORM(ARRAY[1], (x, y) => x)",
            "!gives its lambda 1 arguments, but the lambda takes 2",
        ),
        ("TRANSFORM('text', x => x)", "!function 'transform' does not accept parameters"),
        ("REDUCE(ARRAY[1], x => x)", "!function 'reduce' does not accept parameters"),
    ]);
}

fn batch() -> Result<RecordBatch> {
    let lists =
        vec![Some(vec![Some(1), Some(2), Some(3)]), None, Some(vec![]), Some(vec![Some(4)])];
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![10, 20, 30, 40]));
    Ok(RecordBatch::try_from_iter([("items", lists), ("number", numbers)])?)
}

fn column(expression: &str, batch: &RecordBatch) -> Vec<String> {
    let column = evaluate_on(expression, batch).unwrap_or_else(|error| panic!("{error}"));
    (0..column.len()).map(|row| show(&column, row)).collect()
}

#[test]
fn lambdas_see_the_columns_of_their_own_row() -> Result<()> {
    let batch = batch()?;
    let cases = [
        ("TRANSFORM(items, x => x + number)", ["[11, 12, 13]", "NULL", "[]", "[44]"]),
        ("FILTER(items, x => x * 10 > number)", ["[2, 3]", "NULL", "[]", "[]"]),
        ("REDUCE(items, number, (s, x) => s + x)", ["16", "20", "30", "44"]),
        ("REDUCE(items, 0, (s, x) => s + x + number)", ["36", "0", "0", "44"]),
        (
            "TRANSFORM(items, x => REDUCE(items, x, (s, y) => s + y * number))",
            ["[61, 62, 63]", "NULL", "[]", "[164]"],
        ),
    ];
    for (expression, expected) in cases {
        assert_eq!(column(expression, &batch), expected, "{expression}");
    }
    Ok(())
}

#[test]
fn a_slice_is_evaluated_alone() -> Result<()> {
    let last = batch()?.slice(3, 1);
    // Row 0 would divide by zero.
    assert_eq!(column("TRANSFORM(items, x => 12 / (x - 1))", &last), ["[4]"]);
    assert_eq!(column("ARRAY_JOIN(CAST(items AS ARRAY<STRING>))", &last), ["'4'"]);
    Ok(())
}
