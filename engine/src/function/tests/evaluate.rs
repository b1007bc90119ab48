//! Evaluates expressions written as users write them: a small parser that resolves as it reads,
//! as the expression resolver does, with DataFusion's physical expressions behind it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::expr::LambdaVariable;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Operator, binary_expr, col, lit};
use datafusion::physical_expr::create_physical_expr;

use crate::function::call::{UnresolvedLambdas, lambda_call, scalar_call};
use crate::function::java_text::write_java_text;
use crate::function::operator::{
    ArithmeticOperator, NullOperand, arithmetic, array_constructor, cast, dereference,
    map_constructor, negate, struct_constructor, subscript,
};
use crate::function::{Functions, Implementation};
use crate::types::{TIME, TIMESTAMP, array_of, map_of};

/// The result of a constant expression as text; strings in quotes.
pub(super) fn evaluate(expression: &str) -> Result<String> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let empty = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
    let column = evaluate_on(expression, &empty)?;
    Ok(show(&column, 0))
}

/// The result of an expression over a batch.
pub(super) fn evaluate_on(expression: &str, batch: &RecordBatch) -> Result<ArrayRef> {
    let schema = DFSchema::try_from(batch.schema().as_ref().clone())?;
    let functions = Functions::builtin();
    let parser = Parser { schema: &schema, functions: &functions, lambdas: Vec::new() };
    let (expr, rest) = parser.comparison(expression)?;
    if !rest.trim().is_empty() {
        return exec_err!("unexpected '{rest}'");
    }
    let context = PhysicalPlanningContext::default();
    let physical = create_physical_expr(&expr, &schema, &ExecutionProps::new(), &context)?;
    physical.evaluate(batch)?.into_array(batch.num_rows())
}

/// A value as text; strings in quotes.
pub(super) fn show(column: &ArrayRef, row: usize) -> String {
    let mut text = String::new();
    write_java_text(&mut text, column, row);
    match column.data_type() {
        _ if column.is_null(row) => "NULL".to_owned(),
        DataType::Utf8 => format!("'{text}'"),
        _ => text,
    }
}

/// Reads expressions; every method gives what it read and the text behind it.
struct Parser<'a> {
    schema: &'a DFSchema,
    functions: &'a Functions,
    /// The parameters of the lambdas around.
    lambdas: Vec<FieldRef>,
}

type Parsed<'t> = Result<(Expr, &'t str)>;

impl Parser<'_> {
    fn comparison<'t>(&self, text: &'t str) -> Parsed<'t> {
        let (left, rest) = self.sum(text)?;
        let operators = [("<", Operator::Lt), (">", Operator::Gt), ("=", Operator::Eq)];
        let trimmed = rest.trim_start();
        for (token, operator) in operators {
            match trimmed.strip_prefix(token) {
                Some(rest) if !trimmed.starts_with("=>") => {
                    let (right, rest) = self.sum(rest)?;
                    return Ok((binary_expr(left, operator, right), rest));
                }
                _ => {}
            }
        }
        Ok((left, rest))
    }

    fn sum<'t>(&self, text: &'t str) -> Parsed<'t> {
        let operators = [("+", ArithmeticOperator::Add), ("-", ArithmeticOperator::Subtract)];
        self.operations(text, &operators, Self::product)
    }

    fn product<'t>(&self, text: &'t str) -> Parsed<'t> {
        let operators = [
            ("*", ArithmeticOperator::Multiply),
            ("/", ArithmeticOperator::Divide),
            ("%", ArithmeticOperator::Modulo),
        ];
        self.operations(text, &operators, Self::postfix)
    }

    fn operations<'t>(
        &self,
        text: &'t str,
        operators: &[(&str, ArithmeticOperator)],
        operand: fn(&Self, &'t str) -> Parsed<'t>,
    ) -> Parsed<'t> {
        let (mut left, mut rest) = operand(self, text)?;
        loop {
            let trimmed = rest.trim_start();
            let found = operators
                .iter()
                .filter(|_| !trimmed.starts_with("->"))
                .find_map(|(token, operator)| Some((operator, trimmed.strip_prefix(token)?)));
            let Some((operator, after)) = found else { return Ok((left, rest)) };
            let (right, after) = operand(self, after)?;
            let nulls = match self.lambdas.is_empty() {
                true => NullOperand::Null,
                false => NullOperand::Error,
            };
            left = scalar_call(&arithmetic(*operator, nulls), vec![left, right], self.schema)?;
            rest = after;
        }
    }

    fn postfix<'t>(&self, text: &'t str) -> Parsed<'t> {
        let (mut value, mut rest) = self.primary(text.trim_start())?;
        loop {
            if let Some(after) = rest.strip_prefix('[') {
                let (index, after) = self.comparison(after)?;
                value = scalar_call(&subscript(), vec![value, index], self.schema)?;
                rest = expect(after, "]")?;
            } else if let Some(after) = rest.strip_prefix("->") {
                let (name, after) = word(after);
                value = scalar_call(&dereference(name), vec![value], self.schema)?;
                rest = after;
            } else {
                return Ok((value, rest));
            }
        }
    }

    fn primary<'t>(&self, text: &'t str) -> Parsed<'t> {
        match text.chars().next() {
            Some('\'') => string(&text[1..]),
            Some('(') => {
                let (value, rest) = self.comparison(&text[1..])?;
                Ok((value, expect(rest, ")")?))
            }
            Some('-') => {
                let (value, rest) = self.primary(&text[1..])?;
                Ok((scalar_call(&negate(), vec![value], self.schema)?, rest))
            }
            Some(char) if char.is_ascii_digit() => number(text),
            Some(char) if char.is_alphabetic() => self.named(text),
            _ => exec_err!("unexpected '{text}'"),
        }
    }

    fn named<'t>(&self, text: &'t str) -> Parsed<'t> {
        let (name, rest) = word(text);
        match (name, rest.chars().next()) {
            ("NULL", _) => Ok((lit(ScalarValue::Null), rest)),
            ("true", _) => Ok((lit(true), rest)),
            ("false", _) => Ok((lit(false), rest)),
            ("ARRAY", Some('[')) => {
                let (items, rest) = self.list(&rest[1..], "]")?;
                Ok((scalar_call(&array_constructor(), items, self.schema)?, rest))
            }
            ("MAP", Some('(')) => {
                let (items, rest) = self.list(&rest[1..], ")")?;
                Ok((scalar_call(&map_constructor(), items, self.schema)?, rest))
            }
            ("STRUCT", Some('(')) => self.structure(&rest[1..]),
            ("CAST", Some('(')) => {
                let (value, rest) = self.comparison(&rest[1..])?;
                let (data_type, rest) = data_type(expect(rest, "AS")?)?;
                Ok((scalar_call(&cast(data_type), vec![value], self.schema)?, expect(rest, ")")?))
            }
            (name, Some('(')) => self.call(name, &rest[1..]),
            (name, _) => match self.lambdas.iter().rev().find(|field| field.name() == name) {
                Some(field) => {
                    let field = Some(Arc::clone(field));
                    Ok((Expr::LambdaVariable(LambdaVariable::new(name.to_owned(), field)), rest))
                }
                None => Ok((col(name), rest)),
            },
        }
    }

    /// Items up to a closing token, separated by `,` or `:=`.
    fn list<'t>(&self, text: &'t str, close: &str) -> Result<(Vec<Expr>, &'t str)> {
        let mut items = Vec::new();
        let mut rest = text.trim_start();
        while !rest.starts_with(close) {
            let (item, after) = self.comparison(rest)?;
            items.push(item);
            rest = after.trim_start().trim_start_matches([',', ':', '=']).trim_start();
        }
        Ok((items, expect(rest, close)?))
    }

    fn structure<'t>(&self, text: &'t str) -> Parsed<'t> {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        let mut rest = text.trim_start();
        while !rest.starts_with(')') {
            let (name, after) = word(rest);
            let (value, after) = self.comparison(expect(after, ":=")?)?;
            names.push(name.to_owned());
            values.push(value);
            rest = after.trim_start().trim_start_matches(',').trim_start();
        }
        let constructor = struct_constructor(names)?;
        Ok((scalar_call(&constructor, values, self.schema)?, expect(rest, ")")?))
    }

    fn call<'t>(&self, name: &str, text: &'t str) -> Parsed<'t> {
        let Some((_, implementation)) = self.functions.get(name) else {
            return exec_err!("there is no function {name}");
        };
        match implementation {
            Implementation::Scalar(function) | Implementation::Table(function) => {
                let (arguments, rest) = self.list(text, ")")?;
                Ok((scalar_call(function, arguments, self.schema)?, rest))
            }
            Implementation::HigherOrder(function) => {
                let (mut values, mut lambdas) = (Vec::new(), Vec::new());
                let mut rest = text.trim_start();
                while !rest.starts_with(')') {
                    rest = match lambda_head(rest) {
                        Some((parameters, body)) => {
                            let (body, after) = body.split_at(argument_end(body));
                            lambdas.push((parameters, body));
                            after
                        }
                        None => {
                            let (value, after) = self.comparison(rest)?;
                            values.push(value);
                            after
                        }
                    };
                    rest = rest.trim_start().trim_start_matches(',').trim_start();
                }
                let (parameters, bodies): (_, Vec<&str>) = lambdas.into_iter().unzip();
                let mut body =
                    |index: usize, fields: &[FieldRef]| self.lambda(bodies[index], fields);
                let lambdas = UnresolvedLambdas { parameters, body: &mut body };
                Ok((lambda_call(function, values, lambdas, self.schema)?, expect(rest, ")")?))
            }
            Implementation::Aggregate(_) => exec_err!("{name} is an aggregate"),
        }
    }

    fn lambda(&self, body: &str, parameters: &[FieldRef]) -> Result<Expr> {
        let lambdas = self.lambdas.iter().chain(parameters).cloned().collect();
        let inner = Parser { schema: self.schema, functions: self.functions, lambdas };
        inner.comparison(body).map(|(body, _)| body)
    }
}

/// The parameters of a lambda and the text of its body, if the text starts with one.
fn lambda_head(text: &str) -> Option<(Vec<String>, &str)> {
    let (names, rest) = match text.strip_prefix('(') {
        Some(rest) => rest.split_once(')')?,
        None => word(text),
    };
    let body = rest.trim_start().strip_prefix("=>")?;
    Some((names.split(',').map(|name| name.trim().to_owned()).collect(), body))
}

/// Where an argument ends: at a comma or a bracket outside of brackets.
fn argument_end(text: &str) -> usize {
    let mut depth = 0;
    for (at, char) in text.char_indices() {
        match char {
            '(' | '[' => depth += 1,
            ')' | ']' if depth > 0 => depth -= 1,
            ')' | ']' => return at,
            ',' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

fn expect<'t>(text: &'t str, token: &str) -> Result<&'t str> {
    match text.trim_start().strip_prefix(token) {
        Some(rest) => Ok(rest),
        None => exec_err!("expected '{token}' at '{text}'"),
    }
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(text.len());
    text.split_at(end)
}

fn string(text: &str) -> Parsed<'_> {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '\'' if chars.next_if(|(_, next)| *next == '\'').is_some() => value.push('\''),
            '\'' => return Ok((lit(value), &text[at + 1..])),
            char => value.push(char),
        }
    }
    exec_err!("a string is not closed")
}

/// INTEGER or BIGINT; DOUBLE with an exponent; DECIMAL with a point.
fn number(text: &str) -> Parsed<'_> {
    let ends = |(at, char): &(usize, char)| {
        let exponent_sign = *char == '-' && text[..*at].ends_with('e');
        !(char.is_ascii_digit() || ".e".contains(*char) || exponent_sign)
    };
    let end = text.char_indices().find(ends).map_or(text.len(), |(at, _)| at);
    let (digits, rest) = text.split_at(end);
    if let Ok(integer) = digits.parse::<i32>() {
        return Ok((lit(integer), rest));
    }
    if let Ok(integer) = digits.parse::<i64>() {
        return Ok((lit(integer), rest));
    }
    match digits.split_once('.') {
        Some((whole, fraction)) if !digits.contains('e') => {
            let unscaled = format!("{whole}{fraction}").parse().ok();
            let (precision, scale) = ((whole.len() + fraction.len()) as u8, fraction.len() as i8);
            Ok((lit(ScalarValue::Decimal128(unscaled, precision, scale)), rest))
        }
        _ => Ok((lit(digits.parse::<f64>().unwrap_or(f64::NAN)), rest)),
    }
}

fn data_type(text: &str) -> Result<(DataType, &str)> {
    let (name, rest) = word(text);
    Ok(match name {
        "BOOLEAN" => (DataType::Boolean, rest),
        "INTEGER" => (DataType::Int32, rest),
        "BIGINT" => (DataType::Int64, rest),
        "DOUBLE" => (DataType::Float64, rest),
        "STRING" => (DataType::Utf8, rest),
        "BYTES" => (DataType::Binary, rest),
        "DATE" => (DataType::Date32, rest),
        "TIME" => (TIME, rest),
        "TIMESTAMP" => (TIMESTAMP, rest),
        "DECIMAL" => {
            let (precision, rest) = word(expect(rest, "(")?);
            let (scale, rest) = word(expect(rest, ",")?);
            let size = (precision.parse().unwrap_or(0), scale.parse().unwrap_or(0));
            (DataType::Decimal128(size.0, size.1), expect(rest, ")")?)
        }
        "ARRAY" => {
            let (item, rest) = data_type(expect(rest, "<")?)?;
            (array_of(item), expect(rest, ">")?)
        }
        "MAP" => {
            let (key, rest) = data_type(expect(rest, "<")?)?;
            let (value, rest) = data_type(expect(rest, ",")?)?;
            (map_of(key, value), expect(rest, ">")?)
        }
        "STRUCT" => {
            let (field, rest) = word(expect(rest, "<")?);
            let (value, rest) = data_type(rest)?;
            (crate::types::struct_of([(field, value)]), expect(rest, ">")?)
        }
        other => return exec_err!("unknown type {other}"),
    })
}
