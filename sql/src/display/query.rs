//! Queries.

use std::fmt::{self, Display, Formatter};

use super::expression::{Printed, printed_query};
use super::name;
use crate::ast::{
    CommonTable, Emit, EmitMode, Expr, Join, JoinKind, Limit, Nested, Query, Relation, Select,
    SelectItem,
};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Query::Select(select) => select.fmt(f),
            Query::Nested(nested) => nested.fmt(f),
            Query::General { query, emit } => {
                write!(f, "{}", printed_query(query))?;
                clause(f, emit.as_ref())
            }
        }
    }
}

impl Display for Nested {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.with.is_empty() {
            f.write_str("WITH ")?;
            super::commas(f, &self.with)?;
            f.write_str(" ")?;
        }
        for (at, select) in self.selects.iter().enumerate() {
            f.write_str(if at > 0 { " UNION ALL " } else { "" })?;
            select.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for CommonTable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} AS ({})", name(&self.name), self.query)
    }
}

impl Display for Select {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        super::commas(f, &self.items)?;
        write!(f, " FROM {}", self.from)?;
        for join in &self.joins {
            write!(f, " {join}")?;
        }
        clause(f, self.window.as_ref())?;
        condition(f, "WHERE", self.where_.as_ref())?;
        keys(f, "GROUP BY", &self.group_by)?;
        keys(f, "PARTITION BY", &self.partition_by)?;
        condition(f, "HAVING", self.having.as_ref())?;
        clause(f, self.emit.as_ref())?;
        clause(f, self.limit.as_ref())
    }
}

/// A clause with a space before it, if there is one.
fn clause(f: &mut Formatter<'_>, clause: Option<&impl Display>) -> fmt::Result {
    match clause {
        Some(clause) => write!(f, " {clause}"),
        None => Ok(()),
    }
}

fn condition(f: &mut Formatter<'_>, word: &str, condition: Option<&Expr>) -> fmt::Result {
    match condition {
        Some(condition) => write!(f, " {word} {}", Printed(condition)),
        None => Ok(()),
    }
}

fn keys(f: &mut Formatter<'_>, words: &str, keys: &[Expr]) -> fmt::Result {
    match keys {
        [] => Ok(()),
        // In brackets a key may be any expression.
        keys => {
            write!(f, " {words} ")?;
            super::bracketed(f, keys.iter().map(Printed))
        }
    }
}

impl Display for SelectItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            SelectItem::Expr { expr, alias, .. } => {
                write!(f, "{}", Printed(expr))?;
                as_alias(f, alias.as_ref())
            }
            SelectItem::Wildcard { .. } => f.write_str("*"),
            SelectItem::QualifiedWildcard { source, .. } => write!(f, "{}.*", name(source)),
            SelectItem::StructWildcard { expr, .. } => write!(f, "{}->*", Printed(expr)),
        }
    }
}

fn as_alias(f: &mut Formatter<'_>, alias: Option<&crate::ast::Ident>) -> fmt::Result {
    match alias {
        Some(alias) => write!(f, " AS {}", name(alias)),
        None => Ok(()),
    }
}

impl Display for Relation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.query {
            Some(query) => write!(f, "({query}) AS {}", name(&self.name)),
            None => {
                write!(f, "{}", name(&self.name))?;
                as_alias(f, self.alias.as_ref())
            }
        }
    }
}

impl Display for Join {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} JOIN {}", self.kind, self.relation)?;
        clause(f, self.within.as_ref())?;
        write!(f, " ON {}", Printed(&self.on))
    }
}

impl Display for JoinKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JoinKind::Inner => "INNER",
            JoinKind::Left => "LEFT",
            JoinKind::Right => "RIGHT",
            JoinKind::Full => "FULL",
        })
    }
}

impl Display for Emit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.mode {
            EmitMode::Changes => "EMIT CHANGES",
            EmitMode::Final => "EMIT FINAL",
        })
    }
}

impl Display for Limit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "LIMIT {}", self.count)
    }
}
