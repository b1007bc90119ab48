//! What all joins have in common: the two sides, and the shape of the joined rows.
//!
//! Port 0 is the left side, port 1 the right one. Rows of a side are kept as bytes, under the
//! bytes of the key that they are joined on.
//!
//! What came in at both ports in one round is prepared as a whole ([`JoinShape::incoming`]), then
//! joined row by row in the order of [`stretches`], and built as a whole for each port.

use std::ops::Range;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, SchemaRef};
use sql::ast::JoinKind;

use super::Output;
use super::joined::{Half, Joined};
use crate::change::Changes;
use crate::error::{Error, Result};
use crate::evaluate::{Evaluator, RowErrors};
use crate::state::{EncodedRows, RowCodec, batch_of};

/// One side of a join.
#[derive(Debug)]
pub struct JoinSide {
    key: Evaluator,
    key_codec: RowCodec,
    row_codec: RowCodec,
    columns: usize,
}

/// The sides of a join, and the columns of its result.
#[derive(Debug)]
pub struct JoinShape {
    sides: [JoinSide; 2],
    schema: SchemaRef,
}

/// The keys of a batch that came in at one side.
pub(super) struct SideKeys {
    columns: Vec<ArrayRef>,
    encoded: EncodedRows,
}

/// A batch that came in at a port, and what it has given so far.
pub(super) struct Incoming {
    /// The port.
    pub port: usize,
    /// The batch.
    pub input: Changes,
    /// The key of each row.
    pub keys: SideKeys,
    /// The bytes of each row, where they are needed.
    pub rows: EncodedRows,
    /// What its rows have given.
    pub joined: Joined,
}

/// Whether rows without a partner are kept, for the left and the right side.
pub(super) fn kept_sides(kind: JoinKind) -> [bool; 2] {
    match kind {
        JoinKind::Inner => [false, false],
        JoinKind::Left => [true, false],
        JoinKind::Right => [false, true],
        JoinKind::Full => [true, true],
    }
}

impl JoinSide {
    /// A side with columns of these types. `key` begins with the side's expressions of the join's
    /// equalities; what else tells keys apart, a window's bounds, follows them.
    pub fn new(key: Evaluator, types: Vec<DataType>) -> Result<Self> {
        let key_codec = RowCodec::new(key.types().cloned().collect())?;
        let columns = types.len();
        Ok(Self { key, key_codec, row_codec: RowCodec::new(types)?, columns })
    }
}

impl SideKeys {
    /// The bytes of a row's key; none where it is NULL.
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        let whole = self.columns.iter().all(|column| column.is_valid(row));
        whole.then(|| self.encoded.get(row))
    }

    /// The bytes of a row's key, which may hold NULLs.
    pub fn get_with_nulls(&self, row: usize) -> &[u8] {
        self.encoded.get(row)
    }
}

impl JoinShape {
    /// A join of `left` and `right`. The schema has the columns of both and, where neither holds
    /// the key of the result, those of the key at the end.
    pub fn new(left: JoinSide, right: JoinSide, schema: SchemaRef) -> Self {
        assert!(schema.fields().len() >= left.columns + right.columns);
        Self { sides: [left, right], schema }
    }

    /// What came in at the ports in one round; rows of the ports that `needs_rows` names are
    /// needed as bytes.
    pub(super) fn incoming(
        &self,
        inputs: Vec<(usize, Changes)>,
        needs_rows: &[usize],
        errors: &mut RowErrors,
    ) -> Result<Vec<Incoming>> {
        let incoming = inputs.into_iter().map(|(port, input)| {
            let side = &self.sides[port];
            let columns = side.key.evaluate(&input.rows, errors)?;
            let encoded = side.key_codec.encode(&columns, input.len())?;
            let needed = if needs_rows.contains(&port) { input.len() } else { 0 };
            let rows = side.row_codec.encode(input.rows.slice(0, needed).columns(), needed)?;
            let keys = SideKeys { columns, encoded };
            Ok(Incoming { port, input, keys, rows, joined: Joined::default() })
        });
        incoming.collect()
    }

    /// Emits what each batch has given.
    pub(super) fn emit(&self, incoming: &[Incoming], output: &mut Output) -> Result<()> {
        for incoming in incoming {
            output.emit(self.build(incoming)?);
        }
        Ok(())
    }

    /// Builds the columns of what a batch has given.
    pub(super) fn build(&self, incoming: &Incoming) -> Result<Changes> {
        let Incoming { port, input, keys, joined, .. } = incoming;
        if joined.ops.is_empty() {
            return Ok(Changes::none(&self.schema));
        }
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (at, side) in self.sides.iter().enumerate() {
            let input = (at == *port).then(|| input.rows.columns());
            columns.extend(joined.halves[at].columns(&side.row_codec, input)?);
        }
        let made = self.schema.fields().len() - columns.len();
        if made > 0 {
            let keys = joined.keys.columns(&self.sides[*port].key_codec, Some(&keys.columns))?;
            columns.extend(keys.into_iter().take(made));
        }
        let (headers, turns) = (joined.headers(input)?, joined.turns(input));
        let rows = batch_of(&self.schema, columns, joined.ops.len())?;
        let changes = Changes::new(rows, joined.ops.clone(), joined.times.clone().into());
        Ok(Changes { headers, turns, ..changes })
    }
}

/// The rows of all batches in the order in which they were taken: which batch, and which of its
/// rows. Batches without turns follow each other.
pub(super) fn stretches(incoming: &[Incoming]) -> Vec<(usize, Range<usize>)> {
    let turns = incoming.iter().map(|incoming| incoming.input.turns.as_ref());
    let turns: Option<Vec<&[u32]>> =
        turns.map(|turns| turns.map(|turns| &**turns.values())).collect();
    let Some(turns) = turns.filter(|turns| turns.len() > 1) else {
        let whole = incoming.iter().enumerate().map(|(at, incoming)| (at, 0..incoming.input.len()));
        return whole.collect();
    };
    let (mut stretches, mut next) = (Vec::new(), vec![0; turns.len()]);
    loop {
        let turn = |at: &usize| turns[*at].get(next[*at]);
        let heads = 0..turns.len();
        let Some(first) = heads.clone().filter(|at| turn(at).is_some()).min_by_key(|at| turn(at))
        else {
            return stretches;
        };
        let bound = heads.filter(|at| *at != first).filter_map(|at| turn(&at)).min();
        let rest = &turns[first][next[first]..];
        let count = bound.map_or(rest.len(), |bound| {
            rest.iter().take_while(|turn| *turn < bound).count().max(1)
        });
        stretches.push((first, next[first]..next[first] + count));
        next[first] += count;
    }
}

/// The left and the right half of a row, given those of the side at `port` and of the other.
pub(super) fn halves<'a>(port: usize, own: Half<'a>, other: Half<'a>) -> [Half<'a>; 2] {
    match port {
        0 => [own, other],
        _ => [other, own],
    }
}

/// A row as it is kept where its time matters: eight bytes of time, then the row.
pub(super) fn with_time(time: i64, row: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + row.len());
    bytes.extend_from_slice(&time.to_be_bytes());
    bytes.extend_from_slice(row);
    bytes
}

/// The time and the row of [`with_time`].
pub(super) fn split_time(bytes: &[u8]) -> Result<(i64, &[u8])> {
    let (time, row) = bytes
        .split_first_chunk::<8>()
        .ok_or_else(|| Error::Internal("a kept row has no time".into()))?;
    Ok((i64::from_be_bytes(*time), row))
}
