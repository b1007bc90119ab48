//! Our nodes as `sqlparser`'s, and types back again.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    ArrayElemTypeDef, DataType as SqlType, ExactNumberInfo, Expr, GroupByExpr, Join as SqlJoin,
    JoinConstraint, JoinOperator, LimitClause, ObjectName, Query as SqlQuery, Select as SqlSelect,
    SelectFlavor, SelectItem as SqlItem, SelectItemQualifiedWildcardKind, SetExpr,
    StructBracketKind, StructField, TableAlias, TableFactor, TableWithJoins, TimezoneInfo, Value,
};

use super::{DataType, Ident, Join, JoinKind, Limit, Relation, Select, SelectItem};

impl Select {
    /// True if the query has a clause that only this shape can hold: `WINDOW`, `WITHIN`,
    /// `PARTITION BY`.
    pub fn is_stream_only(&self) -> bool {
        self.window.is_some()
            || !self.partition_by.is_empty()
            || self.joins.iter().any(|join| join.within.is_some())
    }

    /// The query as DataFusion plans it, or `None` if it [is stream only](Self::is_stream_only).
    /// The `EMIT` clause is not part of it, as it is not in [`Query::General`](super::Query).
    pub fn to_general(&self) -> Option<SqlQuery> {
        if self.is_stream_only() {
            return None;
        }
        Some(SqlQuery {
            with: None,
            body: Box::new(SetExpr::Select(Box::new(self.to_select()))),
            order_by: None,
            limit_clause: self.limit.map(limit_clause),
            fetch: None,
            locks: Vec::new(),
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators: Vec::new(),
        })
    }

    fn to_select(&self) -> SqlSelect {
        SqlSelect {
            select_token: AttachedToken::empty(),
            optimizer_hints: Vec::new(),
            distinct: None,
            select_modifiers: None,
            top: None,
            top_before_distinct: false,
            projection: self.items.iter().map(SelectItem::to_sqlparser).collect(),
            exclude: None,
            into: None,
            from: vec![TableWithJoins {
                relation: self.from.to_sqlparser(),
                joins: self.joins.iter().map(Join::to_sqlparser).collect(),
            }],
            lateral_views: Vec::new(),
            prewhere: None,
            selection: self.where_.clone(),
            connect_by: Vec::new(),
            group_by: GroupByExpr::Expressions(self.group_by.clone(), Vec::new()),
            cluster_by: Vec::new(),
            distribute_by: Vec::new(),
            sort_by: Vec::new(),
            having: self.having.clone(),
            named_window: Vec::new(),
            window_before_qualify: false,
            qualify: None,
            value_table_mode: None,
            flavor: SelectFlavor::Standard,
        }
    }
}

/// `LIMIT n` as `sqlparser` has it.
pub(crate) fn limit_clause(limit: Limit) -> LimitClause {
    let count = Value::Number(limit.count.to_string(), false).with_span(limit.span);
    LimitClause::LimitOffset { limit: Some(Expr::Value(count)), offset: None, limit_by: Vec::new() }
}

impl SelectItem {
    fn to_sqlparser(&self) -> SqlItem {
        let qualified = |kind| SqlItem::QualifiedWildcard(kind, Default::default());
        match self {
            SelectItem::Expr { expr, alias: None, .. } => SqlItem::UnnamedExpr(expr.clone()),
            SelectItem::Expr { expr, alias: Some(alias), .. } => {
                SqlItem::ExprWithAlias { expr: expr.clone(), alias: alias.clone() }
            }
            SelectItem::Wildcard { .. } => SqlItem::Wildcard(Default::default()),
            SelectItem::QualifiedWildcard { source, .. } => {
                let name = ObjectName::from(vec![source.clone()]);
                qualified(SelectItemQualifiedWildcardKind::ObjectName(name))
            }
            SelectItem::StructWildcard { expr, .. } => {
                qualified(SelectItemQualifiedWildcardKind::Expr(expr.clone()))
            }
        }
    }
}

impl Relation {
    fn to_sqlparser(&self) -> TableFactor {
        TableFactor::Table {
            name: ObjectName::from(vec![self.name.clone()]),
            alias: self.alias.clone().map(table_alias),
            args: None,
            with_hints: Vec::new(),
            version: None,
            with_ordinality: false,
            partitions: Vec::new(),
            json_path: None,
            sample: None,
            index_hints: Vec::new(),
        }
    }
}

fn table_alias(name: Ident) -> TableAlias {
    TableAlias { explicit: true, name, columns: Vec::new(), at: None }
}

impl Join {
    fn to_sqlparser(&self) -> SqlJoin {
        let on = JoinConstraint::On(self.on.clone());
        let join_operator = match self.kind {
            JoinKind::Inner => JoinOperator::Inner(on),
            JoinKind::Left => JoinOperator::Left(on),
            JoinKind::Right => JoinOperator::Right(on),
            JoinKind::Full => JoinOperator::FullOuter(on),
        };
        SqlJoin { relation: self.relation.to_sqlparser(), global: false, join_operator }
    }
}

impl DataType {
    /// The type as it stands in a `CAST`.
    pub fn to_sqlparser(&self) -> SqlType {
        match self {
            DataType::Boolean => SqlType::Boolean,
            DataType::Integer => SqlType::Integer(None),
            DataType::BigInt => SqlType::BigInt(None),
            DataType::Double => SqlType::Double(ExactNumberInfo::None),
            DataType::Decimal { precision, scale } => {
                let (precision, scale) = (u64::from(*precision), i64::from(*scale));
                SqlType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale))
            }
            DataType::String => SqlType::String(None),
            DataType::Bytes => SqlType::Bytes(None),
            DataType::Time => SqlType::Time(None, TimezoneInfo::None),
            DataType::Date => SqlType::Date,
            DataType::Timestamp => SqlType::Timestamp(None, TimezoneInfo::None),
            DataType::Array(element) => {
                SqlType::Array(ArrayElemTypeDef::AngleBracket(Box::new(element.to_sqlparser())))
            }
            DataType::Map(key, value) => {
                SqlType::Map(Box::new(key.to_sqlparser()), Box::new(value.to_sqlparser()))
            }
            DataType::Struct(fields) => {
                let fields = fields.iter().map(struct_field).collect();
                SqlType::Struct(fields, StructBracketKind::AngleBrackets)
            }
            DataType::Custom(name) => {
                SqlType::Custom(ObjectName::from(vec![name.clone()]), Vec::new())
            }
        }
    }

    /// The type of a `CAST` as one of ours, or `None` for a type that only DataFusion knows.
    pub fn from_sqlparser(data_type: &SqlType) -> Option<DataType> {
        Some(match data_type {
            SqlType::Boolean | SqlType::Bool => DataType::Boolean,
            SqlType::Integer(None) | SqlType::Int(None) => DataType::Integer,
            SqlType::BigInt(None) => DataType::BigInt,
            SqlType::Double(ExactNumberInfo::None) => DataType::Double,
            SqlType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale)) => {
                DataType::Decimal {
                    precision: u8::try_from(*precision).ok()?,
                    scale: u8::try_from(*scale).ok()?,
                }
            }
            SqlType::String(_) | SqlType::Varchar(_) => DataType::String,
            SqlType::Bytes(None) => DataType::Bytes,
            SqlType::Time(None, TimezoneInfo::None) => DataType::Time,
            SqlType::Date => DataType::Date,
            SqlType::Timestamp(None, TimezoneInfo::None) => DataType::Timestamp,
            _ => return nested_from_sqlparser(data_type),
        })
    }
}

fn struct_field((name, data_type): &(Ident, DataType)) -> StructField {
    StructField {
        field_name: Some(name.clone()),
        field_type: data_type.to_sqlparser(),
        options: None,
    }
}

fn nested_from_sqlparser(data_type: &SqlType) -> Option<DataType> {
    let boxed = |inner: &SqlType| DataType::from_sqlparser(inner).map(Box::new);
    Some(match data_type {
        SqlType::Array(ArrayElemTypeDef::AngleBracket(element)) => DataType::Array(boxed(element)?),
        SqlType::Map(key, value) => DataType::Map(boxed(key)?, boxed(value)?),
        SqlType::Struct(fields, _) => DataType::Struct(
            fields
                .iter()
                .map(|field| {
                    let name = field.field_name.clone()?;
                    Some((name, DataType::from_sqlparser(&field.field_type)?))
                })
                .collect::<Option<_>>()?,
        ),
        SqlType::Custom(name, modifiers) if modifiers.is_empty() && name.0.len() == 1 => {
            DataType::Custom(name.0[0].as_ident()?.clone())
        }
        _ => return None,
    })
}
