//! Column lists.

use super::cursor::Cursor;
use crate::ast::{ColumnDef, ColumnRole, DataType, SourceKind};
use crate::error::{Error, ErrorCode};

impl Cursor<'_> {
    /// `(column, …)` of a stream or table; the brackets may be empty.
    pub(super) fn columns(&mut self, kind: SourceKind) -> Result<Vec<ColumnDef>, Error> {
        if self.is_symbol_at(1, ")") {
            self.advance();
            self.advance();
            return Ok(Vec::new());
        }
        let columns = self.bracketed(|cursor| cursor.column_list())?;
        columns.iter().try_for_each(|column| check_role(column, kind))?;
        Ok(columns)
    }

    /// Columns between commas.
    pub(super) fn column_list(&mut self) -> Result<Vec<ColumnDef>, Error> {
        self.comma_separated(|cursor| cursor.column())
    }

    /// `name type`, for a column that can only be a value.
    pub(super) fn value_column(&mut self) -> Result<ColumnDef, Error> {
        let column = self.column()?;
        if column.role == ColumnRole::Value {
            return Ok(column);
        }
        let message =
            format!("the column {} cannot be added to the key or the headers", column.name);
        Err(Error::new(ErrorCode::Column, message, column.span))
    }

    /// `name type [KEY|PRIMARY KEY|HEADERS|HEADER('name')]`.
    fn column(&mut self) -> Result<ColumnDef, Error> {
        let start = self.position();
        let name = self.name("a column name")?;
        let data_type = self.data_type()?;
        let role = self.role()?;
        let column = ColumnDef { name, data_type, role, span: self.span_from(start) };
        check_header(&column)?;
        Ok(column)
    }

    fn role(&mut self) -> Result<ColumnRole, Error> {
        if self.eat(&["KEY"]) {
            return Ok(ColumnRole::Key);
        }
        if self.eat(&["PRIMARY"]) {
            self.expect(&["KEY"])?;
            return Ok(ColumnRole::PrimaryKey);
        }
        if self.eat(&["HEADERS"]) {
            return Ok(ColumnRole::Headers);
        }
        if self.eat(&["HEADER"]) {
            return Ok(ColumnRole::Header(
                self.bracketed(|cursor| cursor.string("a header name"))?,
            ));
        }
        Ok(ColumnRole::Value)
    }
}

/// Streams have keys, tables have primary keys.
fn check_role(column: &ColumnDef, kind: SourceKind) -> Result<(), Error> {
    let (wrong, right, sources) = match (&column.role, kind) {
        (ColumnRole::Key, SourceKind::Table) => ("KEY", "PRIMARY KEY", "tables"),
        (ColumnRole::PrimaryKey, SourceKind::Stream) => ("PRIMARY KEY", "KEY", "streams"),
        _ => return Ok(()),
    };
    let message = format!("the column {} is declared as {wrong}", column.name);
    Err(Error::new(ErrorCode::Column, message, column.span)
        .with_hint(format!("use {right} for {sources}")))
}

/// Header columns have fixed types.
fn check_header(column: &ColumnDef) -> Result<(), Error> {
    let expected = match &column.role {
        ColumnRole::Headers if !is_headers_type(&column.data_type) => {
            "ARRAY<STRUCT<KEY STRING, VALUE BYTES>>"
        }
        ColumnRole::Header(_) if column.data_type != DataType::Bytes => "BYTES",
        _ => return Ok(()),
    };
    let message = format!("the header column {} has the type {}", column.name, column.data_type);
    Err(Error::new(ErrorCode::Column, message, column.span)
        .with_hint(format!("its type has to be {expected}")))
}

fn is_headers_type(data_type: &DataType) -> bool {
    let DataType::Array(element) = data_type else { return false };
    let DataType::Struct(fields) = element.as_ref() else { return false };
    let fields: Vec<_> = fields.iter().map(|(name, kind)| (name.value.as_str(), kind)).collect();
    fields == [("KEY", &DataType::String), ("VALUE", &DataType::Bytes)]
}
