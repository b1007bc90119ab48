//! Who answers a statement: the engine, or the Postgres catalog at this edge.
//!
//! The decision is taken on the parsed statement. A query goes to the catalog when every relation
//! that it names is one of `pg_catalog` or `information_schema`, or when it names none and calls a
//! function that only Postgres has. Everything else is the engine's.

use std::ops::{ControlFlow, Range};

use datafusion::sql::sqlparser::ast::{
    DataType, Expr, ObjectName, Query, Statement as PgStatement, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion_pg_catalog::pg_catalog::PG_CATALOG_TABLES;
use sql::ast::{Query as DialectQuery, Relation, StatementKind};

use super::rewrite::{Quoted, Rewritten, rewrite};
use crate::catalog::ADDED_TABLES;
use crate::failure::{Failure, sqlstate};

/// A statement and who answers it.
pub(crate) enum Route {
    /// The engine.
    Engine {
        statement: Box<sql::ast::Statement>,
        /// What the parser read, with the way back to the client's script.
        rewritten: Rewritten,
    },
    /// The catalog at this edge, with the query as Postgres writes it.
    Catalog { query: Rewritten },
}

impl Route {
    /// Whether the statement is a query, which changes nothing.
    pub fn is_query(&self) -> bool {
        match self {
            Route::Engine { statement, .. } => matches!(statement.kind, StatementKind::Query(_)),
            Route::Catalog { .. } => true,
        }
    }
}

/// Parses the statement at `span` of `script`, with `parameters` for its placeholders, and
/// decides who answers it.
pub(crate) fn route(
    script: &str,
    span: Range<usize>,
    parameters: &[String],
) -> Result<Route, Failure> {
    let rewritten = rewrite(script, span.clone(), Quoted::Fold, parameters);
    let parsed = sql::parse(&rewritten.text);
    let for_engine = parsed.as_ref().is_ok_and(|statements| statements.iter().all(is_for_engine));
    if !for_engine {
        let query = rewrite(script, span, Quoted::Keep, parameters);
        if is_catalog_query(&query.text)? {
            return Ok(Route::Catalog { query });
        }
    }
    match parsed {
        Ok(mut statements) if statements.len() == 1 => {
            Ok(Route::Engine { statement: Box::new(statements.remove(0)), rewritten })
        }
        Ok(statements) => {
            let message = format!("expected one statement, found {}", statements.len());
            Err(Failure::new(sqlstate::SYNTAX_ERROR, message))
        }
        Err(error) => Err(Failure::of_syntax(&error, &rewritten)),
    }
}

/// Whether a statement of the dialect cannot be about the Postgres catalog.
fn is_for_engine(statement: &sql::ast::Statement) -> bool {
    match &statement.kind {
        StatementKind::Query(DialectQuery::Select(select)) => {
            let joined = select.joins.iter().map(|join| &join.relation);
            let names_catalog = |relation: &Relation| is_catalog_table(&relation.name.value);
            !std::iter::once(&select.from).chain(joined).any(names_catalog)
        }
        // A query that names no relation may call what only Postgres's own grammar takes for a
        // function, as `current_user`.
        StatementKind::Query(DialectQuery::General { query, .. }) => {
            let named = Named::of(query);
            named.other_relations > 0 && matches!(named.verdict(), Verdict::Engine)
        }
        _ => true,
    }
}

/// Whether a text is one query that Postgres's own grammar knows and the catalog answers.
fn is_catalog_query(text: &str) -> Result<bool, Failure> {
    let Ok(statements) = Parser::parse_sql(&PostgreSqlDialect {}, text) else { return Ok(false) };
    let [PgStatement::Query(query)] = statements.as_slice() else { return Ok(false) };
    match Named::of(query).verdict() {
        Verdict::Engine => Ok(false),
        Verdict::Catalog => Ok(true),
        Verdict::Both => {
            let message = "one query cannot read the Postgres catalog and streams or tables";
            Err(Failure::new(sqlstate::FEATURE_NOT_SUPPORTED, message)
                .hint("SHOW STREAMS, SHOW TABLES and DESCRIBE say what the catalog holds"))
        }
    }
}

enum Verdict {
    Engine,
    Catalog,
    Both,
}

/// What a query names.
#[derive(Debug, Default)]
struct Named {
    catalog_relations: usize,
    other_relations: usize,
    postgres_only: bool,
    /// Names of common table expressions: they are no relations.
    defined: Vec<String>,
    /// Whether the next name is that of a function in FROM: it is no relation either.
    at_function: bool,
}

impl Named {
    fn of(query: &Query) -> Self {
        let mut named = Self::default();
        let _: ControlFlow<()> = query.visit(&mut named);
        named
    }

    fn verdict(&self) -> Verdict {
        match (self.catalog_relations, self.other_relations) {
            (0, 0) if self.postgres_only => Verdict::Catalog,
            (0, _) => Verdict::Engine,
            (_, 0) => Verdict::Catalog,
            _ => Verdict::Both,
        }
    }
}

impl Visitor for Named {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.defined.extend(tables.map(|table| table.alias.name.value.to_ascii_lowercase()));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.at_function = matches!(factor, TableFactor::Table { args: Some(_), .. });
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let parts = lower_parts(relation);
        if std::mem::take(&mut self.at_function) {
            self.postgres_only |= parts.last().is_some_and(|name| is_postgres_function(name));
            return ControlFlow::Continue(());
        }
        match parts.as_slice() {
            [.., schema, _] if is_catalog_schema(schema) => self.catalog_relations += 1,
            [name] if self.defined.contains(name) => {}
            [name] if is_catalog_table(name) => self.catalog_relations += 1,
            _ => self.other_relations += 1,
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.postgres_only |= match expr {
            Expr::Function(function) => match lower_parts(&function.name).as_slice() {
                [.., schema, _] => is_catalog_schema(schema),
                [name] => is_postgres_function(name),
                [] => false,
            },
            Expr::Cast { data_type, .. } => is_object_type(data_type),
            _ => false,
        };
        ControlFlow::Continue(())
    }
}

fn lower_parts(name: &ObjectName) -> Vec<String> {
    let idents = name.0.iter().filter_map(|part| part.as_ident());
    idents.map(|ident| ident.value.to_ascii_lowercase()).collect()
}

fn is_catalog_schema(schema: &str) -> bool {
    schema == "pg_catalog" || schema == "information_schema"
}

fn is_catalog_table(name: &str) -> bool {
    let mut tables = PG_CATALOG_TABLES.iter().chain(ADDED_TABLES);
    tables.any(|table| table.eq_ignore_ascii_case(name))
}

/// Functions that Postgres has and the dialect has not.
fn is_postgres_function(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "col_description",
        "current_catalog",
        "current_database",
        "current_role",
        "current_schema",
        "current_schemas",
        "current_setting",
        "current_user",
        "format_type",
        "obj_description",
        "quote_ident",
        "session_user",
        "set_config",
        "shobj_description",
        "user",
        "version",
    ];
    NAMES.contains(&name)
        || name.starts_with("pg_")
        || (name.starts_with("has_") && name.ends_with("_privilege"))
        || name.starts_with("inet_")
        || name.starts_with("txid_")
}

/// `regclass` and its kin: types that name objects of the catalog.
fn is_object_type(data_type: &DataType) -> bool {
    match data_type {
        DataType::Regclass => true,
        DataType::Custom(name, _) => {
            let name = lower_parts(name).pop().unwrap_or_default();
            name.starts_with("reg") || name == "oid"
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_over_the_catalog_are_known_by_what_they_name() {
        for text in [
            "SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relname OPERATOR(pg_catalog.~) '^(a)$' COLLATE pg_catalog.default",
            "SELECT * FROM pg_type",
            "SELECT table_name FROM information_schema.tables",
            "SELECT version(), current_schema()",
            "SELECT 'orders'::regclass::oid",
            "WITH x AS (SELECT 1 FROM pg_class) SELECT * FROM x",
            "SELECT current_user",
            "SELECT * FROM pg_get_keywords()",
            "SELECT i FROM pg_class c, generate_series(1, c.relnatts) i",
            "SELECT pg_catalog.set_config('search_path', '', false)",
        ] {
            assert!(is_catalog_query(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn everything_else_is_the_engines() {
        for text in [
            "SELECT 1",
            "SELECT 'pg_class' FROM orders",
            "SELECT * FROM pg_orders",
            "SELECT * FROM generate_series(1, 3)",
            "SELECT pg_class FROM orders o",
            "SELECT * FROM s EMIT CHANGES",
            "INSERT INTO orders VALUES (version())",
        ] {
            assert!(!is_catalog_query(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn both_in_one_query_is_refused() {
        assert!(is_catalog_query("SELECT * FROM orders, pg_class").is_err());
    }
}
