//! Windows, join windows and the durations that they are made of.

use super::Span;

/// `WINDOW TUMBLING|HOPPING|SESSION (…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// How time is cut.
    pub shape: WindowShape,
    /// `RETENTION …`: how long a closed window stays readable.
    pub retention: Option<Duration>,
    /// `GRACE PERIOD …`: how late a record may be.
    pub grace: Option<Duration>,
    /// The whole clause.
    pub span: Span,
}

/// How a window cuts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowShape {
    /// Adjacent windows of one size.
    Tumbling {
        /// Length of a window.
        size: Duration,
    },
    /// Overlapping windows of one size.
    Hopping {
        /// Length of a window.
        size: Duration,
        /// From the start of a window to the start of the next.
        advance: Duration,
    },
    /// Windows around bursts of records.
    Session {
        /// The pause that ends a session.
        gap: Duration,
    },
}

/// `WITHIN d [GRACE PERIOD d]` or `WITHIN (before, after) [GRACE PERIOD d]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Within {
    /// How much earlier than the left record the right one may be.
    pub before: Duration,
    /// How much later than the left record the right one may be.
    pub after: Duration,
    /// `GRACE PERIOD …`: how late a record may be.
    pub grace: Option<Duration>,
    /// The whole clause.
    pub span: Span,
}

/// A length of time, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Duration {
    /// The number written.
    pub count: u64,
    /// The unit written.
    pub unit: TimeUnit,
    /// The length in milliseconds.
    pub ms: u64,
}

/// A unit of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// `DAY` or `DAYS`.
    Day,
    /// `HOUR` or `HOURS`.
    Hour,
    /// `MINUTE` or `MINUTES`.
    Minute,
    /// `SECOND` or `SECONDS`.
    Second,
    /// `MILLISECOND` or `MILLISECONDS`.
    Millisecond,
}

impl Duration {
    /// A duration of `count` units, or `None` if its milliseconds do not fit a signed 64-bit number.
    pub fn new(count: u64, unit: TimeUnit) -> Option<Self> {
        let ms = count.checked_mul(unit.ms())?;
        i64::try_from(ms).ok()?;
        Some(Duration { count, unit, ms })
    }
}

impl TimeUnit {
    /// The unit that a word names, singular or plural, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_uppercase();
        match word.strip_suffix('S').unwrap_or(&word) {
            "DAY" => Some(TimeUnit::Day),
            "HOUR" => Some(TimeUnit::Hour),
            "MINUTE" => Some(TimeUnit::Minute),
            "SECOND" => Some(TimeUnit::Second),
            "MILLISECOND" => Some(TimeUnit::Millisecond),
            _ => None,
        }
    }

    /// The length of the unit in milliseconds.
    pub fn ms(self) -> u64 {
        match self {
            TimeUnit::Day => 86_400_000,
            TimeUnit::Hour => 3_600_000,
            TimeUnit::Minute => 60_000,
            TimeUnit::Second => 1_000,
            TimeUnit::Millisecond => 1,
        }
    }
}
