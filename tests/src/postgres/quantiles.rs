//! Times, and how they are spread.

use std::time::Duration;

/// Times of many events of one kind.
#[derive(Debug, Clone, Default)]
pub struct Quantiles {
    /// In ascending order.
    times: Vec<Duration>,
}

impl FromIterator<Duration> for Quantiles {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        Self { times }
    }
}

impl Quantiles {
    /// The time that this share of the events keeps within; nothing took no time.
    pub fn at(&self, share: f64) -> Duration {
        let position = (self.times.len() as f64 * share).ceil() as usize;
        self.times.get(position.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The longest time.
    pub fn max(&self) -> Duration {
        self.at(1.0)
    }

    /// How many events there were.
    pub fn count(&self) -> usize {
        self.times.len()
    }
}

/// A time in milliseconds.
pub fn ms(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_time_that_was_measured() {
        let quantiles: Quantiles = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(quantiles.at(0.5), Duration::from_millis(100));
        assert_eq!(quantiles.at(0.99), Duration::from_millis(198));
        assert_eq!((quantiles.max(), quantiles.count()), (Duration::from_millis(200), 200));
        assert_eq!(Quantiles::default().max(), Duration::ZERO);
        assert_eq!(ms(Duration::from_micros(1234)), "1.234");
    }
}
