//! Text beside ROWTIME, WINDOWSTART or WINDOWEND is a point of time.
//!
//! [`crate::planner::expression`] has the rule for the dialect's own shape; here it is applied to
//! the syntax of queries that DataFusion plans.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Query, Value, visit_expressions_mut};

use crate::error::Result;
use crate::planner::expression::timestamp_ms;
use crate::row_type::pseudo;

/// Puts milliseconds in the place of text that is compared with a point of time.
pub fn to_numbers(query: &mut Query) -> Result<()> {
    let visited = visit_expressions_mut(query, |expr| {
        let converted = match expr {
            Expr::BinaryOp { left, right, .. } => {
                convert(left, right).and_then(|()| convert(right, left))
            }
            Expr::Between { expr, low, high, .. } => {
                convert(expr, low).and_then(|()| convert(expr, high))
            }
            _ => Ok(()),
        };
        match converted {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    });
    match visited {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

fn convert(beside: &Expr, literal: &mut Expr) -> Result<()> {
    let name = match beside {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    };
    let is_time = |name: &str| name == pseudo::ROWTIME || pseudo::is_window_bound(name);
    if let (Some(name), Expr::Value(value)) = (name, literal)
        && is_time(&name.value)
        && let Value::SingleQuotedString(text) = &value.value
    {
        value.value = Value::Number(timestamp_ms(text)?.to_string(), false);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_a_number_only_beside_a_time() {
        let parsed =
            sql::parse("SELECT A FROM T WHERE ROWTIME >= '1970-01-02' AND A = '1970' ORDER BY A;");
        let statements = parsed.unwrap();
        let sql::ast::StatementKind::Query(sql::ast::Query::General { query, .. }) =
            &statements[0].kind
        else {
            panic!("expected a general query");
        };
        let mut query = query.as_ref().clone();
        to_numbers(&mut query).unwrap();
        assert_eq!(
            query.to_string(),
            "SELECT A FROM T WHERE ROWTIME >= 86400000 AND A = '1970' ORDER BY A"
        );
    }
}
