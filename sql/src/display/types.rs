//! Types and columns.

use std::fmt::{self, Display, Formatter};

use super::{Name, Quoted, name};
use crate::ast::{ColumnDef, ColumnRole, DataType, SourceKind};

impl DataType {
    /// The type with back-ticks around every field name, as ksqlDB shows schemas.
    pub fn quoted(&self) -> impl Display + '_ {
        Styled { data_type: self, always_quoted: true }
    }
}

impl Display for DataType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Styled { data_type: self, always_quoted: false }.fmt(f)
    }
}

/// A type and how to print the names of its fields.
struct Styled<'a> {
    data_type: &'a DataType,
    always_quoted: bool,
}

impl Styled<'_> {
    fn inner<'b>(&self, data_type: &'b DataType) -> Styled<'b> {
        Styled { data_type, always_quoted: self.always_quoted }
    }
}

impl Display for Styled<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.data_type {
            DataType::Boolean => f.write_str("BOOLEAN"),
            DataType::Integer => f.write_str("INTEGER"),
            DataType::BigInt => f.write_str("BIGINT"),
            DataType::Double => f.write_str("DOUBLE"),
            DataType::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            DataType::String => f.write_str("STRING"),
            DataType::Bytes => f.write_str("BYTES"),
            DataType::Time => f.write_str("TIME"),
            DataType::Date => f.write_str("DATE"),
            DataType::Timestamp => f.write_str("TIMESTAMP"),
            DataType::Array(element) => write!(f, "ARRAY<{}>", self.inner(element)),
            DataType::Map(key, value) => {
                write!(f, "MAP<{}, {}>", self.inner(key), self.inner(value))
            }
            DataType::Struct(fields) => {
                f.write_str("STRUCT<")?;
                super::commas(
                    f,
                    fields.iter().map(|(name, data_type)| Field {
                        name: Name { name: &name.value, always_quoted: self.always_quoted },
                        data_type: self.inner(data_type),
                    }),
                )?;
                f.write_str(">")
            }
            DataType::Custom(custom) => name(custom).fmt(f),
        }
    }
}

struct Field<'a> {
    name: Name<'a>,
    data_type: Styled<'a>,
}

impl Display for Field<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.data_type)
    }
}

impl Display for ColumnDef {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", name(&self.name), self.data_type, self.role)
    }
}

impl Display for ColumnRole {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            ColumnRole::Value => Ok(()),
            ColumnRole::Key => f.write_str(" KEY"),
            ColumnRole::PrimaryKey => f.write_str(" PRIMARY KEY"),
            ColumnRole::Headers => f.write_str(" HEADERS"),
            ColumnRole::Header(header) => write!(f, " HEADER({})", Quoted(header)),
        }
    }
}

impl Display for SourceKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SourceKind::Stream => "STREAM",
            SourceKind::Table => "TABLE",
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{parse_columns, parse_type};

    #[test]
    fn canonical_types() {
        for (typed, canonical) in [
            ("int", "INTEGER"),
            ("varchar(10)", "STRING"),
            ("decimal(10,2)", "DECIMAL(10, 2)"),
            ("int array", "ARRAY<INTEGER>"),
            ("map<string,array<bigint>>", "MAP<STRING, ARRAY<BIGINT>>"),
            (
                "struct<a int, `b` string, `from` date>",
                "STRUCT<A INTEGER, `b` STRING, `FROM` DATE>",
            ),
            ("struct<>", "STRUCT<>"),
            ("address", "ADDRESS"),
        ] {
            let canonical = canonical.replace("`FROM`", "`from`");
            assert_eq!(parse_type(typed).expect("accepted").to_string(), canonical);
        }
    }

    #[test]
    fn quoted_types() {
        let data_type =
            parse_type("ARRAY<STRUCT<A INT, B MAP<STRING, STRUCT<c INT>>>>").expect("accepted");
        let expected = "ARRAY<STRUCT<`A` INTEGER, `B` MAP<STRING, STRUCT<`C` INTEGER>>>>";
        assert_eq!(data_type.quoted().to_string(), expected);
    }

    #[test]
    fn columns() {
        let columns =
            parse_columns("id bigint key, b bytes header('x''y'), c int").expect("accepted");
        let printed: Vec<_> = columns.iter().map(ToString::to_string).collect();
        assert_eq!(printed, ["ID BIGINT KEY", "B BYTES HEADER('x''y')", "C INTEGER"]);
    }
}
