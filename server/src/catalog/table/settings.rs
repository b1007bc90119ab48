//! `pg_settings`: the client's settings.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::super::filled::Filled;
use super::Contents;
use crate::client::settings::Shown;

pub(super) fn rows(contents: &Contents<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
    let shown: Vec<Shown<'_>> = contents.settings.all().collect();
    Filled::new(schema, shown.len())
        .with("name", shown.iter().map(|each| each.name))?
        .with("setting", shown.iter().map(|each| each.value))?
        .with("short_desc", shown.iter().map(|each| each.description))?
        .with("context", shown.iter().map(|_| "user"))?
        .with("vartype", shown.iter().map(|_| "string"))?
        .with("source", shown.iter().map(source))?
        .with("boot_val", shown.iter().map(|each| each.default))?
        .with("reset_val", shown.iter().map(|each| each.default))?
        .finish()
}

fn source(shown: &Shown<'_>) -> &'static str {
    match shown.value == shown.default {
        true => "default",
        false => "session",
    }
}
