//! Which old segments may go. A policy: it looks at numbers and says what to do; the partition does
//! it.

use crate::config::Values;
use crate::value::{Offset, Timestamp};

/// What retention needs to know of a segment, oldest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentFacts {
    /// The offset after its last.
    pub(crate) end: Offset,
    pub(crate) bytes: u64,
    pub(crate) max_timestamp: Timestamp,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// So many of the oldest segments go.
    pub(crate) remove: usize,
    /// The last segment must be ended first, as it goes as well.
    pub(crate) roll: bool,
}

/// Decides from the oldest segment on, until one must stay. What lies beyond `stable` stays: a
/// transaction is not decided there.
pub(crate) fn retention(
    segments: &[SegmentFacts],
    values: &Values,
    log_start: Offset,
    stable: Offset,
    now: Timestamp,
) -> Retention {
    let mut bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let mut remove = 0;
    for segment in segments.iter().take_while(|segment| segment.end <= stable && segment.bytes > 0)
    {
        let left = bytes - segment.bytes;
        let deleted = segment.end <= log_start;
        let expires =
            values.cleanup.delete && (is_old(segment, values, now) || is_too_much(left, values));
        if !deleted && !expires {
            break;
        }
        bytes = left;
        remove += 1;
    }
    Retention { remove, roll: remove > 0 && remove == segments.len() }
}

fn is_old(segment: &SegmentFacts, values: &Values, now: Timestamp) -> bool {
    values.retention_ms.is_some_and(|ms| now.0.saturating_sub(segment.max_timestamp.0) > ms)
}

fn is_too_much(left: u64, values: &Values) -> bool {
    values.retention_bytes.is_some_and(|max| left >= max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TopicConfig;

    /// Four segments of 100 bytes and ten offsets, with time stamps up to 10, 20, 30 and 40.
    fn decide(settings: &[(&str, &str)], log_start: i64, stable: i64, now: i64) -> (usize, bool) {
        let segments: Vec<SegmentFacts> = (1..=4)
            .map(|i| SegmentFacts {
                end: Offset(10 * i),
                bytes: 100,
                max_timestamp: Timestamp(10 * i),
            })
            .collect();
        let mut config = TopicConfig::new();
        settings.iter().for_each(|(name, value)| config.set(name, value).unwrap());
        let decided = retention(
            &segments,
            config.values(),
            Offset(log_start),
            Offset(stable),
            Timestamp(now),
        );
        (decided.remove, decided.roll)
    }

    #[test]
    fn segments_go_by_age_by_size_and_by_the_log_start() {
        assert_eq!(decide(&[("retention.ms", "5")], 0, 40, 15), (0, false));
        assert_eq!(decide(&[("retention.ms", "5")], 0, 40, 16), (1, false));
        assert_eq!(decide(&[("retention.ms", "5")], 0, 40, 100), (4, true));
        assert_eq!(decide(&[("retention.bytes", "250")], 0, 40, 0), (1, false));
        assert_eq!(decide(&[("retention.bytes", "0")], 0, 40, 0), (4, true));
        assert_eq!(decide(&[], 25, 40, 0), (2, false));
    }

    #[test]
    fn what_is_undecided_or_compacted_stays() {
        assert_eq!(decide(&[("retention.ms", "5")], 0, 25, 100), (2, false));
        assert_eq!(
            decide(&[("retention.ms", "5"), ("cleanup.policy", "compact")], 0, 40, 100),
            (0, false)
        );
    }
}
