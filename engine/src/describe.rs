//! What a statement will give, before it is run.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use sql::ast::{Expr as Syntax, Query, Select, SelectItem, Statement, StatementKind as Kind};
use sqlparser::ast::{Value, visit_expressions_mut};

use crate::catalog::{Catalog, Role};
use crate::error::Result;
use crate::outcome::{Column, Outcome};
use crate::planner::expression::placeholder_number;
use crate::query;
use crate::session::Session;

/// The types of a statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Description {
    /// Columns of the result; `None` for a statement that gives no rows.
    pub columns: Option<Vec<Column>>,
    /// Whether the rows will come with [`crate::Rows::tombstones`].
    pub tombstones: bool,
    /// The type of each placeholder, `$1` first, where its place in the statement tells it.
    pub parameters: Vec<Option<DataType>>,
}

impl Session {
    /// Plans a statement, which may hold placeholders (`$1`), and says what it takes and gives.
    /// Nothing is run and nothing changes.
    pub async fn describe(&mut self, statement: &Statement) -> Result<Description> {
        let mut statement = statement.clone();
        let parameters = take_parameters(&self.shared.catalog(), &mut statement.kind);
        let mut description = Description { parameters, ..Description::default() };
        match &statement.kind {
            Kind::Query(asked) => {
                let (columns, tombstones) = query::describe(self, asked).await?;
                description.columns = Some(columns);
                description.tombstones = tombstones;
            }
            Kind::Show(_)
            | Kind::Describe(_)
            | Kind::Explain { .. }
            | Kind::Print { .. }
            | Kind::ExportCatalog => {
                if let Outcome::Rows(rows) = self.execute(&statement).await? {
                    description.columns = Some(rows.columns);
                }
            }
            _ => {}
        }
        Ok(description)
    }
}

/// The types of a statement's placeholders, which become NULL in it.
pub fn take_parameters(catalog: &Catalog, statement: &mut Kind) -> Vec<Option<DataType>> {
    let mut parameters = Parameters { catalog, types: BTreeMap::new() };
    parameters.take(statement);
    let count = parameters.types.keys().copied().max().unwrap_or(0);
    (1..=count).map(|number| parameters.types.get(&number).cloned().flatten()).collect()
}

/// Finds the placeholders of a statement, and puts NULL in their place so that it can be planned.
struct Parameters<'a> {
    catalog: &'a Catalog,
    types: BTreeMap<usize, Option<DataType>>,
}

impl Parameters<'_> {
    fn take(&mut self, statement: &mut Kind) {
        match statement {
            Kind::Query(Query::Select(select)) => self.take_select(select),
            Kind::Query(Query::General { query, .. }) => {
                let _: ControlFlow<()> = visit_expressions_mut(query.as_mut(), |expr| {
                    self.take_one(expr, None);
                    ControlFlow::Continue(())
                });
            }
            Kind::InsertValues { target, columns, rows } => {
                let source = self.catalog.sources.get(&target.value);
                let settable = source.iter().flat_map(|source| &source.columns);
                let settable = settable.filter(|c| matches!(c.role, Role::Key | Role::Value));
                let types: Vec<Option<DataType>> = match columns.is_empty() {
                    true => settable.map(|column| Some(column.data_type.clone())).collect(),
                    false => columns
                        .iter()
                        .map(|name| Some(source?.column(&name.value)?.data_type.clone()))
                        .collect(),
                };
                for (at, value) in rows.iter_mut().flat_map(|row| row.iter_mut().enumerate()) {
                    self.take_all(value, types.get(at).cloned().flatten());
                }
            }
            _ => {}
        }
    }

    fn take_select(&mut self, select: &mut Select) {
        let names: Vec<String> = std::iter::once(&select.from)
            .chain(select.joins.iter().map(|join| &join.relation))
            .map(|relation| relation.name.value.clone())
            .collect();
        let conditions = select.where_.iter_mut().chain(&mut select.having);
        for condition in conditions {
            self.take_compared(condition, &names);
        }
        for item in &mut select.items {
            if let SelectItem::Expr { expr, .. } = item {
                self.take_compared(expr, &names);
            }
        }
    }

    /// Placeholders that are compared with a column have its type.
    fn take_compared(&mut self, condition: &mut Syntax, sources: &[String]) {
        let _: ControlFlow<()> = visit_expressions_mut(condition, |expr| {
            match expr {
                Syntax::BinaryOp { left, right, .. } => {
                    let types = (self.column_type(left, sources), self.column_type(right, sources));
                    self.take_one(right, types.0);
                    self.take_one(left, types.1);
                }
                Syntax::Between { expr, low, high, .. } => {
                    let data_type = self.column_type(expr, sources);
                    self.take_one(low, data_type.clone());
                    self.take_one(high, data_type);
                }
                Syntax::InList { expr, list, .. } => {
                    let data_type = self.column_type(expr, sources);
                    list.iter_mut().for_each(|item| self.take_one(item, data_type.clone()));
                }
                Syntax::Like { pattern, .. } => self.take_one(pattern, Some(DataType::Utf8)),
                _ => {}
            }
            ControlFlow::Continue(())
        });
        self.take_all(condition, None);
    }

    fn column_type(&self, expr: &Syntax, sources: &[String]) -> Option<DataType> {
        let name = match expr {
            Syntax::Identifier(name) => name,
            Syntax::CompoundIdentifier(parts) => parts.last()?,
            _ => return None,
        };
        if crate::row_type::pseudo::is(&name.value) {
            return Some(DataType::Int64);
        }
        let sources = sources.iter().filter_map(|source| self.catalog.sources.get(source));
        sources.filter_map(|source| source.column(&name.value)).map(|c| c.data_type.clone()).next()
    }

    fn take_all(&mut self, expr: &mut Syntax, data_type: Option<DataType>) {
        let _: ControlFlow<()> = visit_expressions_mut(expr, |expr| {
            self.take_one(expr, data_type.clone());
            ControlFlow::Continue(())
        });
    }

    fn take_one(&mut self, expr: &mut Syntax, data_type: Option<DataType>) {
        let Syntax::Value(value) = expr else { return };
        let Value::Placeholder(name) = &value.value else { return };
        let Some(number) = placeholder_number(name) else { return };
        let known = self.types.entry(number).or_default();
        if known.is_none() {
            *known = data_type;
        }
        value.value = Value::Null;
    }
}
