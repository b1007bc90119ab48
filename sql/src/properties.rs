//! Every `WITH` property: its name, where it may stand, what it takes, and what it means.
//!
//! The table [`ALL`] is the one definition; checking, completion and the reference page read it.

use crate::ast::{Duration, Properties, Property, PropertyValue, Span, TimeUnit};
use crate::error::{Error, ErrorCode};

/// A statement with a `WITH` clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// `CREATE STREAM|TABLE` with columns, or with columns that the format knows.
    CreateSource,
    /// `CREATE STREAM|TABLE … AS`.
    CreateAs,
    /// `INSERT INTO … SELECT`.
    InsertInto,
    /// `ASSERT TOPIC`.
    AssertTopic,
}

/// What a property takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    String,
    /// One of these strings, in any case.
    Choice(&'static [&'static str]),
    /// One character, or `SPACE` or `TAB`.
    Delimiter,
    /// A string such as `30 SECONDS`.
    Duration,
    /// A whole number, this or more.
    Integer(i64),
    /// `true` or `false`.
    Boolean,
}

/// The definition of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// Its name, in upper case.
    pub name: &'static str,
    /// Where it may stand.
    pub contexts: &'static [Context],
    /// What it takes.
    pub kind: Kind,
    /// What holds where it is missing, in words.
    pub default: &'static str,
    /// What it means.
    pub doc: &'static str,
}

const ANY_CREATE: &[Context] = &[Context::CreateSource, Context::CreateAs];
const ANY_TOPIC: &[Context] = &[Context::CreateSource, Context::CreateAs, Context::AssertTopic];
const PLAIN_CREATE: &[Context] = &[Context::CreateSource];
const NULLABLE: Kind = Kind::Choice(&["OPTIONAL", "WRAPPER"]);

const fn property(
    name: &'static str,
    contexts: &'static [Context],
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Definition {
    Definition { name, contexts, kind, default, doc }
}

/// Every property there is.
pub const ALL: &[Definition] = &[
    property(
        "KAFKA_TOPIC",
        ANY_CREATE,
        Kind::String,
        "the name of the stream or table",
        "The topic that holds the records.",
    ),
    property(
        "PARTITIONS",
        ANY_TOPIC,
        Kind::Integer(1),
        "those of the first source",
        "Number of partitions of the topic; the topic is created if it does not exist.",
    ),
    property(
        "REPLICAS",
        ANY_TOPIC,
        Kind::Integer(1),
        "those of the first source",
        "Number of copies of the topic.",
    ),
    property(
        "RETENTION_MS",
        ANY_CREATE,
        Kind::Integer(-1),
        "that of the first source",
        "How long records are kept, in milliseconds; -1 keeps them for ever.",
    ),
    property(
        "CLEANUP_POLICY",
        ANY_CREATE,
        Kind::Choice(&["DELETE", "COMPACT", "COMPACT,DELETE", "DELETE,COMPACT"]),
        "delete for streams, compact for tables",
        "How the topic is cleaned up.",
    ),
    property(
        "FORMAT",
        ANY_CREATE,
        Kind::String,
        "none",
        "Format of keys and values; excludes KEY_FORMAT and VALUE_FORMAT.",
    ),
    property(
        "KEY_FORMAT",
        ANY_CREATE,
        Kind::String,
        "the session's, or that of the first source",
        "Format of the keys.",
    ),
    property(
        "VALUE_FORMAT",
        ANY_CREATE,
        Kind::String,
        "the session's, or that of the first source",
        "Format of the values.",
    ),
    property(
        "KEY_DELIMITER",
        ANY_CREATE,
        Kind::Delimiter,
        "a comma",
        "What stands between the fields of a DELIMITED key.",
    ),
    property(
        "VALUE_DELIMITER",
        ANY_CREATE,
        Kind::Delimiter,
        "a comma",
        "What stands between the fields of a DELIMITED value.",
    ),
    property(
        "WRAP_SINGLE_VALUE",
        ANY_CREATE,
        Kind::Boolean,
        "the session's, or true",
        "Whether a value of one column is a record with one field.",
    ),
    property(
        "TIMESTAMP",
        ANY_CREATE,
        Kind::String,
        "the time of the record",
        "The column that holds the time of a row.",
    ),
    property(
        "TIMESTAMP_FORMAT",
        ANY_CREATE,
        Kind::String,
        "milliseconds since the epoch",
        "How the TIMESTAMP column is written, as a Java date pattern.",
    ),
    property(
        "KEY_SCHEMA_ID",
        ANY_CREATE,
        Kind::Integer(0),
        "the latest schema",
        "Id of the key's schema in the schema registry.",
    ),
    property(
        "VALUE_SCHEMA_ID",
        ANY_CREATE,
        Kind::Integer(0),
        "the latest schema",
        "Id of the value's schema in the schema registry.",
    ),
    property(
        "KEY_SCHEMA_FULL_NAME",
        ANY_CREATE,
        Kind::String,
        "the first schema",
        "Full name of the key's schema.",
    ),
    property(
        "VALUE_SCHEMA_FULL_NAME",
        ANY_CREATE,
        Kind::String,
        "the first schema",
        "Full name of the value's schema.",
    ),
    property(
        "VALUE_AVRO_SCHEMA_FULL_NAME",
        ANY_CREATE,
        Kind::String,
        "the first schema",
        "Older name of VALUE_SCHEMA_FULL_NAME, for AVRO.",
    ),
    property(
        "KEY_PROTOBUF_NULLABLE_REPRESENTATION",
        ANY_CREATE,
        NULLABLE,
        "nulls become defaults",
        "How nulls are written in PROTOBUF keys.",
    ),
    property(
        "VALUE_PROTOBUF_NULLABLE_REPRESENTATION",
        ANY_CREATE,
        NULLABLE,
        "nulls become defaults",
        "How nulls are written in PROTOBUF values.",
    ),
    property(
        "WINDOW_TYPE",
        PLAIN_CREATE,
        Kind::Choice(&["SESSION", "HOPPING", "TUMBLING"]),
        "not windowed",
        "The topic's keys are windowed in this way.",
    ),
    property(
        "WINDOW_SIZE",
        PLAIN_CREATE,
        Kind::Duration,
        "none",
        "Length of the windows; not for SESSION.",
    ),
    property(
        "SOURCED_BY_CONNECTOR",
        PLAIN_CREATE,
        Kind::String,
        "none",
        "The connector that fills the topic.",
    ),
    property(
        "QUERY_ID",
        &[Context::InsertInto],
        Kind::String,
        "INSERTQUERY_n",
        "The id of the query.",
    ),
];

/// The definition of a property by its name in upper case.
pub fn find(name: &str) -> Option<&'static Definition> {
    ALL.iter().find(|definition| definition.name == name)
}

/// Reads a string such as `30 SECONDS`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut words = text.split_whitespace();
    let (count, unit) = (words.next()?.parse().ok()?, TimeUnit::from_word(words.next()?)?);
    words.next().is_none().then(|| Duration::new(count, unit)).flatten()
}

/// Refuses properties that are unknown, out of place, or of the wrong type. Numbers and booleans in
/// quotes are accepted, as in ksqlDB, and come out without.
pub(crate) fn check(properties: &mut Properties, context: Context) -> Result<(), Error> {
    for property in &mut properties.entries {
        let definition = definition_of(property, context)?;
        unquote(property, definition.kind);
        check_value(property, definition)?;
    }
    check_window(properties)
}

fn definition_of(property: &Property, context: Context) -> Result<&'static Definition, Error> {
    let (name, span) = (&property.name.value, property.name.span);
    let allowed = || ALL.iter().filter(|definition| definition.contexts.contains(&context));
    match find(name) {
        Some(definition) if definition.contexts.contains(&context) => Ok(definition),
        Some(_) => {
            let names: Vec<_> = allowed().map(|definition| definition.name).collect();
            let message = format!("the property {name} does not belong to this statement");
            Err(Error::new(ErrorCode::Property, message, span)
                .with_hint(format!("it takes {}", names.join(", "))))
        }
        None => {
            let message = format!("there is no property {name}");
            Err(Error::new(ErrorCode::Property, message, span)
                .with_near_miss(name, allowed().map(|definition| definition.name)))
        }
    }
}

/// Takes the quotes off a number or a boolean where one is wanted.
fn unquote(property: &mut Property, kind: Kind) {
    let PropertyValue::String(text) = &property.value else { return };
    let unquoted = match kind {
        Kind::Integer(_) => text.trim().parse().ok().map(PropertyValue::Integer),
        Kind::Boolean => text.trim().to_lowercase().parse().ok().map(PropertyValue::Boolean),
        _ => None,
    };
    if let Some(value) = unquoted {
        property.value = value;
    }
}

fn check_value(property: &Property, definition: &Definition) -> Result<(), Error> {
    let fits = match (&property.value, definition.kind) {
        (PropertyValue::String(_), Kind::String) => true,
        (PropertyValue::String(text), Kind::Choice(choices)) => {
            choices.iter().any(|choice| choice.eq_ignore_ascii_case(&text.replace(' ', "")))
        }
        (PropertyValue::String(text), Kind::Delimiter) => is_delimiter(text),
        (PropertyValue::String(text), Kind::Duration) => parse_duration(text).is_some(),
        (PropertyValue::Integer(number), Kind::Integer(least)) => *number >= least,
        (PropertyValue::Boolean(_), Kind::Boolean) => true,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let expected = format!("{} for {}", definition.kind, definition.name);
    let error = Error::mismatch(expected, property.value.to_string(), property.value_span)
        .with_code(ErrorCode::Property);
    Err(match (&property.value, definition.kind) {
        (PropertyValue::String(text), Kind::Choice(choices)) => {
            error.with_near_miss(text, choices.iter().copied())
        }
        _ => error,
    })
}

fn is_delimiter(text: &str) -> bool {
    let named = ["SPACE", "TAB"].iter().any(|name| text.eq_ignore_ascii_case(name));
    named || text.chars().count() == 1
}

/// Windows of a fixed size have to say which, sessions have none.
fn check_window(properties: &Properties) -> Result<(), Error> {
    let size = properties.get("WINDOW_SIZE");
    let Some(kind) = properties.get("WINDOW_TYPE") else {
        return match size {
            Some(size) => Err(window_error("WINDOW_SIZE needs WINDOW_TYPE", size.name.span)),
            None => Ok(()),
        };
    };
    let is_session =
        properties.string("WINDOW_TYPE").is_some_and(|t| t.eq_ignore_ascii_case("SESSION"));
    match size {
        Some(size) if is_session => {
            Err(window_error("WINDOW_SIZE cannot be set for SESSION windows", size.name.span))
        }
        None if !is_session => Err(window_error("WINDOW_TYPE needs WINDOW_SIZE", kind.name.span)
            .with_hint("such as WINDOW_SIZE = '30 SECONDS'")),
        _ => Ok(()),
    }
}

fn window_error(message: &str, span: Span) -> Error {
    Error::new(ErrorCode::Property, message, span)
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::String => f.write_str("a string"),
            Kind::Choice(choices) => write!(f, "one of {}", choices.join(", ")),
            Kind::Delimiter => f.write_str("one character, SPACE or TAB"),
            Kind::Duration => f.write_str("a duration such as '30 SECONDS'"),
            Kind::Integer(least) => write!(f, "a whole number from {least}"),
            Kind::Boolean => f.write_str("true or false"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("30 seconds").map(|duration| duration.ms), Some(30_000));
        assert_eq!(parse_duration(" 1  DAY ").map(|duration| duration.ms), Some(86_400_000));
        for wrong in ["30 bobs", "30", "x SECONDS", "1 DAY 2", "-1 DAY", "99999999999999999 DAYS"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_unique() {
        for (n, definition) in ALL.iter().enumerate() {
            assert!(ALL[..n].iter().all(|other| other.name != definition.name));
        }
    }
}
