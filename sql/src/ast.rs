//! The syntax tree: what a statement says, before anybody asks whether its names exist.
//!
//! Our own nodes cover what only this dialect has: statements, the clauses of a streaming query,
//! columns and types, `WITH` properties. Expressions are `sqlparser`'s [`Expr`] and queries beyond
//! the dialect's own shape are `sqlparser`'s query, because DataFusion plans both as they are.
//!
//! Invariant, kept by the parser: every identifier is *canonical*. Its `value` is the name as the
//! catalog stores it (unquoted names are in upper case), and its `quote_style` is `` Some('`') ``
//! exactly where printing the name needs quotes. Two identifiers name the same thing if and only
//! if they are equal.

mod convert;
mod properties;
mod query;
mod statement;
mod types;
mod verbatim;
mod window;

pub(crate) use convert::limit_clause;
pub use properties::{Properties, Property, PropertyValue};
pub use query::{
    CommonTable, Emit, EmitMode, Join, JoinKind, Limit, Nested, Query, Relation, Select, SelectItem,
};
pub use sqlparser::ast::{Expr, Ident, Spanned};
pub use sqlparser::tokenizer::{Location, Span};
pub use statement::{
    ColumnDef, ColumnRole, Describe, ExplainTarget, QueryTarget, Show, SourceKind, Statement,
    StatementKind,
};
pub use types::DataType;
pub use verbatim::Verbatim;
pub use window::{Duration, TimeUnit, Window, WindowShape, Within};
