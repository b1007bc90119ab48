//! Scripts that drive an operator in tests.
//!
//! A line is a batch that goes in at a port, L or R, and after `=>` what has to come out: rows
//! separated by `;`, each an op, the columns (`_` is NULL) and `@time`. `restart` commits and
//! opens the operator anew on the same state.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::prelude::ident;

use super::{JoinShape, JoinSide, Operator, Output};
use crate::change::{Changes, Op};
use crate::evaluate::Evaluator;
use crate::state::{Backend, Family, MemoryBackend, Place, StoreId, WriteBatch};

const OPS: [(&str, Op); 5] = [
    ("+", Op::Insert),
    ("-", Op::Delete),
    ("U-", Op::UpdateBefore),
    ("U+", Op::UpdateAfter),
    ("0", Op::Tombstone),
];

/// Runs a script with an operator whose ports have rows of these schemas.
pub fn check(schemas: &[SchemaRef; 2], open: impl Fn(&Places) -> Box<dyn Operator>, script: &str) {
    let places = Places::default();
    let mut operator = open(&places);
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line == "restart" {
            places.commit(operator.as_mut());
            operator = open(&places);
            continue;
        }
        let (given, expected) = line.split_once("=>").unwrap_or((line, ""));
        let (port, rows) = given.trim().split_once(' ').expect("a port and rows");
        let port = usize::from(port == "R");
        let found = shown(&process(operator.as_mut(), port, changes(&schemas[port], rows)));
        assert_eq!(found, expected.trim(), "after {given}");
    }
}

/// What a batch gives.
pub fn process(operator: &mut dyn Operator, port: usize, input: Changes) -> Vec<Changes> {
    let mut output = Output::default();
    operator.process(port, input, &mut output).unwrap();
    assert_eq!(output.errors.errors, []);
    output.changes
}

/// Places of stores on one backend.
#[derive(Default)]
pub struct Places {
    backend: Arc<MemoryBackend>,
}

impl Places {
    /// The place of the store with this number.
    pub fn place(&self, store: u16) -> Place {
        let id = StoreId { query: 1, store, shard: 0 };
        let backend = Arc::clone(&self.backend);
        Place::new(backend, Family::Operator, id)
    }

    fn commit(&self, operator: &mut dyn Operator) {
        let mut batch = WriteBatch::default();
        operator.save(&mut batch).unwrap();
        self.backend.write(batch).unwrap();
    }
}

/// A schema of `name type` pairs, where the type is `int` or `text`.
pub fn schema(columns: &str) -> SchemaRef {
    let fields = columns.split(", ").map(|column| {
        let (name, data_type) = column.split_once(' ').expect("a name and a type");
        let data_type = if data_type == "int" { DataType::Int32 } else { DataType::Utf8 };
        Field::new(name, data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// An evaluator of one column.
pub fn column(schema: &SchemaRef, name: &str) -> Evaluator {
    let rows = DFSchema::try_from(Arc::clone(schema)).unwrap();
    Evaluator::new([&ident(name)], &rows).unwrap()
}

/// A join on the first column of both sides; with a name, the key gets a column of its own.
pub fn shape(sides: &[SchemaRef; 2], key: Option<&str>) -> JoinShape {
    let side = |schema: &SchemaRef| {
        let types = schema.fields().iter().map(|field| field.data_type().clone()).collect();
        JoinSide::new(column(schema, schema.field(0).name()), types).unwrap()
    };
    let mut fields: Vec<_> = sides.iter().flat_map(|schema| schema.fields().to_vec()).collect();
    let key = key.map(|name| Arc::new(Field::new(name, DataType::Int32, true)));
    fields.extend(key);
    JoinShape::new(side(&sides[0]), side(&sides[1]), Arc::new(Schema::new(fields)))
}

/// Changes written as rows.
pub fn changes(schema: &SchemaRef, rows: &str) -> Changes {
    let rows: Vec<Vec<&str>> =
        rows.split(';').map(|row| row.split_whitespace().collect()).collect();
    let op = |row: &Vec<&str>| OPS.iter().find(|(name, _)| *name == row[0]).expect("an op").1;
    let time = |row: &Vec<&str>| row[row.len() - 1][1..].parse::<i64>().expect("a time");
    let columns = (0..schema.fields().len()).map(|at| {
        let cells = rows.iter().map(|row| Some(row[at + 1]).filter(|cell| *cell != "_"));
        match schema.field(at).data_type() {
            DataType::Int32 => {
                let cells = cells.map(|cell| cell.map(|cell| cell.parse::<i32>().unwrap()));
                Arc::new(cells.collect::<Int32Array>()) as ArrayRef
            }
            _ => Arc::new(cells.collect::<StringArray>()) as ArrayRef,
        }
    });
    let batch = RecordBatch::try_new(Arc::clone(schema), columns.collect()).unwrap();
    let times = rows.iter().map(time).collect::<Vec<_>>();
    Changes::new(batch, rows.iter().map(op).collect(), times.into())
}

/// Changes as they are written.
pub fn shown(batches: &[Changes]) -> String {
    let rows = batches.iter().flat_map(|batch| (0..batch.len()).map(move |row| (batch, row)));
    let rows = rows.map(|(batch, row)| {
        let op = OPS.iter().find(|(_, op)| *op == batch.op(row)).expect("an op").0;
        let cells = batch.rows.columns().iter().map(|column| cell(column, row));
        let cells = cells.collect::<Vec<_>>().join(" ");
        format!("{op} {cells} @{}", batch.times.value(row))
    });
    rows.collect::<Vec<_>>().join("; ")
}

/// A value as it is written.
pub fn cell(column: &ArrayRef, row: usize) -> String {
    match column.data_type() {
        _ if column.is_null(row) => "_".to_owned(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        _ => column.as_string::<i32>().value(row).to_owned(),
    }
}

/// The rows of a table after these changes. Each row taken back must have been there.
pub fn table_of(batches: &[Changes]) -> std::collections::BTreeSet<String> {
    let mut table = std::collections::BTreeSet::new();
    for batch in batches {
        for row in 0..batch.len() {
            let cells = batch.rows.columns().iter().map(|column| cell(column, row));
            let cells = cells.collect::<Vec<_>>().join(" ");
            match batch.op(row) {
                Op::Insert | Op::UpdateAfter => {
                    assert!(table.insert(cells.clone()), "twice: {cells}")
                }
                Op::Delete | Op::UpdateBefore => {
                    assert!(table.remove(&cells), "not there: {cells}")
                }
                Op::Tombstone => {}
            }
        }
    }
    table
}
