//! Windows of time, and the time that closes them.

use std::ops::RangeInclusive;

use crate::error::Result;
use crate::state::{Place, StoreId, WriteBatch};

/// Milliseconds of a day: default of window size plus grace.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A tumbling or hopping window: `[start, start + size)`, starts aligned to the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindow {
    /// Length, milliseconds.
    pub size_ms: i64,
    /// From one start to the next; the size, for a tumbling window.
    pub advance_ms: i64,
    /// How long after its end a window takes late records.
    pub grace_ms: i64,
    /// How long after its start a window can be asked for.
    pub retention_ms: i64,
}

/// A session: records of a key with no pause longer than the gap, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionWindow {
    /// The longest pause.
    pub gap_ms: i64,
    /// How long after its end a session takes late records.
    pub grace_ms: i64,
    /// How long after its end a session can be asked for.
    pub retention_ms: i64,
}

/// How near in time the two records of a stream–stream join are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinWindow {
    /// How much earlier the right record may be, milliseconds.
    pub before_ms: i64,
    /// How much later the right record may be, milliseconds.
    pub after_ms: i64,
    /// How late records may be, milliseconds.
    pub grace_ms: i64,
    /// Whether rows without a partner wait for the end of their window.
    pub waits: bool,
}

/// The grace of a window that was declared without one: together with the size, a day.
pub fn default_grace_ms(size_ms: i64) -> i64 {
    (DAY_MS - size_ms).max(0)
}

impl JoinWindow {
    /// How long before the latest record of a side records are kept.
    pub fn retained_ms(&self) -> i64 {
        self.before_ms.saturating_add(self.after_ms).saturating_add(self.grace_ms)
    }

    /// The times of the partners of a record at `port`: 0 is the left side.
    pub fn partners(&self, port: usize, time: i64) -> RangeInclusive<i64> {
        let earlier = if port == 0 { self.before_ms } else { self.after_ms };
        time.saturating_sub(earlier)..=self.last_partner(port, time)
    }

    fn last_partner(&self, port: usize, time: i64) -> i64 {
        time.saturating_add(if port == 0 { self.after_ms } else { self.before_ms })
    }

    /// Whether partners of a record are no longer to be expected, apart from late ones.
    pub fn is_past(&self, port: usize, time: i64, stream_time: i64) -> bool {
        self.last_partner(port, time) < stream_time
    }

    /// Partners of records at `port` before this time are no longer to be expected at all.
    pub fn closed_before(&self, port: usize, stream_time: i64) -> i64 {
        let later = if port == 0 { self.after_ms } else { self.before_ms };
        stream_time.saturating_sub(self.grace_ms).saturating_sub(later)
    }
}

impl SessionWindow {
    /// How much later than a session another may end before the first is forgotten.
    pub fn kept_ms(&self) -> i64 {
        self.retention_ms.max(self.gap_ms.saturating_add(self.grace_ms))
    }
}

impl TimeWindow {
    /// The end of the window that begins at `start`, exclusive.
    pub fn end(&self, start: i64) -> i64 {
        start.saturating_add(self.size_ms)
    }

    /// The starts of the windows that a time falls into, ascending. None lies before the epoch.
    pub fn starts(&self, time: i64) -> impl Iterator<Item = i64> + use<> {
        let earliest = time.saturating_sub(self.size_ms).saturating_add(self.advance_ms).max(0);
        let first = earliest - earliest.rem_euclid(self.advance_ms);
        let step = self.advance_ms;
        std::iter::successors(Some(first), move |start| start.checked_add(step))
            .take_while(move |start| *start <= time)
    }

    /// Whether a window takes no more records.
    pub fn is_closed(&self, start: i64, stream_time: i64) -> bool {
        self.end(start) <= stream_time.saturating_sub(self.grace_ms)
    }

    /// Windows that begin before this take no more records.
    pub fn closed_before(&self, stream_time: i64) -> i64 {
        let kept = self.size_ms.saturating_add(self.grace_ms);
        stream_time.saturating_sub(kept).saturating_add(1)
    }

    /// How much later than a window another may begin before the first is forgotten.
    pub fn kept_ms(&self) -> i64 {
        self.retention_ms.max(self.size_ms.saturating_add(self.grace_ms))
    }

    /// Windows that begin before this are forgotten.
    pub fn expired_before(&self, stream_time: i64) -> i64 {
        let latest = stream_time - stream_time.rem_euclid(self.advance_ms);
        latest.saturating_sub(self.kept_ms())
    }
}

/// The largest event time that an operator has seen.
#[derive(Debug)]
pub struct StreamTime {
    now: Option<i64>,
    saved: Option<i64>,
    place: Place,
}

impl StreamTime {
    /// The time as last saved beside the store at `place`.
    pub fn open(place: &Place) -> Result<Self> {
        let mut place = place.clone();
        place.id.store |= StoreId::TIME;
        let saved = place.get(b"time")?;
        let saved = saved.and_then(|bytes| Some(i64::from_be_bytes(bytes.try_into().ok()?)));
        Ok(Self { now: saved, saved, place })
    }

    /// Takes a record's time into account and gives the time after it.
    pub fn advance(&mut self, time: i64) -> i64 {
        let now = self.now.map_or(time, |now| now.max(time));
        self.now = Some(now);
        now
    }

    /// The time now; none before the first record.
    pub fn get(&self) -> Option<i64> {
        self.now
    }

    /// Adds the time to the batch of a commit, if it has moved.
    pub fn save(&mut self, batch: &mut WriteBatch) {
        if let Some(now) = self.now.filter(|_| self.now != self.saved) {
            batch.put(self.place.family, self.place.key(b"time"), now.to_be_bytes());
            self.saved = self.now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(size_ms: i64, advance_ms: i64) -> TimeWindow {
        TimeWindow { size_ms, advance_ms, grace_ms: 0, retention_ms: 0 }
    }

    #[test]
    fn a_time_falls_into_size_by_advance_windows() {
        let starts = |size, advance, time| window(size, advance).starts(time).collect::<Vec<_>>();
        assert_eq!(starts(10, 10, 25), [20]);
        assert_eq!(starts(10, 5, 25), [20, 25]);
        assert_eq!(starts(10, 5, 3), [0]);
        assert_eq!(starts(10, 10, 0), [0]);
        assert_eq!(starts(30, 10, 25), [0, 10, 20]);
    }

    #[test]
    fn a_window_closes_when_its_end_is_as_old_as_the_grace() {
        let window = TimeWindow { grace_ms: 5, ..window(10, 10) };
        assert!(!window.is_closed(0, 14));
        assert!(window.is_closed(0, 15));
        assert_eq!((window.closed_before(14), window.closed_before(15)), (0, 1));
    }
}
