//! The select list: stars, names, table functions, and where the key went.

use std::collections::HashSet;

use datafusion::logical_expr::Expr;
use sql::ast::{Expr as Syntax, Ident, Select, SelectItem, SourceKind, Span, Spanned};
use sqlparser::ast::BinaryOperator;

use super::expression::Resolver;
use super::scope::Scope;
use super::{Planner, Purpose, Relation};
use crate::error::{Code, Result, invalid};
use crate::plan::Plan;
use crate::row_type::{RowColumn, RowType, pseudo};
use crate::types::sql_name;

/// A query that is planned up to its last step, which differs by what it is for.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Everything below the select list.
    pub plan: Plan,
    /// The select list.
    pub items: Vec<Item>,
    /// Facts or rows by key.
    pub kind: SourceKind,
    /// For each key column of the result, which item holds it.
    pub keys: Vec<KeyItem>,
}

/// One column of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Its value over the columns of the plan.
    pub expr: Expr,
    /// Where it was written.
    pub span: Span,
}

/// Where a key column is in the select list.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyItem {
    /// The key's value over the columns of the plan.
    pub value: Expr,
    /// Its name below the select list.
    pub name: String,
    /// The items that hold it: exactly one, in a persistent query.
    pub items: Vec<usize>,
}

/// Generates names for expressions without alias: KSQL_COL_0, KSQL_COL_1, …
#[derive(Debug, Default)]
pub struct Names {
    next: usize,
    used: HashSet<String>,
    /// Expressions that have become columns, with the names that those got.
    computed: Vec<(Expr, String)>,
}

impl Names {
    /// Names that do not clash with the aliases and columns of a query.
    pub fn of(select: &Select) -> Self {
        let aliases = select.items.iter().filter_map(|item| match item {
            SelectItem::Expr { alias: Some(alias), .. } => Some(alias.value.clone()),
            SelectItem::Expr { expr: Syntax::Identifier(name), .. } => Some(name.value.clone()),
            _ => None,
        });
        Self { used: aliases.collect(), ..Self::default() }
    }

    /// The next free name.
    pub fn generate(&mut self) -> String {
        loop {
            let name = format!("KSQL_COL_{}", self.next);
            self.next += 1;
            if self.used.insert(name.clone()) {
                return name;
            }
        }
    }

    /// The name of an expression without alias: a field goes by its own name, with a number where
    /// that is taken.
    pub fn implied(&mut self, expr: &Syntax) -> String {
        match expr {
            Syntax::Nested(inner) => self.implied(inner),
            Syntax::BinaryOp { op: BinaryOperator::Arrow, right, .. } => match right.as_ref() {
                Syntax::Identifier(field) => self.unique(&field.value),
                _ => self.generate(),
            },
            _ => self.generate(),
        }
    }

    fn unique(&mut self, name: &str) -> String {
        let numbered = (1..).map(|number| format!("{name}_{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| self.used.insert(name.clone())).unwrap_or_default()
    }

    /// Notes that an expression has become a column.
    pub fn remember(&mut self, expr: &Expr, name: &str) {
        if !matches!(expr, Expr::Column(_)) {
            self.computed.push((expr.clone(), name.to_owned()));
        }
    }

    /// The name of the column that an expression has become.
    fn computed(&self, expr: &Expr) -> Option<String> {
        self.computed.iter().find(|(known, _)| known == expr).map(|(_, name)| name.clone())
    }

    /// Marks names as taken.
    pub fn reserve<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        self.used.extend(names.into_iter().map(str::to_owned));
    }
}

impl Planner<'_> {
    /// Plans a select list without aggregates.
    pub(super) fn project(
        &self,
        relation: Relation,
        select: &Select,
        names: &mut Names,
    ) -> Result<Planned> {
        if let Some(window) = &select.window {
            let message = "WINDOW clause requires a GROUP BY clause";
            return Err(invalid(Code::InvalidQuery, message).at(window.span));
        }
        if let Some(having) = &select.having {
            let message = "HAVING requires a GROUP BY clause";
            return Err(invalid(Code::InvalidQuery, message).at(having.span()));
        }
        let scope = Scope::new(relation.rows().clone());
        let mut resolver = self.resolver(&scope)?;
        let items = self.items(select, relation.rows(), &mut resolver, names)?;
        if let Some(item) = items.iter().find(|item| super::contains_aggregate(&item.expr)) {
            let message =
                format!("use of aggregate functions requires a GROUP BY clause: {}", item.expr);
            return Err(invalid(Code::InvalidQuery, message).at(item.span));
        }
        let relation = add_flat_map(relation, resolver)?;
        self.finish(relation, items)
    }

    /// The select list with stars expanded and every item named.
    pub(super) fn items(
        &self,
        select: &Select,
        rows: &RowType,
        resolver: &mut Resolver<'_>,
        names: &mut Names,
    ) -> Result<Vec<Item>> {
        let joined = !select.joins.is_empty();
        names.reserve(rows.columns.iter().map(|column| column.name.as_str()));
        let mut items = Vec::new();
        for item in &select.items {
            match item {
                SelectItem::Wildcard { span } => items.extend(self.star(rows, None, joined, *span)),
                SelectItem::QualifiedWildcard { source, span } => {
                    let expanded = self.star(rows, Some(source), joined, *span);
                    if expanded.is_empty() {
                        let message =
                            format!("'{}' is not a valid stream/table name or alias", source.value);
                        return Err(invalid(Code::UnknownName, message).at(*span));
                    }
                    items.extend(expanded);
                }
                SelectItem::StructWildcard { expr, span } => {
                    let fields = struct_star(expr, *span, resolver)?;
                    fields.iter().try_for_each(|item| self.check_reserved(&item.name, *span))?;
                    items.extend(fields);
                }
                SelectItem::Expr { expr, alias, span } => {
                    let resolved = resolver.resolve(expr)?;
                    let name = match alias {
                        Some(alias) => alias.value.clone(),
                        None => names
                            .computed(&resolved)
                            .unwrap_or_else(|| implied_name(expr, rows, names)),
                    };
                    self.check_reserved(&name, *span)?;
                    items.push(Item { name, expr: resolved, span: *span });
                }
            }
        }
        self.check_names(&items)?;
        Ok(items)
    }

    fn star(&self, rows: &RowType, source: Option<&Ident>, joined: bool, span: Span) -> Vec<Item> {
        let wanted = |column: &&RowColumn| match source {
            Some(source) => {
                let of_record = pseudo::is(&column.name) && !pseudo::is_window_bound(&column.name);
                column.qualifier.as_deref() == Some(&source.value) && !of_record
            }
            None => true,
        };
        let bounds = self.purpose != Purpose::Persistent;
        let shown = |column: &&RowColumn| {
            !column.hidden || (bounds && pseudo::is_window_bound(&column.name))
        };
        let mut columns: Vec<&RowColumn> =
            rows.columns.iter().filter(wanted).filter(shown).collect();
        if bounds {
            // The window's bounds follow the key.
            let keys = rows.keys.len();
            let bound = |column: &&RowColumn| pseudo::is_window_bound(&column.name);
            let (own, hidden): (Vec<_>, Vec<_>) = columns.into_iter().partition(|c| !bound(c));
            let at = keys.min(own.len());
            columns =
                own[..at].iter().copied().chain(hidden).chain(own[at..].iter().copied()).collect();
        }
        let items = columns.into_iter().map(|column| {
            let name = match &column.qualifier {
                Some(qualifier) if joined => format!("{qualifier}_{}", column.name),
                _ => column.name.clone(),
            };
            Item { name, expr: column.expr(), span }
        });
        items.collect()
    }

    fn check_names(&self, items: &[Item]) -> Result<()> {
        let mut seen = HashSet::new();
        for item in items {
            if !seen.insert(item.name.as_str()) {
                let message = format!("duplicate column names: {}", item.name);
                return Err(invalid(Code::DuplicateName, message)
                    .at(item.span)
                    .hint("give one of them another name with AS"));
            }
        }
        Ok(())
    }

    /// What a persistent query writes must not hide what every record has; only a key that it was
    /// partitioned by comes with such a name.
    fn check_reserved(&self, name: &str, span: Span) -> Result<()> {
        if self.purpose != Purpose::Persistent || !pseudo::is(name) {
            return Ok(());
        }
        let message = format!("reserved column name in select: {name}");
        Err(invalid(Code::InvalidQuery, message).at(span).hint("give it another name with AS"))
    }

    /// Finds the key in the select list.
    pub(super) fn finish(&self, relation: Relation, items: Vec<Item>) -> Result<Planned> {
        let columns = relation.rows().key_columns().cloned().collect::<Vec<_>>();
        let mut keys = Vec::new();
        for (column, exprs) in columns.iter().zip(&relation.key_exprs) {
            // Of several columns that could stand for the key, that of the leftmost source does.
            let holder = exprs.iter().find(|expr| items.iter().any(|item| item.expr == **expr));
            let holds = |item: &Item| holder.is_some_and(|holder| *holder == item.expr);
            let held = (0..items.len()).filter(|at| holds(&items[*at])).collect();
            keys.push(KeyItem { value: column.expr(), name: column.name.clone(), items: held });
        }
        let kind = relation.plan.kind();
        Ok(Planned { plan: relation.plan, items, kind, keys })
    }
}

/// Puts the table functions that the select list called below it.
fn add_flat_map(relation: Relation, resolver: Resolver<'_>) -> Result<Relation> {
    let functions = resolver.into_table_functions();
    if functions.is_empty() {
        return Ok(relation);
    }
    if relation.plan.kind() == SourceKind::Table {
        let message = "table source is not supported with table functions";
        return Err(invalid(Code::InvalidQuery, message));
    }
    let mut output = relation.rows().clone();
    let (functions, columns): (Vec<Expr>, Vec<RowColumn>) = functions.into_iter().unzip();
    output.columns.extend(columns);
    let plan = Plan::FlatMap { input: Box::new(relation.plan), functions, output };
    Ok(Relation { plan, ..relation })
}

fn struct_star(expr: &Syntax, span: Span, resolver: &mut Resolver<'_>) -> Result<Vec<Item>> {
    let resolved = resolver.resolve(expr)?;
    let data_type = resolver.type_of(&resolved)?;
    let arrow::datatypes::DataType::Struct(fields) = &data_type else {
        let message = format!("->* needs a STRUCT, found {}", sql_name(&data_type));
        return Err(invalid(Code::TypeMismatch, message).at(span));
    };
    let items = fields.iter().map(|field| {
        let expr = super::expression::field(resolved.clone(), &data_type, field.name())?;
        Ok(Item { name: field.name().clone(), expr, span })
    });
    items.collect()
}

/// The name of an item without alias.
fn implied_name(expr: &Syntax, rows: &RowType, names: &mut Names) -> String {
    match expr {
        Syntax::Identifier(name) => name.value.clone(),
        Syntax::CompoundIdentifier(parts) => qualified_name(parts, rows),
        _ => names.implied(expr),
    }
}

/// A column's own name, with its source before it where several sources have such a column.
fn qualified_name(parts: &[Ident], rows: &RowType) -> String {
    let [qualifier, name] = parts else {
        return parts.last().map_or(String::new(), |part| part.value.clone());
    };
    let same = rows.columns.iter().filter(|column| column.name == name.value).count();
    match same {
        0 | 1 => name.value.clone(),
        _ => format!("{}_{}", qualifier.value, name.value),
    }
}

impl Planned {
    /// The whole plan of a persistent query: keys, then values, then the window's bounds.
    pub fn persistent(&self) -> Result<Plan> {
        let mut expressions = Vec::new();
        let mut columns = Vec::new();
        let rows = self.plan.output();
        let schema = rows.df_schema()?;
        let mut add = |name: &str, expr: &Expr, hidden: bool| -> Result<()> {
            let data_type = datafusion::logical_expr::ExprSchemable::get_type(expr, &schema)?;
            expressions.push(expr.clone());
            columns.push(RowColumn { hidden, ..RowColumn::new(name, data_type) });
            Ok(())
        };
        for key in &self.keys {
            add(&self.items[key.items[0]].name, &key.value, false)?;
        }
        for item in self.values() {
            add(&item.name, &item.expr, false)?;
        }
        if rows.window.is_some() {
            for bound in [pseudo::WINDOWSTART, pseudo::WINDOWEND] {
                let column = rows.columns.iter().find(|column| column.name == bound);
                let column =
                    column.ok_or_else(|| crate::Error::Internal("no window bounds".into()))?;
                add(bound, &column.expr(), true)?;
            }
        }
        let keys = (0..self.keys.len()).collect();
        let output = RowType { columns, keys, window: rows.window };
        Ok(Plan::Project { input: Box::new(self.plan.clone()), expressions, output })
    }

    /// The whole plan of a push query: the select list as written, then what tells a row's key.
    pub fn push(&self) -> Result<Plan> {
        let schema = self.plan.output().df_schema()?;
        let columns = self.items.iter().map(|item| {
            let data_type = datafusion::logical_expr::ExprSchemable::get_type(&item.expr, &schema)?;
            Ok(RowColumn::new(&item.name, data_type))
        });
        let columns = columns.collect::<Result<_>>()?;
        let keys = self.keys.iter().flat_map(|key| key.items.first().copied()).collect();
        let output = RowType { columns, keys, window: None };
        let expressions = self.items.iter().map(|item| item.expr.clone()).collect();
        Ok(Plan::Project { input: Box::new(self.plan.clone()), expressions, output })
    }

    /// The items that are not the key.
    pub fn values(&self) -> impl Iterator<Item = &Item> {
        let is_key = |at: usize| self.keys.iter().any(|key| key.items.first() == Some(&at));
        self.items.iter().enumerate().filter(move |(at, _)| !is_key(*at)).map(|(_, item)| item)
    }
}
