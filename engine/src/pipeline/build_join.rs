//! From a join's plan to its operator.
//!
//! Both sides go through an exchange by what they are joined on, so that partners meet in one
//! shard. For windowed rows the window belongs to it.

use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use sql::ast::JoinKind;

use super::build::{Builder, Upstream, evaluator};
use super::graph::{Edge, Exchange};
use crate::error::Result;
use crate::evaluate::Evaluator;
use crate::operator::{
    ForeignKeyPlaces, JoinForeignKey, JoinShape, JoinSide, JoinStreamStream, JoinStreamTable,
    JoinTableTable,
};
use crate::plan::{JoinMethod, JoinPlan, Plan};
use crate::row_type::{RowType, Windowing, pseudo};
use crate::state::RowStore;
use crate::window::JoinWindow;

impl Builder<'_> {
    /// Adds the nodes of a join, whose rows then have to meet these conditions.
    pub(super) fn join(&mut self, plan: &JoinPlan, filtered_by: &[Expr]) -> Result<Upstream> {
        let left = self.node(&plan.left)?;
        let right = self.node(&plan.right)?;
        let node = match plan.method {
            JoinMethod::StreamStream(window) => self.stream_stream(plan, window, filtered_by)?,
            JoinMethod::StreamTable => self.stream_table(plan)?,
            JoinMethod::TableTable => self.table_table(plan)?,
            JoinMethod::ForeignKey => self.foreign_key(plan)?,
        };
        let sides = [(left, &plan.left, &plan.left_key), (right, &plan.right, &plan.right_key)];
        for (port, (upstream, side, key)) in sides.into_iter().enumerate() {
            let exchange = match plan.method {
                // A left row would have to be where its foreign key is and where it was before:
                // one shard, that of the empty key, does the whole work.
                JoinMethod::ForeignKey => Exchange::new(evaluator([], side.output())?)?,
                _ => Exchange::new(join_key(key, side.output())?)?,
            };
            self.connect(upstream, Edge { node, port, exchange: Some(exchange) });
        }
        Ok(Upstream::Node(node))
    }

    fn stream_stream(
        &mut self,
        plan: &JoinPlan,
        window: JoinWindow,
        filtered_by: &[Expr],
    ) -> Result<usize> {
        let conditions = match plan.kind {
            JoinKind::Inner => side_conditions(plan, filtered_by)?,
            _ => [None, None],
        };
        let left = self.next_store("recent rows of the left side");
        let right = self.next_store("recent rows of the right side");
        let node = self.add(|shard, this| {
            let (left, right) = (this.place(left, shard), this.place(right, shard));
            let shape = shape_of(plan)?;
            let join = JoinStreamStream::open(shape, plan.kind, window, left, right)?;
            Ok(Box::new(join.with_conditions(conditions.clone())))
        })?;
        self.graph.require_time_order(node);
        Ok(node)
    }

    fn stream_table(&mut self, plan: &JoinPlan) -> Result<usize> {
        let store = self.next_store("latest rows of the table");
        let node = self.add(|shard, this| {
            let table = RowStore::open(this.place(store, shard))?;
            let pads = plan.kind == JoinKind::Left;
            let residual = plan.residual.as_ref();
            let residual = residual.map(|condition| evaluator([condition], &plan.output));
            let join = JoinStreamTable::new(shape_of(plan)?, pads, table);
            Ok(Box::new(join.with_residual(residual.transpose()?)))
        })?;
        self.graph.require_time_order(node);
        Ok(node)
    }

    /// Two tables give the same in the end, in whatever order they are read; on the way there the
    /// order shows where every change leaves.
    fn order_tables(&mut self, node: usize) {
        if self.emits_every_change() {
            self.graph.require_time_order(node);
        }
    }

    fn table_table(&mut self, plan: &JoinPlan) -> Result<usize> {
        let left = self.next_store("latest rows of the left side");
        let right = self.next_store("latest rows of the right side");
        let node = self.add(|shard, this| {
            let left = RowStore::open(this.place(left, shard))?;
            let right = RowStore::open(this.place(right, shard))?;
            let shape = shape_of(plan)?;
            Ok(Box::new(JoinTableTable::new(shape, plan.kind, plan.with_before, left, right)))
        })?;
        self.order_tables(node);
        Ok(node)
    }

    fn foreign_key(&mut self, plan: &JoinPlan) -> Result<usize> {
        let left = self.next_store("latest rows of the left side");
        let right = self.next_store("latest rows of the right side");
        let references = self.next_store("who refers to whom");
        let given = self.next_store("results given");
        let foreign_key = evaluator(&plan.left_key, plan.left.output())?;
        let node = self.add(|shard, this| {
            let places = ForeignKeyPlaces {
                left: this.place(left, shard),
                right: this.place(right, shard),
                references: this.place(references, shard),
                given: this.place(given, shard),
            };
            let pads = plan.kind == JoinKind::Left;
            let (shape, foreign_key) = (shape_of(plan)?, foreign_key.clone());
            let join = JoinForeignKey::new(shape, foreign_key, pads, plan.with_before, places)?;
            Ok(Box::new(join))
        })?;
        self.order_tables(node);
        Ok(node)
    }
}

/// What of the conditions speaks of the left or the right side alone: a row that does not meet it
/// need not be joined.
fn side_conditions(plan: &JoinPlan, filtered_by: &[Expr]) -> Result<[Option<Evaluator>; 2]> {
    let of_side = |rows: &RowType| {
        let parts = filtered_by.iter().flat_map(split_conjunction).filter(|part| {
            let columns = part.column_refs();
            let is_of_side =
                |column: &&Column| rows.index_of(&Expr::Column(Column::clone(column))).is_some();
            !columns.is_empty() && columns.iter().all(is_of_side) && !part.is_volatile()
        });
        let condition = conjunction(parts.cloned());
        condition.map(|condition| evaluator([&condition], rows)).transpose()
    };
    Ok([of_side(plan.left.output())?, of_side(plan.right.output())?])
}

/// The sides and the result of a join.
fn shape_of(plan: &JoinPlan) -> Result<JoinShape> {
    let left_rows = plan.left.output();
    let left_key = match plan.method {
        JoinMethod::ForeignKey => primary_key(left_rows)?,
        _ => join_key(&plan.left_key, left_rows)?,
    };
    let left = join_side(left_key, &plan.left)?;
    let right = join_side(join_key(&plan.right_key, plan.right.output())?, &plan.right)?;
    Ok(JoinShape::new(left, right, plan.output.schema()))
}

fn join_side(key: Evaluator, side: &Plan) -> Result<JoinSide> {
    let columns = side.output().columns.iter();
    JoinSide::new(key, columns.map(|column| column.data_type.clone()).collect())
}

/// What rows are joined on: their sides of the equalities, and the window if there is one.
fn join_key(equalities: &[Expr], rows: &RowType) -> Result<Evaluator> {
    let bounds = window_bounds(rows);
    evaluator(equalities.iter().chain(&bounds), rows)
}

/// What tells the rows of a table apart.
fn primary_key(rows: &RowType) -> Result<Evaluator> {
    let keys = rows.key_columns().map(|column| column.expr());
    let keys: Vec<Expr> = keys.chain(window_bounds(rows)).collect();
    evaluator(&keys, rows)
}

/// The columns that tell windows apart: sessions differ in their ends too, other windows of one
/// source only in their starts.
fn window_bounds(rows: &RowType) -> Vec<Expr> {
    let names: &[&str] = match rows.window {
        None => &[],
        Some(Windowing::Session) => &[pseudo::WINDOWSTART, pseudo::WINDOWEND],
        Some(_) => &[pseudo::WINDOWSTART],
    };
    let column = |name: &&str| rows.columns.iter().find(|column| column.name == *name);
    names.iter().filter_map(column).map(|column| column.expr()).collect()
}
