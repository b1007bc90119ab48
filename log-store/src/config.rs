//! The settings of a topic, under the names that Kafka gives them.
//!
//! [`SETTINGS`] is the one definition: name, default, meaning, and how the text becomes a value.

use std::collections::BTreeMap;
use std::fmt;

use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::near_miss::near_miss;

/// The settings of a topic: those given, and the defaults for the others.
#[derive(Clone, Debug)]
pub struct TopicConfig {
    given: BTreeMap<&'static str, String>,
    values: Values,
}

/// The settings as the log store uses them.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    pub(crate) cleanup: Cleanup,
    pub(crate) compression: Option<Codec>,
    pub(crate) delete_retention_ms: i64,
    pub(crate) flush_messages: i64,
    pub(crate) flush_ms: i64,
    pub(crate) index_interval_bytes: u64,
    pub(crate) max_message_bytes: usize,
    pub(crate) append_time: bool,
    pub(crate) min_cleanable_dirty_ratio: f64,
    pub(crate) min_compaction_lag_ms: i64,
    pub(crate) max_compaction_lag_ms: i64,
    pub(crate) retention_bytes: Option<u64>,
    pub(crate) retention_ms: Option<i64>,
    pub(crate) segment_bytes: u64,
    pub(crate) segment_ms: i64,
}

/// What happens to old records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cleanup {
    pub(crate) delete: bool,
    pub(crate) compact: bool,
}

/// How soon an append survives a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushPolicy {
    /// Before it is acknowledged.
    Always,
    /// Within about so many milliseconds, or after so many records.
    Interval {
        /// `flush.ms`.
        ms: i64,
        /// `flush.messages`.
        messages: i64,
    },
    /// Whenever the operating system thinks fit.
    Never,
}

impl fmt::Display for FlushPolicy {
    /// The loss window: what a loss of power may cost. A process that dies costs nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlushPolicy::Always => f.write_str("nothing that was acknowledged"),
            FlushPolicy::Never => f.write_str("what the operating system has not written yet"),
            FlushPolicy::Interval { ms: i64::MAX, messages } => {
                write!(f, "the last {messages} records (flush.messages)")
            }
            FlushPolicy::Interval { ms, messages: i64::MAX } => {
                write!(f, "about the last {ms} ms (flush.ms)")
            }
            FlushPolicy::Interval { ms, messages } => {
                write!(
                    f,
                    "about the last {ms} ms (flush.ms), at most {messages} records (flush.messages)"
                )
            }
        }
    }
}

/// Where a setting's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOrigin {
    /// Given for this topic.
    Topic,
    /// Nobody said otherwise.
    Default,
}

/// A setting as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Kafka's name.
    pub name: &'static str,
    /// The value that is in force.
    pub value: String,
    /// Where it comes from.
    pub origin: ConfigOrigin,
    /// What it means.
    pub doc: &'static str,
}

struct Setting {
    name: &'static str,
    default: &'static str,
    doc: &'static str,
    apply: fn(&mut Values, &str) -> std::result::Result<(), String>,
}

const SETTINGS: &[Setting] = &[
    Setting {
        name: "cleanup.policy",
        default: "delete",
        doc: "what happens to old records: delete, compact, or compact,delete",
        apply: |v, text| set(&mut v.cleanup, cleanup(text)),
    },
    Setting {
        name: "compression.type",
        default: "producer",
        doc: "how batches are compressed; producer leaves them as they come",
        apply: |v, text| set(&mut v.compression, compression(text)),
    },
    Setting {
        name: "delete.retention.ms",
        default: "86400000",
        doc: "how long compaction keeps tombstones and transaction markers",
        apply: |v, text| set(&mut v.delete_retention_ms, number(text, 0)),
    },
    Setting {
        name: "flush.messages",
        default: "9223372036854775807",
        doc: "records after which the log is synced to disk; 1 syncs before each acknowledgement",
        apply: |v, text| set(&mut v.flush_messages, number(text, 1)),
    },
    Setting {
        name: "flush.ms",
        default: "1000",
        doc: "how long a record may be lost to a power failure; 9223372036854775807 leaves it to the system",
        apply: |v, text| set(&mut v.flush_ms, number(text, 0)),
    },
    Setting {
        name: "index.interval.bytes",
        default: "4096",
        doc: "how many bytes of log lie between two index entries",
        apply: |v, text| set(&mut v.index_interval_bytes, number(text, 0).map(|n| n as u64)),
    },
    Setting {
        name: "max.compaction.lag.ms",
        default: "9223372036854775807",
        doc: "how long a record may wait until compaction must look at it",
        apply: |v, text| set(&mut v.max_compaction_lag_ms, number(text, 1)),
    },
    Setting {
        name: "max.message.bytes",
        default: "16777216",
        doc: "the largest batch that is taken",
        apply: |v, text| {
            set(&mut v.max_message_bytes, bounded(text, 0, MESSAGE_BYTES_MAX).map(|n| n as usize))
        },
    },
    Setting {
        name: "message.timestamp.type",
        default: "CreateTime",
        doc: "whose clock stamps records: CreateTime the producer's, LogAppendTime the store's",
        apply: |v, text| set(&mut v.append_time, append_time(text)),
    },
    Setting {
        name: "min.cleanable.dirty.ratio",
        default: "0.5",
        doc: "the share of the log that must be new before compaction starts",
        apply: |v, text| set(&mut v.min_cleanable_dirty_ratio, ratio(text)),
    },
    Setting {
        name: "min.compaction.lag.ms",
        default: "0",
        doc: "how long a record is safe from compaction",
        apply: |v, text| set(&mut v.min_compaction_lag_ms, number(text, 0)),
    },
    Setting {
        name: "retention.bytes",
        default: "-1",
        doc: "how large a partition may grow before old segments go; -1 is without bound",
        apply: |v, text| {
            set(
                &mut v.retention_bytes,
                number(text, -1).map(|n| unless_negative(n).map(|bytes| bytes as u64)),
            )
        },
    },
    Setting {
        name: "retention.ms",
        default: "604800000",
        doc: "how long records are kept; -1 is for ever",
        apply: |v, text| set(&mut v.retention_ms, number(text, -1).map(unless_negative)),
    },
    Setting {
        name: "segment.bytes",
        default: "1073741824",
        doc: "how large a segment grows before the next is begun",
        apply: |v, text| {
            set(
                &mut v.segment_bytes,
                bounded(text, SEGMENT_BYTES_MIN, i64::from(i32::MAX)).map(|n| n as u64),
            )
        },
    },
    Setting {
        name: "segment.ms",
        default: "604800000",
        doc: "how old a segment grows before the next is begun",
        apply: |v, text| set(&mut v.segment_ms, number(text, 1)),
    },
];

const MESSAGE_BYTES_MAX: i64 = 1 << 30;
const SEGMENT_BYTES_MIN: i64 = 1024;

impl TopicConfig {
    /// All defaults.
    pub fn new() -> TopicConfig {
        TopicConfig::default()
    }

    /// Gives a setting a value, or says why it cannot have it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let setting = setting(name)?;
        apply(setting, &mut self.values, value.trim())?;
        self.given.insert(setting.name, value.trim().to_owned());
        Ok(())
    }

    /// Goes back to a setting's default.
    pub fn reset(&mut self, name: &str) -> Result<()> {
        let setting = setting(name)?;
        apply(setting, &mut self.values, setting.default)?;
        self.given.remove(setting.name);
        Ok(())
    }

    /// The same with one more setting given.
    pub fn with(mut self, name: &str, value: &str) -> Result<TopicConfig> {
        self.set(name, value)?;
        Ok(self)
    }

    /// All settings, sorted by name, with value, origin and meaning.
    pub fn entries(&self) -> Vec<ConfigEntry> {
        SETTINGS.iter().map(|setting| self.entry(setting)).collect()
    }

    /// How soon appends survive a loss of power.
    pub fn flush_policy(&self) -> FlushPolicy {
        match (self.values.flush_messages, self.values.flush_ms) {
            (1, _) | (_, 0) => FlushPolicy::Always,
            (i64::MAX, i64::MAX) => FlushPolicy::Never,
            (messages, ms) => FlushPolicy::Interval { ms, messages },
        }
    }

    /// Whether old records give way to newer ones of the same key.
    pub fn is_compacted(&self) -> bool {
        self.values.cleanup.compact
    }

    /// The largest batch that is taken, in bytes with its header.
    pub fn max_message_bytes(&self) -> usize {
        self.values.max_message_bytes
    }

    /// The settings that were given for this topic.
    pub(crate) fn given(&self) -> &BTreeMap<&'static str, String> {
        &self.given
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    fn entry(&self, setting: &Setting) -> ConfigEntry {
        let given = self.given.get(setting.name);
        ConfigEntry {
            name: setting.name,
            value: given.cloned().unwrap_or_else(|| setting.default.to_owned()),
            origin: if given.is_some() { ConfigOrigin::Topic } else { ConfigOrigin::Default },
            doc: setting.doc,
        }
    }
}

impl Default for TopicConfig {
    fn default() -> TopicConfig {
        let mut values = Values::unset();
        for setting in SETTINGS {
            apply(setting, &mut values, setting.default)
                .expect("a default is a legal value of its setting");
        }
        TopicConfig { given: BTreeMap::new(), values }
    }
}

impl Values {
    /// Before the defaults are applied.
    fn unset() -> Values {
        Values {
            cleanup: Cleanup { delete: false, compact: false },
            compression: None,
            delete_retention_ms: 0,
            flush_messages: 0,
            flush_ms: 0,
            index_interval_bytes: 0,
            max_message_bytes: 0,
            append_time: false,
            min_cleanable_dirty_ratio: 0.0,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: 0,
            retention_bytes: None,
            retention_ms: None,
            segment_bytes: 0,
            segment_ms: 0,
        }
    }
}

fn set<T>(slot: &mut T, value: std::result::Result<T, String>) -> std::result::Result<(), String> {
    *slot = value?;
    Ok(())
}

fn setting(name: &str) -> Result<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name).ok_or_else(|| {
        let hint = match near_miss(name, SETTINGS.iter().map(|setting| setting.name)) {
            Some(name) => format!("did you mean '{name}'?"),
            None => format!(
                "expected one of {}",
                SETTINGS.iter().map(|s| s.name).collect::<Vec<_>>().join(", ")
            ),
        };
        Error::InvalidInput(format!("no topic setting named '{name}', {hint}"))
    })
}

fn apply(setting: &Setting, values: &mut Values, text: &str) -> Result<()> {
    (setting.apply)(values, text).map_err(|expected| {
        Error::InvalidInput(format!("{}: expected {expected}, found '{text}'", setting.name))
    })
}

fn number(text: &str, min: i64) -> std::result::Result<i64, String> {
    let number = text.parse().ok().filter(|number| *number >= min);
    number.ok_or_else(|| format!("a whole number of at least {min}"))
}

fn bounded(text: &str, min: i64, max: i64) -> std::result::Result<i64, String> {
    number(text, min)
        .ok()
        .filter(|number| *number <= max)
        .ok_or_else(|| format!("a whole number from {min} to {max}"))
}

fn unless_negative(number: i64) -> Option<i64> {
    (number >= 0).then_some(number)
}

fn ratio(text: &str) -> std::result::Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "a number from 0 to 1".to_owned())
}

fn cleanup(text: &str) -> std::result::Result<Cleanup, String> {
    let mut cleanup = Cleanup { delete: false, compact: false };
    for word in text.split(',') {
        match word.trim() {
            "delete" => cleanup.delete = true,
            "compact" => cleanup.compact = true,
            _ => return Err("delete, compact, or compact,delete".to_owned()),
        }
    }
    Ok(cleanup)
}

fn compression(text: &str) -> std::result::Result<Option<Codec>, String> {
    match text {
        "producer" => Ok(None),
        "uncompressed" => Ok(Some(Codec::None)),
        _ => {
            let codec = text.parse().ok().filter(|codec| *codec != Codec::None);
            codec
                .map(Some)
                .ok_or_else(|| "one of producer, uncompressed, gzip, snappy, lz4, zstd".to_owned())
        }
    }
}

fn append_time(text: &str) -> std::result::Result<bool, String> {
    match text {
        "CreateTime" => Ok(false),
        "LogAppendTime" => Ok(true),
        _ => Err("CreateTime or LogAppendTime".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, value: &str) -> String {
        TopicConfig::new().with(name, value).unwrap_err().to_string()
    }

    #[test]
    fn a_refused_setting_says_what_was_expected() {
        assert_eq!(
            refusal("retention.sm", "1"),
            "no topic setting named 'retention.sm', did you mean 'retention.ms'?"
        );
        assert_eq!(
            refusal("retention.ms", "soon"),
            "retention.ms: expected a whole number of at least -1, found 'soon'"
        );
        assert_eq!(
            refusal("cleanup.policy", "shrink"),
            "cleanup.policy: expected delete, compact, or compact,delete, found 'shrink'"
        );
        assert_eq!(
            refusal("segment.bytes", "1"),
            "segment.bytes: expected a whole number from 1024 to 2147483647, found '1'"
        );
    }

    #[test]
    fn every_durability_tells_its_loss_window() {
        let window = |settings: &[(&str, &str)]| {
            let config = settings.iter().fold(TopicConfig::new(), |config, (name, value)| {
                config.with(name, value).unwrap()
            });
            config.flush_policy().to_string()
        };
        let never = i64::MAX.to_string();
        assert_eq!(window(&[]), "about the last 1000 ms (flush.ms)");
        assert_eq!(window(&[("flush.messages", "1")]), "nothing that was acknowledged");
        assert_eq!(window(&[("flush.ms", "0")]), "nothing that was acknowledged");
        assert_eq!(
            window(&[("flush.ms", "50"), ("flush.messages", "9")]),
            "about the last 50 ms (flush.ms), at most 9 records (flush.messages)"
        );
        assert_eq!(
            window(&[("flush.ms", &never), ("flush.messages", "9")]),
            "the last 9 records (flush.messages)"
        );
        assert_eq!(
            window(&[("flush.ms", &never)]),
            "what the operating system has not written yet"
        );
    }

    #[test]
    fn a_setting_is_shown_with_its_origin() {
        let mut config = TopicConfig::new().with("flush.messages", "1").unwrap();
        let find = |config: &TopicConfig| {
            config.entries().into_iter().find(|e| e.name == "flush.messages").unwrap()
        };
        assert_eq!(
            (find(&config).value.as_str(), find(&config).origin),
            ("1", ConfigOrigin::Topic)
        );
        assert_eq!(config.flush_policy(), FlushPolicy::Always);
        config.reset("flush.messages").unwrap();
        assert_eq!(find(&config).origin, ConfigOrigin::Default);
        assert_eq!(config.flush_policy(), FlushPolicy::Interval { ms: 1000, messages: i64::MAX });
    }
}
