//! Keys and values as text: numbers as a stream or table on the topic declares them, everything
//! else as it is.

use std::sync::Arc;

use arrow::datatypes::DataType::{Float64, Int32, Int64};
use arrow::datatypes::FieldRef;

use crate::catalog::Catalog;
use crate::error::Result;
use crate::format::{Decoder, Format, Side, decoder};
use crate::function::java_texts;
use crate::pipeline::split_window;
use crate::row_type::Windowing;

/// How the payloads of a topic are shown.
#[derive(Default)]
pub struct Texts {
    key: Option<Arc<dyn Decoder>>,
    window: Option<Windowing>,
    value: Option<Arc<dyn Decoder>>,
}

impl Texts {
    /// What is declared on a topic says how.
    pub fn of_topic(catalog: &Catalog, topic: &str) -> Result<Self> {
        let Some(source) = catalog.sources.values().find(|source| source.topic == topic) else {
            return Ok(Self::default());
        };
        // What a key in ARROW is shown as has its window already.
        let window = source.window.filter(|_| source.value_format != Format::Arrow);
        let (key, value) = (binary(&source.key_side())?, binary(&source.value_side())?);
        Ok(Self { key, window, value })
    }

    /// A key, with its window behind it.
    pub fn key(&self, payload: &[u8]) -> String {
        match self.window.and_then(|window| split_window(payload, window)) {
            Some((key, start, end)) => format!("{}@{start}/{end}", text(self.key.as_ref(), key)),
            None => text(self.key.as_ref(), payload),
        }
    }

    /// A value.
    pub fn value(&self, payload: &[u8]) -> String {
        text(self.value.as_ref(), payload)
    }
}

/// The decoder of payloads that are the bytes of a number.
fn binary(side: &Side) -> Result<Option<Arc<dyn Decoder>>> {
    let is_number = |column: &FieldRef| matches!(column.data_type(), Int32 | Int64 | Float64);
    match side.format == Format::Kafka && side.columns.first().is_some_and(is_number) {
        true => decoder(side, &[0]).map(Some),
        false => Ok(None),
    }
}

fn text(decoder: Option<&Arc<dyn Decoder>>, payload: &[u8]) -> String {
    let decoded = decoder.map(|decoder| decoder.decode(&[Some(payload)]));
    match decoded.filter(|decoded| decoded.bad.is_empty()) {
        Some(decoded) => java_texts(&decoded.columns[0]).value(0).to_owned(),
        None => printable(payload),
    }
}

/// Text as it is, anything else in hexadecimal.
pub fn printable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => text.to_owned(),
        _ => format!("0x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}
