//! Transactions of a session: rows that are inserted between `begin` and `commit` are there
//! together or not at all.
//!
//! Until the commit they wait in the session, not in the log: an open transaction of the log holds
//! up everybody who reads its topics, and a client may keep a transaction open for as long as it
//! likes. So a query in the middle of a transaction does not see the rows of that transaction.
//! Statements that change the catalog take effect at once and are not taken back.

use super::insert_values::{self, Insertion};
use crate::engine::Shared;
use crate::error::{Code, Result, invalid};
use crate::session::Session;

/// Bytes of rows that may wait for a commit.
const BYTES_MAX: usize = 1 << 30;

/// Rows that wait for a commit.
#[derive(Default)]
pub struct Transaction {
    insertions: Vec<Insertion>,
    bytes: usize,
}

/// A place in an open transaction, to which it can go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Savepoint {
    insertions: usize,
    bytes: usize,
}

/// Appends rows, or lets them wait for the commit of the session's transaction.
pub fn insert(session: &mut Session, shared: &Shared, rows: Insertion) -> Result<()> {
    let Some(transaction) = &mut session.transaction else {
        return insert_values::append(shared, &[rows]);
    };
    let bytes = transaction.bytes + rows.memory();
    if bytes > BYTES_MAX {
        let message = "a transaction holds 1 GiB of rows at most";
        return Err(
            invalid(Code::NotSupported, message).hint("insert them in several transactions")
        );
    }
    transaction.bytes = bytes;
    transaction.insertions.push(rows);
    Ok(())
}

impl Session {
    /// Begins a transaction, if none is open: rows that are inserted wait for its commit.
    pub fn begin(&mut self) {
        self.transaction.get_or_insert_default();
    }

    /// The place where the open transaction is now.
    pub fn savepoint(&self) -> Savepoint {
        let (insertions, bytes) = self
            .transaction
            .as_ref()
            .map_or((0, 0), |transaction| (transaction.insertions.len(), transaction.bytes));
        Savepoint { insertions, bytes }
    }

    /// Forgets the rows that the open transaction has inserted since it was at this place.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        if let Some(transaction) = &mut self.transaction {
            transaction.insertions.truncate(savepoint.insertions);
            transaction.bytes = savepoint.bytes;
        }
    }

    /// Ends the transaction: its rows are there, all of them, or after an error none.
    pub fn commit(&mut self) -> Result<()> {
        let Some(transaction) = self.transaction.take() else { return Ok(()) };
        if transaction.insertions.is_empty() {
            return Ok(());
        }
        let _changing = self.shared.changing.lock();
        insert_values::append(&self.shared, &transaction.insertions)
    }

    /// Ends the transaction and forgets its rows.
    pub fn rollback(&mut self) {
        self.transaction = None;
    }
}
