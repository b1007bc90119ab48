//! The bench, part by part, and what it shows.

use std::io::Write;

use anyhow::{Context, Result};

use super::arguments::Arguments;
use super::client::connect;
use super::lookups::Measured;
use super::process::Server;
use super::quantiles::{Quantiles, ms};
use super::theirs::Programs;
use super::{accounts, crowd, delay, lookups, ours};

/// Connections beside those of the crowd.
const OTHER_CONNECTIONS: usize = 100;

/// Measures what is asked for.
pub async fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    if arguments.measures("lookups") {
        let programs = Programs::find()?;
        let missing = programs.missing();
        match missing.is_empty() {
            true => lookups(arguments, &programs, out).await.context("measure lookups")?,
            false => {
                let missing = missing.join(", ");
                writeln!(out, "lookups are not measured: {missing} not found")?;
            }
        }
    }
    if arguments.measures("delay") {
        let server = ours::start(OTHER_CONNECTIONS)?;
        delay::create(server.port).await?;
        let (inserts, rate) = (arguments.inserts, arguments.rate);
        let times = delay::measure(server.port, inserts, rate).await.context("measure delays")?;
        let count = times.count();
        writeln!(
            out,
            "from INSERT to a push client, {rate} rows/s, {count} rows: {}",
            spread(&times)
        )?;
    }
    if arguments.measures("crowd") {
        crowd(arguments, out).await.context("measure a crowd")?;
    }
    Ok(())
}

async fn lookups(arguments: &Arguments, programs: &Programs, out: &mut impl Write) -> Result<()> {
    let rows = arguments.rows;
    let (ours, theirs) = (ours::start(OTHER_CONNECTIONS)?, programs.start()?);
    {
        let (our_client, their_client) = (connect(ours.port).await?, connect(theirs.port).await?);
        accounts::fill_theirs(&their_client, rows).await.context("fill PostgreSQL")?;
        accounts::fill_ours(&our_client, rows).await.context("fill Millstream")?;
        accounts::check(&their_client, rows).await.context("ask PostgreSQL")?;
        accounts::check(&our_client, rows).await.context("ask Millstream")?;
    }
    writeln!(
        out,
        "lookups among {rows} rows, in both the same; best of {} rounds",
        arguments.rounds
    )?;
    writeln!(out, "{}", head())?;
    for clients in &arguments.clients {
        let (mut our_best, mut their_best) = (None, None);
        for _ in 0..arguments.rounds {
            for (server, best) in [(&theirs, &mut their_best), (&ours, &mut our_best)] {
                let measured = one(arguments, programs, server, *clients)?;
                if best.as_ref().is_none_or(|best: &Measured| measured.rate > best.rate) {
                    *best = Some(measured);
                }
            }
        }
        let (ours, theirs) = our_best.zip(their_best).context("no round")?;
        writeln!(out, "{}", row(*clients, &ours, &theirs))?;
        out.flush()?;
    }
    Ok(())
}

fn one(
    arguments: &Arguments,
    programs: &Programs,
    server: &Server,
    clients: usize,
) -> Result<Measured> {
    lookups::measure(programs, server.port, arguments.rows, clients, arguments.seconds)
}

fn head() -> String {
    format!(
        "{:>7} {:>12} {:>12} {:>6} {:>9} {:>9} {:>9} {:>9}",
        "clients",
        "Millstream/s",
        "PostgreSQL/s",
        "ratio",
        "p50 ms",
        "p99 ms",
        "its p50",
        "its p99"
    )
}

fn row(clients: usize, ours: &Measured, theirs: &Measured) -> String {
    let times = [ours, theirs].map(|one| [one.times.at(0.5), one.times.at(0.99)].map(ms));
    let [[p50, p99], [their_p50, their_p99]] = times;
    format!(
        "{clients:>7} {:>12.0} {:>12.0} {:>6.2} {p50:>9} {p99:>9} {their_p50:>9} {their_p99:>9}",
        ours.rate,
        theirs.rate,
        ours.rate / theirs.rate,
    )
}

async fn crowd(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let queries = arguments.queries;
    let server = ours::start(queries + OTHER_CONNECTIONS)?;
    delay::create(server.port).await?;
    let found = crowd::measure(&server, queries).await?;
    let [before, connected, listening, working] = found.resident_kb;
    let each = |more: u64, less: u64| more.saturating_sub(less) / queries as u64;
    let mb = |kb: u64| kb >> 10;
    writeln!(out, "{queries} push queries on one stream:")?;
    writeln!(
        out,
        "  resident: {} MB without clients, {} MB with idle ones ({} kB each), {} MB with their queries ({} kB more each), {} MB after their rows",
        mb(before),
        mb(connected),
        each(connected, before),
        mb(listening),
        each(listening, connected),
        mb(working),
    )?;
    writeln!(out, "  from INSERT until each client had the row: {}", spread(&found.each))?;
    Ok(writeln!(out, "  until the last of them had it: {}", spread(&found.last))?)
}

fn spread(times: &Quantiles) -> String {
    let [p50, p99, max] = [times.at(0.5), times.at(0.99), times.max()].map(ms);
    format!("p50 {p50} ms, p99 {p99} ms, longest {max} ms")
}
