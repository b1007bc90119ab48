//! Answers of statements as tables of text and numbers.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;

use crate::error::Result;
use crate::outcome::{Column, Outcome, Rows};

/// A table under construction, column by column.
pub struct Table {
    tag: &'static str,
    names: Vec<&'static str>,
    columns: Vec<ArrayRef>,
}

impl Table {
    /// An empty table; the tag is what Postgres clients see.
    pub fn new(tag: &'static str) -> Self {
        Self { tag, names: Vec::new(), columns: Vec::new() }
    }

    /// With a column of text.
    pub fn text<S: Into<String>>(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = Option<S>>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.map(Into::into));
        self.column(name, Arc::new(values.collect::<StringArray>()))
    }

    /// With a column of whole numbers.
    pub fn number(self, name: &'static str, values: impl IntoIterator<Item = i64>) -> Self {
        self.column(name, Arc::new(Int64Array::from_iter_values(values)))
    }

    /// With a column of numbers.
    pub fn real(self, name: &'static str, values: impl IntoIterator<Item = f64>) -> Self {
        self.column(name, Arc::new(Float64Array::from_iter_values(values)))
    }

    /// With a column of times, in milliseconds since the epoch.
    pub fn time(self, name: &'static str, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        self.column(name, Arc::new(values.into_iter().collect::<TimestampMillisecondArray>()))
    }

    /// With a column of truth values.
    pub fn truth(self, name: &'static str, values: impl IntoIterator<Item = bool>) -> Self {
        let values: Vec<bool> = values.into_iter().collect();
        self.column(name, Arc::new(BooleanArray::from(values)))
    }

    fn column(mut self, name: &'static str, column: ArrayRef) -> Self {
        self.names.push(name);
        self.columns.push(column);
        self
    }

    /// The table as an outcome.
    pub fn outcome(self) -> Result<Outcome> {
        let tag = self.tag;
        Ok(Outcome::Rows(rows_of(tag, self.rows()?)))
    }

    /// The table's rows.
    pub fn rows(self) -> Result<RecordBatch> {
        let fields = self.names.iter().zip(&self.columns);
        let fields =
            fields.map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(RecordBatch::try_new(schema, self.columns)?)
    }
}

/// One batch of rows as an answer.
pub fn rows_of(tag: &'static str, rows: RecordBatch) -> Rows {
    let column = |field: &Arc<Field>| Column {
        name: field.name().clone(),
        data_type: field.data_type().clone(),
        key: false,
        header: None,
    };
    Rows {
        tag,
        columns: rows.schema().fields().iter().map(column).collect(),
        schema: rows.schema(),
        stream: Box::pin(futures::stream::iter([Ok(rows)])),
        endless: false,
        tombstones: None,
    }
}

/// Lines of text as an answer.
pub fn lines(tag: &'static str, name: &'static str, text: &str) -> Result<Outcome> {
    let lines = text.lines().map(|line| Some(line.trim_end()));
    Table::new(tag).text(name, lines).outcome()
}
