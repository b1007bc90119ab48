//! Writing delimited lines, without line break, quoted exactly where ksqlDB quotes.

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Fields;

use super::QUOTE;
use crate::error::{Error, Result};
use crate::format::Encoder;
use crate::format::payloads::{Payload, check_columns, encode_rows};
use crate::format::printer::Printer;

/// Writes columns as lines.
pub(in crate::format) struct DelimitedEncoder {
    fields: Fields,
    delimiter: char,
}

impl DelimitedEncoder {
    pub(in crate::format) fn new(fields: Fields, delimiter: char) -> Self {
        Self { fields, delimiter }
    }
}

impl Encoder for DelimitedEncoder {
    fn encode(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        present: Option<&NullBuffer>,
    ) -> Result<BinaryArray> {
        check_columns(columns, self.fields.len(), rows)?;
        let columns = columns.iter().map(column).collect::<Result<Vec<_>>>()?;
        let mut text = String::new();
        encode_rows(rows, present, |row, out: &mut String| {
            for (index, (printer, nulls)) in columns.iter().enumerate() {
                if index > 0 {
                    out.push(self.delimiter);
                }
                if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                    text.clear();
                    printer.print(row, &mut text);
                    write_field(&text, index == 0, self.delimiter, out);
                }
            }
            Payload::Written
        })
    }
}

type Column<'a> = (Printer<'a>, Option<&'a NullBuffer>);

fn column(array: &ArrayRef) -> Result<Column<'_>> {
    let printer = Printer::new(array).ok_or_else(|| {
        Error::Internal(format!("the 'DELIMITED' format has no type {}", array.data_type()))
    })?;
    Ok((printer, array.nulls()))
}

fn write_field(text: &str, first: bool, delimiter: char, out: &mut String) {
    if !needs_quotes(text, first, delimiter) {
        out.push_str(text);
        return;
    }
    out.push(QUOTE);
    for (index, part) in text.split(QUOTE).enumerate() {
        out.push_str(if index > 0 { "\"\"" } else { "" });
        out.push_str(part);
    }
    out.push(QUOTE);
}

/// Whether `text` has to be quoted. It is the text that decides, whatever the type: `-10` at the
/// start of a line is quoted, as is anything there that does not begin with a letter or digit.
fn needs_quotes(text: &str, first: bool, delimiter: char) -> bool {
    let Some(head) = text.chars().next() else { return first };
    let awkward_head = if first { !head.is_ascii_alphanumeric() } else { head <= '#' };
    awkward_head
        || text.ends_with(|tail| tail <= ' ')
        || text.contains([delimiter, QUOTE, '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_where_ksqldb_quotes_it() {
        let written = |text: &str, first| {
            let mut out = String::new();
            write_field(text, first, ',', &mut out);
            out
        };
        for (text, first, other) in [
            ("abc", "abc", "abc"),
            ("-10", "\"-10\"", "-10"),
            ("é", "\"é\"", "é"),
            ("", "\"\"", ""),
            ("#a", "\"#a\"", "\"#a\""),
            ("$a", "\"$a\"", "$a"),
            ("a ", "\"a \"", "\"a \""),
            (" a", "\" a\"", "\" a\""),
            ("a,b", "\"a,b\"", "\"a,b\""),
            ("a\"b", "\"a\"\"b\"", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\"", "\"a\nb\""),
            ("a b", "a b", "a b"),
        ] {
            assert_eq!(written(text, true), first);
            assert_eq!(written(text, false), other);
        }
    }
}
