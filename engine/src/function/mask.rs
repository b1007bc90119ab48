//! The MASK family: hides what a text says and keeps how it looks.

use arrow::array::{ArrayRef, Int32Array, StringArray};
use datafusion::common::Result;

use super::arguments::{Arguments, Column};
use super::scalar::{Scalar, define};
use super::sequence::Sequence;
use super::string::non_negative;

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "MASK",
            "The text with upper-case letters, lower-case letters, digits and everything else \
             replaced by X, x, n and -, or by the characters given. A null keeps that class of \
             characters.",
            &[
                "MASK(value STRING[, upper STRING, lower STRING, digit STRING, other STRING]) → STRING",
            ],
            &[("MASK('My Test $123')", "'Xx-Xxxx--nnn'")],
            |args| mask(args, None),
        ),
        define(
            "MASK_KEEP_LEFT",
            "The text masked as by MASK, but for its first n characters.",
            &["MASK_KEEP_LEFT(value STRING, n INTEGER\
               [, upper STRING, lower STRING, digit STRING, other STRING]) → STRING"],
            &[("MASK_KEEP_LEFT('My Test $123', 4)", "'My Txxx--nnn'")],
            |args| mask(args, Some(|index, _, n| index >= n)),
        ),
        define(
            "MASK_KEEP_RIGHT",
            "The text masked as by MASK, but for its last n characters.",
            &["MASK_KEEP_RIGHT(value STRING, n INTEGER\
               [, upper STRING, lower STRING, digit STRING, other STRING]) → STRING"],
            &[("MASK_KEEP_RIGHT('My Test $123', 4)", "'Xx-Xxxx-$123'")],
            |args| mask(args, Some(|index, length, n| index + n < length)),
        ),
        define(
            "MASK_LEFT",
            "The text with its first n characters masked as by MASK.",
            &["MASK_LEFT(value STRING, n INTEGER\
               [, upper STRING, lower STRING, digit STRING, other STRING]) → STRING"],
            &[("MASK_LEFT('My Test $123', 4)", "'Xx-Xest $123'")],
            |args| mask(args, Some(|index, _, n| index < n)),
        ),
        define(
            "MASK_RIGHT",
            "The text with its last n characters masked as by MASK.",
            &["MASK_RIGHT(value STRING, n INTEGER\
               [, upper STRING, lower STRING, digit STRING, other STRING]) → STRING"],
            &[("MASK_RIGHT('My Test $123', 4)", "'My Test -nnn'")],
            |args| mask(args, Some(|index, length, n| index + n >= length)),
        ),
    ]
}

/// Whether the character at an index of a text of a length is hidden, for the call's `n`.
type Hidden = fn(usize, usize, usize) -> bool;

fn mask(args: &Arguments, hidden: Option<Hidden>) -> Result<ArrayRef> {
    let texts = args.column::<StringArray>(0)?;
    let numbers = hidden.map(|_| args.column::<Int32Array>(1)).transpose()?;
    let masks = Masks::new(args, 1 + usize::from(hidden.is_some()))?;
    args.try_each::<StringArray, _>(|row| {
        let Some(text) = texts.get(row) else { return Ok(None) };
        let n = match &numbers {
            Some(numbers) => match numbers.get(row) {
                Some(n) => non_negative(n, "the number of characters")?,
                None => return Ok(None),
            },
            None => 0,
        };
        let length = Sequence::len(text);
        let is_hidden = |index| hidden.is_none_or(|hidden| hidden(index, length, n));
        let masked = text.chars().enumerate().map(|(index, char)| match is_hidden(index) {
            true => masks.mask(char, row),
            false => char,
        });
        Ok(Some(masked.collect::<String>()))
    })
}

/// The characters that stand for upper-case letters, lower-case letters, digits and the rest;
/// without arguments, the usual ones.
struct Masks<'a> {
    given: Option<[Column<'a, StringArray>; 4]>,
}

impl<'a> Masks<'a> {
    fn new(args: &'a Arguments, first: usize) -> Result<Self> {
        let mut columns = args.columns::<StringArray>(first)?.into_iter();
        let mut next = || columns.next();
        let given = match (next(), next(), next(), next()) {
            (Some(upper), Some(lower), Some(digit), Some(other)) => {
                Some([upper, lower, digit, other])
            }
            _ => None,
        };
        Ok(Self { given })
    }

    fn mask(&self, char: char, row: usize) -> char {
        let (class, usual) = match char {
            char if char.is_uppercase() => (0, 'X'),
            char if char.is_lowercase() => (1, 'x'),
            char if char.is_numeric() => (2, 'n'),
            _ => (3, '-'),
        };
        match &self.given {
            Some(given) => {
                given[class].get(row).and_then(|mask| mask.chars().next()).unwrap_or(char)
            }
            None => usual,
        }
    }
}
