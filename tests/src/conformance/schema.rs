//! Columns as SQL text, compared with those of the catalog.

use anyhow::{Context, Result, ensure};
use engine::types::sql_name;
use engine::{ColumnRole, SourceInfo};
use sql::ast::{self, ColumnDef, DataType};

/// A column in comparable form: two columns are the same if and only if these are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnText {
    name: String,
    data_type: String,
    role: ColumnRole,
}

/// The columns of a list such as `ID INT KEY, V STRUCT<A INT>`.
pub fn parse(list: &str) -> Result<Vec<ColumnText>> {
    let columns = sql::parse_columns(list).with_context(|| format!("expected columns {list}"))?;
    Ok(declared(&columns))
}

/// The columns of a column list.
pub fn declared(columns: &[ColumnDef]) -> Vec<ColumnText> {
    let column = |column: &ColumnDef| ColumnText {
        name: column.name.value.clone(),
        data_type: type_name(&column.data_type),
        role: match &column.role {
            ast::ColumnRole::Value => ColumnRole::Value,
            ast::ColumnRole::Key | ast::ColumnRole::PrimaryKey => ColumnRole::Key,
            ast::ColumnRole::Headers => ColumnRole::Headers,
            ast::ColumnRole::Header(name) => ColumnRole::Header(name.clone()),
        },
    };
    columns.iter().map(column).collect()
}

/// The columns of a stream or table.
pub fn of_source(source: &SourceInfo) -> Vec<ColumnText> {
    let column = |column: &engine::SourceColumn| ColumnText {
        name: column.name.clone(),
        data_type: sql_name(&column.data_type),
        role: column.role.clone(),
    };
    source.columns.iter().map(column).collect()
}

/// An error unless both lists are equal in names, order, types and roles.
pub fn ensure_same(expected: &[ColumnText], found: &[ColumnText]) -> Result<()> {
    ensure!(expected == found, "columns: expected {}, found {}", show(expected), show(found));
    Ok(())
}

fn show(columns: &[ColumnText]) -> String {
    let column = |column: &ColumnText| {
        let role = match &column.role {
            ColumnRole::Value => String::new(),
            ColumnRole::Key => " KEY".to_owned(),
            ColumnRole::Headers => " HEADERS".to_owned(),
            ColumnRole::Header(name) => format!(" HEADER('{name}')"),
        };
        format!("`{}` {}{role}", column.name, column.data_type)
    };
    columns.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// The canonical name of a type, as [`engine::types::sql_name`] prints it.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Integer => "INTEGER".to_owned(),
        DataType::BigInt => "BIGINT".to_owned(),
        DataType::Double => "DOUBLE".to_owned(),
        DataType::Decimal { precision, scale } => format!("DECIMAL({precision}, {scale})"),
        DataType::String => "STRING".to_owned(),
        DataType::Bytes => "BYTES".to_owned(),
        DataType::Time => "TIME".to_owned(),
        DataType::Date => "DATE".to_owned(),
        DataType::Timestamp => "TIMESTAMP".to_owned(),
        DataType::Array(item) => format!("ARRAY<{}>", type_name(item)),
        DataType::Map(key, value) => format!("MAP<{}, {}>", type_name(key), type_name(value)),
        DataType::Struct(fields) => {
            let field = |(name, data_type): &(ast::Ident, DataType)| {
                format!("`{}` {}", name.value.replace('`', "``"), type_name(data_type))
            };
            format!("STRUCT<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        DataType::Custom(name) => name.value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ast::Ident;
    use engine::types::{array_of, map_of, struct_of};

    #[test]
    fn both_sides_print_types_alike() {
        let parsed = DataType::Map(
            Box::new(DataType::String),
            Box::new(DataType::Struct(vec![
                (Ident::new("A"), DataType::Array(Box::new(DataType::Timestamp))),
                (Ident::new("b"), DataType::Decimal { precision: 4, scale: 2 }),
            ])),
        );
        let fields = [
            ("A", array_of(engine::types::TIMESTAMP)),
            ("b", arrow::datatypes::DataType::Decimal128(4, 2)),
        ];
        let planned = map_of(arrow::datatypes::DataType::Utf8, struct_of(fields));
        assert_eq!(type_name(&parsed), sql_name(&planned));
    }
}
