//! Bars for work that takes its time. They are drawn on standard error, and only on a terminal.

mod script;

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{Engine, QueryInfo};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

pub use script::ScriptBar;

/// How often the numbers of the bars are read anew.
const REFRESH: Duration = Duration::from_millis(100);

/// How long work may take before there is something to see of it.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a bar over records looks like.
const RECORDS: &str = "{msg:32} {wide_bar:.cyan} {human_pos:>10}/{human_len:10}";

/// What a bar over the steps of a script looks like: what is said of one takes the room that the
/// terminal leaves, and no more.
const STEPS: &str = "{bar:20.cyan} {wide_msg} {elapsed}";

/// A bar over the bytes of a file.
pub fn bytes(title: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(title.to_owned());
    bar.with_style(style("{msg:32} {wide_bar:.cyan} {bytes:>10}/{total_bytes:10}"))
}

/// A bar over records.
pub fn records(title: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(title.to_owned());
    bar.with_style(style(RECORDS))
}

/// A bar over the steps of a script.
fn steps(total: u64, target: ProgressDrawTarget) -> ProgressBar {
    // It also goes when the work is given up.
    let bar = ProgressBar::with_draw_target(Some(total), target);
    bar.with_finish(ProgressFinish::AndClear).with_style(style(STEPS))
}

/// Waits for some work, and shows a sign that it goes on where it takes its time.
async fn waiting<T>(sign: impl FnOnce() -> ProgressBar, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(PATIENCE) => {}
    }
    let sign = sign();
    let done = work.await;
    sign.finish_and_clear();
    done
}

/// A sign of life for work of which nobody knows how long it takes.
pub fn spinner(what: String) -> ProgressBar {
    // It also goes when the work is given up.
    let spinner = ProgressBar::new_spinner().with_finish(ProgressFinish::AndClear);
    let spinner = spinner.with_style(style("{spinner} {msg} {elapsed}")).with_message(what);
    spinner.enable_steady_tick(REFRESH);
    spinner
}

/// Waits until no query has input left, and shows how far each one is.
pub async fn catch_up(engine: &Engine) -> engine::Result<Vec<QueryInfo>> {
    let mut bars = QueryBars::default();
    let idle = engine.run_until_idle();
    tokio::pin!(idle);
    loop {
        tokio::select! {
            result = &mut idle => {
                bars.refresh(&engine.queries());
                bars.finish();
                return result.map(|()| engine.queries());
            }
            () = tokio::time::sleep(REFRESH) => bars.refresh(&engine.queries()),
        }
    }
}

/// A bar per query: the records that it has read, of all that there are.
#[derive(Default)]
struct QueryBars {
    screen: MultiProgress,
    by_query: BTreeMap<String, ProgressBar>,
}

impl QueryBars {
    fn refresh(&mut self, queries: &[QueryInfo]) {
        for query in queries {
            let bar = self.bar(&query.id);
            bar.set_length(query.records_in + query.lag);
            bar.set_position(query.records_in);
        }
    }

    fn bar(&mut self, query: &str) -> &ProgressBar {
        self.by_query.entry(query.to_owned()).or_insert_with(|| {
            let bar = ProgressBar::no_length().with_message(query.to_owned());
            self.screen.add(bar.with_style(style(RECORDS)))
        })
    }

    fn finish(&self) {
        self.by_query.values().for_each(ProgressBar::finish);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates of this file are valid")
}
