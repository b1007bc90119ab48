//! Signatures: which arguments a function takes, and what it gives for them.
//!
//! A signature is written once, as the text that users see, and read from there:
//!
//! ```text
//! SUBSTRING(value STRING, pos INTEGER[, len INTEGER]) → STRING
//! CONCAT_WS(separator STRING, value STRING...) → STRING
//! ARRAY_UNION(left ARRAY<T>, right ARRAY<T>) → ARRAY<T>
//! ```
//!
//! Square brackets hold what may be left out, `...` repeats a last parameter (one or more), and
//! a single capital is a type variable. `DECIMAL` without numbers stands for one decimal type,
//! wide enough for all decimal arguments of the call.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use arrow::datatypes::DataType;

use super::coercion::{canonical, common_type, widens};
use crate::types::{TIME, TIMESTAMP, array_of, map_of, struct_of};

/// A type with variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Exact(DataType),
    Decimal,
    Variable(char),
    Array(Box<Shape>),
    Map(Box<Shape>, Box<Shape>),
    Struct(Vec<(String, Shape)>),
}

/// One way to call a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variant {
    parameters: Vec<Shape>,
    /// The numbers of arguments that may be given; a variadic one takes more than the last.
    counts: Vec<usize>,
    variadic: bool,
    result: Shape,
}

/// What type variables stand for in one call.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    variables: BTreeMap<char, DataType>,
    decimal: Option<DataType>,
}

/// A variant that fits the arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bound {
    /// The types that the arguments must be cast to.
    pub(super) parameters: Vec<DataType>,
    /// The type of the result; none if it depends on an argument that is only NULL.
    pub(super) result: Option<DataType>,
}

impl Variant {
    /// Reads a signature; none if it is malformed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Parser::new(text).variant()
    }

    /// Fits the arguments to the parameters: exactly, or with implicit casts.
    pub(super) fn bind(&self, arguments: &[DataType], casts: bool) -> Option<Bound> {
        let shapes = self.shapes(arguments.len())?;
        let mut bindings = Bindings::default();
        let fits = shapes
            .iter()
            .zip(arguments)
            .all(|(shape, argument)| shape.fits(&canonical(argument), casts, &mut bindings));
        fits.then(|| Bound {
            parameters: shapes.iter().map(|shape| shape.parameter(&bindings)).collect(),
            result: self.result.instantiate(&bindings),
        })
    }

    /// The shape for each of `count` arguments.
    fn shapes(&self, count: usize) -> Option<Vec<&Shape>> {
        let repeats = self.variadic && count > self.parameters.len();
        if !repeats && !self.counts.contains(&count) {
            return None;
        }
        let last = self.parameters.last();
        Some((0..count).filter_map(|index| self.parameters.get(index).or(last)).collect())
    }
}

impl Shape {
    fn fits(&self, argument: &DataType, casts: bool, bindings: &mut Bindings) -> bool {
        match (self, argument) {
            (_, DataType::Null) => true,
            (Self::Exact(wanted), given) => given == wanted || (casts && widens(given, wanted)),
            (Self::Decimal, given) => bindings.widen_decimal(given, casts),
            (Self::Variable(name), given) => bindings.bind(*name, given, casts),
            (Self::Array(item), DataType::List(field)) => {
                item.fits(field.data_type(), casts, bindings)
            }
            (Self::Map(key, value), DataType::Map(entries, _)) => match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => {
                    key.fits(fields[0].data_type(), casts, bindings)
                        && value.fits(fields[1].data_type(), casts, bindings)
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// The type for a parameter: NULL where nothing is known of it.
    fn parameter(&self, bindings: &Bindings) -> DataType {
        self.instantiate(bindings).unwrap_or(DataType::Null)
    }

    /// The type with all variables replaced; none if one of them is not bound.
    pub(super) fn instantiate(&self, bindings: &Bindings) -> Option<DataType> {
        Some(match self {
            Self::Exact(data_type) => data_type.clone(),
            Self::Decimal => bindings.decimal.clone().unwrap_or(DataType::Decimal128(10, 0)),
            Self::Variable(name) => bindings.variables.get(name)?.clone(),
            Self::Array(item) => array_of(item.instantiate(bindings)?),
            Self::Map(key, value) => {
                map_of(key.instantiate(bindings)?, value.instantiate(bindings)?)
            }
            Self::Struct(fields) => {
                let types = fields
                    .iter()
                    .map(|(name, shape)| Some((name.clone(), shape.instantiate(bindings)?)))
                    .collect::<Option<Vec<_>>>()?;
                struct_of(types)
            }
        })
    }
}

impl Bindings {
    fn bind(&mut self, name: char, given: &DataType, casts: bool) -> bool {
        let Some(bound) = self.variables.get_mut(&name) else {
            self.variables.insert(name, given.clone());
            return true;
        };
        if bound == given {
            return true;
        }
        match common_type(bound, given).filter(|_| casts) {
            Some(common) => {
                *bound = common;
                true
            }
            None => false,
        }
    }

    /// Makes room for another decimal, or with casts for an integer.
    fn widen_decimal(&mut self, given: &DataType, casts: bool) -> bool {
        let given = match given {
            DataType::Decimal128(..) => given.clone(),
            DataType::Int32 if casts => DataType::Decimal128(10, 0),
            DataType::Int64 if casts => DataType::Decimal128(19, 0),
            _ => return false,
        };
        let wider = match &self.decimal {
            Some(bound) => common_type(bound, &given),
            None => Some(given),
        };
        self.decimal = wider;
        self.decimal.is_some()
    }
}

/// The parameters read so far.
#[derive(Default)]
struct Parameters {
    shapes: Vec<Shape>,
    counts: Vec<usize>,
    variadic: bool,
}

struct Parser<'a> {
    chars: Peekable<Chars<'a>>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { chars: text.chars().peekable() }
    }

    fn variant(mut self) -> Option<Variant> {
        self.word()?;
        self.expect('(')?;
        let mut parameters = Parameters::default();
        while !self.skip(')') {
            self.parameter(&mut parameters)?;
        }
        let Parameters { shapes, mut counts, variadic } = parameters;
        counts.push(shapes.len());
        self.expect('→')?;
        Some(Variant { parameters: shapes, counts, variadic, result: self.shape()? })
    }

    /// A parameter with the punctuation around it.
    fn parameter(&mut self, parameters: &mut Parameters) -> Option<()> {
        if self.skip('[') {
            parameters.counts.push(parameters.shapes.len());
        }
        self.skip(',');
        self.word()?;
        parameters.shapes.push(self.shape()?);
        while self.skip('.') {
            parameters.variadic = true;
        }
        while self.skip(']') {}
        Some(())
    }

    fn shape(&mut self) -> Option<Shape> {
        let word = self.word()?;
        Some(match word.as_str() {
            "BOOLEAN" => Shape::Exact(DataType::Boolean),
            "INTEGER" => Shape::Exact(DataType::Int32),
            "BIGINT" => Shape::Exact(DataType::Int64),
            "DOUBLE" => Shape::Exact(DataType::Float64),
            "STRING" => Shape::Exact(DataType::Utf8),
            "BYTES" => Shape::Exact(DataType::Binary),
            "DATE" => Shape::Exact(DataType::Date32),
            "TIME" => Shape::Exact(TIME),
            "TIMESTAMP" => Shape::Exact(TIMESTAMP),
            "DECIMAL" => Shape::Decimal,
            "ARRAY" => Shape::Array(Box::new(self.bracketed(Self::shape)?)),
            "MAP" => {
                let (key, value) = self.bracketed(Self::pair)?;
                Shape::Map(Box::new(key), Box::new(value))
            }
            "STRUCT" => Shape::Struct(self.bracketed(Self::fields)?),
            variable if variable.len() == 1 => Shape::Variable(variable.chars().next()?),
            _ => return None,
        })
    }

    fn bracketed<T>(&mut self, inner: fn(&mut Self) -> Option<T>) -> Option<T> {
        self.expect('<')?;
        let value = inner(self)?;
        self.expect('>')?;
        Some(value)
    }

    fn pair(&mut self) -> Option<(Shape, Shape)> {
        let first = self.shape()?;
        self.expect(',')?;
        Some((first, self.shape()?))
    }

    fn fields(&mut self) -> Option<Vec<(String, Shape)>> {
        let mut fields = vec![(self.word()?, self.shape()?)];
        while self.skip(',') {
            fields.push((self.word()?, self.shape()?));
        }
        Some(fields)
    }

    fn word(&mut self) -> Option<String> {
        self.skip_spaces();
        let mut word = String::new();
        while let Some(char) = self.chars.next_if(|char| char.is_alphanumeric() || *char == '_') {
            word.push(char);
        }
        (!word.is_empty()).then_some(word)
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        self.skip(wanted).then_some(())
    }

    fn skip(&mut self, wanted: char) -> bool {
        self.skip_spaces();
        self.chars.next_if_eq(&wanted).is_some()
    }

    fn skip_spaces(&mut self) {
        while self.chars.next_if(|char| char.is_whitespace()).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(signature: &str, arguments: &[DataType]) -> Option<Bound> {
        Variant::parse(signature)?.bind(arguments, true)
    }

    #[test]
    fn optional_parameters_may_be_left_out_from_the_end() {
        let signature = "F(a STRING[, b INTEGER[, c INTEGER]]) → STRING";
        assert!(bind(signature, &[]).is_none());
        for count in 1..=3 {
            let mut arguments = vec![DataType::Utf8];
            arguments.resize(count, DataType::Int32);
            assert_eq!(bind(signature, &arguments).map(|b| b.parameters), Some(arguments));
        }
    }

    #[test]
    fn optional_parameters_in_one_bracket_come_together() {
        let signature = "F(a STRING[, b STRING, c STRING]) → STRING";
        assert!(bind(signature, &[DataType::Utf8, DataType::Utf8]).is_none());
        assert!(bind(signature, &[DataType::Utf8, DataType::Utf8, DataType::Utf8]).is_some());
    }

    #[test]
    fn a_variable_takes_the_common_type() {
        let bound = bind(
            "F(a ARRAY<T>, b T...) → T",
            &[array_of(DataType::Int32), DataType::Null, DataType::Int64],
        );
        let parameters = vec![array_of(DataType::Int64), DataType::Int64, DataType::Int64];
        assert_eq!(bound, Some(Bound { parameters, result: Some(DataType::Int64) }));
    }

    #[test]
    fn decimals_meet_in_one_type() {
        let arguments = [DataType::Decimal128(9, 2), DataType::Decimal128(7, 6)];
        let bound = bind("F(a DECIMAL...) → DECIMAL", &arguments);
        assert_eq!(bound.and_then(|bound| bound.result), Some(DataType::Decimal128(13, 6)));
    }

    #[test]
    fn a_result_of_null_only_has_no_type() {
        let bound = bind("F(a T) → ARRAY<T>", &[DataType::Null]);
        assert_eq!(bound, Some(Bound { parameters: vec![DataType::Null], result: None }));
    }

    #[test]
    fn a_malformed_signature_is_refused() {
        assert_eq!(Variant::parse("F(a NONSENSE) → STRING"), None);
        assert_eq!(Variant::parse("F(a STRING)"), None);
    }
}
