//! A line of JSON: checked as a whole, with only the fields that matter taken out of it.

use std::fmt;

use anyhow::anyhow;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::event::Fields;

/// The fields of a line that mean more than a column.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// What becomes the key.
    pub key: Option<Value>,
    /// What becomes the time stamp.
    pub timestamp: Option<Value>,
}

/// Takes the fields out of a JSON object.
pub fn read(line: &str, fields: &Fields) -> anyhow::Result<Found> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let found = Object(fields).deserialize(&mut deserializer);
    match found.and_then(|found| deserializer.end().map(|()| found)) {
        Ok(found) => Ok(found),
        Err(error) => Err(match serde_json::from_str(line) {
            Ok(Value::Object(_)) => error.into(),
            Ok(other) => anyhow!("expected a JSON object, found {other}"),
            Err(error) => error.into(),
        }),
    }
}

struct Object<'a>(&'a Fields);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        while let Some(Meaning { key, timestamp }) = members.next_key_seed(Name(self.0))? {
            if !(key || timestamp) {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = Some(members.next_value::<Value>()?).filter(|value| !value.is_null());
            if timestamp {
                found.timestamp.clone_from(&value);
            }
            if key {
                found.key = value;
            }
        }
        Ok(found)
    }
}

/// What the field of a name is for.
struct Meaning {
    key: bool,
    timestamp: bool,
}

struct Name<'a>(&'a Fields);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Meaning;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Meaning, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Meaning;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Meaning, E> {
        let is = |field: &Option<String>| field.as_deref() == Some(name);
        Ok(Meaning { key: is(&self.0.key), timestamp: is(&self.0.timestamp) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> anyhow::Result<Found> {
        let name = |name: &str| Some(name.to_owned());
        super::read(line, &Fields { key: name("k"), timestamp: name("t") })
    }

    #[test]
    fn fields_are_found_between_others() {
        let found = read(r#" {"a":[{"k":1}],"k":"x","t":1.50,"b":null} "#).unwrap();
        assert_eq!(found.key, Some("x".into()));
        assert_eq!(found.timestamp.unwrap().to_string(), "1.50");
        assert_eq!(read(r#"{"k":null}"#).unwrap(), Found::default());
        assert_eq!(read(r#"{"\u006b":1,"k":2}"#).unwrap().key, Some(2.into()));
    }

    #[test]
    fn one_field_may_be_both() {
        let name = Some("at".to_owned());
        let fields = Fields { key: name.clone(), timestamp: name };
        let found = super::read(r#"{"at":5}"#, &fields).unwrap();
        assert_eq!(found, Found { key: Some(5.into()), timestamp: Some(5.into()) });
    }

    #[test]
    fn the_whole_line_must_be_an_object() {
        for line in ["", "{", r#"{"a":}"#, "{}x", r#"{"a":[1,}"#, "{'a':1}", "{1:2}"] {
            assert!(read(line).is_err(), "{line}");
        }
        let error = read("17").unwrap_err();
        assert_eq!(error.to_string(), "expected a JSON object, found 17");
    }
}
