//! What came of the bench, as lines of text.

use std::fmt::Write as _;

use super::bench::Outcome;

/// What stands above the rows.
pub fn head() -> String {
    format!(
        "{:5} {:>9} {:>8} {:>8} {:>7} {:>7} {:>7} {:>9} {:>7} {:>6} {:>7} {:>6} {}",
        "query",
        "records",
        "seconds",
        "cpu s",
        "k/s",
        "k/s·cpu",
        "MB",
        "own MB",
        "Flink",
        "ratio",
        "its MB",
        "ratio",
        "answer",
    )
}

/// A query.
pub fn row(outcome: &Outcome) -> String {
    let Outcome { query, ours, flink, verdict } = outcome;
    let thousands = ours.records as f64 / 1000.0;
    let mut line = format!(
        "{query:5} {:>9} {:>8.2} {:>8.2} {:>7.0} {:>7.0} {:>7} {:>9}",
        ours.records,
        ours.seconds,
        ours.processor_seconds,
        thousands / ours.seconds,
        thousands / ours.processor_seconds.max(0.01),
        ours.peak_mb,
        ours.own_mb,
    );
    let _ = match flink {
        Some(flink) => write!(
            line,
            " {:>7.0} {:>6.1} {:>7} {:>6.2}",
            flink.rate / 1000.0,
            ratio(outcome).unwrap_or_default(),
            flink.peak_mb,
            ours.peak_mb as f64 / flink.peak_mb.max(1) as f64,
        ),
        None => write!(line, " {:>7} {:>6} {:>7} {:>6}", "-", "-", "-", "-"),
    };
    line + " " + verdict.as_deref().unwrap_or("not compared")
}

/// Our rate to Flink's.
fn ratio(outcome: &Outcome) -> Option<f64> {
    let flink = outcome.flink.as_ref()?;
    Some(outcome.ours.records as f64 / outcome.ours.seconds / flink.rate)
}

/// The ratios of all queries in a word.
pub fn summary(outcomes: &[Outcome]) -> String {
    let mut ratios: Vec<f64> = outcomes.iter().filter_map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    match (ratios.first(), ratios.get(ratios.len() / 2)) {
        (Some(least), Some(median)) => {
            format!("ratio to Flink's best setting: median {median:.1}, least {least:.1}\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::peers::Flink;
    use super::super::run::Measured;
    use super::*;

    #[test]
    fn ratios_are_of_rates() {
        let ours = Measured {
            records: 1_000_000,
            seconds: 2.0,
            processor_seconds: 4.0,
            peak_mb: 100,
            own_mb: 60,
            rows: 5,
        };
        let flink = Flink { rate: 100_000.0, peak_mb: 1000, setting: "1:off".into() };
        let verdict = Some("equal".to_owned());
        let outcome = Outcome { query: "q1".into(), ours, flink: Some(flink), verdict };
        let row = row(&outcome);
        let fields: Vec<&str> = row.split_whitespace().collect();
        let expected = "q1 1000000 2.00 4.00 500 250 100 60 100 5.0 1000 0.10 equal".split(' ');
        assert_eq!(fields, expected.collect::<Vec<_>>());
        assert_eq!(head().split_whitespace().count(), 16);
        assert!(summary(&[outcome]).contains("median 5.0, least 5.0"));
        assert_eq!(summary(&[]), "");
    }
}
