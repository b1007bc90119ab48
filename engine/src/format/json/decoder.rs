//! From payloads to columns.

use arrow::array::ArrayRef;
use arrow::datatypes::Fields;

use super::object::Object;
use super::reader::Reader;
use super::scanner::Scanner;
use crate::format::mismatch::{Mismatch, Result};
use crate::format::{BadRow, Decoded, Decoder, Side};

/// Reads JSON payloads into columns.
pub(in crate::format) struct JsonDecoder {
    fields: Fields,
    wrapped: bool,
    wanted: Vec<usize>,
}

impl JsonDecoder {
    pub(in crate::format) fn new(side: &Side, wanted: Vec<usize>) -> Self {
        let wrapped = side.wrapped || side.columns.len() != 1;
        Self { fields: side.columns.clone(), wrapped, wanted }
    }

    fn root(&self, rows: usize) -> Root {
        let keep = |index| self.wanted.contains(&index);
        if self.wrapped {
            return Root::Object(Object::new(&self.fields, keep, rows));
        }
        let name = self.fields[0].name().clone();
        Root::Bare { name, reader: Reader::new(self.fields[0].data_type(), keep(0), rows) }
    }
}

impl Decoder for JsonDecoder {
    fn decode(&self, payloads: &[Option<&[u8]>]) -> Decoded {
        let mut root = self.root(payloads.len());
        let mut decoded = Decoded { columns: Vec::new(), absent: Vec::new(), bad: Vec::new() };
        for (row, payload) in payloads.iter().enumerate() {
            match payload.map(|payload| root.read(payload)) {
                Some(Ok(Found::Value)) => {}
                Some(Ok(Found::Nothing)) => {
                    decoded.absent.push(row);
                    root.push_null();
                }
                Some(Err(mismatch)) => {
                    decoded.bad.push(BadRow { row, message: mismatch.to_string() });
                    root.truncate(row);
                    root.push_null();
                }
                None => root.push_null(),
            }
        }
        let arrays = root.finish();
        let wanted = self.wanted.iter();
        decoded.columns = wanted.map(|index| ArrayRef::clone(&arrays[*index])).collect();
        decoded
    }
}

/// What a payload is: an object of columns, or the value of the only one.
enum Root {
    Object(Object),
    Bare { name: String, reader: Reader },
}

/// Whether a payload has a value or says that there is none.
enum Found {
    Value,
    Nothing,
}

impl Root {
    /// Appends one payload, or a part of it and fails.
    fn read(&mut self, payload: &[u8]) -> Result<Found> {
        let mut scanner = Scanner::new(payload);
        let found = match (scanner.peek(), self) {
            (Some(b'n'), _) => {
                scanner.literal("null")?;
                Found::Nothing
            }
            (Some(b'{'), Self::Object(object)) => {
                object.read(&mut scanner)?;
                Found::Value
            }
            (Some(b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'['), Self::Object(_)) => {
                return Err(Mismatch::expected("an object", scanner.describe()));
            }
            (_, Self::Object(_)) => return Err(scanner.unexpected("an object")),
            (_, Self::Bare { name, reader }) => {
                reader.read(&mut scanner).map_err(|mismatch| mismatch.in_field(name))?;
                Found::Value
            }
        };
        scanner.end()?;
        Ok(found)
    }

    fn push_null(&mut self) {
        match self {
            Self::Object(object) => object.push_null(),
            Self::Bare { reader, .. } => reader.push_null(),
        }
    }

    fn truncate(&mut self, len: usize) {
        match self {
            Self::Object(object) => object.truncate(len),
            Self::Bare { reader, .. } => reader.truncate(len),
        }
    }

    fn finish(self) -> Vec<ArrayRef> {
        match self {
            Self::Object(object) => object.finish(),
            Self::Bare { reader, .. } => vec![reader.finish()],
        }
    }
}
