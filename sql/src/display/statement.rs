//! Statements.

use std::fmt::{self, Display, Formatter};

use super::expression::Printed;
use super::{Quoted, bracketed, commas, flag, name};
use crate::ast::{
    ColumnDef, Describe, Duration, ExplainTarget, Expr, Ident, Properties, QueryTarget, Show,
    Statement, StatementKind,
};

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            // What is not understood cannot be made canonical.
            StatementKind::NotSupported { .. } => f.write_str(&self.text),
            kind => kind.fmt(f),
        }
    }
}

impl Display for StatementKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        use StatementKind::*;
        match self {
            Query(query) => query.fmt(f),
            InsertInto { target, properties, query } => {
                write!(f, "INSERT INTO {}", name(target))?;
                with(f, properties)?;
                write!(f, " {query}")
            }
            InsertValues { target, columns, rows } => {
                write!(f, "INSERT INTO {}", name(target))?;
                optional_names(f, columns)?;
                f.write_str(" VALUES ")?;
                commas(f, rows.iter().map(|row| Row(row)))
            }
            Explain { analyze, target } => {
                f.write_str("EXPLAIN")?;
                flag(f, *analyze, "ANALYZE")?;
                write!(f, " {target}")
            }
            Print { topic, from_beginning, interval, limit } => {
                write!(f, "PRINT {}", Quoted(&topic.value))?;
                flag(f, *from_beginning, "FROM BEGINNING")?;
                number(f, "INTERVAL", *interval)?;
                number(f, "LIMIT", *limit)
            }
            _ => definition(f, self),
        }
    }
}

/// `CREATE`, `ALTER` and `DROP`; hands on what it does not know.
fn definition(f: &mut Formatter<'_>, statement: &StatementKind) -> fmt::Result {
    use StatementKind::*;
    match statement {
        CreateSource { kind, or_replace, if_not_exists, source, name, columns, properties } => {
            f.write_str("CREATE")?;
            flag(f, *or_replace, "OR REPLACE")?;
            flag(f, *source, "SOURCE")?;
            write!(f, " {kind}")?;
            flag(f, *if_not_exists, "IF NOT EXISTS")?;
            write!(f, " {}", super::name(name))?;
            column_list(f, columns.as_deref())?;
            with(f, properties)
        }
        CreateAs { kind, or_replace, if_not_exists, name, properties, query } => {
            f.write_str("CREATE")?;
            flag(f, *or_replace, "OR REPLACE")?;
            write!(f, " {kind}")?;
            flag(f, *if_not_exists, "IF NOT EXISTS")?;
            write!(f, " {}", super::name(name))?;
            with(f, properties)?;
            write!(f, " AS {query}")
        }
        AlterSource { kind, name, columns } => {
            write!(f, "ALTER {kind} {} ", super::name(name))?;
            commas(f, columns.iter().map(AddColumn))
        }
        DropSource { kind, if_exists, name, delete_topic } => {
            write!(f, "DROP {kind}")?;
            flag(f, *if_exists, "IF EXISTS")?;
            write!(f, " {}", super::name(name))?;
            flag(f, *delete_topic, "DELETE TOPIC")
        }
        CreateType { if_not_exists, name, data_type } => {
            f.write_str("CREATE TYPE")?;
            flag(f, *if_not_exists, "IF NOT EXISTS")?;
            write!(f, " {} AS {data_type}", super::name(name))
        }
        DropType { if_exists, name } => {
            f.write_str("DROP TYPE")?;
            flag(f, *if_exists, "IF EXISTS")?;
            write!(f, " {}", super::name(name))
        }
        _ => assertion(f, statement),
    }
}

/// `ASSERT`; hands on what it does not know.
fn assertion(f: &mut Formatter<'_>, statement: &StatementKind) -> fmt::Result {
    use StatementKind::*;
    match statement {
        AssertTopic { not_exists, topic, properties, timeout: limit } => {
            f.write_str("ASSERT")?;
            flag(f, *not_exists, "NOT EXISTS")?;
            write!(f, " TOPIC {}", Quoted(&topic.value))?;
            with(f, properties)?;
            timeout(f, *limit)
        }
        AssertSchema { not_exists, subject, id, timeout: limit } => {
            f.write_str("ASSERT")?;
            flag(f, *not_exists, "NOT EXISTS")?;
            f.write_str(" SCHEMA")?;
            if let Some(subject) = subject {
                write!(f, " SUBJECT {}", Quoted(subject))?;
            }
            number(f, "ID", *id)?;
            timeout(f, *limit)
        }
        AssertValues { source, columns, values } => {
            write!(f, "ASSERT VALUES {}", name(source))?;
            optional_names(f, columns)?;
            write!(f, " VALUES {}", Row(values))
        }
        AssertNullValues { source, columns, key } => {
            write!(f, "ASSERT NULL VALUES {}", name(source))?;
            optional_names(f, columns)?;
            write!(f, " KEY {}", Row(key))
        }
        AssertSource { kind, name, columns, properties } => {
            write!(f, "ASSERT {kind} {}", super::name(name))?;
            column_list(f, columns.as_deref())?;
            with(f, properties)
        }
        _ => short(f, statement),
    }
}

/// The statements without clauses. It names all others, so that a new one cannot be forgotten.
fn short(f: &mut Formatter<'_>, statement: &StatementKind) -> fmt::Result {
    use StatementKind::*;
    match statement {
        Terminate(target) => write!(f, "TERMINATE {target}"),
        Pause(target) => write!(f, "PAUSE {target}"),
        Resume(target) => write!(f, "RESUME {target}"),
        Show(shown) => write!(f, "SHOW {shown}"),
        Describe(described) => write!(f, "DESCRIBE {described}"),
        Set { name, value } => write!(f, "SET {} = {}", Quoted(&name.value), Quoted(&value.value)),
        Unset { name } => write!(f, "UNSET {}", Quoted(&name.value)),
        Define { name, value } => write!(f, "DEFINE {} = {}", super::name(name), Quoted(value)),
        Undefine { name } => write!(f, "UNDEFINE {}", super::name(name)),
        RunScript { path } => write!(f, "RUN SCRIPT {}", Quoted(path)),
        ExportCatalog => f.write_str("EXPORT CATALOG"),
        Verify { name } => write!(f, "VERIFY {}", super::name(name)),
        Backup { path } => write!(f, "BACKUP TO {}", Quoted(path)),
        NotSupported { what, .. } => f.write_str(what),
        CreateSource { .. }
        | CreateAs { .. }
        | AlterSource { .. }
        | DropSource { .. }
        | CreateType { .. }
        | DropType { .. }
        | InsertInto { .. }
        | InsertValues { .. }
        | Query(_)
        | Explain { .. }
        | Print { .. }
        | AssertTopic { .. }
        | AssertSchema { .. }
        | AssertValues { .. }
        | AssertNullValues { .. }
        | AssertSource { .. } => Ok(()),
    }
}

impl Display for QueryTarget {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            QueryTarget::Query(id) if id.value == "ALL" => f.write_str("`ALL`"),
            QueryTarget::Query(id) => name(id).fmt(f),
            QueryTarget::All => f.write_str("ALL"),
        }
    }
}

impl Display for ExplainTarget {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            ExplainTarget::Statement(statement) => statement.fmt(f),
            ExplainTarget::Query(id) => name(id).fmt(f),
        }
    }
}

impl Display for Show {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (what, is_extended) = match self {
            Show::Streams { extended } => ("STREAMS", *extended),
            Show::Tables { extended } => ("TABLES", *extended),
            Show::Topics { all: false, extended } => ("TOPICS", *extended),
            Show::Topics { all: true, extended } => ("ALL TOPICS", *extended),
            Show::Queries { extended } => ("QUERIES", *extended),
            Show::Functions => ("FUNCTIONS", false),
            Show::Properties => ("PROPERTIES", false),
            Show::Types => ("TYPES", false),
            Show::Variables => ("VARIABLES", false),
            Show::Columns { source } => return write!(f, "COLUMNS FROM {}", name(source)),
            Show::Groups => ("GROUPS", false),
        };
        f.write_str(what)?;
        flag(f, is_extended, "EXTENDED")
    }
}

impl Display for Describe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Describe::Source { name, extended } => {
                described_name(f, name)?;
                flag(f, *extended, "EXTENDED")
            }
            Describe::Function { name } => write!(f, "FUNCTION {}", super::name(name)),
            Describe::Streams { extended } => {
                f.write_str("STREAMS")?;
                flag(f, *extended, "EXTENDED")
            }
            Describe::Tables { extended } => {
                f.write_str("TABLES")?;
                flag(f, *extended, "EXTENDED")
            }
        }
    }
}

/// A name that could be taken for what `DESCRIBE` takes in its place is quoted.
fn described_name(f: &mut Formatter<'_>, ident: &Ident) -> fmt::Result {
    match ident.value.as_str() {
        "STREAMS" | "TABLES" | "FUNCTION" | "CONNECTOR" => write!(f, "`{}`", ident.value),
        _ => name(ident).fmt(f),
    }
}

fn with(f: &mut Formatter<'_>, properties: &Properties) -> fmt::Result {
    if properties.span.is_some() { write!(f, " {properties}") } else { Ok(()) }
}

fn column_list(f: &mut Formatter<'_>, columns: Option<&[ColumnDef]>) -> fmt::Result {
    match columns {
        Some(columns) => {
            f.write_str(" ")?;
            bracketed(f, columns)
        }
        None => Ok(()),
    }
}

fn optional_names(f: &mut Formatter<'_>, names: &[Ident]) -> fmt::Result {
    if names.is_empty() {
        return Ok(());
    }
    f.write_str(" ")?;
    bracketed(f, names.iter().map(name))
}

fn number(f: &mut Formatter<'_>, word: &str, number: Option<u64>) -> fmt::Result {
    match number {
        Some(number) => write!(f, " {word} {number}"),
        None => Ok(()),
    }
}

fn timeout(f: &mut Formatter<'_>, timeout: Option<Duration>) -> fmt::Result {
    match timeout {
        Some(timeout) => write!(f, " TIMEOUT {timeout}"),
        None => Ok(()),
    }
}

/// The values of one row.
struct Row<'a>(&'a [Expr]);

impl Display for Row<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        bracketed(f, self.0.iter().map(Printed))
    }
}

/// A column that `ALTER` adds.
struct AddColumn<'a>(&'a ColumnDef);

impl Display for AddColumn<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "ADD COLUMN {}", self.0)
    }
}
