//! Differences between what was expected and what was found, as they are told.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::array_value_to_string;

use crate::error::Result;

/// How many differences are told one by one.
const SHOWN: usize = 10;

/// How far two numbers may differ that were added up in portions.
const TOLERANCE: f64 = 1e-9;

/// What differs.
#[derive(Default)]
pub struct Differences {
    count: u64,
    shown: Vec<String>,
}

impl Differences {
    /// Adds one.
    pub fn add(&mut self, what: &str, expected: &str, found: &str) {
        self.count += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(format!("{what}: expected {expected}, found {found}"));
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many there are, and the first of them.
    pub fn message(&self) -> String {
        let plural = if self.count == 1 { "" } else { "s" };
        let mut message = format!("{} difference{plural}", self.count);
        for line in &self.shown {
            message.push_str("\n  ");
            message.push_str(line);
        }
        match self.count - self.shown.len() as u64 {
            0 => message,
            more => format!("{message}\n  and {more} more"),
        }
    }
}

/// Whether two columns of one row hold the same.
pub fn is_same(a: &ArrayRef, b: &ArrayRef) -> bool {
    if a.to_data() == b.to_data() {
        return true;
    }
    match (a.data_type(), b.data_type()) {
        (DataType::Float64, DataType::Float64) if a.is_valid(0) && b.is_valid(0) => {
            let value = |column: &ArrayRef| column.as_primitive::<Float64Type>().value(0);
            let (a, b) = (value(a), value(b));
            (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
        }
        _ => false,
    }
}

/// A value of a row.
pub fn text(column: &ArrayRef, row: usize) -> Result<String> {
    match column.is_null(row) {
        true => Ok("NULL".to_owned()),
        false => Ok(array_value_to_string(column, row)?),
    }
}

/// Values of a row with their names.
pub fn named(names: &[&str], columns: &[ArrayRef], row: usize) -> Result<String> {
    let named = names.iter().zip(columns).map(|(name, column)| {
        let text = text(column, row)?;
        Ok(format!("{name}={text}"))
    });
    Ok(named.collect::<Result<Vec<_>>>()?.join(", "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array};

    use super::*;

    #[test]
    fn the_first_differences_are_told_and_the_others_counted() {
        let mut differences = Differences::default();
        assert!(differences.is_empty());
        differences.add("K=1", "N=2", "N=3");
        assert_eq!(differences.message(), "1 difference\n  K=1: expected N=2, found N=3");
        (0..10).for_each(|_| differences.add("K=2", "no row", "N=1"));
        assert!(differences.message().starts_with("11 differences\n  K=1"));
        assert!(differences.message().ends_with("N=1\n  and 1 more"));
    }

    #[test]
    fn the_last_digit_of_a_sum_may_differ() {
        let double = |value: f64| Arc::new(Float64Array::from(vec![value])) as ArrayRef;
        assert!(is_same(&double(0.1 + 0.2), &double(0.3)));
        assert!(!is_same(&double(0.3), &double(0.300_001)));
        let number = |value: i64| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
        assert!(!is_same(&number(1), &number(2)));
        assert!(!is_same(&number(1), &double(1.0)));
    }
}
