//! `LIKE … ESCAPE c`: patterns with an escape character of their own.
//!
//! Arrow's LIKE knows the backslash alone. So a pattern is rewritten: what its own character
//! escapes, the backslash does, and a backslash in it stands for itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::ScalarUDF;

use super::super::arguments::Arguments;
use super::{Operator, cast_array, operator_function};

/// The function of a pattern with that escape character that gives it with backslashes.
pub fn escaped_pattern(escape: char) -> Arc<ScalarUDF> {
    operator_function(EscapedPattern { escape })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct EscapedPattern {
    escape: char,
}

impl Operator for EscapedPattern {
    fn name(&self) -> &str {
        "escape"
    }

    fn return_type(&self, operands: &[DataType]) -> Result<DataType> {
        match operands {
            [DataType::Utf8 | DataType::Null] => Ok(DataType::Utf8),
            _ => plan_err!("a pattern of LIKE is a STRING"),
        }
    }

    fn evaluate(&self, operands: &Arguments) -> Result<ArrayRef> {
        let patterns = cast_array(&operands.array(0)?, &DataType::Utf8)?;
        let rewritten = patterns.as_string::<i32>().iter();
        let rewritten = rewritten.map(|pattern| pattern.map(|p| with_backslash(p, self.escape)));
        Ok(Arc::new(rewritten.collect::<StringArray>()))
    }
}

fn with_backslash(pattern: &str, escape: char) -> String {
    let mut out = String::with_capacity(pattern.len() + 2);
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        if char == escape {
            out.push('\\');
            // At the end it escapes nothing, and stands for itself.
            out.push(chars.next().unwrap_or(escape));
        } else if char == '\\' {
            out.push_str("\\\\");
        } else {
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::with_backslash;

    #[test]
    fn a_pattern_is_the_same_with_backslashes() {
        assert_eq!(with_backslash("!%a_!!", '!'), r"\%a_\!");
        assert_eq!(with_backslash(r"50!% \ off!", '!'), r"50\% \\ off\!");
        assert_eq!(with_backslash(r"\%", '\\'), r"\%");
    }
}
