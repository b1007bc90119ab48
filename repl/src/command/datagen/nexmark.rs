//! `millstream datagen nexmark`: persons, auctions and bids.
//!
//! 1. Streams and topics that are missing are made.
//! 2. Events are made one after the other ([`model`]); each depends on the seed and its number alone.
//! 3. They go to their topics as records or as columns, with their event time as time stamp.
//!
//! With `--events` alone, all of them are one transaction. With `--rate`, a transaction every tenth of
//! a second holds what is due by then, and the queries of the data directory run meanwhile.

mod columns;
mod json;
mod model;
mod output;
mod random;
mod schema;

use std::time::Duration;

use anyhow::bail;
use clap::{ArgGroup, Args};
use engine::{Engine, Workers};
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::model::{Generator, Settings};
use self::output::Output;
use self::schema::Format;
use crate::command::say;
use crate::console::interrupt::Interrupt;
use crate::progress;

/// How often what is due is written.
const TICK: Duration = Duration::from_millis(100);

/// What to make, and where it goes.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("end").args(["events", "rate"]).required(true).multiple(true))]
pub struct Nexmark {
    /// How many events: of 50, one is a person, three are auctions and 46 are bids
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(1..))]
    events: Option<i64>,
    /// Events written per second, until Ctrl-C or until there are as many as --events says; without
    /// it they are written at once
    #[arg(short, long, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Events per second of event time; as many as --rate says, or else 10000
    #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(1..))]
    event_rate: Option<u32>,
    /// The same seed gives the same events
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// The number of the first event, to go on where an earlier run has ended
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    first: i64,
    /// The time of event 0 in milliseconds since 1970
    #[arg(long, value_name = "MS", default_value_t = 1_436_918_400_000, value_parser = clap::value_parser!(i64).range(0..))]
    base_time: i64,
    /// Put events out of order within groups of so many
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = group)]
    out_of_order_group: i64,
    /// How values are written
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
    /// Partitions of the topics that are made; 1 if not given
    #[arg(short, long, value_parser = clap::value_parser!(u32).range(1..))]
    partitions: Option<u32>,
    /// What the names of topics and streams begin with
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = prefix)]
    prefix: String,
}

fn group(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(count) if count > 0 && (count == 1 || count % 953 != 0) => Ok(count),
        _ => {
            Err("expected a number from 1, but no multiple of 953, by which groups are shuffled"
                .into())
        }
    }
}

fn prefix(text: &str) -> Result<String, String> {
    let letters = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match letters && !text.starts_with(|c: char| c.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err("expected letters, digits and _, and no digit at the beginning".into()),
    }
}

impl Nexmark {
    /// Who moves the queries: with a rate there is time for them.
    pub fn workers(&self) -> Workers {
        if self.rate.is_some() { Workers::Threads(2) } else { Workers::Manual }
    }

    fn settings(&self) -> Settings {
        let rate = self.event_rate.or(self.rate).map_or(10_000.0, f64::from);
        let Self { seed, base_time, out_of_order_group: group, .. } = *self;
        Settings { seed, rate, base_time, group }
    }

    fn end(&self) -> i64 {
        self.events.map_or(i64::MAX, |events| self.first.saturating_add(events))
    }
}

/// Writes the events.
pub async fn run(engine: &Engine, nexmark: &Nexmark) -> anyhow::Result<()> {
    let Nexmark { prefix, format, partitions, .. } = nexmark;
    check_partitions(engine, prefix, *partitions)?;
    schema::declare(engine, prefix, *format, *partitions).await?;
    let mut output = Output::new(engine, prefix, *format)?;
    let generator = Generator::new(nexmark.settings());
    match nexmark.rate {
        None => at_once(nexmark, &generator, &mut output)?,
        Some(rate) => at_rate(nexmark, f64::from(rate), &generator, &mut output).await?,
    }
    let [persons, auctions, bids] = output.records();
    say(&format!(
        "{persons} persons, {auctions} auctions and {bids} bids written to {prefix}person, {prefix}auction and {prefix}bid"
    ))
}

/// Topics that are there keep their partitions.
fn check_partitions(engine: &Engine, prefix: &str, expected: Option<u32>) -> anyhow::Result<()> {
    let Some(expected) = expected else { return Ok(()) };
    for table in schema::Table::ALL {
        let name = format!("{prefix}{}", table.name());
        let found = engine.log().topic(&name).map(|topic| topic.partitions().len());
        if let Some(found) = found.filter(|found| *found != expected as usize) {
            bail!(
                "topic '{name}' has {found} partitions, expected {expected}; --prefix chooses other names"
            );
        }
    }
    Ok(())
}

/// All in one transaction.
fn at_once(
    nexmark: &Nexmark,
    generator: &Generator,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    /// The bar moves on after so many events.
    const STEP: i64 = 10_000;
    let bar = progress::records("events", nexmark.events.unwrap_or(0).unsigned_abs());
    for number in nexmark.first..nexmark.end() {
        output.push(&generator.event(number))?;
        if number % STEP == 0 {
            bar.inc(STEP.unsigned_abs());
        }
    }
    output.commit()?;
    bar.finish_and_clear();
    Ok(())
}

/// What is due, again and again.
async fn at_rate(
    nexmark: &Nexmark,
    rate: f64,
    generator: &Generator,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let mut interrupt = Interrupt::listen()?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (start, mut next) = (Instant::now(), nexmark.first);
    while next < nexmark.end() && interrupt.or(ticks.tick()).await.is_some() {
        let due = ((start.elapsed() + TICK).as_secs_f64() * rate) as i64;
        let due = nexmark.first.saturating_add(due).min(nexmark.end());
        for number in next..due {
            output.push(&generator.event(number))?;
        }
        next = next.max(due);
        output.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_prefixes_are_checked() {
        assert_eq!(group("20"), Ok(20));
        assert!(group("0").is_err() && group("1906").is_err() && group("x").is_err());
        assert_eq!(prefix("nx_1"), Ok("nx_1".to_owned()));
        assert!(prefix("1x").is_err() && prefix("a-b").is_err());
    }
}
