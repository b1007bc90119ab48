//! `PARTITION BY`: other values become the key of a stream.
//!
//! The re-keyed stream has the new key first. The other columns follow source by source: what was
//! in the value, what records have without being declared, what was in the key. This is the order
//! of `SELECT *`, which shows of a join's sources also the columns that were not declared.

use datafusion::logical_expr::Expr;
use sql::ast::{Expr as Syntax, SourceKind, Spanned};

use super::expression::Resolver;
use super::projection::Names;
use super::scope::Scope;
use super::{Planner, Relation, check_key_type, refuse_aggregates};
use crate::error::{Code, Result, invalid};
use crate::plan::Plan;
use crate::row_type::{RowColumn, RowType, pseudo};

impl Planner<'_> {
    /// Plans `PARTITION BY`.
    pub(super) fn partition_by(
        &self,
        relation: Relation,
        expressions: &[Syntax],
        names: &mut Names,
    ) -> Result<Relation> {
        check_relation(&relation, &expressions[0])?;
        let scope = Scope::new(relation.rows().clone());
        let mut resolver = self.resolver(&scope)?;
        let mut keys: Vec<Expr> = Vec::new();
        for expression in expressions {
            let key = new_key(&mut resolver, expression)?;
            if keys.contains(&key) {
                let message =
                    format!("duplicate expression in the PARTITION BY clause: {expression}");
                return Err(invalid(Code::InvalidQuery, message).at(expression.span()));
            }
            keys.push(key);
        }
        if let [Expr::Literal(scalar, _)] = keys.as_slice()
            && scalar.is_null()
        {
            keys.clear();
        }
        names.reserve(relation.rows().columns.iter().map(|column| column.name.as_str()));
        let columns = keys.iter().zip(expressions).map(|(key, syntax)| {
            let column = key_column(relation.rows(), key, resolver.type_of(key)?, syntax, names);
            names.remember(key, &column.name);
            Ok(column)
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(rekey(relation, keys, columns))
    }
}

fn check_relation(relation: &Relation, first: &Syntax) -> Result<()> {
    let refuse = |what: &str| {
        let message = format!("PARTITION BY is not supported for {what}");
        Err(invalid(Code::InvalidQuery, message).at(first.span()))
    };
    match (relation.plan.kind(), relation.rows().window) {
        (SourceKind::Table, _) => refuse("tables"),
        (SourceKind::Stream, Some(_)) => refuse("windowed sources"),
        (SourceKind::Stream, None) => Ok(()),
    }
}

fn new_key(resolver: &mut Resolver<'_>, syntax: &Syntax) -> Result<Expr> {
    let key = resolver.resolve(syntax)?;
    resolver.refuse_table_functions("PARTITION BY", syntax.span())?;
    refuse_aggregates(&key, "PARTITION BY", syntax)?;
    check_key_type(&resolver.type_of(&key)?, "PARTITION BY", syntax)?;
    Ok(key)
}

/// The column of a new key: the one that it is, or one of its own.
fn key_column(
    rows: &RowType,
    key: &Expr,
    data_type: arrow::datatypes::DataType,
    syntax: &Syntax,
    names: &mut Names,
) -> RowColumn {
    match rows.index_of(key) {
        Some(at) => RowColumn { hidden: false, ..rows.columns[at].clone() },
        None => RowColumn::new(names.implied(syntax), data_type),
    }
}

fn rekey(relation: Relation, keys: Vec<Expr>, mut columns: Vec<RowColumn>) -> Relation {
    let rows = relation.rows();
    let joined = relation.plan.sources().len() > 1;
    let moved: Vec<usize> = keys.iter().filter_map(|key| rows.index_of(key)).collect();
    let mut values = values_in_order(&relation.plan);
    values.retain(|at| !moved.contains(at));
    columns.extend(values.iter().map(|at| {
        let column = rows.columns[*at].clone();
        let hidden = column.hidden && !(joined && pseudo::is(&column.name));
        RowColumn { hidden, ..column }
    }));
    let output = RowType { columns, keys: (0..keys.len()).collect(), window: None };
    let key_exprs = output.key_columns().zip(&keys);
    let key_exprs = key_exprs.map(|(column, key)| vec![column.expr(), key.clone()]).collect();
    let input = Box::new(relation.plan);
    Relation { plan: Plan::Rekey { input, keys, values, output }, key_exprs }
}

/// The columns of a plan source by source; those of no source come last.
fn values_in_order(plan: &Plan) -> Vec<usize> {
    let rows = plan.output();
    let sources = plan.sources();
    let rank = |at: &usize| {
        let column = &rows.columns[*at];
        let of_source =
            |expr: &Expr| sources.iter().position(|source| source.output.index_of(expr).is_some());
        let source = of_source(&column.expr());
        let was_key = source
            .is_some_and(|source| sources[source].output.key_columns().any(|key| key == column));
        let kind = if was_key { 2 } else { usize::from(column.hidden) };
        (source.unwrap_or(usize::MAX), kind)
    };
    let mut order: Vec<usize> = (0..rows.columns.len()).collect();
    order.sort_by_key(rank);
    order
}
