//! What is compared: queries at a commit, and how far everything was then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use log_store::{Interest, Offset, Partition, Topic, TopicPartition};
use sql::ast::SourceKind;

use super::impossible;
use crate::catalog::{Catalog, QueryEntry, Source};
use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::pipeline::{Beginning, commit};
use crate::plan::{JoinMethod, Plan, SourcePlan};
use crate::state::View;
use crate::statement::create_as;

/// How long to wait for the transactions that are under way.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often to look meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// A point at which all the queries of a stream or table stood at a commit.
pub struct Cut {
    /// The stream or table.
    pub name: String,
    /// Its queries.
    pub queries: Vec<Replayed>,
    /// The state store as it was.
    pub view: Arc<dyn View>,
    /// What of each partition of the topic is compared; empty for a table without output.
    pub output: Vec<Stretch>,
}

/// A query that is to be run again.
pub struct Replayed {
    /// The query.
    pub entry: QueryEntry,
    /// What it does.
    pub plan: Plan,
    /// Where it began.
    pub beginning: Beginning,
    /// How far it has read each partition of each source.
    pub ends: Vec<Vec<i64>>,
}

/// A part of a partition.
pub struct Stretch {
    /// The partition.
    pub partition: Arc<Partition>,
    /// The first offset.
    pub start: Offset,
    /// The offset after the last.
    pub end: Offset,
}

impl Cut {
    /// Holds the queries for a moment, and looks how far everything is.
    pub fn take(
        shared: &Shared,
        catalog: &Catalog,
        source: &Source,
        queries: &[&QueryEntry],
    ) -> Result<Self> {
        let tasks: Vec<_> =
            queries.iter().filter_map(|query| shared.scheduler.task(query.number)).collect();
        // In the order of their numbers, as everybody who holds several.
        let held: Vec<_> = tasks.iter().map(|task| task.hold()).collect();
        let view = shared.backend.view();
        let topic = shared.log.topic(&source.topic);
        let ends: Vec<Offset> = topic.iter().flat_map(|topic| ends(topic)).collect();
        drop(held);
        let queries = queries.iter().map(|query| {
            Replayed::new(shared, catalog, query, view.as_ref())
                .map_err(|why| why.or_impossible(&source.name))
        });
        let queries = queries.collect::<Result<Vec<_>>>()?;
        let mut output = Vec::new();
        if let (Some(topic), true) = (&topic, queries.iter().any(|q| q.entry.sink.is_some())) {
            output = stretches(&source.name, topic, &queries, &ends)?;
        }
        Ok(Self { name: source.name.clone(), queries, view, output })
    }

    /// The output's topic must have all that the queries wrote.
    pub fn check_output(&self) -> Result<()> {
        for Stretch { partition, start, .. } in &self.output {
            let found = partition.log_start_offset();
            if found > *start {
                let name = partition.topic_partition();
                let why = format!(
                    "its own topic has lost records: {name} begins at {found} by now, the query began at {start}"
                );
                return Err(impossible(&self.name, &why));
            }
        }
        Ok(())
    }

    /// Waits until it is decided of all that the queries wrote whether it counts: somebody else may
    /// have a transaction open.
    pub fn wait_for_output(&self, shared: &Shared) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let arrivals = shared.log.subscribe(Interest::AllTopics);
        for Stretch { partition, end, .. } in &self.output {
            while partition.last_stable_offset() < *end {
                if Instant::now() > deadline {
                    let name = partition.topic_partition();
                    let why = format!("a transaction has been open in {name} for too long");
                    return Err(impossible(&self.name, &why));
                }
                drop(arrivals.wait(LOOK));
            }
        }
        Ok(())
    }
}

fn ends(topic: &Topic) -> impl Iterator<Item = Offset> + '_ {
    topic.partitions().iter().map(|partition| partition.high_watermark())
}

fn stretches(
    name: &str,
    topic: &Topic,
    queries: &[Replayed],
    ends: &[Offset],
) -> Result<Vec<Stretch>> {
    let partitions = topic.partitions();
    if queries.iter().any(|query| query.beginning.outputs.len() != partitions.len()) {
        let why = "its topic has got more partitions since the query began";
        return Err(impossible(name, why));
    }
    let stretch = |at: usize| {
        let starts = queries.iter().map(|query| query.beginning.outputs[at]);
        let start = Offset(starts.min().unwrap_or_default());
        Stretch { partition: Arc::clone(&partitions[at]), start, end: ends[at] }
    };
    Ok((0..partitions.len()).map(stretch).collect())
}

/// Why a query cannot be run again.
enum Why {
    Reason(String),
    Failed(Error),
}

impl From<Error> for Why {
    fn from(error: Error) -> Self {
        Why::Failed(error)
    }
}

impl Why {
    fn or_impossible(self, name: &str) -> Error {
        match self {
            Why::Reason(why) => impossible(name, &why),
            Why::Failed(error) => error,
        }
    }
}

impl Replayed {
    fn new(
        shared: &Shared,
        catalog: &Catalog,
        entry: &QueryEntry,
        view: &dyn View,
    ) -> Result<Self, Why> {
        let plan = create_as::replan(shared, catalog, entry)?;
        let refuse = |why: String| Err(Why::Reason(format!("{}: {why}", entry.id)));
        if plan.to_string() != entry.plan {
            return refuse("this version plans it otherwise than the one that created it".into());
        }
        if plan.is_volatile() {
            return refuse("it calls a function that gives another value each time".into());
        }
        let beginning = match Beginning::load(view, entry.number)? {
            None => return refuse("an earlier version created it".into()),
            Some(Beginning { lost: Some(why), .. }) => return refuse(why),
            Some(beginning) => beginning,
        };
        let mut ends = Vec::new();
        for (input, source) in plan.sources().into_iter().enumerate() {
            let topic = shared.log.topic_named(&source.topic).map_err(Error::from)?;
            let starts = beginning.inputs.get(input).map(Vec::as_slice).unwrap_or_default();
            if starts.len() != topic.partitions().len() {
                return refuse(format!("topic '{}' has got more partitions since", topic.name()));
            }
            let read = Input { plan: &plan, source, topic: &topic, query: entry.number, input };
            ends.push(read.ends(starts, view)?);
        }
        Ok(Self { entry: entry.clone(), plan, beginning, ends })
    }
}

/// A source of a query.
struct Input<'a> {
    plan: &'a Plan,
    source: &'a SourcePlan,
    topic: &'a Topic,
    query: u32,
    input: usize,
}

impl Input<'_> {
    /// How far each partition was read, if all of it can be read again.
    fn ends(&self, starts: &[i64], view: &dyn View) -> Result<Vec<i64>, Why> {
        let partitions = self.topic.partitions().iter().zip(starts).enumerate();
        let ends = partitions.map(|(at, (partition, start))| {
            let name = TopicPartition::new(self.topic.name(), at as u32);
            let end = commit::position_of(view, self.query, &(self.input, name))?.unwrap_or(*start);
            self.check(partition, Offset(*start), Offset(end))?;
            Ok(end)
        });
        ends.collect()
    }

    fn check(&self, partition: &Partition, start: Offset, end: Offset) -> Result<(), Why> {
        let name = partition.topic_partition();
        let found = partition.log_start_offset();
        if found > start {
            return Err(Why::Reason(format!(
                "its source has lost records: {name} begins at {found} by now, the query began at {start}"
            )));
        }
        if partition.last_stable_offset() < end {
            return Err(Why::Reason(format!(
                "its source has lost records: {name} ends at {}, the query has read up to {end}",
                partition.last_stable_offset()
            )));
        }
        let compacted = partition.compacted_to();
        let is_harmless = self.source.kind == SourceKind::Table
            && depends_on_last_rows(self.plan)
            && compacted <= end;
        if compacted > start && !is_harmless {
            return Err(Why::Reason(format!(
                "its source was compacted: {name} has only the last records of keys up to {compacted}"
            )));
        }
        Ok(())
    }
}

/// Whether a plan over tables gives the same in the end for the last rows of its sources alone.
fn depends_on_last_rows(plan: &Plan) -> bool {
    match plan {
        Plan::Source(source) => source.kind == SourceKind::Table,
        Plan::Filter { input, .. } | Plan::Project { input, .. } => depends_on_last_rows(input),
        Plan::Join(join) => {
            matches!(join.method, JoinMethod::TableTable | JoinMethod::ForeignKey)
                && depends_on_last_rows(&join.left)
                && depends_on_last_rows(&join.right)
        }
        // A group that has become empty stays.
        Plan::Aggregate(_) | Plan::FlatMap { .. } | Plan::Rekey { .. } | Plan::Union(_) => false,
    }
}
