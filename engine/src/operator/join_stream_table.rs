//! Joins a stream's records with the rows of a table, as the table is when they arrive.
//!
//! Port 0 is the stream, port 1 the table; both are keyed by the join condition. Only stream
//! records give output. Records without a value are dropped; those with a NULL key too, except
//! that a left join pads them. It also pads those for which what else has to hold does not.

use std::ops::Range;

use super::join_shape::{Incoming, JoinShape, stretches};
use super::joined::{Half, JoinedRow};
use super::{Operator, Output, Turns};
use crate::change::{Changes, Op};
use crate::error::Result;
use crate::evaluate::Evaluator;
use crate::state::{RowStore, WriteBatch};

/// A running stream–table join.
#[derive(Debug)]
pub struct JoinStreamTable {
    shape: JoinShape,
    pads: bool,
    residual: Option<Evaluator>,
    table: RowStore,
}

impl JoinStreamTable {
    /// A join that keeps the table's rows in `table`; with `pads`, stream records without a
    /// partner are kept.
    pub fn new(shape: JoinShape, pads: bool, table: RowStore) -> Self {
        Self { shape, pads, residual: None, table }
    }

    /// The same join where a record and its partner also have to meet a condition over the columns
    /// of the result. Only for one that pads: elsewhere a filter does the same.
    #[must_use]
    pub fn with_residual(self, residual: Option<Evaluator>) -> Self {
        assert!(self.pads || residual.is_none());
        Self { residual, ..self }
    }

    fn update_table(&mut self, incoming: &Incoming, changed: Range<usize>) {
        let Incoming { input, keys, rows, .. } = incoming;
        for row in changed.filter(|row| input.op(*row) != Op::UpdateBefore) {
            if let Some(key) = keys.get(row) {
                self.table.set(key, input.op(row).adds().then(|| rows.get(row)));
            }
        }
    }

    fn join_stream(&mut self, incoming: &mut Incoming, records: Range<usize>) -> Result<()> {
        let Incoming { input, keys, joined, .. } = incoming;
        for row in records.filter(|row| input.op(*row) != Op::Tombstone) {
            let partner = match keys.get(row) {
                Some(key) => self.table.get(key)?,
                None => None,
            };
            let partner = match partner {
                Some(partner) => Half::Kept(partner),
                None if self.pads => Half::Nothing,
                None => continue,
            };
            let halves = [Half::Input(row), partner];
            let time = input.times.value(row);
            joined.push(row, JoinedRow { halves, key: Half::Input(row), op: Op::Insert, time });
        }
        Ok(())
    }
}

impl Operator for JoinStreamTable {
    fn process(&mut self, port: usize, input: Changes, output: &mut Output) -> Result<()> {
        self.process_round(vec![(port, input)], output)
    }

    fn process_round(&mut self, inputs: Vec<(usize, Changes)>, output: &mut Output) -> Result<()> {
        let mut incoming = self.shape.incoming(inputs, &[1], &mut output.errors)?;
        for (at, rows) in stretches(&incoming) {
            match incoming[at].port {
                0 => self.join_stream(&mut incoming[at], rows)?,
                _ => self.update_table(&incoming[at], rows),
            }
        }
        for stream in incoming.iter_mut().filter(|incoming| incoming.port == 0) {
            let mut changes = self.shape.build(stream)?;
            if let Some(residual) = &self.residual {
                let holds = residual.matches(&changes.rows, &mut output.errors)?;
                if holds.true_count() < changes.len() {
                    stream.joined.pad_right(&holds);
                    changes = self.shape.build(stream)?;
                }
            }
            output.emit(changes);
        }
        Ok(())
    }

    fn turns(&self) -> Turns {
        Turns::InOrder
    }

    fn save(&mut self, batch: &mut WriteBatch) -> Result<()> {
        self.table.save(batch);
        Ok(())
    }

    fn memory(&self) -> usize {
        self.table.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{self, check};
    use super::*;

    fn check_join(pads: bool, script: &str) {
        let sides = [script::schema("A int, V text"), script::schema("B int, W text")];
        let open = |places: &script::Places| -> Box<dyn Operator> {
            let table = RowStore::open(places.place(1)).unwrap();
            Box::new(JoinStreamTable::new(script::shape(&sides, Some("ROWKEY")), pads, table))
        };
        check(&sides, open, script);
    }

    #[test]
    fn a_record_meets_the_row_that_is_there_when_it_arrives() {
        check_join(
            false,
            "L + 1 early @9
             R + 1 x @5; + 1 y @4
             L + 1 a @3; 0 1 _ @4; + _ b @5; + 2 c @6 => + 1 a 1 y 1 @3
             restart
             L + 1 d @7 => + 1 d 1 y 1 @7
             R 0 1 _ @8
             L + 1 e @9",
        );
    }

    #[test]
    fn a_left_join_pads_records_without_partner_or_key() {
        check_join(
            true,
            "R + 1 x @0
             L + 2 a @1; + _ b @2; 0 2 _ @3; + 1 c @4 => + 2 a _ _ 2 @1; + _ b _ _ _ @2; + 1 c 1 x 1 @4",
        );
    }
}
