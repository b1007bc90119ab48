//! A topic: a name, settings, and partitions.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::atomic_file::replace_file;
use crate::backup::Backup;
use crate::config::TopicConfig;
use crate::env::Env;
use crate::error::{Error, IoContext, Result};
use crate::io::{Access, Io};
use crate::partition::{Partition, PartitionRecovery};
use crate::value::{PartitionId, TopicPartition};

const FILE: &str = "topic.json";
const VERSION: u32 = 1;
const NAME_BYTES_MAX: usize = 249;
/// How many partitions a topic may have.
const PARTITIONS_MAX: u32 = 10_000;

/// Tells a topic from an earlier one of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicId(pub u64);

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A topic as it was when it was asked for; one with more partitions or other settings is another
/// value over the same partitions.
pub struct Topic {
    id: TopicId,
    name: Arc<str>,
    dir: PathBuf,
    partitions: Vec<Arc<Partition>>,
    config: Arc<TopicConfig>,
}

/// The file that makes a directory a topic.
#[derive(Serialize, Deserialize)]
struct TopicFile {
    version: u32,
    id: TopicId,
    partitions: u32,
    config: BTreeMap<String, String>,
}

impl Topic {
    /// Tells the topic from earlier ones of the same name.
    pub fn id(&self) -> TopicId {
        self.id
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The partitions, by number.
    pub fn partitions(&self) -> &[Arc<Partition>] {
        &self.partitions
    }

    /// One partition, or an error that says which there are.
    pub fn partition(&self, partition: PartitionId) -> Result<&Arc<Partition>> {
        self.partitions.get(partition.0 as usize).ok_or_else(|| Error::UnknownPartition {
            topic: self.name.to_string(),
            partition: partition.0,
            count: self.partitions.len() as u32,
        })
    }

    /// The settings.
    pub fn config(&self) -> &Arc<TopicConfig> {
        &self.config
    }

    /// Whether the store made the topic for itself.
    pub fn is_internal(&self) -> bool {
        self.name.starts_with("__")
    }

    /// Makes a topic where there is none.
    pub(crate) fn create(
        env: &Arc<Env>,
        topics_dir: &Path,
        name: &str,
        id: TopicId,
        partitions: u32,
        config: TopicConfig,
    ) -> Result<Topic> {
        check_name(name)?;
        check_partitions(partitions, 1)?;
        let dir = topics_dir.join(name);
        // What an unfinished deletion left must not come back to life.
        if env.io.list_dir(&dir).is_ok() {
            env.io.remove_dir(&dir).at("remove", &dir)?;
        }
        env.io.create_dir(&dir).at("create", &dir)?;
        let (topic, _) = Topic::assemble(env, &dir, name, id, partitions, config)?;
        topic.save(&*env.io)?;
        env.io.sync_dir(topics_dir).at("sync", topics_dir)?;
        Ok(topic)
    }

    /// Opens the topic in `dir`; nothing if its creation or deletion was not finished.
    pub(crate) fn open(
        env: &Arc<Env>,
        dir: &Path,
        name: &str,
    ) -> Result<Option<(Topic, Vec<PartitionRecovery>)>> {
        let path = dir.join(FILE);
        let bytes = match env
            .io
            .open(&path, Access::Read)
            .and_then(|file| file.read(0, file.len()? as usize))
        {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.at("read", &path)?,
        };
        let file: TopicFile = serde_json::from_slice(&bytes).map_err(|error| {
            Error::corrupt(&path, 0, "the description of a topic", error.to_string())
        })?;
        let mut config = TopicConfig::new();
        for (name, value) in &file.config {
            config.set(name, value)?;
        }
        // Whoever created it may have been killed before the directory was synced.
        env.io.sync_dir(dir).at("sync", dir)?;
        Topic::assemble(env, dir, name, file.id, file.partitions, config).map(Some)
    }

    fn assemble(
        env: &Arc<Env>,
        dir: &Path,
        name: &str,
        id: TopicId,
        partitions: u32,
        config: TopicConfig,
    ) -> Result<(Topic, Vec<PartitionRecovery>)> {
        let mut topic = Topic {
            id,
            name: name.into(),
            dir: dir.to_owned(),
            partitions: Vec::new(),
            config: Arc::new(config),
        };
        let recoveries = topic.open_partitions(env, partitions)?;
        Ok((topic, recoveries))
    }

    fn open_partitions(&mut self, env: &Arc<Env>, total: u32) -> Result<Vec<PartitionRecovery>> {
        let mut recoveries = Vec::new();
        for number in self.partitions.len() as u32..total {
            let name = TopicPartition { topic: self.name.clone(), partition: PartitionId(number) };
            let dir = self.dir.join(number.to_string());
            let (partition, recovery) =
                Partition::open(env.clone(), name, dir, self.config.clone())?;
            self.partitions.push(Arc::new(partition));
            recoveries.push(recovery);
        }
        Ok(recoveries)
    }

    /// The topic with `total` partitions, which must be more than it has.
    pub(crate) fn with_partitions(&self, env: &Arc<Env>, total: u32) -> Result<Topic> {
        check_partitions(total, self.partitions.len() as u32 + 1)?;
        let mut topic = self.same();
        topic.open_partitions(env, total)?;
        topic.save(&*env.io)?;
        Ok(topic)
    }

    /// The topic with other settings, which rule from now on.
    pub(crate) fn with_config(
        &self,
        io: &dyn Io,
        changes: &[(&str, Option<&str>)],
    ) -> Result<Topic> {
        let mut config = (*self.config).clone();
        for (name, value) in changes {
            match value {
                Some(value) => config.set(name, value)?,
                None => config.reset(name)?,
            }
        }
        let topic = Topic { config: Arc::new(config), ..self.same() };
        topic.save(io)?;
        for partition in &topic.partitions {
            partition.set_config(topic.config.clone());
        }
        Ok(topic)
    }

    /// Removes the topic. Its description goes first: a directory without one is no topic.
    pub(crate) fn delete(&self, io: &dyn Io) -> Result<()> {
        for partition in &self.partitions {
            partition.mark_deleted();
        }
        let file = self.dir.join(FILE);
        io.remove_file(&file).at("remove", &file)?;
        io.sync_dir(&self.dir).at("sync", &self.dir)?;
        io.remove_dir(&self.dir).at("remove", &self.dir)
    }

    /// Adds the topic, whose directory in the copy is `dir`, to a copy.
    pub(crate) fn back_up(&self, backup: &mut Backup, dir: &Path) -> Result<()> {
        let to = backup.make_dir(dir)?;
        backup.keep(&self.dir.join(FILE), &to.join(FILE))?;
        for (number, partition) in self.partitions.iter().enumerate() {
            partition.back_up(backup, &dir.join(number.to_string()))?;
        }
        Ok(())
    }

    fn same(&self) -> Topic {
        Topic {
            id: self.id,
            name: self.name.clone(),
            dir: self.dir.clone(),
            partitions: self.partitions.clone(),
            config: self.config.clone(),
        }
    }

    fn save(&self, io: &dyn Io) -> Result<()> {
        let path = self.dir.join(FILE);
        let given = self.config.given().iter();
        let file = TopicFile {
            version: VERSION,
            id: self.id,
            partitions: self.partitions.len() as u32,
            config: given.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        };
        let text = serde_json::to_vec_pretty(&file).map_err(io::Error::from).at("encode", &path)?;
        replace_file(io, &path, &text)
    }
}

/// Kafka's rule for names.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fault = match name {
        "" => "is empty",
        "." | ".." => "is a directory's",
        _ if name.len() > NAME_BYTES_MAX => "is longer than 249 bytes",
        _ if !name.chars().all(legal) => {
            "has other characters than letters, digits, '.', '_' and '-'"
        }
        _ => return Ok(()),
    };
    Err(Error::InvalidInput(format!("topic name '{name}' {fault}")))
}

fn check_partitions(count: u32, min: u32) -> Result<()> {
    if (min..=PARTITIONS_MAX).contains(&count) {
        return Ok(());
    }
    Err(Error::InvalidInput(format!(
        "expected {min} to {PARTITIONS_MAX} partitions, found {count}"
    )))
}
