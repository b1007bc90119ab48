//! Events as columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, Int64Builder, StringBuilder};
use engine::format::{ColumnsBuilder, Layout, RecordColumns};
use log_store::AppendBatch;

use super::model::{Auction, Bid, Event, Person};
use super::schema::{Kind, Table};

/// Rows are handed on when there are so many.
const ROWS: usize = 4096;

/// The rows of one partition until they make a batch.
pub struct Columns {
    layout: Layout,
    times: Vec<i64>,
    keys: Vec<i64>,
    keyed: bool,
    values: Vec<Column>,
    batches: ColumnsBuilder,
}

enum Column {
    Number(Int64Builder),
    Text(StringBuilder),
}

impl Columns {
    /// No rows yet.
    pub fn new(table: Table) -> Self {
        let column = |(_, kind): &(&str, Kind)| match kind {
            Kind::Number => Column::Number(Int64Builder::new()),
            Kind::Text => Column::Text(StringBuilder::new()),
        };
        Self {
            layout: table.layout(),
            times: Vec::new(),
            keys: Vec::new(),
            keyed: table.key().is_some(),
            values: table.columns().iter().map(column).collect(),
            batches: ColumnsBuilder::default(),
        }
    }

    /// Adds a row; gives the batches that are full.
    pub fn push(&mut self, event: &Event<'_>) -> anyhow::Result<Vec<AppendBatch>> {
        let mut columns = self.values.iter_mut();
        let mut put = |cell: Cell<'_>| match (columns.next(), cell) {
            (Some(Column::Number(column)), Cell::Number(value)) => column.append_value(value),
            (Some(Column::Text(column)), Cell::Text(value)) => column.append_value(value),
            _ => unreachable!("the cells are those of the schema"),
        };
        match event {
            Event::Person(person) => {
                self.keys.push(person.id);
                self.times.push(person.date_time);
                cells_of_person(person).into_iter().for_each(&mut put);
            }
            Event::Auction(auction) => {
                self.keys.push(auction.id);
                self.times.push(auction.date_time);
                cells_of_auction(auction).into_iter().for_each(&mut put);
            }
            Event::Bid(bid) => {
                self.times.push(bid.date_time);
                cells_of_bid(bid).into_iter().for_each(&mut put);
            }
        }
        if self.times.len() < ROWS { Ok(Vec::new()) } else { self.hand_on() }
    }

    /// Batches of what is left.
    pub fn build(&mut self) -> anyhow::Result<Vec<AppendBatch>> {
        let mut batches = self.hand_on()?;
        batches.extend(self.batches.build()?);
        Ok(batches)
    }

    fn hand_on(&mut self) -> anyhow::Result<Vec<AppendBatch>> {
        if self.times.is_empty() {
            return Ok(Vec::new());
        }
        let keys: ArrayRef = Arc::new(Int64Array::from(std::mem::take(&mut self.keys)));
        let finish = |column: &mut Column| -> ArrayRef {
            match column {
                Column::Number(column) => Arc::new(column.finish()),
                Column::Text(column) => Arc::new(column.finish()),
            }
        };
        let rows = self.layout.batch(RecordColumns {
            times: std::mem::take(&mut self.times).into(),
            keys: if self.keyed { std::slice::from_ref(&keys) } else { &[] },
            keyless: None,
            window: &[],
            values: self.values.iter_mut().map(finish).collect(),
            tombstones: None,
            headers: None,
        })?;
        Ok(self.batches.push(rows)?)
    }
}

enum Cell<'a> {
    Number(i64),
    Text(&'a str),
}

use Cell::{Number, Text};

fn cells_of_person<'a>(person: &'a Person<'_>) -> [Cell<'a>; 7] {
    [
        Text(&person.name),
        Text(&person.email_address),
        Text(&person.credit_card),
        Text(person.city),
        Text(person.state),
        Number(person.date_time),
        Text(person.extra),
    ]
}

fn cells_of_auction<'a>(auction: &'a Auction<'_>) -> [Cell<'a>; 9] {
    [
        Text(&auction.item_name),
        Text(&auction.description),
        Number(auction.initial_bid),
        Number(auction.reserve),
        Number(auction.date_time),
        Number(auction.expires),
        Number(auction.seller),
        Number(auction.category),
        Text(auction.extra),
    ]
}

fn cells_of_bid<'a>(bid: &'a Bid<'_>) -> [Cell<'a>; 7] {
    [
        Number(bid.auction),
        Number(bid.bidder),
        Number(bid.price),
        Text(bid.channel),
        Text(bid.url),
        Number(bid.date_time),
        Text(bid.extra),
    ]
}
