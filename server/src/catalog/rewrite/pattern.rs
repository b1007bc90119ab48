//! Patterns of `LIKE`.

use datafusion::sql::sqlparser::ast::{Expr, Ident, Value, ValueWithSpan};

use super::call;

/// `LIKE pattern ESCAPE '/'` as `LIKE` with the backslash for the escape, which is the only one
/// that DataFusion knows: an escaped `/` becomes `/`, every other one the backslash.
pub(super) fn escape_by_backslash(pattern: &mut Expr, escape_char: &mut Option<ValueWithSpan>) {
    let escape = escape_char.as_ref().and_then(|escape| escape.value.clone().into_string());
    let Some(escape) = escape.filter(|escape| escape != "\\") else { return };
    // No pattern holds this character.
    const HELD: &str = "\u{1}";
    let text = |text: &str| Expr::value(Value::SingleQuotedString(text.to_owned()));
    let steps = [("\\", "\\\\"), (&escape.repeat(2), HELD), (&escape, "\\"), (HELD, &escape)];
    let whole = std::mem::replace(pattern, Expr::Identifier(Ident::new("pattern")));
    *pattern = steps
        .into_iter()
        .fold(whole, |pattern, (from, to)| call("replace", [pattern, text(from), text(to)]));
    *escape_char = None;
}
