//! What the dialect refuses in pull queries on tables, beyond what names and types say.

use std::ops::ControlFlow;

use datafusion::logical_expr::Expr;
use sql::ast::{Expr as Syntax, Select, SourceKind, Spanned};
use sqlparser::ast::{Value, visit_expressions};

use super::table::is_of_record;
use crate::catalog::Source;
use crate::error::{Code, Error, Result, invalid};
use crate::planner::Planned;
use crate::types::sql_name;

/// Refuses columns that only records have, and keys looked up by text that are no text.
pub fn check(
    source: &Source,
    planned: &Planned,
    condition: Option<&Expr>,
    select: &Select,
) -> Result<()> {
    if source.kind == SourceKind::Stream {
        return Ok(());
    }
    for item in &planned.items {
        check_columns(source, &item.expr, "SELECT").map_err(|error| error.at(item.span))?;
    }
    let (Some(condition), Some(syntax)) = (condition, &select.where_) else { return Ok(()) };
    check_columns(source, condition, "WHERE").map_err(|error| error.at(syntax.span()))?;
    check_lists(source, syntax)
}

fn check_columns(source: &Source, expr: &Expr, clause: &str) -> Result<()> {
    match expr.column_refs().into_iter().find(|column| is_of_record(&column.name)) {
        None => Ok(()),
        Some(column) => {
            let message = format!(
                "pull queries don't support the following columns in {clause} clauses: {}: expected a column of table {}, whose rows belong to no one record",
                column.name, source.name
            );
            Err(invalid(Code::InvalidQuery, message).hint("add EMIT CHANGES to see the records"))
        }
    }
}

/// `=` does not compare a number with text; for keys, `IN` does not either.
fn check_lists(source: &Source, condition: &Syntax) -> Result<()> {
    let refused = visit_expressions(condition, |node| match text_among_numbers(source, node) {
        Some(error) => ControlFlow::Break(error),
        None => ControlFlow::Continue(()),
    });
    match refused {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn text_among_numbers(source: &Source, node: &Syntax) -> Option<Error> {
    let Syntax::InList { expr, list, .. } = node else { return None };
    let name = match expr.as_ref() {
        Syntax::Identifier(name) => name,
        Syntax::CompoundIdentifier(parts) => parts.last()?,
        _ => return None,
    };
    let key = source.key_columns().find(|key| key.name == name.value)?;
    let (item, text) = list.iter().filter(|_| key.data_type.is_numeric()).find_map(text)?;
    let message = format!(
        "expected {} values for key column {}, found '{text}', which can not be converted to the type of the key column",
        sql_name(&key.data_type),
        key.name
    );
    Some(invalid(Code::TypeMismatch, message).at(item.span()).hint("leave the quotes out"))
}

fn text(item: &Syntax) -> Option<(&Syntax, &str)> {
    match item {
        Syntax::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some((item, text)),
            _ => None,
        },
        _ => None,
    }
}
