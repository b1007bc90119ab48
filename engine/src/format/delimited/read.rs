//! Reading delimited lines.

use std::borrow::Cow;

use arrow::array::ArrayRef;
use arrow::datatypes::{FieldRef, Fields};

use super::QUOTE;
use crate::format::mismatch::{Mismatch, Result, not_text, quoted};
use crate::format::scalar_column::ScalarColumn;
use crate::format::{BadRow, Decoded, Decoder};

/// Reads lines into columns.
pub(in crate::format) struct DelimitedDecoder {
    fields: Fields,
    delimiter: char,
    wanted: Vec<usize>,
}

impl DelimitedDecoder {
    pub(in crate::format) fn new(fields: Fields, delimiter: char, wanted: Vec<usize>) -> Self {
        Self { fields, delimiter, wanted }
    }

    fn columns(&self, rows: usize) -> Vec<ScalarColumn> {
        let column = |(index, field): (usize, &FieldRef)| {
            ScalarColumn::new(field.data_type(), self.wanted.contains(&index), rows)
                .expect("the types were checked when the decoder was made")
        };
        self.fields.iter().enumerate().map(column).collect()
    }

    /// Appends the fields of one line to the columns, or some of them and fails.
    fn read(&self, payload: &[u8], columns: &mut [ScalarColumn]) -> Result<()> {
        let text = std::str::from_utf8(payload).map_err(|error| not_text(payload, &error))?;
        let mut line = Line { rest: Some(text), delimiter: self.delimiter };
        let mut count = 0;
        while let Some(value) = line.next_field()? {
            if let Some(column) = columns.get_mut(count) {
                let name = self.fields[count].name();
                push(column, &value).map_err(|mismatch| mismatch.in_field(name))?;
            }
            count += 1;
        }
        if count == columns.len() {
            return Ok(());
        }
        let expected = format!("{} columns", columns.len());
        Err(Mismatch::expected(expected, format!("{count} in {}", quoted(payload))))
    }
}

impl Decoder for DelimitedDecoder {
    fn decode(&self, payloads: &[Option<&[u8]>]) -> Decoded {
        let mut columns = self.columns(payloads.len());
        let mut bad = Vec::new();
        for (row, payload) in payloads.iter().enumerate() {
            match payload.map(|payload| self.read(payload, &mut columns)) {
                Some(Ok(())) => continue,
                Some(Err(mismatch)) => bad.push(BadRow { row, message: mismatch.to_string() }),
                None => {}
            }
            for column in &mut columns {
                column.truncate(row);
                column.push_null();
            }
        }
        let arrays: Vec<ArrayRef> = columns.into_iter().map(ScalarColumn::finish).collect();
        let columns = self.wanted.iter().map(|index| ArrayRef::clone(&arrays[*index])).collect();
        Decoded { columns, absent: Vec::new(), bad }
    }
}

fn push(column: &mut ScalarColumn, value: &str) -> Result<()> {
    if value.is_empty() {
        column.push_null();
        return Ok(());
    }
    column.push_text(value)
}

/// What is left of a line; `None` behind its last field.
struct Line<'a> {
    rest: Option<&'a str>,
    delimiter: char,
}

impl<'a> Line<'a> {
    fn next_field(&mut self) -> Result<Option<Cow<'a, str>>> {
        let Some(rest) = self.rest.take() else { return Ok(None) };
        match rest.strip_prefix(QUOTE) {
            Some(inner) => self.quoted_field(inner).map(Some),
            None => {
                let ends = [self.delimiter, '\r', '\n'];
                let end = rest.find(ends).unwrap_or(rest.len());
                self.end_field(&rest[end..])?;
                Ok(Some(Cow::Borrowed(&rest[..end])))
            }
        }
    }

    /// The field that goes on with `inner` behind its opening quote.
    fn quoted_field(&mut self, inner: &'a str) -> Result<Cow<'a, str>> {
        let mut from = 0;
        loop {
            let Some(end) = inner[from..].find(QUOTE).map(|at| from + at) else {
                return Err(Mismatch::expected("a closing '\"'", "the end of the line"));
            };
            let behind = &inner[end + 1..];
            if !behind.starts_with(QUOTE) {
                self.end_field(self.skip_blanks(behind))?;
                let field = &inner[..end];
                return Ok(match from {
                    0 => Cow::Borrowed(field),
                    _ => Cow::Owned(field.replace("\"\"", "\"")),
                });
            }
            from = end + 2;
        }
    }

    fn skip_blanks<'b>(&self, text: &'b str) -> &'b str {
        let blank = |c: char| c != self.delimiter && matches!(c, ' ' | '\t');
        text.trim_start_matches(blank)
    }

    /// Goes on behind a field: to the next one, or to the end of the only line.
    fn end_field(&mut self, behind: &'a str) -> Result<()> {
        if let Some(rest) = behind.strip_prefix(self.delimiter) {
            self.rest = Some(rest);
            return Ok(());
        }
        match behind.trim_start_matches(['\r', '\n']) {
            "" => Ok(()),
            rest if rest.len() < behind.len() => Err(Mismatch::expected(
                "one line",
                format!("{} on another", quoted(rest.as_bytes())),
            )),
            rest => {
                let expected = format!("{:?} behind a quoted field", self.delimiter);
                Err(Mismatch::expected(expected, quoted(rest.as_bytes())))
            }
        }
    }
}
