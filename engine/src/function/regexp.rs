//! Regular expression functions, in Java's syntax.

use std::borrow::Cow;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use datafusion::common::{Result, exec_err};
use regex::Regex;

use super::arguments::{Arguments, Column, Memo};
use super::java_regex::{compile, translate_replacement};
use super::scalar::{Scalar, define};
use super::sequence::Sequence;
use super::string::text_lists;

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "REGEXP_EXTRACT",
            "The first part of a text that matches a pattern, or what a group of it matched. NULL \
             if nothing does.",
            &["REGEXP_EXTRACT(pattern STRING, value STRING[, group INTEGER]) → STRING"],
            &[("REGEXP_EXTRACT('(.*) (.*)', 'hello there', 2)", "'there'")],
            extract,
        ),
        define(
            "REGEXP_EXTRACT_ALL",
            "All parts of a text that match a pattern, or what a group of it matched each time.",
            &["REGEXP_EXTRACT_ALL(pattern STRING, value STRING[, group INTEGER]) → ARRAY<STRING>"],
            &[("REGEXP_EXTRACT_ALL('(\\w+) (\\w+)', 'a b c d', 2)", "[b, d]")],
            extract_all,
        ),
        define(
            "REGEXP_REPLACE",
            "The text with all parts that match a pattern replaced; $1 in the replacement is what \
             the first group matched.",
            &["REGEXP_REPLACE(value STRING, pattern STRING, new STRING) → STRING"],
            &[("REGEXP_REPLACE('a1b22', '(\\d+)', '<$1>')", "'a<1>b<22>'")],
            replace,
        ),
        define(
            "REGEXP_SPLIT_TO_ARRAY",
            "The parts of a text between the matches of a pattern.",
            &["REGEXP_SPLIT_TO_ARRAY(value STRING, pattern STRING) → ARRAY<STRING>"],
            &[("REGEXP_SPLIT_TO_ARRAY('aabcda', '(ab|cd)')", "[a, , a]")],
            split,
        ),
    ]
}

/// The group asked for: the whole match if none is; none for NULL.
fn group(groups: Option<&Column<Int32Array>>, row: usize, regex: &Regex) -> Result<Option<usize>> {
    let Some(groups) = groups else { return Ok(Some(0)) };
    let Some(group) = groups.get(row) else { return Ok(None) };
    let count = regex.captures_len() - 1;
    match usize::try_from(group) {
        Ok(group) if group <= count => Ok(Some(group)),
        _ => exec_err!("there is no group {group}: '{regex}' has {count}"),
    }
}

fn extract(args: &Arguments) -> Result<ArrayRef> {
    let (patterns, texts) = (args.column::<StringArray>(0)?, args.column::<StringArray>(1)?);
    let groups = args.optional::<Int32Array>(2)?;
    let mut regexes = Memo::new(compile);
    args.try_each::<StringArray, _>(|row| {
        let (Some(pattern), Some(text)) = (patterns.get(row), texts.get(row)) else {
            return Ok(None);
        };
        let regex = regexes.get(pattern)?;
        let Some(group) = group(groups.as_ref(), row, regex)? else { return Ok(None) };
        let found = regex.captures(text).and_then(|captures| captures.get(group));
        Ok(found.map(|found| found.as_str()))
    })
}

fn extract_all(args: &Arguments) -> Result<ArrayRef> {
    let (patterns, texts) = (args.column::<StringArray>(0)?, args.column::<StringArray>(1)?);
    let groups = args.optional::<Int32Array>(2)?;
    let mut regexes = Memo::new(compile);
    text_lists(args.rows(), |row| {
        let (Some(pattern), Some(text)) = (patterns.get(row), texts.get(row)) else {
            return Ok(None);
        };
        let regex = regexes.get(pattern)?;
        let Some(group) = group(groups.as_ref(), row, regex)? else { return Ok(None) };
        let found = regex.captures_iter(text).map(|captures| captures.get(group));
        Ok(Some(found.map(|found| Some(found?.as_str().into())).collect::<Vec<_>>()))
    })
}

fn replace(args: &Arguments) -> Result<ArrayRef> {
    let (texts, patterns) = (args.column::<StringArray>(0)?, args.column::<StringArray>(1)?);
    let replacements = args.column::<StringArray>(2)?;
    let mut regexes = Memo::new(compile);
    let mut translations = Memo::new(|text| Ok(translate_replacement(text)));
    args.try_each::<StringArray, _>(|row| {
        let (Some(text), Some(pattern), Some(replacement)) =
            (texts.get(row), patterns.get(row), replacements.get(row))
        else {
            return Ok(None);
        };
        let replacement = translations.get(replacement)?.as_str();
        Ok(Some(regexes.get(pattern)?.replace_all(text, replacement)))
    })
}

fn split(args: &Arguments) -> Result<ArrayRef> {
    let (texts, patterns) = (args.column::<StringArray>(0)?, args.column::<StringArray>(1)?);
    let mut regexes = Memo::new(compile);
    text_lists(args.rows(), |row| {
        let (Some(text), Some(pattern)) = (texts.get(row), patterns.get(row)) else {
            return Ok(None);
        };
        let parts: Vec<&str> = match pattern.is_empty() {
            true => text.parts(""),
            false => regexes.get(pattern)?.split(text).collect(),
        };
        Ok(Some(parts.into_iter().map(|part| Some(Cow::Borrowed(part))).collect::<Vec<_>>()))
    })
}
