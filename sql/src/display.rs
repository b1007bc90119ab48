//! Syntax trees to text.
//!
//! The text is canonical: one line, keywords in upper case, quotes only where they are needed. It
//! parses to the same tree, so printing, parsing and printing again gives the same text.

mod expression;
mod query;
mod statement;
mod types;
mod values;

pub use expression::expression_text;

use std::fmt::{self, Display, Formatter};

use crate::ast::Ident;
use crate::keywords;

/// A name, in back-ticks if it needs them or is made to have them.
struct Name<'a> {
    name: &'a str,
    always_quoted: bool,
}

/// The name with quotes only where it needs them.
fn name(ident: &Ident) -> Name<'_> {
    Name { name: &ident.value, always_quoted: false }
}

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.always_quoted || keywords::needs_quotes(self.name) {
            write!(f, "`{}`", self.name.replace('`', "``"))
        } else {
            f.write_str(self.name)
        }
    }
}

/// A text in single quotes.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

/// Things with commas between them.
fn commas<T: Display>(f: &mut Formatter<'_>, items: impl IntoIterator<Item = T>) -> fmt::Result {
    let mut separator = "";
    for item in items {
        write!(f, "{separator}{item}")?;
        separator = ", ";
    }
    Ok(())
}

/// Things in brackets with commas between them.
fn bracketed<T: Display>(f: &mut Formatter<'_>, items: impl IntoIterator<Item = T>) -> fmt::Result {
    f.write_str("(")?;
    commas(f, items)?;
    f.write_str(")")
}

/// A word with a space before it, or nothing.
fn flag(f: &mut Formatter<'_>, set: bool, word: &str) -> fmt::Result {
    if set { write!(f, " {word}") } else { Ok(()) }
}
