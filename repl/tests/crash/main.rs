//! The real server, killed under load: what it has acknowledged is there once, whole, and what its
//! queries made of it is what a query over the sources gives.
//!
//! Every round starts `millstream serve` on the same directory, lets several clients write, and
//! kills the process with SIGKILL, sometimes before it has begun to listen. When is decided by a
//! seed; `CRASH_SEED` gives another one.

#![allow(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

#[path = "../millstream/mod.rs"]
mod millstream;

mod chance;
mod check;
mod load;
mod serving;

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use chance::Chance;
use load::{Load, Unit};
use millstream::Place;
use serving::Serving;

/// How often the process is killed.
const KILLS: usize = 60;

/// Clients that write at the same time.
const CLIENTS: usize = 3;

#[tokio::test]
async fn what_was_acknowledged_is_there_once_after_sixty_kills() {
    let seed = env::var("CRASH_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let mut chance = Chance(seed);
    let place = Place::new();
    let mut written = Vec::new();
    let serving = Serving::start(&place);
    load::declare(serving.address()).await;
    serving.kill();
    for kill in 1..KILLS {
        if chance.below(6) == 0 {
            Serving::spawn(&place).kill_after(Duration::from_millis(chance.below(60))).await;
        } else {
            let serving = Serving::start(&place);
            let load = Load::start(serving.address(), CLIENTS, kill).await;
            load.wait_for(chance.below(40)).await;
            tokio::time::sleep(Duration::from_micros(chance.below(4_000))).await;
            serving.kill();
            written.extend(load.end().await);
        }
    }
    check_directory(&place, &written, seed).await;
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_leaves_nothing_to_recover() {
    let place = Place::new();
    let serving = Serving::start(&place);
    load::declare(serving.address()).await;
    let load = Load::start(serving.address(), CLIENTS, 1).await;
    load.wait_for(50).await;
    assert_eq!(serving.terminate(), Some(0), "{}", serving::said(&place));
    let written = load.end().await;
    check::nothing_to_recover(&data(&place));
    check_directory(&place, &written, 0).await;
}

async fn check_directory(place: &Place, written: &[Unit], seed: u64) {
    let acknowledged = written.iter().filter(|unit| unit.acknowledged).count();
    assert!(acknowledged > 0, "nothing was acknowledged");
    let said = serving::said(place);
    let failures = check::directory(&data(place), written).await;
    assert!(failures.is_empty(), "CRASH_SEED={seed}: {failures:#?}\nthe server said: {said}");
}

fn data(place: &Place) -> PathBuf {
    place.path().join(serving::DATA)
}
