//! Conditions on the catalog after a case.

use std::collections::BTreeSet;
use std::fmt::Debug;

use anyhow::{Context, Result, bail, ensure};
use engine::{Engine, SideInfo, SourceInfo, SourceKind, WindowKind};

use super::case::{Post, PostFormat, PostKeyFormat, PostSource, PostTopic};
use super::schema;

/// Checks all conditions.
pub fn check(engine: &Engine, post: &Post) -> Result<()> {
    for expected in &post.sources {
        let found = engine.source(&expected.name);
        let found = found.with_context(|| format!("no stream or table {}", expected.name))?;
        check_source(expected, &found).with_context(|| format!("catalog: {}", expected.name))?;
    }
    for expected in &post.topics {
        check_topic(engine, expected).with_context(|| format!("topic {}", expected.name))?;
    }
    Ok(())
}

fn check_source(expected: &PostSource, found: &SourceInfo) -> Result<()> {
    ensure_equal("kind", expected.kind.as_str(), kind_word(found.kind))?;
    if let Some(list) = &expected.schema {
        schema::ensure_same(&schema::parse(list)?, &schema::of_source(found))?;
    }
    if let Some(format) = &expected.key_format {
        check_key_format(format, found)?;
    }
    if let Some(format) = &expected.value_format {
        ensure_equal("value format", format.as_str(), found.value.format.as_str())?;
    }
    check_features("key features", expected.key_features.as_deref(), &found.key)?;
    check_features("value features", expected.value_features.as_deref(), &found.value)?;
    if let Some(is_source) = expected.is_source {
        ensure_equal("made by CREATE SOURCE", is_source, found.is_source)?;
    }
    Ok(())
}

fn check_key_format(expected: &PostKeyFormat, found: &SourceInfo) -> Result<()> {
    ensure_equal("key format", expected.format.as_str(), found.key.format.as_str())?;
    let window = found.window.map(|window| window_word(window.shape));
    ensure_equal("window type", expected.window_type.as_deref(), window)?;
    let size = found.window.and_then(|window| window.size_ms);
    ensure_equal("window size", expected.window_size_ms, size)
}

fn check_features(what: &str, expected: Option<&[String]>, side: &SideInfo) -> Result<()> {
    let Some(expected) = expected else { return Ok(()) };
    let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
    let found = match side.wrapped {
        None => BTreeSet::new(),
        Some(true) => BTreeSet::from(["WRAP_SINGLES"]),
        Some(false) => BTreeSet::from(["UNWRAP_SINGLES"]),
    };
    ensure_equal(what, expected, found)
}

fn check_topic(engine: &Engine, expected: &PostTopic) -> Result<()> {
    if let Some(partitions) = expected.partitions {
        let topic = engine.log().topic_named(&expected.name)?;
        ensure_equal("partitions", partitions, topic.partitions().len())?;
    }
    if expected.key_schema.is_some() || expected.value_schema.is_some() {
        bail!("a registered schema is expected, and the engine has no schema registry");
    }
    let sources = engine.sources();
    let source = sources.iter().find(|source| source.topic == expected.name);
    let source = source.context("no stream or table declares its formats")?;
    check_format("key", &expected.key_format, &source.key)?;
    check_format("value", &expected.value_format, &source.value)
}

fn check_format(side: &str, expected: &PostFormat, found: &SideInfo) -> Result<()> {
    ensure_equal(&format!("{side} format"), expected.format.as_str(), found.format.as_str())?;
    check_features(&format!("{side} features"), expected.features.as_deref(), found)
}

/// An error that names what differs.
pub fn ensure_equal<T: PartialEq + Debug>(what: &str, expected: T, found: T) -> Result<()> {
    ensure!(expected == found, "{what}: expected {expected:?}, found {found:?}");
    Ok(())
}

/// `stream` or `table`.
pub fn kind_word(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Stream => "stream",
        SourceKind::Table => "table",
    }
}

fn window_word(shape: WindowKind) -> &'static str {
    match shape {
        WindowKind::Tumbling => "tumbling",
        WindowKind::Hopping => "hopping",
        WindowKind::Session => "session",
    }
}
