//! What an engine shows as relations: its streams, tables and materialized tables.

use sql::ast::SourceKind;

use crate::catalog::{Role, Source};
use crate::engine::Engine;
use crate::outcome::Column;
use crate::row_type::pseudo;

/// A stream or table, as clients list and describe it.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// Name, in the dialect's case.
    pub name: String,
    /// What it is.
    pub kind: RelationKind,
    /// Columns in the order of `SELECT *`.
    pub columns: Vec<Column>,
    /// A sentence for a person, made from the statement.
    pub comment: Option<String>,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// Every record is a row of its own.
    Stream,
    /// The latest row per key of a topic.
    Table,
    /// A table that a persistent query keeps, with a state that can be queried.
    Materialized,
    /// What goes on in the engine, at the moment of asking.
    System,
}

impl Engine {
    /// The relations of the catalog by name.
    pub fn relations(&self) -> Vec<Relation> {
        self.shared.catalog().sources.values().map(Relation::from).collect()
    }
}

impl From<&Source> for Relation {
    fn from(source: &Source) -> Self {
        let kind = match (source.kind, source.materialized_by) {
            (SourceKind::Stream, _) => RelationKind::Stream,
            (SourceKind::Table, None) => RelationKind::Table,
            (SourceKind::Table, Some(_)) => RelationKind::Materialized,
        };
        let bound = |name: &str| pseudo::is_window_bound(name);
        let mut columns = Vec::new();
        for (at, column) in source.row_type(None).columns.into_iter().enumerate() {
            let role = source.columns.get(at).map(|column| &column.role);
            if role.is_none() && !bound(&column.name) {
                continue;
            }
            columns.push(Column {
                key: role == Some(&Role::Key) || bound(&column.name),
                header: match role {
                    Some(Role::Headers) => Some("HEADERS".to_owned()),
                    Some(Role::Header(name)) => Some(format!("HEADER('{name}')")),
                    _ => None,
                },
                name: column.name,
                data_type: column.data_type,
            });
        }
        // The window's bounds follow the key, as `SELECT *` has them.
        columns.sort_by_key(|column| !column.key);
        let comment = (!source.statement.is_empty())
            .then(|| source.statement.split_whitespace().collect::<Vec<_>>().join(" "));
        Self { name: source.name.clone(), kind, columns, comment }
    }
}
