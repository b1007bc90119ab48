//! Where in a stream's log a condition admits rows: which partitions, and from where to where.

use datafusion::common::ScalarValue;

use super::predicate::{Alternative, Is};
use crate::row_type::pseudo;

/// Numbers from the first up to and including the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The least.
    pub low: i64,
    /// The greatest.
    pub high: i64,
}

/// The part of a partition outside which no row passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRange {
    /// Offsets.
    pub offsets: Span,
    /// Event times.
    pub times: Span,
}

impl Span {
    const ALL: Span = Span { low: i64::MIN, high: i64::MAX };

    fn and(self, other: Span) -> Span {
        Span { low: self.low.max(other.low), high: self.high.min(other.high) }
    }

    /// The least span that holds both.
    fn or(self, other: Span) -> Span {
        Span { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    fn holds(self, number: i64) -> bool {
        (self.low..=self.high).contains(&number)
    }

    fn is_empty(self) -> bool {
        self.low > self.high
    }
}

/// The part of a partition that one of the alternatives admits; nothing if they admit none of it.
pub fn log_range(partition: u32, alternatives: &[Alternative]) -> Option<LogRange> {
    let admitted = alternatives.iter().filter_map(|tests| {
        let partitions = span(tests, pseudo::ROWPARTITION);
        let (offsets, times) = (span(tests, pseudo::ROWOFFSET), span(tests, pseudo::ROWTIME));
        let admits = partitions.holds(partition.into()) && !offsets.is_empty() && !times.is_empty();
        admits.then_some(LogRange { offsets, times })
    });
    admitted
        .reduce(|a, b| LogRange { offsets: a.offsets.or(b.offsets), times: a.times.or(b.times) })
}

/// What the tests leave of a column.
fn span(tests: &Alternative, column: &str) -> Span {
    let own = tests.iter().filter(|test| test.column == column);
    own.fold(Span::ALL, |left, test| left.and(admitted(&test.is)))
}

fn admitted(is: &Is) -> Span {
    match is {
        Is::Among(values) => {
            let values = || values.iter().map(number);
            let low = values().map(|number| number.unwrap_or(i64::MIN)).min();
            let high = values().map(|number| number.unwrap_or(i64::MAX)).max();
            // A list of no values admits nothing.
            Span { low: low.unwrap_or(i64::MAX), high: high.unwrap_or(i64::MIN) }
        }
        Is::Above { bound, inclusive } => {
            let next = number(bound).map(|n| n.saturating_add(i64::from(!inclusive)));
            Span { low: next.unwrap_or(i64::MIN), ..Span::ALL }
        }
        Is::Below { bound, inclusive } => {
            let last = number(bound).map(|n| n.saturating_sub(i64::from(!inclusive)));
            Span { high: last.unwrap_or(i64::MAX), ..Span::ALL }
        }
    }
}

fn number(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Int32(number) => number.map(i64::from),
        ScalarValue::Int64(number) => *number,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::predicate::Test;
    use super::*;

    fn test(column: &str, is: Is) -> Test {
        Test { column: column.to_owned(), is }
    }

    fn in_partition(values: &[i32]) -> Test {
        let values = values.iter().map(|value| ScalarValue::from(*value)).collect();
        test(pseudo::ROWPARTITION, Is::Among(values))
    }

    fn offset_from(low: i64, inclusive: bool) -> Test {
        test(pseudo::ROWOFFSET, Is::Above { bound: low.into(), inclusive })
    }

    fn time_up_to(high: i64, inclusive: bool) -> Test {
        test(pseudo::ROWTIME, Is::Below { bound: high.into(), inclusive })
    }

    #[test]
    fn partitions_that_no_alternative_admits_are_left_out() {
        let alternatives = [vec![in_partition(&[1])], vec![in_partition(&[3])]];
        let admitted = (0..5).filter(|partition| log_range(*partition, &alternatives).is_some());
        assert_eq!(admitted.collect::<Vec<_>>(), [1, 3]);
        assert!(log_range(0, &[Vec::new()]).is_some());
    }

    #[test]
    fn bounds_of_offset_and_time_narrow_a_partition() {
        let alternatives =
            [vec![offset_from(10, false), offset_from(4, true), time_up_to(9, false)]];
        let range = log_range(0, &alternatives).unwrap();
        assert_eq!(range.offsets, Span { low: 11, high: i64::MAX });
        assert_eq!(range.times, Span { low: i64::MIN, high: 8 });
    }

    #[test]
    fn alternatives_of_one_partition_are_read_together() {
        let alternatives = [
            vec![in_partition(&[1, 2]), offset_from(10, true)],
            vec![in_partition(&[2]), offset_from(5, true), time_up_to(3, true)],
        ];
        assert_eq!(log_range(1, &alternatives).unwrap().offsets.low, 10);
        let both = log_range(2, &alternatives).unwrap();
        assert_eq!((both.offsets.low, both.times.high), (5, i64::MAX));
    }

    #[test]
    fn contradictions_admit_nothing() {
        let never =
            [vec![time_up_to(5, false), test(pseudo::ROWTIME, Is::Among(vec![5i64.into()]))]];
        assert_eq!(log_range(0, &never), None);
    }
}
