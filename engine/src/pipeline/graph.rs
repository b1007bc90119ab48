//! The graph of operators of a pipeline.
//!
//! Nodes stand in topological order and have one instance per shard. An edge leads to the same
//! shard, or through an **exchange**: rows go to the shard that their key hashes to. Batches carry
//! the sequence number of the round in which they were read, and a node processes its inbox in that
//! order. Within a round batches of several partitions may take [turns](Changes::turns): a node that
//! needs its rows in order merges them, so that the two sides of a join meet in the order in which
//! they were read.
//!
//! The shards of a node may run [side by side](super::side_by_side); what they give goes on in the
//! order of shards and reads, so that threads do not show in the output.

use std::borrow::Cow;

use arrow::array::{BooleanArray, UInt32Array};

use super::measure::Measure;
use super::side_by_side::{self, Work};
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::evaluate::{Evaluator, RowErrors};
use crate::operator::{Late, Operator, Output, Turns};
use crate::state::{RowCodec, WriteBatch};

/// Where a batch goes next.
pub struct Edge {
    /// The node.
    pub node: usize,
    /// Its port.
    pub port: usize,
    /// How rows are spread over shards; `None` keeps the shard.
    pub exchange: Option<Exchange>,
}

/// Spreads rows over shards by their key.
pub struct Exchange {
    key: Evaluator,
    codec: RowCodec,
}

struct Node {
    shards: Vec<Box<dyn Operator>>,
    inbox: Vec<Vec<Arrived>>,
    to: Option<Edge>,
    rows_in: u64,
    rows_out: u64,
}

/// A batch that waits to be processed.
pub(super) struct Arrived {
    pub sequence: u64,
    pub port: usize,
    pub changes: Changes,
}

/// A batch that left the last node.
pub struct Emitted {
    /// Where it left.
    pub shards: Shards,
    /// The round in which it was read.
    pub sequence: u64,
    /// What changed.
    pub changes: Changes,
}

/// The shards that the rows of a batch left.
pub enum Shards {
    /// All of them one.
    One(usize),
    /// Each its own.
    Each(Vec<usize>),
}

/// What a run gave.
#[derive(Default)]
pub struct Ran {
    /// Output in the order of the reads.
    pub emitted: Vec<Emitted>,
    /// Rows that something was wrong with.
    pub errors: RowErrors,
    /// Records that came too late for a window.
    pub late: Late,
}

impl Shards {
    /// That of a row.
    pub fn of(&self, row: usize) -> usize {
        match self {
            Self::One(shard) => *shard,
            Self::Each(shards) => shards[row],
        }
    }

    fn each(self, rows: usize) -> Vec<usize> {
        match self {
            Self::One(shard) => vec![shard; rows],
            Self::Each(shards) => shards,
        }
    }
}

impl Emitted {
    /// Rows that did not go through a graph.
    pub fn alone(changes: Changes) -> Self {
        Self { shards: Shards::One(0), sequence: 0, changes }
    }

    /// The rows that `keep` marks.
    pub fn filter(self, keep: &BooleanArray) -> Result<Self> {
        let Self { shards, sequence, changes } = self;
        let shards = match shards {
            Shards::One(shard) => Shards::One(shard),
            Shards::Each(shards) => {
                let rows = shards.into_iter().zip(keep.values());
                Shards::Each(rows.filter(|(_, keep)| *keep).map(|(shard, _)| shard).collect())
            }
        };
        Ok(Self { shards, sequence, changes: changes.filter(keep)? })
    }

    /// The same in pieces of at most so many rows.
    pub fn cut(self, rows: usize) -> impl Iterator<Item = Self> {
        let starts = (0..self.changes.len().max(1)).step_by(rows);
        starts.map(move |start| {
            let len = rows.min(self.changes.len() - start);
            let shards = match &self.shards {
                Shards::One(shard) => Shards::One(*shard),
                Shards::Each(shards) => Shards::Each(shards[start..start + len].to_vec()),
            };
            let changes = self.changes.slice(start, len);
            Self { shards, sequence: self.sequence, changes }
        })
    }
}

impl Node {
    /// What its shards have to do.
    fn work(&mut self) -> Vec<Work<'_>> {
        let arrived = self.inbox.iter().flatten();
        self.rows_in += arrived.map(|arrived| arrived.changes.len() as u64).sum::<u64>();
        let shards = self.shards.iter_mut().zip(&mut self.inbox).enumerate();
        let work = shards.map(|(shard, (operator, inbox))| {
            let mut inbox = std::mem::take(inbox);
            inbox.sort_by_key(|arrived| arrived.sequence);
            Work { shard, operator: operator.as_mut(), inbox }
        });
        work.filter(|work| !work.inbox.is_empty()).collect()
    }
}

/// The operators of a pipeline.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<Node>,
    entries: Vec<Option<Edge>>,
    /// Rows that were put in at each entry.
    rows_entered: Vec<u64>,
    shards: usize,
    threads: usize,
    /// The nodes whose inputs must be read in the order of their times.
    time_ordered: Vec<usize>,
    arrived: Vec<Emitted>,
}

impl Exchange {
    /// An exchange by the values of `key`.
    pub fn new(key: Evaluator) -> Result<Self> {
        let codec = RowCodec::new(key.types().cloned().collect())?;
        Ok(Self { key, codec })
    }

    /// The rows of each shard, in order. What an update takes back from one shard and gives to another
    /// is a deletion here and an insertion there.
    fn split(&self, changes: &Changes, shards: usize) -> Result<Vec<Changes>> {
        // What is wrong with a key is reported by the operator that needs it.
        let columns = self.key.evaluate(&changes.rows, &mut RowErrors::default())?;
        let keys = self.codec.encode(&columns, changes.len())?;
        let of_rows: Vec<usize> =
            keys.iter().map(|key| crc32c::crc32c(key) as usize % shards).collect();
        let mut rows = vec![Vec::new(); shards];
        for (row, shard) in of_rows.iter().enumerate() {
            rows[*shard].push(row as u32);
        }
        let changes = parted(changes, &of_rows);
        rows.into_iter().map(|rows| changes.take(&UInt32Array::from(rows))).collect()
    }
}

/// The same rows, with updates parted whose halves go to different shards.
fn parted<'a>(changes: &'a Changes, shards: &[usize]) -> Cow<'a, Changes> {
    let Some(ops) = &changes.ops else { return Cow::Borrowed(changes) };
    let leaves = |row: &usize| ops[*row] == Op::UpdateBefore && shards[*row] != shards[*row + 1];
    let leaving: Vec<usize> = (0..ops.len().saturating_sub(1)).filter(leaves).collect();
    if leaving.is_empty() {
        return Cow::Borrowed(changes);
    }
    let mut ops = ops.clone();
    for row in leaving {
        (ops[row], ops[row + 1]) = (Op::Delete, Op::Insert);
    }
    Cow::Owned(Changes { ops: Some(ops), ..changes.clone() })
}

impl Graph {
    /// An empty graph whose nodes will have this many shards, which take up to so many threads.
    pub fn new(shards: usize, threads: usize) -> Self {
        Self { shards, threads, ..Self::default() }
    }

    /// Number of shards of each node.
    pub fn shards(&self) -> usize {
        self.shards
    }

    /// Threads that it may take at once.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Adds a node; its inputs must stand before it.
    pub fn add(&mut self, shards: Vec<Box<dyn Operator>>) -> usize {
        assert_eq!(shards.len(), self.shards);
        let inbox = shards.iter().map(|_| Vec::new()).collect();
        self.nodes.push(Node { shards, inbox, to: None, rows_in: 0, rows_out: 0 });
        self.nodes.len() - 1
    }

    /// Adds an entry for a source.
    pub fn add_entry(&mut self) -> usize {
        self.entries.push(None);
        self.rows_entered.push(0);
        self.entries.len() - 1
    }

    /// Connects an entry with a node.
    pub fn connect_entry(&mut self, entry: usize, edge: Edge) {
        self.entries[entry] = Some(edge);
    }

    /// Connects a node with a later one.
    pub fn connect(&mut self, node: usize, edge: Edge) {
        assert!(node < edge.node, "nodes stand in topological order");
        self.nodes[node].to = Some(edge);
    }

    /// Says that what comes to a node must be read in the order of its times.
    pub fn require_time_order(&mut self, node: usize) {
        self.time_ordered.push(node);
    }

    /// Whether the inputs must be read in the order of their times.
    pub fn needs_time_order(&self) -> bool {
        !self.time_ordered.is_empty()
    }

    /// Whether rows keep their turns all the way to the nodes that need an order.
    pub fn keeps_turns(&self) -> bool {
        let mut matters = vec![false; self.nodes.len()];
        for at in (0..self.nodes.len()).rev() {
            let to = self.nodes[at].to.as_ref().map(|edge| edge.node);
            let leads_on = to.is_some_and(|to| matters[to] || self.time_ordered.contains(&to));
            matters[at] = leads_on || self.time_ordered.contains(&at);
        }
        let keeps = |node: &Node| node.shards.iter().all(|shard| shard.turns() != Turns::Lost);
        self.nodes.iter().zip(matters).all(|(node, matters)| !matters || keeps(node))
    }

    /// Puts a batch in at an entry.
    pub fn push(&mut self, entry: usize, shard: usize, sequence: u64, changes: Changes) {
        self.rows_entered[entry] += changes.len() as u64;
        let shard = shard % self.shards;
        match self.entries[entry].take() {
            None => self.arrived.push(Emitted { shards: Shards::One(shard), sequence, changes }),
            Some(edge) => {
                // An exchange fails only where an invariant is broken; the run reports it.
                let routed = self.route(&edge, shard, sequence, changes);
                self.entries[entry] = Some(edge);
                assert!(routed.is_ok(), "rows can be spread over shards");
            }
        }
    }

    fn route(&mut self, edge: &Edge, shard: usize, sequence: u64, changes: Changes) -> Result<()> {
        let arrived = |changes| Arrived { sequence, port: edge.port, changes };
        let inbox = &mut self.nodes[edge.node].inbox;
        match &edge.exchange {
            Some(exchange) if self.shards > 1 => {
                let split = exchange.split(&changes, self.shards)?;
                for (shard, changes) in split.into_iter().enumerate() {
                    if !changes.is_empty() {
                        inbox[shard].push(arrived(changes));
                    }
                }
            }
            _ => inbox[shard].push(arrived(changes)),
        }
        Ok(())
    }

    /// Processes everything that was put in, node by node.
    pub fn run(&mut self) -> Result<Ran> {
        let mut ran = Ran { emitted: std::mem::take(&mut self.arrived), ..Ran::default() };
        for at in 0..self.nodes.len() {
            let node = &mut self.nodes[at];
            let outputs = side_by_side::process(node.work(), self.threads)?;
            let to = node.to.take();
            for (shard, sequence, output) in outputs {
                let rows = output.changes.iter().map(|changes| changes.len() as u64);
                self.nodes[at].rows_out += rows.sum::<u64>();
                self.pass_on(&to, shard, sequence, output, &mut ran)?;
            }
            self.nodes[at].to = to;
        }
        ran.emitted.sort_by_key(|emitted| emitted.sequence);
        ran.emitted = in_turns(ran.emitted)?;
        Ok(ran)
    }

    fn pass_on(
        &mut self,
        to: &Option<Edge>,
        shard: usize,
        sequence: u64,
        mut output: Output,
        ran: &mut Ran,
    ) -> Result<()> {
        ran.errors.errors.append(&mut output.errors.errors);
        ran.late.merge(output.late);
        for changes in output.changes {
            match to {
                Some(edge) => self.route(edge, shard, sequence, changes)?,
                None => {
                    let shards = Shards::One(shard);
                    ran.emitted.push(Emitted { shards, sequence, changes });
                }
            }
        }
        Ok(())
    }

    /// Adds what changed in all states to the batch of a commit.
    pub fn save(&mut self, batch: &mut WriteBatch) -> Result<()> {
        let operators = self.nodes.iter_mut().flat_map(|node| &mut node.shards);
        operators.into_iter().try_for_each(|operator| operator.save(batch))
    }

    /// Rows that were put in at an entry.
    pub fn rows_entered(&self, entry: usize) -> u64 {
        self.rows_entered[entry]
    }

    /// What went through a node, and what it holds.
    pub fn measure(&self, node: usize) -> Measure {
        let Node { shards, rows_in, rows_out, .. } = &self.nodes[node];
        let memory = shards.iter().map(|operator| operator.memory()).sum();
        Measure { rows_in: *rows_in, rows_out: *rows_out, memory, ..Measure::default() }
    }

    /// Bytes of memory that all states hold.
    pub fn memory(&self) -> usize {
        self.nodes.iter().flat_map(|node| &node.shards).map(|operator| operator.memory()).sum()
    }
}

/// What took turns in one round becomes one batch.
fn in_turns(emitted: Vec<Emitted>) -> Result<Vec<Emitted>> {
    let mut merged: Vec<Emitted> = Vec::with_capacity(emitted.len());
    let mut emitted = emitted.into_iter().peekable();
    while let Some(first) = emitted.next() {
        let sequence = first.sequence;
        let took_turns =
            |other: &Emitted| other.sequence == sequence && other.changes.turns.is_some();
        let mut round = vec![first];
        while took_turns(&round[0]) && emitted.peek().is_some_and(took_turns) {
            round.extend(emitted.next());
        }
        merged.push(if round.len() == 1 { round.remove(0) } else { merge(round)? });
    }
    Ok(merged)
}

fn merge(round: Vec<Emitted>) -> Result<Emitted> {
    let sequence = round.first().map_or(0, |first| first.sequence);
    let (mut shards, mut parts) = (Vec::new(), Vec::new());
    for Emitted { shards: of_part, changes, .. } in round {
        shards.extend(of_part.each(changes.len()));
        parts.push(changes);
    }
    let mut changes = Changes::concat(&parts.iter().collect::<Vec<_>>())?;
    if let Some(order) = changes.order_of_turns() {
        changes = changes.take(&order)?;
        shards = order.values().iter().map(|row| shards[*row as usize]).collect();
    }
    let shards = match shards.first() {
        Some(first) if shards.iter().all(|shard| shard == first) => Shards::One(*first),
        _ => Shards::Each(shards),
    };
    Ok(Emitted { shards, sequence, changes })
}
