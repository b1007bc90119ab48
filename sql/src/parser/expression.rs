//! The parts of an expression that `sqlparser` does not read our way.
//!
//! Every expression that begins with a word starts here, so that only our keywords are special and
//! every other word is a name or a function: `sqlparser` has syntax of its own for `SUBSTRING`,
//! `CEIL`, `TRIM` and more, which are plain functions to us.

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType as SqlType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgOperator, FunctionArgumentList, FunctionArguments, Ident, LambdaFunction,
    LambdaFunctionParameter, LambdaSyntax, ObjectName, OneOrManyWithParens, TypedString,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token, Word};

use super::tokens::describe;
use super::types;
use crate::dialect::Failure;
use crate::error::{Error, ErrorCode};
use crate::keywords;

type Parsed = Result<Expr, Failure>;

/// The precedence of comparisons: what binds tighter is a value.
pub(crate) const CONDITION: u8 = 20;

/// How many fields one dereference may go down.
const FIELDS_MAX: usize = 64;

/// The beginning of an expression; `None` leaves it to `sqlparser`.
pub(crate) fn prefix(parser: &mut Parser) -> Option<Parsed> {
    match &parser.peek_token_ref().token {
        Token::Word(_) => Some(word(parser)),
        Token::Number(..) => Some(number(parser)),
        Token::SingleQuotedString(_) => Some(literal(parser)),
        Token::LParen if is_lambda_ahead(parser) => Some(lambda(parser)),
        _ => None,
    }
}

/// What follows an expression; `None` leaves it to `sqlparser`. The trait lends the left side, so
/// what is read here has to copy it.
pub(crate) fn infix(parser: &mut Parser, left: &Expr) -> Option<Parsed> {
    if parser.peek_token_ref().token == Token::Arrow {
        return Some(dereference(parser, left));
    }
    if parser.parse_keywords(&[Keyword::IS, Keyword::DISTINCT, Keyword::FROM]) {
        return Some(compared(parser, |right| Expr::IsDistinctFrom(Box::new(left.clone()), right)));
    }
    if parser.parse_keywords(&[Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM]) {
        return Some(compared(parser, |right| {
            Expr::IsNotDistinctFrom(Box::new(left.clone()), right)
        }));
    }
    None
}

/// The right side of `IS DISTINCT FROM`: a value, where `sqlparser` would take a whole condition.
fn compared(parser: &mut Parser, with: impl FnOnce(Box<Expr>) -> Expr) -> Parsed {
    Ok(with(Box::new(parser.parse_subexpr(CONDITION)?)))
}

fn word(parser: &mut Parser) -> Parsed {
    let token = parser.next_token();
    let Token::Word(word) = token.token else {
        return Err(expected_expression(parser, &token.token, token.span).into());
    };
    if let Some(expr) = keyword(parser, &word, token.span) {
        return expr;
    }
    if parser.peek_token_ref().token == Token::RArrow {
        parser.prev_token();
        return lambda(parser);
    }
    if word.quote_style.is_none() && keywords::is_reserved(&word.value) {
        return Err(expected_expression(parser, &Token::Word(word), token.span).into());
    }
    let name = word.into_ident(token.span);
    if parser.peek_token_ref().token == Token::LParen {
        return function(parser, name);
    }
    Ok(Expr::Identifier(name))
}

fn function(parser: &mut Parser, name: Ident) -> Parsed {
    let function = parser.parse_function(ObjectName::from(vec![name]))?;
    // `sqlparser` reads a `FILTER` also where no condition follows and it is an alias.
    if matches!(&parser.get_current_token().token, Token::Word(word) if word.keyword == Keyword::FILTER)
    {
        parser.prev_token();
    }
    Ok(function)
}

/// The words with a syntax of their own, where what follows shows that they are meant so.
fn keyword(parser: &mut Parser, word: &Word, span: Span) -> Option<Parsed> {
    let next = parser.peek_token_ref().token.clone();
    let is_call = next == Token::LParen;
    let is_string = matches!(next, Token::SingleQuotedString(_));
    match word.keyword {
        Keyword::TRUE | Keyword::FALSE | Keyword::NULL => {
            parser.prev_token();
            Some(literal(parser))
        }
        Keyword::CASE => Some(parser.parse_case_expr().map_err(Failure::from)),
        Keyword::NOT => Some(parser.parse_not().map_err(Failure::from)),
        Keyword::CAST if is_call => Some(cast(parser, CastKind::Cast)),
        Keyword::TRY_CAST if is_call => Some(cast(parser, CastKind::TryCast)),
        Keyword::EXISTS if is_call => Some(parser.parse_exists_expr(false).map_err(Failure::from)),
        Keyword::EXTRACT if is_call => Some(parser.parse_extract_expr().map_err(Failure::from)),
        Keyword::TRIM if is_call && is_sided_trim(parser) => {
            Some(parser.parse_trim_expr().map_err(Failure::from))
        }
        Keyword::MAP | Keyword::STRUCT if is_call => Some(constructor(parser, word, span)),
        Keyword::ARRAY if next == Token::LBracket => {
            parser.advance_token();
            Some(parser.parse_array_expr(true).map_err(Failure::from))
        }
        Keyword::INTERVAL if is_string => Some(parser.parse_interval().map_err(Failure::from)),
        Keyword::DECIMAL | Keyword::DATE | Keyword::TIME | Keyword::TIMESTAMP if is_string => {
            Some(typed_literal(parser, word.keyword))
        }
        Keyword::CURRENT_DATE | Keyword::CURRENT_TIME | Keyword::CURRENT_TIMESTAMP if !is_call => {
            let name = ObjectName::from(vec![word.clone().into_ident(span)]);
            Some(parser.parse_time_functions(name).map_err(Failure::from))
        }
        _ => None,
    }
}

/// A literal; `sqlparser` would let a field follow it.
fn literal(parser: &mut Parser) -> Parsed {
    let value = parser.parse_value()?;
    let next = parser.peek_token_ref();
    if next.token == Token::Period {
        return Err(Error::mismatch("an operator", ".", next.span).into());
    }
    Ok(Expr::Value(value))
}

/// A number; a whole number has to fit 64 bits, of which the sign before it may be one.
fn number(parser: &mut Parser) -> Parsed {
    let negative = parser.get_current_token().token == Token::Minus;
    let token = parser.peek_token_ref();
    if let Token::Number(text, _) = &token.token
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && !fits_bigint(text, negative)
    {
        let message = format!("the number {text} does not fit BIGINT");
        let error = Error::new(ErrorCode::Literal, message, token.span);
        return Err(error.with_hint(format!("write {text}.0 for a DECIMAL")).into());
    }
    literal(parser)
}

fn fits_bigint(digits: &str, negative: bool) -> bool {
    let largest = i64::MAX.unsigned_abs() + u64::from(negative);
    digits.parse::<u64>().is_ok_and(|value| value <= largest)
}

/// `DECIMAL '1.0'`, `DATE '2024-01-31'` and the like, after the type.
fn typed_literal(parser: &mut Parser, keyword: Keyword) -> Parsed {
    let data_type = match keyword {
        Keyword::DATE => SqlType::Date,
        Keyword::TIME => SqlType::Time(None, sqlparser::ast::TimezoneInfo::None),
        Keyword::TIMESTAMP => SqlType::Timestamp(None, sqlparser::ast::TimezoneInfo::None),
        _ => SqlType::Decimal(sqlparser::ast::ExactNumberInfo::None),
    };
    let value = parser.parse_value()?;
    Ok(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }))
}

/// `(expression AS type)`, after `CAST`.
fn cast(parser: &mut Parser, kind: CastKind) -> Parsed {
    parser.expect_token(&Token::LParen)?;
    let expr = Box::new(parser.parse_expr()?);
    parser.expect_keyword_is(Keyword::AS)?;
    let data_type = cast_type(parser)?;
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Cast { kind, expr, data_type, array: false, format: None })
}

/// One of our types, or one that only DataFusion knows.
fn cast_type(parser: &mut Parser) -> Result<SqlType, Failure> {
    match &parser.peek_token_ref().token {
        Token::Word(word) if word.quote_style.is_none() && types::is_foreign(word) => {
            Ok(parser.parse_data_type()?)
        }
        _ => Ok(types::data_type(parser)?.to_sqlparser()),
    }
}

/// `(key := value, …)` after `MAP`, or `(name := value, …)` after `STRUCT`.
fn constructor(parser: &mut Parser, word: &Word, span: Span) -> Parsed {
    parser.expect_token(&Token::LParen)?;
    let mut args = Vec::new();
    while parser.peek_token_ref().token != Token::RParen {
        if !args.is_empty() {
            parser.expect_token(&Token::Comma)?;
        }
        args.push(if word.keyword == Keyword::MAP { map_entry(parser)? } else { field(parser)? });
    }
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Function(Function {
        name: ObjectName::from(vec![word.clone().into_ident(span)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }))
}

fn map_entry(parser: &mut Parser) -> Result<FunctionArg, Failure> {
    let name = parser.parse_expr()?;
    parser.expect_token(&Token::Assignment)?;
    let arg = FunctionArgExpr::Expr(parser.parse_expr()?);
    Ok(FunctionArg::ExprNamed { name, arg, operator: FunctionArgOperator::Assignment })
}

fn field(parser: &mut Parser) -> Result<FunctionArg, Failure> {
    let name = types::field_name(parser)?;
    parser.expect_token(&Token::Assignment)?;
    let arg = FunctionArgExpr::Expr(parser.parse_expr()?);
    Ok(FunctionArg::Named { name, arg, operator: FunctionArgOperator::Assignment })
}

/// `->field` after an expression, with the subscripts that follow.
fn dereference(parser: &mut Parser, left: &Expr) -> Parsed {
    parser.expect_token(&Token::Arrow)?;
    if fields_down(left) >= FIELDS_MAX {
        let message = format!("the expression goes down more than {FIELDS_MAX} fields");
        return Err(Error::new(ErrorCode::Nesting, message, parser.peek_token_ref().span).into());
    }
    let field = types::field_name(parser)?;
    // The limit above bounds the cost of the copy.
    let expr = Expr::BinaryOp {
        left: Box::new(left.clone()),
        op: BinaryOperator::Arrow,
        right: Box::new(Expr::Identifier(field)),
    };
    if parser.peek_token_ref().token == Token::LBracket {
        return Ok(parser.parse_compound_expr(expr, Vec::new())?);
    }
    Ok(expr)
}

fn fields_down(mut expr: &Expr) -> usize {
    let mut fields = 0;
    loop {
        match expr {
            Expr::BinaryOp { left, op: BinaryOperator::Arrow, .. } => expr = left,
            Expr::CompoundFieldAccess { root, .. } => expr = root,
            _ => return fields,
        }
        fields += 1;
    }
}

/// `x => body` or `(x, y) => body`.
fn lambda(parser: &mut Parser) -> Parsed {
    let params = if parser.consume_token(&Token::LParen) {
        let names = parser.parse_comma_separated(|parser| parser.parse_identifier())?;
        parser.expect_token(&Token::RParen)?;
        OneOrManyWithParens::Many(names.into_iter().map(parameter).collect())
    } else {
        OneOrManyWithParens::One(parameter(parser.parse_identifier()?))
    };
    parser.expect_token(&Token::RArrow)?;
    let body = Box::new(parser.parse_expr()?);
    Ok(Expr::Lambda(LambdaFunction { params, body, syntax: LambdaSyntax::Arrow }))
}

fn parameter(name: Ident) -> LambdaFunctionParameter {
    LambdaFunctionParameter { name, data_type: None }
}

/// True before `(name, …) =>`.
fn is_lambda_ahead(parser: &Parser) -> bool {
    let is_name = |n| matches!(parser.peek_nth_token_ref(n).token, Token::Word(_));
    let mut n = 1;
    while is_name(n) && parser.peek_nth_token_ref(n + 1).token == Token::Comma {
        n += 2;
    }
    is_name(n)
        && parser.peek_nth_token_ref(n + 1).token == Token::RParen
        && parser.peek_nth_token_ref(n + 2).token == Token::RArrow
}

/// True before `(BOTH`, `(LEADING` and `(TRAILING`.
fn is_sided_trim(parser: &Parser) -> bool {
    let sides = [Keyword::BOTH, Keyword::LEADING, Keyword::TRAILING];
    matches!(&parser.peek_nth_token_ref(1).token, Token::Word(word) if sides.contains(&word.keyword))
}

fn expected_expression(parser: &mut Parser, found: &Token, span: Span) -> Error {
    parser.prev_token();
    Error::mismatch("an expression", describe(found), span)
}
