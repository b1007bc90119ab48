//! Settings: those of a session (`SET`) and those of a stream or table (`WITH`).

mod reference;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sql::ast::{Properties, Span};

use crate::catalog::{Role, Source, TimestampColumn};
use crate::error::{Code, Result, invalid};
use crate::format::{Format, check};
use crate::near_miss::hint;
use crate::row_type::Windowing;

pub use reference::properties_reference;

/// A setting of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionProperty {
    /// Its name.
    pub name: &'static str,
    /// What holds until it is set.
    pub default: &'static str,
    /// What it means.
    pub doc: &'static str,
}

const fn property(name: &'static str, default: &'static str, doc: &'static str) -> SessionProperty {
    SessionProperty { name, default, doc }
}

/// Every setting of a session.
pub const SESSION_PROPERTIES: &[SessionProperty] = &[
    property(
        "auto.offset.reset",
        "earliest",
        "Where a new query starts to read: earliest or latest.",
    ),
    property(
        "ksql.persistence.default.format.key",
        "KAFKA",
        "Key format of streams and tables that name none.",
    ),
    property(
        "ksql.persistence.default.format.value",
        "",
        "Value format of streams and tables that name none.",
    ),
    property(
        "ksql.persistence.wrap.single.values",
        "",
        "Whether a single value column is wrapped, where WRAP_SINGLE_VALUE does not say.",
    ),
    property(
        "ksql.output.topic.name.prefix",
        "",
        "Put before the names of topics that queries create.",
    ),
    property("ksql.create.or.replace.enabled", "true", "Whether CREATE OR REPLACE is allowed."),
    property("ksql.insert.into.values.enabled", "true", "Whether INSERT INTO … VALUES is allowed."),
    property(
        "ksql.functions.collect_list.limit",
        "",
        "Most elements that COLLECT_LIST keeps; none: no limit.",
    ),
    property(
        "ksql.functions.collect_set.limit",
        "",
        "Most elements that COLLECT_SET keeps; none: no limit.",
    ),
    property(
        "ksql.timestamp.throw.on.invalid",
        "false",
        "Whether a record whose TIMESTAMP column cannot be read stops the query.",
    ),
    property(
        "ksql.query.pull.table.scan.enabled",
        "true",
        "Whether pull queries may scan a table.",
    ),
    property(
        "ksql.query.pull.range.scan.enabled",
        "true",
        "Whether pull queries may read ranges of keys.",
    ),
    property("ksql.query.pull.stream.enabled", "true", "Whether pull queries may read streams."),
    property(
        "ksql.query.pull.limit.clause.enabled",
        "true",
        "Whether pull queries may have a LIMIT.",
    ),
    property("ksql.variable.substitution.enable", "true", "Whether ${name} is replaced."),
];

/// Properties of Kafka Streams and of ksqlDB's servers: accepted, and without meaning here.
const IGNORED_PREFIXES: &[&str] =
    &["ksql.", "cache.", "commit.", "num.", "processing.", "max.", "request.", "topology."];

/// The settings of a session that were changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionProperties {
    values: BTreeMap<String, String>,
}

impl SessionProperties {
    /// The definition of a property, or none where it is accepted and has no meaning; an unknown name
    /// is an error with the near miss.
    pub fn find(name: &str) -> Result<Option<&'static SessionProperty>> {
        let short = name.strip_prefix("ksql.streams.").unwrap_or(name);
        let known = SESSION_PROPERTIES.iter().find(|p| p.name == name || p.name == short);
        let is_ignored =
            short != name || IGNORED_PREFIXES.iter().any(|prefix| short.starts_with(prefix));
        match known {
            None if !is_ignored => Err(unknown_property(name)),
            known => Ok(known),
        }
    }

    /// Sets a property.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if let Some(known) = Self::find(name)? {
            check_value(known, value)?;
            self.values.insert(known.name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    /// Puts a property back to its default.
    pub fn unset(&mut self, name: &str) -> Result<()> {
        if let Some(known) = Self::find(name)? {
            self.values.remove(known.name);
        }
        Ok(())
    }

    /// The value of a property.
    pub fn get(&self, name: &str) -> &str {
        let default =
            || SESSION_PROPERTIES.iter().find(|p| p.name == name).map_or("", |p| p.default);
        self.values.get(name).map_or_else(default, String::as_str)
    }

    /// The properties that were changed, with their values.
    pub fn changed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a property was changed.
    pub fn is_set(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether a property says yes.
    pub fn enabled(&self, name: &str) -> bool {
        self.get(name).eq_ignore_ascii_case("true")
    }

    /// A property that is a number, if it is set.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name).parse().ok()
    }

    /// The key format of streams and tables that name none.
    pub fn default_key_format(&self) -> Result<Format> {
        Format::parse(self.get("ksql.persistence.default.format.key"), None)
    }

    /// The value format of streams and tables that name none, if there is one.
    pub fn default_value_format(&self) -> Result<Option<Format>> {
        match self.get("ksql.persistence.default.format.value") {
            "" => Ok(None),
            name => Format::parse(name, None).map(Some),
        }
    }

    /// What goes before the names of topics that queries create.
    pub fn topic_prefix(&self) -> &str {
        self.get("ksql.output.topic.name.prefix")
    }

    /// Whether new queries begin with what is written from now on.
    pub fn starts_at_latest(&self) -> bool {
        self.get("auto.offset.reset").eq_ignore_ascii_case("latest")
    }
}

fn unknown_property(name: &str) -> crate::Error {
    let error = invalid(
        Code::UnknownName,
        format!("not recognizable as ksql, streams, consumer, or producer property: '{name}'"),
    );
    match hint(name, SESSION_PROPERTIES.iter().map(|p| p.name)) {
        Some(hint) => error.hint(hint),
        None => error.hint("SHOW PROPERTIES lists them"),
    }
}

fn check_value(property: &SessionProperty, value: &str) -> Result<()> {
    let lower = value.to_ascii_lowercase();
    let (fits, expected) = match property.default {
        "true" | "false" => (["true", "false"].contains(&lower.as_str()), "true or false"),
        "earliest" => (["earliest", "latest"].contains(&lower.as_str()), "earliest or latest"),
        _ => (true, ""),
    };
    match fits {
        true => Ok(()),
        false => {
            let message = format!("{}: expected {expected}, found '{value}'", property.name);
            Err(invalid(Code::InvalidValue, message))
        }
    }
}

/// A `WITH` clause, read.
#[derive(Debug, Clone, Default)]
pub struct SourceProperties {
    /// `KAFKA_TOPIC`.
    pub topic: Option<String>,
    /// `PARTITIONS`.
    pub partitions: Option<u32>,
    /// `RETENTION_MS`.
    pub retention_ms: Option<i64>,
    /// `CLEANUP_POLICY`, in lower case.
    pub cleanup_policy: Option<String>,
    both_formats: Option<(String, Span)>,
    key_format: Option<(String, Span)>,
    value_format: Option<(String, Span)>,
    key_delimiter: Option<String>,
    value_delimiter: Option<String>,
    wrap_single_value: Option<(bool, Span)>,
    timestamp: Option<(String, Span)>,
    timestamp_format: Option<String>,
    window_type: Option<String>,
    window_size_ms: Option<i64>,
}

impl SourceProperties {
    /// Reads a clause whose names and types the parser has checked.
    pub fn read(clause: &Properties) -> Result<Self> {
        let text = |name: &str| clause.string(name).map(str::to_owned);
        let placed = |name: &str| {
            let property = clause.get(name)?;
            Some((clause.string(name)?.to_owned(), property.value_span))
        };
        refuse_registry(clause)?;
        let size = text("WINDOW_SIZE").and_then(|size| sql::properties::parse_duration(&size));
        Ok(Self {
            topic: text("KAFKA_TOPIC"),
            partitions: clause.integer("PARTITIONS").and_then(|count| u32::try_from(count).ok()),
            retention_ms: clause.integer("RETENTION_MS"),
            cleanup_policy: text("CLEANUP_POLICY").map(|policy| policy.to_lowercase()),
            both_formats: placed("FORMAT"),
            key_format: placed("KEY_FORMAT"),
            value_format: placed("VALUE_FORMAT"),
            key_delimiter: text("KEY_DELIMITER"),
            value_delimiter: text("VALUE_DELIMITER"),
            wrap_single_value: clause
                .boolean("WRAP_SINGLE_VALUE")
                .zip(clause.get("WRAP_SINGLE_VALUE").map(|property| property.value_span)),
            timestamp: placed("TIMESTAMP"),
            timestamp_format: text("TIMESTAMP_FORMAT"),
            window_type: text("WINDOW_TYPE").map(|window| window.to_uppercase()),
            window_size_ms: size.map(|size| size.ms as i64),
        })
    }

    /// The key format that the clause names.
    pub fn key_format(&self) -> Result<Option<Format>> {
        self.format(&self.key_format, "KEY_FORMAT", self.key_delimiter.as_deref())
    }

    /// The value format that the clause names.
    pub fn value_format(&self) -> Result<Option<Format>> {
        self.format(&self.value_format, "VALUE_FORMAT", self.value_delimiter.as_deref())
    }

    fn format(
        &self,
        own: &Option<(String, Span)>,
        name: &str,
        delimiter: Option<&str>,
    ) -> Result<Option<Format>> {
        if let (Some((_, span)), Some(_)) = (own, &self.both_formats) {
            let message = format!("cannot supply both '{name}' and 'FORMAT' properties");
            return Err(invalid(Code::InvalidValue, message)
                .at(*span)
                .hint("FORMAT sets both formats"));
        }
        match own.as_ref().or(self.both_formats.as_ref()) {
            None => Ok(None),
            Some((name, span)) => {
                Format::parse(name, delimiter).map(Some).map_err(|error| error.at(*span))
            }
        }
    }

    /// How the keys of the topic are windowed.
    pub fn windowing(&self) -> Result<Option<Windowing>> {
        let (Some(window), size) = (&self.window_type, self.window_size_ms) else {
            return Ok(None);
        };
        match (window.as_str(), size) {
            ("SESSION", None) => Ok(Some(Windowing::Session)),
            ("SESSION", Some(_)) => {
                let message = "WINDOW_SIZE should not be set for SESSION windows";
                Err(invalid(Code::InvalidValue, message))
            }
            (_, None) => {
                let message = format!(
                    "{window} windows require WINDOW_SIZE to be provided in the WITH clause"
                );
                Err(invalid(Code::InvalidValue, message)
                    .hint("for example WINDOW_SIZE='10 SECONDS'"))
            }
            ("HOPPING", Some(size_ms)) => Ok(Some(Windowing::Hopping { size_ms })),
            (_, Some(size_ms)) => Ok(Some(Windowing::Tumbling { size_ms })),
        }
    }

    /// Adds what the clause and the session say of wrapping and time, and checks that the formats
    /// can hold the columns.
    pub fn finish(&self, mut source: Source, session: &SessionProperties) -> Result<Source> {
        source.wrap_single_value = self.wrapping(&source, session)?;
        source.timestamp = self.timestamp(&source)?;
        let named = |own: &Option<(String, Span)>| {
            own.as_ref().or(self.both_formats.as_ref()).map_or_else(Span::empty, |(_, span)| *span)
        };
        let (key, value) = (named(&self.key_format), named(&self.value_format));
        check_together(&source).map_err(|error| error.at(key))?;
        check(&source.key_side()).map_err(|error| error.at(key))?;
        check(&source.value_side()).map_err(|error| error.at(value))?;
        Ok(source)
    }

    fn wrapping(&self, source: &Source, session: &SessionProperties) -> Result<Option<bool>> {
        let single = source.value_columns().count() == 1;
        let choice = source.value_format == Format::Json;
        match self.wrap_single_value {
            Some((_, span)) if !single => {
                let message = "'WRAP_SINGLE_VALUE' is only valid for single-field value schemas";
                Err(invalid(Code::InvalidValue, message).at(span))
            }
            Some((wrapped, span)) => {
                let checked = source.value_format.check_wrapping(wrapped);
                checked.map(|()| Some(wrapped)).map_err(|error| error.at(span))
            }
            None if !single || !choice => Ok(None),
            None => Ok(session.get("ksql.persistence.wrap.single.values").parse().ok()),
        }
    }

    fn timestamp(&self, source: &Source) -> Result<Option<TimestampColumn>> {
        use arrow::datatypes::DataType;
        let Some((name, span)) = &self.timestamp else {
            return Ok(None);
        };
        let wanted = unquoted(name);
        let columns =
            || source.columns.iter().filter(|c| matches!(c.role, Role::Key | Role::Value));
        let Some(column) = columns().find(|column| column.name == wanted) else {
            let message = format!(
                "the TIMESTAMP column set in the WITH clause does not exist in the schema: '{wanted}'"
            );
            let error = invalid(Code::UnknownColumn, message).at(*span);
            return Err(match hint(&wanted, columns().map(|c| c.name.as_str())) {
                Some(hint) => error.hint(hint),
                None => error,
            });
        };
        let format = self.timestamp_format.clone();
        match (&column.data_type, &format) {
            (DataType::Int64 | DataType::Timestamp(..), None) => {}
            (DataType::Utf8, Some(pattern)) => {
                drop(crate::function::datetime::TimePattern::compile(pattern)?)
            }
            (DataType::Utf8, None) => {
                let message = "a STRING column can be the TIMESTAMP only with TIMESTAMP_FORMAT";
                return Err(invalid(Code::InvalidValue, message).at(*span));
            }
            (other, _) => {
                let message = format!(
                    "TIMESTAMP column '{wanted}' should be BIGINT or TIMESTAMP, or STRING with a TIMESTAMP_FORMAT, found {}",
                    crate::types::sql_name(other)
                );
                return Err(invalid(Code::TypeMismatch, message).at(*span));
            }
        }
        Ok(Some(TimestampColumn { column: wanted, format }))
    }
}

/// A key can be among the columns only where there are columns.
fn check_together(source: &Source) -> Result<()> {
    if source.key_format != Format::Arrow || source.value_format == Format::Arrow {
        return Ok(());
    }
    let value = source.value_format.name();
    let message = format!("KEY_FORMAT 'ARROW' needs VALUE_FORMAT 'ARROW', found '{value}'");
    let hint = format!("set KEY_FORMAT as well, as KEY_FORMAT='KAFKA', or FORMAT='{value}'");
    Err(invalid(Code::InvalidValue, message).hint(hint))
}

fn refuse_registry(clause: &Properties) -> Result<()> {
    let registry = |name: &str| {
        name.contains("SCHEMA_ID") || name.contains("SCHEMA_FULL_NAME") || name.contains("PROTOBUF")
    };
    match clause.entries.iter().find(|entry| registry(&entry.name.value)) {
        None => Ok(()),
        Some(entry) => {
            let message = format!(
                "{} needs a schema registry, which this version does not have",
                entry.name.value
            );
            Err(invalid(Code::NotSupported, message).at(entry.name.span))
        }
    }
}

/// A column name in a string: folded like any identifier unless it is quoted.
fn unquoted(name: &str) -> String {
    let quoted = name.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    quoted.map_or_else(|| name.to_uppercase(), |inner| inner.replace("``", "`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_checked_and_remembered() {
        let mut session = SessionProperties::default();
        assert_eq!(session.get("auto.offset.reset"), "earliest");
        session.set("ksql.streams.auto.offset.reset", "latest").unwrap();
        assert!(session.starts_at_latest());
        let error = session.set("auto.offset.reset", "middle").unwrap_err();
        assert_eq!(
            error.to_string(),
            "auto.offset.reset: expected earliest or latest, found 'middle'"
        );
        assert!(session.set("auto.ofset.reset", "latest").is_err());
    }
}
