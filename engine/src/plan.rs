//! Stream plans: what a persistent or push query does, as data.
//!
//! A plan is a tree of closed variants over DataFusion expressions. It is printed by `EXPLAIN`
//! and built into operators by [`crate::pipeline`]. It is a pure function of a statement and the
//! catalog before it; the catalog keeps the statement's text and the plan's fingerprint, so an
//! engine that would plan differently notices before it touches state.

use std::fmt;

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, Volatility};
use sql::ast::{JoinKind, SourceKind};

use crate::expression_text::sql_text;
use crate::row_type::{RowType, Windowing};
use crate::types::sql_name;
use crate::window::{JoinWindow, SessionWindow, TimeWindow};

/// A node of a stream plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Reads the topic of a stream or table.
    Source(SourcePlan),
    /// Keeps rows that a condition holds for.
    Filter {
        /// Where rows come from.
        input: Box<Plan>,
        /// The condition.
        condition: Expr,
    },
    /// Computes other columns.
    Project {
        /// Where rows come from.
        input: Box<Plan>,
        /// One per output column.
        expressions: Vec<Expr>,
        /// The shape of the output.
        output: RowType,
    },
    /// Repeats each row for the items of lists.
    FlatMap {
        /// Where rows come from.
        input: Box<Plan>,
        /// Table functions; each gives a list.
        functions: Vec<Expr>,
        /// The input's columns, then one per function.
        output: RowType,
    },
    /// Makes other columns the key.
    Rekey {
        /// Where rows come from.
        input: Box<Plan>,
        /// The new key.
        keys: Vec<Expr>,
        /// Which of the input's columns go on as values.
        values: Vec<usize>,
        /// The key's columns, then the values.
        output: RowType,
    },
    /// Aggregates groups of rows.
    Aggregate(AggregatePlan),
    /// Joins two relations.
    Join(JoinPlan),
    /// Puts the rows of several relations together.
    Union(UnionPlan),
}

/// Reads the topic of a stream or table.
#[derive(Debug, Clone, PartialEq)]
pub struct SourcePlan {
    /// Its name in the catalog.
    pub name: String,
    /// Whether records are facts or rows by key.
    pub kind: SourceKind,
    /// Its topic.
    pub topic: String,
    /// The shape of its rows, pseudo columns included.
    pub output: RowType,
    /// Whether old rows must be known, so that they can be taken back.
    pub with_before: bool,
}

/// Aggregates groups of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregatePlan {
    /// Where rows come from.
    pub input: Box<Plan>,
    /// The group key.
    pub keys: Vec<Expr>,
    /// Calls of aggregate functions.
    pub aggregates: Vec<Expr>,
    /// How time is cut.
    pub window: Option<WindowPlan>,
    /// Whether only final results leave.
    pub is_final: bool,
    /// Whether old results must leave too, so that they can be taken back.
    pub with_before: bool,
    /// Keys, aggregates, and the window's bounds.
    pub output: RowType,
}

/// The window of an aggregation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowPlan {
    /// Tumbling and hopping.
    Time(TimeWindow),
    /// Session.
    Session(SessionWindow),
}

/// Joins two relations.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinPlan {
    /// How records meet.
    pub method: JoinMethod,
    /// Which rows without a partner are kept.
    pub kind: JoinKind,
    /// The left side.
    pub left: Box<Plan>,
    /// The right side.
    pub right: Box<Plan>,
    /// The sides of the equalities over the left's columns.
    pub left_key: Vec<Expr>,
    /// Their sides over the right's columns, in the same order.
    pub right_key: Vec<Expr>,
    /// What else has to hold for a row to have a partner, over the columns of the output; only
    /// where rows without one are kept.
    pub residual: Option<Expr>,
    /// Whether old rows of a join of tables must leave too, so that they can be taken back.
    pub with_before: bool,
    /// The left's columns, the right's, and a key column for each equality of which neither side
    /// holds the key.
    pub output: RowType,
}

/// Puts the rows of several relations together.
#[derive(Debug, Clone, PartialEq)]
pub struct UnionPlan {
    /// The relations; all have the columns of the output.
    pub inputs: Vec<Plan>,
    /// The shape of the output.
    pub output: RowType,
}

/// How records of a join meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinMethod {
    /// Both are kept for a while, and meet when their times are near.
    StreamStream(JoinWindow),
    /// A stream's record meets the table's row as it is then.
    StreamTable,
    /// Rows with the same key.
    TableTable,
    /// A left row meets the right row whose key it holds.
    ForeignKey,
}

impl Plan {
    /// The shape of the rows that it gives.
    pub fn output(&self) -> &RowType {
        match self {
            Plan::Source(source) => &source.output,
            Plan::Filter { input, .. } => input.output(),
            Plan::Project { output, .. }
            | Plan::FlatMap { output, .. }
            | Plan::Rekey { output, .. } => output,
            Plan::Aggregate(aggregate) => &aggregate.output,
            Plan::Join(join) => &join.output,
            Plan::Union(union) => &union.output,
        }
    }

    /// The nodes that it reads from.
    pub fn inputs(&self) -> Vec<&Plan> {
        match self {
            Plan::Source(_) => Vec::new(),
            Plan::Filter { input, .. }
            | Plan::Project { input, .. }
            | Plan::FlatMap { input, .. }
            | Plan::Rekey { input, .. } => vec![input],
            Plan::Aggregate(aggregate) => vec![&aggregate.input],
            Plan::Join(join) => vec![&join.left, &join.right],
            Plan::Union(union) => union.inputs.iter().collect(),
        }
    }

    /// Whether it gives facts or rows by key.
    pub fn kind(&self) -> SourceKind {
        match self {
            Plan::Source(source) => source.kind,
            Plan::Aggregate(_) => SourceKind::Table,
            Plan::Join(join) => join.left.kind(),
            other => other.inputs()[0].kind(),
        }
    }

    /// Whether rows have a key even where all its columns are NULL: one that was put together from
    /// several values is there, whatever they are.
    pub fn makes_keys(&self) -> bool {
        match self {
            Plan::Filter { input, .. }
            | Plan::Project { input, .. }
            | Plan::FlatMap { input, .. } => input.makes_keys(),
            Plan::Rekey { keys, .. } => keys.len() > 1,
            Plan::Source(_) | Plan::Aggregate(_) | Plan::Join(_) => false,
            Plan::Union(union) => union.inputs.iter().any(Plan::makes_keys),
        }
    }

    /// The windows that its rows belong to, where an aggregation made them.
    pub fn window(&self) -> Option<WindowPlan> {
        match self {
            Plan::Filter { input, .. } | Plan::Project { input, .. } => input.window(),
            Plan::Aggregate(aggregate) => aggregate.window,
            Plan::Source(_)
            | Plan::FlatMap { .. }
            | Plan::Rekey { .. }
            | Plan::Join(_)
            | Plan::Union(_) => None,
        }
    }

    /// Whether a key may change more than once in a batch even where aggregations give only the
    /// last change.
    pub fn repeats_keys(&self) -> bool {
        match self {
            Plan::Filter { input, .. } | Plan::Project { input, .. } => input.repeats_keys(),
            Plan::Aggregate(plan) => matches!(plan.window, Some(WindowPlan::Session(_))),
            Plan::Source(_)
            | Plan::FlatMap { .. }
            | Plan::Rekey { .. }
            | Plan::Join(_)
            | Plan::Union(_) => true,
        }
    }

    /// Whether what it gives for a record depends on those before.
    pub fn remembers(&self) -> bool {
        match self {
            Plan::Source(source) => source.with_before,
            Plan::Aggregate(_) | Plan::Join(_) => true,
            Plan::Filter { input, .. }
            | Plan::Project { input, .. }
            | Plan::FlatMap { input, .. }
            | Plan::Rekey { input, .. } => input.remembers(),
            Plan::Union(union) => union.inputs.iter().any(Plan::remembers),
        }
    }

    /// Whether it calls a function that gives another value each time, as `RANDOM()`.
    pub fn is_volatile(&self) -> bool {
        let own: Vec<&Expr> = match self {
            Plan::Source(_) => Vec::new(),
            Plan::Filter { condition, .. } => vec![condition],
            Plan::Project { expressions, .. } => expressions.iter().collect(),
            Plan::FlatMap { functions, .. } => functions.iter().collect(),
            Plan::Rekey { keys, .. } => keys.iter().collect(),
            Plan::Aggregate(plan) => plan.keys.iter().chain(&plan.aggregates).collect(),
            Plan::Join(join) => {
                join.left_key.iter().chain(&join.right_key).chain(&join.residual).collect()
            }
            Plan::Union(_) => Vec::new(),
        };
        own.into_iter().any(is_volatile) || self.inputs().into_iter().any(Plan::is_volatile)
    }

    /// The sources, from left to right.
    pub fn sources(&self) -> Vec<&SourcePlan> {
        match self {
            Plan::Source(source) => vec![source],
            other => other.inputs().into_iter().flat_map(Plan::sources).collect(),
        }
    }

    /// The topics of the sources, each once.
    pub fn topics(&self) -> Vec<String> {
        let mut topics: Vec<String> = self.sources().iter().map(|s| s.topic.clone()).collect();
        topics.sort();
        topics.dedup();
        topics
    }

    /// Marks the nodes whose old rows somebody above has to take back.
    pub fn require_before(&mut self, required: bool) {
        match self {
            Plan::Source(source) => source.with_before |= required,
            Plan::Filter { input, .. } => {
                let table = input.kind() == SourceKind::Table;
                input.require_before(required || table);
            }
            Plan::Project { input, .. }
            | Plan::FlatMap { input, .. }
            | Plan::Rekey { input, .. } => input.require_before(required),
            Plan::Aggregate(aggregate) => {
                aggregate.with_before |= required;
                let table = aggregate.input.kind() == SourceKind::Table;
                aggregate.input.require_before(table);
            }
            Plan::Join(join) => {
                let tables = matches!(join.method, JoinMethod::TableTable | JoinMethod::ForeignKey);
                join.with_before |= required && tables;
                // A join keeps its sides' latest rows itself.
                join.left.require_before(false);
                join.right.require_before(false);
            }
            Plan::Union(union) => {
                union.inputs.iter_mut().for_each(|input| input.require_before(required));
            }
        }
    }

    fn line(&self) -> String {
        match self {
            Plan::Source(source) => {
                let state = if source.with_before { ", state: latest row by key" } else { "" };
                format!("Source {} [topic: {}{state}]", source.name, source.topic)
            }
            Plan::Filter { condition, .. } => format!("Filter [{}]", sql_text(condition)),
            Plan::Project { expressions, .. } => format!("Project [{}]", list(expressions)),
            Plan::FlatMap { functions, .. } => format!("FlatMap [{}]", list(functions)),
            Plan::Rekey { keys, .. } => format!("Rekey [by: {}] (exchange)", list(keys)),
            Plan::Aggregate(aggregate) => aggregate.line(),
            Plan::Join(join) => join.line(),
            Plan::Union(_) => "Union".to_owned(),
        }
    }

    /// The plan as it prints, with a note on the line behind each node. The notes are those of
    /// the nodes, each after its inputs, from left to right.
    pub fn annotated(&self, notes: &[String]) -> String {
        let mut out = String::new();
        self.annotate(notes, 0, &mut out);
        out
    }

    /// `notes` are those of this node and the ones below.
    fn annotate(&self, notes: &[String], indent: usize, out: &mut String) {
        let Some((own, mut below)) = notes.split_last() else { return };
        let (width, behind) = (2 * indent, 2 * indent + 1);
        out.push_str(&format!("{:width$}{}\n", "", self.line()));
        out.push_str(&format!("{:behind$}: {}\n", "", self.output()));
        out.push_str(&format!("{:behind$}= {own}\n", ""));
        for input in self.inputs() {
            let (notes, rest) = below.split_at(input.size().min(below.len()));
            input.annotate(notes, indent + 1, out);
            below = rest;
        }
    }

    /// The number of its nodes.
    fn size(&self) -> usize {
        1 + self.inputs().into_iter().map(Plan::size).sum::<usize>()
    }

    fn print(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        writeln!(f, "{:indent$}{}", "", self.line(), indent = 2 * indent)?;
        writeln!(f, "{:indent$}: {}", "", self.output(), indent = 2 * indent + 1)?;
        self.inputs().into_iter().try_for_each(|input| input.print(f, indent + 1))
    }
}

impl AggregatePlan {
    fn line(&self) -> String {
        let window = match self.window {
            None => String::new(),
            Some(window) => format!(", {window}"),
        };
        let emit = if self.is_final { ", emit: final" } else { "" };
        format!(
            "Aggregate [by: {}, compute: {}{window}{emit}, state: one group per key] (exchange)",
            list(&self.keys),
            list(&self.aggregates)
        )
    }
}

impl JoinPlan {
    fn line(&self) -> String {
        let kind = match self.kind {
            JoinKind::Inner => "inner",
            JoinKind::Left => "left",
            JoinKind::Right => "right",
            JoinKind::Full => "full",
        };
        let method = match self.method {
            JoinMethod::StreamStream(window) => format!(
                "stream-stream, within: {} ms before to {} ms after, \
                 grace: {} ms, state: both sides' recent rows",
                window.before_ms, window.after_ms, window.grace_ms
            ),
            JoinMethod::StreamTable => "stream-table, state: latest row by key".to_owned(),
            JoinMethod::TableTable => "table-table, state: both sides' latest rows".to_owned(),
            JoinMethod::ForeignKey => {
                "foreign-key, state: both sides' latest rows, and who refers to whom".to_owned()
            }
        };
        let sides = self.left_key.iter().zip(&self.right_key);
        let on = sides.map(|(left, right)| format!("{} = {}", sql_text(left), sql_text(right)));
        let residual = self.residual.iter().map(sql_text);
        let on = on.chain(residual).collect::<Vec<_>>().join(" AND ");
        format!("Join [{kind} {method}, on: {on}] (exchange)")
    }
}

/// Of an argument all functions make the same each time.
fn is_volatile(expression: &Expr) -> bool {
    let found = expression.exists(|expression| {
        Ok(match expression {
            Expr::ScalarFunction(call) => {
                let volatility = call.func.signature().volatility;
                call.args.is_empty() && volatility != Volatility::Immutable
            }
            _ => false,
        })
    });
    found.unwrap_or(true)
}

fn list(expressions: &[Expr]) -> String {
    expressions.iter().map(sql_text).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, 0)
    }
}

impl fmt::Display for WindowPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WindowPlan::Time(w) if w.size_ms == w.advance_ms => {
                write!(f, "window: tumbling {} ms, grace: {} ms", w.size_ms, w.grace_ms)
            }
            WindowPlan::Time(w) => write!(
                f,
                "window: hopping {} ms every {} ms, grace: {} ms",
                w.size_ms, w.advance_ms, w.grace_ms
            ),
            WindowPlan::Session(w) => {
                write!(f, "window: session, gap: {} ms, grace: {} ms", w.gap_ms, w.grace_ms)
            }
        }
    }
}

impl WindowPlan {
    /// How much later than a window another may begin (for sessions: end) before it is forgotten.
    pub fn kept_ms(&self) -> i64 {
        match self {
            WindowPlan::Time(window) => window.kept_ms(),
            WindowPlan::Session(window) => window.kept_ms(),
        }
    }

    /// How the keys of the result are windowed.
    pub fn windowing(&self) -> Windowing {
        match self {
            WindowPlan::Time(w) if w.size_ms == w.advance_ms => {
                Windowing::Tumbling { size_ms: w.size_ms }
            }
            WindowPlan::Time(w) => Windowing::Hopping { size_ms: w.size_ms },
            WindowPlan::Session(_) => Windowing::Session,
        }
    }
}

impl fmt::Display for RowType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (index, column) in self.columns.iter().enumerate().filter(|(_, c)| !c.hidden) {
            let qualifier = column.qualifier.as_ref().map(|name| format!("{name}."));
            let key = if self.keys.contains(&index) { " KEY" } else { "" };
            let data_type = sql_name(&column.data_type);
            write!(
                f,
                "{separator}{}{} {data_type}{key}",
                qualifier.unwrap_or_default(),
                column.name
            )?;
            separator = ", ";
        }
        match self.window {
            Some(window) => write!(f, " ({} windows)", window.name().to_lowercase()),
            None => Ok(()),
        }
    }
}
