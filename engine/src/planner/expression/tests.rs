//! Whatever is put together, an expression is refused with a reason, or gives a column of its
//! type: no panic, no internal error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::record_batch::RecordBatch;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::Resolver;
use crate::catalog::Catalog;
use crate::error::Error;
use crate::evaluate::{Evaluator, RowErrors};
use crate::format::{Format, Side, decoder};
use crate::function::{FunctionKind, Functions};
use crate::planner::scope::Scope;
use crate::row_type::{RowColumn, RowType};
use crate::types::{TIME, TIMESTAMP, array_of, map_of, struct_of};

/// Ordinary values, the ends of the types, and no values.
const ROWS: [&str; 4] = [
    r#"{"I": 7, "L": -3, "D": 0.5, "N": 12.34, "S": "10%", "B": true, "Y": "YWJj", "DT": 19000,
        "TM": 3600000, "TS": 1700000000123, "A": [1, null, 3], "M": {"k": 1.5}, "R": {"X": 1}}"#,
    r#"{"I": -2147483648, "L": -9223372036854775808, "D": -1.7976931348623157E308,
        "N": -99999999.99, "S": "", "B": false, "Y": "", "DT": -719162, "TM": 0,
        "TS": -62135596800000, "A": [], "M": {}, "R": {"X": -2147483648, "Z": "é"}}"#,
    r#"{"I": 2147483647, "L": 9223372036854775807, "D": 1.7976931348623157E308, "N": 99999999.99,
        "S": "é'\\", "B": true, "Y": "/w==", "DT": 2932896, "TM": 86399999, "TS": 253402300799999,
        "A": [2147483647], "M": {"": null, "é": -0.0}, "R": {}}"#,
    "{}",
];

const LITERALS: &[&str] = &[
    "NULL",
    "0",
    "1",
    "-2",
    "40",
    "3000000000",
    "1.5",
    "2E3",
    "''",
    "'a'",
    "'k'",
    "'yyyy-MM-dd'",
    "'$.a'",
    "'{\"a\": [1]}'",
    "TRUE",
    "DATE '2024-02-29'",
    "TIME '10:30'",
    "TIMESTAMP '2024-02-29T10:30'",
];

const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "%", "||", "=", "<>", "<", ">=", "AND", "OR", "IS DISTINCT FROM"];

const TYPES: &[&str] = &[
    "BOOLEAN",
    "INT",
    "BIGINT",
    "DOUBLE",
    "DECIMAL(4, 2)",
    "STRING",
    "BYTES",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "ARRAY<BIGINT>",
    "MAP<STRING, STRING>",
    "STRUCT<X DOUBLE>",
];

/// Functions that make as much as they are told to.
const UNBOUNDED: &[&str] = &["PAD", "RANGE", "REPEAT", "RESIZE", "SERIES"];

fn columns() -> Fields {
    let columns = [
        ("I", DataType::Int32),
        ("L", DataType::Int64),
        ("D", DataType::Float64),
        ("N", DataType::Decimal128(10, 2)),
        ("S", DataType::Utf8),
        ("B", DataType::Boolean),
        ("Y", DataType::Binary),
        ("DT", DataType::Date32),
        ("TM", TIME),
        ("TS", TIMESTAMP),
        ("A", array_of(DataType::Int32)),
        ("M", map_of(DataType::Utf8, DataType::Float64)),
        ("R", struct_of([("X", DataType::Int32), ("Z", DataType::Utf8)])),
    ];
    columns.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect()
}

fn rows() -> RecordBatch {
    let columns = columns();
    let wanted: Vec<usize> = (0..columns.len()).collect();
    let side = Side { format: Format::Json, columns: columns.clone(), wrapped: true };
    let payloads: Vec<Option<&[u8]>> = ROWS.iter().map(|row| Some(row.as_bytes())).collect();
    let decoded = decoder(&side, &wanted).unwrap().decode(&payloads);
    assert_eq!(decoded.bad, []);
    RecordBatch::try_new(Arc::new(Schema::new(columns)), decoded.columns).unwrap()
}

/// Puts expressions together.
struct Generator {
    random: StdRng,
    functions: Vec<&'static str>,
    in_lambda: bool,
}

impl Generator {
    fn new(functions: &Functions) -> Self {
        let scalar = functions.definitions().filter(|d| d.kind == FunctionKind::Scalar);
        let bounded = |name: &&str| !UNBOUNDED.iter().any(|part| name.contains(part));
        let functions = scalar.map(|definition| definition.name).filter(bounded).collect();
        Self { random: StdRng::seed_from_u64(0x5eed), functions, in_lambda: false }
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from.choose(&mut self.random).copied().unwrap_or_default()
    }

    fn leaf(&mut self) -> String {
        match self.random.random_range(0..5) {
            0 if self.in_lambda => "x".to_owned(),
            0 | 1 => self.pick(LITERALS).to_owned(),
            _ => {
                let columns = columns();
                columns[self.random.random_range(0..columns.len())].name().clone()
            }
        }
    }

    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.leaf();
        }
        let below = depth - 1;
        match self.random.random_range(0..12) {
            0..=3 => self.call(below),
            4 | 5 => {
                let operator = self.pick(OPERATORS);
                format!("({} {operator} {})", self.expression(below), self.expression(below))
            }
            6 => format!("CAST({} AS {})", self.expression(below), self.pick(TYPES)),
            7 => self.condition(below),
            8 => self.constructor(below),
            9 => self.part(below),
            10 => self.lambda(below),
            _ => self.leaf(),
        }
    }

    fn call(&mut self, below: usize) -> String {
        let functions = std::mem::take(&mut self.functions);
        let name = self.pick(&functions);
        self.functions = functions;
        let arguments: Vec<String> =
            (0..self.random.random_range(0..4)).map(|_| self.expression(below)).collect();
        format!("{name}({})", arguments.join(", "))
    }

    fn condition(&mut self, below: usize) -> String {
        let (a, b, c) = (self.expression(below), self.expression(below), self.expression(below));
        match self.random.random_range(0..4) {
            0 => format!("({a} IN ({b}, {c}))"),
            1 => format!("({a} NOT BETWEEN {b} AND {c})"),
            2 => format!("({a} LIKE {b} ESCAPE '!')"),
            _ => format!("CASE WHEN {a} THEN {b} ELSE {c} END"),
        }
    }

    fn constructor(&mut self, below: usize) -> String {
        let (a, b) = (self.expression(below), self.expression(below));
        match self.random.random_range(0..3) {
            0 => format!("ARRAY[{a}, {b}]"),
            1 => format!("MAP('k' := {a}, {b} := {a})"),
            _ => format!("STRUCT(X := {a}, W := {b})"),
        }
    }

    fn part(&mut self, below: usize) -> String {
        match self.random.random_range(0..3) {
            0 => format!("R->{}", self.pick(&["X", "Z", "W"])),
            1 => format!("A[{}]", self.expression(below)),
            _ => format!("M[{}]", self.expression(below)),
        }
    }

    fn lambda(&mut self, below: usize) -> String {
        let outer = std::mem::replace(&mut self.in_lambda, true);
        let body = self.expression(below);
        self.in_lambda = outer;
        match self.random.random_range(0..3) {
            0 => format!("TRANSFORM(A, x => {body})"),
            1 => format!("FILTER(M, (x, y) => {body})"),
            _ => format!("REDUCE(A, {}, (x, y) => {body})", self.expression(below)),
        }
    }
}

/// Whether the expression was accepted; an error if it was not treated as it should.
fn check(
    text: &str,
    functions: &Functions,
    scope: &Scope,
    rows: &RecordBatch,
) -> Result<bool, Error> {
    let catalog = Catalog::default();
    let mut resolver = Resolver::new(functions, &catalog, scope)?;
    let expr = match resolver.resolve(&sql::parse_expression(text)?) {
        Ok(expr) => expr,
        Err(Error::Internal(message)) => return Err(Error::Internal(message)),
        Err(_) => return Ok(false),
    };
    let evaluator = Evaluator::new([&expr], resolver.schema())?;
    let columns = evaluator.evaluate(rows, &mut RowErrors::default())?;
    assert_eq!(columns[0].len(), rows.num_rows());
    assert_eq!(*columns[0].data_type(), resolver.type_of(&expr)?);
    Ok(true)
}

#[test]
fn an_expression_is_refused_or_gives_its_type() {
    let functions = Functions::builtin();
    let columns = columns();
    let columns = columns.iter().map(|field| RowColumn {
        qualifier: Some("T".to_owned()),
        ..RowColumn::new(field.name(), field.data_type().clone())
    });
    let scope = Scope::new(RowType { columns: columns.collect(), keys: vec![], window: None });
    let (rows, mut generator) = (rows(), Generator::new(&functions));
    let (mut accepted, mut failed) = (0, Vec::new());
    for round in 0..4_000 {
        let text = generator.expression(1 + round % 3);
        let check = AssertUnwindSafe(|| check(&text, &functions, &scope, &rows));
        match catch_unwind(check) {
            Ok(Ok(meaningful)) => accepted += usize::from(meaningful),
            Ok(Err(error)) => failed.push(format!("{text}\n    {error}")),
            Err(_) => failed.push(format!("{text}\n    it panics, see above")),
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(accepted > 400, "of 4,000 expressions only {accepted} mean something");
}
