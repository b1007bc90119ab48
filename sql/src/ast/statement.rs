//! Statements and the parts that only statements have.

use super::{DataType, Expr, Ident, Properties, Query, Span, Verbatim};

/// One statement of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What the statement asks for.
    pub kind: StatementKind,
    /// The statement as it was typed, without the closing semicolon.
    pub text: String,
    /// Where the statement stands in its script.
    pub span: Span,
}

/// Every statement of the dialect.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `CREATE [OR REPLACE] [SOURCE] STREAM|TABLE [IF NOT EXISTS] name (columns) WITH (…)`.
    CreateSource {
        /// Stream or table.
        kind: SourceKind,
        /// `OR REPLACE` was given.
        or_replace: bool,
        /// `IF NOT EXISTS` was given.
        if_not_exists: bool,
        /// `SOURCE` was given: the new stream or table is read-only.
        source: bool,
        /// Name of the new stream or table.
        name: Ident,
        /// The declared columns; `None` when the list is missing and the format has to know them.
        columns: Option<Vec<ColumnDef>>,
        /// The `WITH` clause.
        properties: Properties,
    },
    /// `CREATE [OR REPLACE] STREAM|TABLE [IF NOT EXISTS] name [WITH (…)] AS query`.
    CreateAs {
        /// Stream or table.
        kind: SourceKind,
        /// `OR REPLACE` was given.
        or_replace: bool,
        /// `IF NOT EXISTS` was given.
        if_not_exists: bool,
        /// Name of the new stream or table.
        name: Ident,
        /// The `WITH` clause.
        properties: Properties,
        /// The persistent query that fills it.
        query: Query,
    },
    /// `INSERT INTO target [WITH (QUERY_ID = …)] query`.
    InsertInto {
        /// The stream that the query writes to.
        target: Ident,
        /// The `WITH` clause.
        properties: Properties,
        /// The persistent query.
        query: Query,
    },
    /// `INSERT INTO target [(columns)] VALUES (…), …`.
    InsertValues {
        /// The stream or table to write to.
        target: Ident,
        /// The columns given a value; empty means all of them, in their declared order.
        columns: Vec<Ident>,
        /// One list of values per row, each as long as `columns` unless that is empty.
        rows: Vec<Vec<Expr>>,
    },
    /// A push query (with `EMIT`) or a pull query (without).
    Query(Query),
    /// `ALTER STREAM|TABLE name ADD [COLUMN] column type, …`.
    AlterSource {
        /// Stream or table.
        kind: SourceKind,
        /// The stream or table to change.
        name: Ident,
        /// The columns to append.
        columns: Vec<ColumnDef>,
    },
    /// `DROP STREAM|TABLE [IF EXISTS] name [DELETE TOPIC]`.
    DropSource {
        /// Stream or table.
        kind: SourceKind,
        /// `IF EXISTS` was given.
        if_exists: bool,
        /// The stream or table to drop.
        name: Ident,
        /// `DELETE TOPIC` was given: the records go too.
        delete_topic: bool,
    },
    /// `CREATE TYPE [IF NOT EXISTS] name AS type`.
    CreateType {
        /// `IF NOT EXISTS` was given.
        if_not_exists: bool,
        /// The new name.
        name: Ident,
        /// What it stands for.
        data_type: DataType,
    },
    /// `DROP TYPE [IF EXISTS] name`.
    DropType {
        /// `IF EXISTS` was given.
        if_exists: bool,
        /// The name to forget.
        name: Ident,
    },
    /// `TERMINATE id|ALL`.
    Terminate(QueryTarget),
    /// `PAUSE id|ALL`.
    Pause(QueryTarget),
    /// `RESUME id|ALL`.
    Resume(QueryTarget),
    /// `EXPLAIN [ANALYZE] statement|id`.
    Explain {
        /// `ANALYZE` was given: add what was measured.
        analyze: bool,
        /// What to explain.
        target: ExplainTarget,
    },
    /// `SHOW …` or `LIST …`.
    Show(Show),
    /// `DESCRIBE …`.
    Describe(Describe),
    /// `SET 'property' = 'value'`, also with bare words and with `TO`.
    Set {
        /// Name of the session property.
        name: Verbatim,
        /// The new value.
        value: Verbatim,
    },
    /// `UNSET 'property'`.
    Unset {
        /// Name of the session property.
        name: Verbatim,
    },
    /// `DEFINE name = 'value'`.
    Define {
        /// Name of the variable; names are not case-sensitive, so it is in upper case.
        name: Ident,
        /// What `${name}` stands for from now on.
        value: String,
    },
    /// `UNDEFINE name`.
    Undefine {
        /// Name of the variable, in upper case.
        name: Ident,
    },
    /// `PRINT topic [FROM BEGINNING] [INTERVAL n] [LIMIT n]`.
    Print {
        /// Name of the topic: topic names do not fold.
        topic: Verbatim,
        /// Start at the earliest record instead of waiting for new ones.
        from_beginning: bool,
        /// Print only every n-th record.
        interval: Option<u64>,
        /// Stop after n records.
        limit: Option<u64>,
    },
    /// `ASSERT [NOT EXISTS] TOPIC name [WITH (…)] [TIMEOUT duration]`.
    AssertTopic {
        /// `NOT EXISTS` was given: there must be no such topic.
        not_exists: bool,
        /// Name of the topic.
        topic: Verbatim,
        /// What must hold of the topic: `PARTITIONS`, `REPLICAS`.
        properties: Properties,
        /// How long to wait for it to become true.
        timeout: Option<super::Duration>,
    },
    /// `ASSERT [NOT EXISTS] SCHEMA [SUBJECT name] [ID n] [TIMEOUT duration]`.
    AssertSchema {
        /// `NOT EXISTS` was given: there must be no such schema.
        not_exists: bool,
        /// Subject in the schema registry.
        subject: Option<String>,
        /// Schema id in the schema registry.
        id: Option<u64>,
        /// How long to wait for it to become true.
        timeout: Option<super::Duration>,
    },
    /// `ASSERT VALUES source [(columns)] VALUES (…)`: the next record has these values.
    AssertValues {
        /// The stream or table whose topic is read.
        source: Ident,
        /// The columns compared; empty means all of them.
        columns: Vec<Ident>,
        /// The expected values.
        values: Vec<Expr>,
    },
    /// `ASSERT NULL VALUES source [(columns)] KEY (…)`: the next record is this tombstone.
    AssertNullValues {
        /// The table whose topic is read.
        source: Ident,
        /// The key columns compared; empty means all of them.
        columns: Vec<Ident>,
        /// The expected key.
        key: Vec<Expr>,
    },
    /// `ASSERT STREAM|TABLE name (columns) WITH (…)`: it exists with exactly this definition.
    AssertSource {
        /// Stream or table.
        kind: SourceKind,
        /// Name of the stream or table.
        name: Ident,
        /// The expected columns.
        columns: Option<Vec<ColumnDef>>,
        /// The expected properties.
        properties: Properties,
    },
    /// `RUN SCRIPT 'path'`.
    RunScript {
        /// Path of the script, as typed.
        path: String,
    },
    /// `EXPORT CATALOG`: the statements that rebuild the catalog, in order.
    ExportCatalog,
    /// `VERIFY name`: whether a stream or table is what its queries make of their sources.
    Verify {
        /// The stream or table.
        name: Ident,
    },
    /// `BACKUP TO 'directory'`.
    Backup {
        /// Path of the directory, as typed.
        path: String,
    },
    /// A statement that the grammar knows and this version does not carry out.
    NotSupported {
        /// What was asked for, for the error message.
        what: String,
        /// The words that ask for it.
        span: Span,
    },
}

/// Whether a source is read as facts or as the latest row per key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// Every record is a row of its own.
    Stream,
    /// A record replaces the row with the same key.
    Table,
}

/// One column of a `CREATE` or `ALTER` statement.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    /// Name of the column.
    pub name: Ident,
    /// Its type.
    pub data_type: DataType,
    /// Where in the record the column lives.
    pub role: ColumnRole,
    /// The whole definition.
    pub span: Span,
}

/// Where in the record a column lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ColumnRole {
    /// In the record's value.
    Value,
    /// `KEY`: in the key of a stream's record.
    Key,
    /// `PRIMARY KEY`: in the key of a table's record.
    PrimaryKey,
    /// `HEADERS`: all headers.
    Headers,
    /// `HEADER('name')`: the last header of that name.
    Header(String),
}

/// The queries that `TERMINATE`, `PAUSE` and `RESUME` act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryTarget {
    /// The query with this id.
    Query(Ident),
    /// All persistent queries.
    All,
}

/// What `EXPLAIN` explains.
#[derive(Debug, Clone, PartialEq)]
pub enum ExplainTarget {
    /// A statement, which is not carried out unless `ANALYZE` is given.
    Statement(Box<Statement>),
    /// A running query.
    Query(Ident),
}

/// What `SHOW` or `LIST` lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// `STREAMS [EXTENDED]`.
    Streams {
        /// `EXTENDED` was given.
        extended: bool,
    },
    /// `TABLES [EXTENDED]`.
    Tables {
        /// `EXTENDED` was given.
        extended: bool,
    },
    /// `[ALL] TOPICS [EXTENDED]`.
    Topics {
        /// `ALL` was given: internal topics too.
        all: bool,
        /// `EXTENDED` was given.
        extended: bool,
    },
    /// `QUERIES [EXTENDED]`.
    Queries {
        /// `EXTENDED` was given.
        extended: bool,
    },
    /// `FUNCTIONS`.
    Functions,
    /// `PROPERTIES` of the session.
    Properties,
    /// `TYPES`: the custom types.
    Types,
    /// `VARIABLES`: what `DEFINE` defined.
    Variables,
    /// `COLUMNS FROM source`.
    Columns {
        /// The stream or table.
        source: Ident,
    },
    /// `[CONSUMER] GROUPS`.
    Groups,
}

/// What `DESCRIBE` describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Describe {
    /// `source [EXTENDED]`.
    Source {
        /// The stream or table.
        name: Ident,
        /// `EXTENDED` was given.
        extended: bool,
    },
    /// `FUNCTION name`.
    Function {
        /// Name of the function.
        name: Ident,
    },
    /// `STREAMS [EXTENDED]`: every stream.
    Streams {
        /// `EXTENDED` was given.
        extended: bool,
    },
    /// `TABLES [EXTENDED]`: every table.
    Tables {
        /// `EXTENDED` was given.
        extended: bool,
    },
}
