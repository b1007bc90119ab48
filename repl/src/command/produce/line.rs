//! Lines to drafts of records.
//!
//! A JSON line says everything about a record and is what `consume --output json` writes:
//!
//! ```text
//! {"partition":0,"timestamp":1500,"key":"ann","value":"{\"page\":1}","headers":[{"key":"h","value":"v"}]}
//! ```
//!
//! A string is its bytes, null is null, and any other value is its own JSON text, so that `"value":{"page":1}`
//! does what it looks like. Bytes that are no text come as `key_base64` and `value_base64`.

use anyhow::{Context, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use log_store::Timestamp;
use serde_json::{Map, Value};

/// One record to be. What is missing is decided where it is written.
#[derive(Debug, Default, PartialEq)]
pub struct Draft {
    /// Where it goes.
    pub partition: Option<u32>,
    /// Its time.
    pub timestamp: Option<Timestamp>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// How a line is to be read.
#[derive(Debug, Clone, Copy)]
pub enum Notation<'a> {
    /// The line is the value.
    Value {
        /// Text that means null.
        null: Option<&'a str>,
    },
    /// Key, separator, value.
    KeyAndValue {
        /// What stands between them.
        separator: &'a str,
        /// Text that means null.
        null: Option<&'a str>,
    },
    /// A JSON object.
    Json,
}

impl Notation<'_> {
    /// The record of a line, which is given without its end.
    pub fn parse(self, line: &[u8]) -> anyhow::Result<Draft> {
        match self {
            Self::Value { null } => {
                Ok(Draft { value: unless_null(line, null), ..Draft::default() })
            }
            Self::KeyAndValue { separator, null } => {
                let (key, value) = split(line, separator.as_bytes())
                    .ok_or_else(|| anyhow!("there is no key separator {separator}"))?;
                let value = unless_null(value, null);
                Ok(Draft { key: Some(key.to_vec()), value, ..Draft::default() })
            }
            Self::Json => match serde_json::from_slice(line)? {
                Value::Object(object) => draft(object),
                other => bail!("expected a JSON object, found {other}"),
            },
        }
    }
}

fn unless_null(text: &[u8], null: Option<&str>) -> Option<Vec<u8>> {
    (null.map(str::as_bytes) != Some(text)).then(|| text.to_vec())
}

fn split<'a>(line: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = line.windows(separator.len().max(1)).position(|window| window == separator)?;
    Some((&line[..at], &line[at + separator.len()..]))
}

fn draft(object: Map<String, Value>) -> anyhow::Result<Draft> {
    let mut draft = Draft::default();
    for (name, value) in object {
        set(&mut draft, &name, value).with_context(|| name.clone())?;
    }
    Ok(draft)
}

fn set(draft: &mut Draft, name: &str, value: Value) -> anyhow::Result<()> {
    match name {
        "key" => draft.key = bytes(value),
        "value" => draft.value = bytes(value),
        "key_base64" => draft.key = Some(from_base64(&value)?),
        "value_base64" => draft.value = Some(from_base64(&value)?),
        "timestamp" => draft.timestamp = Some(Timestamp(number(&value)?)),
        "partition" => draft.partition = Some(number(&value)?),
        "headers" => draft.headers = headers(value)?,
        // Where it was read; where it will be is not ours to say.
        "offset" => {}
        _ => bail!(
            "unknown field; expected key, value, key_base64, value_base64, headers, timestamp or partition"
        ),
    }
    Ok(())
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.into_bytes()),
        other => Some(other.to_string().into_bytes()),
    }
}

fn from_base64(value: &Value) -> anyhow::Result<Vec<u8>> {
    let text = value.as_str().ok_or_else(|| anyhow!("expected base64 text, found {value}"))?;
    Ok(BASE64.decode(text)?)
}

fn number<T: TryFrom<i64>>(value: &Value) -> anyhow::Result<T> {
    let number = value.as_i64().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| anyhow!("expected a whole number in range, found {value}"))
}

/// A list of `{"key":…,"value":…}`: names may come twice, and their order counts.
fn headers(value: Value) -> anyhow::Result<Vec<(String, Option<Vec<u8>>)>> {
    let Value::Array(list) = value else { bail!("expected a list, found {value}") };
    list.into_iter().map(header).collect()
}

fn header(value: Value) -> anyhow::Result<(String, Option<Vec<u8>>)> {
    let Value::Object(object) = value else { bail!("expected a JSON object, found {value}") };
    let mut header = Draft::default();
    for (name, value) in object {
        match name.as_str() {
            "key" | "value" | "value_base64" => set(&mut header, &name, value)?,
            _ => bail!("a header has key and value or value_base64, found {name}"),
        }
    }
    let key = header.key.ok_or_else(|| anyhow!("a header without a key"))?;
    Ok((String::from_utf8(key)?, header.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(text: &str) -> Option<Vec<u8>> {
        Some(text.as_bytes().to_vec())
    }

    #[test]
    fn a_line_is_a_value_or_key_and_value() {
        let value = Notation::Value { null: Some("-") };
        assert_eq!(value.parse(b"a:b").unwrap().value, bytes_of("a:b"));
        assert_eq!(value.parse(b"-").unwrap().value, None);
        assert_eq!(value.parse(b"").unwrap().value, bytes_of(""));
        let both = Notation::KeyAndValue { separator: "::", null: None };
        let draft = both.parse(b"k::v::w").unwrap();
        assert_eq!((draft.key, draft.value), (bytes_of("k"), bytes_of("v::w")));
        assert_eq!(both.parse(b"k:v").unwrap_err().to_string(), "there is no key separator ::");
    }

    #[test]
    fn a_json_line_says_everything() {
        let line = br#"{"partition":2,"offset":9,"timestamp":1500,"key":"k","value":{"a":1},
            "headers":[{"key":"h","value":"v"},{"key":"h","value":null},{"key":"b","value_base64":"AP8="}]}"#;
        let headers = vec![
            ("h".to_owned(), bytes_of("v")),
            ("h".to_owned(), None),
            ("b".to_owned(), Some(vec![0, 255])),
        ];
        let expected = Draft {
            partition: Some(2),
            timestamp: Some(Timestamp(1500)),
            key: bytes_of("k"),
            value: bytes_of(r#"{"a":1}"#),
            headers,
        };
        assert_eq!(Notation::Json.parse(line).unwrap(), expected);
        let binary = Notation::Json.parse(br#"{"key_base64":"AA==","value":null}"#).unwrap();
        assert_eq!((binary.key, binary.value), (Some(vec![0]), None));
    }

    #[test]
    fn mistakes_in_json_name_the_field() {
        let mistake =
            |line: &str| format!("{:#}", Notation::Json.parse(line.as_bytes()).unwrap_err());
        assert_eq!(mistake("[1]"), "expected a JSON object, found [1]");
        assert!(
            mistake(r#"{"vlaue":1}"#).starts_with("vlaue: unknown field; expected key, value,")
        );
        assert_eq!(
            mistake(r#"{"partition":-1}"#),
            "partition: expected a whole number in range, found -1"
        );
        assert_eq!(mistake(r#"{"headers":[{"value":"v"}]}"#), "headers: a header without a key");
    }
}
