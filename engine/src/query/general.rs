//! Queries of the dialect's own shape that DataFusion plans as a whole: joins and aggregates.
//!
//! They are handed over with what only the dialect says: `*` without the pseudo columns, columns
//! of a join named after their source, expressions named KSQL_COL_n.

use sql::ast::{Expr, Ident, Select, SelectItem, Span};

use crate::catalog::Catalog;
use crate::error::{Code, Error, Result, invalid};
use crate::function::Functions;
use crate::planner::calls_aggregate;

/// Whether a query joins or aggregates.
pub fn is_needed(select: &Select, functions: &Functions) -> bool {
    let aggregates = select.items.iter().any(|item| match item {
        SelectItem::Expr { expr, .. } => calls_aggregate(expr, functions),
        _ => false,
    });
    aggregates || !select.joins.is_empty() || !select.group_by.is_empty() || select.having.is_some()
}

/// The query as DataFusion plans it.
pub fn query_of(select: &Select, catalog: &Catalog) -> Result<sqlparser::ast::Query> {
    let mut named = select.clone();
    named.items = Vec::with_capacity(select.items.len());
    for item in &select.items {
        match item {
            SelectItem::Wildcard { .. } => named.items.extend(star(select, None, catalog)?),
            SelectItem::QualifiedWildcard { source, span } => {
                let columns = star(select, Some(source), catalog)?;
                if columns.is_empty() {
                    let message =
                        format!("'{}' is not a valid stream/table name or alias", source.value);
                    return Err(invalid(Code::UnknownName, message).at(*span));
                }
                named.items.extend(columns);
            }
            other => named.items.push(other.clone()),
        }
    }
    name_expressions(&mut named.items);
    named.to_general().ok_or_else(|| Error::Internal("a query of streams only".into()))
}

/// The columns of one source or of all.
fn star(select: &Select, of: Option<&Ident>, catalog: &Catalog) -> Result<Vec<SelectItem>> {
    let sources = std::iter::once(&select.from).chain(select.joins.iter().map(|j| &j.relation));
    let mut items = Vec::new();
    for relation in sources.filter(|r| of.is_none_or(|of| of.value == r.qualifier().value)) {
        let name = &relation.name;
        let source = catalog.source(&name.value).map_err(|error| error.at(name.span))?;
        let rows = source.row_type(None);
        items.extend(rows.columns.iter().filter(|column| !column.hidden).map(|column| {
            let qualifier = relation.qualifier().clone();
            let shown = match select.joins.is_empty() {
                true => column.name.clone(),
                false => format!("{}_{}", qualifier.value, column.name),
            };
            let parts = vec![qualifier, quoted(&column.name)];
            let alias = Some(quoted(&shown));
            SelectItem::Expr { expr: Expr::CompoundIdentifier(parts), alias, span: Span::empty() }
        }));
    }
    Ok(items)
}

/// Names the items that are neither columns nor have an alias.
fn name_expressions(items: &mut [SelectItem]) {
    let unnamed = items.iter_mut().filter_map(|item| match item {
        SelectItem::Expr { expr: Expr::Identifier(_) | Expr::CompoundIdentifier(_), .. } => None,
        SelectItem::Expr { alias: alias @ None, .. } => Some(alias),
        _ => None,
    });
    for (number, alias) in unnamed.enumerate() {
        *alias = Some(quoted(&format!("KSQL_COL_{number}")));
    }
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('`', name)
}
