//! What `CREATE OR REPLACE … AS SELECT` may change of a running query.
//!
//! The new query goes on where the old one stands, with its state. So the steps that keep state,
//! and those that decide about keys, must stay the same; filters and projections may come, go and
//! change, and columns may be appended.

use crate::catalog::{Catalog, Source};
use crate::engine::Shared;
use crate::error::{Code, Result, invalid};
use crate::plan::Plan;

/// Whether the new definition may take the place of the old one; gives the query's number.
pub fn check(
    shared: &Shared,
    catalog: &Catalog,
    old: &Source,
    new: &Source,
    plan: &Plan,
) -> Result<u32> {
    super::alter::check_replacement(old, new)?;
    let writers = catalog.writers(&old.name);
    let [query] = writers.as_slice() else {
        let message = format!(
            "cannot replace {}: it is written by {} queries: {}",
            old.name,
            writers.len(),
            super::alter::ids(&writers)
        );
        return Err(invalid(Code::InvalidQuery, message));
    };
    let running = super::create_as::replan(shared, catalog, query)?;
    if running.to_string() == plan.to_string() {
        return Ok(query.number);
    }
    let (before, after) = (enforced(&running)?, enforced(plan)?);
    match before == after {
        true => Ok(query.number),
        false => {
            let message = format!(
                "cannot upgrade query {}: only filters and projections may change, expected {}, found {}",
                query.id,
                before.join(" over "),
                after.join(" over ")
            );
            Err(invalid(Code::NotSupported, message))
        }
    }
}

/// The steps of a plan that an upgrade must keep, from the top down.
fn enforced(plan: &Plan) -> Result<Vec<String>> {
    let mut steps = Vec::new();
    let mut node = plan;
    loop {
        match node {
            Plan::Filter { .. } | Plan::Project { .. } => {}
            Plan::Source(source) if source.output.window.is_some() => {
                return Err(unsupported("windowed sources"));
            }
            Plan::Source(source) => {
                steps.push(format!("source {} on {}", source.name, source.topic));
                return Ok(steps);
            }
            Plan::Rekey { output, .. } => {
                let keys: Vec<&str> = output.key_columns().map(|c| c.name.as_str()).collect();
                steps.push(format!("partition by {}", keys.join(", ")));
            }
            Plan::Aggregate(a) if a.window.is_some() => {
                return Err(unsupported("windowed aggregations"));
            }
            Plan::Aggregate(a) if a.input.kind() == sql::ast::SourceKind::Table => {
                return Err(unsupported("table aggregations"));
            }
            Plan::Aggregate(a) => {
                let shown = |exprs: &[datafusion::logical_expr::Expr]| {
                    exprs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                };
                steps.push(format!("aggregate {} by {}", shown(&a.aggregates), shown(&a.keys)));
            }
            Plan::FlatMap { .. } => return Err(unsupported("table functions")),
            Plan::Join(_) => return Err(unsupported("joins")),
            Plan::Union(_) => return Err(unsupported("UNION ALL")),
        }
        node = node.inputs()[0];
    }
}

fn unsupported(what: &str) -> crate::Error {
    invalid(Code::NotSupported, format!("upgrades not yet supported for {what}"))
        .hint("DROP the old one and create the new one, or give the new one another name")
}
