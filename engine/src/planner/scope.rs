//! Names in scope: which column a name means.

use datafusion::logical_expr::Expr;
use sql::ast::Ident;

use crate::error::{Code, Error, Result, invalid};
use crate::near_miss::hint;
use crate::row_type::{RowColumn, RowType, pseudo};

/// The columns that an expression may name.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The columns, with the qualifiers that they go by.
    pub rows: RowType,
}

impl Scope {
    /// The columns of a relation.
    pub fn new(rows: RowType) -> Self {
        Self { rows }
    }

    /// No columns at all.
    pub fn empty() -> Self {
        Self::new(RowType { columns: Vec::new(), keys: Vec::new(), window: None })
    }

    /// The column of an unqualified name.
    pub fn column(&self, name: &Ident) -> Result<Expr> {
        let found: Vec<&RowColumn> = self.named(&name.value).collect();
        match found.as_slice() {
            [column] => Ok(column.expr()),
            [] => Err(self.unknown(&name.value, None).at(name.span)),
            several => Err(ambiguous(&name.value, several).at(name.span)),
        }
    }

    /// The column of a qualified name.
    pub fn qualified(&self, qualifier: &Ident, name: &Ident) -> Result<Expr> {
        let of_source = |column: &&RowColumn| column.qualifier.as_deref() == Some(&qualifier.value);
        let column = self.named(&name.value).find(of_source);
        column.map(RowColumn::expr).ok_or_else(|| {
            if self.qualifiers().any(|known| known == qualifier.value) {
                return self.unknown(&name.value, Some(&qualifier.value)).at(name.span);
            }
            let message =
                format!("'{}' is not a valid stream/table name or alias", qualifier.value);
            let error = invalid(Code::UnknownName, message).at(qualifier.span);
            with_hint(error, &qualifier.value, self.qualifiers().collect())
        })
    }

    /// Names of the sources, each once.
    pub fn qualifiers(&self) -> impl Iterator<Item = &str> {
        let mut last = None;
        let names = self.rows.columns.iter().filter_map(|column| column.qualifier.as_deref());
        names.filter(move |name| last.replace(*name) != Some(*name))
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a RowColumn> {
        self.rows.columns.iter().filter(move |column| column.name == name)
    }

    fn unknown(&self, name: &str, qualifier: Option<&str>) -> Error {
        let shown = qualifier.map_or(name.to_owned(), |qualifier| format!("{qualifier}.{name}"));
        let message = format!("column '{shown}' cannot be resolved");
        let visible = self.rows.columns.iter().filter(|c| !c.hidden || pseudo::is(&c.name));
        let names = visible.map(|column| column.name.as_str()).collect();
        with_hint(invalid(Code::UnknownColumn, message), name, names)
    }
}

fn with_hint(error: Error, name: &str, candidates: Vec<&str>) -> Error {
    match hint(name, candidates) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn ambiguous(name: &str, columns: &[&RowColumn]) -> Error {
    let shown = |column: &&RowColumn| match &column.qualifier {
        Some(qualifier) => format!("{qualifier}.{}", column.name),
        None => column.name.clone(),
    };
    let choices: Vec<String> = columns.iter().map(shown).collect();
    let message = format!("column '{name}' is ambiguous: could be {}", choices.join(" or "));
    invalid(Code::AmbiguousColumn, message).hint("put the name of the source before it")
}
