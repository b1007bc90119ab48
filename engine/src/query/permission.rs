//! Which ways of reading a session allows its pull queries.
//!
//! By default all of them. Where table scans are switched off, `WHERE` must fix every key column
//! by one `=` or `IN`, as in ksqlDB; one bound on a single STRING key will do as well, unless
//! range scans are switched off too.

use arrow::datatypes::DataType;

use super::predicate::{Alternative, Is, Test};
use crate::catalog::Source;
use crate::error::{Code, Error, Result, invalid};
use crate::properties::SessionProperties;

const TABLE_SCAN: &str = "ksql.query.pull.table.scan.enabled";
const RANGE_SCAN: &str = "ksql.query.pull.range.scan.enabled";
const STREAM: &str = "ksql.query.pull.stream.enabled";
const LIMIT: &str = "ksql.query.pull.limit.clause.enabled";

/// What is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Permission {
    table_scan: bool,
    range_scan: bool,
    stream: bool,
    limit: bool,
}

impl Permission {
    /// What a session's settings allow.
    pub fn of(properties: &SessionProperties) -> Self {
        Self {
            table_scan: properties.enabled(TABLE_SCAN),
            range_scan: properties.enabled(RANGE_SCAN),
            stream: properties.enabled(STREAM),
            limit: properties.enabled(LIMIT),
        }
    }

    /// An error if streams may not be asked.
    pub fn check_stream(self, name: &str) -> Result<()> {
        match self.stream {
            true => Ok(()),
            false => Err(disabled(STREAM, format!("expected a table to ask, found stream {name}"))),
        }
    }

    /// An error if there may be no LIMIT.
    pub fn check_limit(self) -> Result<()> {
        match self.limit {
            true => Ok(()),
            false => {
                Err(disabled(LIMIT, "expected a pull query without LIMIT clause, found one".into()))
            }
        }
    }

    /// An error if a condition needs more of a table than may be read.
    pub fn check_table(self, source: &Source, alternatives: &[Alternative]) -> Result<()> {
        if self.table_scan {
            return Ok(());
        }
        alternatives.iter().try_for_each(|tests| self.check_keys(source, tests))
    }

    fn check_keys(self, source: &Source, tests: &[Test]) -> Result<()> {
        for key in source.key_columns() {
            let mut own = tests.iter().filter(|test| test.column == key.name);
            let found = match (own.next(), own.next()) {
                (Some(Test { is: Is::Among(_), .. }), None) => continue,
                (Some(_), None) if self.range_scan && has_text_key(source) => continue,
                (Some(_), None) => format!("a bound on {}", key.name),
                (Some(_), Some(_)) => format!("several conditions on {}", key.name),
                (None, _) => format!("none on {}", key.name),
            };
            let keys: Vec<&str> = source.key_columns().map(|key| key.name.as_str()).collect();
            let message = format!(
                "query requires table scan to be enabled: expected one condition with = or IN on every key column of {} ({}), found {found}",
                source.name,
                keys.join(", ")
            );
            return Err(disabled(TABLE_SCAN, message));
        }
        Ok(())
    }
}

/// Whether the key is one column of text and nothing else.
fn has_text_key(source: &Source) -> bool {
    let types: Vec<&DataType> = source.key_columns().map(|key| &key.data_type).collect();
    types == [&DataType::Utf8] && source.window.is_none()
}

fn disabled(property: &str, message: String) -> Error {
    invalid(Code::InvalidQuery, message).hint(format!("SET '{property}' = 'true' allows it"))
}

#[cfg(test)]
mod tests {
    use super::super::key_range::tests::table;
    use super::*;
    use crate::row_type::Windowing;

    fn permission(switched_off: &[&str]) -> Permission {
        let mut properties = SessionProperties::default();
        switched_off.iter().for_each(|name| properties.set(name, "false").unwrap());
        Permission::of(&properties)
    }

    fn equals(column: &str) -> Test {
        Test { column: column.to_owned(), is: Is::Among(vec![1.into(), 2.into()]) }
    }

    fn from(column: &str) -> Test {
        Test { column: column.to_owned(), is: Is::Above { bound: "a".into(), inclusive: true } }
    }

    fn allows(permission: Permission, source: &Source, tests: &[Test]) -> bool {
        permission.check_table(source, &[tests.to_vec()]).is_ok()
    }

    #[test]
    fn everything_is_allowed_until_it_is_switched_off() {
        let source = table(&[("A", DataType::Utf8)], None);
        let all = permission(&[]);
        assert!(allows(all, &source, &[]));
        assert!(all.check_stream("S").is_ok() && all.check_limit().is_ok());
        assert!(permission(&[STREAM]).check_stream("S").is_err());
        assert!(permission(&[LIMIT]).check_limit().is_err());
    }

    #[test]
    fn without_table_scans_every_key_column_is_given_once() {
        let source = table(&[("A", DataType::Utf8), ("B", DataType::Int32)], None);
        let strict = permission(&[TABLE_SCAN]);
        assert!(allows(strict, &source, &[equals("A"), equals("B"), from("V")]));
        assert!(!allows(strict, &source, &[equals("A")]));
        assert!(!allows(strict, &source, &[equals("A"), equals("B"), equals("B")]));
        let alternatives = [vec![equals("A"), equals("B")], vec![equals("V")]];
        let error = strict.check_table(&source, &alternatives).unwrap_err();
        assert!(error.message().ends_with("every key column of T (A, B), found none on A"));
    }

    #[test]
    fn a_bound_on_a_key_of_text_is_a_range_scan() {
        let text = table(&[("A", DataType::Utf8)], None);
        let strict = permission(&[TABLE_SCAN]);
        assert!(allows(strict, &text, &[from("A")]));
        assert!(!allows(strict, &text, &[from("A"), from("A")]));
        assert!(!allows(permission(&[TABLE_SCAN, RANGE_SCAN]), &text, &[from("A")]));
        assert!(!allows(strict, &table(&[("A", DataType::Int32)], None), &[from("A")]));
        let windowed = table(&[("A", DataType::Utf8)], Some(Windowing::Session));
        assert!(!allows(strict, &windowed, &[from("A")]));
    }
}
