//! Records that came too late for a window. They change nothing, but are counted, and the
//! processing log tells of them: once per batch, with the first one as an example.

/// The late records of a batch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// How many.
    pub records: u64,
    first: Option<Example>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Example {
    time: i64,
    stream_time: i64,
}

impl Late {
    /// Adds a record that came when stream time was there already.
    pub fn add(&mut self, time: i64, stream_time: i64) {
        self.merge(Self { records: 1, first: Some(Example { time, stream_time }) });
    }

    /// Adds the late records of a later batch.
    pub fn merge(&mut self, other: Self) {
        self.records += other.records;
        self.first = self.first.or(other.first);
    }

    /// What the processing log says of them.
    pub fn message(&self) -> Option<String> {
        let Example { time, stream_time } = self.first?;
        Some(format!(
            "records too late for a window: {}, the first from {time} ms, after one from \
             {stream_time} ms; a longer GRACE PERIOD takes them",
            self.records
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_them_is_the_example() {
        let mut late = Late::default();
        assert_eq!(late.message(), None);
        let mut later = late;
        later.add(3, 30);
        late.add(1, 10);
        late.add(2, 20);
        late.merge(later);
        assert_eq!(
            late.message().as_deref(),
            Some(
                "records too late for a window: 3, the first from 1 ms, after one from 10 ms; a \
                 longer GRACE PERIOD takes them"
            )
        );
    }
}
