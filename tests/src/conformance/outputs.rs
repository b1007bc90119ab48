//! Compares what topics hold with the records that a case expects.

use std::collections::VecDeque;

use anyhow::{Context, Result, ensure};
use engine::{Engine, TopicRecord};

use super::case::{Case, Record, Window};
use super::compare::{self, Difference, Rules};
use super::decode;
use super::encode;
use super::layout::{Layout, Side};
use crate::topic;

/// What of a record counts.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Whether headers must be equal.
    pub headers: bool,
    /// Whether an expected time of 0 also means any time.
    pub zero_is_any_time: bool,
    /// How values are compared.
    pub rules: Rules,
}

impl Scope {
    /// The scope of a `query` case.
    pub fn of(case: &Case) -> Scope {
        Scope {
            headers: true,
            zero_is_any_time: case.inputs.is_empty(),
            rules: Rules { exact_numbers: case.exact_numbers(), upper_case_names: true },
        }
    }
}

/// Compares every topic that has expected records.
pub fn compare_topics(engine: &Engine, expected: &[Record], scope: Scope) -> Result<()> {
    let mut topics: Vec<&str> = Vec::new();
    for record in expected {
        if !topics.contains(&record.topic.as_str()) {
            topics.push(&record.topic);
        }
    }
    for topic in topics {
        let expected: Vec<_> = expected.iter().filter(|record| record.topic == topic).collect();
        compare_topic(engine, topic, &expected, scope).with_context(|| format!("topic {topic}"))?;
    }
    Ok(())
}

/// The partitions of a topic may be read in any interleaving: the next expected record must be
/// at the head of one of them. With a single partition this is plain equality in order.
fn compare_topic(engine: &Engine, topic: &str, expected: &[&Record], scope: Scope) -> Result<()> {
    let layout = Layout::of_topic(engine, topic)?;
    let partitions = topic::read(engine.log(), topic)?;
    let mut partitions: Vec<VecDeque<TopicRecord>> =
        partitions.into_iter().map(VecDeque::from).collect();
    let found: usize = partitions.iter().map(VecDeque::len).sum();
    for (index, expected) in expected.iter().enumerate() {
        take_head(&mut partitions, expected, &layout, scope)
            .with_context(|| format!("record {index}"))?;
    }
    let count = expected.len();
    ensure!(found == count, "expected {count} records, found {found}");
    Ok(())
}

fn take_head(
    partitions: &mut [VecDeque<TopicRecord>],
    expected: &Record,
    layout: &Layout,
    scope: Scope,
) -> Result<()> {
    let mut first_error = None;
    for partition in partitions {
        let Some(head) = partition.front() else { continue };
        match same_record(expected, head, layout, scope) {
            Ok(()) => {
                partition.pop_front();
                return Ok(());
            }
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| {
        anyhow::anyhow!("expected key {} value {}, found the end", expected.key, expected.value)
    }))
}

fn same_record(
    expected: &Record,
    found: &TopicRecord,
    layout: &Layout,
    scope: Scope,
) -> Result<()> {
    same_key(expected, found, layout, scope)?;
    let value = decode::payload(found.value.as_deref(), &layout.value).context("value")?;
    same_payload(&expected.value, &value, &layout.value, scope, "value")?;
    let any_time = scope.zero_is_any_time && expected.timestamp == Some(0);
    if let Some(timestamp) = expected.timestamp.filter(|_| !any_time)
        && timestamp != found.timestamp
    {
        return Err(Difference::new(timestamp, found.timestamp).inside("timestamp").into());
    }
    if scope.headers {
        let headers = encode::headers(&expected.headers)?;
        ensure!(headers == found.headers, "headers differ: found {}", found.headers.len());
    }
    Ok(())
}

fn same_key(expected: &Record, found: &TopicRecord, layout: &Layout, scope: Scope) -> Result<()> {
    let (key, window) = match (found.key.as_deref(), layout.window) {
        (Some(key), Some(window)) => {
            let (key, window) = decode::split_window(key, window)?;
            (Some(key), Some(window))
        }
        (key, _) => (key, None),
    };
    let key = decode::payload(key, &layout.key).context("key")?;
    same_payload(&expected.key, &key, &layout.key, scope, "key")?;
    if window != expected.window {
        let difference = Difference::new(show_window(expected.window), show_window(window));
        return Err(difference.inside("window").into());
    }
    Ok(())
}

fn same_payload(
    expected: &serde_json::Value,
    found: &serde_json::Value,
    side: &Side,
    scope: Scope,
    name: &str,
) -> Result<()> {
    let data_type = side.data_type();
    compare::value(expected, found, Some(&data_type), scope.rules)
        .map_err(|difference| difference.inside(name).into())
}

fn show_window(window: Option<Window>) -> String {
    match window {
        Some(window) => format!("{:?} {} to {}", window.shape, window.start, window.end),
        None => "none".to_owned(),
    }
}
