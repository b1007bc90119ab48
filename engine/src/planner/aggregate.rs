//! `GROUP BY`, windows, aggregates and `HAVING`.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use sql::ast::{EmitMode, Select, SourceKind, Spanned, Window, WindowShape};

use super::projection::{Names, Planned};
use super::scope::Scope;
use super::{Planner, Relation, check_key_type, contains_aggregate};
use crate::error::{Code, Result, invalid};
use crate::expression_text::sql_text;
use crate::plan::{AggregatePlan, Plan, WindowPlan};
use crate::row_type::{RowColumn, RowType, pseudo};
use crate::window::{SessionWindow, TimeWindow, default_grace_ms};

impl Planner<'_> {
    /// Plans a query with `GROUP BY`.
    pub(super) fn aggregate(
        &self,
        relation: Relation,
        select: &Select,
        names: &mut Names,
    ) -> Result<Planned> {
        let window = select
            .window
            .as_ref()
            .map(|window| plan_window(window, select, &relation))
            .transpose()?;
        let mut scope = Scope::new(relation.rows().clone());
        // As in ksqlDB, the bounds of windows over a join cannot be named.
        if window.is_some() && select.joins.is_empty() {
            add_bounds(&mut scope.rows);
        }
        let mut resolver = self.resolver(&scope)?;
        let mut items = self.items(select, &scope.rows, &mut resolver, names)?;
        let having = select.having.as_ref();
        let having = having.map(|having| resolver.condition(having, "HAVING")).transpose()?;
        let keys = self.group_keys(select, &mut resolver)?;
        resolver.refuse_table_functions("a query with GROUP BY", select.span)?;

        let mut aggregates = Vec::new();
        items.iter().for_each(|item| collect_aggregates(&item.expr, &mut aggregates));
        having.iter().for_each(|having| collect_aggregates(having, &mut aggregates));
        if aggregates.is_empty() {
            let message =
                "GROUP BY requires aggregate functions in either the SELECT or HAVING clause";
            return Err(invalid(Code::InvalidQuery, message).at(select.group_by[0].span()));
        }
        refuse_bounds(&aggregates, relation.rows()).map_err(|error| error.at(select.span))?;
        let mut output = self.aggregate_output(&relation, &keys, &aggregates, &resolver, names)?;
        output.window = window.map(|window| window.windowing());
        if window.is_some() {
            add_bounds(&mut output);
        }

        let rewrite = Rewrite { keys: &keys, aggregates: &aggregates, output: &output };
        for item in &mut items {
            item.expr = rewrite.apply(&item.expr, "SELECT").map_err(|error| error.at(item.span))?;
        }
        let having = having.map(|having| rewrite.apply(&having, "HAVING")).transpose()?;
        let plan = Plan::Aggregate(AggregatePlan {
            input: Box::new(relation.plan),
            keys,
            aggregates,
            window,
            is_final: is_final(select),
            with_before: false,
            output,
        });
        self.finish(Relation::new(with_having(plan, having)), items)
    }

    fn group_keys(
        &self,
        select: &Select,
        resolver: &mut super::expression::Resolver<'_>,
    ) -> Result<Vec<Expr>> {
        let mut keys = Vec::new();
        for syntax in &select.group_by {
            let key = resolver.resolve(syntax)?;
            if contains_aggregate(&key) {
                let message = format!("GROUP BY does not support aggregate functions: {syntax}");
                return Err(invalid(Code::InvalidQuery, message).at(syntax.span()));
            }
            if keys.contains(&key) {
                let message = format!("duplicate expression in the GROUP BY clause: {syntax}");
                return Err(invalid(Code::InvalidQuery, message).at(syntax.span()));
            }
            check_key_type(&resolver.type_of(&key)?, "GROUP BY", syntax)?;
            keys.push(key);
        }
        Ok(keys)
    }

    /// Key columns, then one column per aggregate.
    fn aggregate_output(
        &self,
        relation: &Relation,
        keys: &[Expr],
        aggregates: &[Expr],
        resolver: &super::expression::Resolver<'_>,
        names: &mut Names,
    ) -> Result<RowType> {
        let mut columns = Vec::new();
        for key in keys {
            let data_type = resolver.type_of(key)?;
            columns.push(match relation.rows().index_of(key) {
                Some(at) => RowColumn { hidden: false, ..relation.rows().columns[at].clone() },
                None => RowColumn::new(names.generate(), data_type),
            });
        }
        for (index, aggregate) in aggregates.iter().enumerate() {
            let name = format!("KSQL_AGG_VARIABLE_{index}");
            columns.push(RowColumn::new(name, resolver.type_of(aggregate)?));
        }
        Ok(RowType { columns, keys: (0..keys.len()).collect(), window: None })
    }
}

/// A window's bounds are known after its aggregates.
fn refuse_bounds(aggregates: &[Expr], input: &RowType) -> Result<()> {
    let mut columns = aggregates.iter().flat_map(Expr::column_refs);
    let is_of_result = |name: &str| {
        pseudo::is_window_bound(name) && !input.columns.iter().any(|column| column.name == name)
    };
    match columns.find(|column| is_of_result(&column.name)) {
        None => Ok(()),
        Some(column) => {
            let message = format!(
                "window bounds column {} can only be used in the SELECT clause of windowed aggregations: expected a column of the source as argument of an aggregate",
                column.name
            );
            Err(invalid(Code::InvalidQuery, message))
        }
    }
}

fn is_final(select: &Select) -> bool {
    select.emit.is_some_and(|emit| emit.mode == EmitMode::Final)
}

fn with_having(plan: Plan, having: Option<Expr>) -> Plan {
    match having {
        Some(condition) => Plan::Filter { input: Box::new(plan), condition },
        None => plan,
    }
}

/// WINDOWSTART and WINDOWEND, unless the rows have them from their source.
fn add_bounds(rows: &mut RowType) {
    rows.columns.retain(|column| !pseudo::is_window_bound(&column.name));
    for name in [pseudo::WINDOWSTART, pseudo::WINDOWEND] {
        let column = RowColumn::new(name, arrow::datatypes::DataType::Int64);
        rows.columns.push(RowColumn { hidden: true, ..column });
    }
}

fn plan_window(window: &Window, select: &Select, relation: &Relation) -> Result<WindowPlan> {
    if relation.plan.kind() == SourceKind::Table {
        let message = "windowing is not supported for table aggregations";
        return Err(invalid(Code::InvalidQuery, message).at(window.span));
    }
    // Without a word on grace, final results are not held back for late records.
    let grace = window.grace.map(|grace| grace.ms as i64).or(is_final(select).then_some(0));
    let retention = window.retention.map_or(0, |retention| retention.ms as i64);
    let plan = match window.shape {
        WindowShape::Tumbling { size } => time_window(size.ms, size.ms, grace, retention),
        WindowShape::Hopping { size, advance } => {
            time_window(size.ms, advance.ms, grace, retention)
        }
        WindowShape::Session { gap } => {
            let gap_ms = gap.ms as i64;
            let grace_ms = grace.unwrap_or_else(|| default_grace_ms(gap_ms));
            WindowPlan::Session(SessionWindow { gap_ms, grace_ms, retention_ms: retention })
        }
    };
    check_window(&plan, window)?;
    Ok(plan)
}

fn time_window(size: u64, advance: u64, grace: Option<i64>, retention_ms: i64) -> WindowPlan {
    let size_ms = size as i64;
    let grace_ms = grace.unwrap_or_else(|| default_grace_ms(size_ms));
    WindowPlan::Time(TimeWindow { size_ms, advance_ms: advance as i64, grace_ms, retention_ms })
}

fn check_window(plan: &WindowPlan, window: &Window) -> Result<()> {
    let (size, grace, retention) = match plan {
        WindowPlan::Time(w) => {
            if w.size_ms == 0 || w.advance_ms == 0 || w.advance_ms > w.size_ms {
                let message = format!(
                    "a window's size must be positive and its advance between 1 ms and the size, found size {} ms, advance {} ms",
                    w.size_ms, w.advance_ms
                );
                return Err(invalid(Code::InvalidValue, message).at(window.span));
            }
            (w.size_ms, w.grace_ms, w.retention_ms)
        }
        WindowPlan::Session(w) => (w.gap_ms, w.grace_ms, w.retention_ms),
    };
    if window.retention.is_some() && retention < size.saturating_add(grace) {
        let message = format!(
            "the retention of a window must not be shorter than its size plus its grace period: expected at least {} ms, found {retention} ms",
            size.saturating_add(grace)
        );
        return Err(invalid(Code::InvalidValue, message).at(window.span));
    }
    Ok(())
}

fn collect_aggregates(expr: &Expr, found: &mut Vec<Expr>) {
    let collected = expr.apply(|node| {
        if matches!(node, Expr::AggregateFunction(_)) {
            if !found.contains(node) {
                found.push(node.clone());
            }
            return Ok(TreeNodeRecursion::Jump);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    assert!(collected.is_ok(), "collecting cannot fail");
}

/// Puts an expression over the input's columns on top of the aggregation's.
struct Rewrite<'a> {
    keys: &'a [Expr],
    aggregates: &'a [Expr],
    output: &'a RowType,
}

impl Rewrite<'_> {
    fn apply(&self, expr: &Expr, clause: &str) -> Result<Expr> {
        let rewritten = expr.clone().transform_down(|node| {
            Ok(match self.column_for(&node) {
                Some(column) => Transformed::new(column, true, TreeNodeRecursion::Jump),
                None => Transformed::no(node),
            })
        })?;
        let stray = rewritten.data.exists(|node| {
            Ok(matches!(node, Expr::Column(_)) && self.output.index_of(node).is_none())
        })?;
        if stray {
            let stray = sql_text(expr);
            let message =
                format!("non-aggregate {clause} expression(s) not part of GROUP BY: {stray}");
            return Err(invalid(Code::InvalidQuery, message)
                .hint("add the column to the GROUP BY, or take it out, or aggregate it"));
        }
        Ok(rewritten.data)
    }

    fn column_for(&self, node: &Expr) -> Option<Expr> {
        let column = |at: usize| Some(self.output.columns[at].expr());
        if let Some(at) = self.keys.iter().position(|key| key == node) {
            return column(at);
        }
        let at = self.aggregates.iter().position(|aggregate| aggregate == node)?;
        column(self.keys.len() + at)
    }
}
