//! How a measured time spreads.

use std::time::Duration;

/// Times of the same thing, in milliseconds and in order.
#[derive(Debug)]
pub struct Spread(Vec<f64>);

impl FromIterator<Duration> for Spread {
    fn from_iter<T: IntoIterator<Item = Duration>>(times: T) -> Self {
        let mut times: Vec<f64> = times.into_iter().map(|time| time.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        Self(times)
    }
}

impl Spread {
    /// How many times there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The milliseconds that this part of the times, from 0 to 1, does not exceed; 0 if there are
    /// none.
    pub fn quantile(&self, part: f64) -> f64 {
        let rank = (self.0.len() as f64 * part).ceil() as usize;
        self.0.get(rank.max(1) - 1).copied().unwrap_or(0.0)
    }

    /// The longest.
    pub fn most(&self) -> f64 {
        self.quantile(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_times_themselves() {
        let spread: Spread = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(spread.count(), 200);
        assert_eq!(
            [spread.quantile(0.5), spread.quantile(0.99), spread.most()],
            [100.0, 198.0, 200.0]
        );
        assert_eq!(Spread::from_iter([]).quantile(0.99), 0.0);
    }
}
