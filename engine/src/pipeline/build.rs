//! From a plan to a graph of operators.

use std::sync::Arc;

use datafusion::logical_expr::Expr;
use sql::ast::SourceKind;

use super::graph::{Edge, Exchange, Graph};
use super::journal::Journal;
use super::measure::Placed;
use super::{Counters, Output, Pipeline, Reader, bind, wanted::Wanted};
use crate::aggregate::{Input, Settings};
use crate::catalog::Catalog;
use crate::engine::{Delivery, Emission};
use crate::error::{Error, Result};
use crate::evaluate::Evaluator;
use crate::operator::{
    Aggregate, AggregateSpec, Filter, FlatMap, Operator, Project, Rekey, RekeyKeys,
    SessionAggregate, TableSource, Union,
};
use crate::plan::{AggregatePlan, JoinMethod, Plan, SourcePlan, UnionPlan, WindowPlan};
use crate::processing_log::LogWriter;
use crate::row_type::RowType;
use crate::state::{Backend, Family, Place, RowStore, StoreId};

/// Everything that a pipeline is built from.
pub struct Build<'a> {
    /// Number of the query.
    pub number: u32,
    /// Its id, for the processing log.
    pub id: &'a str,
    /// What it does.
    pub plan: &'a Plan,
    /// The streams and tables that it reads.
    pub catalog: &'a Catalog,
    /// Limits of aggregates.
    pub settings: Settings,
    /// Where its state is.
    pub backend: Arc<dyn Backend>,
    /// Where topics are.
    pub log: log_store::LogStore,
    /// Whether every change leaves, or the last one of a key and batch.
    pub emission: Emission,
    /// Whether outputs and state change together.
    pub delivery: Delivery,
    /// Bytes of state that may stay in memory from one commit to the next.
    pub state_memory: usize,
    /// Number of shards of each operator, over which its state is spread; 0: as many as the topic
    /// with most partitions has.
    pub shards: usize,
    /// Threads that its shards may take at once.
    pub threads: usize,
    /// Whether positions and state survive a restart.
    pub durable: bool,
    /// Whether an unreadable time stamp stops it.
    pub strict_time: bool,
    /// The clock, for entries of the processing log.
    pub clock: Arc<dyn crate::clock::Clock>,
    /// Whether it begins with what is written from now on, where it has no position yet.
    pub from_latest: bool,
}

/// Where rows come from while a graph is built.
pub(super) enum Upstream {
    Entry(usize),
    Node(usize),
}

pub(super) struct Builder<'a> {
    build: &'a Build<'a>,
    pub(super) graph: Graph,
    readers: Vec<Reader>,
    wanted: Wanted,
    /// What each store so far holds.
    stores: Vec<String>,
    /// Bytes of a store that may stay in memory.
    store_memory: usize,
    placed: Vec<Placed>,
    /// What rows of the node that comes next have to meet right after it.
    pub(super) filtered_by: Vec<Expr>,
}

/// Builds a pipeline.
pub fn build(build: Build<'_>, output: Output) -> Result<Pipeline> {
    let topics = build.plan.sources();
    let partitions = topics.iter().map(|source| {
        let topic = build.log.topic(&source.topic);
        topic.map_or(1, |topic| topic.partitions().len())
    });
    let shards = match build.shards {
        0 => partitions.max().unwrap_or(1),
        shards => shards,
    };
    let mut builder = Builder {
        graph: Graph::new(shards, build.threads),
        readers: Vec::new(),
        wanted: Wanted::of(build.plan)?,
        stores: Vec::new(),
        placed: Vec::new(),
        filtered_by: Vec::new(),
        store_memory: build.state_memory / (store_count(build.plan) * shards).max(1),
        build: &build,
    };
    builder.node(build.plan)?;
    let Builder { graph, readers, stores, placed, .. } = builder;
    let journal = Journal::open(&build, &readers)?;
    let clock = Arc::clone(&build.clock);
    let clock = Box::new(move || clock.now_ms());
    Ok(Pipeline {
        number: build.number,
        id: build.id.to_owned(),
        graph,
        stores,
        readers,
        placed,
        output,
        backend: Arc::clone(&build.backend),
        processing_log: LogWriter::new(&build.log, clock),
        log: build.log.clone(),
        durable: build.durable,
        delivery: build.delivery,
        moved: Default::default(),
        journal,
        settled: Default::default(),
        undecided: None,
        counters: Counters::default(),
        sequence: 0,
    })
}

impl Builder<'_> {
    /// Adds what a node of the plan becomes, after its inputs.
    pub(super) fn node(&mut self, plan: &Plan) -> Result<Upstream> {
        let readers = self.readers.len();
        let upstream = self.operator(plan)?;
        let node = match upstream {
            Upstream::Node(node) => Some(node),
            Upstream::Entry(_) => None,
        };
        let entry = matches!(plan, Plan::Source(_)).then_some(readers);
        let stores = self.placed.last().map_or(0, |before| before.stores.end)..self.stores.len();
        self.placed.push(Placed { entry, node, stores });
        Ok(upstream)
    }

    fn operator(&mut self, plan: &Plan) -> Result<Upstream> {
        let filtered_by = std::mem::take(&mut self.filtered_by);
        match plan {
            Plan::Source(source) => self.source(source),
            Plan::Filter { input, condition } => {
                self.filtered_by = [filtered_by, vec![condition.clone()]].concat();
                let condition = evaluator([condition], input.output())?;
                self.simple(input, || Ok(Box::new(Filter::new(condition.clone()))))
            }
            Plan::Project { input, expressions, output } => {
                let expressions = evaluator(expressions, input.output())?;
                let schema = output.schema();
                self.simple(input, || {
                    Ok(Box::new(Project::new(expressions.clone(), schema.clone())))
                })
            }
            Plan::FlatMap { input, functions, output } => {
                let functions = evaluator(functions, input.output())?;
                let schema = output.schema();
                self.simple(input, || Ok(Box::new(FlatMap::new(functions.clone(), schema.clone()))))
            }
            Plan::Rekey { input, keys, values, output } => {
                let keys = RekeyKeys::new(evaluator(keys, input.output())?, of_key(keys, input));
                let schema = output.schema();
                self.simple(input, || {
                    Ok(Box::new(Rekey::new(keys.clone(), values.clone(), schema.clone())))
                })
            }
            Plan::Aggregate(aggregate) => self.aggregate(aggregate),
            Plan::Join(join) => self.join(join, &filtered_by),
            Plan::Union(union) => self.union(union),
        }
    }

    fn union(&mut self, plan: &UnionPlan) -> Result<Upstream> {
        let inputs = plan.inputs.iter().map(|input| self.node(input));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let node = self.add(|_, _| Ok(Box::new(Union)))?;
        for (port, input) in inputs.into_iter().enumerate() {
            self.connect(input, Edge { node, port, exchange: None });
        }
        Ok(Upstream::Node(node))
    }

    fn source(&mut self, source: &SourcePlan) -> Result<Upstream> {
        let definition = self.build.catalog.source(&source.name)?;
        let wanted = self.wanted.in_source(source);
        let reader = Reader::open(self.build, self.readers.len(), definition, source, &wanted)?;
        self.readers.push(reader);
        let entry = self.graph.add_entry();
        if source.kind == SourceKind::Stream || !source.with_before {
            return Ok(Upstream::Entry(entry));
        }
        let (schema, mut keys) = (source.output.schema(), source.output.keys.clone());
        let is_bound =
            |at: &usize| crate::row_type::pseudo::is_window_bound(&source.output.columns[*at].name);
        keys.extend((0..source.output.columns.len()).filter(is_bound));
        let store = self.next_store(format!("latest rows of {}", source.name));
        let node = self.add(|shard, this| {
            let store = RowStore::open(this.place(store, shard))?;
            Ok(Box::new(TableSource::new(store, schema.clone(), keys.clone())?))
        })?;
        // By key, not by partition: a topic may get more partitions, and its keys others then.
        let key: Vec<Expr> = keys.iter().map(|at| source.output.columns[*at].expr()).collect();
        let exchange = Some(Exchange::new(evaluator(&key, &source.output)?)?);
        self.graph.connect_entry(entry, Edge { node, port: 0, exchange });
        Ok(Upstream::Node(node))
    }

    /// A node without state and with one input in the same shard.
    fn simple(
        &mut self,
        input: &Plan,
        make: impl Fn() -> Result<Box<dyn Operator>>,
    ) -> Result<Upstream> {
        let upstream = self.node(input)?;
        let node = self.add(|_, _| make())?;
        self.connect(upstream, Edge { node, port: 0, exchange: None });
        Ok(Upstream::Node(node))
    }

    fn aggregate(&mut self, plan: &AggregatePlan) -> Result<Upstream> {
        let upstream = self.node(&plan.input)?;
        let spec = self.aggregate_spec(plan)?;
        let exchange = Exchange::new(spec.keys.clone())?;
        let store = self.next_store(match plan.window {
            Some(WindowPlan::Session(_)) => "sessions",
            _ => "groups",
        });
        let node = self.add(|shard, this| {
            let place = this.place(store, shard);
            Ok(match plan.window {
                None => Box::new(Aggregate::open(spec.clone(), None, place)?),
                Some(WindowPlan::Time(window)) => {
                    Box::new(Aggregate::open(spec.clone(), Some(window), place)?)
                }
                Some(WindowPlan::Session(window)) => {
                    Box::new(SessionAggregate::open(spec.clone(), window, place)?)
                }
            })
        })?;
        self.connect(upstream, Edge { node, port: 0, exchange: Some(exchange) });
        Ok(Upstream::Node(node))
    }

    fn aggregate_spec(&self, plan: &AggregatePlan) -> Result<AggregateSpec> {
        let rows = plan.input.output();
        let schema = rows.df_schema()?;
        let input = match plan.input.kind() {
            SourceKind::Table => Input::Changing,
            SourceKind::Stream => Input::AppendOnly,
        };
        let (mut arguments, mut filters, mut functions) = (Vec::new(), Vec::new(), Vec::new());
        for call in &plan.aggregates {
            let Expr::AggregateFunction(call) = call else {
                return Err(Error::Internal(format!("{call} is not an aggregate")));
            };
            let bound = bind::bind(call, &schema, &self.build.settings, input)?;
            arguments.push(evaluator(&bound.arguments, rows)?);
            let filter = call.params.filter.as_deref();
            filters.push(filter.map(|filter| evaluator([filter], rows)).transpose()?);
            functions.push(bound.function);
        }
        Ok(AggregateSpec {
            keys: evaluator(&plan.keys, rows)?,
            arguments,
            filters,
            functions,
            schema: plan.output.schema(),
            with_before: plan.with_before,
            is_final: plan.is_final,
            every: self.emits_every_change(),
        })
    }

    /// Whether no change is left out because another of the same key follows.
    pub(super) fn emits_every_change(&self) -> bool {
        self.build.emission == Emission::Every
    }

    pub(super) fn add(
        &mut self,
        make: impl Fn(usize, &Self) -> Result<Box<dyn Operator>>,
    ) -> Result<usize> {
        let shards = (0..self.graph.shards()).map(|shard| make(shard, self));
        let shards = shards.collect::<Result<Vec<_>>>()?;
        Ok(self.graph.add(shards))
    }

    pub(super) fn connect(&mut self, from: Upstream, edge: Edge) {
        match from {
            Upstream::Entry(entry) => self.graph.connect_entry(entry, edge),
            Upstream::Node(node) => self.graph.connect(node, edge),
        }
    }

    /// The number of a new store that holds this.
    pub(super) fn next_store(&mut self, holds: impl Into<String>) -> u16 {
        self.stores.push(holds.into());
        self.stores.len() as u16
    }

    pub(super) fn place(&self, store: u16, shard: usize) -> Place {
        let id = StoreId { query: self.build.number, store, shard: shard as u16 };
        let backend = Arc::clone(&self.build.backend);
        Place::new(backend, Family::Operator, id).with_memory(self.store_memory)
    }
}

/// How many stores a plan has in each shard.
fn store_count(plan: &Plan) -> usize {
    let own = match plan {
        Plan::Source(source) => usize::from(source.with_before),
        Plan::Aggregate(_) => 1,
        Plan::Join(join) => match join.method {
            JoinMethod::StreamTable => 1,
            JoinMethod::StreamStream(_) | JoinMethod::TableTable => 2,
            JoinMethod::ForeignKey => 4,
        },
        Plan::Filter { .. }
        | Plan::Project { .. }
        | Plan::FlatMap { .. }
        | Plan::Rekey { .. }
        | Plan::Union(_) => 0,
    };
    own + plan.inputs().into_iter().map(store_count).sum::<usize>()
}

/// For each expression whether it needs nothing but the key of its input.
fn of_key(expressions: &[Expr], input: &Plan) -> Vec<bool> {
    let rows = input.output();
    let is_key = |column: &datafusion::common::Column| {
        rows.index_of(&Expr::Column(column.clone())).is_some_and(|at| rows.keys.contains(&at))
    };
    expressions.iter().map(|expression| expression.column_refs().into_iter().all(is_key)).collect()
}

pub(super) fn evaluator<'e>(
    expressions: impl IntoIterator<Item = &'e Expr>,
    rows: &RowType,
) -> Result<Evaluator> {
    Evaluator::new(expressions, &rows.df_schema()?)
}
