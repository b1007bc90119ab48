//! Programs of random statements on a machine that fails: a fixed number of seeds, or those that
//! `SEEDS` names, one (`17`) or all of a range (`100..500`).

#![expect(clippy::print_stdout, reason = "a long run tells what it went through")]

use std::env;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tests::simulator::{Failure, Tally, simulate};

/// The seeds of a plain run.
const SEEDS: Range<u64> = 1..26;

/// Runs of one seed after the other, each on one thread, several beside each other.
#[test]
fn a_disturbed_run_gives_what_an_undisturbed_one_does() -> Result<()> {
    let seeds = seeds()?;
    let next = AtomicU64::new(seeds.start);
    let done: Mutex<Vec<Result<Tally, Box<Failure>>>> = Mutex::default();
    let threads = std::thread::available_parallelism()?.get().min(4);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) =
                    Some(next.fetch_add(1, Ordering::SeqCst)).filter(|s| *s < seeds.end)
                {
                    let tally = run(seed).map(|(tally, _)| tally);
                    done.lock().expect("no run panics").push(tally);
                }
            });
        }
    });
    report(done.into_inner()?, begun)
}

fn report(done: Vec<Result<Tally, Box<Failure>>>, begun: Instant) -> Result<()> {
    let (tallies, failures): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
    let tallies: Vec<Tally> = tallies.into_iter().flatten().collect();
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    let crashes: u64 = tallies.iter().map(|tally| tally.crashes).sum();
    let failed: u64 = tallies.iter().map(|tally| tally.failures).sum();
    let verified: u64 = tallies.iter().map(|tally| tally.verified).sum();
    println!(
        "{} seeds, {crashes} crashes, {failed} other failures, {verified} results computed again; a minute: {:.0} seeds, {:.0} crashes",
        tallies.len(),
        tallies.len() as f64 / minutes,
        crashes as f64 / minutes,
    );
    let failures: Vec<String> =
        failures.into_iter().filter_map(Result::err).map(|failure| failure.to_string()).collect();
    ensure!(failures.is_empty(), "{}\n{} seeds failed", failures.join("\n\n"), failures.len());
    ensure!(crashes > 0, "nothing has crashed");
    ensure!(verified > 0, "nothing was computed again");
    Ok(())
}

fn run(seed: u64) -> Result<(Tally, Vec<String>), Box<Failure>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(simulate(seed))
}

fn seeds() -> Result<Range<u64>> {
    let Ok(text) = env::var("SEEDS") else { return Ok(SEEDS) };
    let number = |text: &str| text.parse::<u64>().with_context(|| format!("SEEDS={text}"));
    Ok(match text.split_once("..") {
        Some((first, end)) => number(first)?..number(end)?,
        None => number(&text)?..number(&text)? + 1,
    })
}

/// A seed that fails must fail again, or else nobody can find out why.
#[test]
fn a_seed_gives_one_run() {
    let shown = |seed| match run(seed) {
        Ok((tally, trace)) => (Some(tally), trace.join("\n")),
        Err(failure) => (None, failure.to_string()),
    };
    for seed in [3, 4] {
        assert_eq!(shown(seed), shown(seed));
    }
}
