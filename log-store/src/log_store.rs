//! The façade: a directory of topics.
//!
//! ```text
//! <dir>/lock                          held while the store is open; the holder's process id
//!       ids.json                      numbers that were given
//!       topics/<name>/topic.json      what makes the directory a topic
//!       topics/<name>/<n>/            partition n: segments, indexes, checkpoint
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::backup::Backup;
use crate::config::TopicConfig;
use crate::env::{Clock, Env, system_clock};
use crate::error::{Error, IoContext, Result};
use crate::group::{Group, GroupOffsets, OFFSETS_TOPIC};
use crate::ids::Ids;
use crate::io::{DirLock, Io, MemoryIo, RealIo};
use crate::maintenance::{Maintenance, Worker};
use crate::near_miss::near_miss;
use crate::partition::{Partition, PartitionRecovery};
use crate::recovery_report::RecoveryReport;
use crate::subscription::{Callback, Interest, Registration, Subscription};
use crate::topic::{Topic, check_name};
use crate::transaction::{
    Coordinator, IdempotentProducer, JOURNAL_TOPIC, Journal, Transaction, TransactionalProducer,
    Work,
};
use crate::value::{Outcome, PartitionId, TopicPartition, TransactionId};

const TOPICS: &str = "topics";

/// How a store is to be run.
pub struct StoreOptions {
    /// Who does the upkeep.
    pub maintenance: Maintenance,
    /// Tells the time.
    pub clock: Clock,
    /// How many segments may be open at the same time.
    pub open_segments_max: usize,
    /// When the transactions end that a crash has interrupted.
    pub unprepared: Unprepared,
}

/// When transactions are aborted that are found open, and that nobody had prepared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unprepared {
    /// When the store is opened.
    #[default]
    AbortOnOpening,
    /// With [`LogStore::abort_unprepared`]: until then, [`Partition::last_stable_offset`] tells where a
    /// loss of power has taken away what readers may have seen.
    Keep,
}

impl Default for StoreOptions {
    /// A thread for the upkeep, the machine's clock, and 256 open segments.
    fn default() -> StoreOptions {
        StoreOptions {
            maintenance: Maintenance::Background,
            clock: system_clock(),
            open_segments_max: 256,
            unprepared: Unprepared::default(),
        }
    }
}

/// A store of topics. Clones are the same store.
#[derive(Clone)]
pub struct LogStore {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    env: Arc<Env>,
    topics_dir: PathBuf,
    topics: RwLock<BTreeMap<String, Arc<Topic>>>,
    /// Held while topics are created, changed or deleted.
    admin: Mutex<()>,
    ids: Arc<Mutex<Ids>>,
    coordinator: Coordinator,
    groups: Arc<GroupOffsets>,
    recovery: RecoveryReport,
    worker: Mutex<Option<Worker>>,
    lock: Mutex<Option<Box<dyn DirLock>>>,
}

impl LogStore {
    /// Opens the store in `dir`, which is created if there is none.
    pub fn open(io: Arc<dyn Io>, dir: &Path, options: StoreOptions) -> Result<LogStore> {
        let topics_dir = dir.join(TOPICS);
        io.create_dir(&topics_dir).at("create", &topics_dir)?;
        let lock = io.lock_dir(dir).at("lock", dir)?;
        let lock = lock.map_err(|holder| Error::Locked { path: dir.to_owned(), holder })?;
        let env = Arc::new(Env::new(io, options.clock, options.open_segments_max));
        let io = env.io.clone();
        let ids = Arc::new(Mutex::new(Ids::open(&*io, dir)?));
        let mut recovery = RecoveryReport::default();
        let mut topics = open_topics(&env, &topics_dir, &mut recovery)?;
        let journal = Journal::new(internal(JOURNAL_TOPIC, &env, &topics_dir, &mut topics, &ids)?);
        let offsets = internal(OFFSETS_TOPIC, &env, &topics_dir, &mut topics, &ids)?;
        let coordinator = Coordinator::new(io, ids.clone(), journal);
        recovery.aborted = coordinator.recover(&all_partitions(&topics))?;
        if options.unprepared == Unprepared::AbortOnOpening {
            coordinator.abort_unprepared();
        }
        let groups = Arc::new(GroupOffsets::load(offsets)?);
        let inner = Arc::new(Inner {
            env,
            topics_dir,
            topics: RwLock::new(topics),
            admin: Mutex::new(()),
            ids,
            coordinator,
            groups,
            recovery,
            worker: Mutex::new(None),
            lock: Mutex::new(Some(lock)),
        });
        if options.maintenance == Maintenance::Background {
            *inner.worker.lock() =
                Some(Worker::spawn(Arc::downgrade(&inner)).at("start a thread for", dir)?);
        }
        Ok(LogStore { inner })
    }

    /// Opens the store in a directory of the file system, with default options.
    pub fn open_dir(dir: &Path) -> Result<LogStore> {
        LogStore::open(Arc::new(RealIo), dir, StoreOptions::default())
    }

    /// A store that is gone when it is dropped, and does nothing by itself.
    pub fn in_memory() -> LogStore {
        let options = StoreOptions { maintenance: Maintenance::Manual, ..StoreOptions::default() };
        LogStore::open(Arc::new(MemoryIo::new()), Path::new("memory"), options)
            .expect("an empty file system in memory neither fails nor holds anything damaged")
    }

    /// What opening the store found.
    pub fn recovery(&self) -> &RecoveryReport {
        &self.inner.recovery
    }

    /// Makes a topic.
    pub fn create_topic(
        &self,
        name: &str,
        partitions: u32,
        config: TopicConfig,
    ) -> Result<Arc<Topic>> {
        check_name(name)?;
        let inner = &*self.inner;
        let _admin = inner.admin.lock();
        inner.env.check_open()?;
        if inner.topics.read().contains_key(name) {
            return Err(Error::TopicExists(name.to_owned()));
        }
        let id = inner.ids.lock().topic(&*inner.env.io)?;
        let topic = Topic::create(&inner.env, &inner.topics_dir, name, id, partitions, config)?;
        Ok(inner.put(topic))
    }

    /// Deletes a topic, and what groups have committed for it. Readers keep the batches they hold and
    /// are told with their next read.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        let inner = &*self.inner;
        let _admin = inner.admin.lock();
        inner.env.check_open()?;
        let topic = self.topic_named(name)?;
        if topic.is_internal() {
            return Err(Error::InvalidInput(format!("topic '{name}' is the store's own")));
        }
        inner.groups.forget_topic(name)?;
        inner.topics.write().remove(name);
        topic.delete(&*inner.env.io)
    }

    /// Gives a topic more partitions; keyed records will go elsewhere from now on.
    pub fn add_partitions(&self, name: &str, total: u32) -> Result<Arc<Topic>> {
        let _admin = self.inner.admin.lock();
        self.inner.env.check_open()?;
        let topic = self.topic_named(name)?.with_partitions(&self.inner.env, total)?;
        Ok(self.inner.put(topic))
    }

    /// Changes settings of a topic; no value means the default again. All of them or none.
    pub fn alter_topic(&self, name: &str, changes: &[(&str, Option<&str>)]) -> Result<Arc<Topic>> {
        let _admin = self.inner.admin.lock();
        self.inner.env.check_open()?;
        let topic = self.topic_named(name)?.with_config(&*self.inner.env.io, changes)?;
        Ok(self.inner.put(topic))
    }

    /// The topic of that name, if there is one.
    pub fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.inner.topics.read().get(name).cloned()
    }

    /// The topic of that name, or an error that suggests another.
    pub fn topic_named(&self, name: &str) -> Result<Arc<Topic>> {
        self.topic(name).ok_or_else(|| {
            let topics = self.inner.topics.read();
            Error::UnknownTopic {
                name: name.to_owned(),
                near_miss: near_miss(
                    name,
                    topics.keys().map(String::as_str).filter(|known| !known.starts_with("__")),
                ),
            }
        })
    }

    /// All topics but the internal ones, by name.
    pub fn topics(&self) -> Vec<Arc<Topic>> {
        self.inner.topics.read().values().filter(|topic| !topic.is_internal()).cloned().collect()
    }

    /// The topics that the store keeps for itself.
    pub fn internal_topics(&self) -> Vec<Arc<Topic>> {
        self.inner.topics.read().values().filter(|topic| topic.is_internal()).cloned().collect()
    }

    /// One partition of one topic.
    pub fn partition(&self, name: &TopicPartition) -> Result<Arc<Partition>> {
        self.topic_named(&name.topic)?.partition(name.partition).cloned()
    }

    /// Begins a transaction.
    pub fn begin(&self) -> Result<Transaction> {
        self.inner.env.check_open()?;
        let id = self.coordinator().begin()?;
        Ok(Transaction::new(self.clone(), id, Arc::<Work>::default(), None))
    }

    /// Takes a transactional id. Whoever had it is fenced, and what they had not prepared is
    /// aborted.
    pub fn transactional_producer(&self, transactional_id: &str) -> Result<TransactionalProducer> {
        self.inner.env.check_open()?;
        let (producer_id, lease) = self.coordinator().lease(transactional_id)?;
        Ok(TransactionalProducer::new(
            self.clone(),
            transactional_id.to_owned(),
            producer_id,
            lease,
        ))
    }

    /// A producer whose batches are written once however often they are sent.
    pub fn idempotent_producer(&self) -> Result<IdempotentProducer> {
        self.inner.env.check_open()?;
        Ok(IdempotentProducer::new(self.coordinator().new_producer()?))
    }

    /// Aborts the transactions that were found open and not prepared, where that was put off.
    pub fn abort_unprepared(&self) -> Result<()> {
        self.inner.env.check_open()?;
        self.coordinator().abort_unprepared();
        Ok(())
    }

    /// The transactions that wait for their outcome.
    pub fn prepared(&self) -> Vec<TransactionId> {
        self.coordinator().prepared()
    }

    /// Ends a prepared transaction as somebody else has decided.
    pub fn resolve(&self, id: TransactionId, outcome: Outcome) -> Result<()> {
        self.inner.env.check_open()?;
        self.coordinator().resolve(id, outcome)
    }

    /// Whether a transaction that was prepared has ended, and a loss of power cannot bring it back:
    /// whoever decided it need not remember the outcome any more.
    pub fn is_ended_durably(&self, id: TransactionId) -> bool {
        self.coordinator().is_ended_durably(id)
    }

    /// Makes the end of every transaction that has ended durable, for [`Self::is_ended_durably`].
    pub fn flush_outcomes(&self) -> Result<()> {
        self.inner.env.check_open()?;
        self.coordinator().flush()
    }

    /// A consumer group, which comes to be with its first commit.
    pub fn group(&self, name: &str) -> Result<Group> {
        Group::new(self.clone(), self.inner.groups.clone(), name)
    }

    /// A consumer group that has committed something, or an error that suggests another.
    pub fn group_named(&self, name: &str) -> Result<Group> {
        let groups = self.groups();
        if groups.iter().any(|known| known == name) {
            return self.group(name);
        }
        let near_miss = near_miss(name, groups.iter().map(String::as_str));
        Err(Error::UnknownGroup { name: name.to_owned(), near_miss })
    }

    /// The names of all groups that have committed something.
    pub fn groups(&self) -> Vec<String> {
        self.inner.groups.names()
    }

    /// A mailbox that tells where something became readable.
    pub fn subscribe(&self, interest: Interest) -> Subscription {
        self.inner.env.notifier.subscribe(interest)
    }

    /// Calls a function whenever something became readable, until the registration is dropped.
    pub fn on_append(&self, interest: Interest, callback: Callback) -> Registration {
        self.inner.env.notifier.on_append(interest, callback)
    }

    /// Adds everything that is there now to a copy.
    pub(crate) fn back_up(&self, backup: &mut Backup) -> Result<()> {
        let inner = &*self.inner;
        // No topic comes, goes or changes meanwhile.
        let _admin = inner.admin.lock();
        inner.env.check_open()?;
        let to = backup.make_dir(Path::new(""))?;
        inner.ids.lock().back_up(backup, &to)?;
        for (name, topic) in &*inner.topics.read() {
            let dir = Path::new(TOPICS).join(name);
            backup.make_dir(&dir)?;
            topic.back_up(backup, &dir)?;
        }
        Ok(())
    }

    /// Does one round of upkeep now.
    pub fn maintain(&self) -> Result<()> {
        self.inner.env.check_open()?;
        self.inner.maintain()
    }

    /// Makes everything durable and lets go of the directory. What was read stays valid; every
    /// other use of the store is refused from now on.
    pub fn close(self) -> Result<()> {
        self.inner.env.begin_close();
        let worker = self.inner.worker.lock().take();
        drop(worker);
        let written = self.inner.checkpoint_all();
        self.inner.env.close();
        self.inner.lock.lock().take();
        written
    }

    pub(crate) fn coordinator(&self) -> &Coordinator {
        &self.inner.coordinator
    }
}

impl Inner {
    fn put(&self, topic: Topic) -> Arc<Topic> {
        let topic = Arc::new(topic);
        self.topics.write().insert(topic.name().to_owned(), topic.clone());
        topic
    }

    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        all_partitions(&self.topics.read())
    }

    pub(crate) fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    fn checkpoint_all(&self) -> Result<()> {
        let (journals, others): (Vec<_>, Vec<_>) = self
            .partitions()
            .into_iter()
            .partition(|p| &*p.topic_partition().topic == JOURNAL_TOPIC);
        let mut first_error = Ok(());
        for partition in others {
            first_error = first_error.and(partition.shut());
        }
        // Now the markers are durable, and the journal need not remember them.
        first_error = first_error.and_then(|()| self.coordinator.maintain());
        for journal in journals {
            first_error = first_error.and(journal.shut());
        }
        first_error
    }
}

fn all_partitions(topics: &BTreeMap<String, Arc<Topic>>) -> Vec<Arc<Partition>> {
    topics.values().flat_map(|topic| topic.partitions()).cloned().collect()
}

fn open_topics(
    env: &Arc<Env>,
    topics_dir: &Path,
    recovery: &mut RecoveryReport,
) -> Result<BTreeMap<String, Arc<Topic>>> {
    let mut topics = BTreeMap::new();
    env.io.sync_dir(topics_dir).at("sync", topics_dir)?;
    for name in env.io.list_dir(topics_dir).at("list", topics_dir)? {
        let dir = topics_dir.join(&name);
        match Topic::open(env, &dir, &name)? {
            Some((topic, recoveries)) => {
                report(&topic, recoveries, recovery);
                topics.insert(name, Arc::new(topic));
            }
            None => env.io.remove_dir(&dir).at("remove", &dir)?,
        }
    }
    Ok(topics)
}

fn report(topic: &Topic, recoveries: Vec<PartitionRecovery>, recovery: &mut RecoveryReport) {
    for (partition, found) in topic.partitions().iter().zip(recoveries) {
        recovery.add(partition.topic_partition(), partition.high_watermark(), found);
    }
}

/// The partition of an internal topic, which is made with the store.
fn internal(
    name: &str,
    env: &Arc<Env>,
    topics_dir: &Path,
    topics: &mut BTreeMap<String, Arc<Topic>>,
    ids: &Mutex<Ids>,
) -> Result<Arc<Partition>> {
    let topic = match topics.get(name) {
        Some(topic) => topic.clone(),
        None => {
            let id = ids.lock().topic(&*env.io)?;
            let config = TopicConfig::new()
                .with("cleanup.policy", "compact")?
                .with("segment.bytes", "4194304")?;
            Arc::new(Topic::create(env, topics_dir, name, id, 1, config)?)
        }
    };
    let partition = topic.partition(PartitionId(0))?.clone();
    topics.insert(name.to_owned(), topic);
    Ok(partition)
}
