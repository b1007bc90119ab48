//! Who is connected, and what they are doing: what `pg_stat_activity` shows, and the way to end
//! another client's statement or connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::Utc;
use engine::ConnectionInfo;
use parking_lot::Mutex;
use tokio::sync::watch;

/// All clients that have been let in.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    listed: Mutex<BTreeMap<i32, Arc<Entry>>>,
}

/// One client.
#[derive(Debug)]
struct Entry {
    info: Mutex<SessionInfo>,
    order: watch::Sender<Order>,
    state: watch::Sender<State>,
}

/// What is known of a client. Times are microseconds since the epoch.
#[derive(Debug, Clone)]
pub(crate) struct SessionInfo {
    pub process_id: i32,
    pub user: String,
    pub application: String,
    pub address: SocketAddr,
    pub since: i64,
    pub transaction_since: Option<i64>,
    pub statement_since: Option<i64>,
    pub state_since: i64,
    pub state: State,
    /// The statement that runs, or the last one that did.
    pub statement: String,
}

/// What a client is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// Its statement runs.
    Active,
    /// It may send a statement.
    #[default]
    Idle,
    /// The same within a transaction.
    InTransaction,
    /// The same after a statement of the transaction has failed.
    InFailedTransaction,
}

impl State {
    /// The state as Postgres names it.
    pub fn shown(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Idle => "idle",
            State::InTransaction => "idle in transaction",
            State::InFailedTransaction => "idle in transaction (aborted)",
        }
    }

    fn is_transaction(self) -> bool {
        matches!(self, State::InTransaction | State::InFailedTransaction)
    }
}

/// What another client has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Go,
    /// The statement that runs is to end; counted, so that one order ends one statement.
    Cancel(u64),
    /// The connection is to end.
    Leave,
}

impl From<SessionInfo> for ConnectionInfo {
    fn from(info: SessionInfo) -> Self {
        Self {
            pid: info.process_id,
            user: info.user,
            application: info.application,
            address: info.address.to_string(),
            since: info.since,
            state: info.state.shown(),
            state_since: info.state_since,
            statement: info.statement,
        }
    }
}

impl Sessions {
    /// Lists a client until what is returned is dropped.
    pub fn enter(
        self: &Arc<Self>,
        process_id: i32,
        user: &str,
        application: &str,
        address: SocketAddr,
    ) -> Listed {
        let now = now();
        let info = SessionInfo {
            process_id,
            user: user.to_owned(),
            application: application.to_owned(),
            address,
            since: now,
            transaction_since: None,
            statement_since: None,
            state_since: now,
            state: State::Idle,
            statement: String::new(),
        };
        let entry = Arc::new(Entry {
            info: Mutex::new(info),
            order: watch::channel(Order::Go).0,
            state: watch::channel(State::Idle).0,
        });
        self.listed.lock().insert(process_id, entry.clone());
        Listed { sessions: self.clone(), process_id, entry }
    }

    /// All clients by the numbers of their processes.
    pub fn list(&self) -> Vec<SessionInfo> {
        self.listed.lock().values().map(|entry| entry.info.lock().clone()).collect()
    }

    /// Ends a client's statement; says whether there is such a client.
    pub fn cancel(&self, process_id: i32) -> bool {
        self.tell(process_id, |order| match order {
            Order::Go => Order::Cancel(1),
            Order::Cancel(count) => Order::Cancel(count + 1),
            Order::Leave => Order::Leave,
        })
    }

    /// Ends a client's connection; says whether there is such a client.
    pub fn terminate(&self, process_id: i32) -> bool {
        self.tell(process_id, |_| Order::Leave)
    }

    fn tell(&self, process_id: i32, order: impl FnOnce(Order) -> Order) -> bool {
        let entry = self.listed.lock().get(&process_id).cloned();
        let Some(entry) = entry else { return false };
        entry.order.send_modify(|known| *known = order(*known));
        true
    }
}

/// A client on the list, which leaves it when this is dropped.
#[derive(Debug)]
pub(crate) struct Listed {
    sessions: Arc<Sessions>,
    process_id: i32,
    entry: Arc<Entry>,
}

impl Listed {
    /// Notes that a statement begins.
    pub fn begin(&self, statement: &str) {
        let mut info = self.entry.info.lock();
        if !statement.is_empty() {
            statement.clone_into(&mut info.statement);
        }
        info.statement_since = Some(now());
        drop(info);
        self.enter(State::Active);
    }

    /// Notes what the client does from now on.
    pub fn enter(&self, state: State) {
        let mut info = self.entry.info.lock();
        let now = now();
        info.state = state;
        info.state_since = now;
        if state.is_transaction() {
            info.transaction_since.get_or_insert(now);
        } else if state == State::Idle {
            info.transaction_since = None;
        }
        drop(info);
        self.entry.state.send_replace(state);
    }

    /// Notes the name of the client's program.
    pub fn rename(&self, application: &str) {
        application.clone_into(&mut self.entry.info.lock().application);
    }

    /// What the client does, as it changes.
    pub fn states(&self) -> watch::Receiver<State> {
        self.entry.state.subscribe()
    }

    /// Ends when another client ends the statement that runs now.
    pub async fn cancelled(&self) {
        let mut orders = self.entry.order.subscribe();
        let before = *orders.borrow_and_update();
        // The sender lives as long as `self`, so that this cannot fail.
        let is_new = |order: &Order| matches!(order, Order::Cancel(_)) && *order != before;
        let _ = orders.wait_for(is_new).await;
    }

    /// Ends when another client ends the connection.
    pub async fn terminated(&self) {
        let _ = self.entry.order.subscribe().wait_for(|order| *order == Order::Leave).await;
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.sessions.listed.lock().remove(&self.process_id);
    }
}

fn now() -> i64 {
    Utc::now().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn entered(sessions: &Arc<Sessions>) -> Listed {
        sessions.enter(7, "ann", "psql", SocketAddr::from(([127, 0, 0, 1], 4711)))
    }

    #[test]
    fn clients_are_listed_as_long_as_they_are_there() {
        let sessions = Arc::new(Sessions::default());
        let listed = entered(&sessions);
        listed.begin("SELECT 1");
        let info = sessions.list().remove(0);
        assert_eq!((info.state.shown(), info.statement.as_str()), ("active", "SELECT 1"));
        listed.enter(State::InTransaction);
        assert!(sessions.list()[0].transaction_since.is_some());
        listed.enter(State::Idle);
        assert!(sessions.list()[0].transaction_since.is_none());
        drop(listed);
        assert!(sessions.list().is_empty());
        assert!(!sessions.terminate(7));
    }

    #[tokio::test]
    async fn one_order_ends_one_statement() {
        let sessions = Arc::new(Sessions::default());
        let listed = entered(&sessions);
        for _ in 0..2 {
            let cancelled = listed.cancelled();
            tokio::pin!(cancelled);
            assert!(cancelled.as_mut().now_or_never().is_none());
            assert!(sessions.cancel(7));
            cancelled.await;
        }
        assert!(listed.cancelled().now_or_never().is_none());
        assert!(listed.terminated().now_or_never().is_none());
        sessions.terminate(7);
        listed.terminated().await;
    }
}
