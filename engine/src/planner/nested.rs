//! Queries over queries: common table expressions, derived tables, `UNION ALL`.
//!
//! A query inside another one becomes a projection whose columns go by the alias. What tells its
//! rows apart stays known: the key, where the query inside selects all of it, and the window. A
//! table without its key is a bag of rows, which can be aggregated and nothing else.

use datafusion::logical_expr::{Expr, ExprSchemable};
use sql::ast::{Ident, Nested, Query, Select, SourceKind};

use super::expression::{cast, common_type};
use super::projection::Item;
use super::{Planned, Planner, Relation};
use crate::error::{Code, Result, invalid};
use crate::plan::{Plan, UnionPlan};
use crate::row_type::{RowColumn, RowType, pseudo};
use crate::types::sql_name;

impl Planner<'_> {
    /// Plans a query that runs on.
    pub fn plan_query(&self, query: &Query) -> Result<Planned> {
        match query {
            Query::Select(select) => self.plan(select),
            Query::Nested(nested) => self.nested(nested),
            Query::General { query, .. } => {
                let message = "queries that run on take SELECT … FROM streams, tables and queries in brackets that have an alias, WITH and UNION ALL: subqueries in expressions, ORDER BY, OVER, DISTINCT and other set operations are not supported yet";
                let span = sql::ast::Spanned::span(query.as_ref());
                Err(invalid(Code::NotSupported, message).at(span))
            }
        }
    }

    fn nested(&self, nested: &Nested) -> Result<Planned> {
        let mut planner = self.clone();
        for table in &nested.with {
            let planned = planner.inside(&table.query)?;
            planner.named.insert(table.name.value.clone(), planned);
        }
        let [first, rest @ ..] = nested.selects.as_slice() else {
            return Err(crate::Error::Internal("a query without SELECT".into()));
        };
        if rest.is_empty() {
            return planner.plan(first);
        }
        planner.union(&nested.selects)
    }

    /// Plans a query inside another one.
    fn inside(&self, nested: &Nested) -> Result<Planned> {
        match nested.last().and_then(|select| select.limit) {
            None => self.nested(nested),
            Some(limit) => {
                let message = "LIMIT is not supported inside a query that runs on: which rows come first changes";
                Err(invalid(Code::NotSupported, message).at(limit.span))
            }
        }
    }

    /// The query that a name in `FROM` stands for, if it does.
    pub(super) fn query_of(&self, named: &sql::ast::Relation) -> Result<Option<Relation>> {
        let qualifier = &named.qualifier().value;
        if let Some(query) = &named.query {
            return Ok(Some(derived(self.inside(query)?, qualifier)?));
        }
        let planned = self.named.get(&named.name.value);
        planned.map(|planned| derived(planned.clone(), qualifier)).transpose()
    }

    fn union(&self, selects: &[Select]) -> Result<Planned> {
        let mut branches = Vec::new();
        for (at, select) in selects.iter().enumerate() {
            if at + 1 < selects.len() {
                check_is_not_last(select)?;
            }
            branches.push((derived(self.plan(select)?, "")?, select));
        }
        let output = union_rows(&branches)?;
        let inputs = branches.into_iter().map(|(branch, _)| fitted(branch.plan, &output));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let shown = output.columns.iter();
        let items = shown.map(|column| Item {
            name: column.name.clone(),
            expr: column.expr(),
            span: selects[0].span,
        });
        let items = items.collect();
        self.finish(Relation::new(Plan::Union(UnionPlan { inputs, output })), items)
    }
}

/// `EMIT` and `LIMIT` are about the whole query.
fn check_is_not_last(select: &Select) -> Result<()> {
    let emit = select.emit.map(|emit| emit.span);
    match emit.or(select.limit.map(|limit| limit.span)) {
        None => Ok(()),
        Some(span) => {
            let message = "EMIT and LIMIT go after the last SELECT of a UNION ALL";
            Err(invalid(Code::InvalidQuery, message).at(span))
        }
    }
}

/// A query as a relation that goes by `qualifier`.
fn derived(planned: Planned, qualifier: &str) -> Result<Relation> {
    let rows = planned.plan.output();
    let schema = rows.df_schema()?;
    let qualifier = (!qualifier.is_empty()).then(|| qualifier.to_owned());
    let (mut expressions, mut columns) = (Vec::new(), Vec::new());
    let mut add = |name: &str, expr: Expr, hidden: bool| -> Result<()> {
        let data_type = expr.get_type(&schema)?;
        let column = RowColumn::new(name, data_type);
        columns.push(RowColumn { qualifier: qualifier.clone(), hidden, ..column });
        expressions.push(expr);
        Ok(())
    };
    for item in &planned.items {
        add(&item.name, item.expr.clone(), false)?;
    }
    for name in passed_on(&planned) {
        let mut same = rows.columns.iter().filter(|column| column.name == name);
        if let (Some(column), None) = (same.next(), same.next()) {
            add(name, column.expr(), true)?;
        }
    }
    let keys: Option<Vec<usize>> =
        planned.keys.iter().map(|key| key.items.first().copied()).collect();
    let keys = keys.unwrap_or_default();
    let window = rows.window.filter(|_| !keys.is_empty());
    let output = RowType { columns, keys, window };
    let plan = Plan::Project { input: Box::new(planned.plan), expressions, output };
    Ok(Relation::new(plan))
}

/// What rows have without being asked, unless the query inside gives these names to something.
fn passed_on(planned: &Planned) -> impl Iterator<Item = &'static str> {
    let time = (planned.kind == SourceKind::Stream).then_some(pseudo::ROWTIME);
    let names = [pseudo::WINDOWSTART, pseudo::WINDOWEND].into_iter().chain(time);
    names.filter(|name| planned.items.iter().all(|item| item.name != *name))
}

/// The columns of a union: those of the first branch, in types that hold the values of all.
fn union_rows(branches: &[(Relation, &Select)]) -> Result<RowType> {
    let [(first, _), rest @ ..] = branches else {
        return Err(crate::Error::Internal("a union of nothing".into()));
    };
    let shown = |relation: &Relation| -> Vec<RowColumn> {
        relation.rows().columns.iter().filter(|column| !column.hidden).cloned().collect()
    };
    let mut columns = shown(first);
    let mut keys = first.rows().keys.clone();
    for (branch, select) in rest {
        let refuse = |message: String| Err(invalid(Code::TypeMismatch, message).at(select.span));
        if branch.plan.kind() != first.plan.kind() {
            return refuse("UNION ALL takes streams or tables, not a stream and a table".into());
        }
        let others = shown(branch);
        if others.len() != columns.len() {
            let (expected, found) = (columns.len(), others.len());
            return refuse(format!(
                "the queries of a UNION ALL must have as many columns: expected {expected}, found {found}"
            ));
        }
        for (column, other) in columns.iter_mut().zip(others) {
            let Some(common) = common_type(&column.data_type, &other.data_type) else {
                return refuse(format!(
                    "column {} of a UNION ALL is {} in one query and {} in another",
                    column.name,
                    sql_name(&column.data_type),
                    sql_name(&other.data_type)
                ));
            };
            column.data_type = common;
        }
        if branch.rows().keys != keys {
            keys.clear();
        }
    }
    // Rows of several tables may have the same key; windows are told apart by hidden columns.
    if first.plan.kind() == SourceKind::Table
        || branches.iter().any(|(b, _)| b.rows().window.is_some())
    {
        keys.clear();
    }
    Ok(RowType { columns, keys, window: None })
}

/// A branch of a union in the columns of the whole.
fn fitted(branch: Plan, output: &RowType) -> Result<Plan> {
    let rows = branch.output();
    let shown = rows.columns.iter().filter(|column| !column.hidden);
    let expressions = shown
        .zip(&output.columns)
        .map(|(column, to)| cast(column.expr(), &column.data_type, &to.data_type));
    let expressions = expressions.collect::<Result<Vec<_>>>()?;
    Ok(Plan::Project { input: Box::new(branch), expressions, output: output.clone() })
}

/// An error for a table without a key, where one is needed.
pub(super) fn no_key(what: &str, name: &Ident) -> crate::Error {
    let message =
        format!("{what} {} has no key: its query leaves out what tells its rows apart", name.value);
    invalid(Code::InvalidQuery, message)
        .at(name.span)
        .hint("select the key of the table inside, or GROUP BY what is to be the key")
}
