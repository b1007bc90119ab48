//! Values that clients bind, as literals of the dialect.
//!
//! A value arrives as bytes, in text or binary format, of a type that the client named or the
//! statement's description gave. It is decoded by that type and written anew as a literal, so that
//! nothing of what the client sent can end a string or begin a comment.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use pgwire::api::portal::Portal;
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::types::FromSqlText;
use pgwire::types::format::FormatOptions;
use postgres_types::{FromSqlOwned, Kind, Type};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::failure::{Failure, sqlstate};

/// The literal for parameter `index` of `portal`, of type `pg_type`.
pub(crate) fn literal<S: Clone>(
    portal: &Portal<S>,
    index: usize,
    pg_type: &Type,
) -> PgWireResult<String> {
    let bound = Bound { portal, index, pg_type };
    match pg_type.kind() {
        Kind::Array(item) => bound.array(item),
        _ => bound.scalar(),
    }
    .map(|literal| literal.unwrap_or_else(|| "NULL".into()))
}

/// A parameter with its type.
struct Bound<'a, S> {
    portal: &'a Portal<S>,
    index: usize,
    pg_type: &'a Type,
}

type Literal = PgWireResult<Option<String>>;

impl<S: Clone> Bound<'_, S> {
    fn value<T: FromSqlOwned + for<'t> FromSqlText<'t>>(
        &self,
        write: impl Fn(T) -> String,
    ) -> Literal {
        Ok(self.portal.parameter::<T>(self.index, self.pg_type)?.map(write))
    }

    fn scalar(&self) -> Literal {
        match *self.pg_type {
            Type::BOOL => self.value(boolean),
            Type::INT2 => self.value(number::<i16>),
            Type::INT4 => self.value(number::<i32>),
            Type::INT8 => self.value(number::<i64>),
            Type::OID => self.value(number::<u32>),
            Type::FLOAT4 => self.value(|value: f32| double(f64::from(value))),
            Type::FLOAT8 => self.value(double),
            Type::NUMERIC => self.value(number::<Decimal>),
            Type::BYTEA => self.value(|value: Vec<u8>| bytes(&value)),
            Type::DATE => self.value(date),
            Type::TIME => self.value(time),
            Type::TIMESTAMP => self.value(timestamp),
            Type::TIMESTAMPTZ => {
                self.value(|value: DateTime<FixedOffset>| timestamp(value.naive_utc()))
            }
            Type::JSON | Type::JSONB => self.value(|value: Value| text(&value.to_string())),
            Type::UUID => self.uuid(),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                self.value(|value: String| text(&value))
            }
            _ => Err(unsupported(self.pg_type)),
        }
    }

    fn array(&self, item: &Type) -> Literal {
        match *item {
            Type::BOOL => self.items(boolean),
            Type::INT2 => self.items(number::<i16>),
            Type::INT4 => self.items(number::<i32>),
            Type::INT8 => self.items(number::<i64>),
            Type::FLOAT4 => self.items(|value: f32| double(f64::from(value))),
            Type::FLOAT8 => self.items(double),
            Type::NUMERIC => self.items(number::<Decimal>),
            Type::DATE => self.items(date),
            Type::TIME => self.items(time),
            Type::TIMESTAMP => self.items(timestamp),
            Type::TIMESTAMPTZ => {
                self.items(|value: DateTime<FixedOffset>| timestamp(value.naive_utc()))
            }
            Type::BYTEA => self.items(|value: Vec<u8>| bytes(&value)),
            Type::TEXT | Type::VARCHAR => self.items(|value: String| text(&value)),
            _ => Err(unsupported(self.pg_type)),
        }
    }

    fn items<T>(&self, write: impl Fn(T) -> String) -> Literal
    where
        Vec<Option<T>>: FromSqlOwned + for<'t> FromSqlText<'t>,
    {
        self.value(|items: Vec<Option<T>>| {
            let items: Vec<_> =
                items.into_iter().map(|item| item.map_or("NULL".into(), &write)).collect();
            format!("ARRAY[{}]", items.join(", "))
        })
    }

    /// A UUID: 16 bytes, or its text.
    fn uuid(&self) -> Literal {
        let Some(value) = self.portal.parameters.get(self.index).cloned().flatten() else {
            return Ok(None);
        };
        let digits = match self.portal.parameter_format.is_binary(self.index) {
            true => value.iter().map(|byte| format!("{byte:02x}")).collect(),
            false => String::from_utf8_lossy(&value).replace('-', ""),
        };
        if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = "expected a UUID of 32 hexadecimal digits";
            return Err(Failure::new(sqlstate::INVALID_TEXT, message).into_wire(""));
        }
        let [a, b, c, d, e] =
            [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits[part].to_ascii_lowercase());
        Ok(Some(text(&format!("{a}-{b}-{c}-{d}-{e}"))))
    }
}

/// The literal for a text that stands for a value of the column type `pg_type`, as in COPY.
pub(crate) fn literal_of_text(value: &str, pg_type: &Type) -> Result<String, Failure> {
    if let Kind::Array(item) = pg_type.kind() {
        return array_of_text(value, item);
    }
    let parsed = match *pg_type {
        Type::BOOL => parse_boolean(value).map(boolean),
        Type::INT4 => value.trim().parse().ok().map(number::<i32>),
        Type::INT8 => value.trim().parse().ok().map(number::<i64>),
        Type::FLOAT8 => value.trim().parse().ok().map(double),
        Type::NUMERIC => value.trim().parse().ok().map(number::<Decimal>),
        Type::BYTEA => parse_bytes(value).map(|value| bytes(&value)),
        Type::DATE => value.trim().parse().ok().map(date),
        Type::TIME => value.trim().parse().ok().map(time),
        Type::TIMESTAMP => parse_timestamp(value).map(timestamp),
        Type::TEXT => Some(text(value)),
        _ => {
            let message = format!("a column of type {} cannot be copied in", pg_type.name());
            return Err(Failure::new(sqlstate::FEATURE_NOT_SUPPORTED, message)
                .hint("use INSERT for this column"));
        }
    };
    parsed.ok_or_else(|| not_of_type(value, pg_type.name()))
}

/// The literal for an array as Postgres writes it: `{a,NULL,"b c"}`.
fn array_of_text(value: &str, item: &Type) -> Result<String, Failure> {
    let options = FormatOptions::default();
    let items = Vec::<Option<String>>::from_sql_text(&Type::TEXT_ARRAY, value.as_bytes(), &options);
    let items = items.map_err(|_| not_of_type(value, &format!("{}[]", item.name())))?;
    let literals = items.iter().map(|text| match text {
        None => Ok("NULL".to_owned()),
        Some(text) => literal_of_text(text, item),
    });
    Ok(format!("ARRAY[{}]", literals.collect::<Result<Vec<_>, _>>()?.join(", ")))
}

fn not_of_type(value: &str, name: &str) -> Failure {
    let message = format!("expected a value of type {name}, found '{value}'");
    Failure::new(sqlstate::INVALID_TEXT, message)
}

fn parse_boolean(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn parse_bytes(value: &str) -> Option<Vec<u8>> {
    let digits = value.strip_prefix("\\x")?;
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn parse_timestamp(value: &str) -> Option<NaiveDateTime> {
    let value = value.trim();
    let zoned = DateTime::parse_from_rfc3339(value).map(|value| value.naive_utc()).ok();
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let naive = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(value, format).ok());
    let day = || value.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0);
    zoned.or(naive).or_else(day)
}

/// A text in single quotes.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn boolean(value: bool) -> String {
    if value { "TRUE".into() } else { "FALSE".into() }
}

/// A number; a negative one in brackets, so that no minus before it makes a comment of both.
fn number<T: ToString>(value: T) -> String {
    let digits = value.to_string();
    if digits.starts_with('-') { format!("({digits})") } else { digits }
}

fn double(value: f64) -> String {
    match value.is_finite() {
        true => number(format!("{value:E}")),
        false => format!("CAST({} AS DOUBLE)", text(&value.to_string())),
    }
}

fn bytes(value: &[u8]) -> String {
    let digits: String = value.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("TO_BYTES('{digits}', 'hex')")
}

fn date(value: NaiveDate) -> String {
    format!("CAST('{value}' AS DATE)")
}

fn time(value: NaiveTime) -> String {
    format!("CAST('{}' AS TIME)", value.format("%H:%M:%S%.3f"))
}

fn timestamp(value: NaiveDateTime) -> String {
    format!("CAST('{}' AS TIMESTAMP)", value.format("%Y-%m-%dT%H:%M:%S%.3f"))
}

fn unsupported(pg_type: &Type) -> PgWireError {
    let message = format!("a parameter of type {} is not supported", pg_type.name());
    Failure::new(sqlstate::FEATURE_NOT_SUPPORTED, message)
        .hint("bind it as text and cast it in the statement")
        .into_wire("")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use pgwire::api::portal::Format;

    use super::*;

    fn bound(value: &'static [u8], format: Format, pg_type: &Type) -> String {
        let mut portal = Portal::<()>::new_cursor("p".into(), Arc::default());
        portal.parameters = vec![Some(Bytes::from_static(value)), None];
        portal.parameter_format = format;
        assert_eq!(literal(&portal, 1, pg_type).unwrap(), "NULL");
        literal(&portal, 0, pg_type).unwrap()
    }

    #[test]
    fn both_formats_give_the_same_literal() {
        assert_eq!(bound(b"-5", Format::UnifiedText, &Type::INT4), "(-5)");
        assert_eq!(bound(&[255, 255, 255, 251], Format::UnifiedBinary, &Type::INT4), "(-5)");
        assert_eq!(bound(b"t", Format::UnifiedText, &Type::BOOL), "TRUE");
        assert_eq!(bound(&[1], Format::UnifiedBinary, &Type::BOOL), "TRUE");
        assert_eq!(bound(b"1.5", Format::UnifiedText, &Type::FLOAT8), "1.5E0");
    }

    #[test]
    fn a_text_stays_inside_its_quotes() {
        let nasty = b"x'; DROP STREAM s; --";
        assert_eq!(bound(nasty, Format::UnifiedText, &Type::TEXT), "'x''; DROP STREAM s; --'");
        assert_eq!(bound(nasty, Format::UnifiedBinary, &Type::UNKNOWN), "'x''; DROP STREAM s; --'");
    }

    #[test]
    fn arrays_are_lists_of_literals() {
        let items = bound(b"{a,NULL,\"b c\"}", Format::UnifiedText, &Type::TEXT_ARRAY);
        assert_eq!(items, "ARRAY['a', NULL, 'b c']");
    }

    #[test]
    fn texts_of_columns_are_checked() {
        let literal = |value, pg_type| literal_of_text(value, &pg_type);
        assert_eq!(literal("2024-02-30", Type::DATE).unwrap_err().sqlstate, "22P02");
        assert_eq!(literal("2024-02-29", Type::DATE).unwrap(), "CAST('2024-02-29' AS DATE)");
        assert_eq!(
            literal("2024-02-29 01:02:03.5", Type::TIMESTAMP).unwrap(),
            "CAST('2024-02-29T01:02:03.500' AS TIMESTAMP)"
        );
        let array = literal("{\"a b\",NULL}", Type::TEXT_ARRAY).unwrap();
        assert_eq!(array, "ARRAY['a b', NULL]");
        assert_eq!(literal("{1,x}", Type::INT4_ARRAY).unwrap_err().sqlstate, "22P02");
        assert_eq!(literal("\\x0aFF", Type::BYTEA).unwrap(), "TO_BYTES('0AFF', 'hex')");
    }
}
