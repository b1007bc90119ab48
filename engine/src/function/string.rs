//! String functions.
//!
//! Positions and lengths count characters (Unicode scalar values) from 1. Java counts UTF-16 code
//! units, which differs only behind characters outside of the basic plane, such as emoji.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Int32Array, ListArray, ListBuilder, MapBuilder, StringArray,
    StringBuilder,
};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use md5::{Digest, Md5};

use super::arguments::{Arguments, Column};
use super::scalar::{Scalar, define};
use super::sequence::{Sequence, concat, concat_ws, pad, position_range, split, take_range};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    [letters(), joins(), parts(), choices()].into_iter().flatten().collect()
}

fn letters() -> Vec<Scalar> {
    vec![
        define(
            "CHR",
            "The character with a Unicode code point, given as a number or as text like '\\u004b'.",
            &["CHR(code INTEGER) → STRING", "CHR(code STRING) → STRING"],
            &[("CHR(75)", "'K'"), ("CHR('\\u004b')", "'K'")],
            chr,
        ),
        define(
            "INITCAP",
            "The text with each word capitalised: its first letter in upper case, the rest in \
             lower case.",
            &["INITCAP(value STRING) → STRING"],
            &[("INITCAP('the QUICK fox')", "'The Quick Fox'")],
            |args| map(args, |text| Some(capitalize(text))),
        ),
        define(
            "LCASE",
            "The text in lower case.",
            &["LCASE(value STRING) → STRING"],
            &[("LCASE('MiXeD')", "'mixed'")],
            |args| map(args, |text| Some(text.to_lowercase())),
        ),
        define(
            "UCASE",
            "The text in upper case.",
            &["UCASE(value STRING) → STRING"],
            &[("UCASE('MiXeD')", "'MIXED'")],
            |args| map(args, |text| Some(text.to_uppercase())),
        ),
        define(
            "TRIM",
            "The text without spaces and control characters at its ends.",
            &["TRIM(value STRING) → STRING"],
            &[("TRIM('  a b ')", "'a b'")],
            |args| map(args, |text| Some(text.trim_matches(|char| char <= ' ').to_owned())),
        ),
        define(
            "MD5",
            "The MD5 digest of the text in UTF-8, as 32 hexadecimal digits.",
            &["MD5(value STRING) → STRING"],
            &[("MD5('')", "'d41d8cd98f00b204e9800998ecf8427e'")],
            |args| map(args, |text| Some(md5(text))),
        ),
        define(
            "UUID",
            "A random UUID, another one for each row; or the UUID made of 16 bytes.",
            &["UUID() → STRING", "UUID(value BYTES) → STRING"],
            &[],
            uuid,
        )
        .volatile(),
    ]
}

fn joins() -> Vec<Scalar> {
    vec![
        define(
            "CONCAT",
            "The values one after the other, nulls left out.",
            &["CONCAT(value STRING...) → STRING", "CONCAT(value BYTES...) → BYTES"],
            &[("CONCAT('a', NULL, 'b')", "'ab'")],
            concat,
        ),
        define(
            "CONCAT_WS",
            "The values one after the other with a separator between them, nulls left out. NULL if \
             the separator is null.",
            &[
                "CONCAT_WS(separator STRING, value STRING...) → STRING",
                "CONCAT_WS(separator BYTES, value BYTES...) → BYTES",
            ],
            &[("CONCAT_WS('-', 'a', NULL, 'b')", "'a-b'")],
            concat_ws,
        ),
        define(
            "LEN",
            "The number of characters of a text, or of bytes.",
            &["LEN(value STRING) → INTEGER", "LEN(value BYTES) → INTEGER"],
            &[("LEN('stream')", "6")],
            len,
        ),
        define(
            "LPAD",
            "The value filled up from the left to a length, or cut to it. NULL if the length is \
             negative or the padding empty.",
            &[
                "LPAD(value STRING, length INTEGER, padding STRING) → STRING",
                "LPAD(value BYTES, length INTEGER, padding BYTES) → BYTES",
            ],
            &[("LPAD('foo', 7, 'Bar')", "'BarBfoo'"), ("LPAD('foo', 2, 'Bar')", "'fo'")],
            |args| pad(args, true),
        ),
        define(
            "RPAD",
            "The value filled up from the right to a length, or cut to it. NULL if the length is \
             negative or the padding empty.",
            &[
                "RPAD(value STRING, length INTEGER, padding STRING) → STRING",
                "RPAD(value BYTES, length INTEGER, padding BYTES) → BYTES",
            ],
            &[("RPAD('foo', 7, 'Bar')", "'fooBarB'"), ("RPAD('foo', 2, 'Bar')", "'fo'")],
            |args| pad(args, false),
        ),
    ]
}

fn parts() -> Vec<Scalar> {
    vec![
        define(
            "REPLACE",
            "The text with every occurrence of a part replaced.",
            &["REPLACE(value STRING, old STRING, new STRING) → STRING"],
            &[("REPLACE('anaconda', 'a', 'o')", "'onocondo'")],
            replace,
        ),
        define(
            "SPLIT",
            "The parts between the delimiters. An empty delimiter splits into single characters.",
            &[
                "SPLIT(value STRING, delimiter STRING) → ARRAY<STRING>",
                "SPLIT(value BYTES, delimiter BYTES) → ARRAY<BYTES>",
            ],
            &[("SPLIT('a.b.', '.')", "[a, b, ]")],
            split,
        ),
        define(
            "SPLIT_TO_MAP",
            "A map of the key-value pairs in a text. Parts without a key-value delimiter are left \
             out; of several values of a key the last one stays.",
            &["SPLIT_TO_MAP(value STRING, entry_delimiter STRING, pair_delimiter STRING) \
               → MAP<STRING, STRING>"],
            &[("SPLIT_TO_MAP('a=1;b=2', ';', '=')", "{a=1, b=2}")],
            split_to_map,
        ),
        define(
            "SUBSTRING",
            "The part from a position on, counted from 1, or from the end if it is negative.",
            &[
                "SUBSTRING(value STRING, position INTEGER[, length INTEGER]) → STRING",
                "SUBSTRING(value BYTES, position INTEGER[, length INTEGER]) → BYTES",
            ],
            &[("SUBSTRING('stream', 1, 3)", "'str'"), ("SUBSTRING('stream', -4)", "'ream'")],
            substring,
        ),
    ]
}

fn choices() -> Vec<Scalar> {
    vec![
        define(
            "ELT",
            "The n-th of the texts, counted from 1; NULL if there is none.",
            &["ELT(n INTEGER, value STRING...) → STRING"],
            &[("ELT(2, 'a', 'b')", "'b'"), ("ELT(3, 'a', 'b')", "NULL")],
            elt,
        ),
        define(
            "FIELD",
            "The position of a text among others, counted from 1; 0 if it is not among them.",
            &["FIELD(value STRING, other STRING...) → INTEGER"],
            &[("FIELD('b', 'a', 'b')", "2"), ("FIELD('c', 'a', 'b')", "0")],
            field,
        ),
        define(
            "INSTR",
            "The position of a part in a text, counted from 1; 0 if it does not occur. The search \
             starts at a position (from the end and backwards if it is negative) and stops at an \
             occurrence, the first one unless told.",
            &["INSTR(value STRING, part STRING[, position INTEGER[, occurrence INTEGER]]) \
               → INTEGER"],
            &[
                ("INSTR('corporate floor', 'or')", "2"),
                ("INSTR('corporate floor', 'or', 4, 2)", "14"),
                ("INSTR('corporate floor', 'or', -4)", "5"),
            ],
            instr,
        ),
    ]
}

/// A text for each text.
pub(super) fn map(args: &Arguments, change: impl Fn(&str) -> Option<String>) -> Result<ArrayRef> {
    let texts = args.column::<StringArray>(0)?;
    args.each::<StringArray, _>(|row| change(texts.get(row)?))
}

fn chr(args: &Arguments) -> Result<ArrayRef> {
    if *args.data_type(0) == DataType::Utf8 {
        return map(args, unescape);
    }
    let codes = args.column::<Int32Array>(0)?;
    args.each::<StringArray, _>(|row| {
        let code = u32::try_from(codes.get(row)?).ok()?;
        Some(char::from_u32(code)?.to_string())
    })
}

/// The text of one or more `\uXXXX`; two of them may be a surrogate pair.
fn unescape(text: &str) -> Option<String> {
    let units = text
        .strip_prefix("\\u")?
        .split("\\u")
        .map(|unit| u16::from_str_radix(unit, 16).ok().filter(|_| unit.len() == 4))
        .collect::<Option<Vec<u16>>>()?;
    String::from_utf16(&units).ok()
}

fn capitalize(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut starts_word = true;
    for char in text.chars() {
        match starts_word {
            true => result.extend(char.to_uppercase()),
            false => result.extend(char.to_lowercase()),
        }
        starts_word = char.is_whitespace();
    }
    result
}

fn md5(text: &str) -> String {
    let mut digits = String::with_capacity(32);
    for byte in Md5::digest(text) {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn uuid(args: &Arguments) -> Result<ArrayRef> {
    if args.len() == 0 {
        return args.each::<StringArray, _>(|_| Some(uuid::Uuid::new_v4().to_string()));
    }
    let values = args.column::<BinaryArray>(0)?;
    args.each::<StringArray, _>(|row| {
        Some(uuid::Uuid::from_slice(values.get(row)?).ok()?.to_string())
    })
}

fn len(args: &Arguments) -> Result<ArrayRef> {
    if *args.data_type(0) == DataType::Binary {
        let values = args.column::<BinaryArray>(0)?;
        return args.each::<Int32Array, _>(|row| Some(values.get(row)?.len() as i32));
    }
    let texts = args.column::<StringArray>(0)?;
    args.each::<Int32Array, _>(|row| Some(Sequence::len(texts.get(row)?) as i32))
}

fn replace(args: &Arguments) -> Result<ArrayRef> {
    let texts = args.column::<StringArray>(0)?;
    let (old, new) = (args.column::<StringArray>(1)?, args.column::<StringArray>(2)?);
    args.each::<StringArray, _>(|row| Some(texts.get(row)?.replace(old.get(row)?, new.get(row)?)))
}

fn split_to_map(args: &Arguments) -> Result<ArrayRef> {
    let texts = args.column::<StringArray>(0)?;
    let (entry, pair) = (args.column::<StringArray>(1)?, args.column::<StringArray>(2)?);
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in 0..args.rows() {
        let delimiters = (entry.get(row), pair.get(row));
        let valid = match (texts.get(row), delimiters) {
            (Some(text), (Some(entry), Some(pair))) if !entry.is_empty() && !pair.is_empty() => {
                for (key, value) in pairs(text, entry, pair) {
                    maps.keys().append_value(key);
                    maps.values().append_value(value);
                }
                true
            }
            _ => false,
        };
        maps.append(valid)?;
    }
    Ok(Arc::new(maps.finish()))
}

/// The pairs of a text; a later value of a key takes the place of an earlier one.
fn pairs<'a>(text: &'a str, entry: &str, pair: &str) -> indexmap::IndexMap<&'a str, &'a str> {
    let entries = text.split(entry).filter_map(|part| part.split_once(pair));
    entries.map(|(key, rest)| (key, rest.split(pair).next().unwrap_or(rest))).collect()
}

fn substring(args: &Arguments) -> Result<ArrayRef> {
    let positions = args.column::<Int32Array>(1)?;
    let lengths = args.optional::<Int32Array>(2)?;
    let range = |row, count| {
        let length = match &lengths {
            Some(lengths) => Some(lengths.get(row)?),
            None => None,
        };
        Some(position_range(count, positions.get(row)?, length))
    };
    take_range(args, range)
}

fn elt(args: &Arguments) -> Result<ArrayRef> {
    let (numbers, texts) = (args.column::<Int32Array>(0)?, args.columns::<StringArray>(1)?);
    args.each::<StringArray, _>(|row| {
        let index = usize::try_from(numbers.get(row)?.checked_sub(1)?).ok()?;
        texts.get(index)?.get(row)
    })
}

fn field(args: &Arguments) -> Result<ArrayRef> {
    let (texts, others) = (args.column::<StringArray>(0)?, args.columns::<StringArray>(1)?);
    args.each::<Int32Array, _>(|row| {
        let Some(text) = texts.get(row) else { return Some(0) };
        let found = others.iter().position(|other| other.get(row) == Some(text));
        Some(found.map_or(0, |index| index as i32 + 1))
    })
}

fn instr(args: &Arguments) -> Result<ArrayRef> {
    let (texts, parts) = (args.column::<StringArray>(0)?, args.column::<StringArray>(1)?);
    let (positions, occurrences) =
        (args.optional::<Int32Array>(2)?, args.optional::<Int32Array>(3)?);
    let number = |column: &Option<Column<Int32Array>>, row| match column {
        Some(column) => column.get(row),
        None => Some(1),
    };
    args.each::<Int32Array, _>(|row| {
        let found = || {
            let position = number(&positions, row)?;
            find(texts.get(row)?, parts.get(row)?, position, number(&occurrences, row)?)
        };
        Some(found().unwrap_or(0))
    })
}

/// The position of an occurrence of `part`, counted from 1.
fn find(text: &str, part: &str, position: i32, occurrence: i32) -> Option<i32> {
    let nth = usize::try_from(occurrence.checked_sub(1)?).ok()?;
    let starts =
        || text.char_indices().enumerate().filter(|(_, (at, _))| text[*at..].starts_with(part));
    let index = match position {
        0 => return None,
        1.. => {
            starts().map(|(index, _)| index).filter(|index| *index as i32 >= position - 1).nth(nth)
        }
        _ => {
            let last = Sequence::len(text) as i32 + position;
            let before = starts().map(|(index, _)| index).filter(|index| *index as i32 <= last);
            before.collect::<Vec<_>>().into_iter().rev().nth(nth)
        }
    }?;
    Some(index as i32 + 1)
}

/// A list of texts for each row; none for NULL.
pub(super) fn text_lists<'a, I>(
    rows: usize,
    mut list: impl FnMut(usize) -> Result<Option<I>>,
) -> Result<ArrayRef>
where
    I: IntoIterator<Item = Option<std::borrow::Cow<'a, str>>>,
{
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..rows {
        match list(row)? {
            Some(items) => {
                for item in items {
                    lists.values().append_option(item);
                }
                lists.append(true);
            }
            None => lists.append(false),
        }
    }
    let lists: ListArray = lists.finish();
    Ok(Arc::new(lists))
}

/// A length or count that must not be negative.
pub(super) fn non_negative(value: i32, what: &str) -> Result<usize> {
    match usize::try_from(value) {
        Ok(value) => Ok(value),
        Err(_) => exec_err!("{what} is {value}: it must not be negative"),
    }
}
