//! Session properties that aggregates obey.

use crate::error::{Code, Diagnostic, Result};

/// The session properties that aggregates obey, as they are when a query is planned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// `ksql.functions.collect_list.limit`: entries of COLLECT_LIST, more are ignored.
    pub collect_list_limit: usize,
    /// `ksql.functions.collect_set.limit`: entries of COLLECT_SET, more are ignored.
    pub collect_set_limit: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { collect_list_limit: usize::MAX, collect_set_limit: usize::MAX }
    }
}

impl Settings {
    /// Reads the properties through `get`, which gives a property's value by its name.
    pub fn read<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self> {
        let limit = |name| get(name).map_or(Ok(usize::MAX), |value| parse_limit(name, value));
        Ok(Self {
            collect_list_limit: limit("ksql.functions.collect_list.limit")?,
            collect_set_limit: limit("ksql.functions.collect_set.limit")?,
        })
    }
}

/// A number of entries. A negative one means no limit, as in ksqlDB.
fn parse_limit(name: &str, value: &str) -> Result<usize> {
    let limit: i64 = value.trim().parse().map_err(|_| {
        Diagnostic::new(
            Code::InvalidValue,
            format!("property '{name}' must be a whole number, found '{value}'"),
        )
        .hint("-1 means no limit")
    })?;
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_negative_means_none() {
        let settings = Settings::read(|name| match name {
            "ksql.functions.collect_list.limit" => Some("7"),
            _ => Some("-1"),
        });
        let expected = Settings { collect_list_limit: 7, collect_set_limit: usize::MAX };
        assert_eq!(settings.expect("both are numbers"), expected);
        assert_eq!(Settings::read(|_| None).expect("no property"), Settings::default());
    }

    #[test]
    fn a_limit_that_is_no_number_is_refused_by_name() {
        let error = Settings::read(|_| Some("many")).expect_err("not a number").to_string();
        let expected = "property 'ksql.functions.collect_list.limit' must be a whole number, \
                        found 'many'";
        assert_eq!(error, expected);
    }
}
