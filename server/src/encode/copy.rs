//! Rows as lines of `COPY`, out and in.
//!
//! Text: fields between delimiters, `\N` for NULL, backslash escapes. CSV: fields in quotes where
//! they need them, and always where the bare field would be read as NULL.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use arrow_pg::encoder::Encoder;
use bytes::{BufMut, BytesMut};
use pgwire::api::results::FieldInfo;
use pgwire::error::PgWireResult;
use pgwire::messages::copy::CopyData;
use pgwire::types::ToSqlText;
use postgres_types::{IsNull, ToSql};

use super::rows::encoded_rows;
use crate::failure::{Failure, sqlstate};
use crate::text::copy::{CopyLayout, CopyOptions};

/// The rows of a batch as lines.
pub(crate) fn copy_rows(
    batch: &RecordBatch,
    infos: &Arc<Vec<FieldInfo>>,
    options: &CopyOptions,
) -> impl Iterator<Item = PgWireResult<CopyData>> + Send + use<> {
    encoded_rows(batch, infos.clone(), Line::new(options))
}

/// The line that names the columns.
pub(crate) fn header(infos: &[FieldInfo], options: &CopyOptions) -> CopyData {
    let mut line = Line::new(options);
    infos.iter().for_each(|info| line.put_field(Some(info.name().as_bytes())));
    line.take_row()
}

/// A line in the making.
struct Line {
    options: CopyOptions,
    out: BytesMut,
    field: BytesMut,
    first: bool,
}

impl Line {
    fn new(options: &CopyOptions) -> Self {
        Self { options: options.clone(), out: BytesMut::new(), field: BytesMut::new(), first: true }
    }

    fn put_field(&mut self, field: Option<&[u8]>) {
        if !self.first {
            self.out.put_u8(self.options.delimiter as u8);
        }
        self.first = false;
        match (field, self.options.layout) {
            (None, _) => self.out.put_slice(self.options.null.as_bytes()),
            (Some(field), CopyLayout::Text) => self.put_escaped(field),
            (Some(field), CopyLayout::Csv) => self.put_csv(field),
        }
    }

    fn put_escaped(&mut self, field: &[u8]) {
        for byte in field {
            match byte {
                b'\n' => self.out.put_slice(b"\\n"),
                b'\r' => self.out.put_slice(b"\\r"),
                b'\t' => self.out.put_slice(b"\\t"),
                byte if *byte == b'\\' || *byte == self.options.delimiter as u8 => {
                    self.out.put_slice(&[b'\\', *byte]);
                }
                byte => self.out.put_u8(*byte),
            }
        }
    }

    fn put_csv(&mut self, field: &[u8]) {
        let quote = self.options.quote as u8;
        let special = [self.options.delimiter as u8, quote, b'\n', b'\r'];
        let needs_quotes = field == self.options.null.as_bytes()
            || field.iter().any(|byte| special.contains(byte));
        if !needs_quotes {
            return self.out.put_slice(field);
        }
        self.out.put_u8(quote);
        for byte in field {
            if *byte == quote {
                self.out.put_u8(quote);
            }
            self.out.put_u8(*byte);
        }
        self.out.put_u8(quote);
    }
}

impl Encoder for Line {
    type Item = CopyData;

    fn encode_field<T>(&mut self, value: &T, info: &FieldInfo) -> PgWireResult<()>
    where
        T: ToSql + ToSqlText + Sized,
    {
        let mut field = std::mem::take(&mut self.field);
        field.clear();
        let is_null = value.to_sql_text(info.datatype(), &mut field, info.format_options())?;
        self.put_field(matches!(is_null, IsNull::No).then_some(&field));
        self.field = field;
        Ok(())
    }

    fn take_row(&mut self) -> CopyData {
        self.out.put_u8(b'\n');
        self.first = true;
        CopyData::new(self.out.split().freeze())
    }
}

/// Cuts what a client sends into rows of fields.
///
/// A row ends at a line's end that is not inside quotes (CSV) and not escaped (text); what is not a
/// whole row yet waits for the next piece.
#[derive(Debug)]
pub(crate) struct RowReader {
    options: CopyOptions,
    pending: BytesMut,
    header_read: bool,
    ended: bool,
}

/// The fields of a row; `None` is NULL.
pub(crate) type CopyRow = Vec<Option<String>>;

impl RowReader {
    pub fn new(options: CopyOptions) -> Self {
        Self { options, pending: BytesMut::new(), header_read: false, ended: false }
    }

    /// Takes a piece; gives the rows that are whole now.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<CopyRow>, Failure> {
        self.pending.put_slice(piece);
        let mut rows = Vec::new();
        while let Some(end) = self.line_end() {
            let line = self.pending.split_to(end + 1).freeze();
            rows.extend(self.row(&line[..end])?);
        }
        Ok(rows)
    }

    /// The last row, where its line's end is missing.
    pub fn finish(&mut self) -> Result<Option<CopyRow>, Failure> {
        let line = self.pending.split().freeze();
        if line.is_empty() { Ok(None) } else { self.row(&line) }
    }

    fn line_end(&self) -> Option<usize> {
        let quote = self.options.quote as u8;
        let mut quoted = false;
        let mut escaped = false;
        for (at, byte) in self.pending.iter().enumerate() {
            match (self.options.layout, byte) {
                (_, b'\n') if !quoted && !escaped => return Some(at),
                (CopyLayout::Csv, byte) if *byte == quote => quoted = !quoted,
                (CopyLayout::Text, b'\\') => {
                    escaped = !escaped;
                    continue;
                }
                _ => {}
            }
            escaped = false;
        }
        None
    }

    fn row(&mut self, line: &[u8]) -> Result<Option<CopyRow>, Failure> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.options.header && !std::mem::replace(&mut self.header_read, true) {
            return Ok(None);
        }
        self.ended |= line == b"\\.";
        if self.ended {
            return Ok(None);
        }
        let text = std::str::from_utf8(line).map_err(|_| not_utf8())?;
        Ok(Some(match self.options.layout {
            CopyLayout::Text => self.text_fields(text),
            CopyLayout::Csv => self.csv_fields(text)?,
        }))
    }

    fn text_fields(&self, line: &str) -> CopyRow {
        let mut fields = vec![String::new()];
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            let Some(field) = fields.last_mut() else { break };
            if c == self.options.delimiter {
                fields.push(String::new());
            } else if c == '\\' {
                // Kept for now: `\N` is NULL only where it is the whole field.
                field.push(c);
                field.extend(chars.next());
            } else {
                field.push(c);
            }
        }
        fields
            .into_iter()
            .map(|field| (field != self.options.null).then(|| unescape(&field)))
            .collect()
    }

    fn csv_fields(&self, line: &str) -> Result<CopyRow, Failure> {
        let mut row = Vec::new();
        let mut rest = Some(line);
        while let Some(text) = rest {
            let (field, after) = self.csv_field(text)?;
            row.push(field);
            rest = after;
        }
        Ok(row)
    }

    /// The first field of `text`, and what is behind its delimiter.
    fn csv_field<'a>(&self, text: &'a str) -> Result<(Option<String>, Option<&'a str>), Failure> {
        let CopyOptions { quote, delimiter, null, .. } = &self.options;
        if !text.starts_with(*quote) {
            let (field, rest) = match text.split_once(*delimiter) {
                Some((field, rest)) => (field, Some(rest)),
                None => (text, None),
            };
            return Ok(((field != null).then(|| field.to_owned()), rest));
        }
        let mut field = String::new();
        let mut chars = text[1..].char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c != *quote || chars.next_if(|(_, next)| next == quote).is_some() {
                field.push(c);
            } else {
                let rest = &text[at + 2..];
                let rest = if rest.is_empty() {
                    None
                } else {
                    Some(rest.strip_prefix(*delimiter).ok_or_else(after_quote)?)
                };
                return Ok((Some(field), rest));
            }
        }
        Err(Failure::new(sqlstate::BAD_COPY_FORMAT, "a quoted field of the CSV does not end"))
    }
}

fn unescape(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        match (c, (c == '\\').then(|| chars.next()).flatten()) {
            (_, Some('n')) => out.push('\n'),
            (_, Some('r')) => out.push('\r'),
            (_, Some('t')) => out.push('\t'),
            (_, Some(other)) => out.push(other),
            (c, None) => out.push(c),
        }
    }
    out
}

fn not_utf8() -> Failure {
    Failure::new(sqlstate::BAD_COPY_FORMAT, "a row is not UTF-8")
}

fn after_quote() -> Failure {
    let message = "expected a delimiter or the line's end behind a quoted field of the CSV";
    Failure::new(sqlstate::BAD_COPY_FORMAT, message)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn options(layout: CopyLayout) -> CopyOptions {
        let (delimiter, null) = match layout {
            CopyLayout::Text => ('\t', "\\N"),
            CopyLayout::Csv => (',', ""),
        };
        CopyOptions { layout, delimiter, null: null.into(), header: false, quote: '"' }
    }

    /// Writes fields, and reads them again in pieces of every size.
    fn round_trip(layout: CopyLayout, fields: &[Option<&str>]) -> String {
        let mut line = Line::new(&options(layout));
        fields.iter().for_each(|field| line.put_field(field.map(str::as_bytes)));
        let bytes: Bytes = line.take_row().data;
        let expected: CopyRow = fields.iter().map(|field| field.map(str::to_owned)).collect();
        for size in 1..=bytes.len() {
            let mut reader = RowReader::new(options(layout));
            let rows: Vec<_> =
                bytes.chunks(size).flat_map(|piece| reader.push(piece).unwrap()).collect();
            assert_eq!(rows, std::slice::from_ref(&expected));
        }
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn text_survives_a_round_trip() {
        let line = round_trip(CopyLayout::Text, &[Some("a\tb\\"), None, Some(""), Some("\n\\N")]);
        assert_eq!(line, "a\\tb\\\\\t\\N\t\t\\n\\\\N\n");
    }

    #[test]
    fn csv_survives_a_round_trip() {
        let line = round_trip(CopyLayout::Csv, &[Some("a,\"b\"\n"), None, Some(""), Some("c")]);
        assert_eq!(line, "\"a,\"\"b\"\"\n\",,\"\",c\n");
    }

    #[test]
    fn the_last_line_may_lack_its_end_and_the_header_is_no_row() {
        let mut reader = RowReader::new(CopyOptions { header: true, ..options(CopyLayout::Csv) });
        assert!(reader.push(b"a,b\r\n1,2").unwrap().is_empty());
        assert_eq!(reader.finish().unwrap().unwrap(), [Some("1".to_owned()), Some("2".to_owned())]);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let mut reader = RowReader::new(options(CopyLayout::Csv));
        assert!(reader.push(b"\"a\"b\n").is_err());
        assert!(reader.push(b"\xff\n").is_err());
    }
}
