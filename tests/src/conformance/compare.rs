//! Whether a value is the expected one, by the kind of the *expected* JSON value and, for
//! numbers, by the type of the column.

use std::fmt;

use arrow::datatypes::DataType;
use serde_json::{Map, Value};

use super::number::Decimal;

/// How strictly values are compared.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether doubles must be equal, or only close.
    pub exact_numbers: bool,
    /// Whether a field that is not found by its name may be found by its upper-cased name.
    pub upper_case_names: bool,
}

/// How far doubles may differ where they need not be equal.
const TOLERANCE: f64 = 0.000_001;

/// The first place where two values differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    path: String,
    expected: String,
    found: String,
}

impl Difference {
    /// Two things that are not equal.
    pub fn new(expected: impl fmt::Display, found: impl fmt::Display) -> Difference {
        let (expected, found) = (expected.to_string(), found.to_string());
        Difference { path: String::new(), expected, found }
    }

    /// The same, seen from further out.
    #[must_use]
    pub fn inside(mut self, step: impl fmt::Display) -> Difference {
        self.path.insert_str(0, &step.to_string());
        self
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.path, self.expected, self.found)
    }
}

impl std::error::Error for Difference {}

/// Compares a value of the type `data_type`; where that is `None` the type is not known.
pub fn value(
    expected: &Value,
    found: &Value,
    data_type: Option<&DataType>,
    rules: Rules,
) -> Result<(), Difference> {
    let same = match expected {
        Value::Null => found.is_null(),
        Value::Bool(flag) => found.as_bool() == Some(*flag),
        Value::String(text) => same_text(text, found),
        Value::Number(number) => same_number(&number.to_string(), found, data_type, rules),
        Value::Array(items) => match found {
            Value::Array(found) if found.len() == items.len() => {
                return same_items(items, found, data_type, rules);
            }
            _ => false,
        },
        Value::Object(fields) => match found {
            Value::Object(found) if found.len() == fields.len() => {
                return same_fields(fields, found, data_type, rules);
            }
            _ => false,
        },
    };
    if same { Ok(()) } else { Err(Difference::new(expected, found)) }
}

fn same_items(
    expected: &[Value],
    found: &[Value],
    data_type: Option<&DataType>,
    rules: Rules,
) -> Result<(), Difference> {
    let item_type = match data_type {
        Some(DataType::List(item)) => Some(item.data_type()),
        _ => None,
    };
    for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
        value(expected, found, item_type, rules)
            .map_err(|difference| difference.inside(format_args!("[{index}]")))?;
    }
    Ok(())
}

fn same_fields(
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
    data_type: Option<&DataType>,
    rules: Rules,
) -> Result<(), Difference> {
    for (name, expected) in expected {
        let (name, found) = look_up(found, name, rules);
        value(expected, found, field_type(data_type, &name), rules)
            .map_err(|difference| difference.inside(format_args!(".{name}")))?;
    }
    Ok(())
}

/// The field by its exact name, and if that gives nothing, by its upper-cased name.
fn look_up<'a>(found: &'a Map<String, Value>, name: &str, rules: Rules) -> (String, &'a Value) {
    let exact = found.get(name).filter(|value| !value.is_null());
    match exact {
        Some(value) => (name.to_owned(), value),
        None if rules.upper_case_names => {
            let upper = name.to_uppercase();
            let value = found.get(&upper).unwrap_or(&Value::Null);
            (upper, value)
        }
        None => (name.to_owned(), &Value::Null),
    }
}

fn field_type<'a>(data_type: Option<&'a DataType>, name: &str) -> Option<&'a DataType> {
    match data_type? {
        DataType::Struct(fields) => {
            fields.iter().find(|field| field.name() == name).map(|field| field.data_type())
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => fields.get(1).map(|field| field.data_type()),
            _ => None,
        },
        _ => None,
    }
}

/// The same text, or a decimal equal in value and scale to the text read as a decimal.
fn same_text(expected: &str, found: &Value) -> bool {
    match found {
        Value::String(text) => text == expected,
        Value::Number(number) => {
            let (expected, found) = (Decimal::parse(expected), Decimal::parse(&number.to_string()));
            expected.is_some() && expected == found && !is_integer(number)
        }
        _ => false,
    }
}

fn is_integer(number: &serde_json::Number) -> bool {
    Decimal::is_integer_literal(&number.to_string())
}

fn same_number(expected: &str, found: &Value, data_type: Option<&DataType>, rules: Rules) -> bool {
    let Value::Number(found) = found else { return false };
    let found = found.to_string();
    let (Some(e), Some(f)) = (Decimal::parse(expected), Decimal::parse(&found)) else {
        return false;
    };
    match data_type {
        Some(DataType::Float64) => same_double(expected, &found, rules),
        Some(DataType::Decimal128(_, scale)) if *scale > 0 => {
            f.scale() == i64::from(*scale) && e.same_value(&f)
        }
        _ if Decimal::is_integer_literal(&found) => e.truncated() == f.truncated(),
        Some(
            DataType::Int32
            | DataType::Int64
            | DataType::Date32
            | DataType::Time32(_)
            | DataType::Timestamp(..),
        ) => false,
        _ if !rules.exact_numbers => same_double(expected, &found, rules),
        _ if Decimal::is_integer_literal(expected) => f.scale() <= 0 && e.same_value(&f),
        _ => e == f,
    }
}

fn same_double(expected: &str, found: &str, rules: Rules) -> bool {
    match (expected.parse::<f64>(), found.parse::<f64>()) {
        (Ok(expected), Ok(found)) if rules.exact_numbers => expected == found,
        (Ok(expected), Ok(found)) => (expected - found).abs() < TOLERANCE,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::types::{array_of, map_of, struct_of};

    const EXACT: Rules = Rules { exact_numbers: true, upper_case_names: true };
    const CLOSE: Rules = Rules { exact_numbers: false, upper_case_names: true };

    fn check(expected: &str, found: &str, data_type: Option<&DataType>, rules: Rules) -> String {
        let parse = |text| serde_json::from_str::<Value>(text).expect("valid JSON");
        match value(&parse(expected), &parse(found), data_type, rules) {
            Ok(()) => "same".to_owned(),
            Err(difference) => difference.to_string(),
        }
    }

    fn same(expected: &str, found: &str, data_type: Option<&DataType>) -> bool {
        check(expected, found, data_type, EXACT) == "same"
    }

    #[test]
    fn untyped_numbers_follow_the_reference_rule() {
        assert!(same("1.9", "1", None));
        assert!(same("1", "1", None));
        assert!(!same("1", "1.0", None));
        assert!(same("1.10", "1.10", None));
        assert!(!same("1.10", "1.1", None));
        assert_eq!(check("1.0000001", "1.0", None, CLOSE), "same");
    }

    #[test]
    fn doubles_compare_as_doubles_however_they_are_printed() {
        let double = Some(&DataType::Float64);
        assert!(same("1", "1.0", double));
        assert!(same("1.0E10", "10000000000", double));
        assert!(!same("1.5", "1.50000001", double));
        assert_eq!(check("1.5", "1.50000001", double, CLOSE), "same");
    }

    #[test]
    fn decimals_need_their_scale() {
        let decimal = Some(&DataType::Decimal128(6, 2));
        assert!(same("1.10", "1.10", decimal));
        assert!(!same("1.10", "1.1", decimal));
        assert!(same("\"005.40\"", "5.40", decimal));
        assert!(!same("\"5.4\"", "5.40", decimal));
        assert!(!same("\"5\"", "5", Some(&DataType::Int32)));
    }

    #[test]
    fn integers_are_integers() {
        assert!(same("12", "12", Some(&DataType::Int64)));
        assert!(!same("12", "12.0", Some(&DataType::Int64)));
        assert!(!same("12", "\"12\"", Some(&DataType::Int64)));
    }

    #[test]
    fn fields_are_found_by_their_name_or_its_upper_case() {
        assert!(same(r#"{"a": 1, "B": null}"#, r#"{"B": null, "A": 1}"#, None));
        assert!(!same(r#"{"a": 1}"#, r#"{"a": 1, "b": null}"#, None));
        assert!(!same(r#"{"A": 1}"#, r#"{"a": 1}"#, None));
        let found = r#"{"A": [1, {"X": 3}]}"#;
        assert_eq!(
            check(r#"{"A": [1, {"X": 2}]}"#, found, None, EXACT),
            ".A[1].X: expected 2, found 3"
        );
    }

    #[test]
    fn types_reach_into_nested_values() {
        let data_type = struct_of([
            ("L", array_of(DataType::Float64)),
            ("M", map_of(DataType::Utf8, DataType::Decimal128(4, 1))),
        ]);
        let found = r#"{"L": [1.0], "M": {"k": 2.0}}"#;
        assert!(same(r#"{"L": [1], "M": {"k": 2.0}}"#, found, Some(&data_type)));
        assert!(!same(r#"{"L": [1], "M": {"k": 2.1}}"#, found, Some(&data_type)));
    }
}
