//! `*` in queries that DataFusion plans: the same columns as in the dialect's own shape, which are
//! not all that can be named. The pseudo columns are hidden, and a window's bounds follow the key.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind as Qualified, TableFactor, TableWithJoins, VisitMut,
    VisitorMut, WildcardAdditionalOptions,
};

use crate::catalog::{Catalog, Source};
use crate::row_type::pseudo;
use crate::system;

/// Puts the columns of streams and tables in the place of `*` and `source.*`.
pub fn expand(query: &mut Query, catalog: &Catalog) {
    let _: ControlFlow<()> = query.visit(&mut Stars { catalog, defined: Vec::new() });
}

struct Stars<'a> {
    catalog: &'a Catalog,
    /// Names of common table expressions, which take the place of streams and tables.
    defined: Vec<String>,
}

/// What stands in `FROM`.
struct Relation<'a> {
    /// The name that its columns go by.
    name: ObjectName,
    /// The stream or table, if it is one.
    source: Option<&'a Source>,
}

impl VisitorMut for Stars<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.defined.extend(tables.map(|table| table.alias.name.value.clone()));
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if let Some(relations) = self.relations(&select.from) {
            let items = std::mem::take(&mut select.projection);
            select.projection =
                items.into_iter().flat_map(|item| spread(item, &relations)).collect();
        }
        ControlFlow::Continue(())
    }
}

impl<'a> Stars<'a> {
    /// What a select reads; `None` where something in it has no name, or a join makes one column
    /// of two.
    fn relations(&self, from: &[TableWithJoins]) -> Option<Vec<Relation<'a>>> {
        let mut relations = Vec::new();
        for table in from {
            relations.push(self.relation(&table.relation)?);
            for join in &table.joins {
                if merges(&join.join_operator) {
                    return None;
                }
                relations.push(self.relation(&join.relation)?);
            }
        }
        Some(relations)
    }

    fn relation(&self, factor: &TableFactor) -> Option<Relation<'a>> {
        let (name, alias) = match factor {
            TableFactor::Table { name, alias, args: None, .. } => (Some(name), alias),
            TableFactor::Derived { alias, .. } => (None, alias),
            _ => return None,
        };
        let source = name.and_then(|name| self.source(name));
        let alias = alias.as_ref().map(|alias| ObjectName::from(vec![alias.name.clone()]));
        Some(Relation { name: alias.or_else(|| name.cloned())?, source })
    }

    fn source(&self, name: &ObjectName) -> Option<&'a Source> {
        let parts: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        let is_defined = |name: &str| self.defined.iter().any(|defined| defined == name);
        match parts.as_slice() {
            [name] if !is_defined(&name.value) => self.catalog.source(&name.value).ok(),
            [schema, name] if schema.value != system::SCHEMA => {
                self.catalog.source(&name.value).ok()
            }
            _ => None,
        }
    }
}

/// Whether a join has a column for two that are equal.
fn merges(operator: &JoinOperator) -> bool {
    !matches!(
        operator,
        JoinOperator::Join(JoinConstraint::On(_))
            | JoinOperator::Inner(JoinConstraint::On(_))
            | JoinOperator::Left(JoinConstraint::On(_))
            | JoinOperator::LeftOuter(JoinConstraint::On(_))
            | JoinOperator::Right(JoinConstraint::On(_))
            | JoinOperator::RightOuter(JoinConstraint::On(_))
            | JoinOperator::FullOuter(JoinConstraint::On(_))
            | JoinOperator::CrossJoin(_)
    )
}

/// The items that one stands for.
fn spread(item: SelectItem, relations: &[Relation<'_>]) -> Vec<SelectItem> {
    match &item {
        SelectItem::Wildcard(options) if is_plain(options) && relations.iter().any(is_known) => {
            relations.iter().flat_map(Relation::columns).collect()
        }
        SelectItem::QualifiedWildcard(Qualified::ObjectName(name), options)
            if is_plain(options) =>
        {
            let mut known = relations.iter().filter(|relation| is_known(relation));
            let named = known.find(|relation| relation.goes_by(name));
            named.map_or_else(|| vec![item.clone()], Relation::columns)
        }
        _ => vec![item],
    }
}

fn is_known(relation: &Relation<'_>) -> bool {
    relation.source.is_some()
}

/// Whether nothing is taken out of a star or put into it.
fn is_plain(options: &WildcardAdditionalOptions) -> bool {
    *options == WildcardAdditionalOptions::default()
}

impl Relation<'_> {
    fn goes_by(&self, name: &ObjectName) -> bool {
        let value = |name| last(name).map(|ident: &Ident| ident.value.as_str());
        value(&self.name) == value(name)
    }

    /// The items for all its columns.
    fn columns(&self) -> Vec<SelectItem> {
        let Some(source) = self.source else {
            let all = Qualified::ObjectName(self.name.clone());
            return vec![SelectItem::QualifiedWildcard(all, WildcardAdditionalOptions::default())];
        };
        let named = |name: String| {
            let parts = last(&self.name).cloned().into_iter().chain([Ident::with_quote('`', name)]);
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts.collect()))
        };
        names(source).into_iter().map(named).collect()
    }
}

/// A name without what qualifies it.
fn last(name: &ObjectName) -> Option<&Ident> {
    name.0.last().and_then(|part| part.as_ident())
}

/// The columns of a stream or table that `*` shows.
fn names(source: &Source) -> Vec<String> {
    let rows = source.row_type(None);
    let (bounds, own): (Vec<_>, Vec<_>) = rows
        .columns
        .iter()
        .filter(|column| !column.hidden || pseudo::is_window_bound(&column.name))
        .map(|column| column.name.clone())
        .partition(|name| source.window.is_some() && pseudo::is_window_bound(name));
    let (keys, values) = own.split_at(rows.keys.len().min(own.len()));
    [keys, &bounds, values].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::tests::catalog;

    async fn expanded(text: &str) -> String {
        let statements = sql::parse(text).unwrap();
        let sql::ast::StatementKind::Query(sql::ast::Query::General { query, .. }) =
            &statements[0].kind
        else {
            panic!("expected a general query");
        };
        let mut query = query.as_ref().clone();
        let catalog = catalog().await;
        expand(&mut query, &catalog);
        query.to_string()
    }

    #[tokio::test]
    async fn stars_are_the_columns_that_the_dialect_shows() {
        let cases = [
            (
                "SELECT * FROM BY_ID ORDER BY N",
                "SELECT BY_ID.`ID`, BY_ID.`N` FROM BY_ID ORDER BY N",
            ),
            (
                "SELECT COUNT(*), T.* FROM PUBLIC.BY_SECOND T",
                "SELECT COUNT(*), T.`ID`, T.`WINDOWSTART`, T.`WINDOWEND`, T.`N` FROM PUBLIC.BY_SECOND T",
            ),
            (
                "SELECT * FROM BY_ID B, (SELECT * FROM BY_ID LIMIT 1) D",
                "SELECT B.`ID`, B.`N`, D.* FROM BY_ID B, (SELECT BY_ID.`ID`, BY_ID.`N` FROM BY_ID LIMIT 1) D",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(expanded(text).await, expected);
        }
    }

    #[tokio::test]
    async fn stars_over_anything_else_stay() {
        for text in [
            "WITH BY_ID AS (SELECT 1 AS X) SELECT BY_ID.* FROM BY_ID",
            "SELECT * FROM BY_ID JOIN BY_BOTH USING(ID)",
            "SELECT * FROM GENERATE_SERIES(1, 3)",
            "SELECT QUERIES.* FROM MILLSTREAM.QUERIES ORDER BY 1",
        ] {
            assert_eq!(expanded(text).await, text);
        }
    }
}
