//! The cases as they stand in the files.
//!
//! Numbers keep the text they are written with: `serde_json` is built with
//! `arbitrary_precision`, and digits after the point are part of what is expected.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One file of cases.
#[derive(Debug, Clone, Deserialize)]
pub struct CaseFile {
    /// Its cases.
    pub cases: Vec<Case>,
}

/// Which contract a case follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Persistent queries, driven record by record.
    Query,
    /// A running server.
    Rest,
    /// A script with `ASSERT` statements.
    Sql,
}

impl Kind {
    /// The word in the files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Query => "query",
            Kind::Rest => "rest",
            Kind::Sql => "sql",
        }
    }
}

/// One case.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// Unique and stable.
    pub id: String,
    /// Which contract it follows.
    pub kind: Kind,
    /// `core`, or `registry` where formats need a schema registry.
    pub tier: String,
    /// Labels to report by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Statements in order.
    pub statements: Vec<String>,
    /// Session settings.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// Topics that need more than the defaults.
    #[serde(default)]
    pub topics: Vec<TopicSpec>,
    /// Records to write.
    #[serde(default)]
    pub inputs: Vec<Record>,
    /// Records to expect; an empty list is not the same as none.
    pub outputs: Option<Vec<Record>>,
    /// The case must be refused.
    pub expect_error: Option<ExpectError>,
    /// Conditions on the catalog afterwards.
    pub post: Option<Post>,
    /// Expected answers of a `rest` case.
    #[serde(default)]
    pub responses: Vec<Response>,
    /// Start the query first, then write the inputs.
    #[serde(default)]
    pub inputs_after_subscribe: bool,
    /// Whether the order of rows matters.
    #[serde(default)]
    pub ordered_rows: bool,
}

impl Case {
    /// What the engine must do with the case.
    pub fn must(&self) -> Must {
        if self.expect_error.is_some() { Must::Refuse } else { Must::Succeed }
    }

    /// Whether numbers are compared exactly, which is a setting of the runner and not of the
    /// engine.
    pub fn exact_numbers(&self) -> bool {
        self.properties.get(EXACT_NUMBERS).is_none_or(|value| text_of(value) != "false")
    }

    /// The settings that are meant for the engine, as text.
    pub fn engine_properties(&self) -> impl Iterator<Item = (&str, String)> {
        let properties = self.properties.iter().filter(|(name, _)| *name != EXACT_NUMBERS);
        properties.map(|(name, value)| (name.as_str(), text_of(value)))
    }
}

const EXACT_NUMBERS: &str = "use.exact.numeric.comparison";

/// What the engine must do with a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Must {
    /// Do it.
    Succeed,
    /// Refuse it.
    Refuse,
}

impl Must {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Must::Succeed => "succeed",
            Must::Refuse => "refuse",
        }
    }
}

/// A topic that needs more than the defaults.
#[derive(Debug, Clone, Deserialize)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    #[serde(default = "one")]
    pub partitions: u32,
    /// A schema for its keys.
    pub key_schema: Option<Value>,
    /// A schema for its values.
    pub value_schema: Option<Value>,
}

fn one() -> u32 {
    1
}

/// A record to write or to expect.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    /// Its topic.
    pub topic: String,
    /// Its key; null is none.
    #[serde(default)]
    pub key: Value,
    /// Its value; null is a tombstone.
    #[serde(default)]
    pub value: Value,
    /// Its time; an expected record without one has any.
    pub timestamp: Option<i64>,
    /// The window of its key.
    pub window: Option<Window>,
    /// Its headers.
    #[serde(default)]
    pub headers: Vec<Header>,
}

/// The window of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Window {
    /// First millisecond.
    pub start: i64,
    /// End: exclusive for `time`, inclusive for `session`.
    pub end: i64,
    /// Whether the end is fixed by the start.
    #[serde(rename = "type")]
    pub shape: WindowShape,
}

/// Whether a window's end is fixed by its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowShape {
    /// Tumbling or hopping.
    Time,
    /// Session.
    Session,
}

/// A record header.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Header {
    /// Its key.
    pub key: String,
    /// Its bytes in base64.
    pub value: Option<String>,
}

/// How a case must be refused.
#[derive(Debug, Clone, Deserialize)]
pub struct ExpectError {
    /// When.
    pub phase: Phase,
    /// Index of the statement that must be refused.
    pub statement: Option<usize>,
    /// Text that occurs in the original message.
    pub message: Option<String>,
    /// Text that occurs in the message of the original's cause.
    pub cause_message: Option<String>,
}

/// When a case must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// By the parser.
    Parse,
    /// When the statement is analysed or planned.
    Statement,
    /// While records are processed.
    Runtime,
}

/// Conditions on the catalog after the case.
#[derive(Debug, Clone, Deserialize)]
pub struct Post {
    /// Streams and tables that must exist.
    #[serde(default)]
    pub sources: Vec<PostSource>,
    /// Topics that must exist.
    #[serde(default)]
    pub topics: Vec<PostTopic>,
}

/// A stream or table that must exist. What is absent is not checked.
#[derive(Debug, Clone, Deserialize)]
pub struct PostSource {
    /// Name as stored.
    pub name: String,
    /// `stream` or `table`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its columns as SQL.
    pub schema: Option<String>,
    /// Format and windowing of its keys.
    pub key_format: Option<PostKeyFormat>,
    /// Format of its values.
    pub value_format: Option<String>,
    /// Whether wrapping of single key columns was decided, and how.
    pub key_features: Option<Vec<String>>,
    /// The same for values.
    pub value_features: Option<Vec<String>>,
    /// Whether it was made by `CREATE SOURCE`.
    pub is_source: Option<bool>,
}

/// Format and windowing of keys.
#[derive(Debug, Clone, Deserialize)]
pub struct PostKeyFormat {
    /// Name of the format.
    pub format: String,
    /// `tumbling`, `hopping` or `session`.
    pub window_type: Option<String>,
    /// Length of the windows.
    pub window_size_ms: Option<i64>,
}

/// A topic that must exist.
#[derive(Debug, Clone, Deserialize)]
pub struct PostTopic {
    /// Its name.
    pub name: String,
    /// Format of its keys.
    pub key_format: PostFormat,
    /// Format of its values.
    pub value_format: PostFormat,
    /// How many partitions it has.
    pub partitions: Option<usize>,
    /// The latest schema of its keys.
    pub key_schema: Option<Value>,
    /// The latest schema of its values.
    pub value_schema: Option<Value>,
}

/// A format with its settings.
#[derive(Debug, Clone, Deserialize)]
pub struct PostFormat {
    /// Its name.
    pub format: String,
    /// Whether wrapping was decided, and how.
    pub features: Option<Vec<String>>,
}

/// An expected answer.
#[derive(Debug, Clone, Deserialize)]
pub struct Response {
    /// Index of the statement.
    pub statement: usize,
    /// Whether rows are expected.
    pub kind: ResponseKind,
    /// The result schema as text.
    pub schema: Option<String>,
    /// The rows.
    #[serde(default)]
    pub rows: Vec<Row>,
}

/// Whether an answer has rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseKind {
    /// The statement succeeds.
    Admin,
    /// The statement gives rows.
    Query,
}

/// An expected row.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    /// Its values.
    pub columns: Vec<Value>,
    /// It is a deletion.
    #[serde(default)]
    pub tombstone: bool,
}

/// The text of a scalar: strings without quotes, everything else as JSON.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
