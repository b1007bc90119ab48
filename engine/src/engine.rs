//! The façade: one data directory with everything that runs on it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use log_store::{Io, LogStore, Maintenance, RealIo, StoreOptions, Timestamp, Unprepared};
use parking_lot::{Mutex, RwLock};

use crate::backup;
use crate::catalog::Catalog;
use crate::clock::{Clock, SystemClock};
use crate::error::{Code, Error, Result, invalid};
use crate::function::Functions;
use crate::machine;
use crate::monitor::Connections;
use crate::pipeline::{RawRecord, recover, take_back_positions};
use crate::processing_log;
use crate::scheduler::Scheduler;
use crate::session::Session;
use crate::source_info::SourceInfo;
use crate::state::{
    Backend, Family, MemoryBackend, RocksBackend, StateWatch, WatchedBackend, WriteBatch,
};
use crate::statement::verify::scratch;
use crate::statement::{doomed, queries};

/// The key of the catalog in the state store.
const CATALOG_KEY: &[u8] = b"catalog";

/// Where an engine keeps its data.
#[derive(Debug, Clone)]
pub enum Storage {
    /// In memory: gone when the engine is dropped.
    Memory,
    /// In a directory of its own, created where it is missing.
    Directory(PathBuf),
    /// Where a test can let everything fail.
    Simulated(Simulated),
}

/// Files that fail as a test wants it. Nothing runs beside the caller: upkeep is
/// [`LogStore::maintain`].
#[derive(Clone)]
pub struct Simulated {
    /// The file system of the log.
    pub log: Arc<dyn Io>,
    /// The directory of the state.
    pub state: PathBuf,
    /// What is asked before the state is written or synced.
    pub watch: Arc<dyn StateWatch>,
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulated").field("state", &self.state).finish_non_exhaustive()
    }
}

/// How many changes of one key leave a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Emission {
    /// One per key and batch.
    #[default]
    Coalesced,
    /// One per input record.
    Every,
}

/// What an interruption between a query's output and its state costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Nothing: both are one transaction.
    #[default]
    ExactlyOnce,
    /// The output of the epoch is written again: there are no transactions. It is there to measure
    /// what they cost, and nothing but a bench asks for it.
    AtLeastOnce,
}

/// Who moves the queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// This many threads.
    Threads(usize),
    /// The caller, by [`Engine::run_until_idle`] and [`Engine::feed`].
    Manual,
}

/// How an engine is to be opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where data is kept.
    pub storage: Storage,
    /// How many changes of one key leave a query.
    pub emission: Emission,
    /// What an interruption between a query's output and its state costs.
    pub delivery: Delivery,
    /// Who moves the queries.
    pub workers: Workers,
    /// Bytes of state that one query may keep in memory from one commit to the next; the rest is
    /// read back from the store when it is needed. A sixteenth of the machine's memory by default.
    pub state_memory: usize,
    /// Partitions of a topic that a declaration without `PARTITIONS` makes; 0: it makes none, and
    /// a missing topic is an error.
    pub default_partitions: u32,
    /// The clock for time stamps of inserted rows and for `UNIX_TIMESTAMP()`.
    pub clock: Arc<dyn Clock>,
}

impl Options {
    /// Threads that one query may take at once.
    pub(crate) fn threads(&self) -> usize {
        match self.workers {
            Workers::Threads(count) => count,
            Workers::Manual => 1,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            storage: Storage::Memory,
            emission: Emission::Coalesced,
            delivery: Delivery::ExactlyOnce,
            workers: Workers::Threads(2),
            state_memory: machine::memory().map_or(256 << 20, |bytes| bytes / 16),
            default_partitions: 0,
            clock: Arc::new(SystemClock),
        }
    }
}

/// One data directory with everything that runs on it. Clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

/// What sessions and queries share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) log: LogStore,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) functions: Functions,
    pub(crate) catalog: RwLock<Arc<Catalog>>,
    pub(crate) scheduler: Arc<Scheduler>,
    /// How to find out who is connected, where there is a server.
    pub(crate) connections: RwLock<Option<Connections>>,
    /// Held while a statement changes the catalog.
    pub(crate) changing: Mutex<()>,
    /// Held while a backup is made.
    pub(crate) backing_up: Mutex<()>,
}

/// A record as a caller writes it to a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicRecord {
    /// Key; `None` is no key.
    pub key: Option<Vec<u8>>,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Event time, milliseconds since the epoch.
    pub timestamp: i64,
    /// Headers in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Engine {
    /// Opens or creates the data and resumes its queries.
    pub async fn open(options: Options) -> Result<Engine> {
        let (log, backend) = open_storage(&options)?;
        recover(&log, backend.as_ref())?;
        let stranded = take_back_positions(&log, backend.as_ref())?;
        log.abort_unprepared()?;
        doomed::delete_noted(&log, backend.as_ref())?;
        processing_log::ensure_topic(&log)?;
        let mut catalog = match backend.get(Family::Meta, CATALOG_KEY)? {
            Some(bytes) => Catalog::decode(&bytes)?,
            None => Catalog::default(),
        };
        catalog.put_source(processing_log::stream());
        processing_log::tell_stranded(&log, &catalog, &stranded, options.clock.now_ms())?;
        let scheduler = Scheduler::start(&log, options.workers);
        let shared = Arc::new(Shared {
            log,
            backend,
            functions: Functions::builtin(),
            catalog: RwLock::new(Arc::new(catalog)),
            scheduler,
            connections: RwLock::default(),
            changing: Mutex::new(()),
            backing_up: Mutex::new(()),
            options,
        });
        queries::resume_all(&shared)?;
        Ok(Engine { shared })
    }

    /// A session with default settings.
    pub fn session(&self) -> Session {
        Session::new(Arc::clone(&self.shared))
    }

    /// What the catalog says of a stream or table.
    pub fn source(&self, name: &str) -> Option<SourceInfo> {
        self.shared.catalog().sources.get(name).map(SourceInfo::from)
    }

    /// All streams and tables, by name.
    pub fn sources(&self) -> Vec<SourceInfo> {
        self.shared.catalog().sources.values().map(SourceInfo::from).collect()
    }

    /// The functions.
    pub fn functions(&self) -> &Functions {
        &self.shared.functions
    }

    /// The log store beneath, for topic commands.
    pub fn log(&self) -> &LogStore {
        &self.shared.log
    }

    /// Runs every query, in the order of their creation, until none has input left.
    /// With [`Workers::Threads`] it waits for the same.
    pub async fn run_until_idle(&self) -> Result<()> {
        match self.shared.options.workers {
            Workers::Manual => self.shared.scheduler.run_until_idle(),
            Workers::Threads(_) => {
                let scheduler = Arc::clone(&self.shared.scheduler);
                let waited = tokio::task::spawn_blocking(move || scheduler.wait_until_idle());
                waited.await.map_err(|error| Error::Internal(error.to_string()))
            }
        }
    }

    /// Hands one record of partition 0 of `topic` straight to the query `id`, past the log, and
    /// processes it through to the sink. Only with [`Workers::Manual`].
    pub fn feed(&self, id: &str, topic: &str, record: &TopicRecord) -> Result<()> {
        let number = self.shared.catalog().query(id)?.number;
        let missing = || invalid(Code::UnknownName, format!("query {id} does not run"));
        let task = self.shared.scheduler.task(number).ok_or_else(missing)?;
        let headers = record.headers.iter().map(|(key, value)| (key.as_str(), value.as_deref()));
        task.feed(
            topic,
            &RawRecord {
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                timestamp: record.timestamp,
                offset: 0,
                headers: headers.collect(),
            },
        )
    }

    /// Stops the queries at a commit and closes the store.
    pub async fn shutdown(self) -> Result<()> {
        self.shared.scheduler.stop();
        self.shared.backend.sync()?;
        Ok(self.shared.log.clone().close()?)
    }
}

impl Shared {
    /// The catalog as it is now.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read())
    }

    /// Makes a changed catalog the current one, together with `batch`.
    pub(crate) fn commit(&self, mut changed: Catalog, mut batch: WriteBatch) -> Result<()> {
        changed.version += 1;
        batch.put(Family::Meta, CATALOG_KEY, changed.encode()?);
        self.backend.write(batch)?;
        self.backend.sync()?;
        *self.catalog.write() = Arc::new(changed);
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.scheduler.stop();
    }
}

fn open_storage(options: &Options) -> Result<(LogStore, Arc<dyn Backend>)> {
    match &options.storage {
        Storage::Memory => Ok((LogStore::in_memory(), Arc::new(MemoryBackend::default()))),
        Storage::Directory(dir) => {
            // The log store comes first: it holds the lock of the directory.
            let store = StoreOptions { unprepared: Unprepared::Keep, ..StoreOptions::default() };
            let log = LogStore::open(Arc::new(RealIo), dir, store)?;
            backup::remove_unfinished(dir)?;
            scratch::remove_left(dir)?;
            Ok((log, Arc::new(RocksBackend::open(&dir.join("state"))?)))
        }
        Storage::Simulated(simulated) => {
            let clock = Arc::clone(&options.clock);
            let store = StoreOptions {
                maintenance: Maintenance::Manual,
                unprepared: Unprepared::Keep,
                clock: Arc::new(move || Timestamp(clock.now_ms())),
                ..StoreOptions::default()
            };
            let log = LogStore::open(Arc::clone(&simulated.log), Path::new("data"), store)?;
            let watch = Arc::clone(&simulated.watch);
            Ok((log, Arc::new(WatchedBackend::open(&simulated.state, watch)?)))
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.shared.options).finish_non_exhaustive()
    }
}
