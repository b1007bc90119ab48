//! Planning: from a query's syntax to a stream plan.
//!
//! 1. [`relation`]: sources and joins, with the condition's sides and the key of the result.
//! 2. `WHERE` and [`repartition`], which is `PARTITION BY`, on top of it.
//! 3. [`aggregate`]: `GROUP BY`, windows, aggregates, `HAVING`; or
//! 4. [`projection`]: table functions and the select list.
//! 5. [`sink`]: for persistent queries, the stream or table that the result becomes.
//!
//! Queries inside others go the same way, and are relations then: see [`nested`].
//!
//! Names and types are settled by [`expression`]. The rules about keys, windows and joins that
//! ksqlDB has, and DataFusion cannot know, stand in the steps that they concern.

pub mod expression;
pub mod scope;

mod aggregate;
mod join;
mod nested;
mod projection;
mod relation;
mod repartition;
mod sink;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::Expr;
use sql::ast::{EmitMode, Expr as Syntax, Select, SelectItem, SourceKind, Spanned};
use sqlparser::ast::visit_expressions;

use self::expression::{CustomTypes, Resolver};
use self::scope::Scope;
use crate::catalog::Catalog;
use crate::error::{Code, Result, invalid};
use crate::function::{Functions, Implementation};
use crate::plan::Plan;
use crate::row_type::RowType;
use crate::types::sql_name;

pub use projection::Planned;
pub use sink::{SinkRequest, check_insert, plan_sink};

/// What a query is planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It writes a topic: keys must be in the projection, pseudo columns are left out of `*`.
    Persistent,
    /// Its changes go to a client.
    Push,
    /// Its rows go to a client, once.
    Pull,
}

/// Plans queries over a catalog.
#[derive(Clone)]
pub struct Planner<'a> {
    /// Streams, tables and types.
    pub catalog: &'a Catalog,
    /// Functions.
    pub functions: &'a Functions,
    /// What for.
    pub purpose: Purpose,
    /// The types of the query's placeholders, as far as they are known.
    parameters: &'a [Option<DataType>],
    /// Common table expressions, by name.
    named: BTreeMap<String, Planned>,
}

/// A plan in the making.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    plan: Plan,
    /// For each key column, the expressions that give its value: either side of a join's
    /// condition may stand for the key in the projection.
    key_exprs: Vec<Vec<Expr>>,
}

impl Relation {
    fn new(plan: Plan) -> Self {
        let keys = plan.output().key_columns().map(|column| vec![column.expr()]).collect();
        Self { plan, key_exprs: keys }
    }

    fn rows(&self) -> &RowType {
        self.plan.output()
    }
}

impl<'a> Planner<'a> {
    /// A planner for queries over the streams and tables of a catalog.
    pub fn new(catalog: &'a Catalog, functions: &'a Functions, purpose: Purpose) -> Self {
        Self { catalog, functions, purpose, parameters: &[], named: BTreeMap::new() }
    }

    /// The same for queries that may hold placeholders: `$1` has the first of these types.
    #[must_use]
    pub fn with_parameters(self, parameters: &'a [Option<DataType>]) -> Self {
        Self { parameters, ..self }
    }
}

impl Planner<'_> {
    /// Plans a query in the dialect's own shape.
    pub fn plan(&self, select: &Select) -> Result<Planned> {
        let mut relation = self.from(select)?;
        if let Some(condition) = &select.where_ {
            relation = self.filter(relation, condition, "WHERE")?;
        }
        let mut names = projection::Names::of(select);
        if !select.partition_by.is_empty() {
            relation = self.partition_by(relation, &select.partition_by, &mut names)?;
        }
        let planned = match select.group_by.is_empty() && !self.aggregates_all(select) {
            true => self.project(relation, select, &mut names)?,
            false => self.aggregate(relation, select, &mut names)?,
        };
        check_emit(select, &planned)?;
        Ok(planned)
    }

    /// Whether a push query aggregates without grouping: all rows are one group then. What a
    /// persistent query writes needs a key.
    fn aggregates_all(&self, select: &Select) -> bool {
        let calls = |item: &SelectItem| match item {
            SelectItem::Expr { expr, .. } => calls_aggregate(expr, self.functions),
            _ => false,
        };
        self.purpose == Purpose::Push && select.items.iter().any(calls)
    }

    pub(crate) fn resolver<'s>(&'s self, scope: &'s Scope) -> Result<Resolver<'s>> {
        let resolver = Resolver::new(self.functions, self.catalog as &dyn CustomTypes, scope)?;
        Ok(resolver.with_parameters(self.parameters))
    }

    /// Keeps the rows that a condition holds for, which stands in `clause`.
    fn filter(&self, relation: Relation, condition: &Syntax, clause: &str) -> Result<Relation> {
        let scope = Scope::new(relation.rows().clone());
        let mut resolver = self.resolver(&scope)?;
        let resolved = resolver.condition(condition, clause)?;
        resolver.refuse_table_functions(clause, condition.span())?;
        refuse_aggregates(&resolved, clause, condition)?;
        let plan = Plan::Filter { input: Box::new(relation.plan), condition: resolved };
        Ok(Relation { plan, ..relation })
    }
}

fn check_emit(select: &Select, planned: &Planned) -> Result<()> {
    let Some(emit) = select.emit.filter(|emit| emit.mode == EmitMode::Final) else { return Ok(()) };
    match &planned.plan {
        _ if select.window.is_some() && planned.kind == SourceKind::Table => Ok(()),
        _ => {
            let message = "EMIT FINAL is only supported for windowed aggregations";
            Err(invalid(Code::InvalidQuery, message).at(emit.span))
        }
    }
}

/// Whether an expression calls an aggregate function.
pub(crate) fn contains_aggregate(expr: &Expr) -> bool {
    expr.exists(|node| Ok(matches!(node, Expr::AggregateFunction(_)))).unwrap_or(false)
}

/// Whether an expression that is not resolved yet calls an aggregate function.
pub(crate) fn calls_aggregate(expr: &Syntax, functions: &Functions) -> bool {
    let is_aggregate = |expr: &Syntax| {
        let Syntax::Function(call) = expr else { return false };
        let found = functions.get(&call.name.to_string());
        matches!(found, Some((_, Implementation::Aggregate(_))))
    };
    let found = visit_expressions(expr, |expr| match is_aggregate(expr) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// A MAP has no order of its own, so that equal ones may be written as different keys.
fn check_key_type(data_type: &DataType, clause: &str, syntax: &Syntax) -> Result<()> {
    match crate::types::any(data_type, &|part| matches!(part, DataType::Map(..))) {
        false => Ok(()),
        true => {
            let message = format!(
                "{clause} {syntax} is not supported: a key cannot hold a MAP, and its type is {}",
                sql_name(data_type)
            );
            Err(invalid(Code::InvalidQuery, message).at(syntax.span()))
        }
    }
}

fn refuse_aggregates(resolved: &Expr, clause: &str, syntax: &Syntax) -> Result<()> {
    if contains_aggregate(resolved) {
        let message = format!("aggregate functions are not allowed in {clause}: {syntax}");
        return Err(invalid(Code::InvalidQuery, message)
            .at(syntax.span())
            .hint("a condition on aggregates goes after HAVING"));
    }
    Ok(())
}
