//! Transactions of a client.
//!
//! Rows that are inserted in a transaction are there when it commits, all of them; until then they
//! wait in the engine's session. Outside of a transaction the same holds for the insertions that
//! follow one another in one script, and for the rows of one COPY. Statements that change the
//! catalog take effect at once, and `ROLLBACK` says so where it comes too late for them.

use engine::Savepoint;
use pgwire::messages::response::TransactionStatus;

use super::reply::Done;
use super::session::Session;
use crate::failure::{Failure, sqlstate};
use crate::sessions::State;
use crate::text::rewrite::Rewritten;

/// What a session knows of the client's transaction.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// Whether the client has begun one.
    open: bool,
    /// Whether a statement of it changed the catalog.
    changed: bool,
    /// The places that it can go back to, by name; of one name the last one counts.
    savepoints: Vec<(String, Savepoint)>,
}

impl Transaction {
    /// Notes that a statement changed the catalog.
    pub fn note_change(&mut self) {
        self.changed = self.open;
    }

    fn position(&self, name: &str) -> Result<usize, Failure> {
        let position = self.savepoints.iter().rposition(|(known, _)| known == name);
        position.ok_or_else(|| {
            let message = format!("there is no savepoint {name}");
            Failure::new(sqlstate::INVALID_SAVEPOINT, message)
        })
    }
}

const NO_TRANSACTION: &str = "there is no transaction in progress";
const NOT_TAKEN_BACK: &str = "statements that changed the catalog are not taken back";

impl Session {
    /// What the client does when no statement of it runs; `failed` is how the last one ended.
    pub fn state(&self, failed: bool) -> State {
        match (self.in_transaction(), failed) {
            (false, _) => State::Idle,
            (true, false) => State::InTransaction,
            (true, true) => State::InFailedTransaction,
        }
    }

    /// Begins a transaction; what the same script has inserted before belongs to it.
    pub(super) async fn begin_transaction(&self, status: TransactionStatus) -> Done {
        self.begin_insertions().await;
        self.transaction.lock().open = true;
        let done = Done { transaction: Some(TransactionStatus::Transaction), ..Done::new("BEGIN") };
        match status {
            TransactionStatus::Idle => done,
            _ => done.warning("there is already a transaction in progress"),
        }
    }

    pub(super) async fn commit(&self, status: TransactionStatus) -> Result<Done, Failure> {
        if matches!(status, TransactionStatus::Error) {
            return self.rollback(status).await;
        }
        self.end_transaction(true).await?;
        let done = Done { transaction: Some(TransactionStatus::Idle), ..Done::new("COMMIT") };
        Ok(match status {
            TransactionStatus::Idle => done.warning(NO_TRANSACTION),
            _ => done,
        })
    }

    pub(super) async fn rollback(&self, status: TransactionStatus) -> Result<Done, Failure> {
        let ended = self.end_transaction(false).await?;
        let done = Done { transaction: Some(TransactionStatus::Idle), ..Done::new("ROLLBACK") };
        Ok(if ended.changed {
            done.warning(NOT_TAKEN_BACK)
        } else if matches!(status, TransactionStatus::Idle) {
            done.warning(NO_TRANSACTION)
        } else {
            done
        })
    }

    pub(super) async fn set_savepoint(&self, name: String) -> Result<Done, Failure> {
        let place = self.engine_session.lock().await.savepoint();
        let mut transaction = self.transaction.lock();
        if !transaction.open {
            let message = "SAVEPOINT is for transactions, and there is none in progress";
            return Err(Failure::new(sqlstate::NO_TRANSACTION, message).hint("BEGIN begins one"));
        }
        transaction.savepoints.push((name, place));
        Ok(Done::new("SAVEPOINT"))
    }

    pub(super) fn release(&self, name: &str) -> Result<Done, Failure> {
        let mut transaction = self.transaction.lock();
        let position = transaction.position(name)?;
        transaction.savepoints.truncate(position);
        Ok(Done::new("RELEASE"))
    }

    /// Goes back to a savepoint, which stays; a transaction that has failed goes on from there.
    pub(super) async fn rollback_to(&self, name: &str) -> Result<Done, Failure> {
        let mut engine = self.engine_session.lock().await;
        let mut transaction = self.transaction.lock();
        let position = transaction.position(name)?;
        engine.rollback_to(transaction.savepoints[position].1);
        transaction.savepoints.truncate(position + 1);
        let status = Some(TransactionStatus::Transaction);
        Ok(Done { transaction: status, ..Done::new("ROLLBACK") })
    }

    /// Ends the transaction: what it inserted is there, or with `commit` false forgotten. Gives
    /// what was known of it.
    async fn end_transaction(&self, commit: bool) -> Result<Transaction, Failure> {
        self.cursors.lock().clear();
        let ended = std::mem::take(&mut *self.transaction.lock());
        self.end_insertions(commit).await?;
        Ok(ended)
    }

    /// Lets insertions wait from now on, until they are ended together.
    pub(super) async fn begin_insertions(&self) {
        self.engine_session.lock().await.begin();
    }

    /// The insertions so far are there together, or forgotten.
    async fn end_insertions(&self, commit: bool) -> Result<(), Failure> {
        let mut engine = self.engine_session.lock().await;
        if !commit {
            engine.rollback();
            return Ok(());
        }
        engine.commit().map_err(|error| Failure::of_engine(&error, &Rewritten::default()))
    }

    /// After a script: outside of a transaction what it inserted last is there, or after a failure
    /// forgotten.
    pub(super) async fn end_script(&self, failed: bool) -> Result<(), Failure> {
        match self.in_transaction() {
            true => Ok(()),
            false => self.end_insertions(!failed).await,
        }
    }

    /// Outside of a transaction: an insertion of a script waits for the next ones, and every other
    /// statement sees what was inserted before it.
    pub(super) async fn settle_insertions(&self, wait: bool) -> Result<(), Failure> {
        match (self.in_transaction(), wait) {
            (true, _) => Ok(()),
            (false, true) => {
                self.begin_insertions().await;
                Ok(())
            }
            (false, false) => self.end_insertions(true).await,
        }
    }

    fn in_transaction(&self) -> bool {
        self.transaction.lock().open
    }
}
