//! The hot paths of persistent queries one at a time: each as a query that does little else.
//!
//! The input lies in topics of a data directory as columns, so that decoding costs next to nothing.
//! A query is created over it and runs, on one thread, until nothing is left. It is compared with
//! whatever does the same in the same run: a batch query of DataFusion, which keeps and writes
//! nothing, or the same query without what is measured. Both take turns, and the best time of
//! each counts. What has no other side is a rate.
//!
//! A word on the command line picks the benches whose name has it.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

mod aggregate;
#[path = "../common/columnar.rs"]
mod columnar;
mod commit;
#[path = "../common/driver.rs"]
mod driver;
mod exchange;
#[path = "../common/figure.rs"]
mod figure;
#[path = "../common/hour.rs"]
mod hour;
mod join;
mod lookup;
mod rig;
mod window;

use rig::Rig;

const NAMES: [&str; 6] = ["aggregate", "window", "join", "exchange", "commit", "lookup"];

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    for name in NAMES {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            runtime.block_on(measure(name));
        }
    }
}

async fn measure(name: &str) {
    match name {
        "aggregate" => aggregate::measure().await,
        "window" => window::measure(Rig::open().await).await,
        "join" => join::measure(Rig::open().await).await,
        "exchange" => exchange::measure(Rig::open().await).await,
        "commit" => commit::measure(Rig::open().await).await,
        _ => lookup::measure(Rig::open().await).await,
    }
}
