//! Which columns of a source a plan uses; the others are not decoded.

use std::collections::HashSet;

use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::expr_to_columns;

use crate::error::Result;
use crate::plan::{Plan, SourcePlan};

/// The columns that the expressions of a plan name.
pub struct Wanted {
    columns: HashSet<datafusion::common::Column>,
}

impl Wanted {
    /// Collects the columns of a whole plan.
    pub fn of(plan: &Plan) -> Result<Self> {
        let mut wanted = Self { columns: HashSet::new() };
        wanted.collect(plan)?;
        Ok(wanted)
    }

    fn collect(&mut self, plan: &Plan) -> Result<()> {
        let expressions: Vec<&Expr> = match plan {
            Plan::Source(_) | Plan::Union(_) => Vec::new(),
            Plan::Filter { condition, .. } => vec![condition],
            Plan::Project { expressions, .. } => expressions.iter().collect(),
            Plan::FlatMap { functions, .. } => functions.iter().collect(),
            Plan::Rekey { keys, .. } => keys.iter().collect(),
            Plan::Aggregate(aggregate) => {
                aggregate.keys.iter().chain(&aggregate.aggregates).collect()
            }
            Plan::Join(join) => {
                join.left_key.iter().chain(&join.right_key).chain(&join.residual).collect()
            }
        };
        for expression in expressions {
            expr_to_columns(expression, &mut self.columns)?;
        }
        // A key that moves is read even where no expression names it.
        for column in plan.output().key_columns() {
            expr_to_columns(&column.expr(), &mut self.columns)?;
        }
        plan.inputs().into_iter().try_for_each(|input| self.collect(input))
    }

    /// For each column of a source whether it is used.
    pub fn in_source(&self, source: &SourcePlan) -> Vec<bool> {
        let used = |expr: Expr| match expr {
            Expr::Column(column) => self.columns.contains(&column),
            _ => false,
        };
        source.output.columns.iter().map(|column| used(column.expr())).collect()
    }
}
