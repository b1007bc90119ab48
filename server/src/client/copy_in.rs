//! `COPY … FROM STDIN`: rows that the client sends, as insertions of one transaction.

use std::fmt::Debug;

use async_trait::async_trait;
use engine::Relation;
use futures::Sink;
use pgwire::api::ClientInfo;
use pgwire::api::copy::CopyHandler;
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::copy::{CopyData, CopyDone, CopyFail};
use postgres_types::Type;

use super::commands::back_ticked;
use super::connection::Connection;
use super::parameters::literal_of_text;
use super::send::{self, Wire};
use crate::encode::copy::{CopyRow, RowReader};
use crate::encode::types::pg_type_of;
use crate::failure::{Failure, sqlstate};
use crate::text::copy::CopyOptions;
use crate::text::names;

/// Rows in one insertion.
const ROWS_PER_INSERT: usize = 500;

/// Rows on their way in.
pub(crate) struct CopyIn {
    relation: String,
    columns: Vec<(String, Type)>,
    reader: RowReader,
    /// Rows that wait for the next insertion, as `(literal, …)`.
    waiting: Vec<String>,
    /// Rows read so far.
    rows: usize,
}

impl CopyIn {
    fn new(relation: &Relation, columns: &[String], options: CopyOptions) -> Self {
        let typed = |name: &String| {
            let column = relation.columns.iter().find(|column| column.name == *name);
            (name.clone(), column.map_or(Type::TEXT, |column| pg_type_of(&column.data_type)))
        };
        Self {
            relation: relation.name.clone(),
            columns: columns.iter().map(typed).collect(),
            reader: RowReader::new(options),
            waiting: Vec::new(),
            rows: 0,
        }
    }

    /// Takes a piece of what the client sends; rows that are whole wait from now on.
    fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let rows = self.reader.push(piece)?;
        rows.into_iter().try_for_each(|row| self.take(row))
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.reader.finish()?.map_or(Ok(()), |row| self.take(row))
    }

    fn take(&mut self, row: CopyRow) -> Result<(), Failure> {
        self.rows += 1;
        if row.len() != self.columns.len() {
            let (found, expected) = (row.len(), self.columns.len());
            let message = format!("row {}: expected {expected} fields, found {found}", self.rows);
            return Err(Failure::new(sqlstate::BAD_COPY_FORMAT, message));
        }
        let literals = row.iter().zip(&self.columns).map(|(field, (name, pg_type))| match field {
            None => Ok("NULL".to_owned()),
            Some(text) => {
                literal_of_text(text, pg_type).map_err(|failure| self.placed(name, failure))
            }
        });
        let literals = literals.collect::<Result<Vec<_>, _>>()?;
        self.waiting.push(format!("({})", literals.join(", ")));
        Ok(())
    }

    fn placed(&self, column: &str, failure: Failure) -> Failure {
        let message =
            format!("row {}, column {}: {}", self.rows, names::shown(column), failure.message);
        Failure { message, ..failure }
    }

    /// The next insertion: a full one, or with `all` whatever waits.
    fn insertion(&mut self, all: bool) -> Option<String> {
        let enough = self.waiting.len() >= ROWS_PER_INSERT || (all && !self.waiting.is_empty());
        let rows = enough.then(|| {
            let count = self.waiting.len().min(ROWS_PER_INSERT);
            self.waiting.drain(..count).collect::<Vec<_>>().join(", ")
        })?;
        let columns: Vec<_> = self.columns.iter().map(|(name, _)| back_ticked(name)).collect();
        let relation = back_ticked(&self.relation);
        Some(format!("INSERT INTO {relation} ({}) VALUES {rows}", columns.join(", ")))
    }
}

impl Connection {
    /// Asks the client for its rows.
    pub(super) async fn begin_copy_in<C: Wire>(
        &self,
        client: &mut C,
        relation: String,
        columns: Vec<String>,
        options: CopyOptions,
    ) -> PgWireResult<()> {
        let relations = self.session.engine.relations();
        let Some(relation) = relations.iter().find(|each| each.name == relation) else {
            let message = format!("{} was dropped in the meantime", names::shown(&relation));
            return Err(Failure::new(sqlstate::UNDEFINED_TABLE, message).into_wire(""));
        };
        *self.copy_in.lock().await = Some(CopyIn::new(relation, &columns, options));
        self.session.begin_insertions().await;
        send::ask_for_copy(client, columns.len()).await
    }

    async fn take_piece(&self, piece: &[u8]) -> Result<(), Failure> {
        let mut copy_in = self.copy_in.lock().await;
        let copy_in = copy_in.as_mut().ok_or_else(no_copy)?;
        copy_in.push(piece)?;
        self.insert(copy_in, false).await
    }

    /// Inserts what is left; gives the number of all rows.
    async fn end_copy_in(&self) -> Result<usize, Failure> {
        let mut copy_in = self.copy_in.lock().await.take().ok_or_else(no_copy)?;
        copy_in.finish()?;
        self.insert(&mut copy_in, true).await?;
        self.session.end_script(false).await?;
        Ok(copy_in.rows)
    }

    /// After a failure nothing of what was copied is there.
    async fn forget_copy(&self) {
        *self.copy_in.lock().await = None;
        // To forget cannot fail.
        let _ = self.session.end_script(true).await;
    }

    async fn insert(&self, copy_in: &mut CopyIn, all: bool) -> Result<(), Failure> {
        while let Some(insertion) = copy_in.insertion(all) {
            self.session.insert_own(&insertion).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl CopyHandler for Connection {
    async fn on_copy_data<C>(&self, _: &mut C, data: CopyData) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let work =
            async { self.take_piece(&data.data).await.map_err(|failure| failure.into_wire("")) };
        let taken = self.guarded("", work).await;
        if taken.is_err() {
            self.forget_copy().await;
        }
        taken
    }

    async fn on_copy_done<C>(&self, client: &mut C, _: CopyDone) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let work = async { self.end_copy_in().await.map_err(|failure| failure.into_wire("")) };
        let ended = self.guarded("", work).await;
        if ended.is_err() {
            self.forget_copy().await;
        }
        send::feed(client, send::complete(format!("COPY {}", ended?))).await
    }

    async fn on_copy_fail<C>(&self, _: &mut C, fail: CopyFail) -> PgWireError
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.forget_copy().await;
        let message = format!("the client ended COPY: {}", fail.message);
        Failure::new(sqlstate::QUERY_CANCELED, message).into_wire("")
    }
}

fn no_copy() -> Failure {
    Failure::new("08P01", "rows were sent that no COPY asked for")
}
