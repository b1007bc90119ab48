//! The items of `ARRAY[…]`, `MAP(…)` and `IN (…)`, which meet in one type.
//!
//! From left to right: the first that is not NULL decides, later ones widen it. A literal becomes
//! what it stands beside: text gives the number, truth value or point of time that it spells, and
//! any scalar is text beside text. A constructor is looked into item by item, so that
//! `ARRAY['3', NULL]` is an array of numbers beside one.

use arrow::datatypes::{DataType, Fields};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

use super::coerce::is_time;
use super::{Resolver, build, cast, common_type, literal};
use crate::error::{Code, Error, Result, invalid};
use crate::expression_text::sql_text;
use crate::function::entry_types;
use crate::function::operator::{Constructor, constructor, parse_boolean_literal};
use crate::types::{array_of, map_of, sql_name, struct_of};

impl Resolver<'_> {
    /// The items of a constructor in their common type, and that type.
    pub(super) fn unified(&self, what: &str, items: Vec<Expr>) -> Result<(Vec<Expr>, DataType)> {
        if items.is_empty() {
            let message = format!("{what} constructor cannot be empty");
            return Err(invalid(Code::InvalidQuery, message).hint("supply at least one value"));
        }
        let target = self.common_type(DataType::Null, &items)?;
        if target == DataType::Null {
            let message = format!("cannot construct {what} with all NULL elements");
            return Err(
                invalid(Code::TypeMismatch, message).hint("cast one of them to the type meant")
            );
        }
        let items = items.into_iter().map(|item| self.fitted(item, &target));
        Ok((items.collect::<Result<_>>()?, target))
    }

    /// The type that a value of type `start` and the items meet in.
    pub(super) fn common_type(&self, start: DataType, items: &[Expr]) -> Result<DataType> {
        items.iter().try_fold(start, |common, item| self.widened(&common, item))
    }

    /// A type, widened so that it holds an item.
    fn widened(&self, common: &DataType, item: &Expr) -> Result<DataType> {
        let own = self.type_of(item)?;
        if let Some(wider) = common_type(common, &own) {
            return Ok(wider);
        }
        let parts = match (item, common) {
            (Expr::Literal(scalar, _), _) => {
                let beside = literal_type(scalar, common);
                beside.and_then(|beside| common_type(common, &beside))
            }
            (Expr::ScalarFunction(call), common) => match (constructor(&call.func), common) {
                (Some(Constructor::Array), DataType::List(of)) => {
                    Some(array_of(self.common_type(of.data_type().clone(), &call.args)?))
                }
                (Some(Constructor::Map), DataType::Map(entries, _)) => {
                    entry_types(entries).map(|of| self.widened_map(of, &call.args)).transpose()?
                }
                (Some(Constructor::Struct(names)), DataType::Struct(fields)) => {
                    Some(self.widened_struct(fields, names, &call.args)?)
                }
                _ => None,
            },
            _ => None,
        };
        parts.ok_or_else(|| misfit(common, &own, item))
    }

    fn widened_map(&self, of: (&DataType, &DataType), arguments: &[Expr]) -> Result<DataType> {
        let (mut key, mut value) = (of.0.clone(), of.1.clone());
        for pair in arguments.chunks_exact(2) {
            key = self.widened(&key, &pair[0])?;
            value = self.widened(&value, &pair[1])?;
        }
        Ok(map_of(key, value))
    }

    fn widened_struct(&self, of: &Fields, names: &[String], values: &[Expr]) -> Result<DataType> {
        let mut fields: Vec<(String, DataType)> =
            of.iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
        for (name, value) in names.iter().zip(values) {
            match fields.iter_mut().find(|(known, _)| known == name) {
                Some((_, data_type)) => *data_type = self.widened(data_type, value)?,
                None => fields.push((name.clone(), self.type_of(value)?)),
            }
        }
        Ok(struct_of(fields))
    }

    /// An item in the type that [`Self::common_type`] found.
    pub(super) fn fitted(&self, item: Expr, target: &DataType) -> Result<Expr> {
        let own = self.type_of(&item)?;
        if own == *target {
            return Ok(item);
        }
        let item = match item {
            Expr::ScalarFunction(call) => match (constructor(&call.func), target) {
                (Some(Constructor::Array), DataType::List(of)) => {
                    build::array(self.fitted_each(call.args, |_| of.data_type().clone())?)
                }
                (Some(Constructor::Map), DataType::Map(entries, _)) => {
                    let of = entry_types(entries).unwrap_or((&DataType::Null, &DataType::Null));
                    let is_key = |at: usize| at.is_multiple_of(2);
                    let of = |at| if is_key(at) { of.0.clone() } else { of.1.clone() };
                    build::map(self.fitted_each(call.args, of)?)
                }
                (Some(Constructor::Struct(names)), DataType::Struct(fields)) => {
                    let names = names.to_vec();
                    let of = |at: usize| match fields.find(&names[at]) {
                        Some((_, field)) => field.data_type().clone(),
                        None => DataType::Null,
                    };
                    let values = self.fitted_each(call.args, of)?;
                    build::structure(names, values)?
                }
                _ => Expr::ScalarFunction(call),
            },
            item => return literal_as(item, &own, target),
        };
        let own = self.type_of(&item)?;
        cast(item, &own, target)
    }

    fn fitted_each(
        &self,
        items: Vec<Expr>,
        target: impl Fn(usize) -> DataType,
    ) -> Result<Vec<Expr>> {
        let items = items.into_iter().enumerate();
        items.map(|(at, item)| self.fitted(item, &target(at))).collect()
    }
}

/// The type that a literal has beside values of another type; none if it is no such value.
fn literal_type(literal: &ScalarValue, beside: &DataType) -> Option<DataType> {
    match (literal, beside) {
        (literal, beside) if literal.is_null() => Some(beside.clone()),
        (_, DataType::Utf8) => Some(DataType::Utf8),
        (ScalarValue::Utf8(Some(text)), DataType::Boolean) => {
            parse_boolean_literal(text).map(|_| DataType::Boolean)
        }
        (ScalarValue::Utf8(Some(text)), beside) if beside.is_numeric() => {
            literal::spelled(text).map(|number| number.data_type())
        }
        (ScalarValue::Utf8(_), beside) => is_time(beside).then(|| beside.clone()),
        _ => None,
    }
}

/// A value as another type: a text literal gives what it spells, and NULL stays a literal.
pub(super) fn literal_as(item: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    if matches!(&item, Expr::Literal(value, _) if value.is_null()) {
        return Ok(Expr::Literal(ScalarValue::try_new_null(to)?, None));
    }
    let Expr::Literal(ScalarValue::Utf8(Some(text)), _) = &item else {
        return cast(item, from, to);
    };
    let spelled = match to {
        DataType::Boolean => Some(ScalarValue::Boolean(parse_boolean_literal(text))),
        to if to.is_numeric() => literal::spelled(text),
        _ => None,
    };
    match spelled {
        Some(value) => {
            let from = value.data_type();
            cast(Expr::Literal(value, None), &from, to)
        }
        None => cast(item, from, to),
    }
}

fn misfit(expected: &DataType, found: &DataType, item: &Expr) -> Error {
    let expected = sql_name(expected);
    let message = match item {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => {
            format!("invalid input syntax for type {expected}: \"{text}\"")
        }
        item => {
            let (found, item) = (sql_name(found), sql_text(item));
            format!("operator does not exist: {expected} = {found} ({item})")
        }
    };
    invalid(Code::TypeMismatch, message).hint("cast it to the type of the values before it")
}
