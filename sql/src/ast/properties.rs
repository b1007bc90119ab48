//! The `WITH` clause as written: an ordered list of names and literals.
//!
//! What the names mean is not known here but in [`crate::properties`].

use super::{Ident, Span};

/// A `WITH` clause; empty when the clause is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties {
    /// The properties in the order written; no name occurs twice.
    pub entries: Vec<Property>,
    /// The clause, or an empty span when it is missing.
    pub span: Option<Span>,
}

/// One `name = value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// The name in upper case; its span is that of the name.
    pub name: Ident,
    /// The value.
    pub value: PropertyValue,
    /// Where the value stands.
    pub value_span: Span,
}

/// The literal that a property is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyValue {
    /// `'text'`.
    String(String),
    /// `42`.
    Integer(i64),
    /// `4.2`, as written.
    Decimal(String),
    /// `true` or `false`.
    Boolean(bool),
    /// `NULL`.
    Null,
}

impl Properties {
    /// True when no property is set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The property of this name, in upper case.
    pub fn get(&self, name: &str) -> Option<&Property> {
        self.entries.iter().find(|property| property.name.value == name)
    }

    /// The value of a property that is a string.
    pub fn string(&self, name: &str) -> Option<&str> {
        match &self.get(name)?.value {
            PropertyValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a property that is a whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match &self.get(name)?.value {
            PropertyValue::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The value of a property that is true or false.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        match &self.get(name)?.value {
            PropertyValue::Boolean(flag) => Some(*flag),
            _ => None,
        }
    }
}
