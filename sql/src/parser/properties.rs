//! `WITH (name = value, …)`.

use super::cursor::Cursor;
use crate::ast::{Ident, Properties, Property, PropertyValue};
use crate::error::{Error, ErrorCode};
use crate::keywords;
use crate::lexer::TokenKind;

impl Cursor<'_> {
    /// The `WITH` clause, if it is there.
    pub(super) fn properties(&mut self) -> Result<Properties, Error> {
        let start = self.position();
        if !self.is_at(&["WITH"]) || !self.is_symbol_at(1, "(") {
            return Ok(Properties::default());
        }
        self.advance();
        let mut entries: Vec<Property> = Vec::new();
        self.bracketed(|cursor| {
            if cursor.is_symbol(")") {
                return Ok(());
            }
            cursor.comma_separated(|cursor| {
                let property = cursor.property()?;
                check_new(&entries, &property)?;
                entries.push(property);
                Ok(())
            })?;
            Ok(())
        })?;
        Ok(Properties { entries, span: Some(self.span_from(start)) })
    }

    fn property(&mut self) -> Result<Property, Error> {
        let name = self.property_name()?;
        self.expect_symbol("=")?;
        let start = self.position();
        let value = self.property_value()?;
        Ok(Property { name, value, value_span: self.span_from(start) })
    }

    /// A name, which is also taken from a string, in upper case whatever its quotes.
    fn property_name(&mut self) -> Result<Ident, Error> {
        let span = self.span();
        let value = if self.is_kind(TokenKind::String) {
            self.string("a property name")?
        } else {
            self.name("a property name")?.value
        };
        let value = value.to_uppercase();
        let quote_style = keywords::needs_quotes(&value).then_some('`');
        Ok(Ident { value, quote_style, span })
    }

    fn property_value(&mut self) -> Result<PropertyValue, Error> {
        if self.is_kind(TokenKind::String) {
            return Ok(PropertyValue::String(self.string("a value")?));
        }
        for (word, value) in [
            ("TRUE", PropertyValue::Boolean(true)),
            ("FALSE", PropertyValue::Boolean(false)),
            ("NULL", PropertyValue::Null),
        ] {
            if self.eat(&[word]) {
                return Ok(value);
            }
        }
        self.number_value()
    }

    fn number_value(&mut self) -> Result<PropertyValue, Error> {
        let start = self.position();
        let sign = if self.eat_symbol("-") { "-" } else { "" };
        if !self.is_kind(TokenKind::Number) {
            let error = self.expected("a string, a number, true or false");
            return Err(if self.is_kind(TokenKind::Word) {
                error.with_hint(format!("put it in single quotes: '{}'", self.next_text()))
            } else {
                error
            });
        }
        let text = format!("{sign}{}", self.next_text());
        self.advance();
        if text.contains(['.', 'e', 'E']) {
            return Ok(PropertyValue::Decimal(text));
        }
        text.parse().map(PropertyValue::Integer).map_err(|_| {
            let message = format!("the number {text} does not fit 64 bits");
            Error::new(ErrorCode::Literal, message, self.span_from(start))
        })
    }
}

fn check_new(entries: &[Property], property: &Property) -> Result<(), Error> {
    if entries.iter().all(|entry| entry.name != property.name) {
        return Ok(());
    }
    let message = format!("the property {} is set twice", property.name.value);
    Err(Error::new(ErrorCode::Property, message, property.name.span))
}
