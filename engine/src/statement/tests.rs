//! Statements on a whole engine.

mod atomic;
mod changed;
mod exported;
mod looking;
mod power;
mod verified;

use arrow::util::display::array_value_to_string;
use futures::StreamExt;

use crate::engine::{Engine, Options, Workers};
use crate::{Outcome, Session};

const PAGES: &str = "
    CREATE STREAM CLICKS (ID STRING KEY, PAGE STRING)
        WITH (KAFKA_TOPIC='clicks', PARTITIONS=1, FORMAT='JSON');
    CREATE TABLE PAGES AS SELECT PAGE, COUNT(*) AS N FROM CLICKS GROUP BY PAGE;
    INSERT INTO CLICKS VALUES ('a', 'home'), ('b', 'cart');";

async fn engine() -> (Engine, Session) {
    let options = Options { workers: Workers::Manual, ..Options::default() };
    let engine = Engine::open(options).await.unwrap();
    let mut session = engine.session();
    session.run(PAGES).await.unwrap();
    engine.run_until_idle().await.unwrap();
    (engine, session)
}

/// The header and the rows of a statement's answer, a line each.
async fn lines(session: &mut Session, statement: &str) -> Vec<String> {
    let Some(Outcome::Rows(mut rows)) = session.run(statement).await.unwrap().pop() else {
        panic!("expected rows of {statement}");
    };
    let names: Vec<&str> = rows.columns.iter().map(|column| column.name.as_str()).collect();
    let mut lines = vec![names.join("|")];
    while let Some(batch) = rows.stream.next().await {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter();
            let cells = cells.map(|column| array_value_to_string(column, row).unwrap());
            lines.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    lines
}
